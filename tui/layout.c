/*
 * layout.c - see layout.h.
 */
#include "tui/layout.h"

#include <math.h>

#include "tui/canvas.h"

enum {
    TINY_COLS = 20,
    TINY_ROWS = 5,
    NARROW_COLS = 60,
    NARROW_ROWS = 12,
    WIDE_COLS = 120,
    NOW_ROWS = 3,      /* lines of figures, and a border at the top and the bottom */
    LOG_LEAST = 4,     /* rows of the log pane with its border */
    CHART_LEAST = 5,   /* rows of a chart worth drawing */
    PROFILE_ROWS = 18, /* hold all phases, and what is beside them */
    LIST_LEAST = 24,   /* columns of a list worth reading */
    DETAIL_LEAST = 30,
};

static int clamp(int value, int least, int most) {
    return value < least ? least : value > most ? most : value;
}

static const pane list_panes[] = {PANE_LIST, PANE_DETAIL, PANE_LOG};
static const pane chart_panes[] = {PANE_LIST, PANE_LOSS, PANE_ACCURACY, PANE_PROFILE, PANE_NOW, PANE_LOG};

/* The panes in the order the focus goes through them; returns how many. */
static int form_panes(const layout_state *state, pane panes[PANE_COUNT]) {
    bool chart = state->form == LAYOUT_CHART;
    const pane *all = chart ? chart_panes : list_panes;
    size_t most = chart ? sizeof chart_panes / sizeof *chart_panes : sizeof list_panes / sizeof *list_panes;
    int count = 0;
    for (size_t i = 0; i < most; i++) {
        bool shown = all[i] == PANE_LOG        ? state->log
                     : all[i] == PANE_PROFILE  ? state->profile
                     : all[i] == PANE_ACCURACY ? !state->profile
                                               : true;
        if (shown) panes[count++] = all[i];
    }
    return count;
}

/* Stack panes of the given heights from the top of AREA; their edges are shared. */
static void stack(layout *l, rect area, const pane *panes, const int *rows, int count) {
    int row = area.row, last = -1;
    for (int i = 0; i < count; i++) {
        if (rows[i] <= 0) continue;
        l->pane[panes[i]] = (rect){row, area.col, rows[i], area.cols};
        l->flags[panes[i]] = FRAME_NO_BOTTOM | (last >= 0 ? FRAME_JOINED : 0);
        row += rows[i];
        last = (int)panes[i];
    }
    if (last >= 0) l->flags[last] &= ~FRAME_NO_BOTTOM;
}

/* Rows of the log, 0 when it is closed: USUAL unless it was given another share of AREA's rows. */
static int log_height(const layout_state *state, int rows, int usual, int most) {
    double share = state->share[EDGE_LOG];
    if (!state->log) return 0;
    return clamp(share > 0 ? (int)lround(rows * share) : usual, LOG_LEAST, most);
}

/* Loss, accuracy, now and log below each other: the figures keep their height, the charts share the rest.
 */
static void stack_charts(layout *l, rect area, const layout_state *state) {
    int now = NOW_ROWS + 1, log_rows = log_height(state, area.rows, area.rows / 4, area.rows / 2);
    int last = 1;                                    /* the bottom border */
    int room = area.rows - now - last - CHART_LEAST; /* the log yields first, then the figures */
    if (log_rows > room) log_rows = room >= LOG_LEAST ? room : 0;
    int charts = area.rows - now - log_rows - last;
    bool profile = state->profile;
    int accuracy = 0;
    if (!profile && charts >= 2 * CHART_LEAST) {
        double share = state->share[EDGE_CHARTS];
        accuracy = share > 0 ? charts - (int)lround(charts * share) : charts * 2 / 5;
        accuracy = clamp(accuracy, CHART_LEAST, charts - CHART_LEAST);
    }
    int profile_rows = !profile ? 0 : charts - PROFILE_ROWS >= CHART_LEAST ? PROFILE_ROWS : charts;
    if (log_rows)
        log_rows += last;
    else
        now += last;
    int rows[] = {charts - accuracy - profile_rows, accuracy, profile_rows, now, log_rows};
    static const pane panes[] = {PANE_LOSS, PANE_ACCURACY, PANE_PROFILE, PANE_NOW, PANE_LOG};
    stack(l, area, panes, rows, sizeof panes / sizeof *panes);
}

