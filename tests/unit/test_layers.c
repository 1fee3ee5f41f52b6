/*
 * test_layers.c - models without tensors: what they are made of, what masks over them mean and cost.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "engine/models/registry.h"
#include "engine/nn/freeze.h"
#include "thaw/layers.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static thaw_layers *list(const char *name) {
    thaw_layers *layers;
    thaw_status status = thaw_layers_new(name, NULL, 0, 0, &layers);
    if (thaw_failed(&status)) fail_msg("%s", status.message);
    return layers;
}

static model *built(const char *name) {
    model *m;
    thaw_status status = model_build(name, 0, 0, 0, &m);
    if (thaw_failed(&status)) fail_msg("%s", status.message);
    return m;
}

static void expect_failure(thaw_status status, thaw_code code, const char *part) {
    assert_int_equal(status.code, code);
    if (!strstr(status.message, part)) fail_msg("'%s' does not say '%s'", status.message, part);
}

/* ---- what models are made of ---- */

/* Parameters and 10^9 multiply-accumulates as torchvision documents them. */
static void sizes_and_costs_are_the_published_ones(void **state) {
    (void)state;
    static const struct {
        const char *arch;
        int64_t parameters;
        double gmacs;
    } published[] = {
        {"resnet18", 11689512, 1.814},          {"resnet34", 21797672, 3.664},
        {"resnet50", 25557032, 4.089},          {"resnet101", 44549160, 7.801},
        {"resnet152", 60192808, 11.514},        {"resnext50_32x4d", 25028904, 4.230},
        {"resnext101_32x8d", 88791336, 16.414}, {"resnext101_64x4d", 83455272, 15.460},
        {"wide_resnet50_2", 68883240, 11.398},  {"wide_resnet101_2", 126886696, 22.753},
        {"cifar_resnet20", 269722, 0.0406},     {"cifar_resnet32", 464154, 0.0689},
        {"cifar_resnet44", 658586, 0.0972},     {"cifar_resnet56", 853018, 0.1256},
    };
    for (size_t i = 0; i < COUNT(published); i++) {
        model *m = built(published[i].arch);
        assert_int_equal(model_parameter_count(m), published[i].parameters);
        double gmacs = (double)model_macs(m) / 1e9;
        if (fabs(gmacs - published[i].gmacs) > 0.002) fail_msg("%s: %g", published[i].arch, gmacs);
        model_free(m);
    }
}

static void keys_are_in_torchvisions_order(void **state) {
    (void)state;
    thaw_layers *layers = list("resnet18");
    static const char *const first[] = {
        "conv1.weight",          "bn1.weight",      "bn1.bias",
        "bn1.running_mean",      "bn1.running_var", "bn1.num_batches_tracked",
        "layer1.0.conv1.weight",
    };
    for (size_t i = 0; i < COUNT(first); i++)
        assert_string_equal(thaw_layers_tensor_at(layers, i).key, first[i]);
    size_t count = thaw_layers_tensor_count(layers);
    assert_int_equal(count, 122);
    assert_string_equal(thaw_layers_tensor_at(layers, count - 2).key, "fc.weight");
    assert_true(thaw_layers_tensor_at(layers, 3).buffer);
    assert_int_equal(thaw_layers_tensor_at(layers, 5).ndim, 0);
    assert_int_equal(thaw_layers_tensor_at(layers, 0).shape[3], 7);
    assert_null(thaw_layers_tensor_at(layers, count).key);
    thaw_layers_free(layers);
}

static void lists_are_trees(void **state) {
    (void)state;
    const arch *a;
    for (size_t k = 0; (a = arch_at(k)); k++) {
        thaw_layers *layers = list(a->name);
        int count = thaw_layers_count(layers);
        for (int i = 0; i < count; i++) {
            const thaw_layer_info *l = thaw_layers_at(layers, i);
            assert_true(l->parent < i && l->end > i && l->end <= count);
            assert_int_equal(l->depth, l->parent < 0 ? 0 : thaw_layers_at(layers, l->parent)->depth + 1);
            assert_true(l->parent < 0 || thaw_layers_at(layers, l->parent)->end >= l->end);
            assert_int_equal(thaw_layers_find(layers, l->path), i);
            assert_true(l->output_ndim >= 1 || l->is_aside);
        }
        assert_true(thaw_layers_at(layers, thaw_layers_find(layers, a->head))->is_head);
        assert_int_equal(thaw_layers_find(layers, "flatten"), -1);
        assert_null(thaw_layers_at(layers, count));
        assert_null(thaw_layers_at(layers, -1));
        thaw_layers_free(layers);
    }
}

