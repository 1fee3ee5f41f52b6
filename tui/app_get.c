/*
 * app_get.c - fetching the weights of a model that was chosen: the question, the job, and the strip at the
 * bottom of the screen that says how far it is. One file at a time, since they share one line anyway; what
 * is asked for meanwhile waits its turn.
 *
 * The job's thread writes its progress into the fetch under a lock; the UI thread copies it when it draws.
 */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "tui/app_state.h"
#include "tui/fetch_text.h"
#include "tui/text.h"
#include "tui/widgets/progress.h"

enum {
    ANSWER_FETCH = 'f',
    ANSWER_RANDOM = 'r',
    ANSWER_LEAVE = 'c',
    STRIP_ROWS_LEAST = 12, /* a screen with fewer rows has none to spare */
    BAR_COLS = 12,
    WHY_MAX = 200,
};

struct app_fetch {
    app_get_params what;
    char *recipe;         /* what was chosen when it began */
    job *job, *self;      /* the job; and as its thread knows it */
    pthread_mutex_t lock; /* of what follows, until the job is done */
    thaw_fetch_progress now;
    char why[WHY_MAX]; /* what now.why points to */
    thaw_fetch_result result;
    thaw_status status;
};

/* What tells one choice of a model from another; owned by the caller. */
static char *choice(const app *a) {
    const thaw_recipe *r = app_recipe(a);
    return xasprintf("%s:%s", r->model ? r->model : "", r->weights ? r->weights : "");
}

/* ---- the job's thread ---- */

static bool tell(void *user, const thaw_fetch_progress *p) {
    app_fetch *f = user;
    pthread_mutex_lock(&f->lock);
    f->now = *p;
    f->now.why = f->why;
    snprintf(f->why, sizeof f->why, "%s", p->why ? p->why : "");
    pthread_mutex_unlock(&f->lock);
    job_wake(f->self);
    return !job_cancelled(f->self);
}

static void work(job *j, void *data) {
    app_fetch *f = data;
    thaw_fetch_params params = thaw_fetch_default_params();
    params.progress = tell;
    params.user = f;
    f->self = j;
    f->status = job_cancelled(j) ? thaw_error(THAW_ERR_CANCELLED, "stopped before it began")
                                 : thaw_fetch(f->what.info, &params, &f->result);
}

/* ---- the UI thread ---- */

static void release(app_fetch *f) {
    thaw_fetch_result_clear(&f->result);
    pthread_mutex_destroy(&f->lock);
    free(f->recipe);
    free(f);
}

static void arrived(app *a, const app_fetch *f) {
    const screen *s = app_screens[a->current];
    if (a->current == SCREEN_MODELS && s->show) s->show(a, a->state[a->current]);
    char *now = choice(a);
    if (!strcmp(now, f->recipe))
        f->what.fetched(a, f->what.info);
    else
        app_say(a, "the weights of %s are here now", f->what.info->arch);
    free(now);
}

static void begin_next(app *a);

static void done(app *a, void *data) {
    app_fetch *f = data;
    a->fetch = NULL;
    if (!a->leave) {
        if (f->status.code == THAW_ERR_CANCELLED)
            app_warn(a, "%s", f->status.message);
        else if (thaw_failed(&f->status))
            app_fail(a, &f->status);
        else
            arrived(a, f);
        begin_next(a);
    }
    release(f);
}

static void begin(app *a, const app_get_params *what) {
    app_fetch *f = xcalloc(1, sizeof *f);
    f->what = *what;
    f->recipe = choice(a);
    f->now = (thaw_fetch_progress){.total = -1, .rate = (double)NAN, .left = (double)NAN};
    pthread_mutex_init(&f->lock, NULL);
    a->fetch = f;
    f->job = app_job(a, "fetching", work, done, f);
}

static void begin_next(app *a) {
    if (!a->get_waiting_count) return;
    app_get_params next = a->get_waiting[0];
    a->get_waiting_count--;
    memmove(a->get_waiting, a->get_waiting + 1, (size_t)a->get_waiting_count * sizeof *a->get_waiting);
    begin(a, &next);
}

