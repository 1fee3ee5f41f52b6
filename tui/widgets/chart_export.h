/*
 * chart_export.h - charts as files: a picture, or the numbers.
 */
#ifndef TUI_WIDGETS_CHART_EXPORT_H
#define TUI_WIDGETS_CHART_EXPORT_H

#include "tui/widgets/chart.h"

/* Charts one above the other, with the same x axis. */
typedef struct chart_sheet {
    const char *title;
    const chart *item;
    const char *const *name; /* COUNT: "loss", "accuracy" */
    size_t count;
} chart_sheet;

/* An SVG document for light paper: curves with the range of their raw values, axes, marks and a legend,
   between the charts' x_min and x_max. Owned by the caller. */
char *chart_svg(const chart_sheet *sheet);
/*
 * A row for each value between x_min and x_max: chart, curve, step, epoch (x over x_unit), value (the mean
 * where several steps share a place), low, high, smoothed as drawn. Not finite: empty. Texts as RFC 4180
 * quotes them.
 */
char *chart_csv(const chart_sheet *sheet);

#endif
