/*
 * test_model.c - models with tensors: first weights, passes in parts, folding, and what goes wrong.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/nn/fold.h"
#include "engine/torch/torch.h"
#include "tests/unit/support_model.h"
#include "tests/unit/support_torch.h"

static void expect_failure(thaw_status status, thaw_code code, const char *part) {
    assert_int_equal(status.code, code);
    if (!strstr(status.message, part)) fail_msg("'%s' does not say '%s'", status.message, part);
}

/* The largest difference over the largest value. */
static double distance(tscope *s, tensor *got, tensor *want) {
    double scale = t_norm(s, want);
    return t_norm(s, t_sub(s, got, want)) / scale;
}

/* ---- first weights ---- */

static void first_weights_come_from_the_seed_alone(void **state) {
    (void)state;
    model *m = support_model(NULL), *with_mlp = support_model(&(thaw_head){.hidden = {9}, .hidden_count = 1});
    tensor *conv = support_copy(m, "layer2.1.conv1", "weight"), *head = support_copy(m, "linear", "weight");
    assert_true(support_same(with_mlp, "layer2.1.conv1", "weight", conv));
    assert_false(model_materialise(m, m->torch, m->device, false, 1).code);
    assert_true(support_same(m, "linear", "weight", head));
    assert_false(model_materialise(m, m->torch, m->device, false, 2).code);
    assert_false(support_same(m, "linear", "weight", head));
    assert_false(support_same(m, "layer2.1.conv1", "weight", conv));
    tensor_free(m->torch, conv);
    tensor_free(m->torch, head);
    model_free(with_mlp);
    model_free(m);
}

static void a_new_head_leaves_the_body_alone(void **state) {
    (void)state;
    model *m = support_model(NULL);
    tensor *conv = support_copy(m, "layer3.2.conv2", "weight");
    assert_false(model_replace_head(m, &(thaw_head){.hidden = {16}, .hidden_count = 1}, 3, 11).code);
    tensor *head = support_copy(m, "linear.2", "weight");
    assert_true(support_same(m, "layer3.2.conv2", "weight", conv));
    assert_false(model_replace_head(m, &(thaw_head){.hidden = {16}, .hidden_count = 1}, 3, 11).code);
    assert_true(support_same(m, "linear.2", "weight", head));
    assert_false(model_replace_head(m, &(thaw_head){.hidden = {16}, .hidden_count = 1}, 3, 12).code);
    assert_false(support_same(m, "linear.2", "weight", head));
    tensor_free(m->torch, conv);
    tensor_free(m->torch, head);
    model_free(m);
}

static void every_pooling_runs(void **state) {
    (void)state;
    for (int pool = THAW_POOL_DEFAULT; pool <= THAW_POOL_AVG_MAX; pool++) {
        model *m = support_model(&(thaw_head){.pool = (thaw_pool)pool});
        tscope s;
        tscope_begin(&s, m->torch);
        shape size = t_shape(&s, support_forward(m, &s, true, 0));
        support_end(&s);
        assert_int_equal(size.dim[1], SUPPORT_CLASSES);
        model_free(m);
    }
}

/* ---- passes ---- */

static act noise_act(tscope *s, int64_t count, int64_t side) {
    shape size = SHAPE_4(count, 3, side, side);
    return (act){.size = size, .t = support_noise(s, size, 7)};
}

static void a_pass_in_two_parts_is_the_whole_pass(void **state) {
    (void)state;
    model *m = support_model(NULL);
    support_mask(m, "all", NULL);
    tscope s;
    tscope_begin(&s, m->torch);
    for (int training = 0; training < 2; training++) {
        pass p = {.scope = &s, .training = training};
        act x = noise_act(&s, 2, 32);
        tensor *whole = model_forward(m, &p, x, 0, m->stage_count).t;
        for (size_t cut = 0; cut <= m->stage_count; cut++) {
            act half = model_forward(m, &p, x, 0, cut);
            tensor *kept = t_clone(&s, half.t);
            tensor *y = model_forward(m, &p, half, cut, m->stage_count).t;
            assert_true(distance(&s, y, whole) < 1e-5);
            assert_true(t_equal(&s, half.t, kept)); /* what was handed in is not overwritten */
        }
    }
    support_end(&s);
    model_free(m);
}

