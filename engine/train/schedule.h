/*
 * schedule.h - the learning rate as a pure function of the step, so that resuming needs no state.
 *
 * Sources: linear warm-up, Goyal et al. 2017 (arXiv 1706.02677) section 2.2; cosine, Loshchilov & Hutter 2016
 * (arXiv 1608.03983) equation 5 without restarts, per step; step decay, torch's StepLR.
 */
#ifndef ENGINE_TRAIN_SCHEDULE_H
#define ENGINE_TRAIN_SCHEDULE_H

#include <stdint.h>

#include "thaw/recipe.h"

/* Plain data: copied freely, nothing to free. */
typedef struct schedule {
    double (*factor)(const struct schedule *s, double base, double step); /* after the warm-up; times BASE */
    double warmup; /* steps that rise linearly from a tenth of the rate; 0: none */
    double every;  /* "step": steps between two drops */
    double gamma;  /* "step": factor of a drop */
    double min_lr; /* "cosine": rate at the end */
    double total;  /* steps of the whole run */
} schedule;

/* The schedule of a recipe in a run of EPOCHS times STEPS_PER_EPOCH steps. Fails on an unknown name. */
thaw_status schedule_init(const thaw_recipe *r, int steps_per_epoch, schedule *out);

/*
 * The rate of STEP (0-based) when the base rate is BASE. In the warm-up BASE * (0.1 + 0.9 step / warmup);
 * after it constant  BASE step      BASE * gamma ^ floor(step / every), steps counted from the beginning of
 * the run cosine    min + (BASE - min) / 2 * (1 + cos(pi * (step - warmup) / (total - warmup)))
 */
double schedule_lr(const schedule *s, double base, int64_t step);

#endif