static void shapes_are_those_of_the_input(void **state) {
    (void)state;
    thaw_layers *layers;
    assert_false(thaw_layers_new("resnet18", NULL, 0, 96, &layers).code);
    const thaw_layer_info *l = thaw_layers_at(layers, thaw_layers_find(layers, "layer4"));
    assert_int_equal(l->output_ndim, 3);
    assert_int_equal(l->output[0], 512);
    assert_int_equal(l->output[1], 3);
    assert_int_equal(thaw_layers_input(layers), 96);
    assert_int_equal(thaw_layers_at(layers, thaw_layers_find(layers, "fc"))->output[0], 1000);
    thaw_layers_free(layers);
}

static void cuts_are_named_after_what_lies_before(void **state) {
    (void)state;
    thaw_layers *layers = list("cifar_resnet20");
    static const char *const names[] = {"input",    "conv1",    "bn1",      "relu",     "layer1.0",
                                        "layer1.1", "layer1.2", "layer2.0", "layer2.1", "layer2.2",
                                        "layer3.0", "layer3.1", "layer3.2", "avgpool"};
    assert_int_equal(thaw_layers_cut_count(layers), COUNT(names));
    for (size_t i = 0; i < COUNT(names); i++)
        assert_string_equal(thaw_layers_cut_name(layers, i), names[i]);
    assert_null(thaw_layers_cut_name(layers, COUNT(names)));
    thaw_layers_free(layers);
}

/* ---- what cannot be built ---- */

static void unknown_model_names_the_nearest(void **state) {
    (void)state;
    model *m = (model *)1;
    expect_failure(model_build("resnt18", 0, 0, 0, &m), THAW_ERR_NOT_FOUND, "did you mean 'resnet18'");
    assert_null(m);
    expect_failure(model_build("", 0, 0, 0, &m), THAW_ERR_NOT_FOUND, "thaw models");
    expect_failure(model_build("no\nsuch", 0, 0, 0, &m), THAW_ERR_NOT_FOUND, "");
}

static void numbers_out_of_range_are_refused(void **state) {
    (void)state;
    model *m;
    expect_failure(model_build("resnet18", -1, 0, 0, &m), THAW_ERR_USAGE, "-1 classes");
    expect_failure(model_build("resnet18", 2000000000, 0, 0, &m), THAW_ERR_USAGE, "classes");
    expect_failure(model_build("resnet18", 0, -3, 224, &m), THAW_ERR_USAGE, "pixels");
    expect_failure(model_build("resnet18", 0, 224, 2000000000, &m), THAW_ERR_USAGE, "pixels");
    assert_false(model_build("resnet18", 0, 1, 1, &m).code); /* as torchvision: padding makes do */
    assert_false(model_trace(m, MODEL_INPUT_MAX, MODEL_INPUT_MAX).code);
    assert_true(model_macs(m) > (int64_t)1e12);
    model_free(m);
}

static void image_too_small_names_the_layer(void **state) {
    (void)state;
    layer *root = layer_root(&kind_sequential);
    layer *features = nn_sequential(root, "features");
    nn_conv2d(features, "0", 3, 8, 5, 1, 0);
    nn_max_pool2d(features, "1", (pool2d_params){.kernel = {3, 3}});
    nn_conv2d(features, "2", 8, 8, 3, 1, 0);
    pass good = {0}, bad = {0};
    act y = layer_forward(features, &good, (act){.size = SHAPE_4(1, 3, 13, 13)});
    assert_false(pass_failed(&good));
    assert_int_equal(y.size.dim[2], 1);
    layer_forward(features, &bad, (act){.size = SHAPE_4(1, 3, 10, 10)});
    expect_failure(bad.status, THAW_ERR_SHAPE, "features.2 (Conv2d): the image is too small");
    layer_free(root);
}

