/*
 * upright.c - turning a picture as its EXIF orientation says, and finding the same pixels before and after.
 * TIFF 6.0, section 8, tag 274.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/data/decode.h"

enum { CHANNELS = 3, SWAPPING_FIRST = 5 };

bool orientation_swaps(int orientation) {
    return orientation >= SWAPPING_FIRST;
}

/* Whether the first column shown (row, when they are swapped) is the stored picture's last. */
static bool from_right(int orientation) {
    return orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
}

static bool from_bottom(int orientation) {
    return orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
}

/* The pixel shown at (x, y) is stored at origin + x * across + y * down. */
void image_turn_upright(image *im, int orientation) {
    int w = im->width, h = im->height;
    bool swaps = orientation_swaps(orientation), right = from_right(orientation),
         bottom = from_bottom(orientation);
    ptrdiff_t column = right ? -CHANNELS : CHANNELS, row = (ptrdiff_t)w * (bottom ? -CHANNELS : CHANNELS);
    ptrdiff_t origin =
        (right ? w - 1 : 0) * (ptrdiff_t)CHANNELS + (bottom ? h - 1 : 0) * (ptrdiff_t)w * CHANNELS;
    ptrdiff_t across = swaps ? row : column, down = swaps ? column : row;
    image out = {.width = swaps ? h : w, .height = swaps ? w : h};
    out.rgb = xmalloc((size_t)w * (size_t)h * CHANNELS);
    uint8_t *to = out.rgb;
    for (int y = 0; y < out.height; y++) {
        ptrdiff_t at = origin + y * down;
        for (int x = 0; x < out.width; x++, at += across, to += CHANNELS)
            memcpy(to, im->rgb + at, CHANNELS);
    }
    image_clear(im);
    *im = out;
}

static rectangle swap(rectangle r) {
    return (rectangle){r.top, r.left, r.height, r.width};
}

static rectangle mirror(rectangle r, int width, int height, int orientation) {
    if (from_right(orientation)) r.left = width - r.left - r.width;
    if (from_bottom(orientation)) r.top = height - r.top - r.height;
    return r;
}

rectangle upright_to_stored(rectangle shown, int width, int height, int orientation) {
    return mirror(orientation_swaps(orientation) ? swap(shown) : shown, width, height, orientation);
}

rectangle stored_to_upright(rectangle stored, int width, int height, int orientation) {
    rectangle turned = mirror(stored, width, height, orientation);
    return orientation_swaps(orientation) ? swap(turned) : turned;
}
