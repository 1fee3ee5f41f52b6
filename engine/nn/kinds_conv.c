/*
 * kinds_conv.c - convolution.
 *
 * Output extent: floor((in + 2 padding - dilation (kernel - 1) - 1) / stride) + 1, as torch defines Conv2d.
 */
#include "engine/nn/fold.h"
#include "engine/nn/fuse.h"
#include "engine/nn/init.h"
#include "engine/nn/kinds.h"
#include "engine/torch/conv_cost.h"

enum { CONV_WEIGHT, CONV_BIAS };

conv2d_params kind_conv_params(const layer *conv) {
    const conv_spec *c = &conv->spec.conv;
    return (conv2d_params){.stride = {c->stride[0], c->stride[1]},
                           .padding = {c->padding[0], c->padding[1]},
                           .dilation = {c->dilation[0], c->dilation[1]},
                           .groups = c->groups};
}

/*
 * A depthwise convolution in bf16 whose gradient takes two to five times as long as in float32, forward and
 * conversions included: oneDNN has no quick one for 5x5 and more, and that of libtorch 2 none for steps of
 * two pixels either (docs/perf.md). Forward alone is quicker in bf16.
 */
static bool slow_to_go_back(const layer *self, const pass *p) {
    const conv_spec *c = &self->spec.conv;
    if (!p->recording || p->type != DTYPE_BF16 || p->device.kind != DEVICE_CPU) return false;
    if (c->groups != c->in || c->groups != c->out || c->groups == 1) return false;
    return c->kernel[0] > 3 || (c->stride[0] > 1 && torch_about(p->scope->torch)->major >= 2);
}

static tensor *conv_in_float32(layer *self, pass *p, tensor *x) {
    conv2d_params params = kind_conv_params(self);
    params.as_given = true;
    x = t_to(p->scope, x, p->device, DTYPE_F32, p->format);
    x = t_conv2d(p->scope, x, self->param[CONV_WEIGHT].t, self->param[CONV_BIAS].t, &params);
    return t_to(p->scope, x, p->device, p->type, FORMAT_PRESERVE);
}

/* X becomes what the convolution takes: in the layout of the weights made ready, or dense. */
static tensor *conv_compute(layer *self, pass *p, act *x) {
    conv2d_params params = kind_conv_params(self);
    if (!fold_applies(self, p)) {
        *x = act_dense(p, *x);
        if (slow_to_go_back(self, p)) return conv_in_float32(self, p, x->t);
        return t_conv2d(p->scope, x->t, self->param[CONV_WEIGHT].t, self->param[CONV_BIAS].t, &params);
    }
    *x = fold_input(p, *x);
    const fold *f = fold_get(self, p, x->t, &params);
    return f ? t_conv2d(p->scope, x->t, f->weight, f->bias, &params) : NULL;
}

/* What there is to multiply, and what filtering saves of it, a piece of a batch at a time. */
static void count_macs(const layer *self, pass *p, int64_t macs, shape out) {
    conv2d_params params = kind_conv_params(self);
    p->macs += MODEL_PIECE * macs;
    p->saved +=
        conv_filtering_saves(self->param[CONV_WEIGHT].size.dim, &params, MODEL_PIECE, out.dim[2], out.dim[3]);
}

static act conv2d_forward(layer *self, pass *p, act x) {
    const conv_spec *c = &self->spec.conv;
    if (!kind_takes_image(self, p, x, c->in)) return (act){0};
    shape out = SHAPE_4(x.size.dim[0], c->out, 0, 0);
    for (int i = 0; i < 2; i++) {
        out.dim[2 + i] =
            kind_window(x.size.dim[2 + i], c->kernel[i], c->stride[i], c->padding[i], c->dilation[i], false);
        if (out.dim[2 + i] < 1) return kind_too_small(self, p, x);
    }
    int64_t taps = c->in / c->groups * c->kernel[0] * c->kernel[1];
    int64_t macs = out.dim[1] * out.dim[2] * out.dim[3] * taps;
    if (pass_tracing(p)) {
        count_macs(self, p, macs, out);
        act y = act_result(self, p, fold_input(p, x), out, macs, NULL);
        y.conv = self;
        return y;
    }
    if (fuse_applies(self, p)) return fuse_convolution(self, p, x, out);
    tensor *t = conv_compute(self, p, &x);
    return act_result(self, p, x, out, macs, t);
}

static void conv2d_init(layer *self, int index, float *values, size_t count, rng *r) {
    const conv_spec *c = &self->spec.conv;
    int64_t area = c->kernel[0] * c->kernel[1];
    weight_fill fill = {.init = c->init,
                        .fan_in = c->in / c->groups * area,
                        .fan_out = c->out * area, /* torchvision's: kaiming_normal_ does not know of groups */
                        .bias = index == CONV_BIAS};
    init_fill(&fill, values, count, r);
}

const layer_kind kind_conv2d = {"Conv2d", conv2d_forward, conv2d_init};

layer *nn_conv2d_with(layer *parent, const char *name, conv_spec spec) {
    layer *l = layer_add(parent, name, &kind_conv2d);
    if (!spec.groups) spec.groups = 1;
    for (int i = 0; i < 2; i++) {
        if (!spec.stride[i]) spec.stride[i] = 1;
        if (!spec.dilation[i]) spec.dilation[i] = 1;
    }
    l->spec.conv = spec;
    layer_add_param(l, "weight", SHAPE_4(spec.out, spec.in / spec.groups, spec.kernel[0], spec.kernel[1]),
                    DTYPE_F32, false);
    if (spec.bias) layer_add_param(l, "bias", SHAPE_1(spec.out), DTYPE_F32, false);
    return l;
}

layer *nn_conv2d(layer *parent, const char *name, int64_t in, int64_t out, int64_t kernel, int64_t stride,
                 int64_t padding) {
    return nn_conv2d_with(parent, name,
                          (conv_spec){.in = in,
                                      .out = out,
                                      .kernel = {kernel, kernel},
                                      .stride = {stride, stride},
                                      .padding = {padding, padding}});
}
