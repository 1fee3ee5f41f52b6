/*
 * chart.c - see chart.h. From the back to the front: curves as dots, dotted lines of marks where no dot is,
 * letters, labels, legend, crosshair. The curves themselves are chart_curve.c's.
 */
#include "tui/widgets/chart.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "tui/text.h"
#include "tui/widgets/chart_axis.h"
#include "tui/widgets/chart_curve.h"

enum {
    Y_COLUMNS = 6,     /* labels of the y axis and the axis itself */
    Y_LEAST_COLS = 18, /* narrower: no y axis */
    X_LEAST_ROWS = 4,  /* lower: no x axis */
    X_LABEL_GAP = 8,   /* columns between labels of the x axis */
    ROWS_A_TICK = 3,
    LEGEND_LEAST_COLS = 34,
    LEGEND_LEAST_ROWS = 5,
    LABEL_ROWS = 3, /* rows at the top that labels of marks may take */
    LETTER_EVERY = 12,
    LETTER_SHIFT = 4,
    LEVELS_A_CURVE = 2, /* raw beneath, smoothed above */
    POINT_GAP = 3,      /* columns between points for each to get a bullet */
};

enum {
    V_LINE = 0x2502,
    V_TICK = 0x2524,
    H_LINE = 0x2500,
    H_TICK = 0x2534,
    CORNER = 0x2514,
    DOTTED = 0x250a,
    CROSS_LINE = 0x2502,
    BULLET = 0x2022,
    BROKEN = 0xd7,
    LEGEND_LINE = 0x2501,
    LEGEND_GHOST = 0x2508,
};

chart chart_default(void) {
    return (chart){.x_max = 1, .y_min = NAN, .y_max = NAN, .crosshair = NAN, .legend = true};
}

/* Everything one call needs to know. */
typedef struct drawing {
    const chart *ch;
    canvas *c;
    rect plot;
    chart_scale scale;
    axis_ticks ticks;
    raster dots;
    curve_column *column; /* plot.cols of them a curve */
    rect legend;          /* kept free of labels */
} drawing;

rect chart_plot(const chart *ch, rect r) {
    int left = r.cols >= Y_LEAST_COLS ? Y_COLUMNS : 0;
    int bottom = r.rows >= X_LEAST_ROWS ? (ch->x_name ? 2 : 1) : 0;
    return rect_inset(r, 0, 0, bottom, left);
}

double chart_x_at(const chart *ch, rect plot, int col) {
    if (plot.cols <= 1) return ch->x_min;
    return ch->x_min + (ch->x_max - ch->x_min) * (col - plot.col) / (plot.cols - 1);
}

int chart_col_of(const chart *ch, rect plot, double x) {
    double span = ch->x_max - ch->x_min;
    if (!(span > 0)) return plot.col;
    double at = (x - ch->x_min) / span * (plot.cols - 1);
    if (!(at > -1)) return plot.col - 1;
    return at < plot.cols ? plot.col + (int)lround(at) : plot.col + plot.cols;
}

const char *chart_number(double value, bool percent, char buffer[CHART_NUMBER_MAX]) {
    double size = fabs(value);
    if (!isfinite(value))
        snprintf(buffer, CHART_NUMBER_MAX, "%s", isnan(value) ? "NaN" : value > 0 ? "inf" : "-inf");
    else if (percent)
        snprintf(buffer, CHART_NUMBER_MAX, "%.1f %%", value * 100);
    else if (size != 0 && (size < 1e-3 || size >= 1e5))
        snprintf(buffer, CHART_NUMBER_MAX, "%.2e", value);
    else
        snprintf(buffer, CHART_NUMBER_MAX, size < 1 ? "%.4f" : size < 100 ? "%.3f" : "%.0f", value);
    return buffer;
}

void chart_tick_text(double value, double step, bool percent, char *buffer, size_t size) {
    if (percent) {
        snprintf(buffer, size, "%g%%", round(value * 1000) / 10);
        return;
    }
    double most = fabs(value);
    int digits = step > 0 && step < 1 ? (int)ceil(-log10(step) - 1e-9) : 0;
    bool fits = digits <= 3 && most < 1e4;
    if (value == 0 || fits)
        snprintf(buffer, size, "%.*f", value == 0 && !fits ? 0 : digits, value);
    else
        snprintf(buffer, size, "%.0e", value);
}

/* ---- axes ---- */

