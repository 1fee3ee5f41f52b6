/*
 * rng.c - see rng.h.
 */
#include "engine/base/rng.h"

#include <math.h>

static uint64_t splitmix64(uint64_t *state) {
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

rng rng_keyed(uint64_t seed, rng_purpose purpose, uint64_t a, uint64_t b) {
    uint64_t state = seed;
    const uint64_t part[] = {(uint64_t)purpose, a, b};
    for (int i = 0; i < 3; i++)
        state = splitmix64(&state) ^ part[i] * 0xD6E8FEB86659FD93u;
    rng r;
    for (int i = 0; i < 4; i++)
        r.state[i] = splitmix64(&state);
    return r;
}

static uint64_t rotate_left(uint64_t x, int bits) {
    return x << bits | x >> (64 - bits);
}

uint64_t rng_u64(rng *r) {
    uint64_t *s = r->state, result = rotate_left(s[0] + s[3], 23) + s[0], t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

double rng_unit(rng *r) {
    return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

double rng_range(rng *r, double low, double high) {
    return low + (high - low) * rng_unit(r);
}

uint64_t rng_below(rng *r, uint64_t bound) {
    uint64_t unfair = -bound % bound; /* the first 2^64 mod bound values would be drawn once too often */
    for (;;) {
        uint64_t value = rng_u64(r);
        if (value >= unfair) return value % bound;
    }
}

double rng_normal(rng *r) {
    double radius = sqrt(-2.0 * log(1.0 - rng_unit(r)));
    return radius * cos(6.283185307179586 * rng_unit(r));
}

void rng_shuffle(rng *r, uint32_t *items, size_t count) {
    for (size_t i = count; i > 1; i--) {
        size_t j = (size_t)rng_below(r, i);
        uint32_t held = items[i - 1];
        items[i - 1] = items[j];
        items[j] = held;
    }
}

uint64_t hash_bytes(const void *bytes, size_t count, uint64_t seed) {
    const unsigned char *p = bytes;
    uint64_t hash = 0xCBF29CE484222325u ^ seed;
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ p[i]) * 0x100000001B3u;
    return splitmix64(&hash);
}
