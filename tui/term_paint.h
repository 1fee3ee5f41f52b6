/*
 * term_paint.h - pictures in 24-bit colours, painted over what ncurses has put there.
 */
#ifndef TUI_TERM_PAINT_H
#define TUI_TERM_PAINT_H

#include "engine/base/str.h"
#include "tui/canvas.h"

bool canvas_cell_same(const canvas_cell *a, const canvas_cell *b);

/* Append what a terminal must be sent after NOW was shown where SHOWN was (NULL: something else): nothing
 * when no row with a picture has changed. The cursor and the colours are as before afterwards. */
void term_paint(const canvas *now, const canvas *shown, str *out);

#endif
