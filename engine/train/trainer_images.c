/*
 * trainer_images.c - whether images stay decoded in memory.
 *
 * Where outputs of frozen layers are kept, an image is decoded once for each of its views and never again.
 * Each view costs a pass through those layers too, and beside that decoding is mostly nothing, while decoded
 * images would be the most that a run has in memory. So there they are kept only once decoding was seen to
 * take time, and until every output is there. It changes nothing but the time: the pixels are the same.
 */
#include <malloc.h>

#include "engine/base/thread.h"
#include "engine/train/trainer.h"

/* Of an epoch's processor time, or of the trainer's in waiting: less is not worth the memory. */
static const double decoding_least = 0.1;

enum { WEIGH_BATCHES = 16 }; /* what is decoded ahead of them hardly counts */

/* Some image will be read again. */
static bool is_lacking(const prefix_cache *c) {
    return !c || prefix_cache_filled(c) < prefix_cache_entries(c);
}

static bool may_help(const trainer *t, const loader *l, const prefix_cache *c) {
    return is_lacking(c) && (!c || t->decoding.pays || loader_image_bytes(l) > 0);
}

void trainer_choose_images(trainer *t) {
    loader *const from[] = {t->train, t->val};
    const prefix_cache *const cache[] = {t->train_cache, t->val_cache};
    for (int i = 0; i < 2; i++) {
        if (!from[i]) continue;
        bool had = loader_image_bytes(from[i]) > 0, keep = may_help(t, from[i], cache[i]);
        loader_keep_images(from[i], keep);
        if (had && !keep) malloc_trim(0); /* they lay in the loader's threads' heaps */
    }
    t->decoding.before = loader_worked(t->train).decode;
    t->decoding.seconds = t->decoding.waited = 0;
}

void trainer_weigh_decoding(trainer *t, const batch *b, double seconds) {
    t->decoding.waited += b->wait;
    t->decoding.seconds += seconds;
    int done = b->number + 1;
    bool due = done % WEIGH_BATCHES == 0 || done == loader_batches(t->train);
    if (!due || t->decoding.pays || !t->train_cache || !is_lacking(t->train_cache)) return;
    double decoded = (loader_worked(t->train).decode - t->decoding.before) / cpu_count();
    double taken = decoded > t->decoding.waited ? decoded : t->decoding.waited;
    t->decoding.pays = taken >= decoding_least * t->decoding.seconds;
    if (t->decoding.pays) loader_keep_images(t->train, true);
}
