/*
 * train_axis.c - what the charts' x-axis counts: epochs, steps, or the time since a run began; and stepping
 * through what happened along it.
 *
 * Epochs lie above each other whatever their lengths; steps are those of each run; time shows which run was
 * faster. The span is what is planned. How long a run will take changes with every estimate, so that span is
 * rounded up to one of few lengths, and stays while the estimate is well within it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "tui/screens/train.h"

enum { MINUTE = 60, HOUR = 3600, IN_SECONDS = 180, IN_MINUTES = 3 * HOUR };

/* ---- spans ---- */

/* A run that the axis is made for: the live one, else the first ghost that is shown. NULL: there is none. */
static const run_view *leading(const app *a) {
    const run_view *live = app_live(a);
    if (live->total_steps > 0) return live;
    for (size_t i = 0; i < app_ghost_count(a); i++) {
        const app_ghost *g = app_ghost_at(a, i);
        if (g->shown && g->view.total_steps > 0) return &g->view;
    }
    return NULL;
}

static double clock_of(const run_view *v, double steps) {
    return curve_place(&(chart_series){.clock = &v->clock}, steps);
}

/* Seconds that a run has taken or, while it goes on, will. */
static double whole_time(const run_view *v) {
    double past = v->clock.count ? clock_of(v, (double)v->steps) : 0;
    double left = v->begun && !v->ended ? run_view_eta(v) : 0;
    return past + (isfinite(left) ? left : past);
}

/* The next of 1, 1.5, 2, 3, 5 times a power of ten seconds, or minutes, or hours. */
static double round_up(double seconds) {
    static const double length[] = {1,  1.5, 2,   3,   5,   7.5, 10,  15,  20,   30,   45,
                                    60, 90,  120, 180, 300, 450, 600, 900, 1200, 1800, 2700};
    double unit = seconds > IN_MINUTES ? HOUR : seconds > IN_SECONDS ? MINUTE : 1;
    size_t count = sizeof length / sizeof *length;
    for (size_t i = 0; i < count; i++)
        if (seconds <= length[i] * unit) return length[i] * unit;
    return seconds;
}

void train_axis_update(const app *a, train_state *s) {
    const run_view *v = leading(a);
    double whole = v ? whole_time(v) : 0;
    if (v && v->ended) {
        s->time_span = whole;
        return;
    }
    bool holds = whole <= s->time_span && whole * 2 >= s->time_span;
    if (!holds) s->time_span = round_up(whole * 1.1);
}

double train_span(const app *a, const train_state *s) {
    const run_view *v = leading(a);
    double span = !v ? 0 : s->axis == TRAIN_AXIS_TIME ? s->time_span : (double)v->total_steps;
    return span > 0 ? span : 1;
}

double train_least(const train_state *s) {
    enum { STEPS_LEAST = 8, SECONDS_LEAST = 2 };
    return s->axis == TRAIN_AXIS_TIME ? SECONDS_LEAST : STEPS_LEAST;
}

/* ---- places ---- */

double train_place(const app *a, const train_state *s, double steps) {
    if (s->axis != TRAIN_AXIS_TIME) return steps;
    double at = clock_of(app_live(a), steps);
    return isfinite(at) ? at : 0;
}

double train_newest(const app *a, const train_state *s) {
    return train_place(a, s, (double)app_live(a)->steps);
}

void train_axis_curve(const app *a, const train_state *s, const run_view *v, chart_series *curve) {
    const run_view *lead = leading(a);
    if (s->axis == TRAIN_AXIS_TIME)
        curve->clock = &v->clock;
    else if (s->axis == TRAIN_AXIS_EPOCH && lead && v != lead && v->steps_per_epoch > 0)
        curve->x_scale = (double)lead->steps_per_epoch / v->steps_per_epoch;
}

