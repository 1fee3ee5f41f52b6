/*
 * train.h - the Train tab's state, shared by its files: train.c (what it does), train_charts.c, train_now.c,
 * train_profile.c.
 */
#ifndef TUI_SCREENS_TRAIN_H
#define TUI_SCREENS_TRAIN_H

#include "tui/screens/layer_pane.h"
#include "tui/widgets/chart.h"
#include "tui/widgets/logpane.h"

typedef struct train_state {
    layer_pane layers; /* first: the actions' */
    logpane log;
    bool log_open, log_y, ghosts_hidden;
    bool profile_open;
    int profile_top, profile_page; /* its first line; lines it has room for */
    int smoothing;                 /* index into train_smoothing */
    bool crosshair_on;
    double crosshair;              /* steps */
    rect loss_plot, accuracy_plot; /* as last drawn, for mouse and crosshair */
    double x_max;
} train_state;

enum { TRAIN_SMOOTHINGS = 4 };
double train_smoothing(const train_state *s);

/* The two charts, into their panes. */
void train_draw_charts(app *a, train_state *s, canvas *c, const layout *l);
/* Steps the chart spans: what is planned, or what a ghost has. */
double train_span(const app *a);
/* Figures of the present moment. */
void train_draw_now(app *a, canvas *c, const layout *l);
/* Where the time goes. */
void train_draw_profile(app *a, train_state *s, canvas *c, const layout *l);
bool train_profile_key(train_state *s, int key); /* false: not one of its */

#endif
