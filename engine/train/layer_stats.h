/*
 * layer_stats.h - how far each layer moves: update, gradient and drift, relative to the weights.
 *
 * Measuring a step costs a copy of the trainable weights and three passes over them, so the trainer does it a
 * few times an epoch. Nothing here changes a weight: a run measured often ends where one measured never does.
 */
#ifndef ENGINE_TRAIN_LAYER_STATS_H
#define ENGINE_TRAIN_LAYER_STATS_H

#include "engine/train/optimizer.h"
#include "thaw/event.h"

typedef struct layer_stats layer_stats;

layer_stats *layer_stats_new(model *m); /* borrowed, outlives it */
void layer_stats_free(layer_stats *ls); /* NULL is fine */

/* Remember the present weights of what is trainable as those that drift is measured from; ones that are
   remembered already stay as they are. Call it when the mask changes, before the next step. */
thaw_status layer_stats_remember(layer_stats *ls, optimizer *o);
/* The same for one parameter. */
thaw_status layer_stats_remember_param(layer_stats *ls, const param *p);
/* The same for a norm's running statistics; nothing where L is none. */
thaw_status layer_stats_remember_norm(layer_stats *ls, const layer *l);
/* The weights before this sitting are not known: drift is NaN from now on. */
void layer_stats_forget(layer_stats *ls);

/* Around optimizer_step, with the gradients still there: before it, and after it. */
thaw_status layer_stats_before(layer_stats *ls, optimizer *o);
thaw_status layer_stats_after(layer_stats *ls, optimizer *o);

/* A LAYERS event from the last measured step: one item a leaf layer with trainable parameters or
   moving statistics. */
void layer_stats_event(const layer_stats *ls, thaw_event *out);

#endif
