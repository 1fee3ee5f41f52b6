/*
 * train_charts.c - loss and accuracy of the live run over epochs, steps or time, with earlier runs beneath.
 *
 * Both charts have the same x-axis (train_axis.c), fixed to what is planned: a growing curve then changes few
 * cells.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "tui/screens/train.h"

enum { CURVES_OWN = 2 };

enum {
    GLYPH_FROZEN = 0x2744,
    GLYPH_THAWED = 0x263c,
    GLYPH_LR = 0x2195,
    GLYPH_SAVED = 0x25b4,
    GLYPH_BEST = 0x2605,
    GLYPH_BROKEN = 0xd7
};

double train_smoothing(const train_state *s) {
    static const double weights[TRAIN_SMOOTHINGS] = {0.9, 0.97, 0, 0.6};
    return weights[s->smoothing % TRAIN_SMOOTHINGS];
}

/* One figure of the epochs as points; owned by the caller. */
typedef double (*epoch_figure)(const run_epoch *e);

static double val_loss(const run_epoch *e) {
    return e->val_loss;
}

static double val_top1(const run_epoch *e) {
    return e->val_top1;
}

static double train_top1(const run_epoch *e) {
    return e->train_top1;
}

static chart_point *epoch_points(const run_view *v, epoch_figure figure) {
    chart_point *point = xcalloc(v->epoch_count + 1, sizeof *point);
    for (size_t i = 0; i < v->epoch_count; i++)
        point[i] = (chart_point){.x = (double)v->epoch_list[i].steps, .y = figure(&v->epoch_list[i])};
    return point;
}

/* No validation set: a curve of gaps only would be marked all over. */
static bool has_figure(const run_view *v, epoch_figure figure) {
    for (size_t i = 0; i < v->epoch_count; i++)
        if (isfinite(figure(&v->epoch_list[i]))) return true;
    return false;
}

/* ---- marks ---- */

static chart_mark mark_of(const app *a, const train_state *s, const run_mark *m) {
    chart_mark out = {.x = train_place(a, s, (double)m->steps), .label = m->text};
    switch (m->kind) {
    case RUN_MARK_MASK:
        out.glyph = m->thaws ? GLYPH_THAWED : GLYPH_FROZEN;
        out.role = m->thaws ? ROLE_MARK_THAW : ROLE_MARK_FREEZE;
        out.weight = 3;
        break;
    case RUN_MARK_LR:
        out.glyph = GLYPH_LR;
        out.role = ROLE_MARK_LR;
        out.weight = 2;
        break;
    case RUN_MARK_NOT_FINITE:
        out.glyph = GLYPH_BROKEN;
        out.role = ROLE_BAD;
        out.weight = 3;
        break;
    case RUN_MARK_BEST:
        out.glyph = GLYPH_BEST;
        out.role = ROLE_MARK_BEST;
        break;
    default:
        out.glyph = GLYPH_SAVED;
        out.role = ROLE_MARK_SAVE;
        break;
    }
    return out;
}

/* Of the checkpoints only the newest, on the axis. */
chart_mark *train_marks(const app *a, const train_state *s, size_t *count) {
    const run_view *v = app_live(a);
    chart_mark *mark = xcalloc(v->mark_count + 1, sizeof *mark);
    const run_mark *saved = NULL;
    size_t n = 0;
    for (size_t i = 0; i < v->mark_count; i++) {
        const run_mark *m = &v->mark[i];
        if (m->kind == RUN_MARK_CHECKPOINT) saved = m;
        if (m->kind == RUN_MARK_CHECKPOINT || m->kind == RUN_MARK_PAUSE || m->kind == RUN_MARK_RESUME)
            continue;
        if (m->kind != RUN_MARK_BEST) mark[n++] = mark_of(a, s, m);
    }
    if (saved) mark[n++] = mark_of(a, s, saved);
    for (size_t i = 0; i < v->mark_count; i++) /* last, so that it is seen where a checkpoint is too */
        if (v->mark[i].kind == RUN_MARK_BEST) mark[n++] = mark_of(a, s, &v->mark[i]);
    *count = n;
    return mark;
}

