/*
 * image_cache.c - see image_cache.h. An entry goes from NULL to a finished picture in one atomic step, so
 * readers need no lock.
 */
#include "engine/data/image_cache.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "engine/base/alloc.h"

struct image_cache {
    size_t entries;
    atomic_size_t bytes_max, bytes;
    _Atomic(image *) *entry;
};

image_cache *image_cache_new(size_t entries, size_t bytes_max) {
    image_cache *c = xcalloc(1, sizeof *c);
    c->entries = entries;
    atomic_init(&c->bytes_max, bytes_max);
    c->entry = xcalloc(entries, sizeof *c->entry);
    return c;
}

void image_cache_limit(image_cache *c, size_t bytes_max) {
    atomic_store(&c->bytes_max, bytes_max);
}

void image_cache_empty(image_cache *c) {
    for (size_t i = 0; i < c->entries; i++) {
        image *im = atomic_exchange(&c->entry[i], NULL);
        if (im) image_clear(im);
        free(im);
    }
    atomic_store(&c->bytes, 0);
}

size_t image_cache_bytes(image_cache *c) {
    return atomic_load(&c->bytes);
}

void image_cache_free(image_cache *c) {
    if (!c) return;
    image_cache_empty(c);
    free(c->entry);
    free(c);
}

const image *image_cache_get(image_cache *c, size_t entry) {
    return atomic_load_explicit(&c->entry[entry], memory_order_acquire);
}

static size_t picture_bytes(int width, int height) {
    return sizeof(image) + (size_t)width * (size_t)height * 3;
}

static bool fits(image_cache *c, size_t bytes, size_t used) {
    size_t most = atomic_load(&c->bytes_max);
    return bytes <= most && used <= most - bytes;
}

bool image_cache_has_room(image_cache *c, int width, int height) {
    return fits(c, picture_bytes(width, height), atomic_load(&c->bytes));
}

/* Account for BYTES when they fit. */
static bool reserve(image_cache *c, size_t bytes) {
    size_t used = atomic_load(&c->bytes);
    do {
        if (!fits(c, bytes, used)) return false;
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
