/*
 * scrollbar.c - see scrollbar.h.
 */
#include "tui/widgets/scrollbar.h"

enum { ROWS_LEAST = 3, BAR = 0x2590 };

void scrollbar_draw(canvas *c, rect r, int top, int count) {
    if (count <= r.rows || r.rows < ROWS_LEAST) return;
    int size = r.rows * r.rows / count;
    if (size < 1) size = 1;
    int travel = r.rows - size, hidden = count - r.rows, at = (top * travel + hidden / 2) / hidden;
    for (int i = 0; i < size; i++)
        canvas_put(c, r.row + at + i, r.col + r.cols - 1, BAR, ROLE_BORDER);
}
