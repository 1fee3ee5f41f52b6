/*
 * chart_curve.h - one curve of a chart: its values in order, smoothed, and as dots. Private to the chart.
 */
#ifndef TUI_WIDGETS_CHART_CURVE_H
#define TUI_WIDGETS_CHART_CURVE_H

#include "tui/widgets/chart.h"
#include "tui/widgets/chart_axis.h"

/* The value or values at one place of a curve. */
typedef struct curve_sample {
    double x;
    double low, high, mean; /* of the finite values; meaningless when there are none */
    uint32_t finite;        /* values that are finite */
    bool broken;            /* and some that are not */
    double smoothed;        /* NaN before the first finite value */
} curve_sample;

/* Goes through a curve from its beginning. */
typedef struct curve_walk {
    const chart_series *curve;
    size_t next;
    bool log_y;
    double average, weight; /* the running average and how much of it is real (it starts from nothing) */
} curve_walk;

curve_walk curve_begin(const chart_series *curve, bool log_y);
bool curve_next(curve_walk *w, curve_sample *out);
size_t curve_count(const chart_series *curve);

/* From values to dots. */
typedef struct chart_scale {
    double x_min, x_max, y_min, y_max;
    bool log_y;
    int wide, high; /* dots */
} chart_scale;

double scale_x(const chart_scale *s, double x);
double scale_y(const chart_scale *s, double y); /* from the top */

/* Widen *LOW..*HIGH (NaN: nothing yet) by what of the curve lies between X_MIN and X_MAX: all that is smooth,
 * and the raw values but for rare far ones. */
void curve_range(const chart_series *curve, const chart *ch, double *low, double *high);

/* The y axis of CH with about WANTED steps; LOG_Y: it is logarithmic, which takes values above zero. False:
   no curve has a value between x_min and x_max. */
bool curves_axis(const chart *ch, int wanted, axis_ticks *ticks, bool *log_y);

/* What drawing a curve tells about each column of cells. */
typedef struct curve_column {
    double dot_y; /* where the curve is, in dots from the top; NaN: nowhere */
    bool broken;  /* values that are not finite */
} curve_column;

void curve_draw(const chart_series *curve, const chart_scale *s, raster *r, int level, bool letters,
                curve_column *column);

#endif
