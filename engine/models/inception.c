/*
 * inception.c - Inception v3 (Szegedy et al. 2015, arXiv:1512.00567), with the block names of the paper's
 * TensorFlow code. The auxiliary classifier is kept aside unless asked for.
 */
#include "engine/models/blocks.h"
#include "engine/models/registry.h"
#include "engine/nn/auxiliary.h"

/* A convolution of HEIGHT x WIDTH; PADDED: to keep the size. */
static layer *conv(layer *parent, const char *name, int64_t in, int64_t out, int64_t height, int64_t width,
                   int64_t stride, bool padded) {
    return block_basic_conv(parent, name,
                            (conv_spec){.in = in,
                                        .out = out,
                                        .kernel = {height, width},
                                        .stride = {stride, stride},
                                        .padding = {padded ? height / 2 : 0, padded ? width / 2 : 0}});
}

static void same(layer *parent, const char *name, int64_t in, int64_t out, int64_t height, int64_t width) {
    conv(parent, name, in, out, height, width, 1, true);
}

static void halve(layer *parent, const char *name, int64_t in, int64_t out) {
    conv(parent, name, in, out, 3, 3, 2, false);
}

static void average(layer *parent) {
    layer *l = nn_avg_pool2d(
        parent, "pool",
        (pool2d_params){.kernel = {3, 3}, .stride = {1, 1}, .padding = {1, 1}, .count_include_pad = true});
    l->functional = true;
}

static layer *maximum(layer *parent, const char *name) {
    return nn_max_pool2d(parent, name, (pool2d_params){.kernel = {3, 3}, .stride = {2, 2}});
}

/* ---- figure 5: 35x35 ---- */

static act a_forward(layer *self, pass *p, act x) {
    act branch[] = {
        layer_through(self, p, x, "branch1x1", NULL),
        layer_through(self, p, x, "branch5x5_1", "branch5x5_2", NULL),
        layer_through(self, p, x, "branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3", NULL),
        layer_through(self, p, x, "pool", "branch_pool", NULL),
    };
    return act_cat(p, branch, 4, 1);
}

static const layer_kind kind_a = {"InceptionA", a_forward, NULL};

static int64_t block_a(layer *root, const char *name, int64_t in, int64_t pooled) {
    layer *b = layer_add(root, name, &kind_a);
    same(b, "branch1x1", in, 64, 1, 1);
    same(b, "branch5x5_1", in, 48, 1, 1);
    same(b, "branch5x5_2", 48, 64, 5, 5);
    same(b, "branch3x3dbl_1", in, 64, 1, 1);
    same(b, "branch3x3dbl_2", 64, 96, 3, 3);
    same(b, "branch3x3dbl_3", 96, 96, 3, 3);
    average(b);
    same(b, "branch_pool", in, pooled, 1, 1);
    return 64 + 64 + 96 + pooled;
}

/* ---- to 17x17 ---- */

static act b_forward(layer *self, pass *p, act x) {
    act branch[] = {
        layer_through(self, p, x, "branch3x3", NULL),
        layer_through(self, p, x, "branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3", NULL),
        layer_through(self, p, x, "pool", NULL),
    };
    return act_cat(p, branch, 3, 1);
}

static const layer_kind kind_b = {"InceptionB", b_forward, NULL};

static int64_t block_b(layer *root, const char *name, int64_t in) {
    layer *b = layer_add(root, name, &kind_b);
    halve(b, "branch3x3", in, 384);
    same(b, "branch3x3dbl_1", in, 64, 1, 1);
    same(b, "branch3x3dbl_2", 64, 96, 3, 3);
    halve(b, "branch3x3dbl_3", 96, 96);
    maximum(b, "pool")->functional = true;
    return 384 + 96 + in;
}

/* ---- figure 6: 17x17, convolutions factorised into rows and columns of WIDTH channels ---- */