/* What a cache of that cut would hold, whether or not the pair is one convolution in a longer pass. */
static void a_cut_between_convolution_and_norm_has_the_convolutions_output(void **state) {
    (void)state;
    model *m = support_model(NULL);
    support_mask(m, "all", NULL);
    tscope s;
    tscope_begin(&s, m->torch);
    pass p = {.scope = &s};
    act x = noise_act(&s, 2, 32);
    const conv2d_params params = {{1, 1}, {1, 1}, {1, 1}, 1, false};
    tensor *plain = t_conv2d(&s, x.t, support_param(m, "conv1", "weight")->t, NULL, &params);
    assert_string_equal(model_cut_name(m, 1), "conv1");
    assert_true(distance(&s, model_forward(m, &p, x, 0, 1).t, plain) < 1e-6);
    support_end(&s);
    model_free(m);
}

static void any_input_size_will_do(void **state) {
    (void)state;
    model *m = support_model(NULL);
    tscope s;
    tscope_begin(&s, m->torch);
    static const int64_t sides[] = {1, 7, 33, 50};
    for (int i = 0; i < 4; i++) {
        pass p = {.scope = &s};
        act y = model_forward(m, &p, noise_act(&s, 1, sides[i]), 0, m->stage_count);
        assert_int_equal(y.size.dim[1], SUPPORT_CLASSES);
    }
    support_end(&s);
    model_free(m);
}

static void a_frozen_prefix_is_not_recorded(void **state) {
    (void)state;
    model *m = support_model(NULL);
    support_mask(m, "*", NULL);
    tscope s;
    tscope_begin(&s, m->torch);
    t_backward(&s, t_sum(&s, support_forward(m, &s, true, 0)));
    expect_failure(tscope_end(&s), THAW_ERR_TORCH, "grad");
    assert_true(torch_grad_mode(m->torch, true)); /* recording is on again for others */
    model_free(m);
}

/* More images than are taken at a time, and not a multiple of it. */
enum { MANY = 2 * MODEL_PIECE + 3 };

static tensor *rows(tscope *s, tensor *x, int64_t from, int64_t to) {
    return t_slice(s, x, 0, from, to, 1);
}

static void images_in_pieces_are_computed_as_those_alone(void **state) {
    (void)state;
    if (support_device().kind != DEVICE_CPU) skip(); /* only there are batches computed in pieces */
    static const char *const trained[] = {"conv1,bn1,layer1,layer2,layer3", "conv1,bn1,layer1", NULL};
    model *m = support_model(NULL);
    int piece = model_piece(m);
    for (size_t i = 0; i < sizeof trained / sizeof *trained; i++) {
        support_mask(m, trained[i], NULL);
        size_t cut =
            i == 2 ? m->stage_count : freeze_prefix(m); /* the last: evaluation, nothing recorded at all */
        tscope s = support_begin();
        bool recording = torch_grad_mode(m->torch, i < 2);
        pass p = {.scope = &s, .training = i < 2};
        act x = noise_act(&s, MANY, SUPPORT_SIDE);
        act y = model_forward(m, &p, x, 0, cut);
        assert_int_equal(y.size.dim[0], MANY);
        assert_int_equal(t_shape(&s, y.t).dim[0], MANY);
        for (int64_t from = 0; from < MANY; from += piece) { /* to the bit: company is the same */
            int64_t to = from + piece < MANY ? from + piece : MANY;
            act part = {.size = x.size, .t = rows(&s, x.t, from, to)};
            part.size.dim[0] = to - from;
            assert_true(t_equal(&s, model_forward(m, &p, part, 0, cut).t, rows(&s, y.t, from, to)));
        }
        torch_grad_mode(m->torch, recording);
        support_end(&s);
    }
    model_free(m);
}

