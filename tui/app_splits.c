/*
 * app_splits.c - moving what divides the panes: with keys, or by dragging it. It is saved with the
 * preferences, once for the tabs with a list and once for those with charts.
 */
#include <string.h>

#include "tui/app_state.h"

enum { COLS_A_KEY = 2 };

static void take_shares(app *a, const layout_state *s) {
    memcpy(a->share[s->form], s->share, sizeof s->share);
    /* The next key may come before the next frame. */
    a->lay = layout_compute(a->lay.screen.rows, a->lay.screen.cols, s);
    a->prefs_stale = true;
    app_redraw(a);
}

static void move_edge(app *a, layout_edge edge, int row, int col) {
    layout_state s = app_layout_state(a);
    layout_move_edge(&a->lay, &s, edge, row, col);
    take_shares(a, &s);
}

bool app_drag_edge(app *a, const app_mouse *m) {
    if (!m->drag) a->dragged = layout_edge_at(&a->lay, m->row, m->col);
    if (!m->drag || a->dragged == EDGE_COUNT) return false;
    move_edge(a, a->dragged, m->row, m->col);
    return true;
}

static bool on_screen(const app *a, layout_edge edge) {
    return layout_edge_place(&a->lay, edge) >= 0;
}

/* The edge that the keys for heights move: the log's when it has the focus or is the only one. */
static layout_edge height_edge(const app *a) {
    bool log = on_screen(a, EDGE_LOG), charts = on_screen(a, EDGE_CHARTS);
    return log && (app_focus(a) == PANE_LOG || !charts) ? EDGE_LOG : charts ? EDGE_CHARTS : EDGE_COUNT;
}

bool app_has_columns(app *a, void *self) {
    (void)self;
    return on_screen(a, EDGE_LIST);
}

bool app_has_heights(app *a, void *self) {
    (void)self;
    return height_edge(a) != EDGE_COUNT;
}

static void move_by(app *a, layout_edge edge, int cells) {
    int place = layout_edge_place(&a->lay, edge);
    if (place >= 0) move_edge(a, edge, place + cells, place + cells);
}

void app_narrower(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    move_by(a, EDGE_LIST, -COLS_A_KEY);
}

void app_wider(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    move_by(a, EDGE_LIST, COLS_A_KEY);
}

void app_edge_up(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    move_by(a, height_edge(a), -1);
}

void app_edge_down(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    move_by(a, height_edge(a), 1);
}

void app_usual_splits(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    layout_state s = app_layout_state(a);
    memset(s.share, 0, sizeof s.share);
    take_shares(a, &s);
}
