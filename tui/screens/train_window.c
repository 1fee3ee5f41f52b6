/*
 * train_window.c - which steps the charts show: zooming and panning.
 *
 * While the window follows the newest step it moves by quarters of its width and not by steps, so that a
 * growing curve changes few cells of the screen.
 */
#include <math.h>
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "tui/key.h"
#include "tui/screens/train.h"

enum { QUARTERS = 4 };

void train_window(const app *a, const train_state *s, double *from, double *to) {
    double span = train_span(a, s);
    *from = 0;
    *to = span;
    if (!s->zoomed || s->width >= span) return;
    double quarter = s->width / QUARTERS, newest = train_newest(a, s);
    *from = s->following ? ceil((newest + 1) / quarter) * quarter - s->width : s->from;
    if (*from > span - s->width) *from = span - s->width;
    if (*from < 0) *from = 0;
    *to = *from + s->width;
}

char *train_window_note(const app *a, const train_state *s) {
    double from, to, span = train_span(a, s);
    train_window(a, s, &from, &to);
    if (from <= 0 && to >= span) return xstrdup("");
    bool stays = app_busy(a) && !s->following && app_focus(a) != PANE_LIST;
    return xasprintf("%.3gx%s", span / (to - from), s->following ? " follow" : stays ? ", End follows" : "");
}

bool train_is_zoomed(app *a, void *self) {
    (void)a;
    return ((train_state *)self)->zoomed;
}

static bool sees_newest(const app *a, const train_state *s, double from, double to) {
    double newest = train_newest(a, s);
    return newest >= from && newest <= to;
}

/* Show WIDTH steps around the crosshair; around the middle without one, or where the newest are if they are
 * seen. */
static void zoom_to(app *a, train_state *s, double width) {
    double from, to;
    train_window(a, s, &from, &to);
    bool newest = sees_newest(a, s, from, to) && !s->crosshair_on;
    double at = s->crosshair_on ? s->crosshair : (from + to) / 2, share = (at - from) / (to - from);
    s->zoomed = true;
    s->following = newest;
    s->width = width;
    s->from = at - share * width;
    train_window(a, s, &from, &to);
    s->from = from;
    app_redraw(a);
}

void train_zoom_in(app *a, void *self, const char *argument) {
    (void)argument;
    train_state *s = self;
    double from, to;
    train_window(a, s, &from, &to);
    if ((to - from) / 2 < train_least(s)) {
        app_say(a, "%g %s are the least that is shown", train_least(s),
                s->axis == TRAIN_AXIS_TIME ? "seconds" : "steps");
        return;
    }
    zoom_to(a, s, (to - from) / 2);
    if (app_focus(a) != PANE_LOSS && app_focus(a) != PANE_ACCURACY) app_set_focus(a, PANE_LOSS);
}

void train_zoom_out(app *a, void *self, const char *argument) {
    train_state *s = self;
    if (s->width * 2 >= train_span(a, s))
        train_whole(a, self, argument);
    else
        zoom_to(a, s, s->width * 2);
}

void train_whole(app *a, void *self, const char *argument) {
    (void)argument;
    ((train_state *)self)->zoomed = false;
    app_redraw(a);
}

static void pan(app *a, train_state *s, double by) {
    double from, to;
    train_window(a, s, &from, &to);
    s->following = false;
    s->from = from + by;
    train_window(a, s, &from, &to);
    s->from = from;
    app_redraw(a);
}

void train_reach(const app *a, train_state *s, double x) {
    double from, to;
    if (!s->zoomed) return;
    train_window(a, s, &from, &to);
    if (x >= from && x <= to) return;
    s->following = false;
    s->from = x < from ? x : x - s->width;
}

bool train_window_key(app *a, train_state *s, int key) {
    if (!s->zoomed) return false;
    switch (key) {
    case K_LEFT:
        pan(a, s, -s->width / QUARTERS);
        return true;
    case K_RIGHT:
        pan(a, s, s->width / QUARTERS);
        return true;
    case K_PGUP:
        pan(a, s, -s->width);
        return true;
    case K_PGDN:
        pan(a, s, s->width);
        return true;
    case K_HOME:
        pan(a, s, -s->from);
        return true;
    case K_END:
        s->following = true;
        app_redraw(a);
        return true;
    default:
        return false;
    }
}
