/*
 * blocks.c - see blocks.h. A block that only runs its children in order needs no forward function of its own.
 */
#include "engine/models/blocks.h"

#include <string.h>

#include "engine/nn/host_tensor.h"
#include "engine/nn/kinds.h"

/* ---- convolution, norm, activation ---- */

static const layer_kind kind_conv_norm = {"Conv2dNormActivation", NULL, NULL};

layer *block_conv_norm(layer *parent, const char *name, conv_norm spec) {
    layer *l = layer_add(parent, name, &kind_conv_norm);
    int64_t padding = (spec.kernel - 1) / 2;
    nn_conv2d_with(l, "0",
                   (conv_spec){.in = spec.in,
                               .out = spec.out,
                               .kernel = {spec.kernel, spec.kernel},
                               .stride = {spec.stride, spec.stride},
                               .padding = {padding, padding},
                               .groups = spec.groups});
    spec.norm.features = spec.out;
    nn_batch_norm2d_with(l, "1", spec.norm);
    if (spec.activation != BLOCK_LINEAR) nn_activation(l, "2", (unary_op)spec.activation);
    return l;
}

static const layer_kind kind_basic_conv = {"BasicConv2d", NULL, NULL};

layer *block_basic_conv(layer *parent, const char *name, conv_spec spec) {
    layer *l = layer_add(parent, name, &kind_basic_conv);
    nn_conv2d_with(l, "conv", spec);
    nn_batch_norm2d_with(l, "bn", (norm_spec){.features = spec.out, .eps = 1e-3});
    nn_activation(l, "relu", UNARY_RELU)->functional = true;
    return l;
}

/* ---- the Inceptions' input ---- */

enum { CHANNELS = 3 };
/* From ImageNet's deviations and means to a half each. */
static const float input_scale[CHANNELS] = {0.229 / 0.5, 0.224 / 0.5, 0.225 / 0.5};
static const float input_shift[CHANNELS] = {(0.485 - 0.5) / 0.5, (0.456 - 0.5) / 0.5, (0.406 - 0.5) / 0.5};

static void copy_numbers(const host_numbers *of, float *values, size_t count) {
    memcpy(values, of->how, count * sizeof *values);
}

static act transform_input_forward(layer *self, pass *p, act x) {
    if (!kind_takes_image(self, p, x, CHANNELS)) return (act){0};
    if (pass_tracing(p)) return act_result(self, p, x, x.size, 0, NULL);
    tscope *s = p->scope;
    const shape size = SHAPE_4(1, CHANNELS, 1, 1);
    tensor *scale = pass_host_tensor(p, self, size, copy_numbers, input_scale, sizeof input_scale);
    tensor *shift = pass_host_tensor(p, self, size, copy_numbers, input_shift, sizeof input_shift);
    dtype type = t_dtype(s, x.t);
    scale = t_to(s, scale, p->device, type, FORMAT_PRESERVE);
    shift = t_to(s, shift, p->device, type, FORMAT_PRESERVE);
    return act_result(self, p, x, x.size, 0, t_add(s, t_mul(s, x.t, scale), shift));
}

static const layer_kind kind_transform_input = {"TransformInput", transform_input_forward, NULL};

layer *block_transform_input(layer *root) {
    layer *l = layer_add(root, "transform_input", &kind_transform_input);
    l->functional = true;
    return l;
}

/* ---- squeeze and excitation ---- */

static act squeeze_excitation_forward(layer *self, pass *p, act x) {
    act scale = layer_through(self, p, x, "avgpool", "fc1", "activation", "fc2", "scale_activation", NULL);
    return act_mul(p, x, scale);
}

static const layer_kind kind_squeeze_excitation = {"SqueezeExcitation", squeeze_excitation_forward, NULL};

layer *block_squeeze_excitation(layer *parent, const char *name, int64_t channels, int64_t squeezed,
                                unary_op activation, unary_op gate) {
    layer *l = layer_add(parent, name, &kind_squeeze_excitation);
    nn_adaptive_avg_pool2d(l, "avgpool", 1, 1);
    nn_conv2d_with(l, "fc1", (conv_spec){.in = channels, .out = squeezed, .kernel = {1, 1}, .bias = true});
    nn_conv2d_with(l, "fc2", (conv_spec){.in = squeezed, .out = channels, .kernel = {1, 1}, .bias = true});
    nn_activation(l, "activation", activation);
    nn_activation(l, "scale_activation", gate);
    return l;
}

/* ---- residuals ---- */

layer *block_residual(layer *parent, const char *name, const layer_kind *kind, bool residual) {
    layer *l = layer_add(parent, name, kind);
    l->spec.family[0] = residual;
    return l;
}

act block_residual_forward(layer *self, pass *p, act x) {
    act y = layer_forward(self->child[0], p, x);
    if (!self->spec.family[0]) return y;
    return act_add(p, layer_through_if(self, p, y, "stochastic_depth"), x);
}

/* ---- before the classifier ---- */

void block_pool_flatten(model *m, bool functional) {
    m->pool = nn_adaptive_avg_pool2d(m->root, "avgpool", 1, 1);
    m->pool->functional = functional;
    model_stage(m, m->pool);
    model_stage(m, nn_flatten(m->root, "flatten", 1));
}

/* ---- widths ---- */

int64_t block_divisible(double x, int64_t divisor) {
    int64_t rounded = (int64_t)(x + (double)divisor / 2) / divisor * divisor;
    if (rounded < divisor) rounded = divisor;
    return (double)rounded < 0.9 * x ? rounded + divisor : rounded;
}
