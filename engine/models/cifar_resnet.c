/*
 * cifar_resnet.c - the ResNets for 32x32 images of He et al. 2015 (arXiv:1512.03385), section 4.2: 6n+2
 * layers, three groups of 16, 32 and 64 channels, shortcuts without parameters (option A). Keys are those of
 * the public checkpoints.
 */
#include "engine/models/blocks.h"
#include "engine/models/registry.h"

enum { GROUPS = 3, STEM = 16 };

/* Option A: every other pixel, and as many channels of zeros on both sides as are missing. */
static act shortcut(pass *p, act x, act like) {
    int64_t missing = like.size.dim[1] - x.size.dim[1];
    if (!missing) return x;
    int64_t pads[] = {0, 0, 0, 0, missing / 2, missing - missing / 2};
    x = act_slice(p, x, 2, 0, x.size.dim[2], 2);
    x = act_slice(p, x, 3, 0, x.size.dim[3], 2);
    return act_pad(p, x, pads, 6);
}

static act block_forward(layer *self, pass *p, act x) {
    act y = layer_through(self, p, x, "conv1", "bn1", "relu", "conv2", "bn2", NULL);
    y = act_add(p, y, shortcut(p, x, y));
    return layer_through(self, p, y, "relu", NULL);
}

static const layer_kind kind_block = {"BasicBlock", block_forward, NULL};

static void block(layer *group, const char *name, int64_t in, int64_t out) {
    layer *b = layer_add(group, name, &kind_block);
    nn_conv2d(b, "conv1", in, out, 3, in == out ? 1 : 2, 1);
    nn_batch_norm2d(b, "bn1", out);
    nn_activation(b, "relu", UNARY_RELU);
    nn_conv2d(b, "conv2", out, out, 3, 1, 1);
    nn_batch_norm2d(b, "bn2", out);
}

static thaw_status cifar_resnet_build(model *m, const arch *self, int classes) {
    int blocks = *(const int *)self->params;
    layer *root = m->root;
    nn_conv2d(root, "conv1", 3, STEM, 3, 1, 1);
    nn_batch_norm2d(root, "bn1", STEM);
    nn_activation(root, "relu", UNARY_RELU);
    model_stage_each(m, root);

    int64_t channels = STEM;
    for (int g = 0; g < GROUPS; g++) {
        char name[NN_NAME_MAX];
        layer *group = nn_sequential(root, nn_name(name, "layer%d", g + 1));
        for (int i = 0; i < blocks; i++) {
            block(group, nn_name(name, "%d", i), channels, STEM << g);
            channels = STEM << g;
        }
        model_stage_each(m, group);
    }

    block_pool_flatten(m, false);
    model_stage(m, nn_linear(root, "linear", (linear_spec){.in = channels, .out = classes, .bias = true}));
    nn_set_init(root, &kind_conv2d, INIT_KAIMING_FAN_IN);
    nn_set_init(root, &kind_linear, INIT_KAIMING_FAN_IN);
    return thaw_ok();
}

/* clang-format off */
#define ROW(title, n) \
    {.name = title, .family = "cifar_resnet", .head = "linear", .input = 32, .classes = 10, \
     .build = cifar_resnet_build, .params = &(const int){n}}

static const arch rows[] = {
    ROW("cifar_resnet20", 3),
    ROW("cifar_resnet32", 5),
    ROW("cifar_resnet44", 7),
    ROW("cifar_resnet56", 9),
};
/* clang-format on */

const arch_family family_cifar_resnet = {"cifar_resnet", rows, sizeof rows / sizeof *rows};
