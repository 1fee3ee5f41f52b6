/*
 * regnet.c - RegNet X and Y (Radosavovic et al. 2020, arXiv:2003.13678): a few numbers make the whole design.
 */
#include <math.h>

#include "engine/models/blocks.h"
#include "engine/models/registry.h"

enum { STEM = 32, GROUPS_MAX = 8, MULTIPLE = 8 };

/* Depth, and equations 2 to 4: initial width, slope, quantisation; then the width of a group convolution. */
typedef struct regnet_row {
    int depth;
    int64_t width;
    double slope, step;
    int64_t group_width;
    bool squeeze; /* Y: squeeze and excitation, to a quarter of the block's input */
} regnet_row;

/* Blocks of one width. */
typedef struct group_row {
    int64_t width;
    int blocks;
} group_row;

/* Equations 2 to 4, and how many groups came out. */
static int design(const regnet_row *row, group_row group[GROUPS_MAX]) {
    int count = 0;
    for (int j = 0; j < row->depth; j++) {
        double linear = (double)row->width + row->slope * j;
        double power = rint(log(linear / (double)row->width) / log(row->step));
        int64_t width = (int64_t)rint((double)row->width * pow(row->step, power) / MULTIPLE) * MULTIPLE;
        if (!count || group[count - 1].width != width) group[count++] = (group_row){.width = width};
        group[count - 1].blocks++;
    }
    for (int g = 0; g < count; g++) /* whole groups of channels */
        if (group[g].width > row->group_width)
            group[g].width = block_divisible((double)group[g].width, row->group_width);
    return count;
}

static act block_forward(layer *self, pass *p, act x) {
    act shortcut = layer_through_if(self, p, x, "proj");
    act y = layer_through(self, p, x, "f", NULL);
    return layer_through(self, p, act_add(p, y, shortcut), "activation", NULL);
}

static const layer_kind kind_block = {"ResBottleneckBlock", block_forward, NULL};
static const layer_kind kind_bottleneck = {"BottleneckTransform", NULL, NULL};

static void block(layer *parent, const char *name, int64_t in, int64_t out, int64_t stride,
                  const regnet_row *row) {
    layer *b = layer_add(parent, name, &kind_block);
    if (in != out || stride != 1)
        block_conv_norm(
            b, "proj",
            (conv_norm){.in = in, .out = out, .kernel = 1, .stride = stride, .activation = BLOCK_LINEAR});
    layer *f = layer_add(b, "f", &kind_bottleneck);
    int64_t group_width = out < row->group_width ? out : row->group_width;
    block_conv_norm(f, "a", (conv_norm){.in = in, .out = out, .kernel = 1, .activation = UNARY_RELU});
    block_conv_norm(f, "b",
                    (conv_norm){.in = out,
                                .out = out,
                                .kernel = 3,
                                .stride = stride,
                                .groups = out / group_width,
                                .activation = UNARY_RELU});
    if (row->squeeze)
        block_squeeze_excitation(f, "se", out, (int64_t)rint(0.25 * (double)in), UNARY_RELU, UNARY_SIGMOID);
    block_conv_norm(f, "c", (conv_norm){.in = out, .out = out, .kernel = 1, .activation = BLOCK_LINEAR});
    nn_activation(b, "activation", UNARY_RELU);
}

static thaw_status regnet_build(model *m, const arch *self, int classes) {
    const regnet_row *row = self->params;
    group_row group[GROUPS_MAX];
    layer *root = m->root;
    char name[NN_NAME_MAX];
    int count = design(row, group);
    model_stage(m,
                block_conv_norm(
                    root, "stem",
                    (conv_norm){.in = 3, .out = STEM, .kernel = 3, .stride = 2, .activation = UNARY_RELU}));
    layer *trunk = nn_sequential(root, "trunk_output");
    int64_t channels = STEM;
    for (int g = 0; g < count; g++) {
        layer *sequence = nn_sequential(trunk, nn_name(name, "block%d", g + 1));
        for (int i = 0; i < group[g].blocks; i++) {
            block(sequence, nn_name(name, "block%d-%d", g + 1, i), channels, group[g].width, i ? 1 : 2, row);
            channels = group[g].width;
        }
        model_stage_each(m, sequence);
    }
    block_pool_flatten(m, false);
    model_stage(m, nn_linear(root, "fc", (linear_spec){.in = channels, .out = classes, .bias = true}));
    nn_set_init(root, &kind_conv2d, INIT_KAIMING_FAN_OUT);
    nn_set_init(root, &kind_linear, INIT_NORMAL_001);
    return thaw_ok();
}

/* clang-format off */
#define ROW(title, ...) \
    {.name = title, .family = "regnet", .head = "fc", .input = 224, .classes = 1000, \
     .build = regnet_build, .params = &(const regnet_row){__VA_ARGS__}}

static const arch rows[] = {
    /*                   depth w_0    w_a   w_m   group squeeze */
    ROW("regnet_x_400mf", 22,  24,  24.48, 2.54,  16,  false),
    ROW("regnet_x_800mf", 16,  56,  35.73, 2.28,  16,  false),
    ROW("regnet_x_1_6gf", 18,  80,  34.01, 2.25,  24,  false),
    ROW("regnet_x_3_2gf", 25,  88,  26.31, 2.25,  48,  false),
    ROW("regnet_x_8gf",   23,  80,  49.56, 2.88, 120,  false),
    ROW("regnet_x_16gf",  22, 216,  55.59, 2.10, 128,  false),
    ROW("regnet_x_32gf",  23, 320,  69.86, 2.00, 168,  false),
    ROW("regnet_y_400mf", 16,  48,  27.89, 2.09,   8,  true),
    ROW("regnet_y_800mf", 14,  56,  38.84, 2.40,  16,  true),
    ROW("regnet_y_1_6gf", 27,  48,  20.71, 2.65,  24,  true),
    ROW("regnet_y_3_2gf", 21,  80,  42.63, 2.66,  24,  true),
    ROW("regnet_y_8gf",   17, 192,  76.82, 2.19,  56,  true),
    ROW("regnet_y_16gf",  18, 200, 106.23, 2.48, 112,  true),
    ROW("regnet_y_32gf",  20, 232, 115.89, 2.53, 232,  true),
    ROW("regnet_y_128gf", 27, 456, 160.83, 2.52, 264,  true),
};
/* clang-format on */

const arch_family family_regnet = {"regnet", rows, sizeof rows / sizeof *rows};