static void split(layout *l, const layout_state *state) {
    rect body = l->body;
    double share = state->share[EDGE_LIST];
    if (!(share > 0)) share = state->form == LAYOUT_CHART ? 0.36 : 0.5;
    int most = body.cols - DETAIL_LEAST;
    int left = clamp((int)(body.cols * share + 1e-6), LIST_LEAST, most > LIST_LEAST ? most : LIST_LEAST);
    rect side = {body.row, body.col + left, body.rows, body.cols - left};
    l->pane[PANE_LIST] = (rect){body.row, body.col, body.rows, left};
    if (state->form == LAYOUT_CHART) {
        stack_charts(l, side, state);
        return;
    }
    int log_rows =
        side.rows > 2 * LOG_LEAST ? log_height(state, side.rows, side.rows / 3, side.rows - LOG_LEAST) : 0;
    static const pane panes[] = {PANE_DETAIL, PANE_LOG};
    stack(l, side, panes, (int[]){side.rows - log_rows, log_rows}, 2);
}

layout layout_compute(int rows, int cols, const layout_state *state) {
    layout l = {.screen = {0, 0, rows > 0 ? rows : 0, cols > 0 ? cols : 0}};
    if (rect_empty(l.screen)) return l;
    if (rows < TINY_ROWS || cols < TINY_COLS) {
        l.kind = LAYOUT_TINY;
        l.footer = (rect){rows - 1, 0, 1, cols};
        return l;
    }
    l.bar = (rect){0, 0, 1, cols};
    l.footer = (rect){rows - 1, 0, 1, cols};
    l.body = (rect){1, 0, rows - 2, cols};
    if (cols < NARROW_COLS || rows < NARROW_ROWS) {
        l.kind = LAYOUT_NARROW;
        l.tabs = rect_row(l.body, 0);
        l.body = rect_inset(l.body, 1, 0, 0, 0);
        l.pane[state->focus] = l.body;
        return l;
    }
    l.kind = cols >= WIDE_COLS ? LAYOUT_WIDE : LAYOUT_NORMAL;
    split(&l, state);
    return l;
}

pane layout_next_focus(const layout_state *state, int step) {
    pane panes[PANE_COUNT];
    int count = form_panes(state, panes), at = 0;
    for (int i = 0; i < count; i++)
        if (panes[i] == state->focus) at = i;
    return panes[((at + step) % count + count) % count];
}

const char *layout_pane_name(pane p) {
    static const char *const names[PANE_COUNT] = {"list", "detail",  "loss", "accuracy",
                                                  "now",  "profile", "log"};
    return p < PANE_COUNT ? names[p] : "";
}

int layout_edge_place(const layout *l, layout_edge edge) {
    static const pane after[EDGE_COUNT] = {
        [EDGE_LIST] = PANE_LIST, [EDGE_CHARTS] = PANE_ACCURACY, [EDGE_LOG] = PANE_LOG};
    if (edge >= EDGE_COUNT || (l->kind != LAYOUT_NORMAL && l->kind != LAYOUT_WIDE)) return -1;
    rect r = l->pane[after[edge]];
    if (rect_empty(r)) return -1;
    return edge == EDGE_LIST ? r.col + r.cols : r.row;
}

layout_edge layout_edge_at(const layout *l, int row, int col) {
    if (!rect_holds(l->body, row, col)) return EDGE_COUNT;
    int list = layout_edge_place(l, EDGE_LIST);
    if (list < 0) return EDGE_COUNT;
    if (col == list || col == list - 1) return EDGE_LIST;
    for (int e = EDGE_CHARTS; e < EDGE_COUNT; e++)
        if (col > list && row == layout_edge_place(l, (layout_edge)e)) return (layout_edge)e;
    return EDGE_COUNT;
}

/* PART of WHOLE as a share, never 0, which would mean "chosen". */
static double share_of(int part, int whole) {
    double share = whole > 0 ? (double)part / whole : 0.5;
    return share < 0.01 ? 0.01 : share > 1 ? 1 : share;
}

void layout_move_edge(const layout *l, layout_state *state, layout_edge edge, int row, int col) {
    rect body = l->body, loss = l->pane[PANE_LOSS], accuracy = l->pane[PANE_ACCURACY];
    if (layout_edge_place(l, edge) < 0) return;
    if (edge == EDGE_LIST) state->share[edge] = share_of(col - body.col, body.cols);
    if (edge == EDGE_CHARTS) state->share[edge] = share_of(row - loss.row, loss.rows + accuracy.rows);
    int border = state->form == LAYOUT_CHART; /* not counted in the log's height there, see stack_charts */
    if (edge == EDGE_LOG) state->share[edge] = share_of(body.row + body.rows - border - row, body.rows);
}