static void failed_trace_leaves_the_model_as_it_was(void **state) {
    (void)state;
    model *m = built("resnet18");
    int64_t before = model_macs(m);
    thaw_status status = model_trace(m, -1, 5);
    assert_true(thaw_failed(&status));
    assert_int_equal(model_macs(m), before);
    model_free(m);
}

/* ---- operations between layers ---- */

static void operations_check_their_shapes(void **state) {
    (void)state;
    act a = {.size = SHAPE_4(1, 8, 4, 4)}, b = {.size = SHAPE_4(1, 8, 4, 5)},
        gate = {.size = SHAPE_4(1, 8, 1, 1)};
    pass p = {0};
    assert_int_equal(act_mul(&p, a, gate).size.dim[3], 4);
    const act both[] = {a, a};
    assert_int_equal(act_cat(&p, both, 2, 1).size.dim[1], 16);
    assert_int_equal(act_flatten(&p, a, 1).size.dim[1], 128);
    assert_int_equal(act_slice(&p, a, 2, 0, 100, 2).size.dim[2], 2);
    const int64_t pads[] = {1, 2, 0, 0, 3, 0}, order[] = {0, 2, 3, 1}, twice[] = {0, 2, 2, 1},
                  dims[] = {2, 3};
    assert_int_equal(act_pad(&p, a, pads, 6).size.dim[1], 11);
    assert_int_equal(act_permute(&p, a, order, 4).size.dim[3], 8);
    assert_int_equal(act_mean(&p, a, dims, 2).size.ndim, 2);
    assert_false(pass_failed(&p));

    pass add = {0}, cat = {0}, permute = {0}, reshape = {0}, slice = {0};
    act_add(&add, a, b);
    expect_failure(add.status, THAW_ERR_SHAPE, "cannot add [1, 8, 4, 4] and [1, 8, 4, 5]");
    const act odd[] = {a, b};
    act_cat(&cat, odd, 2, 1);
    expect_failure(cat.status, THAW_ERR_SHAPE, "cannot concatenate");
    act_permute(&permute, a, twice, 4);
    assert_true(pass_failed(&permute));
    act_reshape(&reshape, a, SHAPE_2(1, 127));
    expect_failure(reshape.status, THAW_ERR_SHAPE, "cannot reshape");
    act_slice(&slice, a, 2, 4, 4, 1);
    assert_true(pass_failed(&slice));
}

static void a_convolution_folds_with_the_norm_that_alone_reads_it(void **state) {
    (void)state;
    model *m = built("resnet50");
    size_t convolutions = 0, folded = 0;
    for (size_t i = 0; i < m->order_count; i++) {
        const layer *l = m->order[i];
        if (l->kind != &kind_conv2d) continue;
        convolutions++;
        if (l->fold && l->fold->fold == l) folded++;
    }
    assert_int_equal(convolutions, 53);
    assert_int_equal(folded, 53);
    assert_string_equal(model_find(m, "layer2.0.downsample.0")->fold->path, "layer2.0.downsample.1");
    model_free(m);
}

/* ---- heads ---- */

static void expect_keys(const char *name, thaw_head head, int classes, const char *const *keys,
                        size_t count) {
    thaw_layers *layers;
    thaw_status status = thaw_layers_new(name, &head, classes, 0, &layers);
    if (thaw_failed(&status)) fail_msg("%s", status.message);
    size_t all = thaw_layers_tensor_count(layers);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(thaw_layers_tensor_at(layers, all - count + i).key, keys[i]);
    thaw_layers_free(layers);
}

