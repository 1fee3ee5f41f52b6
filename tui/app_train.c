/*
 * app_train.c - the session and the live run, and earlier runs as ghosts.
 *
 * The session is started after the first frame, so that loading libtorch costs no time to open the workbench.
 * Its events are taken ten times a second at most, however many there are.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "tui/app_state.h"
#include "tui/rescue.h"
#include "tui/run_replay.h"

/* ---- session ---- */

void app_session_start(app *a) {
    thaw_session_params params = thaw_session_default_params();
    params.runs = a->runs;
    params.threads = a->threads;
    if (a->device) params.device = a->device;
    params.capture_output = true;
    thaw_status status = thaw_session_new(&params, &a->session);
    a->session_failed = thaw_failed(&status);
    if (a->session_failed) app_fail(a, &status);
}

thaw_session *app_session(app *a) {
    return a->session;
}

const run_view *app_live(const app *a) {
    return &a->live;
}

bool app_busy(const app *a) {
    return a->starting || (a->live.begun && !a->live.ended && a->live.state != THAW_STATE_IDLE);
}

/* What stands in the way of any run, or NULL. */
static const char *engine_obstacle(const app *a) {
    if (app_busy(a) && !app_own_run(a))
        return "the run on the screen is another process's; D lets go of it first";
    if (app_busy(a)) return "a run is on already; stop it first (Train, s)";
    if (a->session_failed || (!a->session && !a->session_later))
        return "the engine is not running; `thaw doctor` says more";
    if (a->live.engine_known && !a->live.engine_ok) return a->live.engine_text;
    return NULL;
}

const char *app_obstacle(const app *a) {
    if (app_busy(a)) return engine_obstacle(a);
    if (!a->recipe.model || !*a->recipe.model) return "no model is chosen; 1 has them, Enter chooses one";
    if (!a->recipe.data.path || !*a->recipe.data.path)
        return "no images are chosen; 2, then o opens a folder";
    return engine_obstacle(a);
}

/* A workbench that was opened to show another's run has none until it trains one itself. */
static thaw_status have_session(app *a) {
    app_attach_end(a);
    if (!a->session) app_session_start(a);
    return a->session ? thaw_ok()
                      : thaw_error(THAW_ERR_IO, "the engine could not be started; `thaw doctor` says more");
}

void app_train(app *a) {
    const char *problem = app_obstacle(a);
    if (problem) {
        app_warn(a, "%s", problem);
        return;
    }
    thaw_status status = have_session(a);
    if (!thaw_failed(&status)) status = thaw_session_train(a->session, &a->recipe);
    if (thaw_failed(&status)) {
        app_fail(a, &status);
        return;
    }
    a->starting = true;
    app_go(a, SCREEN_TRAIN);
    app_say(a, a->live.engine_known ? "preparing…" : "loading libtorch, then preparing…");
}

/* The run before stays on the chart, as a ghost, when RUN is another. */
void app_keep_as_ghost(app *a, const char *run) {
    const run_view *v = &a->live;
    bool other = !v->run || !run || strcmp(v->run, run);
    if (!v->begun || !other || v->steps == 0 || !v->folder || app_ghost_find(a, v->folder)) return;
    char *folder = xstrdup(v->folder); /* the view's goes when the new run begins */
    app_ghost_toggle(a, folder);
    free(folder);
}

/* A run about to be resumed: what it did is read first, so that its curves are there to go on from. */
typedef struct resumption {
    char *folder, *run; /* of runs, NULL: the default; and which of them */
    run_view history;
    thaw_status status;
} resumption;

static void history_work(job *j, void *data) {
    resumption *r = data;
    thaw_run_info info;
    r->status = thaw_run_find(r->folder, r->run, &info);
    if (thaw_failed(&r->status)) return;
    r->status = run_replay(info.folder, &r->history, job_keep_going, j, NULL);
    thaw_run_info_clear(&info);
}

