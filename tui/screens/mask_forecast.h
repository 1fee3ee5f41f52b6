/*
 * mask_forecast.h - what a mask will cost before it is applied, beside what was measured under the one in
 * force.
 */
#ifndef TUI_SCREENS_MASK_FORECAST_H
#define TUI_SCREENS_MASK_FORECAST_H

#include "tui/app.h"
#include "tui/screens/facts.h"
#include "tui/screens/layer_pane.h"

typedef struct mask_forecast {
    thaw_cost cost;
    double seconds; /* of computing, a step; NaN: no step of this model was measured yet */
    double memory;  /* bytes, the runtime's included */
} mask_forecast;

/* Of the mask under edit. There are layers. */
mask_forecast mask_forecast_now(app *a);
/* The same after Space on what P has selected, or the cursor's layer (the layers are as before afterwards).
 * False: there is nothing to freeze in it. */
bool mask_forecast_after(app *a, const layer_pane *p, mask_forecast *out);

/* A table of both, and of what the run measures while one is on. */
void mask_forecast_draw(facts *f, app *a, const layer_pane *p);

#endif
