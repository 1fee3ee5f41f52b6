/*
 * sha256.h - the SHA-256 of bytes and of files (FIPS 180-4).
 *
 * Ours, because what pretrained files need is one digest each, right after a download: not worth a library
 * that every start of the program would load.
 */
#ifndef ENGINE_BASE_SHA256_H
#define ENGINE_BASE_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thaw/status.h"

enum { SHA256_BLOCK = 64, SHA256_HEX_MAX = 65 };

typedef struct sha256 {
    uint32_t state[8];
    uint64_t bytes;              /* added so far */
    uint8_t block[SHA256_BLOCK]; /* the last of them, not yet mixed in */
} sha256;

void sha256_begin(sha256 *s);
void sha256_add(sha256 *s, const void *bytes, size_t count);
void sha256_end(sha256 *s, char hex[SHA256_HEX_MAX]); /* lower case; begin again before adding more */

/*
 * Of a whole file. GO_ON, unless NULL, is asked every megabyte, with the bytes read so far; false ends with
 * THAW_ERR_CANCELLED.
 */
thaw_status sha256_file(const char *path, bool (*go_on)(void *user, int64_t done), void *user,
                        char hex[SHA256_HEX_MAX]);

#endif