static act c_forward(layer *self, pass *p, act x) {
    act branch[] = {
        layer_through(self, p, x, "branch1x1", NULL),
        layer_through(self, p, x, "branch7x7_1", "branch7x7_2", "branch7x7_3", NULL),
        layer_through(self, p, x, "branch7x7dbl_1", "branch7x7dbl_2", "branch7x7dbl_3", "branch7x7dbl_4",
                      "branch7x7dbl_5", NULL),
        layer_through(self, p, x, "pool", "branch_pool", NULL),
    };
    return act_cat(p, branch, 4, 1);
}

static const layer_kind kind_c = {"InceptionC", c_forward, NULL};

static int64_t block_c(layer *root, const char *name, int64_t in, int64_t width) {
    layer *b = layer_add(root, name, &kind_c);
    same(b, "branch1x1", in, 192, 1, 1);
    same(b, "branch7x7_1", in, width, 1, 1);
    same(b, "branch7x7_2", width, width, 1, 7);
    same(b, "branch7x7_3", width, 192, 7, 1);
    same(b, "branch7x7dbl_1", in, width, 1, 1);
    same(b, "branch7x7dbl_2", width, width, 7, 1);
    same(b, "branch7x7dbl_3", width, width, 1, 7);
    same(b, "branch7x7dbl_4", width, width, 7, 1);
    same(b, "branch7x7dbl_5", width, 192, 1, 7);
    average(b);
    same(b, "branch_pool", in, 192, 1, 1);
    return 4 * 192;
}

/* ---- to 8x8 ---- */

static act d_forward(layer *self, pass *p, act x) {
    act branch[] = {
        layer_through(self, p, x, "branch3x3_1", "branch3x3_2", NULL),
        layer_through(self, p, x, "branch7x7x3_1", "branch7x7x3_2", "branch7x7x3_3", "branch7x7x3_4", NULL),
        layer_through(self, p, x, "pool", NULL),
    };
    return act_cat(p, branch, 3, 1);
}

static const layer_kind kind_d = {"InceptionD", d_forward, NULL};

static int64_t block_d(layer *root, const char *name, int64_t in) {
    layer *b = layer_add(root, name, &kind_d);
    same(b, "branch3x3_1", in, 192, 1, 1);
    halve(b, "branch3x3_2", 192, 320);
    same(b, "branch7x7x3_1", in, 192, 1, 1);
    same(b, "branch7x7x3_2", 192, 192, 1, 7);
    same(b, "branch7x7x3_3", 192, 192, 7, 1);
    halve(b, "branch7x7x3_4", 192, 192);
    maximum(b, "pool")->functional = true;
    return 320 + 192 + in;
}

/* ---- figure 7: 8x8 ---- */

/* X through a row and a column, side by side. */
static act both(layer *self, pass *p, act x, const char *row, const char *column) {
    act half[] = {layer_through(self, p, x, row, NULL), layer_through(self, p, x, column, NULL)};
    return act_cat(p, half, 2, 1);
}

static act e_forward(layer *self, pass *p, act x) {
    act one = layer_through(self, p, x, "branch1x1", NULL);
    act three = layer_through(self, p, x, "branch3x3_1", NULL);
    three = both(self, p, three, "branch3x3_2a", "branch3x3_2b");
    act five = layer_through(self, p, x, "branch3x3dbl_1", "branch3x3dbl_2", NULL);
    five = both(self, p, five, "branch3x3dbl_3a", "branch3x3dbl_3b");
    act pooled = layer_through(self, p, x, "pool", "branch_pool", NULL);
    return act_cat(p, (const act[]){one, three, five, pooled}, 4, 1);
}

static const layer_kind kind_e = {"InceptionE", e_forward, NULL};

