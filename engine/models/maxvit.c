/*
 * maxvit.c - MaxViT (Tu et al. 2022, arXiv:2204.01697): convolution, attention within windows, attention
 * across a grid, in every layer. Like ViT a model is for the image size it is built at.
 */
#include <math.h>

#include "engine/models/blocks.h"
#include "engine/models/registry.h"
#include "engine/models/window.h"

enum { BLOCKS = 4, STEM = 64, HEAD_WIDTH = 32, PARTITION = 7, EXPANSION = 4, SQUEEZE = 4, MLP_RATIO = 4 };
static const double eps = 1e-5, stochastic_depth = 0.2;
static const norm_spec norm = {.eps = 1e-3, .momentum = 0.01};

/* A column of table 1. */
typedef struct maxvit_row {
    int64_t width[BLOCKS];
    int layers[BLOCKS];
} maxvit_row;

static void linear(layer *parent, const char *name, int64_t in, int64_t out, bool bias) {
    nn_linear(parent, name, (linear_spec){.in = in, .out = out, .bias = bias, .init = INIT_TRUNC_NORMAL_002});
}

/* ---- convolution ---- */

static act mbconv_forward(layer *self, pass *p, act x) {
    act shortcut = layer_through_if(self, p, x, "proj");
    act y = layer_through(self, p, x, "layers", "stochastic_depth", NULL);
    return act_add(p, y, shortcut);
}

static const layer_kind kind_mbconv = {"MBConv", mbconv_forward, NULL};

static conv_spec pointwise(int64_t in, int64_t out) {
    return (conv_spec){.in = in, .out = out, .kernel = {1, 1}, .bias = true};
}

static void shortcut(layer *parent, int64_t in, int64_t out, int64_t stride) {
    if (stride == 1 && in == out) return;
    layer *l = nn_sequential(parent, "proj");
    if (stride > 1)
        nn_avg_pool2d(
            l, "0",
            (pool2d_params){
                .kernel = {3, 3}, .stride = {stride, stride}, .padding = {1, 1}, .count_include_pad = true});
    nn_conv2d_with(l, stride > 1 ? "1" : "0", pointwise(in, out));
}

static void mbconv(layer *parent, int64_t in, int64_t out, int64_t stride, double drop) {
    int64_t middle = out * EXPANSION;
    layer *b = layer_add(parent, "MBconv", &kind_mbconv);
    shortcut(b, in, out, stride);
    nn_stochastic_depth(b, "stochastic_depth", drop);
    layer *f = nn_sequential(b, "layers");
    norm_spec before = norm;
    before.features = in;
    nn_batch_norm2d_with(f, "pre_norm", before);
    block_conv_norm(
        f, "conv_a",
        (conv_norm){.in = in, .out = middle, .kernel = 1, .activation = UNARY_GELU, .norm = norm});
    block_conv_norm(f, "conv_b",
                    (conv_norm){.in = middle,
                                .out = middle,
                                .kernel = 3,
                                .stride = stride,
                                .groups = middle,
                                .activation = UNARY_GELU,
                                .norm = norm});
    block_squeeze_excitation(f, "squeeze_excitation", middle, out / SQUEEZE, UNARY_SILU, UNARY_SIGMOID);
    nn_conv2d_with(f, "conv_c", pointwise(middle, out));
}

/* ---- attention ---- */

enum { PARTITION_GRID, PARTITION_EXTENT }; /* in spec.family */

/* Of X (N, groups, places, width). */
static act relative_attention_forward(layer *self, pass *p, act x) {
    if (pass_failed(p)) return x;
    const shape whole = x.size;
    const int64_t *n = whole.dim;
    act y = act_reshape(p, x, SHAPE_3(n[0] * n[1], n[2], n[3]));
    act qkv = layer_through(self, p, y, "to_qkv", NULL);
    act bias = layer_parameter(self, p, "relative_position_bias_table");
    const double scale = 1.0 / sqrt((double)n[3]); /* of all heads' width, as it was trained */
    attention_params how = {.scale = scale, .bias = bias.t, .grad = bias.grad};
    y = nn_attention(self, p, qkv, n[3] / HEAD_WIDTH, how);
    return act_reshape(p, layer_through(self, p, y, "merge", NULL), whole);
}

