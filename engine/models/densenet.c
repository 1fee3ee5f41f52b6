/*
 * densenet.c - DenseNet-BC (Huang et al. 2016, arXiv:1608.06993).
 *
 * A dense layer takes all features so far and returns them with its own behind, so each is a stage and a
 * block can be frozen up to any of its layers.
 */
#include "engine/models/registry.h"

enum { BLOCKS = 4, BOTTLENECK = 4 };

/* A column of table 1. */
typedef struct densenet_row {
    int64_t growth, stem;
    int layers[BLOCKS];
} densenet_row;

static act dense_layer_forward(layer *self, pass *p, act x) {
    act own = layer_through(self, p, x, "norm1", "relu1", "conv1", "norm2", "relu2", "conv2", NULL);
    return act_cat(p, (const act[]){x, own}, 2, 1);
}

static const layer_kind kind_dense_layer = {"_DenseLayer", dense_layer_forward, NULL};
static const layer_kind kind_dense_block = {"_DenseBlock", NULL, NULL};
static const layer_kind kind_transition = {"_Transition", NULL, NULL};

static void dense_layer(layer *block, const char *name, int64_t in, int64_t growth) {
    layer *l = layer_add(block, name, &kind_dense_layer);
    nn_batch_norm2d(l, "norm1", in);
    nn_activation(l, "relu1", UNARY_RELU);
    nn_conv2d(l, "conv1", in, BOTTLENECK * growth, 1, 1, 0);
    nn_batch_norm2d(l, "norm2", BOTTLENECK * growth);
    nn_activation(l, "relu2", UNARY_RELU);
    nn_conv2d(l, "conv2", BOTTLENECK * growth, growth, 3, 1, 1);
}

/* Halves the channels and the extents. */
static layer *transition(layer *parent, const char *name, int64_t in) {
    layer *l = layer_add(parent, name, &kind_transition);
    nn_batch_norm2d(l, "norm", in);
    nn_activation(l, "relu", UNARY_RELU);
    nn_conv2d(l, "conv", in, in / 2, 1, 1, 0);
    nn_avg_pool2d(l, "pool", (pool2d_params){.kernel = {2, 2}, .count_include_pad = true});
    return l;
}

static void stem(layer *body, int64_t channels) {
    nn_conv2d(body, "conv0", 3, channels, 7, 2, 3);
    nn_batch_norm2d(body, "norm0", channels);
    nn_activation(body, "relu0", UNARY_RELU);
    nn_max_pool2d(body, "pool0", (pool2d_params){.kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}});
}

static int64_t features(model *m, layer *body, const densenet_row *row) {
    char name[NN_NAME_MAX];
    int64_t channels = row->stem;
    stem(body, channels);
    model_stage_each(m, body);
    for (int b = 0; b < BLOCKS; b++) {
        layer *block = layer_add(body, nn_name(name, "denseblock%d", b + 1), &kind_dense_block);
        for (int i = 0; i < row->layers[b]; i++) {
            dense_layer(block, nn_name(name, "denselayer%d", i + 1), channels, row->growth);
            channels += row->growth;
        }
        model_stage_each(m, block);
        if (b == BLOCKS - 1) break;
        model_stage(m, transition(body, nn_name(name, "transition%d", b + 1), channels));
        channels /= 2;
    }
    model_stage(m, nn_batch_norm2d(body, "norm5", channels));
    return channels;
}

static thaw_status densenet_build(model *m, const arch *self, int classes) {
    layer *root = m->root;
    int64_t channels = features(m, nn_sequential(root, "features"), self->params);
    layer *relu = nn_activation(root, "relu", UNARY_RELU);
    m->pool = nn_adaptive_avg_pool2d(root, "avgpool", 1, 1);
    relu->functional = m->pool->functional = true;
    model_stage(m, relu);
    model_stage(m, m->pool);
    model_stage(m, nn_flatten(root, "flatten", 1));
    model_stage(m,
                nn_linear(root, "classifier", (linear_spec){.in = channels, .out = classes, .bias = true}));
    nn_set_init(root, &kind_conv2d, INIT_KAIMING_FAN_IN);
    return thaw_ok();
}

/* clang-format off */
#define ROW(title, ...) \
    {.name = title, .family = "densenet", .head = "classifier", .input = 224, .classes = 1000, \
     .build = densenet_build, .params = &(const densenet_row){__VA_ARGS__}}

static const arch rows[] = {
    /*                 growth stem  layers */
    ROW("densenet121", 32,    64,   {6, 12, 24, 16}),
    ROW("densenet161", 48,    96,   {6, 12, 36, 24}),
    ROW("densenet169", 32,    64,   {6, 12, 32, 32}),
    ROW("densenet201", 32,    64,   {6, 12, 48, 32}),
};
/* clang-format on */

const arch_family family_densenet = {"densenet", rows, sizeof rows / sizeof *rows};
