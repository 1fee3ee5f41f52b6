/*
 * progress.h - a bar with eighths of a cell, and a tiny curve in one row.
 */
#ifndef TUI_WIDGETS_PROGRESS_H
#define TUI_WIDGETS_PROGRESS_H

#include "tui/canvas.h"

/* PART 0..1; anything else (NaN too) draws an empty bar. */
void progress_draw(canvas *c, int row, int col, int width, double part);
/* COUNT values as ▁▂▃▄▅▆▇█, the newest at the right, scaled to MOST; NaN is a space. */
void sparkline_draw(canvas *c, int row, int col, int width, const double *value, int count, double most,
                    theme_role role);

#endif
