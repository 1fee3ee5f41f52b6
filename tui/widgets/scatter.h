/*
 * scatter.h - points over a logarithmic x-axis: which models are accurate for what they cost.
 *
 * The axes follow from all points, chosen or not, so that the picture stands still while a filter is typed.
 * What is chosen differs from the rest by role and, without colours, by size.
 */
#ifndef TUI_WIDGETS_SCATTER_H
#define TUI_WIDGETS_SCATTER_H

#include "tui/canvas.h"
#include "tui/widgets/chart_axis.h"
#include "tui/widgets/raster.h"

typedef struct scatter_point {
    double x, y; /* a point with an x that is not positive, or a NaN, is not drawn */
    bool chosen;
} scatter_point;

typedef struct scatter {
    const scatter_point *point;
    int count;
    int marked;         /* the point under the cursor; -1: none */
    const char *name;   /* of the marked point; NULL: none */
    const char *x_name; /* "GMACs" */
    raster_kind raster;
} scatter;

/* Where things are: a pure function of the points and the place. */
typedef struct scatter_frame {
    rect plot; /* cells of the dots; empty: there is no room, or no point */
    axis_ticks x, y;
} scatter_frame;
scatter_frame scatter_layout(const scatter *s, rect r);
/* The cell of PLOT (counted from its top left) that a point falls into, between dots wide and high apart. */
void scatter_place(const scatter_frame *f, double x, double y, int wide, int high, int *column, int *row);

void scatter_draw(const scatter *s, canvas *c, rect r);

#endif
