/*
 * train.c - the Train tab: the layers at the left, the curves beside them, and what steers a run while it
 * runs.
 */
#include "tui/screens/train.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "tui/key.h"

static void *train_init(app *a) {
    train_state *s = xcalloc(1, sizeof *s);
    layer_pane_init(&s->layers, a);
    return s;
}

static void train_free(void *self) {
    train_state *s = self;
    layer_pane_clear(&s->layers);
    free(s);
}

static void train_draw(app *a, void *self, canvas *c, const layout *l) {
    train_state *s = self;
    layer_pane_draw(&s->layers, c, l, true);
    s->loss_plot = s->accuracy_plot = (rect){0};
    train_draw_charts(a, s, c, l);
    train_draw_profile(a, s, c, l);
    train_draw_now(a, c, l);
    rect log = l->pane[PANE_LOG];
    if (rect_empty(log)) return;
    const run_view *v = app_live(a);
    rect in = canvas_frame(c, log, "log", s->log.back ? "scrolled back: End follows" : "",
                           l->flags[PANE_LOG] | (app_focus(a) == PANE_LOG ? FRAME_FOCUS : 0));
    rect former = canvas_clip(c, in);
    logpane_draw(&s->log, c, in, v->log, v->log_count);
    canvas_unclip(c, former);
}

static bool train_log(void *self) {
    return ((train_state *)self)->log_open;
}

static bool train_profile(void *self) {
    return ((train_state *)self)->profile_open;
}

/* The engine or the run is there: what was wanted of it before. */
static void train_event(app *a, void *self, const thaw_event *e) {
    const train_state *s = self;
    bool anew = e->kind == THAW_EVENT_ENGINE || e->kind == THAW_EVENT_BEGIN;
    if (anew && s->profile_open) app_steer(a, &(thaw_order){.kind = THAW_ORDER_PROFILE, .on = true});
}

/* ---- when ---- */

static thaw_state state_of(const app *a) {
    return app_busy(a) ? app_live(a)->state : THAW_STATE_IDLE;
}

static bool is_running(app *a, void *self) {
    (void)self;
    thaw_state state = state_of(a);
    return app_can_steer(a) && (state == THAW_STATE_TRAINING || state == THAW_STATE_EVALUATING);
}

static bool is_paused(app *a, void *self) {
    (void)self;
    return app_can_steer(a) && state_of(a) == THAW_STATE_PAUSED;
}

static bool is_busy(app *a, void *self) {
    (void)self;
    return app_busy(a) && app_can_steer(a) && state_of(a) != THAW_STATE_STOPPING;
}

static bool has_curve(app *a, void *self) {
    (void)self;
    return app_live(a)->begun || app_ghost_count(a) > 0;
}

static bool has_ghosts(app *a, void *self) {
    (void)self;
    return app_ghost_count(a) > 0;
}

static bool is_attached(app *a, void *self) {
    (void)self;
    return app_attached(a);
}

/* ---- steering ---- */

/* What needs no more than its name. */
static bool order(app *a, thaw_order_kind kind) {
    return app_steer(a, &(thaw_order){.kind = kind});
}

static void do_detach(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    app_detach(a);
    app_go(a, SCREEN_RUNS);
    app_say(a, "let go of; it goes on");
}

static void do_pause(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    if (order(a, THAW_ORDER_PAUSE)) app_say(a, "pausing after this step");
}

static void do_continue(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    order(a, THAW_ORDER_CONTINUE);
}

static void do_step(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    order(a, THAW_ORDER_STEP);
}

static void do_checkpoint(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    if (order(a, THAW_ORDER_CHECKPOINT)) app_say(a, "saving a checkpoint after this step");
}

static void do_stop(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    if (app_steer(a, &(thaw_order){.kind = THAW_ORDER_STOP, .save = true})) app_say(a, "stopping and saving");
}

enum { ANSWER_DISCARD = 'y', ANSWER_KEEP = 'n' };

static void discard_answered(app *a, void *user, int key) {
    (void)user;
    if (key == ANSWER_DISCARD) order(a, THAW_ORDER_STOP); /* without saving */
}

static void do_discard(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    dialog_params params = {
        .title = "stop without saving",
        .text = "What came after the last checkpoint will be lost.",
        .answer = {{ANSWER_DISCARD, "stop now"}, {ANSWER_KEEP, "go on training"}},
        .answered = discard_answered,
    };
    app_ask(a, &params);
}

