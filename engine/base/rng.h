/*
 * rng.h - our own random numbers: shuffles, augmentation, dropout masks and initialisation.
 *
 * libtorch's streams are not stable between its releases, and resuming bit-identically must not depend on
 * generator state. So a generator is cheap to make and keyed by what it is for: rng_keyed(seed, RNG_AUGMENT,
 * epoch, index) gives the same numbers whichever thread asks and however often the run was interrupted.
 * Generator: xoshiro256++ (Blackman & Vigna 2019) seeded through splitmix64.
 */
#ifndef ENGINE_BASE_RNG_H
#define ENGINE_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

typedef struct rng {
    uint64_t state[4];
} rng;

/* What a stream is for, so that two uses never share numbers. */
typedef enum rng_purpose {
    RNG_INIT = 1,
    RNG_SHUFFLE,
    RNG_AUGMENT,
    RNG_DROPOUT,
    RNG_DRAW,
    RNG_TEST
} rng_purpose;

rng rng_keyed(uint64_t seed, rng_purpose purpose, uint64_t a, uint64_t b);

uint64_t rng_u64(rng *r);
double rng_unit(rng *r);                                 /* uniform in [0, 1), 53 bits */
double rng_range(rng *r, double low, double high);       /* uniform in [low, high) */
uint64_t rng_below(rng *r, uint64_t bound);              /* uniform in 0..bound-1, unbiased; bound > 0 */
double rng_normal(rng *r);                               /* standard normal (Box-Muller, no state kept) */
void rng_shuffle(rng *r, uint32_t *items, size_t count); /* Fisher-Yates */

uint64_t hash_bytes(const void *bytes, size_t count,
                    uint64_t seed); /* FNV-1a with a final mix; stable on disk */

#endif
