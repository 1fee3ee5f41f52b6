/*
 * mobilenet_v2.c - MobileNet v2 (Sandler et al. 2018, arXiv:1801.04381).
 */
#include "engine/models/blocks.h"
#include "engine/models/registry.h"

/* A row of table 2. */
typedef struct mobilenet_row {
    int64_t expansion, out;
    int repeats;
    int64_t stride; /* of the first */
} mobilenet_row;

static const mobilenet_row table[] = {
    {1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1},
};
enum { STEM = 32, LAST = 1280 };

static const layer_kind kind_inverted_residual = {"InvertedResidual", block_residual_forward, NULL};

static void inverted_residual(layer *parent, const char *name, int64_t in, int64_t out, int64_t stride,
                              int64_t expansion) {
    int64_t hidden = in * expansion;
    layer *b = block_residual(parent, name, &kind_inverted_residual, stride == 1 && in == out);
    layer *f = nn_sequential(b, "conv");
    char number[NN_NAME_MAX];
    int next = 0;
    if (expansion != 1)
        block_conv_norm(f, nn_name(number, "%d", next++),
                        (conv_norm){.in = in, .out = hidden, .kernel = 1, .activation = UNARY_RELU6});
    block_conv_norm(f, nn_name(number, "%d", next++),
                    (conv_norm){.in = hidden,
                                .out = hidden,
                                .kernel = 3,
                                .stride = stride,
                                .groups = hidden,
                                .activation = UNARY_RELU6});
    nn_conv2d(f, nn_name(number, "%d", next++), hidden, out, 1, 1, 0);
    nn_batch_norm2d(f, nn_name(number, "%d", next), out);
}

static thaw_status mobilenet_v2_build(model *m, const arch *self, int classes) {
    (void)self;
    layer *root = m->root, *body = nn_sequential(root, "features");
    char name[NN_NAME_MAX];
    int64_t channels = STEM;
    int next = 1;
    block_conv_norm(body, "0",
                    (conv_norm){.in = 3, .out = STEM, .kernel = 3, .stride = 2, .activation = UNARY_RELU6});
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const mobilenet_row *row = &table[i];
        for (int k = 0; k < row->repeats; k++) {
            inverted_residual(body, nn_name(name, "%d", next++), channels, row->out, k ? 1 : row->stride,
                              row->expansion);
            channels = row->out;
        }
    }
    block_conv_norm(body, nn_name(name, "%d", next),
                    (conv_norm){.in = channels, .out = LAST, .kernel = 1, .activation = UNARY_RELU6});
    model_stage_each(m, body);
    block_pool_flatten(m, true);
    layer *classifier = nn_sequential(root, "classifier");
    nn_dropout(classifier, "0", 0.2);
    nn_linear(classifier, "1", (linear_spec){.in = LAST, .out = classes, .bias = true});
    model_stage_each(m, classifier);
    nn_set_init(root, &kind_conv2d, INIT_KAIMING_FAN_OUT);
    nn_set_init(root, &kind_linear, INIT_NORMAL_001);
    return thaw_ok();
}

static const arch rows[] = {
    {.name = "mobilenet_v2",
     .family = "mobilenet_v2",
     .head = "classifier.1",
     .input = 224,
     .classes = 1000,
     .build = mobilenet_v2_build},
};

const arch_family family_mobilenet_v2 = {"mobilenet_v2", rows, sizeof rows / sizeof *rows};