static void heads_have_the_keys_of_torchs_sequential(void **state) {
    (void)state;
    static const char *const linear[] = {"layer4.1.bn2.num_batches_tracked", "fc.weight", "fc.bias"};
    expect_keys("resnet18", (thaw_head){.dropout = 0.5}, 2, linear, COUNT(linear));
    /* nn.Sequential(Linear, ReLU, Dropout, Linear) */
    static const char *const mlp[] = {"linear.0.weight", "linear.0.bias", "linear.3.weight", "linear.3.bias"};
    expect_keys("cifar_resnet20", (thaw_head){.hidden = {64}, .hidden_count = 1, .dropout = 0.1}, 8, mlp,
                COUNT(mlp));
    /* nn.Sequential(Linear, BatchNorm1d, ReLU, Linear, BatchNorm1d, ReLU, Linear) */
    static const char *const deep[] = {"fc.0.weight",
                                       "fc.0.bias",
                                       "fc.1.weight",
                                       "fc.1.bias",
                                       "fc.1.running_mean",
                                       "fc.1.running_var",
                                       "fc.1.num_batches_tracked",
                                       "fc.3.weight",
                                       "fc.3.bias",
                                       "fc.4.weight",
                                       "fc.4.bias",
                                       "fc.4.running_mean",
                                       "fc.4.running_var",
                                       "fc.4.num_batches_tracked",
                                       "fc.6.weight",
                                       "fc.6.bias"};
    expect_keys("resnet18", (thaw_head){.hidden = {1024, 256}, .hidden_count = 2, .batch_norm = true}, 5,
                deep, COUNT(deep));
    /* SqueezeNet's head is a 1x1 convolution. */
    static const char *const conv[] = {"classifier.1.weight", "classifier.1.bias"};
    expect_keys("squeezenet1_1", (thaw_head){.dropout = 0.5}, 4, conv, COUNT(conv));
    expect_keys("squeezenet1_1", (thaw_head){.hidden = {64}, .hidden_count = 1, .dropout = 0.1}, 8,
                (const char *const[]){"classifier.1.0.weight", "classifier.1.0.bias", "classifier.1.3.weight",
                                      "classifier.1.3.bias"},
                4);
}

static void a_head_before_the_pooling_is_a_convolution(void **state) {
    (void)state;
    model *m = built("squeezenet1_1");
    thaw_head head = {.hidden = {64}, .hidden_count = 1, .batch_norm = true};
    assert_false(model_replace_head(m, &head, 7, 0).code);
    const layer *last = model_find(m, "classifier.1.3");
    assert_true(last->kind == &kind_conv2d && last->param[0].size.ndim == 4);
    assert_int_equal(last->param[0].size.dim[0], 7);
    assert_int_equal(model_find(m, "classifier.1.0")->param[0].size.dim[1], 512);
    assert_true(model_find(m, "classifier.1.1")->kind == &kind_batch_norm2d);
    head.pool = THAW_POOL_MAX;
    expect_failure(model_replace_head(m, &head, 7, 0), THAW_ERR_UNSUPPORTED, "does not pool before its head");
    model_free(m);
}

static void avg_max_pooling_gives_the_head_twice_the_features(void **state) {
    (void)state;
    model *m = built("resnet18");
    assert_false(model_replace_head(m, &(thaw_head){.pool = THAW_POOL_AVG_MAX}, 3, 0).code);
    assert_int_equal(m->head->spec.linear.in, 1024);
    assert_int_equal(model_find(m, "avgpool")->output.dim[1], 1024);
    assert_false(model_replace_head(m, &(thaw_head){.pool = THAW_POOL_MAX}, 3, 0).code);
    assert_int_equal(m->head->spec.linear.in, 512);
    model_free(m);
}

static void a_head_can_be_replaced_again(void **state) {
    (void)state;
    model *m = built("resnet18");
    size_t stages = m->stage_count, layers = m->order_count;
    for (int i = 0; i < 3; i++) {
        assert_false(model_replace_head(m, &(thaw_head){.dropout = 0.5}, 2 + i, 0).code);
        assert_int_equal(m->stage_count, stages + 1);
        assert_string_equal(m->stage[m->stage_count - 2]->kind->name, "Dropout");
        assert_true(m->head_dropout->head);
        assert_false(
            model_replace_head(m, &(thaw_head){.hidden = {7}, .hidden_count = 1, .dropout = 0.5}, 2, 0).code);
        assert_int_equal(m->stage_count, stages);
        assert_int_equal(m->order_count, layers + 4);
    }
    assert_false(model_replace_head(m, &(thaw_head){0}, 1000, 0).code);
    assert_int_equal(m->order_count, layers);
    assert_int_equal(model_parameter_count(m), 11689512);
    model_free(m);
}