/* ---- curves ---- */

/* What one chart is made of while it is drawn. */
struct curves {
    chart_series *item;
    size_t count;
    chart_point **point; /* to be freed */
    char **name;
};
typedef struct curves curves;

static curves *curves_new(const app *a) {
    size_t most = CURVES_OWN + app_ghost_count(a);
    curves *cs = xcalloc(1, sizeof *cs);
    *cs = (curves){.item = xcalloc(most, sizeof(chart_series)),
                   .point = xcalloc(most, sizeof(chart_point *)),
                   .name = xcalloc(most, sizeof(char *))};
    return cs;
}

void train_chart_free(train_chart *c) {
    curves *cs = c->curves;
    for (size_t i = 0; i < cs->count; i++) {
        free(cs->point[i]);
        free(cs->name[i]);
    }
    free(cs->item);
    free(cs->point);
    free(cs->name);
    free(cs);
}

static void add_points(curves *cs, const run_view *v, epoch_figure figure, chart_series look) {
    if (!has_figure(v, figure)) return;
    cs->point[cs->count] = epoch_points(v, figure);
    look.point = cs->point[cs->count];
    look.count = v->epoch_count;
    cs->item[cs->count++] = look;
}

/* The live run's. */
static void put_on_axis(curves *cs, const app *a, const train_state *s) {
    for (size_t i = 0; i < cs->count; i++)
        train_axis_curve(a, s, app_live(a), &cs->item[i]);
}

/* Ghosts come last in the legend but lie beneath. */
static void add_ghosts(curves *cs, const app *a, const train_state *s, bool loss) {
    for (size_t i = 0; i < app_ghost_count(a) && !s->ghosts_hidden; i++) {
        const app_ghost *g = app_ghost_at(a, i);
        const run_view *v = &g->view;
        if (!g->shown || (app_live(a)->folder && !strcmp(g->folder, app_live(a)->folder))) continue;
        chart_series look = {.letter = g->letter, .role = g->role, .raw_role = g->role, .ghost = true};
        train_axis_curve(a, s, v, &look);
        size_t at = cs->count;
        char *name = xasprintf("%c: %s", g->letter, g->label);
        look.name = name;
        if (loss && v->train_loss.count) {
            look.steps = &v->train_loss;
            look.smoothing = train_smoothing(s);
            cs->item[cs->count++] = look;
        } else if (!loss) {
            add_points(cs, v, val_top1, look);
        }
        if (cs->count > at)
            cs->name[at] = name;
        else
            free(name);
    }
}

static chart base_chart(const app *a, const train_state *s) {
    chart ch = chart_default();
    train_window(a, s, &ch.x_min, &ch.x_max);
    train_axis_chart(a, s, &ch);
    ch.raster = (raster_kind)app_raster(a);
    ch.crosshair = s->crosshair_on ? s->crosshair : NAN;
    return ch;
}

static train_chart finish(const app *a, const train_state *s, curves *cs) {
    chart ch = base_chart(a, s);
    ch.curve = cs->item;
    ch.curve_count = cs->count;
    return (train_chart){ch, cs};
}

train_chart train_loss_chart(const app *a, const train_state *s) {
    const run_view *v = app_live(a);
    curves *cs = curves_new(a);
    if (v->train_loss.count)
        cs->item[cs->count++] = (chart_series){.name = "train",
                                               .letter = 't',
                                               .role = ROLE_TRAIN,
                                               .raw_role = ROLE_TRAIN_RAW,
                                               .steps = &v->train_loss,
                                               .smoothing = train_smoothing(s)};
    add_points(cs, v, val_loss,
               (chart_series){.name = "val", .letter = 'v', .role = ROLE_VAL, .marked = true});
    put_on_axis(cs, a, s);
    add_ghosts(cs, a, s, true);
    train_chart c = finish(a, s, cs);
    c.chart.log_y = s->log_y;
    c.chart.empty = app_busy(a) ? "waiting for the first step" : "no run yet: press R to train, B for a demo";
    return c;
}

