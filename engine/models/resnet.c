/*
 * resnet.c - ResNet (He et al. 2015, arXiv:1512.03385), ResNeXt (Xie et al. 2016, arXiv:1611.05431) and Wide
 * ResNet (Zagoruyko & Komodakis 2016, arXiv:1605.07146) for ImageNet, as torchvision has them ("v1.5": the
 * stride of a bottleneck is in its 3x3 convolution).
 */
#include <stdio.h>

#include "engine/models/blocks.h"
#include "engine/models/registry.h"

enum { GROUPS = 4, STEM = 64 };

/* A row of table 1. */
typedef struct resnet_row {
    bool bottleneck;
    int blocks[GROUPS]; /* in layer1 ... layer4 */
    int groups;         /* of the 3x3 convolutions */
    int width;          /* channels of one of them in layer1 */
} resnet_row;

static void conv(layer *block, const char *name, int64_t in, int64_t out, int64_t kernel, int64_t stride,
                 int64_t groups) {
    nn_conv2d_with(block, name,
                   (conv_spec){.in = in,
                               .out = out,
                               .kernel = {kernel, kernel},
                               .stride = {stride, stride},
                               .padding = {kernel / 2, kernel / 2},
                               .groups = groups});
}

/* ---- blocks ---- */

static act basic_forward(layer *self, pass *p, act x) {
    act y = layer_through(self, p, x, "conv1", "bn1", "relu", "conv2", "bn2", NULL);
    y = act_add(p, y, layer_through_if(self, p, x, "downsample"));
    return layer_through(self, p, y, "relu", NULL);
}

static act bottleneck_forward(layer *self, pass *p, act x) {
    act y = layer_through(self, p, x, "conv1", "bn1", "relu", "conv2", "bn2", "relu", "conv3", "bn3", NULL);
    y = act_add(p, y, layer_through_if(self, p, x, "downsample"));
    return layer_through(self, p, y, "relu", NULL);
}

static const layer_kind kind_basic_block = {"BasicBlock", basic_forward, NULL};
static const layer_kind kind_bottleneck = {"Bottleneck", bottleneck_forward, NULL};

/* The projection where the block changes the size (option B). */
static void shortcut(layer *block, int64_t in, int64_t out, int64_t stride) {
    if (stride == 1 && in == out) return;
    layer *down = nn_sequential(block, "downsample");
    conv(down, "0", in, out, 1, stride, 1);
    nn_batch_norm2d(down, "1", out);
}

/* Adds the block to GROUP and returns its output channels. */
static int64_t basic(layer *group, const char *name, int64_t in, int64_t planes, int64_t stride) {
    layer *b = layer_add(group, name, &kind_basic_block);
    conv(b, "conv1", in, planes, 3, stride, 1);
    nn_batch_norm2d(b, "bn1", planes);
    nn_activation(b, "relu", UNARY_RELU);
    conv(b, "conv2", planes, planes, 3, 1, 1);
    nn_batch_norm2d(b, "bn2", planes);
    shortcut(b, in, planes, stride);
    return planes;
}

static int64_t bottleneck(layer *group, const char *name, int64_t in, int64_t planes, int64_t stride,
                          const resnet_row *row) {
    const int64_t expansion = 4, out = planes * expansion;
    int64_t width = planes * row->width / STEM * row->groups;
    layer *b = layer_add(group, name, &kind_bottleneck);
    conv(b, "conv1", in, width, 1, 1, 1);
    nn_batch_norm2d(b, "bn1", width);
    conv(b, "conv2", width, width, 3, stride, row->groups);
    nn_batch_norm2d(b, "bn2", width);
    conv(b, "conv3", width, out, 1, 1, 1);
    nn_batch_norm2d(b, "bn3", out);
    nn_activation(b, "relu", UNARY_RELU);
    shortcut(b, in, out, stride);
    return out;
}

/* ---- the network ---- */

static thaw_status resnet_build(model *m, const arch *self, int classes) {
    const resnet_row *row = self->params;
    layer *root = m->root;
    conv(root, "conv1", 3, STEM, 7, 2, 1);
    nn_batch_norm2d(root, "bn1", STEM);
    nn_activation(root, "relu", UNARY_RELU);
    nn_max_pool2d(root, "maxpool", (pool2d_params){.kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}});
    model_stage_each(m, root);

    int64_t channels = STEM;
    for (int g = 0; g < GROUPS; g++) {
        char name[NN_NAME_MAX];
        layer *group = nn_sequential(root, nn_name(name, "layer%d", g + 1));
        for (int i = 0; i < row->blocks[g]; i++) {
            int64_t planes = (int64_t)STEM << g, stride = g && !i ? 2 : 1;
            nn_name(name, "%d", i);
            channels = row->bottleneck ? bottleneck(group, name, channels, planes, stride, row)
                                       : basic(group, name, channels, planes, stride);
        }
        model_stage_each(m, group);
    }

    block_pool_flatten(m, false);
    model_stage(m, nn_linear(root, "fc", (linear_spec){.in = channels, .out = classes, .bias = true}));
    nn_set_init(root, &kind_conv2d, INIT_KAIMING_FAN_OUT);
    return thaw_ok();
}

/* clang-format off */
#define ROW(title, ...) \
    {.name = title, .family = "resnet", .head = "fc", .input = 224, .classes = 1000, \
     .build = resnet_build, .params = &(const resnet_row){__VA_ARGS__}}

static const arch rows[] = {
    /*                       bottleneck  blocks         groups width */
    ROW("resnet18",          false,      {2, 2, 2, 2},   1,     64),
    ROW("resnet34",          false,      {3, 4, 6, 3},   1,     64),
    ROW("resnet50",          true,       {3, 4, 6, 3},   1,     64),
    ROW("resnet101",         true,       {3, 4, 23, 3},  1,     64),
    ROW("resnet152",         true,       {3, 8, 36, 3},  1,     64),
    ROW("resnext50_32x4d",   true,       {3, 4, 6, 3},   32,    4),
    ROW("resnext101_32x8d",  true,       {3, 4, 23, 3},  32,    8),
    ROW("resnext101_64x4d",  true,       {3, 4, 23, 3},  64,    4),
    ROW("wide_resnet50_2",   true,       {3, 4, 6, 3},   1,     128),
    ROW("wide_resnet101_2",  true,       {3, 4, 23, 3},  1,     128),
};
/* clang-format on */

const arch_family family_resnet = {"resnet", rows, sizeof rows / sizeof *rows};
