/*
 * line.h - a line of text being edited: what prompts and form fields share.
 */
#ifndef TUI_WIDGETS_LINE_H
#define TUI_WIDGETS_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/canvas.h"

enum { LINE_MAX_BYTES = 4096 };

typedef struct line_edit {
    char *text; /* never NULL after line_set */
    size_t length, capacity;
    size_t at;  /* the cursor, in bytes */
    int scroll; /* private: first column shown */
} line_edit;

void line_set(line_edit *l, const char *text); /* the cursor goes to the end */
void line_clear(line_edit *l);                 /* frees */
const char *line_text(const line_edit *l);
/* Letters are put in; arrows, Home, End, Ctrl-A/E/B/F, Backspace, Delete, Ctrl-W/U/K edit. True: taken. */
bool line_key(line_edit *l, int key);
void line_draw(line_edit *l, canvas *c, int row, int col, int width, theme_role role);

#endif
