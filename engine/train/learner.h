/*
 * learner.h - a model, an optimizer and the one step that joins them; no dataset, no run, no thread.
 *
 * This is all that a training trajectory consists of, so a test can drive it with its own images and compare
 * each step with another program's:
 *
 *     optimizer_new(&recipe, model, &o);
 *     learner l = {.model = model, .optimizer = o, .seed = recipe.seed};
 *     learner_mask_changed(&l);
 *     for (step = 0; step < 20; step++) learner_step(&l, &batch, step, lr, NULL, &result);
 *     learner_clear(&l);
 */
#ifndef ENGINE_TRAIN_LEARNER_H
#define ENGINE_TRAIN_LEARNER_H

#include "engine/train/layer_stats.h"
#include "engine/train/optimizer.h"
#include "engine/train/prefix_cache.h"
#include "engine/train/profile.h"
#include "engine/train/step_graph.h"

/* Model and optimizer are borrowed. */
typedef struct learner {
    model *model;         /* materialised */
    optimizer *optimizer; /* NULL where nothing is trained */
    bool bf16;            /* autocast on the model's device */
    double label_smoothing;
    uint64_t seed;     /* of the dropout masks */
    profile *profile;  /* borrowed, or NULL: told what the time of a step goes into */
    step_graph *graph; /* owned, or NULL: steps are computed as they come */
    float *logits;     /* of the last batch, count x classes: owned */
    size_t logits_capacity;
} learner;

void learner_clear(learner *l); /* what the learner owns; not model and optimizer */

/* Images as the loader delivers them: borrowed for the call. */
typedef struct image_batch {
    int count;
    int height, width;
    uint8_t *pixels;      /* count x height x width x 3 (NHWC), for model_set_pixels; or NULL: */
    float *numbers;       /* the same, normalised */
    const int64_t *label; /* count; NULL in learner_infer */
    /*
     * CACHE holds activations of images of this split, which have the model's present prefix, and is given
     * those that are missing; NULL: none, and the rest is not looked at. What is missing is computed ROOM
     * images at a time whatever their number, so that an activation does not depend on its company.
     */
    prefix_cache *cache;
    const size_t *entry; /* count: in CACHE */
    const bool *loaded;  /* count: the pixels are there; NULL: all are */
    int room;            /* at least count: images there is room for in pixels */
} image_batch;

/* Bring tensors and optimizer in line with the model's freeze states: after freeze_apply, before the next
 * step. */
thaw_status learner_mask_changed(learner *l);

/*
 * One step: forward, mean cross-entropy, backward, update at base rate LR. STEP keys the dropout masks. LOSS
 * is that before the update, the head's alone; l->logits are the batch's. STATS (or NULL) measures this step.
 * A loss that is not finite gives THAW_ERR_NUMERIC and leaves every weight as it was (running statistics have
 * seen the batch).
 */
thaw_status learner_step(learner *l, const image_batch *batch, int64_t step, double lr, layer_stats *stats,
                         double *loss);

/* Evaluation mode, nothing recorded: l->logits. */
thaw_status learner_infer(learner *l, const image_batch *batch);

/* Whether a batch of one image would leave a normalisation with moving statistics a single value a channel:
   its variance is not defined, and running_var would become NaN. Names the layer, or NULL. */
const layer *learner_needs_two(const learner *l);

#endif
