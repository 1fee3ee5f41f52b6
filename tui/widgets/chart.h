/*
 * chart.h - curves over steps.
 *
 * The chart shows each column's whole range (a spike of one step is seen), leaves a gap and a mark where a
 * value is not finite, draws the smoothed curve (a debiased exponential average, in log space on a log scale)
 * over the dim raw one, and clips at the edge. The x-axis is fixed by the caller to what is planned, so that
 * a growing curve changes few cells. It draws into a canvas and knows no terminal.
 */
#ifndef TUI_WIDGETS_CHART_H
#define TUI_WIDGETS_CHART_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/canvas.h"
#include "tui/series.h"
#include "tui/widgets/raster.h"

/* One value at one place. */
typedef struct chart_point {
    double x, y; /* y not finite: a gap */
} chart_point;

/* One curve, borrowed: the values of a run's steps (series.h), or points in ascending order of x. */
typedef struct chart_series {
    const char *name; /* "train" */
    char letter;      /* tells it apart without colour: 't' */
    theme_role role, raw_role;
    const series *steps; /* or NULL and ... */
    const chart_point *point;
    size_t count;
    double x_scale;      /* times every x; 0: 1. For a run whose epochs have other lengths */
    const series *clock; /* instead: where a step lies on the axis, in seconds. NULL: none */
    double smoothing;    /* 0: none, else the weight of the past a step, 0..1 (0.9) */
    bool ghost;          /* beneath everything else */
    bool marked;         /* few values: a mark at each one */
} chart_series;

typedef struct chart_mark {
    double x;
    theme_role role;
    uint32_t glyph;    /* ❄ */
    const char *label; /* NULL: the glyph alone */
    int weight;        /* labels of heavier marks win when there is no room for all */
} chart_mark;

typedef struct chart {
    const chart_series *curve;
    size_t curve_count;
    const chart_mark *mark;
    size_t mark_count;
    double x_min, x_max;
    double x_unit;       /* x for one unit of the axis' labels: steps in an epoch; 0: 1 */
    const char *x_name;  /* of that unit, "epoch"; NULL: no labels under the axis */
    const char *x_base;  /* of x itself, for tables; NULL: "step" */
    double y_min, y_max; /* NaN: from the values */
    bool log_y, percent;
    double crosshair; /* x to read all curves at; NaN: none */
    raster_kind raster;
    bool legend;       /* name the curves, where there is room */
    bool legend_below; /* at the bottom right, for curves that rise */
    const char *empty; /* what to say while there is nothing to draw */
} chart;

enum { CHART_LEGEND_MAX = 10 };

chart chart_default(void);
void chart_draw(const chart *ch, canvas *c, rect r);
/* The plot's area (without axes) for mouse and crosshair; empty when R is too small for one. */
rect chart_plot(const chart *ch, rect r);
/* x of a column of cells of the plot, and back; the latter may lie outside. */
double chart_x_at(const chart *ch, rect plot, int col);
int chart_col_of(const chart *ch, rect plot, double x);
/* x of a step of a curve. NaN: its clock has none. */
double curve_place(const chart_series *curve, double steps);
/* The last value of a series at or before X (raw, and smoothed as drawn); false when there is none. */
bool chart_read(const chart_series *s, bool log_y, double x, double *at, double *raw, double *smoothed);
/* A y value as the axis writes it: "0.412", "1e-05", "87 %". Returns buffer. */
enum { CHART_NUMBER_MAX = 24 };
const char *chart_number(double value, bool percent, char buffer[CHART_NUMBER_MAX]);
/* The label of a tick, with no more digits than tell it from one a STEP away. */
void chart_tick_text(double value, double step, bool percent, char *buffer, size_t size);

#endif
