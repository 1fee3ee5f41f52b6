/*
 * image_cache.c - see image_cache.h. An entry goes from NULL to a finished picture in one atomic step, so
 * readers need no lock.
 */
#include "engine/data/image_cache.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "engine/base/alloc.h"

struct image_cache {
    size_t entries, bytes_max;
    atomic_size_t bytes;
    _Atomic(image *) *entry;
};

image_cache *image_cache_new(size_t entries, size_t bytes_max) {
    image_cache *c = xcalloc(1, sizeof *c);
    c->entries = entries;
    c->bytes_max = bytes_max;
    c->entry = xcalloc(entries, sizeof *c->entry);
    return c;
}

void image_cache_free(image_cache *c) {
    if (!c) return;
    for (size_t i = 0; i < c->entries; i++) {
        image *im = atomic_load(&c->entry[i]);
        if (im) image_clear(im);
        free(im);
    }
    free(c->entry);
    free(c);
}

const image *image_cache_get(image_cache *c, size_t entry) {
    return atomic_load_explicit(&c->entry[entry], memory_order_acquire);
}

static size_t picture_bytes(int width, int height) {
    return sizeof(image) + (size_t)width * (size_t)height * 3;
}

bool image_cache_has_room(image_cache *c, int width, int height) {
    size_t bytes = picture_bytes(width, height), used = atomic_load(&c->bytes);
    return bytes <= c->bytes_max && used <= c->bytes_max - bytes;
}

/* Account for BYTES when they fit. */
static bool reserve(image_cache *c, size_t bytes) {
    size_t used = atomic_load(&c->bytes);
    do {
        if (bytes > c->bytes_max || used > c->bytes_max - bytes) return false;
    } while (!atomic_compare_exchange_weak(&c->bytes, &used, used + bytes));
    return true;
}

const image *image_cache_put(image_cache *c, size_t entry, image *im) {
    size_t bytes = picture_bytes(im->width, im->height);
    if (!reserve(c, bytes)) return NULL;
    image *kept = xmalloc(sizeof *kept);
    *kept = *im;
    image *before = NULL;
    if (atomic_compare_exchange_strong(&c->entry[entry], &before, kept)) {
        *im = (image){0};
        return kept;
    }
    free(kept); /* another thread was first */
    atomic_fetch_sub(&c->bytes, bytes);
    image_clear(im);
    return before;
}
