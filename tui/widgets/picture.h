/*
 * picture.h - a picture in cells of a terminal.
 *
 * With colours every cell is a half block: two pixels, one above the other, in any two colours. Without, it
 * is one of ten characters by how bright the cell is. Pixels are averaged, never picked, so that what is
 * shown of a large picture is all of it.
 */
#ifndef TUI_WIDGETS_PICTURE_H
#define TUI_WIDGETS_PICTURE_H

#include <stdint.h>

#include "tui/canvas.h"

/* Where a picture of that size goes in R: as large as fits, in proportion, in the middle. Pixels are taken to
 * be square, and a cell to be twice as high as it is wide. */
rect picture_place(rect r, int width, int height);
/* RGB: height x width x 3. Returns where it was drawn. */
rect picture_draw(canvas *c, rect r, int width, int height, const uint8_t *rgb);

#endif
