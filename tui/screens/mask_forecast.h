/*
 * mask_forecast.h - what a mask will cost before it is applied, beside what was measured under the one in
 * force.
 */
#ifndef TUI_SCREENS_MASK_FORECAST_H
#define TUI_SCREENS_MASK_FORECAST_H

#include "tui/app.h"
#include "tui/screens/facts.h"

typedef struct mask_forecast {
    thaw_cost cost;
    double seconds; /* of computing, a step; NaN: no step of this model was measured yet */
    double memory;  /* bytes, the runtime's included */
} mask_forecast;

/* Of the mask under edit, and of it with NODE in the next of its states (the layers are as before
 * afterwards). There are layers. */
mask_forecast mask_forecast_now(app *a);
mask_forecast mask_forecast_after(app *a, int node);

/* A table of both, and of what the run measures while one is on. NODE: the layer under the cursor. */
void mask_forecast_draw(facts *f, app *a, int node);

#endif
