/*
 * term.h - the terminal: the only place that knows ncurses.
 *
 * Canvases in, keys out. The terminal is opened on descriptors of its own, so that the engine may turn the
 * standard ones into a log. Only cells that differ from what is shown are handed to ncurses. Where a terminal
 * may be NULL (a workbench in a test), nothing is shown.
 */
#ifndef TUI_TERM_H
#define TUI_TERM_H

#include <stdbool.h>

#include "thaw/status.h"
#include "tui/canvas.h"
#include "tui/key.h"
#include "tui/theme.h"

typedef struct terminal terminal;

typedef enum term_glyphs {
    GLYPHS_ALL, /* Unicode */
    GLYPHS_BOX, /* letters, lines and half blocks: the Linux console */
    GLYPHS_ASCII,
} term_glyphs;

/* Fails when there is no terminal, or it cannot move its cursor. */
thaw_status term_open(bool ascii, terminal **out);
void term_close(terminal *t); /* restores; NULL is fine */

int term_fd(const terminal *t); /* poll it, then call term_key until K_NONE */
int term_key(terminal *t);      /* never blocks longer than an escape sequence takes */
void term_mouse(const terminal *t, int *row, int *col, int *button, bool *drag); /* of the last K_MOUSE */
void term_look_at_size(terminal *t); /* a K_RESIZE follows when it has changed */
void term_size(const terminal *t, int *rows, int *cols);

void term_set_theme(terminal *t, const theme *look); /* borrowed */
term_glyphs term_glyph_set(const terminal *t);
void term_set_glyphs(terminal *t, term_glyphs g);
theme_depth term_depth(const terminal *t);
const char *term_note(const terminal *t); /* something to tell the person about this terminal, or "" */

/* Show a frame; the text cursor is at (row, col), hidden when row is negative. */
void term_show(terminal *t, const canvas *c, int cursor_row, int cursor_col);
void term_repaint(terminal *t); /* the next frame is sent as a whole */
void term_bell(terminal *t);
/* Stop, back to the shell; returns when continued, and like term_resume. */
bool term_suspend(terminal *t);
/* Take the terminal up again, unless the shell has us in the background: then false, and nothing is shown
 * until it is tried again with success. */
bool term_resume(terminal *t);
void term_leave(terminal *t,
                const char *farewell); /* give it back with some last words, and use it no more */
void term_lost(terminal *t);           /* it is gone: nothing is written any more */

#endif
