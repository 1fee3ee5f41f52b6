/*
 * zip.c - see zip.h. The central directory at the end is read once, zip64 included; a member's local header
 * is looked at only when its contents are asked for, so that listing a file does not touch all of it. Format:
 * PKWARE APPNOTE 6.3.10, sections 4.3.6 to 4.5.3.
 */
#include "engine/weights/zip.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

enum {
    LOCAL_SIGNATURE = 0x04034b50,
    CENTRAL_SIGNATURE = 0x02014b50,
    END_SIGNATURE = 0x06054b50,
    END64_SIGNATURE = 0x06064b50,
    LOCATOR_SIGNATURE = 0x07064b50,
    LOCAL_SIZE = 30,
    CENTRAL_SIZE = 46,
    END_SIZE = 22,
    END64_SIZE = 56,
    LOCATOR_SIZE = 20,
    COMMENT_MAX = 0xFFFF,
    EXTRA_ZIP64 = 1,
    FLAG_ENCRYPTED = 1,
};

static uint64_t number_at(const uint8_t *at, int width) {
    uint64_t value = 0;
    for (int i = 0; i < width; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

static uint16_t u16(const uint8_t *at) {
    return (uint16_t)number_at(at, 2);
}

static uint32_t u32(const uint8_t *at) {
    return (uint32_t)number_at(at, 4);
}

static uint64_t u64(const uint8_t *at) {
    return number_at(at, 8);
}

typedef struct directory {
    uint64_t offset, size, count;
} directory;

/* The end record: the last one whose comment reaches exactly to the end of the file. */
static const uint8_t *find_end(const zip *z) {
    for (size_t comment = 0; comment <= COMMENT_MAX && comment + END_SIZE <= z->size; comment++) {
        const uint8_t *at = z->bytes + z->size - END_SIZE - comment;
        if (u32(at) == END_SIGNATURE && u16(at + 20) == comment) return at;
    }
    return NULL;
}

/* The 64-bit end record before END, when there is one. */
static bool find_end64(const zip *z, const uint8_t *end, const uint8_t **out) {
    size_t before = (size_t)(end - z->bytes);
    if (before < LOCATOR_SIZE || u32(end - LOCATOR_SIZE) != LOCATOR_SIGNATURE) return false;
    uint64_t offset = u64(end - LOCATOR_SIZE + 8);
    if (before < LOCATOR_SIZE + END64_SIZE || offset > before - LOCATOR_SIZE - END64_SIZE) return false;
    *out = z->bytes + offset;
    return u32(*out) == END64_SIGNATURE;
}

static thaw_status find_directory(const zip *z, directory *d) {
    const uint8_t *end64, *end = find_end(z);
    if (!end) return thaw_error(THAW_ERR_FORMAT, "the end of the zip file is missing: it is truncated");
    *d = (directory){.count = u16(end + 10), .size = u32(end + 12), .offset = u32(end + 16)};
    uint64_t limit = (uint64_t)(end - z->bytes);
    if (find_end64(z, end, &end64)) {
        *d = (directory){.count = u64(end64 + 32), .size = u64(end64 + 40), .offset = u64(end64 + 48)};
        limit = (uint64_t)(end64 - z->bytes);
    }
    if (d->offset > limit || d->size > limit - d->offset)
        return thaw_error(THAW_ERR_FORMAT, "the zip file's directory lies outside it: it is damaged");
    if (d->count > ZIP_MAX_MEMBERS || d->count > d->size / CENTRAL_SIZE)
        return thaw_error(THAW_ERR_FORMAT, "the zip file claims %llu members, more than fit",
                          (unsigned long long)d->count);
    return thaw_ok();
}

/* Replace the fields that are all ones by those of the zip64 extra field. */
static bool apply_zip64(zip_member *m, const uint8_t *extra, size_t length) {
    uint64_t *field[] = {&m->size, &m->packed, &m->header};
    while (length >= 4) {
        size_t part = u16(extra + 2);
        if (part > length - 4) return false;
        const uint8_t *at = extra + 4, *stop = at + part;
        for (int i = 0; u16(extra) == EXTRA_ZIP64 && i < 3; i++) {
            if (*field[i] != UINT32_MAX) continue;
            if (stop - at < 8) return false;
            *field[i] = u64(at);
            at += 8;
        }
        extra += 4 + part;
        length -= 4 + part;
    }
    return true;
}

/* Read the central record at AT, LEFT bytes before the directory ends; its length, or 0 when it is damaged.
 */
static size_t read_record(const uint8_t *at, uint64_t left, zip_member *m) {
    if (left < CENTRAL_SIZE || u32(at) != CENTRAL_SIGNATURE) return 0;
    size_t name = u16(at + 28), extra = u16(at + 30), comment = u16(at + 32);
    if (left - CENTRAL_SIZE < name + extra + comment) return 0;
    *m = (zip_member){.name = (const char *)at + CENTRAL_SIZE,
                      .name_length = name,
                      .flags = u16(at + 8),
                      .method = u16(at + 10),
                      .packed = u32(at + 20),
                      .size = u32(at + 24),
                      .header = u32(at + 42)};
    if (!apply_zip64(m, at + CENTRAL_SIZE + name, extra)) return 0;
    return CENTRAL_SIZE + name + extra + comment;
}

static int compare_names(const char *a, size_t a_length, const char *b, size_t b_length) {
    int order = memcmp(a, b, a_length < b_length ? a_length : b_length);
    return order ? order : (a_length > b_length) - (a_length < b_length);
}

static int compare_members(const void *a, const void *b) {
    const zip_member *left = a, *right = b;
    return compare_names(left->name, left->name_length, right->name, right->name_length);
}

thaw_status zip_open(const uint8_t *bytes, size_t size, zip *z) {
    directory d = {0};
    *z = (zip){.bytes = bytes, .size = size};
    THAW_TRY(find_directory(z, &d));
    z->member = xcalloc((size_t)d.count, sizeof *z->member);
    const uint8_t *at = bytes + d.offset, *stop = at + d.size;
    for (; z->count < d.count; z->count++) {
        size_t length = read_record(at, (uint64_t)(stop - at), &z->member[z->count]);
        if (!length) return thaw_error(THAW_ERR_FORMAT, "member %zu of the zip file is damaged", z->count);
        at += length;
    }
    qsort(z->member, z->count, sizeof *z->member, compare_members);
    for (size_t i = 1; i < z->count; i++)
        if (compare_members(&z->member[i - 1], &z->member[i]) == 0)
            return thaw_error(THAW_ERR_FORMAT, "the zip file has a member twice: it is not to be trusted");
    return thaw_ok();
}

void zip_clear(zip *z) {
    free(z->member);
    *z = (zip){0};
}

const zip_member *zip_find(const zip *z, const char *name, size_t name_length) {
    zip_member wanted = {.name = name, .name_length = name_length};
    return z->count ? bsearch(&wanted, z->member, z->count, sizeof wanted, compare_members) : NULL;
}

thaw_status zip_contents(const zip *z, const zip_member *m, const uint8_t **data) {
    if (m->method || m->packed != m->size || m->flags & FLAG_ENCRYPTED)
        return thaw_error(THAW_ERR_UNSUPPORTED,
                          "a member of the zip file is compressed or encrypted, which torch.save never does; "
                          "refused, save it again with torch.save");
    if (m->header > z->size || z->size - m->header < LOCAL_SIZE ||
        u32(z->bytes + m->header) != LOCAL_SIGNATURE)
        return thaw_error(THAW_ERR_FORMAT, "a member of the zip file is not where the directory says");
    const uint8_t *local = z->bytes + m->header;
    uint64_t begin = m->header + LOCAL_SIZE + u16(local + 26) + u16(local + 28);
    if (begin > z->size || m->size > z->size - begin)
        return thaw_error(THAW_ERR_FORMAT, "a member of the zip file reaches past its end: it is truncated");
    *data = z->bytes + begin;
    return thaw_ok();
}
