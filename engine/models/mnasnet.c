/*
 * mnasnet.c - MnasNet-B1 (Tan et al. 2018, arXiv:1807.11626, figure 7) in four widths.
 */
#include "engine/models/blocks.h"
#include "engine/models/registry.h"

enum { STEM = 32, SEPARABLE = 16, LAST = 1280, MULTIPLE = 8 };
static const double momentum = 1 - 0.9997; /* TensorFlow's decay, as torch counts */

/* A stack of inverted residuals. */
typedef struct mnasnet_row {
    int64_t out, kernel, stride, expansion;
    int repeats;
} mnasnet_row;

static const mnasnet_row table[] = {
    {24, 3, 2, 3, 3}, {40, 5, 2, 3, 3},  {80, 5, 2, 6, 3},
    {96, 3, 1, 6, 2}, {192, 5, 2, 6, 4}, {320, 3, 1, 6, 1},
};

static const layer_kind kind_inverted_residual = {"_InvertedResidual", block_residual_forward, NULL};

/* A convolution, its norm and (RELU) its activation, numbered from *NEXT. */
static void conv(layer *parent, int *next, conv_spec spec, bool relu) {
    char name[NN_NAME_MAX];
    nn_conv2d_with(parent, nn_name(name, "%d", (*next)++), spec);
    nn_batch_norm2d_with(parent, nn_name(name, "%d", (*next)++),
                         (norm_spec){.features = spec.out, .momentum = momentum});
    if (relu) nn_activation(parent, nn_name(name, "%d", (*next)++), UNARY_RELU);
}

static conv_spec pointwise(int64_t in, int64_t out) {
    return (conv_spec){.in = in, .out = out, .kernel = {1, 1}};
}

static conv_spec depthwise(int64_t channels, int64_t kernel, int64_t stride) {
    return (conv_spec){.in = channels,
                       .out = channels,
                       .kernel = {kernel, kernel},
                       .stride = {stride, stride},
                       .padding = {kernel / 2, kernel / 2},
                       .groups = channels};
}

static void stack(layer *parent, const char *name, int64_t in, int64_t out, const mnasnet_row *row) {
    layer *group = nn_sequential(parent, name);
    for (int i = 0; i < row->repeats; i++) {
        char number[NN_NAME_MAX];
        int64_t stride = i ? 1 : row->stride, hidden = in * row->expansion;
        layer *b = block_residual(group, nn_name(number, "%d", i), &kind_inverted_residual,
                                  in == out && stride == 1);
        layer *f = nn_sequential(b, "layers");
        int next = 0;
        conv(f, &next, pointwise(in, hidden), true);
        conv(f, &next, depthwise(hidden, row->kernel, stride), true);
        conv(f, &next, pointwise(hidden, out), false);
        in = out;
    }
}

static void features(layer *body, double width) {
    int64_t stem = block_divisible(STEM * width, MULTIPLE), in = block_divisible(SEPARABLE * width, MULTIPLE);
    char name[NN_NAME_MAX];
    int next = 0;
    conv(body, &next,
         (conv_spec){.in = 3, .out = stem, .kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}}, true);
    conv(body, &next, depthwise(stem, 3, 1), true);
    conv(body, &next, pointwise(stem, in), false);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t out = block_divisible((double)table[i].out * width, MULTIPLE);
        stack(body, nn_name(name, "%d", next++), in, out, &table[i]);
        in = out;
    }
    conv(body, &next, pointwise(in, LAST), true);
}

static thaw_status mnasnet_build(model *m, const arch *self, int classes) {
    layer *root = m->root, *body = nn_sequential(root, "layers");
    features(body, *(const double *)self->params);
    for (size_t i = 0; i < body->child_count; i++) {
        layer *l = body->child[i];
        if (l->kind == &kind_sequential)
            model_stage_each(m, l);
        else
            model_stage(m, l);
    }
    block_pool_flatten(m, true);
    layer *classifier = nn_sequential(root, "classifier");
    nn_dropout(classifier, "0", 0.2);
    nn_linear(classifier, "1", (linear_spec){.in = LAST, .out = classes, .bias = true});
    model_stage_each(m, classifier);
    nn_set_init(root, &kind_conv2d, INIT_KAIMING_FAN_OUT);
    nn_set_init(root, &kind_linear, INIT_UNIFORM_FAN_OUT);
    return thaw_ok();
}

/* clang-format off */
#define ROW(title, width) \
    {.name = title, .family = "mnasnet", .head = "classifier.1", .input = 224, .classes = 1000, \
     .build = mnasnet_build, .params = &(const double){width}}

static const arch rows[] = {
    ROW("mnasnet0_5",  0.5),
    ROW("mnasnet0_75", 0.75),
    ROW("mnasnet1_0",  1.0),
    ROW("mnasnet1_3",  1.3),
};
/* clang-format on */

const arch_family family_mnasnet = {"mnasnet", rows, sizeof rows / sizeof *rows};
