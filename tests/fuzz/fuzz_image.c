/*
 * fuzz_image.c - JPEG, PNG and WebP: headers, EXIF and pixels, of the whole and of a part.
 */
#include <png.h>
#include <string.h>
#include <webp/encode.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/rng.h"
#include "engine/data/image.h"
#include "tests/fuzz/fuzz.h"

enum { SIDE = 33, PIXELS_MAX = 1 << 20, WANTED_SIDE = 4 };

static void seed_jpeg(str *out, uint8_t *rgb) {
    char *bytes;
    size_t size;
    /* EXIF with one tag: orientation 6. */
    static const char exif[] = "\xff\xe1\0\x22"
                               "Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    thaw_status status = image_write_jpeg("seed.jpg", &(image){SIDE, SIDE, rgb}, 80);
    CHECK(!thaw_failed(&status));
    status = file_read("seed.jpg", 1 << 16, &bytes, &size);
    CHECK(!thaw_failed(&status));
    str_append_n(out, bytes, 2);
    str_append_n(out, exif, sizeof exif - 1);
    str_append_n(out, bytes + 2, size - 2);
    free(bytes);
}

static void seed_png(str *out, const uint8_t *rgb) {
    png_image png = {.version = PNG_IMAGE_VERSION, .width = SIDE, .height = SIDE, .format = PNG_FORMAT_RGB};
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png);
    char *bytes = xmalloc(size);
    CHECK(png_image_write_to_memory(&png, bytes, &size, 0, rgb, 0, NULL));
    str_append_n(out, bytes, size);
    free(bytes);
}

static void seed_webp(str *out, const uint8_t *rgb, bool lossless) {
    uint8_t *bytes;
    size_t size = lossless ? WebPEncodeLosslessRGB(rgb, SIDE, SIDE, SIDE * 3, &bytes)
                           : WebPEncodeRGB(rgb, SIDE, SIDE, SIDE * 3, 80, &bytes);
    CHECK(size);
    str_append_n(out, (const char *)bytes, size);
    WebPFree(bytes);
}

bool fuzz_seed(size_t index, str *out) {
    uint8_t rgb[SIDE * SIDE * 3];
    for (size_t i = 0; i < sizeof rgb; i++)
        rgb[i] = (uint8_t)(i * i);
    if (index == 0) seed_jpeg(out, rgb);
    if (index == 1) seed_png(out, rgb);
    if (index == 2 || index == 3) seed_webp(out, rgb, index == 3);
    return index < 4;
}

/* A part that depends on the file, of a picture of this size. */
static rectangle choose(void *user, int width, int height) {
    size_t seed = *(size_t *)user;
    rectangle part = {(int)(seed % (size_t)width), (int)(seed / 7 % (size_t)height), 1, 1};
    part.width += (int)(seed / 3 % (size_t)(width - part.left));
    part.height += (int)(seed / 5 % (size_t)(height - part.top));
    return part;
}

/* The part alone is what WHOLE has there, and is refused when STATUS says so. */
static void check_part(const uint8_t *data, size_t size, int wanted, const thaw_status *status,
                       const image *whole) {
    image im = {0};
    rectangle at;
    size_t seed = hash_bytes(data, size, 0) >> 8;
    image_wish wish = {.wanted_side = wanted, .choose = choose, .user = &seed};
    thaw_status one = image_decode_part(data, size, &wish, &im, &at);
    CHECK(thaw_failed(&one) == thaw_failed(status));
    if (thaw_failed(&one)) return;
    rectangle part = choose(&seed, whole->width, whole->height);
    CHECK(at.width == part.width && at.height == part.height);
    for (int y = 0; y < part.height; y++)
        CHECK(memcmp(im.rgb + ((size_t)(at.top + y) * (size_t)im.width + (size_t)at.left) * 3,
                     whole->rgb + ((size_t)(part.top + y) * (size_t)whole->width + (size_t)part.left) * 3,
                     (size_t)part.width * 3) == 0);
    image_clear(&im);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int width, height;
    thaw_status status = image_probe(data, size, &width, &height);
    if (thaw_failed(&status)) return 0;
    CHECK(width > 0 && height > 0 && width <= IMAGE_SIDE_MAX && height <= IMAGE_SIDE_MAX);
    if ((int64_t)width * height > PIXELS_MAX) return 0; /* right, but slow */
    for (int wanted = 0; wanted <= WANTED_SIDE; wanted += WANTED_SIDE) {
        image im = {0};
        status = image_decode(data, size, wanted, &im);
        check_part(data, size, wanted, &status, &im);
        if (thaw_failed(&status)) continue;
        CHECK(wanted || (im.width == width && im.height == height));
        uint8_t sum = 0; /* every pixel must be there */
        for (size_t i = 0; i < (size_t)im.width * (size_t)im.height * 3; i++)
            sum = (uint8_t)(sum + im.rgb[i]);
        CHECK(im.width > 0 && (sum || !sum));
        image_clear(&im);
    }
    return 0;
}