static void heads_that_make_no_sense_are_refused(void **state) {
    (void)state;
    static const struct {
        thaw_head head;
        int classes;
        const char *says;
    } wrong[] = {
        {{.dropout = 0}, 0, "0 classes"},
        {{.dropout = 0}, -5, "-5 classes"},
        {{.hidden = {0}, .hidden_count = 1}, 2, "a layer of 0"},
        {{.hidden = {1 << 30}, .hidden_count = 1}, 2, "head.hidden"},
        {{.hidden_count = 9}, 2, "9 layers"},
        {{.hidden_count = -1}, 2, "head.hidden"},
        {{.dropout = 1}, 2, "head.dropout: 1"},
        {{.dropout = -0.1}, 2, "head.dropout"},
        {{.dropout = NAN}, 2, "head.dropout"},
    };
    model *m = built("resnet18");
    for (size_t i = 0; i < COUNT(wrong); i++)
        expect_failure(model_replace_head(m, &wrong[i].head, wrong[i].classes, 0), THAW_ERR_USAGE,
                       wrong[i].says);
    assert_int_equal(model_parameter_count(m), 11689512);
    model_free(m);
}

/* ---- masks ---- */

static void names_and_globs_set_what_they_name(void **state) {
    (void)state;
    thaw_layers *layers = list("resnet18");
    int matched;
    assert_false(thaw_layers_set_matching(layers, "layer[12]", THAW_FROZEN, &matched).code);
    assert_int_equal(matched, 2);
    assert_int_equal(thaw_layers_state(layers, thaw_layers_find(layers, "layer1.0.conv1")), THAW_FROZEN);
    assert_int_equal(thaw_layers_state(layers, thaw_layers_find(layers, "layer3")), THAW_TRAINABLE);
    assert_false(thaw_layers_set_matching(layers, "*.bn2", THAW_STATS_MOVING, NULL).code);
    assert_int_equal(thaw_layers_state(layers, thaw_layers_find(layers, "layer1")), THAW_MIXED);
    assert_int_equal(thaw_layers_state(layers, thaw_layers_find(layers, "layer4.1.bn2")), THAW_STATS_MOVING);
    assert_false(thaw_layers_set_matching(layers, "all", THAW_FROZEN, NULL).code);
    assert_int_equal(thaw_layers_state(layers, thaw_layers_find(layers, "layer1")), THAW_FROZEN);
    assert_int_equal(thaw_layers_state(layers, thaw_layers_find(layers, "fc")), THAW_TRAINABLE);
    thaw_layers_free(layers);
}

static void a_pattern_that_matches_nothing_changes_nothing(void **state) {
    (void)state;
    thaw_layers *layers = list("resnet18");
    const char *frozen[] = {"layer1", "layr2"};
    thaw_layers_set(layers, thaw_layers_find(layers, "conv1"), THAW_FROZEN);
    expect_failure(thaw_layers_set_mask(layers, frozen, 2, NULL, 0), THAW_ERR_NOT_FOUND,
                   "did you mean 'layer2'");
    assert_int_equal(thaw_layers_state(layers, thaw_layers_find(layers, "layer1")), THAW_TRAINABLE);
    assert_int_equal(thaw_layers_state(layers, thaw_layers_find(layers, "conv1")), THAW_FROZEN);
    expect_failure(thaw_layers_set_matching(layers, "*\x1b[2J*", THAW_FROZEN, NULL), THAW_ERR_NOT_FOUND,
                   "\\x1b");
    expect_failure(thaw_layers_set_matching(layers, "", THAW_FROZEN, NULL), THAW_ERR_NOT_FOUND, "");
    thaw_layers_free(layers);
}