static thaw_status set_lr(app *a, const char *text) {
    char *end;
    errno = 0;
    double lr = strtod(text, &end);
    while (*end == ' ')
        end++;
    if (end == text || *end || !isfinite(lr) || lr <= 0)
        return thaw_error(THAW_ERR_USAGE, "\"%s\" is no learning rate; a number above 0, like 0.001", text);
    if (app_busy(a) && app_can_steer(a)) {
        if (app_steer(a, &(thaw_order){.kind = THAW_ORDER_LR, .lr = lr}))
            app_say(a, "learning rate %g from the next step on", lr);
        return thaw_ok();
    }
    char *assignment = xasprintf("optimizer.lr=%.17g", lr);
    thaw_status status = app_recipe_set(a, assignment);
    free(assignment);
    if (!thaw_failed(&status)) app_say(a, "learning rate %g for the next run", lr);
    return status;
}

static thaw_status accept_lr(app *a, void *user, const char *text) {
    (void)user;
    return set_lr(a, text);
}

static void do_lr(app *a, void *self, const char *argument) {
    (void)self;
    if (argument) {
        thaw_status status = set_lr(a, argument);
        if (thaw_failed(&status)) app_fail(a, &status);
        return;
    }
    char *now = xasprintf("%g", app_busy(a) && isfinite(app_live(a)->lr) ? app_live(a)->lr
                                                                         : app_recipe(a)->optimizer.lr);
    prompt_params params = {
        .label = "learning rate", .initial = now, .hint = "like 0.001", .accept = accept_lr};
    app_prompt(a, &params);
    free(now);
}

/* ---- looking ---- */

static void do_smoothing(app *a, void *self, const char *argument) {
    (void)argument;
    train_state *s = self;
    s->smoothing = (s->smoothing + 1) % TRAIN_SMOOTHINGS;
    app_redraw(a);
}

static void do_log_scale(app *a, void *self, const char *argument) {
    (void)argument;
    train_state *s = self;
    s->log_y = !s->log_y;
    app_redraw(a);
}

static void do_log(app *a, void *self, const char *argument) {
    (void)argument;
    train_state *s = self;
    s->log_open = !s->log_open;
    if (!s->log_open && app_focus(a) == PANE_LOG) app_set_focus(a, PANE_LIST);
    app_redraw(a);
}

/* Stages are measured while somebody looks. */
static void do_profile(app *a, void *self, const char *argument) {
    (void)argument;
    train_state *s = self;
    s->profile_open = !s->profile_open;
    s->profile_top = 0;
    app_steer(a, &(thaw_order){.kind = THAW_ORDER_PROFILE, .on = s->profile_open});
    bool gone = s->profile_open ? app_focus(a) == PANE_ACCURACY : app_focus(a) == PANE_PROFILE;
    if (gone) app_set_focus(a, PANE_LIST);
    app_redraw(a);
}

static void do_ghosts(app *a, void *self, const char *argument) {
    train_state *s = self;
    if (!argument) {
        s->ghosts_hidden = !s->ghosts_hidden;
        app_say(a, s->ghosts_hidden ? "earlier runs hidden" : "earlier runs shown");
        return;
    }
    for (size_t i = 0; i < app_ghost_count(a); i++) {
        const app_ghost *g = app_ghost_at(a, i);
        if (g->letter != argument[0] && g->letter != argument[0] - 'a' + 'A') continue;
        app_ghost_toggle(a, g->folder);
        return;
    }
    app_warn(a, "no earlier run has the letter %s; 6 Runs lays them over the chart", argument);
}

static void set_crosshair(app *a, train_state *s, double x) {
    double span = train_span(a, s);
    if (x < 0) x = 0;
    if (x > span) x = span;
    s->crosshair = x;
    train_reach(a, s, x);
    app_redraw(a);
}

static void do_crosshair(app *a, void *self, const char *argument) {
    (void)argument;
    train_state *s = self;
    s->crosshair_on = !s->crosshair_on;
    if (!s->crosshair_on) {
        app_redraw(a);
        return;
    }
    double from, to, newest = train_newest(a, s);
    train_window(a, s, &from, &to);
    set_crosshair(a, s, app_live(a)->begun && newest >= from && newest <= to ? newest : (from + to) / 2);
    app_set_focus(a, PANE_LOSS);
    app_say(a, "arrows move the crosshair, Shift-Tab and Tab change the pane, x or Esc ends it");
}

/* x of one column of the plot. */
static double column_width(const train_state *s) {
    rect plot = rect_empty(s->loss_plot) ? s->accuracy_plot : s->loss_plot;
    return plot.cols > 1 ? (s->x_max - s->x_min) / (plot.cols - 1) : 1;
}

