/*
 * image.h - decoded pictures: 8-bit RGB, row-major, no padding.
 */
#ifndef ENGINE_DATA_IMAGE_H
#define ENGINE_DATA_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thaw/status.h"

typedef struct image {
    int width, height;
    uint8_t *rgb; /* height x width x 3, owned */
} image;

/* Of a picture's pixels. */
typedef struct rectangle {
    int left, top, width, height;
} rectangle;

enum { IMAGE_SIDE_MAX = 65500, IMAGE_PIXELS_MAX = 178956970 /* PIL's own limit against bombs */ };

typedef enum image_format {
    IMAGE_UNKNOWN,
    IMAGE_JPEG,
    IMAGE_PNG,
    IMAGE_WEBP,
    IMAGE_GIF,
    IMAGE_BMP,
    IMAGE_TIFF,
    IMAGE_HEIC,
    IMAGE_AVIF,
    IMAGE_JXL
} image_format;

image_format image_sniff(const uint8_t *bytes, size_t count); /* by the first bytes */
const char *image_format_name(image_format f);
bool image_format_read(image_format f);   /* whether image_decode reads it */
thaw_status image_refuse(image_format f); /* why not: "a GIF; JPEG, PNG and WebP are read" */

/*
 * Decode JPEG (libjpeg-turbo; greyscale and CMYK become RGB as PIL converts them), PNG (alpha dropped as
 * PIL's convert("RGB") does, palettes and 16 bit reduced) or WebP, and apply the EXIF orientation.
 * WANTED_SIDE > 0 allows a JPEG to be decoded at 1/2, 1/4 or 1/8 as long as its shorter side stays at least
 * twice WANTED_SIDE; 0 decodes exactly. The reason in the status does not repeat the file's name.
 */
thaw_status image_decode(const uint8_t *bytes, size_t count, int wanted_side, image *out);
thaw_status image_read(const char *path, int wanted_side, image *out);

/* Asked now and then while a picture is decoded; false gives it up, with THAW_ERR_CANCELLED. */
typedef struct image_asker {
    bool (*go_on)(void *user);
    void *user;
} image_asker;
/* image_read that can be given up; ASKER NULL: it cannot. A WebP is decoded in one go all the same. */
thaw_status image_read_asking(const char *path, int wanted_side, const image_asker *asker, image *out);

/*
 * What is wanted of a picture. CHOOSE is asked for a part once the size is known, width x height as
 * image_decode gives it; its answer must lie inside. NULL: all of it.
 */
typedef struct image_wish {
    int wanted_side;
    rectangle (*choose)(void *user, int width, int height);
    void *user;
    const image_asker *asker; /* NULL: it is decoded to its end */
} image_wish;
/*
 * Decode what is wanted, perhaps with more around it: *PART says where in OUT it lies. Neither its pixels nor
 * whether the file can be read depend on how much of it was chosen.
 */
thaw_status image_decode_part(const uint8_t *bytes, size_t count, const image_wish *wish, image *out,
                              rectangle *part);
thaw_status image_read_part(const char *path, const image_wish *wish, image *out, rectangle *part);

/* Width and height from the header only (orientation applied). */
thaw_status image_probe(const uint8_t *bytes, size_t count, int *width, int *height);
thaw_status image_read_size(const char *path, int *width, int *height);
void image_clear(image *im);

thaw_status image_write_jpeg(const char *path, const image *im, int quality); /* 4:4:4, atomic */

#endif