static bool choose_range(drawing *d) {
    const chart *ch = d->ch;
    bool log_y;
    if (!curves_axis(ch, d->plot.rows / ROWS_A_TICK, &d->ticks, &log_y)) return false;
    d->scale =
        (chart_scale){ch->x_min, ch->x_max, d->ticks.low, d->ticks.high, log_y, d->dots.wide, d->dots.high};
    return true;
}

static void draw_y_axis(drawing *d, bool labels) {
    int col = d->plot.col - 1, last_row = -1;
    for (int row = 0; row < d->plot.rows; row++)
        canvas_put(d->c, d->plot.row + row, col, V_LINE, ROLE_AXIS);
    double step = d->ticks.count > 1 ? d->ticks.at[1] - d->ticks.at[0] : 0;
    for (int i = 0; labels && i < d->ticks.count; i++) {
        double dot = scale_y(&d->scale, d->ticks.at[i]);
        int row = (int)lround(dot) / raster_dots_high(d->dots.kind);
        if (!(dot >= -0.5 && dot < d->dots.high) || row >= d->plot.rows || row == last_row) continue;
        last_row = row;
        char text[CHART_NUMBER_MAX];
        chart_tick_text(d->ticks.at[i], d->scale.log_y ? d->ticks.at[i] : step, d->ch->percent, text,
                        sizeof text);
        canvas_text_right(d->c, d->plot.row + row, col - Y_COLUMNS + 1, Y_COLUMNS - 1, text, ROLE_DIM);
        canvas_put(d->c, d->plot.row + row, col, V_TICK, ROLE_AXIS);
    }
}

static void draw_x_axis(drawing *d, rect r) {
    const chart *ch = d->ch;
    int row = d->plot.row + d->plot.rows, end = d->plot.col + d->plot.cols;
    for (int col = d->plot.col; col < end; col++)
        canvas_put(d->c, row, col, H_LINE, ROLE_AXIS);
    if (d->plot.col > r.col) canvas_put(d->c, row, d->plot.col - 1, CORNER, ROLE_AXIS);
    double unit = ch->x_unit > 0 ? ch->x_unit : 1;
    double span = (ch->x_max - ch->x_min) / unit;
    int labels = d->plot.cols / X_LABEL_GAP;
    if (!(span > 0) || labels < 1) return;
    double step = axis_nice(span / labels);
    if (step < 1 && ch->x_name) step = 1; /* epochs and steps are whole */
    int name_columns = ch->x_name ? text_columns(ch->x_name) : 0, free_from = r.col;
    for (double at = ceil(ch->x_min / unit / step - 1e-9) * step; at <= ch->x_max / unit + 1e-9; at += step) {
        int col = chart_col_of(ch, d->plot, at * unit);
        if (col < d->plot.col || col >= end) continue;
        canvas_put(d->c, row, col, H_TICK, ROLE_AXIS);
        if (!ch->x_name) continue;
        char text[CHART_NUMBER_MAX];
        snprintf(text, sizeof text, "%g", fabs(at) < step / 2 ? 0 : at); /* no "-0" */
        int wide = (int)strlen(text), from = col - wide / 2;
        if (from + wide > end) from = end - wide;
        if (from < free_from || from + wide + 1 > end - name_columns) continue;
        canvas_text(d->c, row + 1, from, wide, text, ROLE_DIM);
        free_from = from + wide + 1;
    }
    if (ch->x_name && end - name_columns >= free_from)
        canvas_text(d->c, row + 1, end - name_columns, name_columns, ch->x_name, ROLE_DIM);
}

/* ---- marks ---- */

static void put_mark_line(drawing *d, const chart_mark *m, int col) {
    for (int row = 0; row < d->plot.rows; row++)
        if (!raster_touched(&d->dots, row, col - d->plot.col))
            canvas_put(d->c, d->plot.row + row, col, DOTTED, m->role);
}

/* Is ROW from COL on free for WIDTH columns? TAKEN holds, a row each, the column up to which it is used. */
static bool label_fits(const drawing *d, int row, int col, int width, const int taken[LABEL_ROWS]) {
    rect place = {d->plot.row + row, col, 1, width};
    return row < d->plot.rows && col >= d->plot.col && col + width <= d->plot.col + d->plot.cols &&
           col > taken[row] && !rect_overlaps(place, d->legend);
}

