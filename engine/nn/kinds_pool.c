/*
 * kinds_pool.c - pooling.
 */
#include "engine/nn/kinds.h"

static act pool_forward(layer *self, pass *p, act x) {
    pool2d_params *w = &self->spec.pool;
    if (!kind_takes_image(self, p, x, 0)) return (act){0};
    if (w->dilation[0] != 1 || w->dilation[1] != 1 || w->ceil_mode) x = act_dense(p, x);
    shape out = x.size;
    for (int i = 0; i < 2; i++) {
        out.dim[2 + i] = kind_window(x.size.dim[2 + i], w->kernel[i], w->stride[i], w->padding[i],
                                     w->dilation[i], w->ceil_mode);
        if (out.dim[2 + i] < 1) return kind_too_small(self, p, x);
    }
    tensor *t = NULL;
    if (!pass_tracing(p))
        t = self->kind == &kind_max_pool2d ? t_max_pool2d(p->scope, x.t, w) : t_avg_pool2d(p->scope, x.t, w);
    return act_result(self, p, x, out, 0, t);
}

static tensor *adaptive_compute(layer *self, pass *p, act x) {
    int64_t height = self->spec.adaptive[0], width = self->spec.adaptive[1];
    if (self->kind == &kind_adaptive_avg_pool2d) return t_adaptive_avg_pool2d(p->scope, x.t, height, width);
    tensor *max = t_adaptive_max_pool2d(p->scope, x.t, height, width);
    if (self->kind == &kind_adaptive_max_pool2d) return max;
    tensor *both[] = {t_adaptive_avg_pool2d(p->scope, x.t, height, width), max};
    return t_cat(p->scope, both, 2, 1);
}

static act adaptive_forward(layer *self, pass *p, act x) {
    if (!kind_takes_image(self, p, x, 0)) return (act){0};
    if (self->spec.adaptive[0] != 1 || self->spec.adaptive[1] != 1) x = act_dense(p, x);
    bool both = self->kind == &kind_adaptive_avg_max_pool2d;
    shape out = SHAPE_4(x.size.dim[0], x.size.dim[1] * (both ? 2 : 1), self->spec.adaptive[0],
                        self->spec.adaptive[1]);
    return act_result(self, p, x, out, 0, pass_tracing(p) ? NULL : adaptive_compute(self, p, x));
}

const layer_kind kind_max_pool2d = {"MaxPool2d", pool_forward, NULL};
const layer_kind kind_avg_pool2d = {"AvgPool2d", pool_forward, NULL};
const layer_kind kind_adaptive_avg_pool2d = {"AdaptiveAvgPool2d", adaptive_forward, NULL};
const layer_kind kind_adaptive_max_pool2d = {"AdaptiveMaxPool2d", adaptive_forward, NULL};
const layer_kind kind_adaptive_avg_max_pool2d = {"AdaptiveAvgMaxPool2d", adaptive_forward, NULL};

static layer *pool_add(layer *parent, const char *name, const layer_kind *kind, pool2d_params pool) {
    layer *l = layer_add(parent, name, kind);
    for (int i = 0; i < 2; i++) {
        if (!pool.stride[i]) pool.stride[i] = pool.kernel[i];
        if (!pool.dilation[i]) pool.dilation[i] = 1;
    }
    l->spec.pool = pool;
    return l;
}

layer *nn_max_pool2d(layer *parent, const char *name, pool2d_params pool) {
    return pool_add(parent, name, &kind_max_pool2d, pool);
}

layer *nn_avg_pool2d(layer *parent, const char *name, pool2d_params pool) {
    return pool_add(parent, name, &kind_avg_pool2d, pool);
}

static layer *adaptive_add(layer *parent, const char *name, const layer_kind *kind, int64_t height,
                           int64_t width) {
    layer *l = layer_add(parent, name, kind);
    l->spec.adaptive[0] = height;
    l->spec.adaptive[1] = width;
    return l;
}

layer *nn_adaptive_avg_pool2d(layer *parent, const char *name, int64_t height, int64_t width) {
    return adaptive_add(parent, name, &kind_adaptive_avg_pool2d, height, width);
}

layer *nn_adaptive_max_pool2d(layer *parent, const char *name, int64_t height, int64_t width) {
    return adaptive_add(parent, name, &kind_adaptive_max_pool2d, height, width);
}
