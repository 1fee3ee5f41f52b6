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

/* Means and variances of L: 2 x features floats, owned by the caller. */
static thaw_status read_statistics(const norm_drift *d, const layer *l, float **out) {
    size_t features = (size_t)l->spec.norm.features;
    float *value = xcalloc(2 * features, sizeof *value);
    tscope s;
    tscope_begin(&s, d->model->torch);
    t_read(&s, l->param[NORM_MEAN].t, value, features * sizeof *value);
    t_read(&s, l->param[NORM_VAR].t, value + features, features * sizeof *value);
    thaw_status status = tscope_end(&s);
    if (thaw_failed(&status))
        free(value);
    else
        *out = value;
    return status;
}

thaw_status norm_drift_remember_layer(norm_drift *d, const layer *l) {
    float *value = NULL;
    if (d->unknown || !layer_is_norm(l) || find(d, l)) return thaw_ok();
    THAW_TRY(read_statistics(d, l, &value));
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

thaw_status norm_drift_measure(norm_drift *d, const layer *l, double *out) {
    const start *then = find(d, l);
    float *now = NULL;
    *out = NAN;
    if (!then) return thaw_ok();
    THAW_TRY(read_statistics(d, l, &now));
    *out = distance(now, then->value, (size_t)l->spec.norm.features, l->spec.norm.eps);
    free(now);
    return thaw_ok();
}
