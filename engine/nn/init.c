/*
 * init.c - see init.h.
 */
#include "engine/nn/init.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

static void fill_uniform(float *values, size_t count, double bound, rng *r) {
    for (size_t i = 0; i < count; i++)
        values[i] = (float)rng_range(r, -bound, bound);
}

static void fill_normal(float *values, size_t count, double deviation, rng *r) {
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(deviation * rng_normal(r));
}

/* Cut at two units, as torch's trunc_normal_ is by default: for these deviations never reached, so it never
 * loops. */
static void fill_truncated(float *values, size_t count, double deviation, rng *r) {
    for (size_t i = 0; i < count; i++) {
        double value = deviation * rng_normal(r);
        values[i] = (float)fmax(-2.0, fmin(2.0, value));
    }
}

void init_fill(const weight_fill *fill, float *values, size_t count, rng *r) {
    double in = (double)fill->fan_in, out = (double)fill->fan_out;
    if (fill->init == INIT_DEFAULT) {
        fill_uniform(values, count, 1.0 / sqrt(in), r); /* kaiming_uniform_ with a = sqrt(5), and the bias */
        return;
    }
    if (fill->bias) {
        memset(values, 0, count * sizeof *values);
        return;
    }
    switch (fill->init) {
    case INIT_KAIMING_FAN_OUT:
        fill_normal(values, count, sqrt(2.0 / out), r);
        break;
    case INIT_KAIMING_FAN_IN:
        fill_normal(values, count, sqrt(2.0 / in), r);
        break;
    case INIT_NORMAL_001:
        fill_normal(values, count, 0.01, r);
        break;
    case INIT_NORMAL_01:
        fill_normal(values, count, 0.1, r);
        break;
    case INIT_TRUNC_NORMAL_002:
        fill_truncated(values, count, 0.02, r);
        break;
    case INIT_XAVIER_UNIFORM:
        fill_uniform(values, count, sqrt(6.0 / (in + out)), r);
        break;
    case INIT_LECUN:
        fill_normal(values, count, sqrt(1.0 / in), r);
        break;
    case INIT_ZERO:
        memset(values, 0, count * sizeof *values);
        break;
    case INIT_KAIMING_UNIFORM:
        fill_uniform(values, count, sqrt(6.0 / in), r);
        break;
    case INIT_UNIFORM_FAN_OUT:
        fill_uniform(values, count, sqrt(3.0 / out), r);
        break;
    case INIT_UNIFORM_OUT:
        fill_uniform(values, count, sqrt(1.0 / out), r);
        break;
    case INIT_DEFAULT:
        break;
    }
}

/* ---- tensors ---- */

typedef struct materialise {
    model *m;
    uint64_t seed;
    thaw_status status;
} materialise;

/* Filled where they lie, or on their way to a device. */
static tensor *param_first(materialise *job, tscope *s, layer *l, int index) {
    param *p = &l->param[index];
    size_t count = (size_t)shape_elements(&p->size);
    tensor *t = t_empty(s, p->size, DTYPE_F32, (device){.kind = DEVICE_CPU}, FORMAT_CONTIGUOUS);
    float *values = t_data(s, t, FORMAT_CONTIGUOUS);
    if (!values) return NULL;
    memset(values, 0, count * sizeof *values);
    char *key = param_key(l, p);
    rng r = rng_keyed(job->seed, RNG_INIT, hash_bytes(key, strlen(key), 0), 0);
    if (l->kind->init) l->kind->init(l, index, values, count, &r);
    free(key);
    t = t_to(s, t, job->m->device, p->type, FORMAT_PRESERVE); /* some are counters */
    return p->size.ndim == 4 ? t_to(s, t, job->m->device, p->type, job->m->format) : t;
}

/* Each in a scope of its own: what one was made of is the next one's memory. */
static void materialise_visit(void *user, layer *l) {
    materialise *job = user;
    for (int i = 0; i < l->param_count && !thaw_failed(&job->status); i++) {
        param *p = &l->param[i];
        if (p->t) continue;
        tscope s;
        tscope_begin(&s, job->m->torch);
        tensor *t = param_first(job, &s, l, i);
        if (!tscope_failed(&s)) p->t = t_keep(&s, t);
        job->status = tscope_end(&s);
    }
}

thaw_status init_materialise(model *m, layer *top, uint64_t seed) {
    materialise job = {.m = m, .seed = seed};
    layer_each(top, materialise_visit, &job);
    return job.status;
}
