/*
 * alexnet.c - AlexNet in its one-tower form (Krizhevsky 2014, arXiv:1404.5997), as torchvision has it.
 */
#include "engine/models/registry.h"

enum { POOLED = 6, HIDDEN = 4096 };

/* One convolution; POOL: halved afterwards by a max pool of 3 with stride 2. */
typedef struct alexnet_row {
    int64_t out, kernel, stride, padding;
    bool pool;
} alexnet_row;

static const alexnet_row table[] = {
    {64, 11, 4, 2, true},  {192, 5, 1, 2, true}, {384, 3, 1, 1, false},
    {256, 3, 1, 1, false}, {256, 3, 1, 1, true},
};

static layer *linear(layer *parent, const char *name, int64_t in, int64_t out) {
    return nn_linear(parent, name, (linear_spec){.in = in, .out = out, .bias = true});
}

static int64_t features(layer *parent) {
    char name[NN_NAME_MAX];
    int64_t channels = 3;
    int next = 0;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const alexnet_row *row = &table[i];
        nn_conv2d_with(parent, nn_name(name, "%d", next++),
                       (conv_spec){.in = channels,
                                   .out = row->out,
                                   .kernel = {row->kernel, row->kernel},
                                   .stride = {row->stride, row->stride},
                                   .padding = {row->padding, row->padding},
                                   .bias = true});
        nn_activation(parent, nn_name(name, "%d", next++), UNARY_RELU);
        if (row->pool)
            nn_max_pool2d(parent, nn_name(name, "%d", next++),
                          (pool2d_params){.kernel = {3, 3}, .stride = {2, 2}});
        channels = row->out;
    }
    return channels;
}

static thaw_status alexnet_build(model *m, const arch *self, int classes) {
    (void)self;
    layer *root = m->root, *body = nn_sequential(root, "features");
    int64_t channels = features(body);
    model_stage_each(m, body);
    model_stage(m, nn_adaptive_avg_pool2d(root, "avgpool", POOLED, POOLED));
    model_stage(m, nn_flatten(root, "flatten", 1));
    layer *classifier = nn_sequential(root, "classifier");
    nn_dropout(classifier, "0", 0.5);
    linear(classifier, "1", channels * POOLED * POOLED, HIDDEN);
    nn_activation(classifier, "2", UNARY_RELU);
    nn_dropout(classifier, "3", 0.5);
    linear(classifier, "4", HIDDEN, HIDDEN);
    nn_activation(classifier, "5", UNARY_RELU);
    linear(classifier, "6", HIDDEN, classes);
    model_stage_each(m, classifier);
    return thaw_ok();
}

static const arch rows[] = {
    {.name = "alexnet",
     .family = "alexnet",
     .head = "classifier.6",
     .input = 224,
     .classes = 1000,
     .build = alexnet_build},
};

const arch_family family_alexnet = {"alexnet", rows, sizeof rows / sizeof *rows};
