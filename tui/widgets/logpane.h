/*
 * logpane.h - lines of a log with the newest at the bottom, scrolled back when asked.
 */
#ifndef TUI_WIDGETS_LOGPANE_H
#define TUI_WIDGETS_LOGPANE_H

#include "tui/canvas.h"
#include "tui/run_view.h"

typedef struct logpane {
    int back; /* lines scrolled up from the newest, 0: following */
    int page; /* rows the last draw had */
} logpane;

void logpane_draw(logpane *p, canvas *c, rect r, const run_log_line *log, size_t count);
bool logpane_key(logpane *p, int key, size_t count);

#endif
