/*
 * convnext.c - ConvNeXt (Liu et al. 2022, arXiv:2201.03545).
 */
#include "engine/models/registry.h"

enum { GROUPS = 4, PATCH = 4, EXPANSION = 4 };
static const double eps = 1e-6, layer_scale = 1e-6;

/* Section 3: blocks and widths, and the chance that the last block is dropped in training. */
typedef struct convnext_row {
    int blocks[GROUPS];
    int64_t width[GROUPS];
    double stochastic_depth;
} convnext_row;

static layer *conv(layer *parent, const char *name, int64_t in, int64_t out, int64_t kernel) {
    return nn_conv2d_with(
        parent, name,
        (conv_spec){
            .in = in, .out = out, .kernel = {kernel, kernel}, .stride = {kernel, kernel}, .bias = true});
}

static act block_forward(layer *self, pass *p, act x) {
    act y = layer_through(self, p, x, "block", NULL);
    y = act_mul(p, y, layer_parameter(self, p, "layer_scale"));
    return act_add(p, layer_through(self, p, y, "stochastic_depth", NULL), x);
}

static const layer_kind kind_block = {"CNBlock", block_forward, NULL};
static const layer_kind kind_stem = {"Conv2dNormActivation", NULL, NULL};

static void block(layer *parent, const char *name, int64_t width, double drop) {
    layer *b = layer_add(parent, name, &kind_block);
    nn_parameter(b, "layer_scale", SHAPE_3(width, 1, 1), layer_scale, 0);
    layer *f = nn_sequential(b, "block");
    nn_conv2d_with(
        f, "0",
        (conv_spec){
            .in = width, .out = width, .kernel = {7, 7}, .padding = {3, 3}, .groups = width, .bias = true});
    nn_channels_last(f, "1");
    nn_layer_norm(f, "2", width, eps);
    nn_linear(f, "3", (linear_spec){.in = width, .out = EXPANSION * width, .bias = true});
    nn_activation(f, "4", UNARY_GELU);
    nn_linear(f, "5", (linear_spec){.in = EXPANSION * width, .out = width, .bias = true});
    nn_channels_first(f, "6");
    nn_stochastic_depth(b, "stochastic_depth", drop);
}

static layer *downsample(layer *parent, const char *name, int64_t in, int64_t out) {
    layer *l = nn_sequential(parent, name);
    nn_layer_norm2d(l, "0", in, eps);
    conv(l, "1", in, out, 2);
    return l;
}

static void features(model *m, layer *body, const convnext_row *row) {
    char name[NN_NAME_MAX];
    int total = 0, done = 0, next = 1;
    for (int g = 0; g < GROUPS; g++)
        total += row->blocks[g];
    layer *stem = layer_add(body, "0", &kind_stem);
    conv(stem, "0", 3, row->width[0], PATCH);
    nn_layer_norm2d(stem, "1", row->width[0], eps);
    model_stage(m, stem);
    for (int g = 0; g < GROUPS; g++) {
        layer *group = nn_sequential(body, nn_name(name, "%d", next++));
        for (int i = 0; i < row->blocks[g]; i++)
            block(group, nn_name(name, "%d", i), row->width[g], row->stochastic_depth * done++ / (total - 1));
        model_stage_each(m, group);
        if (g < GROUPS - 1)
            model_stage(m, downsample(body, nn_name(name, "%d", next++), row->width[g], row->width[g + 1]));
    }
}

static thaw_status convnext_build(model *m, const arch *self, int classes) {
    const convnext_row *row = self->params;
    layer *root = m->root;
    features(m, nn_sequential(root, "features"), row);
    model_stage(m, nn_adaptive_avg_pool2d(root, "avgpool", 1, 1));
    layer *classifier = nn_sequential(root, "classifier");
    nn_layer_norm2d(classifier, "0", row->width[GROUPS - 1], eps);
    nn_flatten(classifier, "1", 1);
    nn_linear(classifier, "2", (linear_spec){.in = row->width[GROUPS - 1], .out = classes, .bias = true});
    model_stage_each(m, classifier);
    nn_set_init(root, &kind_conv2d, INIT_TRUNC_NORMAL_002);
    nn_set_init(root, &kind_linear, INIT_TRUNC_NORMAL_002);
    return thaw_ok();
}

/* clang-format off */
#define ROW(title, ...) \
    {.name = title, .family = "convnext", .head = "classifier.2", .input = 224, .classes = 1000, \
     .build = convnext_build, .params = &(const convnext_row){__VA_ARGS__}}

static const arch rows[] = {
    ROW("convnext_tiny",  {3, 3, 9, 3},  {96, 192, 384, 768},    0.1),
    ROW("convnext_small", {3, 3, 27, 3}, {96, 192, 384, 768},    0.4),
    ROW("convnext_base",  {3, 3, 27, 3}, {128, 256, 512, 1024},  0.5),
    ROW("convnext_large", {3, 3, 27, 3}, {192, 384, 768, 1536},  0.5),
};
/* clang-format on */

const arch_family family_convnext = {"convnext", rows, sizeof rows / sizeof *rows};
