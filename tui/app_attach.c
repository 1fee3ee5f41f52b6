/*
 * app_attach.c - a run that another process trains, shown as if it were ours: its events are read from the
 * run's folder as they are written, and what is ordered goes through its socket. Any number of viewers may do
 * so.
 *
 * Letting go of it changes nothing for the run. When its process dies the kernel lets go of the run's lock,
 * which is looked at once a second.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "tui/app_state.h"
#include "tui/model_memory.h"
#include "tui/run_replay.h"

struct app_attachment {
    char *folder;
    thaw_run_reader *reader;
    thaw_control *control; /* NULL: it can only be watched */
    double polled, looked; /* clock_seconds(): for events, and whether its process lives */
};

static const double POLL_SECONDS = 0.1, LOOK_SECONDS = 1;

bool app_attached(const app *a) {
    return a->attached != NULL;
}

double app_run_memory(const app *a) {
    return a->attached || a->live.ended ? (double)NAN : model_memory_resident();
}

bool app_own_run(const app *a) {
    return app_busy(a) && !a->attached && !a->attaching;
}

/* ---- orders ---- */

bool app_can_steer(const app *a) {
    return a->attached ? a->attached->control != NULL : a->session != NULL;
}

bool app_steer(app *a, const thaw_order *order) {
    if (!app_can_steer(a)) return false;
    if (!a->attached) {
        thaw_session_order(a->session, order);
        return true;
    }
    thaw_status status = thaw_control_send(a->attached->control, order, NULL);
    if (thaw_failed(&status)) app_fail(a, &status);
    return !thaw_failed(&status);
}

/* ---- letting go ---- */

static void attachment_free(app_attachment *t) {
    if (!t) return;
    thaw_run_reader_close(t->reader);
    thaw_control_close(t->control);
    free(t->folder);
    free(t);
}

/* The run is over, or is let go of; what is known of it stays on the screen. */
void app_attach_end(app *a) {
    attachment_free(a->attached);
    a->attached = NULL;
    a->starting = false;
    a->masks_pending = 0;
    app_mask_settle(a);
}

void app_detach(app *a) {
    run_view nothing;
    if (!a->attached) return;
    app_attach_end(a);
    run_view_init(&nothing);
    run_view_show(&a->live, &nothing);
    app_changed(a);
}

/* ---- taking hold ---- */

typedef struct attaching {
    char *folder;
    run_view history;
    thaw_run_reader *reader;
    thaw_status status;
} attaching;

static void attach_work(job *j, void *data) {
    attaching *t = data;
    t->status = run_replay(t->folder, &t->history, job_keep_going, j, &t->reader);
}

static void open_control(app *a, app_attachment *t) {
    thaw_status status = thaw_control_open(t->folder, &t->control);
    if (!thaw_failed(&status))
        app_say(a, "another process trains %s; q leaves it running", path_base(t->folder));
    else if (thaw_run_alive(t->folder))
        app_warn(a, "it can only be watched: %s", status.message);
}

/* The recipe and the mask of the run are those under edit now. */
static void take_what_it_trains(app *a) {
    run_view *v = &a->live;
    thaw_event mask = {.kind = THAW_EVENT_MASK};
    mask.mask.frozen = v->frozen; /* lent */
    mask.mask.frozen_count = v->frozen_count;
    mask.mask.moving = v->moving;
    mask.mask.moving_count = v->moving_count;
    app_dataset_set(a, NULL);
    a->masks_pending = 0;
    app_mask_settle(a);
    if (!v->recipe) return;
    app_take_recipe(a, v->recipe, v->run);
    app_take_mask(a, &mask);
}

static void attach_done(app *a, void *data) {
    attaching *t = data;
    a->attaching = a->starting = false;
    if (thaw_failed(&t->status)) {
        if (t->status.code != THAW_ERR_CANCELLED) app_fail(a, &t->status);
        free(t->folder);
    } else {
        app_keep_as_ghost(a, t->history.run);
        run_view_show(&a->live, &t->history);
        a->attached = xcalloc(1, sizeof *a->attached);
        *a->attached = (app_attachment){.folder = t->folder, .reader = t->reader};
        take_what_it_trains(a);
        open_control(a, a->attached);
        /* It may be preparing to begin, or to go on after an end. */
        a->starting = (!a->live.begun || a->live.ended) && thaw_run_alive(t->folder);
        app_changed(a);
    }
    run_view_clear(&t->history);
    free(t);
}

void app_attach(app *a, const char *folder) {
    if (app_own_run(a) || a->attaching) {
        app_warn(a, "a run is on here already; stop it first (Train, s)");
        return;
    }
    app_go(a, SCREEN_TRAIN);
    if (a->attached && !strcmp(a->attached->folder, folder)) return;
    app_detach(a);
    attaching *t = xcalloc(1, sizeof *t);
    t->folder = xstrdup(folder);
    t->status = thaw_error(THAW_ERR_CANCELLED, "not read"); /* until it has been */
    run_view_init(&t->history);
    a->attaching = a->starting = true;
    app_job(a, "reading the run", attach_work, attach_done, t);
}

/* ---- while it goes on ---- */

static void read_events(app *a) {
    thaw_event e;
    while (thaw_run_reader_next(a->attached->reader, &e)) {
        app_take_event(a, &e);
        thaw_event_clear(&e);
        a->dirty = true;
    }
}

static void read_answers(app *a) {
    thaw_answer answer;
    while (a->attached->control && thaw_control_next(a->attached->control, &answer)) {
        if (!answer.done) app_warn_briefly(a, "%s", answer.problem);
        free(answer.problem);
    }
}

/* Its process is gone, and the log has no end: nobody else will say so. */
static void say_died(app *a) {
    thaw_event e = {.kind = THAW_EVENT_END, .time = a->live.time, .steps = a->live.steps};
    e.end.run = xstrdup(a->live.run);
    e.end.reason = xstrdup("died");
    e.end.message =
        xstrdup("the process that trained it is gone; r on the Runs tab goes on from its last checkpoint");
    e.end.best_epoch = -1;
    e.end.best_val_top1 = NAN;
    e.end.seconds = a->live.time;
    app_take_event(a, &e);
    thaw_event_clear(&e);
    a->dirty = true;
}

double app_attach_wait(const app *a, double now) {
    return a->attached ? fmax(0, POLL_SECONDS - (now - a->attached->polled)) : -1;
}

int app_attach_fd(const app *a) {
    return a->attached && a->attached->control ? thaw_control_fd(a->attached->control) : -1;
}

void app_attach_poll(app *a) {
    app_attachment *t = a->attached;
    double now = clock_seconds();
    if (!t) return;
    read_answers(a);
    if (now - t->polled < POLL_SECONDS) return;
    t->polled = now;
    bool look = now - t->looked >= LOOK_SECONDS;
    bool alive =
        !look || thaw_run_alive(t->folder); /* before the events: the last are written before it goes */
    if (look) t->looked = now;
    read_events(a);
    if (!alive && (!a->live.ended || a->starting)) say_died(a);
    if (a->live.ended && !a->starting) app_attach_end(a);
}