static void put_mark_label(drawing *d, const chart_mark *m, int col, int taken[LABEL_ROWS]) {
    int width = m->label ? text_columns(m->label) + 2 : 1;
    for (int row = 0; row < LABEL_ROWS && m->label; row++) {
        if (!label_fits(d, row, col, width, taken)) continue;
        canvas_put(d->c, d->plot.row + row, col, m->glyph, m->role);
        canvas_put(d->c, d->plot.row + row, col + 1, ' ', m->role);
        canvas_text(d->c, d->plot.row + row, col + 2, width - 2, m->label, m->role);
        taken[row] = col + width;
        return;
    }
    for (int row = 0; row < LABEL_ROWS; row++) { /* no room: its sign alone */
        if (!label_fits(d, row, col, 1, taken)) continue;
        canvas_put(d->c, d->plot.row + row, col, m->glyph, m->role);
        taken[row] = col;
        return;
    }
}

/* The column of a mark on the plot, or -1. */
static int mark_col(const drawing *d, const chart_mark *m) {
    int col = chart_col_of(d->ch, d->plot, m->x);
    return col >= d->plot.col && col < d->plot.col + d->plot.cols ? col : -1;
}

/* All lines first: two marks in one column must not cover each other's labels. */
static void draw_marks(drawing *d, bool axis) {
    const chart *ch = d->ch;
    int taken[LABEL_ROWS];
    for (int i = 0; i < LABEL_ROWS; i++)
        taken[i] = d->plot.col - 1;
    for (size_t i = 0; i < ch->mark_count; i++) {
        const chart_mark *m = &ch->mark[i];
        int col = mark_col(d, m);
        if (col < 0) continue;
        if (m->weight > 0)
            put_mark_line(d, m, col);
        else if (axis) /* of little weight: on the axis only */
            canvas_put(d->c, d->plot.row + d->plot.rows, col, m->glyph, m->role);
    }
    for (size_t i = 0; i < ch->mark_count; i++) {
        int col = ch->mark[i].weight > 0 ? mark_col(d, &ch->mark[i]) : -1;
        if (col >= 0) put_mark_label(d, &ch->mark[i], col, taken);
    }
}

/* ---- curves ---- */

static int cell_row(const drawing *d, double dot_y) {
    return d->plot.row + (int)lround(dot_y) / raster_dots_high(d->dots.kind);
}

static bool on_plot(const drawing *d, double dot_y) {
    return dot_y >= -0.5 && dot_y < d->dots.high - 0.5;
}

static void put_letters(drawing *d, const chart_series *s, const curve_column *column, int phase) {
    for (int i = phase % LETTER_EVERY; i < d->plot.cols; i += LETTER_EVERY)
        if (on_plot(d, column[i].dot_y))
            canvas_put_attr(d->c, cell_row(d, column[i].dot_y), d->plot.col + i, (uint32_t)s->letter, s->role,
                            ATTR_BOLD);
}

static void put_points(drawing *d, const chart_series *s) {
    int last = -POINT_GAP;
    for (size_t i = 0; i < s->count; i++) {
        int col = chart_col_of(d->ch, d->plot, curve_place(s, s->point[i].x));
        double dot = isfinite(s->point[i].y) ? scale_y(&d->scale, s->point[i].y) : NAN;
        if (col < d->plot.col || col >= d->plot.col + d->plot.cols || !on_plot(d, dot) ||
            col - last < POINT_GAP)
            continue;
        canvas_put(d->c, cell_row(d, dot), col, d->c->ascii ? (uint32_t)s->letter : BULLET, s->role);
        last = col;
    }
}

static void put_breaks(drawing *d, const curve_column *column) {
    for (int i = 0; i < d->plot.cols; i++)
        if (column[i].broken) canvas_put(d->c, d->plot.row, d->plot.col + i, BROKEN, ROLE_BAD);
}

static int curve_level(const chart_series *s, size_t index) {
    return s->ghost ? 1 : LEVELS_A_CURVE * ((int)index + 1) + 1;
}

static void draw_curves(drawing *d) {
    const chart *ch = d->ch;
    bool letters = d->c->mono;
    for (size_t i = 0; i < ch->curve_count; i++)
        curve_draw(&ch->curve[i], &d->scale, &d->dots, curve_level(&ch->curve[i], i), true,
                   &d->column[i * (size_t)d->plot.cols]);
    raster_draw(&d->dots, d->c, d->plot.row, d->plot.col);
    for (size_t i = 0; i < ch->curve_count; i++) { /* what goes on top of the dots */
        const chart_series *s = &ch->curve[i];
        const curve_column *column = &d->column[i * (size_t)d->plot.cols];
        if (letters && d->dots.kind != RASTER_ASCII) put_letters(d, s, column, LETTER_SHIFT * (int)(i + 1));
        if (s->marked && s->point && !letters) put_points(d, s);
        if (!s->ghost) put_breaks(d, column);
    }
}

