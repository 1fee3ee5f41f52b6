/*
 * sha256.c - see sha256.h. The names in the rounds are those of FIPS 180-4, section 6.2.
 */
#include "engine/base/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/alloc.h"

enum { ROUNDS = 64, LENGTH_BYTES = 8, CHUNK = 1 << 20 };

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t constant[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotated(uint32_t x, int bits) {
    return x >> bits | x << (32 - bits);
}

static void mix(uint32_t state[8], const uint8_t block[SHA256_BLOCK]) {
    uint32_t w[ROUNDS];
    for (int t = 0; t < 16; t++)
        w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 |
               (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
    for (int t = 16; t < ROUNDS; t++) {
        uint32_t s0 = rotated(w[t - 15], 7) ^ rotated(w[t - 15], 18) ^ w[t - 15] >> 3;
        uint32_t s1 = rotated(w[t - 2], 17) ^ rotated(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6],
             h = state[7];
    for (int t = 0; t < ROUNDS; t++) {
        uint32_t choice = (e & f) ^ (~e & g), majority = (a & b) ^ (a & c) ^ (b & c);
        uint32_t t1 = h + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) + choice + constant[t] + w[t];
        uint32_t t2 = (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + majority;
        h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    const uint32_t sum[8] = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; i++)
        state[i] += sum[i];
}

void sha256_begin(sha256 *s) {
    /* The first 32 bits of the fractional parts of the square roots of the first 8 primes. */
    *s = (sha256){.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
                            0x1f83d9ab, 0x5be0cd19}};
}

void sha256_add(sha256 *s, const void *bytes, size_t count) {
    const uint8_t *from = bytes;
    size_t held = s->bytes % SHA256_BLOCK;
    s->bytes += count;
    if (held) {
        size_t take = SHA256_BLOCK - held < count ? SHA256_BLOCK - held : count;
        memcpy(s->block + held, from, take);
        from += take, count -= take, held += take;
        if (held < SHA256_BLOCK) return;
        mix(s->state, s->block);
    }
    for (; count >= SHA256_BLOCK; from += SHA256_BLOCK, count -= SHA256_BLOCK)
        mix(s->state, from);
    if (count) memcpy(s->block, from, count);
}

void sha256_end(sha256 *s, char hex[SHA256_HEX_MAX]) {
    uint64_t bits = s->bytes * 8;
    uint8_t padding[2 * SHA256_BLOCK] = {0x80};
    size_t held = s->bytes % SHA256_BLOCK, one = SHA256_BLOCK - LENGTH_BYTES;
    size_t count = held < one ? one - held : one + SHA256_BLOCK - held;
    for (int i = 0; i < LENGTH_BYTES; i++)
        padding[count + (size_t)i] = (uint8_t)(bits >> (8 * (LENGTH_BYTES - 1 - i)));
    sha256_add(s, padding, count + LENGTH_BYTES);
    for (int i = 0; i < 8; i++)
        snprintf(hex + 8 * i, 9, "%08x", s->state[i]);
}

static thaw_status add_file(sha256 *s, int fd, const char *path, char *chunk,
                            bool (*go_on)(void *user, int64_t done), void *user) {
    for (;;) {
        ssize_t got = read(fd, chunk, CHUNK);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return thaw_error_errno(errno, "cannot read %s", path);
        if (!got) return thaw_ok();
        sha256_add(s, chunk, (size_t)got);
        if (go_on && !go_on(user, (int64_t)s->bytes)) return thaw_error(THAW_ERR_CANCELLED, "stopped");
    }
}

thaw_status sha256_file(const char *path, bool (*go_on)(void *user, int64_t done), void *user,
                        char hex[SHA256_HEX_MAX]) {
    sha256 s;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return thaw_error_errno(errno, "%s", path);
    char *chunk = xmalloc(CHUNK);
    sha256_begin(&s);
    thaw_status status = add_file(&s, fd, path, chunk, go_on, user);
    if (!thaw_failed(&status)) sha256_end(&s, hex);
    free(chunk);
    close(fd);
    return status;
}