/* Without its history a run can be resumed all the same; the session says what else may be wrong with it. */
static void history_done(app *a, void *data) {
    resumption *r = data;
    a->starting = false;
    if (r->status.code != THAW_ERR_CANCELLED && !a->leave) {
        if (!thaw_failed(&r->status)) {
            app_keep_as_ghost(a, r->history.run);
            run_view_adopt(&a->live, &r->history);
        }
        thaw_status status = thaw_session_resume(a->session, r->run);
        a->starting = !thaw_failed(&status);
        if (thaw_failed(&status)) app_fail(a, &status);
    }
    run_view_clear(&r->history);
    free(r->folder);
    free(r->run);
    free(r);
}

void app_resume_run(app *a, const char *run) {
    const char *problem = engine_obstacle(a);
    if (problem) {
        app_warn(a, "%s", problem);
        return;
    }
    thaw_status status = have_session(a);
    if (thaw_failed(&status)) {
        app_fail(a, &status);
        return;
    }
    resumption *r = xcalloc(1, sizeof *r);
    r->folder = xstrdup(a->runs);
    r->run = xstrdup(run);
    r->status = thaw_error(THAW_ERR_CANCELLED, "not read"); /* until it has been */
    run_view_init(&r->history);
    a->starting = true;
    app_job(a, "reading the run", history_work, history_done, r);
    app_go(a, SCREEN_TRAIN);
    app_say(a, "going on with %s…", run);
}

/* ---- events ---- */

void app_take_recipe(app *a, const char *json, const char *run) {
    thaw_recipe recipe;
    thaw_recipe_init(&recipe);
    thaw_status status = thaw_recipe_parse(json, strlen(json), run, &recipe);
    if (!thaw_failed(&status)) app_recipe_replace(a, &recipe);
    thaw_recipe_clear(&recipe);
}

static void tell_end(app *a, const thaw_event *e) {
    a->starting = false;
    a->masks_pending = 0;
    app_mask_settle(a);
    const char *reason = e->end.reason ? e->end.reason : "", *message = e->end.message ? e->end.message : "";
    bool bad = !strcmp(reason, "error") || !strcmp(reason, "not-finite") || !strcmp(reason, "died");
    if (bad)
        app_warn(a, "the run ended: %s", *message ? message : reason);
    else if (e->end.best_epoch >= 0)
        app_say(a, "the run ended (%s): best %.1f %% in epoch %d", *message ? message : reason,
                e->end.best_val_top1 * 100, e->end.best_epoch + 1);
    else
        app_say(a, "the run ended (%s)", *message ? message : reason);
}

static void set_warning(app *a, const char *text) {
    free(a->warning);
    a->warning = xstrdup(text);
}

void app_take_event(app *a, const thaw_event *e) {
    if (e->kind == THAW_EVENT_BEGIN) {
        app_keep_as_ghost(a, e->begin.run);
        /* One that is not under edit brings its own recipe. */
        if (e->begin.recipe && e->begin.resumed) app_take_recipe(a, e->begin.recipe, e->begin.run);
        if (a->starting && a->message_role != ROLE_WARN) app_hush(a); /* "preparing…" */
        a->starting = false;
        if (!app_attached(a)) rescue_run(e->begin.folder);
    }
    if (e->kind == THAW_EVENT_END) rescue_run(NULL);
    int classes = app_class_count(a);
    run_view_apply(&a->live, e);
    app_rate_event(a, e);
    if (e->kind == THAW_EVENT_LOG && e->log.level == 1) {
        set_warning(a, e->log.text);
        app_warn_briefly(a, "%s", e->log.text ? e->log.text : ""); /* it stays in the log */
    }
    if (e->kind == THAW_EVENT_MASK) app_take_mask(a, e);
    if (e->kind == THAW_EVENT_ENGINE && !e->engine.ok)
        app_warn(a, "%s", e->engine.text ? e->engine.text : "no libtorch");
    if (e->kind == THAW_EVENT_LOG && e->log.level == 2) app_warn(a, "%s", e->log.text ? e->log.text : "");
    if (e->kind == THAW_EVENT_END) tell_end(a, e);
    if (e->kind == THAW_EVENT_DATASET && classes != app_class_count(a)) app_changed(a);
    for (int i = 0; i < SCREEN_COUNT; i++)
        if (a->state[i] && app_screens[i]->event) app_screens[i]->event(a, a->state[i], e);
}

