/*
 * kinds_norm.c - batch normalisation, where most of what can go wrong with freezing goes wrong.
 *
 * Whether the batch's statistics are used and the running ones moved depends on the pass and on this layer's
 * own state, never on the pass alone: a frozen norm in a training pass is in eval mode.
 */
#include "engine/nn/fold.h"
#include "engine/nn/fuse.h"
#include "engine/nn/kinds.h"

enum { NORM_WEIGHT, NORM_BIAS, NORM_MEAN, NORM_VAR, NORM_BATCHES };

norm_fusion kind_norm_params(const layer *norm, const pass *p) {
    return (norm_fusion){
        .weight = norm->param[NORM_WEIGHT].t,
        .bias = norm->param[NORM_BIAS].t,
        .running_mean = norm->param[NORM_MEAN].t,
        .running_var = norm->param[NORM_VAR].t,
        .training = layer_trains(norm, p),
        .momentum = norm->spec.norm.momentum,
        .eps = norm->spec.norm.eps,
        .activation = UNARY_NONE,
    };
}

static act norm_compute(layer *self, pass *p, act x) {
    tscope *s = p->scope;
    norm_fusion f = kind_norm_params(self, p);
    if (f.training) /* int64, counted on the device as torch does */
        t_add_(s, self->param[NORM_BATCHES].t, t_full(s, SHAPE_0(), 1, DTYPE_I64, p->device), 1);
    if (fuse_takes_norm(p, x)) return fuse_norm(self, p, x);
    tensor *y =
        t_batch_norm(s, x.t, f.weight, f.bias, f.running_mean, f.running_var, f.training, f.momentum, f.eps);
    return act_result(self, p, x, x.size, 0, y);
}

static act norm_forward(layer *self, pass *p, act x) {
    char text[SHAPE_TEXT_MAX];
    int64_t features = self->spec.norm.features;
    int ndim = self->kind == &kind_batch_norm1d ? 2 : 4;
    if (x.size.ndim != ndim || x.size.dim[1] != features)
        return pass_fail(p, self, "expects %d features in dimension 1 of %d, got %s", (int)features, ndim,
                         shape_text(&x.size, text));
    if (pass_tracing(p)) {
        fold_candidate(self, x.from);
        act y = act_result(self, p, x, x.size, 0, NULL);
        if (self->fold) y.conv = self->fold;
        return y;
    }
    if (self->fold && fold_takes_norm(self->fold, p)) return act_same(self, p, x);
    x = act_dense(p, x);
    if (layer_trains(self, p) && shape_elements(&x.size) == features)
        return pass_fail(p, self,
                         "a batch of one value a channel has no variance; use a larger batch, or freeze it");
    return norm_compute(self, p, x);
}

static void norm_init(layer *self, int index, float *values, size_t count, rng *r) {
    (void)self;
    (void)r;
    float value = index == NORM_WEIGHT || index == NORM_VAR ? 1.0f : 0.0f;
    for (size_t i = 0; i < count; i++)
        values[i] = value;
}

const layer_kind kind_batch_norm2d = {"BatchNorm2d", norm_forward, norm_init};
const layer_kind kind_batch_norm1d = {"BatchNorm1d", norm_forward, norm_init};

static layer *norm_add(layer *parent, const char *name, const layer_kind *kind, norm_spec spec) {
    layer *l = layer_add(parent, name, kind);
    if (spec.eps == 0) spec.eps = 1e-5;
    if (spec.momentum == 0) spec.momentum = 0.1;
    l->spec.norm = spec;
    layer_add_param(l, "weight", SHAPE_1(spec.features), DTYPE_F32, false);
    layer_add_param(l, "bias", SHAPE_1(spec.features), DTYPE_F32, false);
    layer_add_param(l, "running_mean", SHAPE_1(spec.features), DTYPE_F32, true);
    layer_add_param(l, "running_var", SHAPE_1(spec.features), DTYPE_F32, true);
    layer_add_param(l, "num_batches_tracked", SHAPE_0(), DTYPE_I64, true);
    return l;
}

layer *nn_batch_norm2d_with(layer *parent, const char *name, norm_spec spec) {
    return norm_add(parent, name, &kind_batch_norm2d, spec);
}

layer *nn_batch_norm2d(layer *parent, const char *name, int64_t features) {
    return norm_add(parent, name, &kind_batch_norm2d, (norm_spec){.features = features});
}

layer *nn_batch_norm1d(layer *parent, const char *name, int64_t features) {
    return norm_add(parent, name, &kind_batch_norm1d, (norm_spec){.features = features});
}
