/*
 * forecast.h - how much of a run's work is done once only, before it runs: what frozen layers make of an
 * image is kept, as far as memory allows. Needs no libtorch.
 */
#ifndef THAW_FORECAST_H
#define THAW_FORECAST_H

#include <stdint.h>

#include "thaw/layers.h"
#include "thaw/recipe.h"

typedef struct thaw_forecast {
    int64_t steps;     /* of the whole run */
    double whole;      /* of them: that compute every layer; the others find the frozen ones' outputs */
    double kept_share; /* of a whole step's multiply-accumulates, that is left in those others */
    double work;       /* whole steps (of the first phase) that all of it amounts to */
    int views;         /* of a training image that are kept; 0: none */
} thaw_forecast;

/* A run of RECIPE over IMAGES to train with, under the mask of LAYERS and then those of its phases, if all
 * that is to be kept finds room. kept_share and views are of the first phase. LAYERS are as before
 * afterwards. */
thaw_forecast thaw_forecast_run(const thaw_layers *layers, const thaw_recipe *recipe, int64_t images);

/* Bytes that a run of R keeps at most, of AVAILABLE: decoded images, and what frozen layers make of them.
 * Both give way to nothing else, but are made no larger than what is free allows, and only as far as there is
 * something to keep. */
int64_t thaw_forecast_caches(const thaw_recipe *r, int64_t available);

/* Of STEPS in epochs of EPOCH steps with BATCH images, each in one of two views by chance: how many meet one
 * that is not kept. At first the share LACKING is not; it halves with each epoch. */
double thaw_forecast_by_chance(double steps, double epoch, double batch, double lacking);

#endif
