/*
 * duplicates.h - hashes of files and of pictures. Private to engine/data.
 */
#ifndef ENGINE_DATA_DUPLICATES_H
#define ENGINE_DATA_DUPLICATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/data/image.h"

typedef struct picture_hash {
    uint64_t high, low;
} picture_hash;

/* Of at most MOST bytes of the file at PATH (0: all). False: it cannot be read. */
bool picture_hash_file(const char *path, size_t most, picture_hash *out);
/* Of its size and pixels. ASKER (NULL: nobody) may give it up while it decodes: false as well. */
bool picture_hash_pixels(const char *path, const image_asker *asker, picture_hash *out);

#endif
