/*
 * fuzz_image.c - JPEG, PNG and WebP: headers, EXIF and pixels.
 */
#include <png.h>
#include <string.h>
#include <webp/encode.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/data/image.h"
#include "tests/fuzz/fuzz.h"

enum { SIDE = 9, PIXELS_MAX = 1 << 20, WANTED_SIDE = 4 };

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int width, height;
    thaw_status status = image_probe(data, size, &width, &height);
    if (thaw_failed(&status)) return 0;
    CHECK(width > 0 && height > 0 && width <= IMAGE_SIDE_MAX && height <= IMAGE_SIDE_MAX);
    if ((int64_t)width * height > PIXELS_MAX) return 0; /* right, but slow */
    for (int wanted = 0; wanted <= WANTED_SIDE; wanted += WANTED_SIDE) {
        image im = {0};
        status = image_decode(data, size, wanted, &im);
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
