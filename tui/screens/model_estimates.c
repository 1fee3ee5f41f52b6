/*
 * model_estimates.c - see model_estimates.h. A recipe that changes while its estimates are under way starts
 * them again.
 */
#include "tui/screens/model_estimates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "thaw/forecast.h"
#include "tui/model_memory.h"

/* What a job works on: its own but for the catalog, which outlives every job. */
struct estimate_load {
    model_estimates *owner; /* NULL: not wanted any more */
    model_rows *rows;       /* the UI thread's */
    const thaw_catalog *catalog;
    int count, classes;
    thaw_recipe recipe;
    model_estimate *result; /* COUNT of them */
    bool complete;
    job *job;
};
typedef struct estimate_load estimate_load;

static model_estimate estimate(const thaw_recipe *r, const thaw_weights_info *info, int classes) {
    model_estimate one = {0};
    thaw_memory whole;
    thaw_status status = thaw_memory_estimate(r, info->arch, info->crop, classes, &one.memory);
    if (thaw_failed(&status)) return one;
    thaw_recipe free_recipe = *r; /* everything trained; nothing of it is owned */
    free_recipe.freeze_count = free_recipe.moving_count = 0;
    status = thaw_memory_estimate(&free_recipe, info->arch, info->crop, classes, &whole);
    one.known = !thaw_failed(&status);
    if (one.known) one.whole = whole.total;
    return one;
}

static void work(job *j, void *data) {
    estimate_load *l = data;
    for (int i = 0; i < l->count; i++) {
        if (job_cancelled(j)) return;
        const thaw_weights_info *info = thaw_catalog_at(l->catalog, i),
                                *before = i ? thaw_catalog_at(l->catalog, i - 1) : NULL;
        bool same = before && !strcmp(info->arch, before->arch) && info->crop == before->crop;
        l->result[i] = same ? l->result[i - 1] : estimate(&l->recipe, info, l->classes);
    }
    l->complete = true;
}

static void judge(const model_estimates *e, model_rows *rows) {
    for (int i = 0; e->of && i < rows->catalog_count; i++) {
        model_facts *m = &rows->facts[i];
        m->memory = e->of[i].known ? (double)e->of[i].memory.total : (double)NAN;
        m->fit = model_memory_fit(m->memory, e->available);
    }
}

static void done(app *a, void *data) {
    estimate_load *l = data;
    model_estimates *e = l->owner;
    if (e) e->loading = NULL;
    if (e && l->complete && l->count == l->rows->catalog_count) {
        free(e->of);
        e->of = l->result;
        l->result = NULL;
        e->batch_size = l->recipe.batch_size;
        judge(e, l->rows);
        e->arrived(e->user);
        app_redraw(a);
    }
    thaw_recipe_clear(&l->recipe);
    free(l->result);
    free(l);
}

static void abandon(model_estimates *e) {
    if (!e->loading) return;
    e->loading->owner = NULL;
    job_cancel(e->loading->job);
    e->loading = NULL;
}

void model_estimates_init(model_estimates *e, void (*arrived)(void *user), void *user) {
    *e = (model_estimates){.available = -1, .arrived = arrived, .user = user};
}

void model_estimates_clear(model_estimates *e) {
    abandon(e);
    free(e->of);
    free(e->key);
    *e = (model_estimates){0};
}

void model_estimates_refresh(model_estimates *e, app *a, model_rows *rows) {
    thaw_recipe r;
    thaw_recipe_copy(app_recipe(a), &r);
    model_memory_settle_device(&r, app_live(a));
    int classes = app_class_count(a);
    char *recipe = thaw_recipe_json(&r), *key = xasprintf("%d %d %s", rows->catalog_count, classes, recipe);
    free(recipe);
    e->available = model_memory_available(&r, app_live(a));
    e->caches = thaw_forecast_caches(&r, e->available);
    judge(e, rows);
    if (e->key && !strcmp(e->key, key)) {
        free(key);
        thaw_recipe_clear(&r);
        return;
    }
    abandon(e);
    free(e->key);
    e->key = key;
    estimate_load *l = xcalloc(1, sizeof *l);
    *l = (estimate_load){
        .owner = e, .rows = rows, .catalog = rows->catalog, .count = rows->catalog_count, .classes = classes};
    l->result = xcalloc((size_t)l->count + 1, sizeof *l->result);
    l->recipe = r; /* the job's from here on */
    e->loading = l;
    l->job = app_job(a, "memory", work, done, l);
}
