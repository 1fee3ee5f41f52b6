/*
 * efficientnet.c - EfficientNet B0 to B7 (Tan & Le 2019, arXiv:1905.11946) and EfficientNetV2 S, M and L
 * (Tan & Le 2021, arXiv:2104.00298).
 */
#include <math.h>

#include "engine/models/blocks.h"
#include "engine/models/registry.h"

enum { GROUPS_MAX = 7, MULTIPLE = 8, LAST_EXPANSION = 4, SQUEEZE = 4 };
static const double stochastic_depth = 0.2; /* of the last block; rises from 0 */

/* A row of table 1 (V2: table 4). */
typedef struct group_row {
    bool fused; /* the expansion and the depthwise convolution are one plain convolution */
    int64_t expansion, kernel, stride, in, out;
    int blocks;
} group_row;

/* A network: its groups, the factors of widths and depths, and the rest. */
typedef struct efficientnet_row {
    const group_row *group; /* GROUPS_MAX, the last may be absent */
    double width, depth, dropout;
    norm_spec norm;
    int64_t last; /* channels of the last convolution; 0: 4 times those before it */
} efficientnet_row;

static const layer_kind kind_mbconv = {"MBConv", block_residual_forward, NULL};
static const layer_kind kind_fused_mbconv = {"FusedMBConv", block_residual_forward, NULL};

/* Adds to F, numbered from *NEXT. */
static void conv(layer *f, int *next, conv_norm spec, norm_spec norm) {
    char number[NN_NAME_MAX];
    spec.norm = norm;
    block_conv_norm(f, nn_name(number, "%d", (*next)++), spec);
}

/* Expand, filter each channel, squeeze and excite, project. */
static void mbconv(layer *f, const group_row *row, norm_spec norm) {
    int64_t expanded = block_divisible((double)(row->in * row->expansion), MULTIPLE);
    int64_t squeezed = row->in / SQUEEZE > 1 ? row->in / SQUEEZE : 1;
    char number[NN_NAME_MAX];
    int next = 0;
    if (expanded != row->in)
        conv(f, &next, (conv_norm){.in = row->in, .out = expanded, .kernel = 1, .activation = UNARY_SILU},
             norm);
    conv(f, &next,
         (conv_norm){.in = expanded,
                     .out = expanded,
                     .kernel = row->kernel,
                     .stride = row->stride,
                     .groups = expanded,
                     .activation = UNARY_SILU},
         norm);
    block_squeeze_excitation(f, nn_name(number, "%d", next++), expanded, squeezed, UNARY_SILU, UNARY_SIGMOID);
    conv(f, &next, (conv_norm){.in = expanded, .out = row->out, .kernel = 1, .activation = BLOCK_LINEAR},
         norm);
}

static void fused_mbconv(layer *f, const group_row *row, norm_spec norm) {
    int64_t expanded = block_divisible((double)(row->in * row->expansion), MULTIPLE);
    bool expands = expanded != row->in;
    int next = 0;
    conv(f, &next,
         (conv_norm){.in = row->in,
                     .out = expands ? expanded : row->out,
                     .kernel = row->kernel,
                     .stride = row->stride,
                     .activation = UNARY_SILU},
         norm);
    if (expands)
        conv(f, &next, (conv_norm){.in = expanded, .out = row->out, .kernel = 1, .activation = BLOCK_LINEAR},
             norm);
}

static void block(layer *parent, const char *name, const group_row *row, norm_spec norm, double drop) {
    bool residual = row->stride == 1 && row->in == row->out;
    layer *b = block_residual(parent, name, row->fused ? &kind_fused_mbconv : &kind_mbconv, residual);
    layer *f = nn_sequential(b, "block");
    if (row->fused)
        fused_mbconv(f, row, norm);
    else
        mbconv(f, row, norm);
    if (residual) nn_stochastic_depth(b, "stochastic_depth", drop);
}

/* The groups of ROW at its width and depth, into GROUP; returns how many blocks they have. */
static int scale(const efficientnet_row *row, group_row group[GROUPS_MAX]) {
    int total = 0;
    for (int g = 0; g < GROUPS_MAX; g++) {
        group[g] = row->group[g];
        if (row->width > 0) {
            group[g].in = block_divisible((double)group[g].in * row->width, MULTIPLE);
            group[g].out = block_divisible((double)group[g].out * row->width, MULTIPLE);
            group[g].blocks = (int)ceil(group[g].blocks * row->depth);
        }
        total += group[g].blocks;
    }
    return total;
}

