/*
 * scrollbar.h - where in something longer than its pane we are, on the pane's right edge.
 */
#ifndef TUI_WIDGETS_SCROLLBAR_H
#define TUI_WIDGETS_SCROLLBAR_H

#include "tui/canvas.h"

/* In the last column of R, which shows R's height of COUNT rows from TOP on. Nothing when all of it is seen.
 */
void scrollbar_draw(canvas *c, rect r, int top, int count);

#endif
