/*
 * learner_input.c - see learner_input.h.
 *
 * An activation must not depend on the images beside it, or a run would depend on what was kept when. So what
 * is missing is computed a whole batch at a time (room images), even for one image; the last one stands for
 * those there are not.
 */
#include "engine/train/learner_input.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

/* COUNT images, bytes or numbers, where the model is: its first stage makes numbers of bytes. On the CPU that
 * changes their order as well; elsewhere the order is changed while they are bytes. */
static act from_images(tscope *s, const model *m, const image_batch *batch, void *images, int count) {
    shape size = SHAPE_4(count, 3, batch->height, batch->width);
    dtype type = batch->pixels ? DTYPE_U8 : DTYPE_F32;
    tensor *x = t_from_blob(s, size, type, images, FORMAT_CHANNELS_LAST);
    bool as_they_are = type == DTYPE_U8 && m->device.kind == DEVICE_CPU;
    return (act){.size = size, .t = as_they_are ? x : t_to(s, x, m->device, type, m->format)};
}

static void *images_of(const image_batch *batch) {
    return batch->pixels ? (void *)batch->pixels : batch->numbers;
}

/* Entries of a batch that have to be computed, from one source. */
typedef struct missing {
    int *place;    /* in the batch */
    size_t *entry; /* room of them: the last one is repeated */
    int count;
} missing;

static void missing_add(missing *m, int place, size_t entry) {
    m->place[m->count] = place;
    m->entry[m->count++] = entry;
}

static missing missing_new(int room) {
    return (missing){.place = xcalloc((size_t)room, sizeof(int)),
                     .entry = xcalloc((size_t)room, sizeof(size_t))};
}

static void missing_clear(missing *m) {
    free(m->place);
    free(m->entry);
}

/* The images at the missing places side by side, ROOM of them. The caller frees them. */
static void *gather(const image_batch *batch, const missing *from) {
    size_t values = (size_t)batch->height * (size_t)batch->width * 3;
    size_t bytes = values * (batch->pixels ? sizeof *batch->pixels : sizeof *batch->numbers);
    char *side_by_side = xreallocarray(NULL, (size_t)batch->room, bytes), *images = images_of(batch);
    for (int i = 0; i < batch->room; i++) {
        size_t at = (size_t)from->place[i < from->count ? i : from->count - 1];
        memcpy(side_by_side + (size_t)i * bytes, images + at * bytes, bytes);
    }
    return side_by_side;
}

static prefix_rows keep(learner *l, prefix_cache *c, tscope *s, act y, const missing *of) {
    profile_enter(l->profile, THAW_PHASE_KEPT);
    prefix_cache_put(c, s, y.t, of->entry, of->count);
    return (prefix_rows){.rows = y.t, .entry = of->entry, .count = of->count};
}

static prefix_rows compute_from_pixels(learner *l, tscope *s, pass *p, const image_batch *batch,
                                       const missing *of) {
    bool whole = of->count == batch->room;
    profile_enter(l->profile, THAW_PHASE_UPLOAD);
    void *images = whole ? images_of(batch) : gather(batch, of);
    act x = from_images(s, l->model, batch, images, batch->room);
    act y = model_forward(l->model, p, x, 0, prefix_cache_cut(batch->cache));
    prefix_rows rows = keep(l, batch->cache, s, y, of);
    if (!whole) free(images);
    return rows;
}

static prefix_rows compute_from_base(learner *l, tscope *s, pass *p, const image_batch *batch,
                                     const missing *of) {
    prefix_cache *base = prefix_cache_base(batch->cache);
    for (int i = of->count; i < batch->room; i++)
        of->entry[i] = of->entry[of->count - 1];
    tensor *t = prefix_cache_get(base, s, of->entry, batch->room, NULL, 0);
    act x = {.size = t_shape(s, t), .t = t};
    act y = model_forward(l->model, p, x, prefix_cache_cut(base), prefix_cache_cut(batch->cache));
    return keep(l, batch->cache, s, y, of);
}

/* Sort what is not at the cut by what it can be computed from. False: something is nowhere. */
static bool find_missing(const image_batch *batch, missing *pixels, missing *base) {
    const prefix_cache *below = prefix_cache_base(batch->cache);
    bool all = true;
    for (int i = 0; i < batch->count; i++) {
        size_t entry = batch->entry[i];
        if (prefix_cache_here(batch->cache, entry)) continue;
        bool in_base = below && prefix_cache_here(below, entry);
        missing_add(in_base ? base : pixels, i, entry);
        all = all && (in_base || !batch->loaded || batch->loaded[i]);
    }
    return all;
}

static act from_cache(learner *l, tscope *s, pass *p, const image_batch *batch) {
    missing pixels = missing_new(batch->room), base = missing_new(batch->room);
    prefix_rows fresh[2];
    int parts = 0;
    if (!find_missing(batch, &pixels, &base)) prefix_cache_miss(batch->cache, s);
    if (pixels.count && !tscope_failed(s)) fresh[parts++] = compute_from_pixels(l, s, p, batch, &pixels);
    if (base.count && !tscope_failed(s)) fresh[parts++] = compute_from_base(l, s, p, batch, &base);
    tensor *t =
        tscope_failed(s) ? NULL : prefix_cache_get(batch->cache, s, batch->entry, batch->count, fresh, parts);
    missing_clear(&pixels);
    missing_clear(&base);
    return (act){.size = t ? t_shape(s, t) : (shape){0}, .t = t};
}

act learner_input(learner *l, tscope *s, pass *p, const image_batch *batch, size_t *cut) {
    *cut = batch->cache ? prefix_cache_cut(batch->cache) : 0;
    return batch->cache ? from_cache(l, s, p, batch)
                        : from_images(s, l->model, batch, images_of(batch), batch->count);
}