static void enqueue(app *a, const app_get_params *what) {
    if (a->get_waiting_count == GET_WAITING_MAX) {
        app_warn(a, "%d files wait to be fetched already; try again when one is here", GET_WAITING_MAX);
        return;
    }
    a->get_waiting[a->get_waiting_count++] = *what;
    app_say(a, "the weights of %s are fetched after those of %s", what->info->arch,
            a->fetch->what.info->arch);
}

static void answered(app *a, void *user, int key) {
    const app_get_params *what = &a->get_asked;
    (void)user;
    if (key == ANSWER_FETCH) (a->fetch ? enqueue : begin)(a, what);
    if (key == ANSWER_RANDOM) what->instead(a, what->info);
}

bool app_get(app *a, const app_get_params *params) {
    const thaw_weights_info *info = params->info;
    thaw_fetch_params how = thaw_fetch_default_params();
    if (info->bundled || !info->url || how.offline) return false;
    if (a->fetch && a->fetch->what.info == info) {
        app_warn(a, "%s is being fetched; Esc on the Models tab stops that", info->file);
        return true;
    }
    for (int i = 0; i < a->get_waiting_count; i++)
        if (a->get_waiting[i].info == info) {
            app_warn(a, "%s will be fetched already, after %d other%s", info->file, i + 1, i ? "s" : "");
            return true;
        }
    char *url = thaw_fetch_address(info, &how), *path = thaw_fetch_destination(info, &how);
    char *text = xasprintf("The weights of %s are not on this machine. They are %.1f MB, from\n%s\ninto\n%s",
                           info->arch, info->file_size_mb, url, path);
    a->get_asked = *params;
    dialog_params ask = {
        .title = "fetch",
        .text = text,
        .answer = {{ANSWER_FETCH, "fetch them, then choose the model"},
                   {ANSWER_RANDOM, "choose it with random weights"},
                   {ANSWER_LEAVE, "neither"}},
        .answered = answered,
    };
    app_ask(a, &ask);
    free(text);
    free(path);
    free(url);
    return true;
}

bool app_getting(const app *a) {
    return a->fetch != NULL;
}

void app_get_stop(app *a) {
    if (!a->fetch) return;
    job_cancel(a->fetch->job);
    app_say(a, "stopping…");
}

/* ---- the strip ---- */

int app_get_rows(const app *a) {
    return a->fetch && a->frame.rows >= STRIP_ROWS_LEAST ? 1 : 0;
}

void app_get_draw(app *a, canvas *c, rect strip) {
    char why[WHY_MAX];
    str text = {0};
    if (rect_empty(strip) || !a->fetch) return;
    pthread_mutex_lock(&a->fetch->lock);
    thaw_fetch_progress now = a->fetch->now;
    memcpy(why, a->fetch->why, sizeof why);
    pthread_mutex_unlock(&a->fetch->lock);
    now.why = why;
    fetch_describe(&now, &text);
    double share = now.stage == THAW_FETCH_RETRYING ? -1 : fetch_share(&now);
    static const char hint[] = "Esc stops";
    int end = strip.col + strip.cols - 1;
    canvas_fill(c, strip, ROLE_FOOTER);
    int col = strip.col + 1;
    col += canvas_text(c, strip.row, col, end - col, a->fetch->what.info->arch, ROLE_FOOTER_KEY) + 1;
    if (a->get_waiting_count)
        col += canvas_textf(c, strip.row, col, end - col, ROLE_FOOTER, "(%d wait%s)", a->get_waiting_count,
                            a->get_waiting_count == 1 ? "s" : "") +
               1;
    int spare = end - col - text_columns(str_text(&text)) - (int)sizeof hint - 1;
    if (share >= 0 && spare >= BAR_COLS + 6) {
        progress_draw(c, strip.row, col, BAR_COLS, share);
        col += BAR_COLS + 1;
        col += canvas_textf(c, strip.row, col, end - col, ROLE_FOOTER, "%.0f %%", floor(share * 100)) + 1;
    }
    col += canvas_text(c, strip.row, col, end - col, str_text(&text), ROLE_FOOTER) + 2;
    if (a->current == SCREEN_MODELS && end - col >= (int)sizeof hint - 1)
        canvas_text_right(c, strip.row, col, end - col, hint, ROLE_FOOTER_KEY);
    str_clear(&text);
}
