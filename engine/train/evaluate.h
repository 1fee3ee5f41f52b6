/*
 * evaluate.h - what a model scores on a split: plain cross-entropy (without label smoothing), top-1, top-5
 * and each class.
 */
#ifndef ENGINE_TRAIN_EVALUATE_H
#define ENGINE_TRAIN_EVALUATE_H

#include "engine/data/loader.h"
#include "engine/train/learner.h"
#include "engine/train/metrics.h"
#include "engine/train/mistakes.h"

/* Asked before every batch; false ends the evaluation with THAW_ERR_CANCELLED. */
typedef bool (*evaluate_poll)(void *user, int batches_done, int batches);

/* Run L's model in evaluation mode over one pass of FROM adding to SCORE. CACHE is what FROM keeps (see
   loader_keep), or NULL; POLL may be NULL. WORST (may be NULL) gets the worst mistakes, unsorted. */
thaw_status evaluate(learner *l, loader *from, prefix_cache *cache, evaluate_poll poll, void *user,
                     metrics *score, mistakes *worst);

#endif
