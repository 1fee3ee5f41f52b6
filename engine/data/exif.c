/*
 * exif.c - the one EXIF tag that changes what a picture shows: which way up it is.
 *
 * Each container is walked just far enough to find its EXIF block (a TIFF file in miniature), and only the
 * first directory is read. Anything malformed means "upright": a damaged tag must not cost the picture.
 */
#include <stdbool.h>
#include <string.h>

#include "engine/data/decode.h"

enum { TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3, IFD_ENTRY_BYTES = 12, UPRIGHT = 1, ORIENTATION_LAST = 8 };

typedef struct block {
    const uint8_t *data;
    size_t count;
} block;

static uint32_t big_endian(const uint8_t *p, int bytes) {
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | p[i];
    return value;
}

static uint32_t little_endian(const uint8_t *p, int bytes) {
    uint32_t value = 0;
    for (int i = bytes - 1; i >= 0; i--)
        value = value << 8 | p[i];
    return value;
}

static int tiff_orientation(block tiff) {
    if (tiff.count < 8) return UPRIGHT;
    bool little = memcmp(tiff.data, "II*\0", 4) == 0;
    if (!little && memcmp(tiff.data, "MM\0*", 4) != 0) return UPRIGHT;
    uint32_t (*number)(const uint8_t *, int) = little ? little_endian : big_endian;
    size_t at = number(tiff.data + 4, 4);
    if (at > tiff.count - 2) return UPRIGHT;
    size_t entries = number(tiff.data + at, 2), room = (tiff.count - at - 2) / IFD_ENTRY_BYTES;
    if (entries > room) entries = room;
    for (size_t i = 0; i < entries; i++) {
        const uint8_t *entry = tiff.data + at + 2 + i * IFD_ENTRY_BYTES;
        if (number(entry, 2) != TAG_ORIENTATION) continue;
        uint32_t value = number(entry + 8, 2);
        bool sensible = number(entry + 2, 2) == TYPE_SHORT && value >= UPRIGHT && value <= ORIENTATION_LAST;
        return sensible ? (int)value : UPRIGHT;
    }
    return UPRIGHT;
}

/* JPEG: the first APP1 segment that begins "Exif\0\0", before the image data. */
static block jpeg_exif(const uint8_t *p, size_t count) {
    static const uint8_t signature[] = {'E', 'x', 'i', 'f', 0, 0};
    enum { MARKER_APP1 = 0xE1, MARKER_SOS = 0xDA, MARKER_EOI = 0xD9, FILL = 0xFF };
    for (size_t at = 2; at + 4 <= count;) {
        if (p[at] != FILL) break;
        uint8_t marker = p[at + 1];
        if (marker == FILL) { /* padding before a marker */
            at++;
            continue;
        }
        if (marker == MARKER_SOS || marker == MARKER_EOI) break;
        size_t length = big_endian(p + at + 2, 2), start = at + 4;
        if (length < 2 || length - 2 > count - start) break;
        if (marker == MARKER_APP1 && length - 2 > sizeof signature &&
            memcmp(p + start, signature, sizeof signature) == 0)
            return (block){p + start + sizeof signature, length - 2 - sizeof signature};
        at = start + length - 2;
    }
    return (block){0};
}

/* PNG: chunks of length, name, data, checksum after the 8 bytes of signature. */
static block png_exif(const uint8_t *p, size_t count) {
    for (size_t at = 8; at + 12 <= count;) {
        size_t length = big_endian(p + at, 4);
        if (length > count - at - 12 || memcmp(p + at + 4, "IEND", 4) == 0) break;
        if (memcmp(p + at + 4, "eXIf", 4) == 0) return (block){p + at + 8, length};
        at += length + 12;
    }
    return (block){0};
}

/* WebP: RIFF chunks of name, length, data padded to even, after "RIFF", length, "WEBP". */
static block webp_exif(const uint8_t *p, size_t count) {
    for (size_t at = 12; at + 8 <= count;) {
        size_t length = little_endian(p + at + 4, 4);
        if (length > count - at - 8) break;
        if (memcmp(p + at, "EXIF", 4) == 0) {
            /* Some writers keep JPEG's prefix. */
            size_t prefix = length > 6 && memcmp(p + at + 8, "Exif\0\0", 6) == 0 ? 6 : 0;
            return (block){p + at + 8 + prefix, length - prefix};
        }
        at += 8 + length + (length & 1);
    }
    return (block){0};
}

int exif_orientation(image_format format, const uint8_t *bytes, size_t count) {
    switch (format) {
    case IMAGE_JPEG:
        return tiff_orientation(jpeg_exif(bytes, count));
    case IMAGE_PNG:
        return tiff_orientation(png_exif(bytes, count));
    case IMAGE_WEBP:
        return tiff_orientation(webp_exif(bytes, count));
    default:
        return UPRIGHT;
    }
}
