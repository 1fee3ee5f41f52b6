/*
 * facts.h - labels with values below each other, wrapped and scrolled: what the detail panes are made of.
 */
#ifndef TUI_SCREENS_FACTS_H
#define TUI_SCREENS_FACTS_H

#include "tui/canvas.h"

/* Where a pane of facts is scrolled to; what a screen keeps between two frames. */
typedef struct facts_scroll {
    int skip;       /* rows scrolled away at the top */
    int rows, page; /* in all, and shown, as last drawn */
} facts_scroll;

typedef struct facts {
    canvas *c;
    rect r;      /* within its margins */
    rect former; /* clip */
    int row;     /* next, counted from the first fact */
    facts_scroll *scroll;
} facts;

/* R is the inside of a frame; a column on either side stays free. */
facts facts_begin(canvas *c, rect r, facts_scroll *scroll);
void facts_heading(facts *f, const char *text);
/* LABEL in a column of its own, the value wrapped beside it. */
void facts_line(facts *f, const char *label, const char *format, ...) __attribute__((format(printf, 3, 4)));
void facts_value(facts *f, const char *label, theme_role role, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Text over the whole width, wrapped. */
void facts_text(facts *f, theme_role role, const char *format, ...) __attribute__((format(printf, 3, 4)));
void facts_gap(facts *f);           /* an empty row */
rect facts_bar(facts *f, int most); /* the place of a bar of at most so many columns beside the labels */
/* The place of the next ROWS rows, for drawing something else there; may lie outside the pane. */
rect facts_room(facts *f, int rows);
/* Ends the clipping, and shows at the right edge that there is more than fits. */
void facts_end(facts *f);

/* Keys that scroll. True: taken. */
bool facts_key(facts_scroll *scroll, int key);

#endif
