/*
 * norm_drift.c - see norm_drift.h.
 */
#include "engine/train/norm_drift.h"

#include <math.h>
#include <stdlib.h>

#include "engine/base/alloc.h"

enum { NORM_MEAN = 2, NORM_VAR }; /* where a norm has its statistics among its parameters */

/* A norm's statistics at the start: its means, then its variances. Owned. */
typedef struct start {
    const layer *norm;
    float *value; /* 2 x features */
} start;

struct norm_drift {
    model *model;
    start *start;
    size_t count, capacity;
    bool unknown;
};

norm_drift *norm_drift_new(model *m) {
    norm_drift *d = xcalloc(1, sizeof *d);
    d->model = m;
    return d;
}

static void drop(norm_drift *d) {
    for (size_t i = 0; i < d->count; i++)
        free(d->start[i].value);
    d->count = 0;
}

void norm_drift_free(norm_drift *d) {
    if (!d) return;
    drop(d);
    free(d->start);
    free(d);
}

void norm_drift_forget(norm_drift *d) {
    drop(d);
    d->unknown = true;
}

bool norm_drift_moves(const layer *l) {
    return layer_is_norm(l) && l->freeze != THAW_FROZEN && !l->aside;
}

static const start *find(const norm_drift *d, const layer *l) {
    for (size_t i = 0; i < d->count; i++)
        if (d->start[i].norm == l) return &d->start[i];
    return NULL;
}

/* Means and variances of L[0..COUNT-1], 2 x features floats each, one after the other: the caller's.
 * Together, so that a device is waited for once. */
static thaw_status read_statistics(const norm_drift *d, const layer *const *l, size_t count, float **out) {
    tensor **part = xcalloc(2 * count, sizeof(tensor *));
    size_t floats = 0;
    for (size_t i = 0; i < count; i++) {
        part[2 * i] = l[i]->param[NORM_MEAN].t;
        part[2 * i + 1] = l[i]->param[NORM_VAR].t;
        floats += 2 * (size_t)l[i]->spec.norm.features;
    }
    float *value = xcalloc(floats, sizeof *value);
    tscope s;
    tscope_begin(&s, d->model->torch);
    t_read(&s, t_cat(&s, part, 2 * count, 0), value, floats * sizeof *value);
    thaw_status status = tscope_end(&s);
    free(part);
    if (thaw_failed(&status))
        free(value);
    else
        *out = value;
    return status;
}

thaw_status norm_drift_remember_layer(norm_drift *d, const layer *l) {
    float *value = NULL;
    if (d->unknown || !layer_is_norm(l) || find(d, l)) return thaw_ok();
    THAW_TRY(read_statistics(d, &l, 1, &value));
    d->start = vec_reserve(d->start, &d->capacity, d->count + 1, sizeof *d->start);
    d->start[d->count++] = (start){l, value};
    return thaw_ok();
}

thaw_status norm_drift_remember(norm_drift *d) {
    for (size_t i = 0; i < d->model->order_count; i++)
        if (norm_drift_moves(d->model->order[i])) THAW_TRY(norm_drift_remember_layer(d, d->model->order[i]));
    return thaw_ok();
}

static double distance(const float *now, const float *then, size_t features, double eps) {
    double sum = 0;
    for (size_t i = 0; i < features; i++) {
        double s0 = sqrt(then[features + i] + eps), s = sqrt(now[features + i] + eps);
        double mean = (now[i] - then[i]) / s0, deviation = s / s0 - 1;
        sum += mean * mean + deviation * deviation;
    }
    return sqrt(sum / (double)features);
}

thaw_status norm_drift_measure(norm_drift *d, const layer *const *l, size_t count, double *out) {
    const layer **known = xcalloc(count, sizeof(layer *));
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        if (find(d, l[i])) known[found++] = l[i];
    float *now = NULL, *at;
    thaw_status status = found ? read_statistics(d, known, found, &now) : thaw_ok();
    at = now;
    for (size_t i = 0; i < count; i++) {
        const start *then = find(d, l[i]);
        size_t features = (size_t)l[i]->spec.norm.features;
        out[i] = then && now ? distance(at, then->value, features, l[i]->spec.norm.eps) : NAN;
        if (then && now) at += 2 * features;
    }
    free(now);
    free(known);
    return status;
}
