/*
 * canvas.c - see canvas.h. A wide character takes two cells, the second of which has point 0; whatever
 * overwrites one half blanks the other, so that a canvas never holds half a character.
 */
#include "tui/canvas.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "tui/text.h"

void canvas_init(canvas *c, int rows, int cols) {
    *c = (canvas){0};
    canvas_resize(c, rows, cols);
}

void canvas_clear(canvas *c) {
    free(c->cell);
    *c = (canvas){0};
}

void canvas_resize(canvas *c, int rows, int cols) {
    if (rows < 1) rows = 1;
    if (cols < 1) cols = 1;
    free(c->cell);
    c->rows = rows;
    c->cols = cols;
    c->cell = xcalloc((size_t)rows * (size_t)cols, sizeof *c->cell);
    canvas_erase(c);
}

static void blank(canvas_cell *cell, theme_role role) {
    *cell = (canvas_cell){.point = ' ', .role = (uint8_t)role, .ground = ROLE_COUNT};
}

void canvas_erase(canvas *c) {
    size_t count = (size_t)c->rows * (size_t)c->cols;
    for (size_t i = 0; i < count; i++)
        blank(&c->cell[i], ROLE_TEXT);
    c->clip = (rect){0, 0, c->rows, c->cols};
}

rect canvas_clip(canvas *c, rect r) {
    rect former = c->clip;
    int bottom = r.row + r.rows, right = r.col + r.cols;
    if (r.row < former.row) r.row = former.row;
    if (r.col < former.col) r.col = former.col;
    if (bottom > former.row + former.rows) bottom = former.row + former.rows;
    if (right > former.col + former.cols) right = former.col + former.cols;
    r.rows = bottom > r.row ? bottom - r.row : 0;
    r.cols = right > r.col ? right - r.col : 0;
    c->clip = r;
    return former;
}

void canvas_unclip(canvas *c, rect former) {
    c->clip = former;
}

static canvas_cell *cell_at(canvas *c, int row, int col) {
    return &c->cell[(size_t)row * (size_t)c->cols + (size_t)col];
}

/* Make the cell free to be written: the other half of a wide character in it becomes a space. */
static void release(canvas *c, int row, int col) {
    canvas_cell *cell = cell_at(c, row, col);
    if (cell->point == 0 && col > 0) cell[-1].point = ' ';
    if (col + 1 < c->cols && cell[1].point == 0) cell[1].point = ' ';
}

void canvas_put_attr(canvas *c, int row, int col, uint32_t point, theme_role role, int attributes) {
    if (!rect_holds(c->clip, row, col)) return;
    int columns = text_point_columns(point);
    if (columns < 0) {
        point = 0xfffd;
        columns = 1;
    }
    if (point >= 0x80 && (c->ascii || (c->box && !text_in_box(point)))) point = (uint32_t)text_ascii(point);
    canvas_cell *cell = cell_at(c, row, col);
    if (columns == 0) return; /* marks come through canvas_text, which knows the character they belong to */
    if (columns == 2 && !rect_holds(c->clip, row, col + 1)) point = ' ';
    release(c, row, col);
    *cell = (canvas_cell){
        .point = point, .role = (uint8_t)role, .attributes = (uint8_t)attributes, .ground = ROLE_COUNT};
    if (columns == 2 && rect_holds(c->clip, row, col + 1)) {
        release(c, row, col + 1);
        cell[1] = *cell;
        cell[1].point = c->ascii ? ' ' : 0;
    }
}

void canvas_put(canvas *c, int row, int col, uint32_t point, theme_role role) {
    canvas_put_attr(c, row, col, point, role, 0);
}

void canvas_put_picture(canvas *c, int row, int col, uint32_t point, uint32_t ink, uint32_t paper) {
    if (!rect_holds(c->clip, row, col)) return;
    canvas_put(c, row, col, point, ROLE_TEXT);
    canvas_cell *cell = cell_at(c, row, col);
    cell->picture = true;
    cell->ink = ink;
    cell->paper = paper;
}

void canvas_fill(canvas *c, rect r, theme_role role) {
    for (int row = r.row; row < r.row + r.rows; row++)
        for (int col = r.col; col < r.col + r.cols; col++)
            canvas_put(c, row, col, ' ', role);
}

