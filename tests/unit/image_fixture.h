/*
 * image_fixture.h - pictures in every format that thaw reads, made by the formats' own libraries, and small
 * datasets of them. Everything is deterministic. Bytes are a str.
 */
#ifndef TESTS_UNIT_IMAGE_FIXTURE_H
#define TESTS_UNIT_IMAGE_FIXTURE_H

#include "engine/base/str.h"
#include "engine/data/image.h"

/* Gradients with hard-edged blocks on them; SALT makes pictures differ. */
void fix_picture(image *im, int width, int height, int salt);

typedef struct fix_jpeg_options {
    int components; /* 1, 3 (0 means it) or 4 */
    bool adobe_ycck, progressive, subsampled;
    bool rows_kept;  /* subsampled in columns only */
    int restart;     /* MCUs from one restart marker to the next; 0: none */
    int orientation; /* EXIF; 0: none */
    int quality;     /* 0: 95 */
} fix_jpeg_options;
void fix_jpeg(str *out, const image *im, fix_jpeg_options options);

typedef enum fix_png_kind {
    PNG_RGB,
    PNG_RGBA,
    PNG_GREY,
    PNG_GREY_1,
    PNG_GREY_ALPHA,
    PNG_RGB_16,
    PNG_PALETTE
} fix_png_kind;
void fix_png(str *out, const image *im, fix_png_kind kind, bool interlaced, int orientation);

void fix_webp(str *out, const image *im, bool lossless, int orientation);

/* Write COUNT bytes (a str's, or a text) to PATH, making its folders. */
void fix_write(const char *path, const void *bytes, size_t count);
/* A small JPEG at PATH. */
void fix_write_picture(const char *path, int width, int height, int salt);

#endif