static const layer_kind kind_relative_attention = {"RelativePositionalMultiHeadAttention",
                                                   relative_attention_forward, NULL};

/* (N, C, H, W) to (N, windows, SIDE * SIDE, C); GRID: windows and places change their roles. */
static act partition(pass *p, act x, int64_t side, bool grid) {
    static const int64_t order[] = {0, 2, 3, 1}, swap[] = {0, 2, 1, 3};
    if (pass_failed(p)) return x;
    int64_t count = x.size.dim[0], width = x.size.dim[1];
    int64_t windows = x.size.dim[2] / side * (x.size.dim[3] / side);
    act y = window_partition(p, act_permute(p, x, order, 4), side);
    y = act_reshape(p, y, SHAPE_4(count, windows, side * side, width));
    return grid ? act_permute(p, y, swap, 4) : y;
}

static act join(pass *p, act x, int64_t side, bool grid, shape image) {
    static const int64_t order[] = {0, 3, 1, 2}, swap[] = {0, 2, 1, 3};
    if (pass_failed(p)) return x;
    const int64_t *n = image.dim;
    int64_t windows = n[2] / side * (n[3] / side);
    if (grid) x = act_permute(p, x, swap, 4);
    x = act_reshape(p, x, SHAPE_3(n[0] * windows, side * side, n[1]));
    return act_permute(p, window_join(p, x, side, SHAPE_4(n[0], n[2], n[3], n[1])), order, 4);
}

static act partition_forward(layer *self, pass *p, act x) {
    const int64_t extent = self->spec.family[PARTITION_EXTENT];
    const bool grid = self->spec.family[PARTITION_GRID];
    if (x.size.ndim != 4 || x.size.dim[2] != extent || x.size.dim[3] != extent)
        return pass_fail(p, self, "the model was built for another image size: build it for this one");
    const shape image = x.size;
    int64_t side = grid ? extent / PARTITION : PARTITION;
    act y = partition(p, x, side, grid);
    y = act_add(p, layer_through(self, p, y, "attn_layer", "stochastic_dropout", NULL), y);
    y = act_add(p, layer_through(self, p, y, "mlp_layer", "stochastic_dropout_mlp", NULL), y);
    return join(p, y, side, grid, image);
}

static const layer_kind kind_partition = {"PartitionAttentionLayer", partition_forward, NULL};

static void partition_attention(layer *parent, const char *name, int64_t width, int64_t extent, bool grid,
                                double drop) {
    layer *l = layer_add(parent, name, &kind_partition);
    l->spec.family[PARTITION_GRID] = grid;
    l->spec.family[PARTITION_EXTENT] = extent;
    layer *attention = nn_sequential(l, "attn_layer");
    nn_layer_norm(attention, "0", width, eps);
    layer *heads = layer_add(attention, "1", &kind_relative_attention);
    window_bias_table(heads, PARTITION, width / HEAD_WIDTH, false);
    linear(heads, "to_qkv", width, 3 * width, true);
    linear(heads, "merge", width, width, true);
    nn_dropout(attention, "2", 0);
    layer *mlp = nn_sequential(l, "mlp_layer");
    nn_layer_norm(mlp, "0", width, eps);
    linear(mlp, "1", width, MLP_RATIO * width, true);
    nn_activation(mlp, "2", UNARY_GELU);
    linear(mlp, "3", MLP_RATIO * width, width, true);
    nn_dropout(mlp, "4", 0);
    nn_stochastic_depth(l, "stochastic_dropout", drop);
    nn_stochastic_depth(l, "stochastic_dropout_mlp", drop)->functional = true; /* its second draw */
}

