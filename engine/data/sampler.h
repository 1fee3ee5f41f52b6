/*
 * sampler.h - one image of an epoch: which view of it is shown, and its pixels. Private to engine/data; any
 * thread may call.
 */
#ifndef ENGINE_DATA_SAMPLER_H
#define ENGINE_DATA_SAMPLER_H

#include <stdatomic.h>

#include "engine/data/image_cache.h"
#include "engine/data/loader.h"

/* Everything is borrowed. */
typedef struct sampler {
    const loader_params *params;
    const split *split;
    image_cache *cache; /* of decoded images, NULL: none */
    loader_keeping keeping;
    atomic_llong decode_nanoseconds, transform_nanoseconds; /* of all threads so far */
} sampler;

typedef struct drawn {
    uint32_t index; /* in the split */
    rng r;          /* decides which view it is */
    size_t entry;   /* see loader_keeping */
    bool kept;      /* the pixels are not needed */
} drawn;

/* The random numbers of an image: what they give is the same whoever asks. ROUND is the epoch, or with kept
 * views the epoch modulo their number. */
rng sampler_numbers(uint64_t seed, int round, uint32_t index);
/* How small a training image may be decoded; 0: exactly. */
int sampler_wanted_side(const transform *t, bool train, bool fast_decode);
drawn sampler_draw(const sampler *s, int epoch, uint32_t index);
/* Read, decode and transform into OUT, crop x crop x 3. A failure's message is a reason without
   the file's name, to stand beside it in a list. */
thaw_status sampler_load(sampler *s, drawn *x, uint8_t *out);

#endif