/* Returns the channels of the last convolution. */
static int64_t features(model *m, layer *body, const efficientnet_row *row) {
    group_row group[GROUPS_MAX];
    int total = scale(row, group), next = 0, done = 0;
    int64_t channels = group[0].in;
    char name[NN_NAME_MAX];
    conv(body, &next,
         (conv_norm){.in = 3, .out = channels, .kernel = 3, .stride = 2, .activation = UNARY_SILU},
         row->norm);
    model_stage_each(m, body);
    for (int g = 0; g < GROUPS_MAX && group[g].blocks; g++) {
        layer *sequence = nn_sequential(body, nn_name(name, "%d", next++));
        for (int i = 0; i < group[g].blocks; i++) {
            block(sequence, nn_name(name, "%d", i), &group[g], row->norm, stochastic_depth * done++ / total);
            channels = group[g].in = group[g].out;
            group[g].stride = 1;
        }
        model_stage_each(m, sequence);
    }
    int64_t last = row->last ? row->last : LAST_EXPANSION * channels;
    conv(body, &next, (conv_norm){.in = channels, .out = last, .kernel = 1, .activation = UNARY_SILU},
         row->norm);
    model_stage(m, body->child[body->child_count - 1]);
    return last;
}

static thaw_status efficientnet_build(model *m, const arch *self, int classes) {
    const efficientnet_row *row = self->params;
    layer *root = m->root;
    int64_t channels = features(m, nn_sequential(root, "features"), row);
    block_pool_flatten(m, false);
    layer *classifier = nn_sequential(root, "classifier");
    nn_dropout(classifier, "0", row->dropout);
    nn_linear(classifier, "1", (linear_spec){.in = channels, .out = classes, .bias = true});
    model_stage_each(m, classifier);
    nn_set_init(root, &kind_conv2d, INIT_KAIMING_FAN_OUT);
    nn_set_init(root, &kind_linear, INIT_UNIFORM_OUT);
    return thaw_ok();
}

/* clang-format off */
static const group_row b0[GROUPS_MAX] = {
    /* fused expansion kernel stride in out blocks */
    {false, 1, 3, 1,  32,  16, 1},
    {false, 6, 3, 2,  16,  24, 2},
    {false, 6, 5, 2,  24,  40, 2},
    {false, 6, 3, 2,  40,  80, 3},
    {false, 6, 5, 1,  80, 112, 3},
    {false, 6, 5, 2, 112, 192, 4},
    {false, 6, 3, 1, 192, 320, 1},
};

static const group_row small[GROUPS_MAX] = {
    {true,  1, 3, 1,  24,  24,  2},
    {true,  4, 3, 2,  24,  48,  4},
    {true,  4, 3, 2,  48,  64,  4},
    {false, 4, 3, 2,  64, 128,  6},
    {false, 6, 3, 1, 128, 160,  9},
    {false, 6, 3, 2, 160, 256, 15},
};

static const group_row medium[GROUPS_MAX] = {
    {true,  1, 3, 1,  24,  24,  3},
    {true,  4, 3, 2,  24,  48,  5},
    {true,  4, 3, 2,  48,  80,  5},
    {false, 4, 3, 2,  80, 160,  7},
    {false, 6, 3, 1, 160, 176, 14},
    {false, 6, 3, 2, 176, 304, 18},
    {false, 6, 3, 1, 304, 512,  5},
};

static const group_row large[GROUPS_MAX] = {
    {true,  1, 3, 1,  32,  32,  4},
    {true,  4, 3, 2,  32,  64,  7},
    {true,  4, 3, 2,  64,  96,  7},
    {false, 4, 3, 2,  96, 192, 10},
    {false, 6, 3, 1, 192, 224, 19},
    {false, 6, 3, 2, 224, 384, 25},
    {false, 6, 3, 1, 384, 640,  7},
};

#define PLAIN {0}
#define SLOW  {.eps = 1e-3, .momentum = 0.01}
#define V2    {.eps = 1e-3}
#define ROW(title, side, ...) \
    {.name = title, .family = "efficientnet", .head = "classifier.1", .input = side, .classes = 1000, \
     .build = efficientnet_build, .params = &(const efficientnet_row){__VA_ARGS__}}

static const arch rows[] = {
    /*                           input groups  width depth dropout norm  last */
    ROW("efficientnet_b0",        224,  b0,     1.0,  1.0,  0.2,   PLAIN, 0),
    ROW("efficientnet_b1",        240,  b0,     1.0,  1.1,  0.2,   PLAIN, 0),
    ROW("efficientnet_b2",        288,  b0,     1.1,  1.2,  0.3,   PLAIN, 0),
    ROW("efficientnet_b3",        300,  b0,     1.2,  1.4,  0.3,   PLAIN, 0),
    ROW("efficientnet_b4",        380,  b0,     1.4,  1.8,  0.4,   PLAIN, 0),
    ROW("efficientnet_b5",        456,  b0,     1.6,  2.2,  0.4,   SLOW,  0),
    ROW("efficientnet_b6",        528,  b0,     1.8,  2.6,  0.5,   SLOW,  0),
    ROW("efficientnet_b7",        600,  b0,     2.0,  3.1,  0.5,   SLOW,  0),
    ROW("efficientnet_v2_s",      384,  small,  0.0,  0.0,  0.2,   V2,   1280),
    ROW("efficientnet_v2_m",      480,  medium, 0.0,  0.0,  0.3,   V2,   1280),
    ROW("efficientnet_v2_l",      480,  large,  0.0,  0.0,  0.4,   V2,   1280),
};
/* clang-format on */

const arch_family family_efficientnet = {"efficientnet", rows, sizeof rows / sizeof *rows};
