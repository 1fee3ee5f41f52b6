/*
 * zip.h - finding the members of a zip file in memory. Only stored members can be had: there is no
 * decompressor here, so there is nothing a bomb could do.
 */
#ifndef ENGINE_WEIGHTS_ZIP_H
#define ENGINE_WEIGHTS_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "thaw/status.h"

enum { ZIP_MAX_MEMBERS = 1 << 20 };

typedef struct zip_member {
    const char *name; /* not terminated */
    size_t name_length;
    uint16_t method, flags;
    uint64_t header, packed, size; /* where its local header is; bytes stored; bytes it says it unpacks to */
} zip_member;

typedef struct zip {
    const uint8_t *bytes;
    size_t size;
    zip_member *member; /* sorted by name; no name twice */
    size_t count;
} zip;

/* List the members; BYTES must outlive Z. zip_clear in any case. */
thaw_status zip_open(const uint8_t *bytes, size_t size, zip *z);
void zip_clear(zip *z);

const zip_member *zip_find(const zip *z, const char *name, size_t name_length); /* NULL when absent */
/* The contents, inside BYTES; fails when the member is compressed, encrypted or not all there. */
thaw_status zip_contents(const zip *z, const zip_member *member, const uint8_t **data);

#endif
