/*
 * train.h - the Train tab's state, shared by its files: train.c (what it does), train_charts.c,
 * train_axis.c, train_window.c, train_export.c, train_now.c, train_profile.c.
 */
#ifndef TUI_SCREENS_TRAIN_H
#define TUI_SCREENS_TRAIN_H

#include "tui/screens/layer_pane.h"
#include "tui/widgets/chart.h"
#include "tui/widgets/logpane.h"

typedef enum train_axis {
    TRAIN_AXIS_EPOCH, /* x is steps; epochs of runs lie above each other */
    TRAIN_AXIS_STEP,  /* x is steps */
    TRAIN_AXIS_TIME,  /* x is seconds since the run began */
    TRAIN_AXES
} train_axis;

typedef struct train_state {
    layer_pane layers; /* first: the actions' */
    logpane log;
    bool log_open, log_y, ghosts_hidden;
    bool profile_open;
    int profile_top, profile_page; /* its first line; lines it has room for */
    int smoothing;                 /* index into train_smoothing */
    bool crosshair_on;
    double crosshair; /* x */
    train_axis axis;
    double time_span; /* seconds that the axis spans when it counts time */
    int mark;         /* the last one that was gone to */
    /* What part of the axis is shown: all of it, or WIDTH of it from FROM on, or (following) up to the
     * newest. */
    bool zoomed, following;
    double from, width;
    rect loss_plot, accuracy_plot; /* as last drawn, for mouse and crosshair */
    double x_min, x_max;
} train_state;

enum { TRAIN_SMOOTHINGS = 4 };
double train_smoothing(const train_state *s);

/* The two charts, into their panes. */
void train_draw_charts(app *a, train_state *s, canvas *c, const layout *l);

/* One chart as it is shown at this moment. */
typedef struct train_chart {
    chart chart;
    struct curves *curves; /* its curves, owned */
} train_chart;
train_chart train_loss_chart(const app *a, const train_state *s);
train_chart train_accuracy_chart(const app *a, const train_state *s);
void train_chart_free(train_chart *c);
chart_mark *train_marks(const app *a, const train_state *s,
                        size_t *count); /* owned by the caller; the labels are the run's */

/* ---- train_axis.c ---- */

void train_axis_update(const app *a, train_state *s); /* before a frame */
/* x that the charts span: what is planned, or what a ghost has. */
double train_span(const app *a, const train_state *s);
double train_least(const train_state *s);                             /* the least that is worth looking at */
double train_place(const app *a, const train_state *s, double steps); /* x of a step of the live run */
double train_newest(const app *a, const train_state *s);              /* and of its newest */
/* Put a curve of the run V on the axis; name the axis of a chart whose x_min and x_max are set. */
void train_axis_curve(const app *a, const train_state *s, const run_view *v, chart_series *curve);
void train_axis_chart(const app *a, const train_state *s, chart *ch);
char *train_axis_text(const train_state *s, double x); /* "step 120", "2:05"; owned by the caller */
void train_axis_next(app *a, void *self, const char *argument);
bool train_has_marks(app *a, void *self);
void train_next_mark(app *a, void *self, const char *argument);
void train_previous_mark(app *a, void *self, const char *argument);

/* ---- train_window.c: zooming and panning ---- */

/* The part of the axis that is shown. */
void train_window(const app *a, const train_state *s, double *from, double *to);
/* "4x · follow", or "" when all is shown; owned by the caller. */
char *train_window_note(const app *a, const train_state *s);
void train_zoom_in(app *a, void *self, const char *argument);
void train_zoom_out(app *a, void *self, const char *argument);
void train_whole(app *a, void *self, const char *argument);
bool train_is_zoomed(app *a, void *self);
bool train_window_key(app *a, train_state *s, int key);   /* false: not one of its */
void train_reach(const app *a, train_state *s, double x); /* move the window so that X is in it */

/* ---- train_export.c ---- */
void train_export(app *a, void *self, const char *argument);
/* Figures of the present moment. */
void train_draw_now(app *a, canvas *c, const layout *l);
/* Where the time goes. */
void train_draw_profile(app *a, train_state *s, canvas *c, const layout *l);
bool train_profile_key(train_state *s, int key); /* false: not one of its */

#endif
