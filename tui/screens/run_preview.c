/*
 * run_preview.c - see run_preview.h. Moving the cursor cancels the reading of the run it leaves. Of a long
 * one there is a sketch first, which its thread makes and, once it says so, leaves alone.
 */
#include "tui/screens/run_preview.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "tui/run_replay.h"
#include "tui/widgets/chart.h"

struct run_preview_load {
    run_preview *preview; /* NULL: not wanted any more */
    char *folder;
    run_view view, sketch;
    atomic_bool sketched;    /* SKETCH is whole, and stays as it is */
    thaw_run_reader *reader; /* at the end of what VIEW has */
    thaw_status status;
    job *job;
};

static void work(job *j, void *data) {
    run_preview_load *l = data;
    l->status = thaw_run_reader_open(l->folder, &l->reader);
    if (thaw_failed(&l->status)) return;
    if (run_replay_sketch(l->reader, &l->sketch)) {
        atomic_store(&l->sketched, true);
        job_wake(j);
    }
    l->status = run_replay_from(l->reader, &l->view, job_keep_going, j);
}

static void done(app *a, void *data) {
    run_preview_load *l = data;
    run_preview *p = l->preview;
    if (p) {
        p->loading = NULL;
        p->loaded = !thaw_failed(&l->status);
        free(p->problem);
        p->problem = p->loaded ? NULL : xstrdup(l->status.message);
        run_view_clear(&p->view);
        p->view = l->view;
        thaw_run_reader_close(p->reader);
        p->reader = l->reader;
        l->reader = NULL;
        run_view_init(&l->view);
        app_redraw(a);
    }
    run_view_clear(&l->view);
    run_view_clear(&l->sketch);
    thaw_run_reader_close(l->reader);
    free(l->folder);
    free(l);
}

/* What is being read is not wanted any more; it frees itself when it comes back. */
static void abandon(run_preview *p) {
    if (!p->loading) return;
    p->loading->preview = NULL;
    job_cancel(p->loading->job);
    p->loading = NULL;
}

void run_preview_init(run_preview *p) {
    *p = (run_preview){0};
    run_view_init(&p->view);
}

void run_preview_clear(run_preview *p) {
    abandon(p);
    run_view_clear(&p->view);
    thaw_run_reader_close(p->reader);
    free(p->folder);
    free(p->problem);
    *p = (run_preview){0};
}

/* Is there nothing new in RUN since it was read? */
static bool is_current(const run_preview *p, const thaw_run_info *run) {
    if (!p->folder || strcmp(p->folder, run->folder)) return false;
    if (p->loading) return true;
    return p->loaded && p->view.ended && (int)p->view.epoch_count >= run->epochs_done;
}

void run_preview_show(run_preview *p, app *a, const thaw_run_info *run) {
    if (run && is_current(p, run)) return;
    bool same = run && p->folder && !strcmp(p->folder, run->folder);
    abandon(p);
    if (!same) {
        run_view_clear(&p->view);
        thaw_run_reader_close(p->reader);
        p->reader = NULL;
        p->loaded = false;
        free(p->problem);
        p->problem = NULL;
    }
    free(p->folder);
    p->folder = run ? xstrdup(run->folder) : NULL;
    if (!run) return;
    run_preview_load *l = xcalloc(1, sizeof *l);
    l->preview = p;
    l->folder = xstrdup(run->folder);
    l->status = thaw_error(THAW_ERR_CANCELLED, "not read"); /* a job may be cancelled before it begins */
    run_view_init(&l->view);
    run_view_init(&l->sketch);
    p->loading = l;
    l->job = app_job(a, "run", work, done, l);
}

bool run_preview_grow(run_preview *p) {
    return p->reader && p->loaded && !p->loading && run_replay_more(p->reader, &p->view) > 0;
}

/* ---- drawing ---- */

enum { CURVES = 2 };

/* The validation losses as points; the caller frees. */
static chart_point *val_losses(const run_view *v) {
    chart_point *point = v->epoch_count ? xcalloc(v->epoch_count, sizeof *point) : NULL;
    for (size_t i = 0; i < v->epoch_count; i++)
        point[i] = (chart_point){.x = (double)v->epoch_list[i].steps, .y = v->epoch_list[i].val_loss};
    return point;
}

static void draw_loss(const run_view *v, app *a, canvas *c, rect r) {
    static const double smoothing = 0.9;
    chart_point *val = val_losses(v);
    chart_series curve[CURVES] = {
        {.name = "train",
         .letter = 't',
         .role = ROLE_TRAIN,
         .raw_role = ROLE_TRAIN_RAW,
         .steps = &v->train_loss,
         .smoothing = smoothing},
        {.name = "val",
         .letter = 'v',
         .role = ROLE_VAL,
         .raw_role = ROLE_VAL_RAW,
         .point = val,
         .count = v->epoch_count,
         .marked = true},
    };
    chart ch = chart_default();
    ch.curve = curve;
    ch.curve_count = CURVES;
    ch.x_max = (double)v->total_steps;
    ch.x_unit = v->steps_per_epoch;
    ch.x_name = "epoch";
    ch.raster = (raster_kind)app_raster(a);
    chart_draw(&ch, c, r);
    free(val);
}

static bool is_sketch(const run_preview *p) {
    return !p->loaded && p->loading && atomic_load(&p->loading->sketched);
}

const char *run_preview_note(const run_preview *p) {
    return is_sketch(p) ? "a sketch; reading all of its events ..." : NULL;
}

void run_preview_draw(const run_preview *p, app *a, canvas *c, rect r) {
    if (p->problem)
        canvas_paragraph(c, r, p->problem, ROLE_WARN);
    else if (is_sketch(p))
        draw_loss(&p->loading->sketch, a, c, r);
    else if (!p->loaded && p->loading)
        canvas_text(c, r.row, r.col, r.cols, "reading its events ...", ROLE_DIM);
    else if (p->loaded)
        draw_loss(&p->view, a, c, r);
}
