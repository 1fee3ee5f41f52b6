/*
 * image.c - one door to the decoders: sniff, decode, turn upright.
 *
 * Content decides, never the file's name. Files are read rather than mapped: a mapped file that another
 * process truncates kills this one with SIGBUS.
 */
#include "engine/data/image.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/data/decode.h"

enum { FILE_BYTES_MAX = 1 << 30 };

typedef struct signature {
    image_format format;
    size_t offset;
    const char *bytes;
    size_t count;
} signature;

static const signature signatures[] = {
    {IMAGE_JPEG, 0, "\xFF\xD8\xFF", 3},
    {IMAGE_PNG, 0, "\x89PNG\r\n\x1A\n", 8},
    {IMAGE_WEBP, 8, "WEBP", 4},
    {IMAGE_GIF, 0, "GIF8", 4},
    {IMAGE_BMP, 0, "BM", 2},
    {IMAGE_TIFF, 0, "II*\0", 4},
    {IMAGE_TIFF, 0, "MM\0*", 4},
    {IMAGE_HEIC, 4, "ftyphei", 7},
    {IMAGE_HEIC, 4, "ftypmif1", 8},
    {IMAGE_AVIF, 4, "ftypavif", 8},
    {IMAGE_JXL, 0, "\xFF\x0A", 2},
    {IMAGE_JXL, 4, "JXL \r\n\x87\n", 8},
};

image_format image_sniff(const uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++) {
        const signature *s = &signatures[i];
        if (count >= s->offset + s->count && memcmp(bytes + s->offset, s->bytes, s->count) == 0)
            return s->format;
    }
    return IMAGE_UNKNOWN;
}

const char *image_format_name(image_format f) {
    static const char *const name[] = {
        [IMAGE_UNKNOWN] = "unknown", [IMAGE_JPEG] = "JPEG",   [IMAGE_PNG] = "PNG",   [IMAGE_WEBP] = "WebP",
        [IMAGE_GIF] = "GIF",         [IMAGE_BMP] = "BMP",     [IMAGE_TIFF] = "TIFF", [IMAGE_HEIC] = "HEIC",
        [IMAGE_AVIF] = "AVIF",       [IMAGE_JXL] = "JPEG XL",
    };
    return (size_t)f < sizeof name / sizeof name[0] ? name[f] : name[IMAGE_UNKNOWN];
}

bool image_format_read(image_format f) {
    return f == IMAGE_JPEG || f == IMAGE_PNG || f == IMAGE_WEBP;
}

thaw_status image_refuse(image_format f) {
    if (f == IMAGE_UNKNOWN)
        return thaw_error(THAW_ERR_UNSUPPORTED, "not a picture by its content; JPEG, PNG and WebP are read");
    const char *article = f == IMAGE_AVIF ? "an" : "a";
    return thaw_error(THAW_ERR_UNSUPPORTED, "%s %s; JPEG, PNG and WebP are read", article,
                      image_format_name(f));
}

thaw_status image_check_size(int64_t width, int64_t height) {
    if (width <= 0 || height <= 0)
        return thaw_error(THAW_ERR_FORMAT, "a picture of %lld x %lld pixels; at least 1 x 1 is expected",
                          (long long)width, (long long)height);
    if (width > IMAGE_SIDE_MAX || height > IMAGE_SIDE_MAX || width * height > IMAGE_PIXELS_MAX)
        return thaw_error(THAW_ERR_FORMAT, "%lld x %lld pixels; sides up to %d and %d pixels in all are read",
                          (long long)width, (long long)height, IMAGE_SIDE_MAX, IMAGE_PIXELS_MAX);
    return thaw_ok();
}

thaw_status image_alloc(int64_t width, int64_t height, image *out) {
    THAW_TRY(image_check_size(width, height));
    *out = (image){.width = (int)width, .height = (int)height};
    out->rgb = xmalloc((size_t)width * (size_t)height * 3);
    return thaw_ok();
}

void image_clear(image *im) {
    free(im->rgb);
    *im = (image){0};
}

/* CHOOSE's answer for the picture as it is stored. */
typedef struct stored_wish {
    const image_wish *shown;
    int orientation;
} stored_wish;

