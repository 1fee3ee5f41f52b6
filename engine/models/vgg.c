/*
 * vgg.c - VGG (Simonyan & Zisserman 2014, arXiv:1409.1556), configurations A, B, D and E, with and without
 * batch norm.
 */
#include "engine/models/registry.h"

enum { GROUPS = 5, POOLED = 7, HIDDEN = 4096 };

/* A column of table 1. */
typedef struct vgg_row {
    int convolutions[GROUPS]; /* of 3x3, in each group; a max pool ends it */
    bool batch_norm;
} vgg_row;

static const int64_t widths[GROUPS] = {64, 128, 256, 512, 512};

static void features(layer *body, const vgg_row *row) {
    char name[NN_NAME_MAX];
    int64_t channels = 3;
    int next = 0;
    for (int g = 0; g < GROUPS; g++) {
        for (int i = 0; i < row->convolutions[g]; i++) {
            nn_conv2d_with(
                body, nn_name(name, "%d", next++),
                (conv_spec){
                    .in = channels, .out = widths[g], .kernel = {3, 3}, .padding = {1, 1}, .bias = true});
            if (row->batch_norm) nn_batch_norm2d(body, nn_name(name, "%d", next++), widths[g]);
            nn_activation(body, nn_name(name, "%d", next++), UNARY_RELU);
            channels = widths[g];
        }
        nn_max_pool2d(body, nn_name(name, "%d", next++), (pool2d_params){.kernel = {2, 2}});
    }
}

static void linear(layer *parent, const char *name, int64_t in, int64_t out) {
    nn_linear(parent, name, (linear_spec){.in = in, .out = out, .bias = true});
}

static thaw_status vgg_build(model *m, const arch *self, int classes) {
    layer *root = m->root, *body = nn_sequential(root, "features");
    features(body, self->params);
    model_stage_each(m, body);
    model_stage(m, nn_adaptive_avg_pool2d(root, "avgpool", POOLED, POOLED));
    model_stage(m, nn_flatten(root, "flatten", 1));
    layer *classifier = nn_sequential(root, "classifier");
    linear(classifier, "0", widths[GROUPS - 1] * POOLED * POOLED, HIDDEN);
    nn_activation(classifier, "1", UNARY_RELU);
    nn_dropout(classifier, "2", 0.5);
    linear(classifier, "3", HIDDEN, HIDDEN);
    nn_activation(classifier, "4", UNARY_RELU);
    nn_dropout(classifier, "5", 0.5);
    linear(classifier, "6", HIDDEN, classes);
    model_stage_each(m, classifier);
    nn_set_init(root, &kind_conv2d, INIT_KAIMING_FAN_OUT);
    nn_set_init(root, &kind_linear, INIT_NORMAL_001);
    return thaw_ok();
}

/* clang-format off */
#define ROW(title, ...) \
    {.name = title, .family = "vgg", .head = "classifier.6", .input = 224, .classes = 1000, \
     .build = vgg_build, .params = &(const vgg_row){__VA_ARGS__}}

static const arch rows[] = {
    /*               convolutions     batch_norm */
    ROW("vgg11",     {1, 1, 2, 2, 2}, false),
    ROW("vgg11_bn",  {1, 1, 2, 2, 2}, true),
    ROW("vgg13",     {2, 2, 2, 2, 2}, false),
    ROW("vgg13_bn",  {2, 2, 2, 2, 2}, true),
    ROW("vgg16",     {2, 2, 3, 3, 3}, false),
    ROW("vgg16_bn",  {2, 2, 3, 3, 3}, true),
    ROW("vgg19",     {2, 2, 4, 4, 4}, false),
    ROW("vgg19_bn",  {2, 2, 4, 4, 4}, true),
};
/* clang-format on */

const arch_family family_vgg = {"vgg", rows, sizeof rows / sizeof *rows};
