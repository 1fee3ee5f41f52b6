/*
 * term_paint.c - see term_paint.h.
 *
 * ncurses speaks to a terminal by its description, and nearly all descriptions know 256 colours and no more.
 * So the cells of pictures are, for ncurses, characters without colours; whatever it did in a row with such
 * cells, they are painted anew after it, since it may have sent some of them again to get past them.
 */
#include "tui/term_paint.h"

#include "tui/text.h"

bool canvas_cell_same(const canvas_cell *a, const canvas_cell *b) {
    return a->point == b->point && a->role == b->role && a->attributes == b->attributes &&
           a->ground == b->ground && a->mark[0] == b->mark[0] && a->mark[1] == b->mark[1] &&
           a->picture == b->picture && a->ink == b->ink && a->paper == b->paper;
}

static bool row_changed(const canvas_cell *now, const canvas_cell *shown, int cols) {
    for (int col = 0; col < cols; col++)
        if (!canvas_cell_same(&now[col], &shown[col])) return true;
    return false;
}

static void append_colour(str *out, int what, uint32_t rgb) {
    str_appendf(out, "\033[%d;2;%d;%d;%dm", what, (int)(rgb >> 16 & 255), (int)(rgb >> 8 & 255),
                (int)(rgb & 255));
}

static void paint_row(const canvas_cell *cell, int row, int cols, str *out) {
    enum { INK = 38, PAPER = 48 };
    const canvas_cell *last = NULL; /* painted, just before */
    char utf8[5];
    for (int col = 0; col < cols; last = cell[col].picture ? &cell[col] : NULL, col++) {
        const canvas_cell *now = &cell[col];
        if (!now->picture) continue;
        if (!last) str_appendf(out, "\033[%d;%dH", row + 1, col + 1);
        if (!last || last->ink != now->ink) append_colour(out, INK, now->ink);
        if (!last || last->paper != now->paper) append_colour(out, PAPER, now->paper);
        text_encode(now->point, utf8);
        str_append(out, utf8);
    }
}

void term_paint(const canvas *now, const canvas *shown, str *out) {
    static const char keep[] = "\0337\033[0m", restore[] = "\0338";
    size_t before = out->length;
    str_append(out, keep);
    size_t nothing = out->length;
    for (int row = 0; row < now->rows; row++) {
        size_t first = (size_t)row * (size_t)now->cols;
        if (!shown || row_changed(&now->cell[first], &shown->cell[first], now->cols))
            paint_row(&now->cell[first], row, now->cols, out);
    }
    if (out->length > nothing) {
        str_append(out, restore);
        return;
    }
    out->length = before;
    out->data[before] = '\0';
}