void app_session_drain(app *a) {
    thaw_event e;
    while (a->session && thaw_session_next(a->session, &e)) {
        app_take_event(a, &e);
        thaw_event_clear(&e);
        a->dirty = true;
    }
    a->last_drain = clock_seconds();
    if (a->leave_when_idle && !app_busy(a)) a->leave = true;
}

/* ---- ghosts ---- */

const char *app_runs_folder(const app *a) {
    return a->runs;
}

size_t app_ghost_count(const app *a) {
    return a->ghost_count;
}

const app_ghost *app_ghost_at(const app *a, size_t index) {
    return index < a->ghost_count ? &a->ghost[index] : NULL;
}

const app_ghost *app_ghost_find(const app *a, const char *folder) {
    for (size_t i = 0; i < a->ghost_count; i++)
        if (!strcmp(a->ghost[i].folder, folder)) return &a->ghost[i];
    return NULL;
}

/* One run being read, by a job. */
typedef struct ghost_load {
    char *folder;
    run_view view;
    thaw_status status;
} ghost_load;

static void load_work(job *j, void *data) {
    ghost_load *load = data;
    load->status = run_replay(load->folder, &load->view, job_keep_going, j, NULL);
}

static void add_ghost(app *a, ghost_load *load) {
    a->ghost = vec_reserve(a->ghost, &a->ghost_capacity, a->ghost_count + 1, sizeof *a->ghost);
    const run_view *v = &load->view;
    size_t n = a->ghost_count++;
    a->ghost[n] = (app_ghost){
        .id = xstrdup(v->run ? v->run : load->folder),
        .folder = load->folder,
        .label = xstrdup(v->mask_label && *v->mask_label ? v->mask_label : "?"),
        .letter = (char)('A' + n % 26),
        .role = (theme_role)(ROLE_GHOST_1 + n % THEME_GHOSTS),
        .view = load->view,
        .shown = true,
    };
}

static void load_done(app *a, void *data) {
    ghost_load *load = data;
    bool again = app_ghost_find(a, load->folder) != NULL;
    if (thaw_failed(&load->status) || again) {
        if (load->status.code != THAW_ERR_CANCELLED && !again) app_fail(a, &load->status);
        run_view_clear(&load->view);
        free(load->folder);
    } else {
        add_ghost(a, load);
    }
    free(load);
    app_changed(a);
}

void app_ghost_toggle(app *a, const char *folder) {
    for (size_t i = 0; i < a->ghost_count; i++) {
        if (strcmp(a->ghost[i].folder, folder)) continue;
        a->ghost[i].shown = !a->ghost[i].shown;
        app_changed(a);
        return;
    }
    ghost_load *load = xcalloc(1, sizeof *load);
    load->folder = xstrdup(folder);
    run_view_init(&load->view);
    load->status = thaw_error(THAW_ERR_CANCELLED, "not read"); /* until it has been */
    app_job(a, "reading a run", load_work, load_done, load);
}

void app_ghosts_clear(app *a) {
    for (size_t i = 0; i < a->ghost_count; i++) {
        free(a->ghost[i].id);
        free(a->ghost[i].folder);
        free(a->ghost[i].label);
        run_view_clear(&a->ghost[i].view);
    }
    free(a->ghost);
    a->ghost = NULL;
    a->ghost_count = a->ghost_capacity = 0;
}
