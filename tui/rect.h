/*
 * rect.h - a rectangle of cells: the one unit of place on the screen.
 */
#ifndef TUI_RECT_H
#define TUI_RECT_H

#include <stdbool.h>

typedef struct rect {
    int row, col;   /* of the top left cell */
    int rows, cols; /* extent; 0 in either: nothing */
} rect;

static inline bool rect_empty(rect r) {
    return r.rows <= 0 || r.cols <= 0;
}

static inline bool rect_holds(rect r, int row, int col) {
    return row >= r.row && row < r.row + r.rows && col >= r.col && col < r.col + r.cols;
}

static inline bool rect_inside(rect inner, rect outer) {
    return rect_empty(inner) || (inner.row >= outer.row && inner.col >= outer.col &&
                                 inner.row + inner.rows <= outer.row + outer.rows &&
                                 inner.col + inner.cols <= outer.col + outer.cols);
}

static inline bool rect_overlaps(rect a, rect b) {
    return !rect_empty(a) && !rect_empty(b) && a.row < b.row + b.rows && b.row < a.row + a.rows &&
           a.col < b.col + b.cols && b.col < a.col + a.cols;
}

/* R without so many cells on each side; never negative. */
static inline rect rect_inset(rect r, int top, int right, int bottom, int left) {
    rect in = {r.row + top, r.col + left, r.rows - top - bottom, r.cols - left - right};
    if (in.rows < 0) in.rows = 0;
    if (in.cols < 0) in.cols = 0;
    return in;
}

/* Row INDEX of R as a rectangle one row high; empty when R has no such row. */
static inline rect rect_row(rect r, int index) {
    return (rect){r.row + index, r.col, index >= 0 && index < r.rows ? 1 : 0, r.cols};
}

#endif
