/*
 * chart_axis.h - where the lines of an axis are. Private to the chart.
 */
#ifndef TUI_WIDGETS_CHART_AXIS_H
#define TUI_WIDGETS_CHART_AXIS_H

#include <stdbool.h>

enum { AXIS_TICKS_MAX = 24 };

typedef struct axis_ticks {
    double low, high; /* the range, widened to whole ticks */
    double at[AXIS_TICKS_MAX];
    int count;
} axis_ticks;

/* The smallest of 1, 2, 5, 10, 20, 50, ... (and their fractions) that is at least VALUE. */
double axis_nice(double value);
/* At most WANTED steps for LOW..HIGH (finite, LOW <= HIGH). On a log axis both are positive. */
axis_ticks axis_linear(double low, double high, int wanted);
axis_ticks axis_log(double low, double high, int wanted);

#endif