/* ---- the network ---- */

static const layer_kind kind_layer = {"MaxVitLayer", NULL, NULL};
static const layer_kind kind_block = {"MaxVitBlock", NULL, NULL};
static const layer_kind kind_list = {"ModuleList", NULL, NULL};
static const layer_kind kind_stem_conv = {"Conv2dNormActivation", NULL, NULL};

static layer *stem(layer *root) {
    layer *l = nn_sequential(root, "stem");
    block_conv_norm(
        l, "0",
        (conv_norm){.in = 3, .out = STEM, .kernel = 3, .stride = 2, .activation = UNARY_GELU, .norm = norm});
    nn_conv2d_with(layer_add(l, "1", &kind_stem_conv), "0",
                   (conv_spec){.in = STEM, .out = STEM, .kernel = {3, 3}, .padding = {1, 1}, .bias = true});
    return l;
}

static layer *maxvit_layer(layer *parent, int number, int64_t in, int64_t out, int64_t extent, double drop) {
    char name[NN_NAME_MAX];
    layer *l = layer_add(parent, nn_name(name, "%d", number), &kind_layer);
    layer *f = nn_sequential(l, "layers");
    mbconv(f, in, out, number ? 1 : 2, drop);
    partition_attention(f, "window_attention", out, extent, false, drop);
    partition_attention(f, "grid_attention", out, extent, true, drop);
    return l;
}

static int64_t blocks(model *m, const maxvit_row *row, int64_t extent) {
    char name[NN_NAME_MAX];
    layer *list = layer_add(m->root, "blocks", &kind_list);
    int64_t channels = STEM;
    int total = 0, done = 0;
    for (int b = 0; b < BLOCKS; b++)
        total += row->layers[b];
    for (int b = 0; b < BLOCKS; b++) {
        extent = (extent + 1) / 2;
        layer *layers = layer_add(layer_add(list, nn_name(name, "%d", b), &kind_block), "layers", &kind_list);
        for (int i = 0; i < row->layers[b]; i++) {
            maxvit_layer(layers, i, channels, row->width[b], extent, stochastic_depth * done++ / (total - 1));
            channels = row->width[b];
        }
        model_stage_each(m, layers);
    }
    return channels;
}

static thaw_status maxvit_build(model *m, const arch *self, int classes) {
    const int64_t side = m->input.dim[2], step = PARTITION << (BLOCKS + 1);
    if (m->input.dim[3] != side || side < step || side % step)
        return thaw_error(THAW_ERR_SHAPE,
                          "%s at %dx%d: square images of %d pixels or a multiple are expected", self->name,
                          (int)side, (int)m->input.dim[3], (int)step);
    layer *root = m->root;
    model_stage(m, stem(root));
    int64_t channels = blocks(m, self->params, side / 2);
    layer *classifier = nn_sequential(root, "classifier");
    nn_adaptive_avg_pool2d(classifier, "0", 1, 1);
    nn_flatten(classifier, "1", 1);
    nn_layer_norm(classifier, "2", channels, eps);
    linear(classifier, "3", channels, channels, true);
    nn_activation(classifier, "4", UNARY_TANH);
    linear(classifier, "5", channels, classes, false);
    model_stage_each(m, classifier);
    nn_set_init(root, &kind_conv2d, INIT_TRUNC_NORMAL_002);
    return thaw_ok();
}

static const arch rows[] = {
    {.name = "maxvit_t",
     .family = "maxvit",
     .head = "classifier.5",
     .input = 224,
     .classes = 1000,
     .build = maxvit_build,
     .params = &(const maxvit_row){{64, 128, 256, 512}, {2, 2, 5, 2}}},
};

const arch_family family_maxvit = {"maxvit", rows, sizeof rows / sizeof *rows};
