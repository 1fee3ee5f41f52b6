/*
 * trainer_cache.c - which outputs of frozen layers a run keeps, under the mask of the moment.
 *
 * Where the transform has one result an image, or two (flipped or not), keeping them changes nothing but the
 * time. Random crops never come twice; there each image gets a number of views, which then start over. How
 * many is decided by the recipe alone, never by the memory there is: what does not fit is computed again, and
 * the run takes the same course.
 */
#include "engine/base/alloc.h"
#include "engine/nn/freeze.h"
#include "engine/train/keep.h"
#include "engine/train/trainer.h"

void trainer_choose_views(trainer *t) {
    t->recipe.cache_views = keep_views(t->recipe.cache_views, t->recipe.epochs);
}

static size_t wanted_cut(const trainer *t) {
    size_t cut = freeze_prefix(t->model);
    bool worth = t->cache_bytes > 0 && t->recipe.epochs > 1 && keep_pays(keep_share(t->model, cut), false);
    return worth ? cut : 0;
}

/* Of a training image, at CUT; 0: none is kept. */
static int wanted_views(const trainer *t, size_t cut) {
    int views = transform_views(&t->plan.transform, true);
    if (cut == 0 || views > 0) return cut ? views : 0;
    bool again = t->recipe.cache_views < t->recipe.epochs;
    return again && keep_pays(keep_share(t->model, cut), true) ? t->recipe.cache_views : 0;
}

static bool has(void *user, size_t entry) {
    return prefix_cache_has(user, entry);
}

/* From now on LOADER keeps in CACHE, which is made anew for VIEWS of its IMAGES. */
static void renew(trainer *t, loader *from, prefix_cache **cache, size_t images, int views, double share) {
    loader_keep(from, &(loader_keeping){0}); /* nobody asks the old one any more */
    prefix_cache_free(*cache);
    *cache = NULL;
    if (views == 0) return;
    size_t bytes = (size_t)(share * (double)t->cache_bytes);
    *cache = prefix_cache_new(t->model, t->cache_cut, images * (size_t)views, bytes);
    loader_keep(from, &(loader_keeping){.views = views, .has = has, .user = *cache});
}

bool trainer_renew_cache(trainer *t) {
    size_t cut = wanted_cut(t);
    t->cache_stale = false;
    if (cut == t->cache_cut) return false;
    t->cache_cut = cut;
    t->cache_views = wanted_views(t, cut);
    size_t train = thaw_dataset_images(t->dataset, true), val = thaw_dataset_images(t->dataset, false);
    double views = (double)train * t->cache_views, all = views + (double)val;
    renew(t, t->train, &t->train_cache, train, t->cache_views, views / all);
    if (t->val) renew(t, t->val, &t->val_cache, val, cut ? 1 : 0, (double)val / all);
    trainer_say_cache(t);
    return true;
}

static size_t total(const trainer *t, size_t (*of)(const prefix_cache *c)) {
    return (t->train_cache ? of(t->train_cache) : 0) + (t->val_cache ? of(t->val_cache) : 0);
}

void trainer_say_cache(trainer *t) {
    const prefix_cache *caches[] = {t->train_cache, t->val_cache};
    thaw_event e = {.kind = THAW_EVENT_CACHE};
    if (t->cache_cut) e.cache.layer = xstrdup(model_cut_name(t->model, t->cache_cut));
    e.cache.views = t->cache_views;
    e.cache.entries = (int64_t)total(t, prefix_cache_entries);
    e.cache.filled = (int64_t)total(t, prefix_cache_filled);
    e.cache.bytes = (int64_t)total(t, prefix_cache_bytes);
    e.cache.budget = t->cache_cut ? (int64_t)t->cache_bytes : 0;
    t->cache_told = (size_t)e.cache.filled;
    trainer_emit(t, &e);
    for (int i = 0; i < 2 && !t->cache_trouble_told; i++) {
        const char *trouble = caches[i] ? prefix_cache_trouble(caches[i]) : NULL;
        if (trouble) trainer_log(t, 1, "the outputs of frozen layers are not kept: %s", trouble);
        t->cache_trouble_told = trouble;
    }
}

void trainer_say_cache_growth(trainer *t) {
    if (total(t, prefix_cache_filled) != t->cache_told) trainer_say_cache(t);
}
