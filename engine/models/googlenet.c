/*
 * googlenet.c - GoogLeNet (Szegedy et al. 2014, arXiv:1409.4842) with batch norm, as torchvision has it: what
 * the paper calls 5x5 is 3x3 here. The two auxiliary classifiers are kept aside unless asked for.
 */
#include "engine/models/blocks.h"
#include "engine/models/registry.h"
#include "engine/nn/auxiliary.h"

/* The "#" columns of table 1; a pool has its kernel only. */
typedef struct inception_row {
    const char *name;
    int64_t one, three_reduce, three, five_reduce, five, pool;
} inception_row;

/* clang-format off */
static const inception_row table[] = {
    /*              1x1  reduce  3x3  reduce "5x5" pool */
    {"inception3a",  64,  96,   128,  16,   32,   32},
    {"inception3b", 128, 128,   192,  32,   96,   64},
    {.name = "maxpool3", .one = 3},
    {"inception4a", 192,  96,   208,  16,   48,   64},
    {"inception4b", 160, 112,   224,  24,   64,   64},
    {"inception4c", 128, 128,   256,  24,   64,   64},
    {"inception4d", 112, 144,   288,  32,   64,   64},
    {"inception4e", 256, 160,   320,  32,  128,  128},
    {.name = "maxpool4", .one = 2},
    {"inception5a", 256, 160,   320,  32,  128,  128},
    {"inception5b", 384, 192,   384,  48,  128,  128},
};
/* clang-format on */

static layer *conv(layer *parent, const char *name, int64_t in, int64_t out, int64_t kernel, int64_t stride) {
    return block_basic_conv(parent, name,
                            (conv_spec){.in = in,
                                        .out = out,
                                        .kernel = {kernel, kernel},
                                        .stride = {stride, stride},
                                        .padding = {kernel / 2, kernel / 2}});
}

static layer *pool(layer *parent, const char *name, int64_t kernel) {
    return nn_max_pool2d(parent, name,
                         (pool2d_params){.kernel = {kernel, kernel}, .stride = {2, 2}, .ceil_mode = true});
}

static act inception_forward(layer *self, pass *p, act x) {
    enum { BRANCHES = 4 };
    act branch[BRANCHES];
    for (int i = 0; i < BRANCHES; i++)
        branch[i] = layer_forward(self->child[i], p, x);
    return act_cat(p, branch, BRANCHES, 1);
}

static const layer_kind kind_inception = {"Inception", inception_forward, NULL};

static int64_t inception(layer *parent, const inception_row *row, int64_t in) {
    layer *block = layer_add(parent, row->name, &kind_inception);
    conv(block, "branch1", in, row->one, 1, 1);
    layer *branch = nn_sequential(block, "branch2");
    conv(branch, "0", in, row->three_reduce, 1, 1);
    conv(branch, "1", row->three_reduce, row->three, 3, 1);
    branch = nn_sequential(block, "branch3");
    conv(branch, "0", in, row->five_reduce, 1, 1);
    conv(branch, "1", row->five_reduce, row->five, 3, 1);
    branch = nn_sequential(block, "branch4");
    nn_max_pool2d(branch, "0",
                  (pool2d_params){.kernel = {3, 3}, .stride = {1, 1}, .padding = {1, 1}, .ceil_mode = true});
    conv(branch, "1", in, row->pool, 1, 1);
    return row->one + row->three + row->five + row->pool;
}

static act aux_forward(layer *self, pass *p, act x) {
    return layer_through(self, p, x, "avgpool", "conv", "flatten", "fc1", "relu", "dropout", "fc2", NULL);
}

static const layer_kind kind_aux = {"InceptionAux", aux_forward, NULL};

/* Section 5, where the loss counts 0.3; the pooling, to 4x4 whatever the image, is torchvision's. */
static void classifier_after(model *m, const char *name, const char *stage, int64_t in, int64_t classes) {
    layer *l = layer_add(m->root, name, &kind_aux);
    conv(l, "conv", in, 128, 1, 1);
    nn_linear(l, "fc1", (linear_spec){.in = 2048, .out = 1024, .bias = true});
    nn_linear(l, "fc2", (linear_spec){.in = 1024, .out = classes, .bias = true});
    nn_dropout(l, "dropout", 0.7);
    nn_adaptive_avg_pool2d(l, "avgpool", 4, 4)->functional = true;
    nn_flatten(l, "flatten", 1);
    nn_activation(l, "relu", UNARY_RELU)->functional = true;
    auxiliary_add(m, l, stage, 0.3);
}

static void stem(layer *root) {
    block_transform_input(root);
    conv(root, "conv1", 3, 64, 7, 2);
    pool(root, "maxpool1", 3);
    conv(root, "conv2", 64, 64, 1, 1);
    conv(root, "conv3", 64, 192, 3, 1);
    pool(root, "maxpool2", 3);
}

static thaw_status googlenet_build(model *m, const arch *self, int classes) {
    layer *root = m->root;
    int64_t channels = 192;
    stem(root);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].pool)
            channels = inception(root, &table[i], channels);
        else
            pool(root, table[i].name, table[i].one);
    }
    model_stage_each(m, root);
    classifier_after(m, "aux1", "inception4a", 512, self->classes);
    classifier_after(m, "aux2", "inception4d", 528, self->classes);
    block_pool_flatten(m, false);
    model_stage(m, nn_dropout(root, "dropout", 0.2));
    model_stage(m, nn_linear(root, "fc", (linear_spec){.in = channels, .out = classes, .bias = true}));
    nn_set_init(root, &kind_conv2d, INIT_NORMAL_001);
    nn_set_init(root, &kind_linear, INIT_NORMAL_001);
    return thaw_ok();
}

static const arch rows[] = {
    {.name = "googlenet",
     .family = "googlenet",
     .head = "fc",
     .input = 224,
     .classes = 1000,
     .build = googlenet_build},
};

const arch_family family_googlenet = {"googlenet", rows, sizeof rows / sizeof *rows};
