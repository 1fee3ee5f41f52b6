/*
 * squeezenet.c - SqueezeNet 1.0 and 1.1 (Iandola et al. 2016, arXiv:1602.07360). Its classifier is a 1x1
 * convolution before the pooling.
 */
#include "engine/models/registry.h"

enum { FIRES = 8 };

/* A column of table 1. */
typedef struct squeezenet_row {
    int64_t stem, kernel;
    bool pooled[FIRES]; /* whether a pool stands before this fire module; one always follows the stem */
} squeezenet_row;

/* Squeeze, and each of the two expansions, the same in both versions. */
static const int64_t fires[FIRES][2] = {
    {16, 64}, {16, 64}, {32, 128}, {32, 128}, {48, 192}, {48, 192}, {64, 256}, {64, 256},
};

static void conv(layer *parent, const char *name, int64_t in, int64_t out, int64_t kernel, int64_t stride,
                 int64_t padding, weight_init init) {
    nn_conv2d_with(parent, name,
                   (conv_spec){.in = in,
                               .out = out,
                               .kernel = {kernel, kernel},
                               .stride = {stride, stride},
                               .padding = {padding, padding},
                               .bias = true,
                               .init = init});
}

static act fire_forward(layer *self, pass *p, act x) {
    x = layer_through(self, p, x, "squeeze", "squeeze_activation", NULL);
    act both[] = {layer_through(self, p, x, "expand1x1", "expand1x1_activation", NULL),
                  layer_through(self, p, x, "expand3x3", "expand3x3_activation", NULL)};
    return act_cat(p, both, 2, 1);
}

static const layer_kind kind_fire = {"Fire", fire_forward, NULL};

static int64_t fire(layer *parent, const char *name, int64_t in, int64_t squeeze, int64_t expand) {
    layer *f = layer_add(parent, name, &kind_fire);
    conv(f, "squeeze", in, squeeze, 1, 1, 0, INIT_KAIMING_UNIFORM);
    nn_activation(f, "squeeze_activation", UNARY_RELU);
    conv(f, "expand1x1", squeeze, expand, 1, 1, 0, INIT_KAIMING_UNIFORM);
    nn_activation(f, "expand1x1_activation", UNARY_RELU);
    conv(f, "expand3x3", squeeze, expand, 3, 1, 1, INIT_KAIMING_UNIFORM);
    nn_activation(f, "expand3x3_activation", UNARY_RELU);
    return 2 * expand;
}

static void pool(layer *parent, const char *name) {
    nn_max_pool2d(parent, name, (pool2d_params){.kernel = {3, 3}, .stride = {2, 2}, .ceil_mode = true});
}

static thaw_status squeezenet_build(model *m, const arch *self, int classes) {
    const squeezenet_row *row = self->params;
    layer *root = m->root, *body = nn_sequential(root, "features");
    char name[NN_NAME_MAX];
    int64_t channels = row->stem;
    int next = 3;
    conv(body, "0", 3, row->stem, row->kernel, 2, 0, INIT_KAIMING_UNIFORM);
    nn_activation(body, "1", UNARY_RELU);
    pool(body, "2");
    for (int i = 0; i < FIRES; i++) {
        if (row->pooled[i]) pool(body, nn_name(name, "%d", next++));
        channels = fire(body, nn_name(name, "%d", next++), channels, fires[i][0], fires[i][1]);
    }
    model_stage_each(m, body);
    layer *classifier = nn_sequential(root, "classifier");
    nn_dropout(classifier, "0", 0.5);
    conv(classifier, "1", channels, classes, 1, 1, 0, INIT_NORMAL_001);
    nn_activation(classifier, "2", UNARY_RELU);
    nn_adaptive_avg_pool2d(classifier, "3", 1, 1);
    model_stage_each(m, classifier);
    model_stage(m, nn_flatten(root, "flatten", 1));
    return thaw_ok();
}

/* clang-format off */
#define ROW(title, ...) \
    {.name = title, .family = "squeezenet", .head = "classifier.1", .input = 224, .classes = 1000, \
     .build = squeezenet_build, .params = &(const squeezenet_row){__VA_ARGS__}}

static const arch rows[] = {
    /*                    stem kernel   a pool before fire 5 and 9, or 4 and 6 */
    ROW("squeezenet1_0",  96,  7,       {[3] = true, [7] = true}),
    ROW("squeezenet1_1",  64,  3,       {[2] = true, [4] = true}),
};
/* clang-format on */

const arch_family family_squeezenet = {"squeezenet", rows, sizeof rows / sizeof *rows};