/* ---- legend and crosshair ---- */

/* A line of the legend: the sign of a curve, its name, and its value at the crosshair. */
static char *legend_text(const drawing *d, const chart_series *s) {
    double at, raw, smooth;
    char number[CHART_NUMBER_MAX];
    if (isnan(d->ch->crosshair)) return xstrdup(s->name);
    if (!chart_read(s, d->scale.log_y, d->ch->crosshair, &at, &raw, &smooth))
        return xasprintf("%s -", s->name);
    bool both = s->smoothing > 0 && !s->ghost && isfinite(raw);
    str text = {0};
    str_appendf(&text, "%s %s", s->name, chart_number(smooth, d->ch->percent, number));
    if (both) str_appendf(&text, " (%s)", chart_number(raw, d->ch->percent, number));
    return str_take(&text);
}

static void draw_legend(drawing *d) {
    const chart *ch = d->ch;
    bool reading = !isnan(ch->crosshair);
    int rows = 0, width = 0;
    char *text[CHART_LEGEND_MAX];
    for (size_t i = 0; i < ch->curve_count && rows < CHART_LEGEND_MAX && rows < d->plot.rows - 1; i++) {
        text[rows] = legend_text(d, &ch->curve[i]);
        int columns = text_columns(text[rows]) + 3;
        if (columns > width) width = columns;
        rows++;
    }
    if (width > d->plot.cols * 3 / 5 && !reading) width = d->plot.cols * 3 / 5;
    if (width > d->plot.cols) width = d->plot.cols;
    int top = ch->legend_below ? d->plot.row + d->plot.rows - rows : d->plot.row;
    d->legend = (rect){top, d->plot.col + d->plot.cols - width, rows, width};
    for (int i = 0; i < rows; i++) {
        const chart_series *s = &ch->curve[i];
        int col = d->legend.col;
        canvas_fill(d->c, rect_row(d->legend, i), ROLE_TEXT);
        uint32_t sign = d->c->mono || d->c->ascii ? (uint32_t)s->letter
                        : s->ghost                ? LEGEND_GHOST
                                                  : LEGEND_LINE;
        canvas_put_attr(d->c, top + i, col, sign, s->role, ATTR_BOLD);
        canvas_text(d->c, top + i, col + 2, width - 2, text[i],
                    reading    ? s->role
                    : s->ghost ? ROLE_DIM
                               : ROLE_TEXT);
        free(text[i]);
    }
}

static void draw_crosshair(drawing *d) {
    int col = chart_col_of(d->ch, d->plot, d->ch->crosshair);
    if (isnan(d->ch->crosshair) || col < d->plot.col || col >= d->plot.col + d->plot.cols) return;
    for (int row = 0; row < d->plot.rows; row++) {
        if (rect_holds(d->legend, d->plot.row + row, col)) continue;
        if (raster_touched(&d->dots, row, col - d->plot.col))
            canvas_attributes(d->c, (rect){d->plot.row + row, col, 1, 1}, ATTR_REVERSE);
        else
            canvas_put(d->c, d->plot.row + row, col, CROSS_LINE, ROLE_CROSSHAIR);
    }
}

void chart_draw(const chart *ch, canvas *c, rect r) {
    rect former = canvas_clip(c, r);
    drawing d = {.ch = ch, .c = c, .plot = chart_plot(ch, r)};
    if (rect_empty(d.plot)) {
        canvas_unclip(c, former);
        return;
    }
    raster_init(&d.dots, c->ascii ? RASTER_ASCII : ch->raster, d.plot.rows, d.plot.cols);
    d.column = xcalloc((ch->curve_count + 1) * (size_t)d.plot.cols, sizeof *d.column);
    bool some = choose_range(&d), axis = d.plot.row + d.plot.rows < r.row + r.rows;
    if (d.plot.col > r.col) draw_y_axis(&d, some);
    if (axis) draw_x_axis(&d, r);
    if (some) {
        draw_curves(&d);
        bool room = d.plot.cols >= LEGEND_LEAST_COLS && d.plot.rows >= LEGEND_LEAST_ROWS;
        if ((ch->legend && room) || !isnan(ch->crosshair)) draw_legend(&d);
        draw_marks(&d, axis);
        draw_crosshair(&d);
    } else if (ch->empty) {
        canvas_text_centre(c, d.plot.row + d.plot.rows / 2, d.plot.col, d.plot.cols, ch->empty, ROLE_DIM);
    }
    free(d.column);
    raster_clear(&d.dots);
    canvas_unclip(c, former);
}
