/*
 * image_cache.h - decoded pictures kept in memory up to a budget. Private to engine/data.
 *
 * Nothing is thrown out for the next one: an epoch visits every picture once, so whatever would make room
 * would be missed before that one is. What does not fit is decoded again each time. Any thread may look and
 * put; a picture that is in stays where it is until all of them go.
 */
#ifndef ENGINE_DATA_IMAGE_CACHE_H
#define ENGINE_DATA_IMAGE_CACHE_H

#include "engine/data/image.h"

typedef struct image_cache image_cache;

image_cache *image_cache_new(size_t entries, size_t bytes_max);
void image_cache_free(image_cache *c); /* no thread may use it any more; NULL is fine */
/* From now on what is put has to fit into so much; what is there stays. */
void image_cache_limit(image_cache *c, size_t bytes_max);
void image_cache_empty(image_cache *c); /* while no other thread uses it */
size_t image_cache_bytes(image_cache *c);

/* Borrowed until image_cache_empty, or NULL. */
const image *image_cache_get(image_cache *c, size_t entry);
/* Whether a picture of this size would fit now; others may be quicker. */
bool image_cache_has_room(image_cache *c, int width, int height);
/* Take IM over when it fits and return what the cache holds now; else return NULL and leave IM to the caller.
 */
const image *image_cache_put(image_cache *c, size_t entry, image *im);

#endif
