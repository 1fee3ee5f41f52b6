/*
 * prefix_cache.h - what the frozen layers make of the images, kept.
 *
 * Before the deepest cut with only frozen layers in front of it (freeze_prefix) a network is a fixed function
 * of the image, so it need not be computed twice. The cache holds one activation an entry (an image, or one
 * view of it: loader_keeping), in one tensor on the model's device, as far as its budget goes. Nothing is
 * thrown out: an epoch visits every entry about as often as any other.
 *
 * Only one thread puts and gets; any may ask whether an entry is there.
 */
#ifndef ENGINE_TRAIN_PREFIX_CACHE_H
#define ENGINE_TRAIN_PREFIX_CACHE_H

#include "engine/nn/model.h"

typedef struct prefix_cache prefix_cache;

/* For activations at CUT of M (borrowed), ENTRIES of them or as many as fit BYTES. Memory is taken by the
   first put. */
prefix_cache *prefix_cache_new(model *m, size_t cut, size_t entries, size_t bytes);
void prefix_cache_free(prefix_cache *c); /* NULL is fine */

size_t prefix_cache_cut(const prefix_cache *c);
size_t prefix_cache_entries(const prefix_cache *c);
size_t prefix_cache_filled(const prefix_cache *c); /* entries that are there */
size_t prefix_cache_bytes(const prefix_cache *c);  /* of those */
/* Why nothing can be kept after all, or NULL. */
const char *prefix_cache_trouble(const prefix_cache *c);

bool prefix_cache_has(const prefix_cache *c, size_t entry); /* any thread */

/* Keep the first COUNT rows of Y, activations at the cut, for ENTRY, as far as there is room: how many. */
int prefix_cache_put(prefix_cache *c, tscope *s, tensor *y, const size_t *entry, int count);

/*
 * The activations of ENTRY[0..COUNT-1], (COUNT, ...), dense, the scope's. Those that are not there are the
 * rows of FRESH, in order (FRESH may have more rows behind them, and be NULL when everything is there).
 */
tensor *prefix_cache_get(prefix_cache *c, tscope *s, const size_t *entry, int count, tensor *fresh);

#endif
