/*
 * resize.h - resizing a part of a picture, and computing only a part of the result. Private to engine/data.
 *
 * Evaluation needs the centre of the resized picture, so only that is computed: a 20000 x 1 strip would
 * otherwise become gigabytes on its way to a 224 pixel square.
 */
#ifndef ENGINE_DATA_RESIZE_H
#define ENGINE_DATA_RESIZE_H

#include "engine/data/transform.h"

/* Pixels owned by someone else: height rows of width RGB triples, STRIDE bytes apart. */
typedef struct view {
    const uint8_t *rgb;
    size_t stride;
    int width, height;
} view;

view view_of(const image *im);
view view_crop(const view *v, rectangle part); /* PART must lie inside */

/*
 * Resize the box (left, top, right, bottom) of IN to width x height as Pillow's Image.resize does, and store
 * its WINDOW into OUT, OUT_STRIDE bytes a row.
 */
void resize_window(const view *in, const double box[4], int width, int height, rectangle window,
                   interpolation how, uint8_t *out, size_t out_stride);

#endif
