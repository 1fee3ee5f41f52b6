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
    tscope *scope;
    uint64_t seed;
} materialise;

static tensor *param_first(materialise *job, layer *l, int index) {
    param *p = &l->param[index];
    size_t count = (size_t)shape_elements(&p->size);
    float *values = xcalloc(count, sizeof *values);
    char *key = param_key(l, p);
    rng r = rng_keyed(job->seed, RNG_INIT, hash_bytes(key, strlen(key), 0), 0);
    if (l->kind->init) l->kind->init(l, index, values, count, &r);
    tensor *t = t_from_data(job->scope, p->size, DTYPE_F32, values, job->m->device);
    if (p->type != DTYPE_F32)
        t = t_to(job->scope, t, job->m->device, p->type, FORMAT_PRESERVE); /* counters */
    if (p->size.ndim == 4) t = t_to(job->scope, t, job->m->device, p->type, job->m->format);
    free(key);
    free(values);
    return t;
}

static void materialise_visit(void *user, layer *l) {
    materialise *job = user;
    for (int i = 0; i < l->param_count; i++) {
        param *p = &l->param[i];
        if (p->t) continue;
        tensor *t = param_first(job, l, i);
        if (tscope_failed(job->scope)) return;
        p->t = t_keep(job->scope, t);
    }
}

thaw_status init_materialise(model *m, layer *top, uint64_t seed) {
    tscope scope;
    tscope_begin(&scope, m->torch);
    materialise job = {m, &scope, seed};
    layer_each(top, materialise_visit, &job);
    return tscope_end(&scope);
}