/* Batch statistics are of all images: what moves or is trained sees them at once. */
static void what_is_trained_sees_the_whole_batch(void **state) {
    (void)state;
    model *m = support_model(NULL);
    support_mask(m, "conv1", NULL);
    tscope s = support_begin();
    pass p = {.scope = &s, .training = true};
    act x = noise_act(&s, MANY, SUPPORT_SIDE);
    act half = model_forward(m, &p, x, 0, 1); /* conv1, in pieces; bn1 is trained */
    tensor *y = model_forward(m, &p, half, 1, 2).t;
    static const int64_t all_but_channels[] = {0, 2, 3};
    y = t_detach(&s, y);
    assert_true(t_norm(&s, t_mean(&s, y, all_but_channels, 3, false)) < 1e-4);
    tensor *first = rows(&s, y, 0, model_piece(m)); /* a few of them have another mean than all */
    assert_true(t_norm(&s, t_mean(&s, first, all_but_channels, 3, false)) > 1e-3);
    support_end(&s);
    model_free(m);
}

/* Nor do frozen weights make it a matter of each image alone: moving statistics are of the whole batch, once.
 */
static void what_moves_sees_the_whole_batch(void **state) {
    (void)state;
    model *m = support_model(NULL);
    support_mask(m, "conv1", "bn1,layer1,layer2,layer3");
    tscope s = support_begin();
    pass p = {.scope = &s, .training = true};
    act x = noise_act(&s, MANY, SUPPORT_SIDE);
    tensor *count = support_copy(m, "bn1", "num_batches_tracked");
    tensor *y = model_forward(m, &p, x, 0, 2).t;
    static const int64_t all_but_channels[] = {0, 2, 3};
    assert_true(t_norm(&s, t_mean(&s, y, all_but_channels, 3, false)) < 1e-4);
    double passes = t_item(&s, support_param(m, "bn1", "num_batches_tracked")->t) - t_item(&s, count);
    assert_true(passes == 1);
    tensor_free(m->torch, count);
    support_end(&s);
    model_free(m);
}

static void passes_leave_no_tensors_behind(void **state) {
    (void)state;
    torch *t = support_torch();
    int64_t before = torch_live_tensors(t);
    model *m =
        support_model(&(thaw_head){.hidden = {8}, .hidden_count = 1, .dropout = 0.5, .batch_norm = true});
    static const char *const masks[] = {NULL, "all", "*", "conv1,bn1,layer1", "layer2"};
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        support_mask(m, masks[i], NULL);
        if (i != 2) support_backward(m);
        tscope s;
        tscope_begin(&s, t);
        support_forward(m, &s, false, 0);
        support_end(&s);
    }
    model_free(m);
    assert_int_equal(torch_live_tensors(t), before);
}

/* ---- folding ---- */

/* Norms as training leaves them, so that folding has something to do. */
static void settle_visit(void *user, layer *l) {
    tscope *s = user;
    if (!layer_is_norm(l)) return;
    for (int i = 0; i < 4; i++) {
        tensor *noise = support_noise(s, l->param[i].size, (uint64_t)(l->index * 8 + i));
        t_add_(s, l->param[i].t, noise, 0.4);
    }
}

static model *settled_model(void) {
    model *m = support_model(NULL);
    tscope s;
    tscope_begin(&s, m->torch);
    layer_each(m->root, settle_visit, &s);
    support_end(&s);
    return m;
}

/* Evaluation logits, kept; RECORDING while parameters are trainable keeps layers from folding. */
static tensor *evaluate(model *m, bool recording) {
    tscope s;
    tscope_begin(&s, m->torch);
    bool before = torch_grad_mode(m->torch, recording);
    tensor *y = t_keep(&s, t_clone(&s, t_detach(&s, support_forward(m, &s, false, 0))));
    torch_grad_mode(m->torch, before);
    support_end(&s);
    return y;
}

static double distance_of(model *m, tensor *got, tensor *want) {
    tscope s;
    tscope_begin(&s, m->torch);
    double d = distance(&s, got, want);
    support_end(&s);
    tensor_free(m->torch, got);
    return d;
}

