/*
 * evaluate.c - see evaluate.h.
 */
#include "engine/train/evaluate.h"

thaw_status evaluate(learner *l, loader *from, prefix_cache *cache, evaluate_poll poll, void *user,
                     metrics *score, mistakes *worst) {
    int batches = loader_batches(from), side = loader_side(from);
    loader_start(from, 0, 0);
    for (int done = 0;; done++) {
        if (poll && !poll(user, done, batches))
            return thaw_error(THAW_ERR_CANCELLED, "the evaluation was stopped");
        batch *b = loader_next(from);
        if (!b) return thaw_ok();
        thaw_status status = thaw_ok();
        if (b->count > 0) {
            image_batch in = {.count = b->count,
                              .height = side,
                              .width = side,
                              .pixels = b->pixels,
                              .cache = cache,
                              .entry = b->entry,
                              .loaded = b->loaded,
                              .room = loader_batch_size(from)};
            status = learner_infer(l, &in);
            if (!thaw_failed(&status)) metrics_add_scored(score, l->logits, b->label, b->count);
            if (!thaw_failed(&status) && worst) mistakes_add(worst, l->logits, score->classes, b, false);
        }
        loader_release(from, b);
        if (thaw_failed(&status) && cache && prefix_cache_lost(cache)) {
            loader_start(from, 0, done--); /* damaged: this batch again, from the pixels */
            continue;
        }
        THAW_TRY(status);
    }
}
