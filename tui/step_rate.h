/*
 * step_rate.h - how long a step will take, from steps that were measured.
 *
 * What a mask costs is known in multiply-accumulates before anything runs (thaw_layers_cost); how fast a
 * machine does those is known once it has done some. One figure a model, a device and a precision carries a
 * measured step over to every other mask, head and batch size.
 */
#ifndef TUI_STEP_RATE_H
#define TUI_STEP_RATE_H

#include <stdbool.h>

#include "thaw/layers.h"
#include "thaw/recipe.h"
#include "tui/run_view.h"

typedef struct step_rate {
    double seconds_per_mac; /* 0: nothing was measured */
    char *model, *device, *precision;
} step_rate;

void step_rate_clear(step_rate *r);

/* Multiply-accumulates of a step of the run under its present mask; 0 when its recipe does not say. */
double step_rate_work(const run_view *v);
/* Take over what V's newest steps measured, given its step_rate_work. False: none was measured. */
bool step_rate_take(step_rate *r, const run_view *v, double work);

/* Does it hold for a run of RECIPE? DEVICE (may be NULL) is what "auto" stands for here. */
bool step_rate_fits(const step_rate *r, const thaw_recipe *recipe, const char *device);
/* Seconds of computing a step of RECIPE takes that costs so much. Waiting for images comes on top. */
double step_rate_seconds(const step_rate *r, const thaw_recipe *recipe, const thaw_cost *cost);

/* Optimizer floats a trainable parameter has, for thaw_layers_cost. */
int step_rate_optimizer_floats(const thaw_recipe *recipe);

#endif