static void set_below_follows_execution(void **state) {
    (void)state;
    thaw_layers *layers = list("resnet18");
    thaw_layers_set_below(layers, thaw_layers_find(layers, "layer2.0.downsample"), THAW_FROZEN);
    /* The shortcut runs after the block's own convolutions although it is listed after its ReLU. */
    static const struct {
        const char *path;
        thaw_freeze state;
    } expected[] = {{"conv1", THAW_FROZEN},       {"layer1", THAW_FROZEN},    {"layer2.0", THAW_FROZEN},
                    {"layer2.1", THAW_TRAINABLE}, {"layer3", THAW_TRAINABLE}, {"fc", THAW_TRAINABLE},
                    {"layer2.0.bn2", THAW_FROZEN}};
    for (size_t i = 0; i < COUNT(expected); i++)
        assert_int_equal(thaw_layers_state(layers, thaw_layers_find(layers, expected[i].path)),
                         expected[i].state);
    thaw_layers_set_below(layers, thaw_layers_find(layers, "fc"), THAW_FROZEN);
    assert_int_equal(thaw_layers_state(layers, thaw_layers_find(layers, "layer4")), THAW_FROZEN);
    assert_int_equal(thaw_layers_state(layers, thaw_layers_find(layers, "fc")), THAW_TRAINABLE);
    thaw_layers_free(layers);
}

