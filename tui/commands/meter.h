/*
 * meter.h - one line at the bottom of the terminal that says how far the work is.
 *
 * It goes to standard error, and only when that is a terminal: into a file or a pipe nothing is written.
 */
#ifndef TUI_COMMANDS_METER_H
#define TUI_COMMANDS_METER_H

#include <stdbool.h>

typedef struct meter {
    bool on;      /* standard error is a terminal */
    bool drawn;   /* the line is there now */
    bool unicode; /* the locale can show blocks */
    double shown; /* when it was last drawn */
} meter;

meter meter_begin(void);
/* Draw FRACTION (0..1, negative: not known) and TEXT; at most a few times a second. */
void meter_show(meter *m, double fraction, const char *text);
void meter_clear(meter *m); /* take the line away: before printing anything, and at the end */

#endif
