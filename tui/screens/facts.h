/*
 * facts.h - labels with values below each other, wrapped and scrolled: what the detail panes are made of.
 */
#ifndef TUI_SCREENS_FACTS_H
#define TUI_SCREENS_FACTS_H

#include "tui/canvas.h"

typedef struct facts {
    canvas *c;
    rect r;
    rect former; /* clip */
    int row;     /* next, counted from the first fact */
    int skip;    /* rows scrolled away */
} facts;

/* SKIP rows are scrolled away at the top. */
facts facts_begin(canvas *c, rect r, int skip);
void facts_heading(facts *f, const char *text);
/* LABEL in a column of its own, the value wrapped beside it. */
void facts_line(facts *f, const char *label, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Text over the whole width, wrapped. */
void facts_text(facts *f, theme_role role, const char *format, ...) __attribute__((format(printf, 3, 4)));
void facts_gap(facts *f); /* an empty row */
/* The place of the next ROWS rows, for drawing something else there; may lie outside the pane. */
rect facts_room(facts *f, int rows);
/* How many rows there are in all; also ends the clipping. */
int facts_end(facts *f);

/* Keys that scroll a pane of TOTAL rows of which PAGE are shown. True: taken. */
bool facts_key(int *skip, int key, int total, int page);

#endif
