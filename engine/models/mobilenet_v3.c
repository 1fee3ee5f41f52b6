/*
 * mobilenet_v3.c - MobileNet v3, large and small (Howard et al. 2019, arXiv:1905.02244).
 */
#include "engine/models/blocks.h"
#include "engine/models/registry.h"

enum { STEM = 16, ROWS_MAX = 15, LAST_EXPANSION = 6, SQUEEZE = 4, MULTIPLE = 8 };
static const norm_spec norm = {.eps = 1e-3, .momentum = 0.01};

/* A row of table 1 or 2. */
typedef struct bneck {
    int64_t kernel, expanded, out;
    bool squeeze;
    unary_op activation;
    int64_t stride;
} bneck;

typedef struct mobilenet_row {
    bneck row[ROWS_MAX];
    int64_t last; /* the hidden layer of the classifier */
} mobilenet_row;

static const layer_kind kind_inverted_residual = {"InvertedResidual", block_residual_forward, NULL};

static void inverted_residual(layer *parent, const char *name, int64_t in, const bneck *row) {
    layer *b = block_residual(parent, name, &kind_inverted_residual, row->stride == 1 && in == row->out);
    layer *f = nn_sequential(b, "block");
    char number[NN_NAME_MAX];
    int next = 0;
    if (row->expanded != in)
        block_conv_norm(f, nn_name(number, "%d", next++),
                        (conv_norm){.in = in,
                                    .out = row->expanded,
                                    .kernel = 1,
                                    .activation = (int)row->activation,
                                    .norm = norm});
    block_conv_norm(f, nn_name(number, "%d", next++),
                    (conv_norm){.in = row->expanded,
                                .out = row->expanded,
                                .kernel = row->kernel,
                                .stride = row->stride,
                                .groups = row->expanded,
                                .activation = (int)row->activation,
                                .norm = norm});
    if (row->squeeze)
        block_squeeze_excitation(f, nn_name(number, "%d", next++), row->expanded,
                                 block_divisible((double)(row->expanded / SQUEEZE), MULTIPLE), UNARY_RELU,
                                 UNARY_HARDSIGMOID);
    block_conv_norm(
        f, nn_name(number, "%d", next),
        (conv_norm){
            .in = row->expanded, .out = row->out, .kernel = 1, .activation = BLOCK_LINEAR, .norm = norm});
}

static void classifier(model *m, int64_t in, int64_t hidden, int classes) {
    layer *l = nn_sequential(m->root, "classifier");
    nn_linear(l, "0", (linear_spec){.in = in, .out = hidden, .bias = true});
    nn_activation(l, "1", UNARY_HARDSWISH);
    nn_dropout(l, "2", 0.2);
    nn_linear(l, "3", (linear_spec){.in = hidden, .out = classes, .bias = true});
    model_stage_each(m, l);
}

static thaw_status mobilenet_v3_build(model *m, const arch *self, int classes) {
    const mobilenet_row *table = self->params;
    layer *root = m->root, *body = nn_sequential(root, "features");
    char name[NN_NAME_MAX];
    int64_t channels = STEM;
    int i = 0;
    block_conv_norm(
        body, "0",
        (conv_norm){
            .in = 3, .out = STEM, .kernel = 3, .stride = 2, .activation = UNARY_HARDSWISH, .norm = norm});
    for (; i < ROWS_MAX && table->row[i].out; i++) {
        inverted_residual(body, nn_name(name, "%d", i + 1), channels, &table->row[i]);
        channels = table->row[i].out;
    }
    int64_t features = channels * LAST_EXPANSION;
    block_conv_norm(
        body, nn_name(name, "%d", i + 1),
        (conv_norm){
            .in = channels, .out = features, .kernel = 1, .activation = UNARY_HARDSWISH, .norm = norm});
    model_stage_each(m, body);
    model_stage(m, nn_adaptive_avg_pool2d(root, "avgpool", 1, 1));
    model_stage(m, nn_flatten(root, "flatten", 1));
    classifier(m, features, table->last, classes);
    nn_set_init(root, &kind_conv2d, INIT_KAIMING_FAN_OUT);
    nn_set_init(root, &kind_linear, INIT_NORMAL_001);
    return thaw_ok();
}

/* clang-format off */
#define RE UNARY_RELU
#define HS UNARY_HARDSWISH
static const mobilenet_row large = {{
    /* kernel expanded out  squeeze activation stride */
    {3,  16,  16, false, RE, 1},
    {3,  64,  24, false, RE, 2},
    {3,  72,  24, false, RE, 1},
    {5,  72,  40, true,  RE, 2},
    {5, 120,  40, true,  RE, 1},
    {5, 120,  40, true,  RE, 1},
    {3, 240,  80, false, HS, 2},
    {3, 200,  80, false, HS, 1},
    {3, 184,  80, false, HS, 1},
    {3, 184,  80, false, HS, 1},
    {3, 480, 112, true,  HS, 1},
    {3, 672, 112, true,  HS, 1},
    {5, 672, 160, true,  HS, 2},
    {5, 960, 160, true,  HS, 1},
    {5, 960, 160, true,  HS, 1},
}, 1280};

static const mobilenet_row small = {{
    {3,  16,  16, true,  RE, 2},
    {3,  72,  24, false, RE, 2},
    {3,  88,  24, false, RE, 1},
    {5,  96,  40, true,  HS, 2},
    {5, 240,  40, true,  HS, 1},
    {5, 240,  40, true,  HS, 1},
    {5, 120,  48, true,  HS, 1},
    {5, 144,  48, true,  HS, 1},
    {5, 288,  96, true,  HS, 2},
    {5, 576,  96, true,  HS, 1},
    {5, 576,  96, true,  HS, 1},
}, 1024};

#define ROW(title, table) \
    {.name = title, .family = "mobilenet_v3", .head = "classifier.3", .input = 224, .classes = 1000, \
     .build = mobilenet_v3_build, .params = &(table)}

static const arch rows[] = {
    ROW("mobilenet_v3_large", large),
    ROW("mobilenet_v3_small", small),
};
/* clang-format on */

const arch_family family_mobilenet_v3 = {"mobilenet_v3", rows, sizeof rows / sizeof *rows};
