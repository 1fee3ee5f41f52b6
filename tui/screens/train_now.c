/*
 * train_now.c - the figures of the present moment, in three lines.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/str.h"
#include "tui/screens/train.h"
#include "tui/text.h"
#include "tui/widgets/progress.h"

/* Puts labelled figures beside each other as long as there is room. */
typedef struct figures {
    canvas *c;
    rect row;
    int col;
} figures;

static void put_figure(figures *f, const char *label, theme_role role, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void put_figure(figures *f, const char *label, theme_role role, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    int wide = text_columns(text), before = *label ? text_columns(label) + 1 : 0;
    if (!rect_empty(f->row) && f->col + before + wide <= f->row.col + f->row.cols) {
        canvas_text(f->c, f->row.row, f->col, before, label, ROLE_DIM);
        canvas_text(f->c, f->row.row, f->col + before, wide, text, role);
        f->col += before + wide + 2;
    }
    free(text);
}

/* Step and loss are the newest point of the training curve, and in its colour: one change of colour a frame.
 */
static void first_row(canvas *c, rect row, const run_view *v) {
    figures f = {c, row, row.col};
    const run_epoch *last = run_view_last_epoch(v);
    put_figure(&f, "step", ROLE_TRAIN, "%lld", (long long)v->steps);
    if (v->total_steps > 0) {
        f.col--;
        put_figure(&f, "of", ROLE_TEXT, "%lld", (long long)v->total_steps);
    }
    if (isfinite(v->loss))
        put_figure(&f, "loss", ROLE_TRAIN, "%.4f", v->loss);
    else if (v->train_loss.count > 0)
        put_figure(&f, "loss", ROLE_BAD, "not finite");
    if (last && isfinite(last->val_top1)) put_figure(&f, "val", ROLE_VAL, "%.1f %%", last->val_top1 * 100);
    if (isfinite(v->best_val_top1))
        put_figure(&f, "best", ROLE_GOOD, "%.1f %% in %d", v->best_val_top1 * 100, v->best_epoch + 1);
}

/* MEMORY: bytes that the run's process has; NaN: not known. */
static void second_row(canvas *c, rect row, const run_view *v, double memory) {
    figures f = {c, row, row.col};
    char text[NUMBER_TEXT_MAX];
    double eta = run_view_eta(v);
    if (isfinite(v->lr)) put_figure(&f, "lr", ROLE_TEXT, "%.3g", v->lr);
    if (v->images_per_second > 0) put_figure(&f, "", ROLE_TEXT, "%.0f img/s", v->images_per_second);
    if (isfinite(eta)) put_figure(&f, "ETA", ROLE_TEXT, "%s", text_seconds(eta, text));
    if (v->ended)
        put_figure(&f, v->end_reason ? v->end_reason : "ended", ROLE_TEXT, "after %s",
                   text_seconds(v->end_seconds, text));
    if (isfinite(v->data_wait) && v->images_per_second > 0)
        put_figure(&f, "data", v->data_wait > 0.3 ? ROLE_WARN : ROLE_TEXT, "%.0f %%", v->data_wait * 100);
    if (v->step_seconds > 0) put_figure(&f, "step", ROLE_TEXT, "%s", text_duration(v->step_seconds, text));
    if (isfinite(memory)) put_figure(&f, "", ROLE_TEXT, "%s", text_bytes(memory, text));
    if (v->precision) put_figure(&f, "", ROLE_DIM, "%s", v->precision);
}

static void third_row(canvas *c, rect row, const run_view *v) {
    enum { PERCENT_COLUMNS = 6 };
    double part = run_view_progress(v);
    if (rect_empty(row) || row.cols < 2 * PERCENT_COLUMNS) return;
    progress_draw(c, row.row, row.col, row.cols - PERCENT_COLUMNS, part);
    canvas_textf(c, row.row, row.col + row.cols - PERCENT_COLUMNS + 1, PERCENT_COLUMNS - 1, ROLE_DIM,
                 "%3.0f %%", part * 100);
}

static void before_a_run(app *a, canvas *c, rect in) {
    const run_view *v = app_live(a);
    const thaw_recipe *r = app_recipe(a);
    char *engine = text_escape(v->engine_text ? v->engine_text : "the engine is loading");
    bool broken = v->engine_known && !v->engine_ok;
    if (broken) /* nothing can be trained: why, and what to do, is all that matters */
        canvas_paragraph(c, in, engine, ROLE_BAD);
    else
        canvas_text(c, in.row, in.col, in.cols, engine, ROLE_DIM);
    free(engine);
    if (broken || in.rows < 2) return;
    if (r->model && *r->model && r->data.path && *r->data.path)
        canvas_textf(c, in.row + 1, in.col, in.cols, ROLE_TEXT, "%s%s on %s, %d epochs",
                     app_busy(a) ? "starting: " : "R trains ", r->model, path_base(r->data.path), r->epochs);
    else
        canvas_text(c, in.row + 1, in.col, in.cols, "pick a model (1) and images (2); or B: the demo",
                    ROLE_DIM);
}

/* "layer3+ · 62 % of layer2.2 cached, 4 views": what is trained, and what is kept of the rest. Owned by the
 * caller. */
static char *describe(const run_view *v) {
    str text = {0};
    str_append(&text, v->mask_label ? v->mask_label : "");
    if (v->cached_layer && !v->ended) {
        str_append(&text, " · ");
        if (v->cached_filled < v->cached_entries)
            str_appendf(&text, "%.0f %% of ", 100 * (double)v->cached_filled / (double)v->cached_entries);
        str_appendf(&text, "%s cached", v->cached_layer);
        if (v->cached_views > 1) str_appendf(&text, ", %d views", v->cached_views);
    }
    char *note = xstrdup(str_text(&text));
    str_clear(&text);
    return note;
}

void train_draw_now(app *a, canvas *c, const layout *l) {
    rect place = l->pane[PANE_NOW];
    if (rect_empty(place)) return;
    const run_view *v = app_live(a);
    char *note = describe(v);
    rect in = canvas_frame(c, place, "now", note,
                           l->flags[PANE_NOW] | (app_focus(a) == PANE_NOW ? FRAME_FOCUS : 0));
    free(note);
    rect former = canvas_clip(c, in);
    in = rect_inset(in, 0, 1, 0, 1);
    if (!v->begun) {
        before_a_run(a, c, in);
    } else {
        first_row(c, rect_row(in, 0), v);
        second_row(c, rect_row(in, 1), v, app_run_memory(a));
        third_row(c, rect_row(in, 2), v);
    }
    canvas_unclip(c, former);
}
