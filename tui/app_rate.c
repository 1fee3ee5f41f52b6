/*
 * app_rate.c - how long a step of the recipe will take: from the live run as soon as it has made some steps,
 * and before that from the newest run of the same model on this machine, which is looked for in the
 * background.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "tui/app_state.h"
#include "tui/run_replay.h"

enum { RUNS_TRIED_MAX = 4 };

void app_rate_event(app *a, const thaw_event *e) {
    if (e->kind == THAW_EVENT_MASK) a->live_work = step_rate_work(&a->live);
    if (e->kind == THAW_EVENT_STEP) step_rate_take(&a->rate, &a->live, a->live_work);
}

double app_step_seconds(const app *a, const thaw_cost *cost) {
    if (!step_rate_fits(&a->rate, &a->recipe, a->live.device)) return NAN;
    return step_rate_seconds(&a->rate, &a->recipe, cost);
}

/* ---- from an earlier run ---- */

typedef struct rate_search {
    char *runs, *model; /* the folder of runs, NULL: the default */
    step_rate found;
} rate_search;

static void look_into(job *j, rate_search *s, const char *folder) {
    run_view view;
    run_view_init(&view);
    thaw_status status = run_replay(folder, &view, job_keep_going, j, NULL);
    if (!thaw_failed(&status)) step_rate_take(&s->found, &view, step_rate_work(&view));
    run_view_clear(&view);
}

static void search_work(job *j, void *data) {
    rate_search *s = data;
    thaw_run_info *run;
    size_t count;
    int tried = 0;
    if (job_cancelled(j)) return;
    thaw_status status = thaw_runs_list(s->runs, &run, &count);
    if (thaw_failed(&status)) return; /* the Runs tab says why */
    for (size_t i = 0; i < count && tried < RUNS_TRIED_MAX && !(s->found.seconds_per_mac > 0); i++) {
        if (job_cancelled(j)) break;
        if (!run[i].model || strcmp(run[i].model, s->model)) continue;
        look_into(j, s, run[i].folder);
        tried++;
    }
    thaw_runs_free(run, count);
}

static void search_done(app *a, void *data) {
    rate_search *s = data;
    bool better = a->rate.model && !strcmp(a->rate.model, s->model); /* measured in the meantime */
    if (s->found.seconds_per_mac > 0 && !better) {
        step_rate_clear(&a->rate);
        a->rate = s->found;
        s->found = (step_rate){0};
        app_redraw(a);
    }
    step_rate_clear(&s->found);
    free(s->runs);
    free(s->model);
    free(s);
}

void app_rate_seek(app *a) {
    const char *model = a->recipe.model;
    if (!a->session || !model || !*model) return;
    if (a->rate_sought && !strcmp(a->rate_sought, model)) return;
    free(a->rate_sought);
    a->rate_sought = xstrdup(model);
    if (a->rate.model && !strcmp(a->rate.model, model)) return;
    rate_search *s = xcalloc(1, sizeof *s);
    s->runs = xstrdup(a->runs);
    s->model = xstrdup(model);
    app_job(a, "step times", search_work, search_done, s);
}