/* Put a combining mark onto the character at (row, col). */
static void add_mark(canvas *c, int row, int col, uint32_t mark) {
    if (c->ascii || !rect_holds(c->clip, row, col)) return;
    canvas_cell *cell = cell_at(c, row, col);
    if (cell->point == 0 && col > 0) cell--;
    for (size_t i = 0; i < sizeof cell->mark / sizeof *cell->mark; i++) {
        if (cell->mark[i]) continue;
        cell->mark[i] = mark;
        return;
    }
}

/* Draw what is known to fit. */
static int put_text(canvas *c, int row, int col, const char *text, size_t bytes, theme_role role) {
    const char *end = text + bytes;
    int at = col;
    while (text < end) {
        uint32_t point = text_decode(&text);
        int columns = text_point_columns(point);
        if (columns == 0) {
            if (at > col) add_mark(c, row, at - 1, point);
            continue;
        }
        canvas_put(c, row, at, point, role);
        at += columns < 0 ? 1 : columns;
    }
    return at - col;
}

int canvas_text(canvas *c, int row, int col, int width, const char *text, theme_role role) {
    if (width <= 0 || !text) return 0;
    int used = 0;
    size_t bytes = text_fit(text, width, &used);
    if (!text[bytes]) return put_text(c, row, col, text, bytes, role);
    bytes = text_fit(text, width - 1, &used);
    put_text(c, row, col, text, bytes, role);
    canvas_put(c, row, col + used, 0x2026, role); /* … */
    return used + 1;
}

int canvas_text_right(canvas *c, int row, int col, int width, const char *text, theme_role role) {
    int columns = text_columns(text);
    int pad = columns < width ? width - columns : 0;
    return pad + canvas_text(c, row, col + pad, width - pad, text, role);
}

int canvas_text_centre(canvas *c, int row, int col, int width, const char *text, theme_role role) {
    int columns = text_columns(text);
    int pad = columns < width ? (width - columns) / 2 : 0;
    return pad + canvas_text(c, row, col + pad, width - pad, text, role);
}

int canvas_textf(canvas *c, int row, int col, int width, theme_role role, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    int used = canvas_text(c, row, col, width, text, role);
    free(text);
    return used;
}

/* Bytes of the next line of at most COLUMNS, broken at a space where there is one; *SKIP: spaces after it. */
static size_t next_line(const char *text, int columns, size_t *skip) {
    size_t newline = strcspn(text, "\n"), fit = text_fit(text, columns, NULL);
    *skip = 0;
    if (newline <= fit) {
        *skip = text[newline] == '\n';
        return newline;
    }
    if (text[fit] == ' ') {
        *skip = strspn(text + fit, " ");
        return fit;
    }
    size_t space = fit;
    while (space > 0 && text[space - 1] != ' ')
        space--;
    if (space > 0) return space;
    return fit > 0 ? fit : text_next(text, 0); /* a word, or a character, wider than the line */
}

int canvas_paragraph(canvas *c, rect r, const char *text, theme_role role) {
    if (r.cols <= 0) return 0;
    int rows = 0;
    while (*text) {
        size_t skip, bytes = next_line(text, r.cols, &skip);
        if (rows < r.rows) put_text(c, r.row + rows, r.col, text, bytes, role);
        text += bytes + skip;
        rows++;
    }
    return rows;
}

void canvas_ground(canvas *c, rect r, theme_role role) {
    rect former = canvas_clip(c, r), in = c->clip;
    for (int row = in.row; row < in.row + in.rows; row++)
        for (int col = in.col; col < in.col + in.cols; col++)
            cell_at(c, row, col)->ground = (uint8_t)role;
    canvas_unclip(c, former);
}

void canvas_attributes(canvas *c, rect r, int attributes) {
    rect former = canvas_clip(c, r), in = c->clip;
    for (int row = in.row; row < in.row + in.rows; row++)
        for (int col = in.col; col < in.col + in.cols; col++)
            cell_at(c, row, col)->attributes |= (uint8_t)attributes;
    canvas_unclip(c, former);
}

char *canvas_row_text(const canvas *c, int row) {
    str text = {0};
    char utf8[5];
    for (int col = 0; col < c->cols; col++) {
        const canvas_cell *cell = &c->cell[(size_t)row * (size_t)c->cols + (size_t)col];
        if (!cell->point) continue;
        text_encode(cell->point, utf8);
        str_append(&text, utf8);
        for (int i = 0; i < 2 && cell->mark[i]; i++) {
            text_encode(cell->mark[i], utf8);
            str_append(&text, utf8);
        }
    }
    while (text.length > 0 && text.data[text.length - 1] == ' ')
        text.data[--text.length] = '\0';
    return str_take(&text);
}