static void folded_and_unfolded_agree_to_rounding(void **state) {
    (void)state;
    model *m = settled_model();
    tensor *plain = evaluate(m, true);
    assert_null(model_find(m, "layer1.0.conv1")->folded);
    assert_true(distance_of(m, evaluate(m, false), plain) < 2e-6);
    assert_non_null(model_find(m, "layer1.0.conv1")->folded);
    support_mask(m, "*", NULL);
    assert_true(distance_of(m, evaluate(m, true), plain) < 2e-6);
    tensor_free(m->torch, plain);
    model_free(m);
}

static void folds_follow_every_change_of_their_tensors(void **state) {
    (void)state;
    static const char *const changed[][2] = {{"layer1.0.conv1", "weight"},
                                             {"layer1.0.bn1", "weight"},
                                             {"layer1.0.bn1", "bias"},
                                             {"layer1.0.bn1", "running_mean"},
                                             {"layer1.0.bn1", "running_var"}};
    model *m = settled_model();
    for (size_t i = 0; i < sizeof changed / sizeof *changed; i++) {
        tensor *before = evaluate(m, false);
        tscope s;
        tscope_begin(&s, m->torch);
        t_foreach_scale_(&s, &support_param(m, changed[i][0], changed[i][1])->t, 1, 1.5, 0);
        support_end(&s);
        tensor *folded = evaluate(m, false), *plain = evaluate(m, true);
        assert_true(distance_of(m, folded, plain) < 2e-6);
        assert_true(distance_of(m, plain, before) > 1e-4);
        tensor_free(m->torch, before);
    }
    model_free(m);
}

static void nothing_folds_while_it_is_trained(void **state) {
    (void)state;
    if (support_device().kind != DEVICE_CPU) skip(); /* the layout is the processor's */
    model *m = settled_model();
    m->blocked = true;
    support_mask(m, "conv1,layer1", "layer2");
    support_backward(m);
    assert_null(
        model_find(m, "conv1")->folded->source[2]); /* made ready without its norm, which is trained */
    assert_non_null(model_find(m, "layer1.0.conv1")->folded);
    assert_null(model_find(m, "layer2.0.conv1")->folded);
    assert_null(model_find(m, "layer3.0.conv1")->folded);
    support_mask(m, NULL, NULL);
    assert_null(model_find(m, "layer1.0.conv1")->folded);
    support_backward(m);
    assert_true(support_has_grad(m, "layer1.0.conv1", "weight"));
    model_free(m);
}

/* ---- oneDNN's layout ---- */

static tensor *logits_of(model *m, tscope *s, bool blocked) {
    bool recording = torch_grad_mode(m->torch, false);
    m->blocked = blocked;
    pass p = {.scope = s};
    act x = {.size = SHAPE_4(2, 3, m->input.dim[2], m->input.dim[3])};
    x.t = support_noise(s, x.size, 7);
    tensor *y = model_forward(m, &p, x, 0, m->stage_count).t;
    torch_grad_mode(m->torch, recording);
    return y;
}

/* ReLU chains stay in the layout; what goes back and forth after every convolution is kept out of it. */
static void the_layout_is_for_models_that_stay_in_it(void **state) {
    (void)state;
    static const char *const stay[] = {"resnet18", "resnet50", "vgg11", "mnasnet1_0", "regnet_x_400mf"};
    static const char *const leave[] = {"mobilenet_v2", "efficientnet_b0", "squeezenet1_0", "vit_b_16"};
    for (size_t i = 0; i < sizeof stay / sizeof *stay + sizeof leave / sizeof *leave; i++) {
        bool stays = i < sizeof stay / sizeof *stay;
        model *m;
        const char *name = stays ? stay[i] : leave[i - sizeof stay / sizeof *stay];
        assert_false(model_build(name, 0, 0, 0, &m).code);
        assert_int_equal(m->blocked, stays);
        model_free(m);
    }
}

