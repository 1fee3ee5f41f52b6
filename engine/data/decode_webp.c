/*
 * decode_webp.c - still WebP pictures, lossy and lossless, through libwebp; alpha is dropped as in Pillow's
 * convert("RGB").
 */
#include <webp/decode.h>

#include "engine/data/decode.h"

enum { RIFF_HEADER = 8 };

/* The RIFF header says how long the file should be. */
static thaw_status why(const uint8_t *bytes, size_t count) {
    uint64_t promised = 0;
    for (int i = 3; count >= RIFF_HEADER && i >= 0; i--)
        promised = promised << 8 | bytes[4 + i];
    if (count < RIFF_HEADER || promised + RIFF_HEADER > count)
        return thaw_error(THAW_ERR_FORMAT, "truncated: the WebP's data end early");
    return thaw_error(THAW_ERR_FORMAT, "not a readable WebP: its data are damaged");
}

static thaw_status read_header(const uint8_t *bytes, size_t count, WebPBitstreamFeatures *features) {
    VP8StatusCode code = WebPGetFeatures(bytes, count, features);
    if (code != VP8_STATUS_OK) return why(bytes, count);
    if (features->has_animation)
        return thaw_error(THAW_ERR_UNSUPPORTED, "an animated WebP; still pictures are read");
    return image_check_size(features->width, features->height);
}

thaw_status webp_decode(const uint8_t *bytes, size_t count, image *out) {
    WebPBitstreamFeatures features;
    *out = (image){0};
    THAW_TRY(read_header(bytes, count, &features));
    THAW_TRY(image_alloc(features.width, features.height, out));
    size_t stride = (size_t)out->width * 3;
    if (WebPDecodeRGBInto(bytes, count, out->rgb, stride * (size_t)out->height, (int)stride))
        return thaw_ok();
    image_clear(out);
    return why(bytes, count);
}

thaw_status webp_probe(const uint8_t *bytes, size_t count, int *width, int *height) {
    WebPBitstreamFeatures features;
    THAW_TRY(read_header(bytes, count, &features));
    *width = features.width;
    *height = features.height;
    return thaw_ok();
}
