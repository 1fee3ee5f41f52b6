/*
 * norm_drift.h - how far batch norm's running statistics are from where the run found them.
 *
 * Weights that stay bit-identical say nothing of these: with moving statistics a frozen layer still changes.
 * They are a few numbers a channel, so measuring means reading them, not computing on the device.
 */
#ifndef ENGINE_TRAIN_NORM_DRIFT_H
#define ENGINE_TRAIN_NORM_DRIFT_H

#include "engine/nn/model.h"

typedef struct norm_drift norm_drift;

norm_drift *norm_drift_new(model *m); /* borrowed, outlives it */
void norm_drift_free(norm_drift *d);  /* NULL is fine */

/* Remember the present statistics of every norm that is not frozen, but for those that are remembered
   already. Call it when the mask changes, before the next step. */
thaw_status norm_drift_remember(norm_drift *d);
/* The same for one layer, whatever its state; no norm: nothing. */
thaw_status norm_drift_remember_layer(norm_drift *d, const layer *l);
void norm_drift_forget(norm_drift *d); /* the start is not known: all is NaN from now on */

/* Do L's statistics move: is it a norm that is not frozen? */
bool norm_drift_moves(const layer *l);

/*
 * The distance between the normal distributions that the statistics of now and of the start describe, in
 * deviations of the start, as the root mean square over channels: sqrt(mean(((mean - mean0) / s0)^2 + (s / s0
 * - 1)^2)),  s = sqrt(variance + eps) (2-Wasserstein). Of the COUNT norms L, to OUT: NaN where the start is
 * not known.
 */
thaw_status norm_drift_measure(norm_drift *d, const layer *const *l, size_t count, double *out);

#endif
