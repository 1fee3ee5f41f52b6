/*
 * layer_stats.c - see layer_stats.h. Squared norms are added up over a layer's parameters, and the ratios
 * taken of their roots.
 */
#include "engine/train/layer_stats.h"

#include <math.h>
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "engine/nn/freeze.h"
#include "engine/train/norm_drift.h"

/* A parameter's weights at the start: t is owned. */
typedef struct origin {
    const param *param;
    tensor *t;
} origin;

/* Sums of squares of one layer. */
typedef struct figures {
    const layer *layer;
    double weight, gradient, update, drift, start;
    double
        norm; /* how far its running statistics are from the start; NaN: it has none, or that is not known */
} figures;

struct layer_stats {
    model *model;
    origin *origin;
    size_t origin_count, origin_capacity;
    bool unknown_start;
    norm_drift *norms;
    tensor **before; /* of each slot, in the optimizer's order: owned, NULL between measurements */
    size_t before_count;
    figures *item; /* of the last measured step */
    size_t count, capacity;
};

layer_stats *layer_stats_new(model *m) {
    layer_stats *ls = xcalloc(1, sizeof *ls);
    ls->model = m;
    ls->norms = norm_drift_new(m);
    return ls;
}

static void drop_before(layer_stats *ls) {
    for (size_t i = 0; i < ls->before_count; i++)
        tensor_free(ls->model->torch, ls->before[i]);
    free(ls->before);
    ls->before = NULL;
    ls->before_count = 0;
}

static void drop_origins(layer_stats *ls) {
    for (size_t i = 0; i < ls->origin_count; i++)
        tensor_free(ls->model->torch, ls->origin[i].t);
    ls->origin_count = 0;
}

void layer_stats_free(layer_stats *ls) {
    if (!ls) return;
    drop_before(ls);
    drop_origins(ls);
    norm_drift_free(ls->norms);
    free(ls->origin);
    free(ls->item);
    free(ls);
}

static tensor *find_origin(const layer_stats *ls, const param *p) {
    for (size_t i = 0; i < ls->origin_count; i++)
        if (ls->origin[i].param == p) return ls->origin[i].t;
    return NULL;
}

thaw_status layer_stats_remember_param(layer_stats *ls, const param *p) {
    if (ls->unknown_start || find_origin(ls, p)) return thaw_ok();
    tscope s;
    tscope_begin(&s, ls->model->torch);
    tensor *copy = t_keep(&s, t_clone(&s, t_detach(&s, p->t)));
    THAW_TRY(tscope_end(&s));
    ls->origin = vec_reserve(ls->origin, &ls->origin_capacity, ls->origin_count + 1, sizeof *ls->origin);
    ls->origin[ls->origin_count++] = (origin){p, copy};
    return thaw_ok();
}

thaw_status layer_stats_remember(layer_stats *ls, optimizer *o) {
    for (size_t i = 0; i < optimizer_count(o); i++)
        THAW_TRY(layer_stats_remember_param(ls, optimizer_at(o, i)->param));
    return norm_drift_remember(ls->norms);
}

thaw_status layer_stats_remember_norm(layer_stats *ls, const layer *l) {
    return norm_drift_remember_layer(ls->norms, l);
}

void layer_stats_forget(layer_stats *ls) {
    drop_origins(ls);
    norm_drift_forget(ls->norms);
    ls->unknown_start = true;
}

/* The entry of L, which is the last one or a new one: slots of a layer are neighbours. */
static figures *figures_of(layer_stats *ls, const layer *l) {
    if (ls->count && ls->item[ls->count - 1].layer == l) return &ls->item[ls->count - 1];
    ls->item = vec_reserve(ls->item, &ls->capacity, ls->count + 1, sizeof *ls->item);
    ls->item[ls->count] = (figures){.layer = l, .norm = NAN};
    return &ls->item[ls->count++];
}

/* Squared norms asked for together, so that the device is waited for once: of X, to be added to INTO. */
typedef struct squares {
    tensor **x;
    double **into;
    size_t count;
} squares;

static squares squares_new(size_t most) {
    return (squares){.x = xcalloc(most, sizeof(tensor *)), .into = xcalloc(most, sizeof(double *))};
}

static void squares_add(squares *q, tensor *x, double *into) {
    q->x[q->count] = x;
    q->into[q->count++] = into;
}

