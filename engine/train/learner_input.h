/*
 * learner_input.h - a batch as the network takes it: pixels, or what is kept of its frozen beginning. Private
 * to learner.
 */
#ifndef ENGINE_TRAIN_LEARNER_INPUT_H
#define ENGINE_TRAIN_LEARNER_INPUT_H

#include "engine/train/learner.h"

/* The batch at cut *CUT: 0, or its cache's. What the cache lacks is computed within P and put into it. */
act learner_input(learner *l, tscope *s, pass *p, const image_batch *batch, size_t *cut);

#endif
