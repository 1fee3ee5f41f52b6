/*
 * kinds_basic.c - the kinds without a file of their own: Sequential, Linear, activations, Dropout, Flatten.
 */
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "engine/nn/fuse.h"
#include "engine/nn/host_tensor.h"
#include "engine/nn/init.h"
#include "engine/nn/kinds.h"

/* ---- Sequential ---- */

const layer_kind kind_sequential = {"Sequential", NULL, NULL};

layer *nn_sequential(layer *parent, const char *name) {
    return layer_add(parent, name, &kind_sequential);
}

/* ---- Linear: over the last dimension ---- */

enum { LINEAR_WEIGHT, LINEAR_BIAS };

static act linear_forward(layer *self, pass *p, act x) {
    char text[SHAPE_TEXT_MAX];
    const linear_spec *spec = &self->spec.linear;
    int last = x.size.ndim - 1;
    if (last < 1 || x.size.dim[last] != spec->in)
        return pass_fail(p, self, "expects %d features, got %s", (int)spec->in, shape_text(&x.size, text));
    shape out = x.size;
    out.dim[last] = spec->out;
    tensor *t = NULL;
    if (!pass_tracing(p))
        t = t_linear(p->scope, x.t, self->param[LINEAR_WEIGHT].t, self->param[LINEAR_BIAS].t);
    return act_result(self, p, x, out, shape_elements(&out) * spec->in, t);
}

static void linear_init(layer *self, int index, float *values, size_t count, rng *r) {
    const linear_spec *spec = &self->spec.linear;
    weight_fill fill = {
        .init = spec->init, .fan_in = spec->in, .fan_out = spec->out, .bias = index == LINEAR_BIAS};
    init_fill(&fill, values, count, r);
}

const layer_kind kind_linear = {"Linear", linear_forward, linear_init};

layer *nn_linear(layer *parent, const char *name, linear_spec spec) {
    layer *l = layer_add(parent, name, &kind_linear);
    l->spec.linear = spec;
    layer_add_param(l, "weight", SHAPE_2(spec.out, spec.in), DTYPE_F32, false);
    if (spec.bias) layer_add_param(l, "bias", SHAPE_1(spec.out), DTYPE_F32, false);
    return l;
}

/* ---- activations ---- */

/* Operations whose backward reads their result: that must not be overwritten by whoever comes next. */
static bool activation_keeps_result(unary_op op) {
    return op == UNARY_SIGMOID || op == UNARY_TANH || op == UNARY_EXP || op == UNARY_SQRT;
}

static act activation_forward(layer *self, pass *p, act x) {
    unary_op op = self->spec.activation;
    if (pass_tracing(p)) fuse_candidate_activation(self, x);
    if (x.activated == self) {
        x.activated = NULL;
        return act_same(self, p, x);
    }
    if (op == UNARY_RELU && fuse_may_overwrite(p, x)) {
        if (!pass_tracing(p)) t_relu_(p->scope, x.t);
        return act_same(self, p, x);
    }
    act y = act_result(self, p, x, x.size, 0, pass_tracing(p) ? NULL : t_unary(p->scope, op, x.t));
    if (activation_keeps_result(op)) y.fresh = false;
    return y;
}

const layer_kind kind_activation[UNARY_COUNT] = {
    [UNARY_RELU] = {"ReLU", activation_forward, NULL},
    [UNARY_RELU6] = {"ReLU6", activation_forward, NULL},
    [UNARY_SIGMOID] = {"Sigmoid", activation_forward, NULL},
    [UNARY_SILU] = {"SiLU", activation_forward, NULL},
    [UNARY_HARDSWISH] = {"Hardswish", activation_forward, NULL},
    [UNARY_HARDSIGMOID] = {"Hardsigmoid", activation_forward, NULL},
    [UNARY_GELU] = {"GELU", activation_forward, NULL},
    [UNARY_TANH] = {"Tanh", activation_forward, NULL},
};

layer *nn_activation(layer *parent, const char *name, unary_op op) {
    layer *l = layer_add(parent, name, &kind_activation[op]);
    l->spec.activation = op;
    return l;
}

/* ---- Dropout: each value (StochasticDepth: each image of the batch, in what a block adds to it) is dropped
 * with probability SPEC.DROPOUT, the rest scaled up ---- */

/* Our own numbers, by (seed, step, layer): the same whatever ran before, so a resumed run sees the same
 * masks. */
static void draw_mask(const host_numbers *of, float *mask, size_t count) {
    double drop = of->layer->spec.dropout;
    rng r = rng_keyed(of->seed, RNG_DROPOUT, of->step, (uint64_t)of->layer->index);
    float scale = (float)(1.0 / (1.0 - drop));
    for (size_t i = 0; i < count; i++)
        mask[i] = rng_unit(&r) < drop ? 0.0f : scale;
}

static tensor *dropout_mask(layer *self, pass *p, act x) {
    shape size = x.size;
    for (int i = 1; i < size.ndim && self->kind == &kind_stochastic_depth; i++)
        size.dim[i] = 1;
    tensor *t = pass_host_tensor(p, self, size, draw_mask, NULL, 0);
    return t_to(p->scope, t, p->device, t_dtype(p->scope, x.t), FORMAT_PRESERVE);
}

static act dropout_forward(layer *self, pass *p, act x) {
    if (self->spec.dropout <= 0 || pass_tracing(p) || !layer_trains(self, p)) {
        act y = act_same(self, p, x);
        y.conv = x.conv;
        return y;
    }
    x = act_dense(p, x);
    return act_result(self, p, x, x.size, 0, t_mul(p->scope, x.t, dropout_mask(self, p, x)));
}

const layer_kind kind_dropout = {"Dropout", dropout_forward, NULL};

layer *nn_dropout(layer *parent, const char *name, double probability) {
    layer *l = layer_add(parent, name, &kind_dropout);
    l->spec.dropout = probability;
    return l;
}

const layer_kind kind_stochastic_depth = {"StochasticDepth", dropout_forward, NULL};

layer *nn_stochastic_depth(layer *parent, const char *name, double probability) {
    layer *l = layer_add(parent, name, &kind_stochastic_depth);
    l->spec.dropout = probability;
    return l;
}

/* ---- Flatten ---- */

static act flatten_forward(layer *self, pass *p, act x) {
    act y = act_flatten(p, x, self->spec.flatten_from);
    y.from = NULL;
    return y;
}

const layer_kind kind_flatten = {"Flatten", flatten_forward, NULL};

layer *nn_flatten(layer *parent, const char *name, int64_t from) {
    layer *l = layer_add(parent, name, &kind_flatten);
    l->spec.flatten_from = from;
    l->functional = true;
    return l;
}

/* ---- initialisation of a whole subtree ---- */

typedef struct init_request {
    const layer_kind *kind;
    weight_init init;
} init_request;

static void init_visit(void *user, layer *l) {
    const init_request *request = user;
    if (l->kind != request->kind) return;
    if (l->kind == &kind_conv2d) l->spec.conv.init = request->init;
    if (l->kind == &kind_linear) l->spec.linear.init = request->init;
}

void nn_set_init(layer *top, const layer_kind *kind, weight_init init) {
    init_request request = {kind, init};
    layer_each(top, init_visit, &request);
}
