/*
 * shufflenet_v2.c - ShuffleNet v2 (Ma et al. 2018, arXiv:1807.11164).
 */
#include "engine/models/blocks.h"
#include "engine/models/registry.h"

enum { STEM = 24, STAGES = 3, BRANCHES = 2 };

/* A column of table 5: the channels of stages 2 to 4 and of the last convolution. */
typedef struct shufflenet_row {
    int64_t out[STAGES], last;
} shufflenet_row;

static const int repeats[STAGES] = {4, 8, 4};

/* Channels of the two branches take turns. */
static act shuffle(pass *p, act x) {
    static const int64_t order[] = {0, 2, 1, 3, 4};
    shape whole = x.size, split = {.ndim = 5};
    split.dim[0] = whole.dim[0];
    split.dim[1] = BRANCHES;
    split.dim[2] = whole.dim[1] / BRANCHES;
    split.dim[3] = whole.dim[2];
    split.dim[4] = whole.dim[3];
    return act_reshape(p, act_permute(p, act_reshape(p, x, split), order, 5), whole);
}

/* Stride 1: half of the channels pass by. Stride 2: both branches see all of them. */
static act unit_forward(layer *self, pass *p, act x) {
    act half[BRANCHES];
    if (layer_child(self, "branch1")) {
        half[0] = layer_through(self, p, x, "branch1", NULL);
        half[1] = layer_through(self, p, x, "branch2", NULL);
    } else {
        int64_t middle = x.size.dim[1] / BRANCHES;
        half[0] = act_slice(p, x, 1, 0, middle, 1);
        half[1] = layer_through(self, p, act_slice(p, x, 1, middle, 2 * middle, 1), "branch2", NULL);
    }
    return shuffle(p, act_cat(p, half, BRANCHES, 1));
}

static const layer_kind kind_unit = {"InvertedResidual", unit_forward, NULL};

/* A convolution, its norm and (RELU) its activation, numbered from *NEXT. */
static void conv(layer *parent, int *next, conv_spec spec, bool relu) {
    char name[NN_NAME_MAX];
    nn_conv2d_with(parent, nn_name(name, "%d", (*next)++), spec);
    nn_batch_norm2d(parent, nn_name(name, "%d", (*next)++), spec.out);
    if (relu) nn_activation(parent, nn_name(name, "%d", (*next)++), UNARY_RELU);
}

static conv_spec pointwise(int64_t in, int64_t out) {
    return (conv_spec){.in = in, .out = out, .kernel = {1, 1}};
}

static conv_spec depthwise(int64_t channels, int64_t stride) {
    return (conv_spec){.in = channels,
                       .out = channels,
                       .kernel = {3, 3},
                       .stride = {stride, stride},
                       .padding = {1, 1},
                       .groups = channels};
}

static void unit(layer *parent, const char *name, int64_t in, int64_t out, int64_t stride) {
    layer *u = layer_add(parent, name, &kind_unit);
    int64_t half = out / BRANCHES;
    int next = 0;
    if (stride > 1) {
        layer *branch = nn_sequential(u, "branch1");
        conv(branch, &next, depthwise(in, stride), false);
        conv(branch, &next, pointwise(in, half), true);
    }
    layer *branch = nn_sequential(u, "branch2");
    next = 0;
    conv(branch, &next, pointwise(stride > 1 ? in : half, half), true);
    conv(branch, &next, depthwise(half, stride), false);
    conv(branch, &next, pointwise(half, half), true);
}

static layer *stem(layer *root, const char *name, conv_spec spec) {
    layer *l = nn_sequential(root, name);
    int next = 0;
    conv(l, &next, spec, true);
    return l;
}

static thaw_status shufflenet_build(model *m, const arch *self, int classes) {
    const shufflenet_row *row = self->params;
    layer *root = m->root;
    char name[NN_NAME_MAX];
    model_stage(
        m, stem(root, "conv1",
                (conv_spec){.in = 3, .out = STEM, .kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}}));
    model_stage(m, nn_max_pool2d(root, "maxpool",
                                 (pool2d_params){.kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}}));
    int64_t channels = STEM;
    for (int s = 0; s < STAGES; s++) {
        layer *group = nn_sequential(root, nn_name(name, "stage%d", s + 2));
        for (int i = 0; i < repeats[s]; i++) {
            unit(group, nn_name(name, "%d", i), channels, row->out[s], i ? 1 : 2);
            channels = row->out[s];
        }
        model_stage_each(m, group);
    }
    model_stage(m, stem(root, "conv5", pointwise(channels, row->last)));
    block_pool_flatten(m, true);
    model_stage(m, nn_linear(root, "fc", (linear_spec){.in = row->last, .out = classes, .bias = true}));
    return thaw_ok();
}

/* clang-format off */
#define ROW(title, ...) \
    {.name = title, .family = "shufflenet_v2", .head = "fc", .input = 224, .classes = 1000, \
     .build = shufflenet_build, .params = &(const shufflenet_row){__VA_ARGS__}}

static const arch rows[] = {
    ROW("shufflenet_v2_x0_5", {48, 96, 192},   1024),
    ROW("shufflenet_v2_x1_0", {116, 232, 464}, 1024),
    ROW("shufflenet_v2_x1_5", {176, 352, 704}, 1024),
    ROW("shufflenet_v2_x2_0", {244, 488, 976}, 2048),
};
/* clang-format on */

const arch_family family_shufflenet_v2 = {"shufflenet_v2", rows, sizeof rows / sizeof *rows};
