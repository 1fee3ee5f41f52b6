/*
 * kinds.c - see kinds.h.
 */
#include "engine/nn/kinds.h"

bool kind_takes_image(layer *self, pass *p, act x, int64_t channels) {
    char text[SHAPE_TEXT_MAX];
    if (x.size.ndim == 4 && (!channels || x.size.dim[1] == channels)) return true;
    if (channels)
        pass_fail(p, self, "expects images of %d channels, got %s", (int)channels, shape_text(&x.size, text));
    else
        pass_fail(p, self, "expects (N, channels, height, width), got %s", shape_text(&x.size, text));
    return false;
}

int64_t kind_window(int64_t extent, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation,
                    bool ceil) {
    int64_t room = extent + 2 * padding - dilation * (kernel - 1) - 1;
    if (ceil) room += stride - 1; /* the last window may lie partly outside, even the only one */
    if (room < 0) return 0;
    int64_t places = room / stride + 1;
    /* The last window must start inside the image or its left padding. */
    if (ceil && (places - 1) * stride >= extent + padding) places--;
    return places;
}

act kind_too_small(layer *self, pass *p, act x) {
    return pass_fail(p, self, "the image is too small: only %dx%d pixels are left here; use a larger input",
                     (int)x.size.dim[2], (int)x.size.dim[3]);
}