/* Grouped and depthwise convolutions, pools that round up, concatenations and slices among them. */
static void every_kind_of_block_computes_the_same_in_either_layout(void **state) {
    (void)state;
    static const char *const names[] = {"squeezenet1_1",      "mobilenet_v2", "mnasnet0_5",
                                        "shufflenet_v2_x0_5", "densenet121",  "googlenet",
                                        "cifar_resnet20"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        model *m;
        tscope s = support_begin();
        assert_false(model_build(names[i], SUPPORT_CLASSES, 64, 64, &m).code);
        assert_false(model_materialise(m, support_torch(), support_device(), false, 1).code);
        tensor *blocked = logits_of(m, &s, true), *plain = logits_of(m, &s, false);
        double far = distance(&s, blocked, plain);
        if (!(far < 1e-4)) fail_msg("%s differs by %g", names[i], far);
        support_end(&s);
        model_free(m);
    }
}

/* ---- what goes wrong ---- */

static void forward_without_tensors_says_so(void **state) {
    (void)state;
    torch *t = support_torch();
    model *m;
    assert_false(model_build("cifar_resnet20", 0, 0, 0, &m).code);
    tscope s;
    tscope_begin(&s, t);
    pass p = {.scope = &s};
    act y = model_forward(m, &p, noise_act(&s, 1, 32), 0, m->stage_count);
    assert_null(y.t);
    expect_failure(tscope_end(&s), THAW_ERR_SHAPE, "no tensors yet");
    model_free(m);
}

static void images_of_other_channels_name_the_layer(void **state) {
    (void)state;
    model *m = support_model(NULL);
    tscope s;
    tscope_begin(&s, m->torch);
    shape size = SHAPE_4(1, 1, 32, 32);
    pass p = {.scope = &s};
    model_forward(m, &p, (act){.size = size, .t = support_noise(&s, size, 1)}, 0, m->stage_count);
    expect_failure(tscope_end(&s), THAW_ERR_SHAPE, "conv1 (Conv2d): expects images of 3 channels");
    model_free(m);
}

static void one_value_a_channel_has_no_variance(void **state) {
    (void)state;
    model *m = support_model(&(thaw_head){.hidden = {8}, .hidden_count = 1, .batch_norm = true});
    tscope s;
    tscope_begin(&s, m->torch);
    pass p = {.scope = &s, .training = true};
    model_forward(m, &p, noise_act(&s, 1, 32), 0, m->stage_count);
    expect_failure(tscope_end(&s), THAW_ERR_SHAPE, "linear.1 (BatchNorm1d)");
    assert_true(torch_grad_mode(m->torch, true));
    model_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_weights_come_from_the_seed_alone),
        cmocka_unit_test(a_new_head_leaves_the_body_alone),
        cmocka_unit_test(every_pooling_runs),
        cmocka_unit_test(a_pass_in_two_parts_is_the_whole_pass),
        cmocka_unit_test(a_cut_between_convolution_and_norm_has_the_convolutions_output),
        cmocka_unit_test(any_input_size_will_do),
        cmocka_unit_test(a_frozen_prefix_is_not_recorded),
        cmocka_unit_test(images_in_pieces_are_computed_as_those_alone),
        cmocka_unit_test(what_moves_sees_the_whole_batch),
        cmocka_unit_test(what_is_trained_sees_the_whole_batch),
        cmocka_unit_test(passes_leave_no_tensors_behind),
        cmocka_unit_test(folded_and_unfolded_agree_to_rounding),
        cmocka_unit_test(folds_follow_every_change_of_their_tensors),
        cmocka_unit_test(nothing_folds_while_it_is_trained),
        cmocka_unit_test(the_layout_is_for_models_that_stay_in_it),
        cmocka_unit_test(every_kind_of_block_computes_the_same_in_either_layout),
        cmocka_unit_test(forward_without_tensors_says_so),
        cmocka_unit_test(images_of_other_channels_name_the_layer),
        cmocka_unit_test(one_value_a_channel_has_no_variance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
