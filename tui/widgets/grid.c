/*
 * grid.c - see grid.h.
 */
#include "tui/widgets/grid.h"

#include "tui/key.h"

enum { GAP = 1 };

void grid_set_count(grid *g, int count) {
    g->count = count < 0 ? 0 : count;
    if (g->cursor >= g->count) g->cursor = g->count - 1;
    if (g->cursor < 0) g->cursor = 0;
}

static int rows_of(const grid *g) {
    return g->across > 0 ? (g->count + g->across - 1) / g->across : 0;
}

static void follow_cursor(grid *g) {
    int row = g->cursor / g->across, last = rows_of(g) - g->down;
    if (row < g->top) g->top = row;
    if (row >= g->top + g->down) g->top = row - g->down + 1;
    if (g->top > last) g->top = last;
    if (g->top < 0) g->top = 0;
}

void grid_lay_out(grid *g, rect r, int wanted, int caption) {
    g->area = r;
    g->across = g->down = 0;
    if (rect_empty(r) || r.rows <= caption) return;
    g->caption = caption;
    g->across = (r.cols + GAP) / (wanted + GAP);
    if (g->across < 1) g->across = 1;
    g->tile_cols = (r.cols + GAP) / g->across - GAP;
    g->tile_rows = (g->tile_cols + 1) / 2 + caption; /* a cell is twice as high as it is wide */
    if (g->tile_rows > r.rows) g->tile_rows = r.rows;
    g->down = r.rows / g->tile_rows;
    int spread = r.rows / g->down; /* what is left over makes the pictures higher, up to a square */
    if (spread < g->tile_rows) g->tile_rows = spread;
    follow_cursor(g);
}

void grid_shown(const grid *g, int *first, int *end) {
    *first = g->top * g->across;
    *end = *first + g->across * g->down;
    if (*end > g->count) *end = g->count;
    if (*first > *end) *first = *end;
}

static rect tile(const grid *g, int item) {
    int at = item - g->top * g->across;
    if (!g->across || at < 0 || at >= g->across * g->down) return (rect){0};
    return (rect){g->area.row + at / g->across * g->tile_rows,
                  g->area.col + at % g->across * (g->tile_cols + GAP), g->tile_rows, g->tile_cols};
}

rect grid_picture(const grid *g, int item) {
    return rect_inset(tile(g, item), 0, 0, g->caption, 0);
}

rect grid_caption(const grid *g, int item) {
    rect t = tile(g, item);
    return rect_inset(t, t.rows - g->caption, 0, 0, 0);
}

bool grid_key(grid *g, int key) {
    int across = g->across > 0 ? g->across : 1, page = across * (g->down > 0 ? g->down : 1), to = g->cursor;
    switch (key) {
    case K_LEFT:
    case 'h':
        to--;
        break;
    case K_RIGHT:
    case 'l':
        to++;
        break;
    case K_UP:
    case 'k':
        to -= across;
        break;
    case K_DOWN:
    case 'j':
        to += across;
        break;
    case K_PGUP:
    case K_CTRL('U'):
        to -= page;
        break;
    case K_PGDN:
    case K_CTRL('D'):
        to += page;
        break;
    case K_HOME:
        to = 0;
        break;
    case K_END:
        to = g->count - 1;
        break;
    default:
        return false;
    }
    g->cursor = to;
    if (to < 0) g->cursor = 0;
    grid_set_count(g, g->count);
    return true;
}

bool grid_click(grid *g, int row, int col) {
    int first, end;
    grid_shown(g, &first, &end);
    for (int i = first; i < end; i++) {
        if (!rect_holds(tile(g, i), row, col)) continue;
        g->cursor = i;
        return true;
    }
    return false;
}
