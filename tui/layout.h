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
    LAYOUT_FORM_COUNT
} layout_form;

/* Where one pane ends and the next begins, if that can be moved. */
typedef enum layout_edge {
    EDGE_LIST,   /* the list | what is beside it */
    EDGE_CHARTS, /* loss above accuracy */
    EDGE_LOG,    /* the log below everything else at the right */
    EDGE_COUNT   /* and none */
} layout_edge;

typedef struct layout_state {
    layout_form form;
    pane focus;   /* shown when there is room for one pane only */
    bool log;     /* the log pane is open */
    bool profile; /* its pane is open; LAYOUT_CHART only */
    /* Shares, 0..1, of the list of the width, of the loss of both charts, of the log of the height. 0: as the
     * size suggests. What a pane needs at least, it keeps. */
    double share[EDGE_COUNT];
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

/* The edge at a place on the screen; EDGE_COUNT: none. */
layout_edge layout_edge_at(const layout *l, int row, int col);
/* Set the state's share so that the edge lies as near to this place as it can. L was computed from STATE. */
void layout_move_edge(const layout *l, layout_state *state, layout_edge edge, int row, int col);
/* Where the edge lies: its row, or for EDGE_LIST its column. -1: it is not on the screen. */
int layout_edge_place(const layout *l, layout_edge edge);

#endif