/* Takes Q. */
static void squares_take(squares *q, tscope *s) {
    double *norm = xcalloc(q->count, sizeof *norm);
    t_norms(s, q->x, q->count, norm);
    for (size_t i = 0; i < q->count; i++)
        *q->into[i] += norm[i] * norm[i];
    free(norm);
    free(q->x);
    free(q->into);
}

thaw_status layer_stats_before(layer_stats *ls, optimizer *o) {
    drop_before(ls);
    ls->count = 0;
    ls->before = xcalloc(optimizer_count(o), sizeof *ls->before);
    ls->before_count = optimizer_count(o);
    ls->item = vec_reserve(ls->item, &ls->capacity, ls->before_count, sizeof *ls->item); /* stay in place */
    squares q = squares_new(2 * ls->before_count);
    tscope s;
    tscope_begin(&s, ls->model->torch);
    for (size_t i = 0; i < ls->before_count && !tscope_failed(&s); i++) {
        optimizer_slot *slot = optimizer_at(o, i);
        tensor *w = t_detach(&s, slot->param->t), *g = t_grad(&s, slot->param->t);
        figures *f = figures_of(ls, slot->layer);
        squares_add(&q, w, &f->weight);
        if (g) squares_add(&q, g, &f->gradient);
        ls->before[i] = t_keep(&s, t_clone(&s, w));
    }
    squares_take(&q, &s);
    return tscope_end(&s);
}

/* Norms that train have an entry by now; ones whose weights are frozen and whose statistics move get one. */
static thaw_status measure_norms(layer_stats *ls) {
    const model *m = ls->model;
    size_t trained = ls->count;
    for (size_t i = 0; i < m->order_count; i++) {
        const layer *l = m->order[i];
        if (norm_drift_moves(l) && !layer_trainable(l)) figures_of(ls, l)->weight = NAN;
    }
    const layer **norm = xcalloc(ls->count, sizeof(layer *));
    double *far = xcalloc(ls->count, sizeof *far);
    size_t norms = 0;
    for (size_t i = 0; i < ls->count; i++)
        if (i >= trained || norm_drift_moves(ls->item[i].layer)) norm[norms++] = ls->item[i].layer;
    thaw_status status = norm_drift_measure(ls->norms, norm, norms, far);
    for (size_t i = 0, k = 0; i < ls->count && k < norms; i++)
        if (ls->item[i].layer == norm[k]) ls->item[i].norm = far[k++];
    free(norm);
    free(far);
    return status;
}

thaw_status layer_stats_after(layer_stats *ls, optimizer *o) {
    tscope s;
    tscope_begin(&s, ls->model->torch);
    squares q = squares_new(3 * ls->before_count);
    size_t at = 0;
    for (size_t i = 0; i < ls->before_count && !tscope_failed(&s); i++) {
        optimizer_slot *slot = optimizer_at(o, i);
        while (ls->item[at].layer != slot->layer)
            at++;
        figures *f = &ls->item[at];
        tensor *w = t_detach(&s, slot->param->t);
        squares_add(&q, t_sub(&s, w, ls->before[i]), &f->update);
        tensor *start = find_origin(ls, slot->param);
        if (start) {
            squares_add(&q, start, &f->start);
            squares_add(&q, t_sub(&s, w, start), &f->drift);
        } else {
            f->start = f->drift = NAN;
        }
    }
    squares_take(&q, &s);
    drop_before(ls);
    THAW_TRY(tscope_end(&s));
    return measure_norms(ls);
}

/* A layer of zeros (a fresh bias) has no scale to measure by. */
static double ratio(double part, double whole) {
    return whole > 0 ? sqrt(part / whole) : NAN;
}

void layer_stats_event(const layer_stats *ls, thaw_event *out) {
    *out = (thaw_event){.kind = THAW_EVENT_LAYERS};
    out->layers.count = ls->count;
    out->layers.item = xcalloc(ls->count, sizeof *out->layers.item);
    for (size_t i = 0; i < ls->count; i++) {
        const figures *f = &ls->item[i];
        out->layers.item[i] = (thaw_layer_stat){
            .path = xstrdup(f->layer->path),
            .update_ratio = ratio(f->update, f->weight),
            .grad_ratio = ratio(f->gradient, f->weight),
            .drift = ratio(f->drift, f->start),
            .norm_drift = f->norm,
        };
    }
}