train_chart train_accuracy_chart(const app *a, const train_state *s) {
    const run_view *v = app_live(a);
    curves *cs = curves_new(a);
    add_points(cs, v, train_top1,
               (chart_series){.name = "train", .letter = 't', .role = ROLE_TRAIN, .marked = true});
    add_points(cs, v, val_top1,
               (chart_series){.name = "val", .letter = 'v', .role = ROLE_VAL, .marked = true});
    put_on_axis(cs, a, s);
    add_ghosts(cs, a, s, false);
    train_chart c = finish(a, s, cs);
    c.chart.percent = true;
    c.chart.legend_below = true;
    c.chart.empty = app_busy(a) ? "known after the first epoch" : "";
    return c;
}

/* ---- drawing ---- */

static char *loss_note(const app *a, const train_state *s) {
    const run_view *v = app_live(a);
    str text = {0};
    char *window = train_window_note(a, s);
    char *place = train_axis_text(s, s->crosshair);
    if (s->crosshair_on)
        str_appendf(&text, "%s · ", place);
    else if (v->begun)
        str_appendf(&text, "epoch %d of %d · ", v->epoch + 1 > v->epochs ? v->epochs : v->epoch + 1,
                    v->epochs);
    if (window[0]) str_appendf(&text, "%s · ", window);
    free(window);
    free(place);
    if (s->log_y) str_append(&text, "log · ");
    if (train_smoothing(s) > 0)
        str_appendf(&text, "smooth %g", train_smoothing(s));
    else
        str_append(&text, "raw");
    return str_take(&text);
}

static void draw_loss(app *a, train_state *s, canvas *c, const layout *l, const chart_mark *mark,
                      size_t mark_count) {
    rect place = l->pane[PANE_LOSS];
    if (rect_empty(place)) return;
    char *note = loss_note(a, s);
    rect in = canvas_frame(c, place, "loss", note,
                           l->flags[PANE_LOSS] | (app_focus(a) == PANE_LOSS ? FRAME_FOCUS : 0));
    free(note);
    train_chart loss = train_loss_chart(a, s);
    chart *ch = &loss.chart;
    ch->mark = mark;
    ch->mark_count = mark_count;
    ch->legend = true;
    if (!rect_empty(l->pane[PANE_ACCURACY])) ch->x_name = NULL; /* said below */
    s->loss_plot = chart_plot(ch, in);
    s->x_min = ch->x_min;
    s->x_max = ch->x_max;
    chart_draw(ch, c, in);
    train_chart_free(&loss);
}

static void draw_accuracy(app *a, train_state *s, canvas *c, const layout *l, const chart_mark *mark,
                          size_t mark_count) {
    rect place = l->pane[PANE_ACCURACY];
    if (rect_empty(place)) return;
    const run_view *v = app_live(a);
    const run_epoch *last = run_view_last_epoch(v);
    char *note =
        last && isfinite(last->val_top1) ? xasprintf("val %.1f %%", last->val_top1 * 100) : xstrdup("");
    rect in = canvas_frame(c, place, "accuracy", note,
                           l->flags[PANE_ACCURACY] | (app_focus(a) == PANE_ACCURACY ? FRAME_FOCUS : 0));
    free(note);
    train_chart accuracy = train_accuracy_chart(a, s);
    chart *ch = &accuracy.chart;
    ch->mark = mark;
    ch->mark_count = mark_count;
    ch->legend = rect_empty(l->pane[PANE_LOSS]); /* else it is above */
    s->accuracy_plot = chart_plot(ch, in);
    chart_draw(ch, c, in);
    train_chart_free(&accuracy);
}

void train_draw_charts(app *a, train_state *s, canvas *c, const layout *l) {
    size_t count;
    train_axis_update(a, s);
    chart_mark *mark = train_marks(a, s, &count);
    draw_loss(a, s, c, l, mark, count);
    for (size_t i = 0; i < count; i++)
        mark[i].label = NULL; /* said once, above */
    draw_accuracy(a, s, c, l, mark, count);
    free(mark);
}
