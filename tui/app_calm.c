/*
 * app_calm.c - figures that change with every step are shown once a second, though frames come ten times a
 * second: nobody reads faster, and over a slow line each costs bytes.
 *
 * The curves, the step, its loss and the scores beside it move with every frame. What is held back are the
 * layers at the left with their ratios, the charts' titles, the figures below the first line (speed, time
 * left, how much is done, ...) and the footer: their cells are taken from the frame before. A key shows
 * everything as it is.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "tui/app_state.h"

static const double CALM_SECONDS = 1;

enum { PARTS = 5 };

static void calm_parts(const layout *l, rect part[PARTS]) {
    enum { LIVE_ROWS = 2 }; /* the border and the first line */
    part[0] = l->pane[PANE_LIST];
    part[1] = rect_row(l->pane[PANE_LOSS], 0);
    part[2] = rect_row(l->pane[PANE_ACCURACY], 0);
    part[3] = rect_inset(l->pane[PANE_NOW], LIVE_ROWS, 0, 0, 0);
    part[4] = l->footer;
}

/* Nothing lies over the panes. */
static bool is_plain(const app *a) {
    return !a->tour && !a->greeting && !a->help_open && !a->message && !a->ask_line.open && !a->ask_box.open;
}

void app_calm_begin(app *a, double now) {
    bool charts = app_screens[a->current]->form == LAYOUT_CHART, plain = is_plain(a);
    a->calm.holding = a->calm.plain && plain && charts && !a->urgent && now - a->calm.since < CALM_SECONDS;
    a->calm.plain = plain && charts;
    if (!a->calm.holding) {
        a->calm.since = now;
        return;
    }
    size_t count = (size_t)a->frame.rows * (size_t)a->frame.cols;
    a->calm.cell = vec_reserve(a->calm.cell, &a->calm.capacity, count, sizeof *a->calm.cell);
    memcpy(a->calm.cell, a->frame.cell, count * sizeof *a->calm.cell);
    a->calm.lay = a->lay;
}

void app_calm_hold(app *a) {
    rect part[PARTS];
    if (!a->calm.holding) return;
    a->calm.holding = false;
    a->dirty = true; /* what is held back comes with a later frame */
    if (memcmp(&a->calm.lay, &a->lay, sizeof a->lay) != 0) return;
    calm_parts(&a->lay, part);
    size_t cols = (size_t)a->frame.cols;
    for (int i = 0; i < PARTS; i++)
        for (int row = 0; row < part[i].rows; row++) {
            size_t at = (size_t)(part[i].row + row) * cols + (size_t)part[i].col;
            memcpy(&a->frame.cell[at], &a->calm.cell[at], (size_t)part[i].cols * sizeof *a->calm.cell);
        }
}

void app_calm_clear(app *a) {
    free(a->calm.cell);
}
