/*
 * scatter.c - see scatter.h.
 */
#include "tui/widgets/scatter.h"

#include <math.h>
#include <stdio.h>

#include "tui/text.h"

enum {
    LABEL_COLUMNS = 4, /* of the y-axis, its line included */
    AXIS_ROWS = 2,     /* the x-axis and its labels */
    PLOT_ROWS_LEAST = 3,
    PLOT_COLS_LEAST = 12,
    COLUMNS_A_TICK = 4,
    ROWS_A_TICK = 3,
    TICK_TEXT = 16,
    LEVEL_REST = 0,
    LEVEL_CHOSEN = 1,
};

static const double margin_share = 0.02; /* of the points' extent, at either end */

static bool drawable(const scatter_point *p) {
    return p->x > 0 && isfinite(p->x) && isfinite(p->y);
}

/* From the points' own extent rather than from tick to tick: there are few rows. */
static void tighten(axis_ticks *t, double low, double high) {
    int kept = 0;
    for (int i = 0; i < t->count; i++)
        if (t->at[i] >= low && t->at[i] <= high) t->at[kept++] = t->at[i];
    if (!kept || !(high > low)) return;
    t->count = kept;
    t->low = low;
    t->high = high;
}

scatter_frame scatter_layout(const scatter *s, rect r) {
    scatter_frame f = {.plot = rect_inset(r, 0, 0, AXIS_ROWS, LABEL_COLUMNS)};
    double left = INFINITY, right = -INFINITY, low = INFINITY, high = -INFINITY;
    for (int i = 0; i < s->count; i++) {
        if (!drawable(&s->point[i])) continue;
        left = fmin(left, s->point[i].x);
        right = fmax(right, s->point[i].x);
        low = fmin(low, s->point[i].y);
        high = fmax(high, s->point[i].y);
    }
    if (left > right || f.plot.rows < PLOT_ROWS_LEAST || f.plot.cols < PLOT_COLS_LEAST) {
        f.plot = (rect){0};
        return f;
    }
    f.x = axis_log(left, right, f.plot.cols / COLUMNS_A_TICK);
    f.y = axis_linear(low, high, f.plot.rows / ROWS_A_TICK);
    if (!(right > left) || !(high > low)) return f;
    double beside = pow(right / left, margin_share), above = (high - low) * margin_share;
    tighten(&f.x, left / beside, right * beside);
    tighten(&f.y, low - above, high + above);
    return f;
}

void scatter_place(const scatter_frame *f, double x, double y, int wide, int high, int *column, int *row) {
    double across = log(x / f->x.low) / log(f->x.high / f->x.low),
           up = (y - f->y.low) / (f->y.high - f->y.low);
    *column = (int)lround(across * (f->plot.cols * wide - 1));
    *row = (int)lround((1 - up) * (f->plot.rows * high - 1));
}

/* ---- axes ---- */

static void draw_y_axis(const scatter_frame *f, canvas *c) {
    int col = f->plot.col - 1, unused, row;
    for (int i = 0; i < f->plot.rows; i++)
        canvas_put(c, f->plot.row + i, col, 0x2502, ROLE_AXIS); /* │ */
    for (int i = 0; i < f->y.count; i++) {
        scatter_place(f, f->x.low, f->y.at[i], 1, 1, &unused, &row);
        canvas_put(c, f->plot.row + row, col, 0x2524, ROLE_AXIS); /* ┤ */
        char label[TICK_TEXT];
        snprintf(label, sizeof label, "%g", f->y.at[i]);
        canvas_text_right(c, f->plot.row + row, f->plot.col - LABEL_COLUMNS, LABEL_COLUMNS - 1, label,
                          ROLE_AXIS);
    }
}

/* Labels under their ticks, as many as do not touch; the axis' name at the right end takes its place first.
 */
static void draw_x_axis(const scatter_frame *f, canvas *c, const char *name) {
    int row = f->plot.row + f->plot.rows, left = f->plot.col, end = left + f->plot.cols, at, unused;
    int name_col = end - text_columns(name), free_from = left - 1;
    canvas_put(c, row, left - 1, 0x2514, ROLE_AXIS); /* └ */
    for (int col = left; col < end; col++)
        canvas_put(c, row, col, 0x2500, ROLE_AXIS); /* ─ */
    for (int i = 0; i < f->x.count; i++) {
        char label[TICK_TEXT];
        scatter_place(f, f->x.at[i], f->y.low, 1, 1, &at, &unused);
        canvas_put(c, row, left + at, 0x2534, ROLE_AXIS); /* ┴ */
        int width = snprintf(label, sizeof label, "%g", f->x.at[i]), col = left + at - width / 2;
        if (col < free_from || col + width >= name_col) continue;
        canvas_text(c, row + 1, col, width, label, ROLE_AXIS);
        free_from = col + width + 1;
    }
    canvas_text(c, row + 1, name_col, end - name_col, name, ROLE_AXIS);
}

/* ---- points ---- */

static void draw_points(const scatter *s, const scatter_frame *f, canvas *c) {
    raster dots;
    raster_init(&dots, s->raster, f->plot.rows, f->plot.cols);
    for (int i = 0; i < s->count; i++) {
        const scatter_point *p = &s->point[i];
        if (!drawable(p)) continue;
        raster_pen pen = p->chosen ? (raster_pen){.role = ROLE_ACCENT, .level = LEVEL_CHOSEN, .letter = 'o'}
                                   : (raster_pen){.role = ROLE_DIM, .level = LEVEL_REST, .letter = '.'};
        int x, y, size = p->chosen && c->mono ? 2 : 1;
        scatter_place(f, p->x, p->y, raster_dots_wide(s->raster), raster_dots_high(s->raster), &x, &y);
        for (int dot = 0; dot < size * size; dot++)
            raster_dot(&dots, x + dot % size, y - dot / size, pen);
    }
    raster_draw(&dots, c, f->plot.row, f->plot.col);
    raster_clear(&dots);
}

/* A diamond with the name beside it, on the side that has room. */
static void draw_marked(const scatter *s, const scatter_frame *f, canvas *c) {
    if (s->marked < 0 || s->marked >= s->count || !drawable(&s->point[s->marked])) return;
    int col, row;
    scatter_place(f, s->point[s->marked].x, s->point[s->marked].y, 1, 1, &col, &row);
    int width = s->name ? text_columns(s->name) : 0;
    int beside = col + 2 + width <= f->plot.cols ? col + 2 : col - 1 - width;
    if (s->name && beside >= 0)
        canvas_text(c, f->plot.row + row, f->plot.col + beside, width, s->name, ROLE_STRONG);
    canvas_put_attr(c, f->plot.row + row, f->plot.col + col, c->ascii || c->box ? '@' : 0x25c6, ROLE_MATCH,
                    ATTR_BOLD);
}

void scatter_draw(const scatter *s, canvas *c, rect r) {
    scatter_frame f = scatter_layout(s, r);
    if (rect_empty(f.plot)) return;
    rect former = canvas_clip(c, r);
    draw_y_axis(&f, c);
    draw_x_axis(&f, c, s->x_name);
    draw_points(s, &f, c);
    draw_marked(s, &f, c);
    canvas_unclip(c, former);
}