static void masks_fold_to_the_shortest_names(void **state) {
    (void)state;
    thaw_layers *layers = list("resnet18");
    static const struct {
        const char *set[6];
        const char *listed[6];
    } cases[] = {
        {{"conv1", "bn1", "layer1.*"}, {"conv1", "bn1", "layer1"}},
        {{"layer2.0.*"}, {"layer2.0"}},
        {{"layer2.0.conv1", "layer2.0.relu"}, {"layer2.0.conv1"}},
        {{"conv1", "bn1", "layer?"}, {"all"}},
        {{"*"}, {"all", "fc"}},
        {{NULL}, {NULL}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t count = 0;
        while (cases[i].set[count])
            count++;
        char **frozen, **moving;
        size_t frozen_count, moving_count;
        assert_false(thaw_layers_set_mask(layers, (const char *const *)cases[i].set, count, NULL, 0).code);
        thaw_layers_get_mask(layers, &frozen, &frozen_count, &moving, &moving_count);
        for (size_t k = 0; k < frozen_count; k++)
            assert_string_equal(frozen[k], cases[i].listed[k]);
        assert_null(cases[i].listed[frozen_count]);
        assert_int_equal(moving_count, 0);
        thaw_names_free(frozen, frozen_count);
        thaw_names_free(moving, moving_count);
    }
    thaw_layers_free(layers);
}

/* Any mask, described and applied again, is the same mask for everything whose state matters. */
static void describing_and_applying_is_the_identity(void **state) {
    (void)state;
    model *m = built("resnet50");
    assert_false(model_replace_head(m, &(thaw_head){.dropout = 0.5}, 10, 0).code);
    thaw_freeze *wanted = calloc(m->order_count, sizeof *wanted);
    rng r = rng_keyed(1, RNG_TEST, 0, 0);
    for (int round = 0; round < 200; round++) {
        for (int k = 0; k < 8; k++)
            freeze_layer(m->order[rng_below(&r, m->order_count)], (thaw_freeze)rng_below(&r, 3));
        for (size_t i = 0; i < m->order_count; i++)
            wanted[i] = m->order[i]->freeze;
        freeze_mask mask = freeze_describe(m);
        freeze_mask copy = freeze_mask_copy(&mask);
        freeze_layer(m->root, (thaw_freeze)rng_below(&r, 3));
        assert_false(freeze_apply(m, &copy).code);
        for (size_t i = 0; i < m->order_count; i++)
            if (freeze_counts(m->order[i])) assert_int_equal(m->order[i]->freeze, wanted[i]);
        freeze_mask_clear(&mask);
        freeze_mask_clear(&copy);
    }
    free(wanted);
    model_free(m);
}

static void labels_say_what_is_trained(void **state) {
    (void)state;
    thaw_layers *layers = list("resnet18");
    static const struct {
        const char *frozen, *moving, *label;
    } cases[] = {
        {NULL, NULL, "everything"},
        {"all", NULL, "head only"},
        {NULL, "all", "head only, norms moving"},
        {"*", NULL, "nothing"},
        {"conv1,bn1,layer1,layer2", NULL, "layer3+"},
        {"conv1,bn1,layer1,layer2,layer3.0", NULL, "layer3.1+"},
        {"conv1,bn1,layer1,layer2,layer3,layer4.0,layer4.1.conv1", NULL, "layer4.1.bn1+"},
        {"layer2,layer3", NULL, "5 of 7 groups"},
        {"*bn?,*downsample.1", NULL, "all but norms"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[200] = "", label[64], *rest = text;
        const char *names[8], *moving[] = {cases[i].moving};
        size_t count = 0;
        snprintf(text, sizeof text, "%s", cases[i].frozen ? cases[i].frozen : "");
        for (char *name; (name = strsep(&rest, ","));)
            if (*name) names[count++] = name;
        assert_false(thaw_layers_set_mask(layers, names, count, moving, cases[i].moving ? 1 : 0).code);
        assert_string_equal(thaw_layers_mask_label(layers, label, sizeof label), cases[i].label);
    }
    thaw_layers_free(layers);
}

static void a_norm_that_moves_ends_the_prefix(void **state) {
    (void)state;
    model *m = built("resnet18");
    freeze_mask mask = {0};
    freeze_mask_add(&mask, "all", THAW_FROZEN);
    assert_false(freeze_apply(m, &mask).code);
    assert_string_equal(model_cut_name(m, freeze_prefix(m)), "avgpool");
    freeze_mask_add(&mask, "layer2.1.bn1", THAW_STATS_MOVING);
    assert_false(freeze_apply(m, &mask).code);
    assert_string_equal(model_cut_name(m, freeze_prefix(m)), "layer2.0");
    assert_string_equal(model_cut_name(m, freeze_no_grad_prefix(m)), "avgpool");
    freeze_mask_clear(&mask);
    freeze_mask_add(&mask, "conv1", THAW_STATS_MOVING); /* nothing in it moves */
    assert_false(freeze_apply(m, &mask).code);
    assert_int_equal(freeze_prefix(m), 1);
    freeze_mask_clear(&mask);
    model_free(m);
}

static void an_active_dropout_ends_the_prefix(void **state) {
    (void)state;
    model *m = built("resnet18");
    assert_false(model_replace_head(m, &(thaw_head){.dropout = 0.5}, 10, 0).code);
    freeze_mask mask = {0};
    freeze_mask_add(&mask, "all", THAW_FROZEN);
    freeze_mask_add(&mask, "fc", THAW_FROZEN);
    assert_false(freeze_apply(m, &mask).code);
    assert_string_equal(m->stage[freeze_prefix(m)]->kind->name, "Dropout");
    freeze_mask_add(&mask, "dropout", THAW_FROZEN);
    assert_false(freeze_apply(m, &mask).code);
    assert_int_equal(freeze_prefix(m), m->stage_count);
    freeze_mask_clear(&mask);
    model_free(m);
}

/* ---- costs ---- */

/* Full training over training from the named group on, by multiply-accumulates: counted independently over
   torchvision's models. That count has autograd compute the input gradient of the first trained block's
   shortcut, which it does not need: hence the tolerance. */
static void costs_are_the_counted_bounds(void **state) {
    (void)state;
    static const struct {
        const char *arch, *last_frozen;
        double speedup;
    } bounds[] = {
        {"resnet18", "bn1", 1.05},    {"resnet18", "layer1", 1.26}, {"resnet18", "layer2", 1.57},
        {"resnet18", "layer3", 2.06}, {"resnet18", "layer4", 2.93}, {"resnet50", "bn1", 1.01},
        {"resnet50", "layer1", 1.15}, {"resnet50", "layer2", 1.42}, {"resnet50", "layer3", 2.17},
        {"resnet50", "layer4", 2.97},
    };
    for (size_t i = 0; i < COUNT(bounds); i++) {
        thaw_layers *layers = list(bounds[i].arch);
        double full = thaw_layers_cost(layers, 32, 1).relative_step;
        assert_true(full == 1);
        thaw_layers_set_below(layers, thaw_layers_find(layers, bounds[i].last_frozen), THAW_FROZEN);
        thaw_cost cost = thaw_layers_cost(layers, 32, 1);
        double speedup = 1 / cost.relative_step;
        if (fabs(speedup / bounds[i].speedup - 1) > 0.02)
            fail_msg("%s below %s: %g, not %g", bounds[i].arch, bounds[i].last_frozen, speedup,
                     bounds[i].speedup);
        thaw_layers_free(layers);
    }
}

static void costs_fall_as_more_is_frozen(void **state) {
    (void)state;
    thaw_layers *layers = list("resnet50");
    thaw_cost before = thaw_layers_cost(layers, 32, 2);
    assert_int_equal(before.trainable, before.parameters);
    assert_int_equal(before.prefix_cut, 0);
    assert_string_equal(before.prefix_name, "input");
    for (int i = 0; i < thaw_layers_count(layers); i++) {
        if (thaw_layers_at(layers, i)->end != i + 1 || thaw_layers_at(layers, i)->is_head) continue;
        thaw_layers_set_below(layers, i, THAW_FROZEN);
        thaw_cost cost = thaw_layers_cost(layers, 32, 2);
        assert_true(cost.relative_step <= before.relative_step && cost.trainable <= before.trainable);
        assert_true(cost.prefix_cut >= before.prefix_cut);
        before = cost;
    }
    assert_string_equal(before.prefix_name, "avgpool");
    assert_int_equal(before.trainable, 2049000);
    assert_true(before.backward_macs == 2048000.0);
    thaw_layers_free(layers);
}

/* A layer frozen in the middle still passes gradients on to what is trained before it. */
static void frozen_middle_still_needs_input_gradients(void **state) {
    (void)state;
    thaw_layers *layers = list("resnet18");
    double full = thaw_layers_cost(layers, 1, 0).backward_macs;
    thaw_layers_set(layers, thaw_layers_find(layers, "layer3"), THAW_FROZEN);
    double without = thaw_layers_cost(layers, 1, 0).backward_macs;
    double macs = (double)thaw_layers_at(layers, thaw_layers_find(layers, "layer3"))->macs;
    assert_true(full - without == macs);
    thaw_layers_free(layers);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_and_costs_are_the_published_ones),
        cmocka_unit_test(keys_are_in_torchvisions_order),
        cmocka_unit_test(lists_are_trees),
        cmocka_unit_test(shapes_are_those_of_the_input),
        cmocka_unit_test(cuts_are_named_after_what_lies_before),
        cmocka_unit_test(unknown_model_names_the_nearest),
        cmocka_unit_test(numbers_out_of_range_are_refused),
        cmocka_unit_test(image_too_small_names_the_layer),
        cmocka_unit_test(failed_trace_leaves_the_model_as_it_was),
        cmocka_unit_test(operations_check_their_shapes),
        cmocka_unit_test(a_convolution_folds_with_the_norm_that_alone_reads_it),
        cmocka_unit_test(heads_have_the_keys_of_torchs_sequential),
        cmocka_unit_test(a_head_before_the_pooling_is_a_convolution),
        cmocka_unit_test(avg_max_pooling_gives_the_head_twice_the_features),
        cmocka_unit_test(a_head_can_be_replaced_again),
        cmocka_unit_test(heads_that_make_no_sense_are_refused),
        cmocka_unit_test(names_and_globs_set_what_they_name),
        cmocka_unit_test(a_pattern_that_matches_nothing_changes_nothing),
        cmocka_unit_test(set_below_follows_execution),
        cmocka_unit_test(masks_fold_to_the_shortest_names),
        cmocka_unit_test(describing_and_applying_is_the_identity),
        cmocka_unit_test(labels_say_what_is_trained),
        cmocka_unit_test(a_norm_that_moves_ends_the_prefix),
        cmocka_unit_test(an_active_dropout_ends_the_prefix),
        cmocka_unit_test(costs_are_the_counted_bounds),
        cmocka_unit_test(costs_fall_as_more_is_frozen),
        cmocka_unit_test(frozen_middle_still_needs_input_gradients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