static bool crosshair_key(app *a, train_state *s, int key) {
    enum { LEAP = 10 };
    double step = column_width(s);
    switch (key) {
    case K_LEFT:
        set_crosshair(a, s, s->crosshair - step);
        return true;
    case K_RIGHT:
        set_crosshair(a, s, s->crosshair + step);
        return true;
    case K_PGUP:
    case K_DOWN:
        set_crosshair(a, s, s->crosshair - LEAP * step);
        return true;
    case K_PGDN:
    case K_UP:
        set_crosshair(a, s, s->crosshair + LEAP * step);
        return true;
    case K_HOME:
        set_crosshair(a, s, 0);
        return true;
    case K_END:
        set_crosshair(a, s, train_newest(a, s));
        return true;
    case K_ESC:
        s->crosshair_on = false;
        return true;
    default:
        return false;
    }
}

/* ---- keys ---- */

static bool mouse(app *a, train_state *s) {
    app_mouse m = app_mouse_at(a);
    rect plot = rect_holds(s->loss_plot, m.row, m.col) ? s->loss_plot : s->accuracy_plot;
    if (rect_holds(plot, m.row, m.col)) {
        chart ch = chart_default();
        ch.x_min = s->x_min;
        ch.x_max = s->x_max;
        s->crosshair_on = true;
        set_crosshair(a, s, chart_x_at(&ch, plot, m.col));
        return true;
    }
    list_click(&s->layers.list, m.row, m.col);
    return true;
}

static bool train_key(app *a, void *self, int key) {
    train_state *s = self;
    if (key == K_MOUSE) return mouse(a, s);
    switch (app_focus(a)) {
    case PANE_LIST:
        return layer_pane_key(&s->layers, key);
    case PANE_PROFILE:
        return train_profile_key(s, key);
    case PANE_LOG:
        return logpane_key(&s->log, key, app_live(a)->log_count);
    default:
        if (s->crosshair_on && crosshair_key(a, s, key)) return true;
        return train_window_key(a, s, key);
    }
}

static const action train_actions[] = {
    {"pause", "p", "pause", "stop after this step, until continued", NULL, is_running, do_pause},
    {"continue", "p", "continue", "go on training", NULL, is_paused, do_continue},
    {"step", "n", "one step", "one step, then pause again", NULL, is_paused, do_step},
    {"stop", "s", "stop+save", "save a checkpoint and end the run", NULL, is_busy, do_stop},
    LAYER_TOGGLE_ACTION,
    {"lr", "l", "lr", "change the learning rate, now", "NUMBER", NULL, do_lr},
    {"checkpoint", "c", NULL, "save a checkpoint now", NULL, is_busy, do_checkpoint},
    {"detach", "D", "let go", "let go of a run that another process trains; it goes on", NULL, is_attached,
     do_detach},
    {"discard", "S", NULL, "end the run without saving", NULL, is_busy, do_discard},
    {"crosshair", "x", "crosshair", "read the curves at a point", NULL, has_curve, do_crosshair},
    {"ghosts", "g", "ghosts", "show or hide earlier runs, or the one with a letter", "LETTER", has_ghosts,
     do_ghosts},
    {"smoothing", "m", NULL, "how much the training curve is smoothed", NULL, has_curve, do_smoothing},
    {"log-scale", "y", NULL, "linear or logarithmic loss", NULL, has_curve, do_log_scale},
    {"axis", "X", NULL, "curves over epochs, steps or time", "epochs, steps, time", has_curve,
     train_axis_next},
    {"next-mark", ".", NULL, "go to the next thing that happened: frozen, thawed, learning rate, saved, best",
     NULL, train_has_marks, train_next_mark},
    {"previous-mark", ",", NULL, "go to the one before", NULL, train_has_marks, train_previous_mark},
    {"zoom-in", "+ =", NULL, "show fewer steps: around the crosshair, or the newest", NULL, has_curve,
     train_zoom_in},
    {"zoom-out", "-", NULL, "show more steps", NULL, train_is_zoomed, train_zoom_out},
    {"whole", "0", NULL, "show the whole run", NULL, train_is_zoomed, train_whole},
    {"export", "e", NULL, "write the curves that are shown to a file: .svg or .csv", "FILE", has_curve,
     train_export},
    {"profile", "w", "time", "show or hide where the time goes", NULL, NULL, do_profile},
    {"log", "L", "log", "show or hide the log", NULL, NULL, do_log},
    LAYER_PANE_ACTIONS,
};

const screen screen_train = {
    .title = "Train",
    .form = LAYOUT_CHART,
    .actions = train_actions,
    .action_count = sizeof train_actions / sizeof *train_actions,
    .init = train_init,
    .free = train_free,
    .draw = train_draw,
    .key = train_key,
    .log = train_log,
    .profile = train_profile,
    .event = train_event,
};