void train_axis_chart(const app *a, const train_state *s, chart *ch) {
    const run_view *lead = leading(a);
    if (s->axis == TRAIN_AXIS_EPOCH) {
        ch->x_unit = lead && lead->steps_per_epoch > 0 ? lead->steps_per_epoch : 1;
        ch->x_name = "epoch";
        return;
    }
    ch->x_unit = 1;
    ch->x_name = "step";
    if (s->axis == TRAIN_AXIS_STEP) return;
    double shown = ch->x_max - ch->x_min;
    ch->x_base = "second";
    ch->x_unit = shown > IN_MINUTES ? HOUR : shown > IN_SECONDS ? MINUTE : 1;
    ch->x_name = shown > IN_MINUTES ? "hours" : shown > IN_SECONDS ? "minutes" : "seconds";
}

char *train_axis_text(const train_state *s, double x) {
    char text[NUMBER_TEXT_MAX];
    return s->axis == TRAIN_AXIS_TIME ? xstrdup(text_seconds(x, text)) : xasprintf("step %.0f", x);
}

/* ---- actions ---- */

/* The steps at a place on the time axis: the inverse of train_place. */
static double steps_at(const app *a, double seconds) {
    const series *clock = &app_live(a)->clock;
    size_t low = 0, high = clock->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (series_mean(&clock->bucket[middle]) < seconds)
            low = middle + 1;
        else
            high = middle;
    }
    if (!clock->count) return 0;
    return (double)clock->bucket[low < clock->count ? low : clock->count - 1].first;
}

void train_axis_next(app *a, void *self, const char *argument) {
    static const char *const name[TRAIN_AXES] = {"epochs", "steps", "time"};
    train_state *s = self;
    int next = argument ? TRAIN_AXES : (s->axis + 1) % TRAIN_AXES;
    for (int i = 0; argument && i < TRAIN_AXES; i++)
        if (!strcmp(argument, name[i])) next = i;
    if (next == TRAIN_AXES) {
        app_warn(a, "curves cannot go over \"%s\"; epochs, steps and time are possible", argument);
        return;
    }
    double steps = s->axis == TRAIN_AXIS_TIME ? steps_at(a, s->crosshair) : s->crosshair;
    s->axis = (train_axis)next;
    s->zoomed = false; /* what it showed has another place now */
    train_axis_update(a, s);
    s->crosshair = train_place(a, s, steps);
    app_say(a, "curves over %s%s", name[next],
            next == TRAIN_AXIS_EPOCH  ? "; earlier runs are stretched to the same epochs"
            : next == TRAIN_AXIS_TIME ? " since each run began"
                                      : "");
}

/* The marks worth going to, in order: of the checkpoints, one every few steps, only the newest. Returns how
 * many; INDEX has room for all. */
static int marks_worth(const run_view *v, size_t *index) {
    size_t newest = v->mark_count;
    int count = 0;
    for (size_t i = 0; i < v->mark_count; i++)
        if (v->mark[i].kind == RUN_MARK_CHECKPOINT) newest = i;
    for (size_t i = 0; i < v->mark_count; i++)
        if (v->mark[i].kind != RUN_MARK_CHECKPOINT || i == newest) index[count++] = i;
    return count;
}

/* Go to the next mark (STEP 1) or the one before it (-1), and say what it is. */
static void go_to_mark(app *a, train_state *s, int step) {
    const run_view *v = app_live(a);
    size_t *index = xcalloc(v->mark_count + 1, sizeof *index);
    int count = marks_worth(v, index);
    if (!s->crosshair_on) s->mark = step > 0 ? -1 : count; /* from either end */
    s->mark += step;
    if (s->mark < 0) s->mark = count - 1;
    if (s->mark >= count) s->mark = 0;
    const run_mark *m = &v->mark[index[s->mark]];
    free(index);
    s->crosshair_on = true;
    s->crosshair = train_place(a, s, (double)m->steps);
    train_reach(a, s, s->crosshair);
    app_say(a, "mark %d of %d: %s, step %lld", s->mark + 1, count, m->text, (long long)m->steps);
    app_redraw(a);
}

bool train_has_marks(app *a, void *self) {
    (void)self;
    return app_live(a)->mark_count > 0;
}

void train_next_mark(app *a, void *self, const char *argument) {
    (void)argument;
    go_to_mark(a, self, 1);
}

void train_previous_mark(app *a, void *self, const char *argument) {
    (void)argument;
    go_to_mark(a, self, -1);
}
