/*
 * trainer_cache.c - which outputs of frozen layers a run keeps, under the mask of the moment.
 *
 * Where the transform has one result an image, or two (flipped or not), keeping them changes nothing but the
 * time. Random crops never come twice; there each image gets a number of views, which then start over. How
 * many is decided by the recipe alone, never by the memory there is: what does not fit is computed again, and
 * the run takes the same course.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/nn/freeze.h"
#include "engine/train/keep.h"
#include "engine/train/trainer.h"

static const double say_every = 5; /* seconds, while an epoch fills it */

void trainer_choose_views(trainer *t) {
    t->recipe.cache_views = keep_views(t->recipe.cache_views, t->recipe.epochs);
}

static bool uses_disk(const trainer *t) {
    return strcmp(t->recipe.cache, "auto") == 0;
}

/* A run of one epoch gains from what others kept, and keeps for others. */
static size_t wanted_cut(const trainer *t) {
    size_t cut = freeze_prefix(t->model);
    bool on = strcmp(t->recipe.cache, "off") != 0 && (t->recipe.epochs > 1 || uses_disk(t));
    return on && keep_pays(keep_share(t->model, cut), false) ? cut : 0;
}

/* Of a training image, at CUT; 0: none is kept. */
static int wanted_views(const trainer *t, size_t cut) {
    int views = transform_views(&t->plan.transform, true);
    if (cut == 0 || views > 0) return cut ? views : 0;
    bool again =
        t->recipe.cache_views < t->recipe.epochs || uses_disk(t); /* in a later run, if not in this */
    return again && keep_pays(keep_share(t->model, cut), true) ? t->recipe.cache_views : 0;
}

static bool has(void *user, size_t entry) {
    return prefix_cache_has(user, entry);
}

static void use_disk(trainer *t, bool train, prefix_cache *c, int views) {
    char *key;
    thaw_status status = trainer_cache_key(t, train, prefix_cache_cut(c), &key);
    if (thaw_failed(&status))
        trainer_log(t, 1, "the outputs of frozen layers are not kept on disk: %s", status.message);
    else
        prefix_cache_use_disk(c, key, trainer_cache_ids(t, train, views));
}

/* From now on the loader of one side keeps in a cache that is made anew, for VIEWS of each image. */
static void renew(trainer *t, bool train, int views, double share) {
    loader *from = train ? t->train : t->val;
    prefix_cache **cache = train ? &t->train_cache : &t->val_cache, *old = *cache;
    size_t entries = thaw_dataset_images(t->dataset, train) * (size_t)views;
    loader_keep(from, &(loader_keeping){0}); /* nobody asks the old one any more */
    /* With more frozen, the way from the old cut is shorter than from the pixels. */
    bool further =
        old && views > 0 && prefix_cache_cut(old) < t->cache_cut && prefix_cache_entries(old) == entries;
    if (!further) prefix_cache_free(old);
    *cache = NULL;
    if (views == 0) return;
    *cache = prefix_cache_new(t->model, t->cache_cut, entries, (size_t)(share * (double)t->cache_bytes));
    if (strcmp(t->recipe.cache_precision, "bf16") == 0) prefix_cache_halve(*cache);
    if (uses_disk(t)) use_disk(t, train, *cache, views);
    if (further) prefix_cache_extend(*cache, old);
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
    renew(t, true, t->cache_views, views / all);
    if (t->val) renew(t, false, cut ? 1 : 0, (double)val / all);
    trainer_say_cache(t);
    return true;
}

void trainer_settle_cache(trainer *t) {
    loader *const from[] = {t->train, t->val};
    prefix_cache *const cache[] = {t->train_cache, t->val_cache};
    bool less = false;
    for (int i = 0; i < 2; i++) {
        prefix_cache *c = cache[i];
        if (!c || !prefix_cache_base(c) || prefix_cache_filled(c) < prefix_cache_entries(c)) continue;
        loader_keep(from[i], &(loader_keeping){0});
        prefix_cache_drop_base(c);
        loader_keep(from[i], &(loader_keeping){.views = i == 0 ? t->cache_views : 1, .has = has, .user = c});
        less = true;
    }
    if (less) trainer_say_cache(t);
}

static size_t total(const trainer *t, size_t (*of)(const prefix_cache *c)) {
    return (t->train_cache ? of(t->train_cache) : 0) + (t->val_cache ? of(t->val_cache) : 0);
}

/* They say the same but for the reason, in which a folder's name may differ. */
static bool is_the_same(const char *a, const char *b) {
    size_t length = strcspn(a, ":");
    return length == strcspn(b, ":") && strncmp(a, b, length) == 0;
}

/* What keeps every cache of a run from the disk is told once. */
static void log_trouble(trainer *t) {
    prefix_cache *const caches[] = {t->train_cache, t->val_cache};
    for (int i = 0; i < 2; i++) {
        char *trouble = caches[i] ? prefix_cache_trouble(caches[i]) : NULL;
        if (!trouble) continue;
        if (!t->cache_trouble || !is_the_same(trouble, t->cache_trouble)) trainer_log(t, 1, "%s", trouble);
        free(t->cache_trouble);
        t->cache_trouble = trouble;
    }
}

void trainer_say_cache(trainer *t) {
    thaw_event e = {.kind = THAW_EVENT_CACHE};
    if (t->cache_cut) e.cache.layer = xstrdup(model_cut_name(t->model, t->cache_cut));
    e.cache.views = t->cache_views;
    e.cache.entries = (int64_t)total(t, prefix_cache_entries);
    e.cache.filled = (int64_t)total(t, prefix_cache_filled);
    e.cache.found = (int64_t)total(t, prefix_cache_found);
    e.cache.bytes = (int64_t)total(t, prefix_cache_bytes);
    e.cache.stored = (int64_t)total(t, prefix_cache_stored);
    e.cache.budget = t->cache_cut ? (int64_t)t->cache_bytes : 0;
    t->cache_told = (size_t)e.cache.filled;
    t->cache_told_at = clock_seconds();
    trainer_emit(t, &e);
    log_trouble(t);
}

void trainer_say_cache_growth(trainer *t) {
    if (total(t, prefix_cache_filled) != t->cache_told)
        trainer_say_cache(t);
    else
        log_trouble(t);
}

void trainer_say_cache_when_due(trainer *t) {
    if (t->cache_cut && clock_seconds() - t->cache_told_at >= say_every) trainer_say_cache_growth(t);
}