static rectangle choose_stored(void *user, int width, int height) {
    const stored_wish *w = user;
    bool swaps = orientation_swaps(w->orientation);
    rectangle part = w->shown->choose(w->shown->user, swaps ? height : width, swaps ? width : height);
    return upright_to_stored(part, width, height, w->orientation);
}

static thaw_status decode_jpeg(const uint8_t *bytes, size_t count, const image_wish *wish, int orientation,
                               image *out, rectangle *part) {
    stored_wish stored = {wish, orientation};
    image_wish own = {wish->wanted_side, wish->choose ? choose_stored : NULL, &stored, wish->asker};
    THAW_TRY(jpeg_decode(bytes, count, &own, out, part));
    *part = stored_to_upright(*part, out->width, out->height, orientation);
    return thaw_ok();
}

bool image_given_up(const image_wish *wish, int row, thaw_status *status) {
    enum { ROWS_BETWEEN = 64 };
    const image_asker *asker = wish->asker;
    if (!asker || !row || row % ROWS_BETWEEN || asker->go_on(asker->user)) return false;
    *status = thaw_error(THAW_ERR_CANCELLED, "decoding it was stopped");
    return true;
}

thaw_status image_decode_part(const uint8_t *bytes, size_t count, const image_wish *wish, image *out,
                              rectangle *part) {
    image_format format = image_sniff(bytes, count);
    *out = (image){0};
    if (count == 0) return thaw_error(THAW_ERR_FORMAT, "an empty file");
    int orientation = exif_orientation(format, bytes, count);
    switch (format) {
    case IMAGE_JPEG:
        THAW_TRY(decode_jpeg(bytes, count, wish, orientation, out, part));
        break;
    case IMAGE_PNG:
        THAW_TRY(png_decode(bytes, count, wish, out));
        break;
    case IMAGE_WEBP:
        THAW_TRY(webp_decode(bytes, count, out));
        break;
    default:
        return image_refuse(format);
    }
    if (orientation != ORIENTATION_UPRIGHT) image_turn_upright(out, orientation);
    if (format == IMAGE_JPEG) return thaw_ok();
    *part = wish->choose ? wish->choose(wish->user, out->width, out->height)
                         : (rectangle){0, 0, out->width, out->height};
    return thaw_ok();
}

thaw_status image_decode(const uint8_t *bytes, size_t count, int wanted_side, image *out) {
    rectangle part;
    return image_decode_part(bytes, count, &(image_wish){.wanted_side = wanted_side}, out, &part);
}

thaw_status image_probe(const uint8_t *bytes, size_t count, int *width, int *height) {
    image_format format = image_sniff(bytes, count);
    if (count == 0) return thaw_error(THAW_ERR_FORMAT, "an empty file");
    switch (format) {
    case IMAGE_JPEG:
        THAW_TRY(jpeg_probe(bytes, count, width, height));
        break;
    case IMAGE_PNG:
        THAW_TRY(png_probe(bytes, count, width, height));
        break;
    case IMAGE_WEBP:
        THAW_TRY(webp_probe(bytes, count, width, height));
        break;
    default:
        return image_refuse(format);
    }
    if (orientation_swaps(exif_orientation(format, bytes, count))) {
        int held = *width;
        *width = *height;
        *height = held;
    }
    return thaw_ok();
}

thaw_status image_read_part(const char *path, const image_wish *wish, image *out, rectangle *part) {
    char *bytes;
    size_t count;
    *out = (image){0};
    THAW_TRY(file_read(path, FILE_BYTES_MAX, &bytes, &count));
    thaw_status status = image_decode_part((const uint8_t *)bytes, count, wish, out, part);
    free(bytes);
    return status;
}

thaw_status image_read_asking(const char *path, int wanted_side, const image_asker *asker, image *out) {
    rectangle part;
    image_wish wish = {.wanted_side = wanted_side, .asker = asker};
    return image_read_part(path, &wish, out, &part);
}

thaw_status image_read(const char *path, int wanted_side, image *out) {
    return image_read_asking(path, wanted_side, NULL, out);
}

thaw_status image_read_size(const char *path, int *width, int *height) {
    char *bytes;
    size_t count;
    THAW_TRY(file_read(path, FILE_BYTES_MAX, &bytes, &count));
    thaw_status status = image_probe((const uint8_t *)bytes, count, width, height);
    free(bytes);
    return status;
}