static int64_t block_e(layer *root, const char *name, int64_t in) {
    layer *b = layer_add(root, name, &kind_e);
    same(b, "branch1x1", in, 320, 1, 1);
    same(b, "branch3x3_1", in, 384, 1, 1);
    same(b, "branch3x3_2a", 384, 384, 1, 3);
    same(b, "branch3x3_2b", 384, 384, 3, 1);
    same(b, "branch3x3dbl_1", in, 448, 1, 1);
    same(b, "branch3x3dbl_2", 448, 384, 3, 3);
    same(b, "branch3x3dbl_3a", 384, 384, 1, 3);
    same(b, "branch3x3dbl_3b", 384, 384, 3, 1);
    average(b);
    same(b, "branch_pool", in, 192, 1, 1);
    return 320 + 2 * 384 + 2 * 384 + 192;
}

/* ---- the network, table 1 ---- */

static act aux_forward(layer *self, pass *p, act x) {
    return layer_through(self, p, x, "pool", "conv0", "conv1", "avgpool", "flatten", "fc", NULL);
}

static const layer_kind kind_aux = {"InceptionAux", aux_forward, NULL};

/* Figure 8. Its loss counts 0.4, as in the paper's TensorFlow code and in PyTorch's tutorial. */
static void classifier_after(model *m, const char *stage, int64_t in, int64_t classes) {
    layer *l = layer_add(m->root, "AuxLogits", &kind_aux);
    nn_avg_pool2d(l, "pool", (pool2d_params){.kernel = {5, 5}, .stride = {3, 3}})->functional = true;
    same(l, "conv0", in, 128, 1, 1);
    conv(l, "conv1", 128, 768, 5, 5, 1, false);
    nn_adaptive_avg_pool2d(l, "avgpool", 1, 1)->functional = true;
    nn_flatten(l, "flatten", 1);
    nn_linear(l, "fc", (linear_spec){.in = 768, .out = classes, .bias = true});
    auxiliary_add(m, l, stage, 0.4);
}

static void stem(layer *root) {
    block_transform_input(root);
    conv(root, "Conv2d_1a_3x3", 3, 32, 3, 3, 2, false);
    conv(root, "Conv2d_2a_3x3", 32, 32, 3, 3, 1, false);
    conv(root, "Conv2d_2b_3x3", 32, 64, 3, 3, 1, true);
    maximum(root, "maxpool1");
    conv(root, "Conv2d_3b_1x1", 64, 80, 1, 1, 1, false);
    conv(root, "Conv2d_4a_3x3", 80, 192, 3, 3, 1, false);
    maximum(root, "maxpool2");
}

static thaw_status inception_build(model *m, const arch *self, int classes) {
    layer *root = m->root;
    stem(root);
    int64_t channels = block_a(root, "Mixed_5b", 192, 32);
    channels = block_a(root, "Mixed_5c", channels, 64);
    channels = block_a(root, "Mixed_5d", channels, 64);
    channels = block_b(root, "Mixed_6a", channels);
    channels = block_c(root, "Mixed_6b", channels, 128);
    channels = block_c(root, "Mixed_6c", channels, 160);
    channels = block_c(root, "Mixed_6d", channels, 160);
    channels = block_c(root, "Mixed_6e", channels, 192);
    model_stage_each(m, root);
    classifier_after(m, "Mixed_6e", channels, self->classes);
    size_t next = root->child_count;
    channels = block_d(root, "Mixed_7a", channels);
    channels = block_e(root, "Mixed_7b", channels);
    channels = block_e(root, "Mixed_7c", channels);
    m->pool = nn_adaptive_avg_pool2d(root, "avgpool", 1, 1);
    nn_dropout(root, "dropout", 0.5);
    nn_flatten(root, "flatten", 1);
    nn_linear(root, "fc", (linear_spec){.in = channels, .out = classes, .bias = true});
    for (; next < root->child_count; next++)
        model_stage(m, root->child[next]);
    nn_set_init(root, &kind_conv2d, INIT_NORMAL_01);
    nn_set_init(root, &kind_linear, INIT_NORMAL_01);
    return thaw_ok();
}

static const arch rows[] = {
    {.name = "inception_v3",
     .family = "inception",
     .head = "fc",
     .input = 299,
     .classes = 1000,
     .build = inception_build},
};

const arch_family family_inception = {"inception", rows, sizeof rows / sizeof *rows};
