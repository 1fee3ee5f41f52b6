/*
 * layout.h - where things are: a pure function of the terminal's size and what is to be shown.
 *
 * All rectangles lie inside the terminal and no two overlap, at any size from 1×1 (a test sweeps them). Panes
 * stacked above each other share an edge: only the lowest has a bottom border (see `flags`).
 */
#ifndef TUI_LAYOUT_H
#define TUI_LAYOUT_H

#include <stdbool.h>

#include "tui/rect.h"

typedef enum layout_kind {
    LAYOUT_TINY,   /* under 20×5: one status line */
    LAYOUT_NARROW, /* under 60 columns or 12 rows: one pane at a time, with tabs */
    LAYOUT_NORMAL, /* 80×24 and the like */
    LAYOUT_WIDE,   /* 120 columns or more */
} layout_kind;

typedef enum pane {
    PANE_LIST,     /* at the left: models, classes, layers, fields, runs */
    PANE_DETAIL,   /* what the list's cursor is on */
    PANE_LOSS,     /* charts ... */
    PANE_ACCURACY, /* ... below each other */
    PANE_NOW,      /* figures of the present moment */
    PANE_PROFILE,  /* where the time goes; instead of a chart, or of both */
    PANE_LOG,
    PANE_COUNT
} pane;

/* Which panes a screen has. */
typedef enum layout_form {
    LAYOUT_LIST,  /* list beside detail */
    LAYOUT_CHART, /* list beside loss, accuracy, now */
} layout_form;

typedef struct layout_state {
    layout_form form;
    pane focus;   /* shown when there is room for one pane only */
    bool log;     /* the log pane is open */
    double split; /* the list's share of the width, 0..1; 0: chosen */
    bool profile; /* its pane is open; LAYOUT_CHART only */
} layout_state;

typedef struct layout {
    layout_kind kind;
    rect screen;           /* everything */
    rect bar;              /* tabs at the top */
    rect body;             /* what the panes share */
    rect tabs;             /* narrow: the row that names the panes; empty otherwise */
    rect footer;           /* keys and state at the bottom; the status line when tiny */
    rect pane[PANE_COUNT]; /* with borders; empty: not shown */
    int flags[PANE_COUNT]; /* FRAME_JOINED, FRAME_NO_BOTTOM */
} layout;

layout layout_compute(int rows, int cols, const layout_state *state);
/* The first pane of the form, and the next one after FOCUS that can have the focus (step 1 or -1). */
pane layout_next_focus(const layout_state *state, int step);
const char *layout_pane_name(pane p);

#endif
