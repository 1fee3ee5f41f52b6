/*
 * test_freeze.c - what frozen means, with tensors: one test for each way in which freezing is known to leak.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/torch/torch.h"
#include "engine/train/learner.h"
#include "tests/unit/support_model.h"
#include "tests/unit/support_torch.h"

/* A parameter or buffer before something happens, and the question after it. */
typedef struct watched {
    model *m;
    const char *layer, *param;
    tensor *before;
} watched;

static watched watch(model *m, const char *layer_path, const char *param_name) {
    return (watched){m, layer_path, param_name, support_copy(m, layer_path, param_name)};
}

static bool moved(watched *w) {
    bool same = support_same(w->m, w->layer, w->param, w->before);
    tensor_free(w->m->torch, w->before);
    return !same;
}

static bool forwards_agree(model *m, bool first_training, bool second_training) {
    tscope s;
    tscope_begin(&s, m->torch);
    bool recording = torch_grad_mode(m->torch, false);
    bool same =
        t_equal(&s, support_forward(m, &s, first_training, 0), support_forward(m, &s, second_training, 0));
    torch_grad_mode(m->torch, recording);
    support_end(&s);
    return same;
}

/* ---- leak 1: a gradient that stays lets momentum and weight decay go on ---- */

static void freezing_drops_the_gradient_that_is_there(void **state) {
    (void)state;
    model *m = support_model(NULL);
    support_mask(m, NULL, NULL);
    support_backward(m);
    assert_true(support_has_grad(m, "layer1.0.conv1", "weight"));
    support_mask(m, "layer1", NULL);
    assert_false(support_has_grad(m, "layer1.0.conv1", "weight"));
    assert_false(support_has_grad(m, "layer1.0.bn1", "bias"));
    assert_true(support_has_grad(m, "layer2.0.conv1", "weight"));
    model_free(m);
}

static void a_frozen_weight_gets_no_gradient(void **state) {
    (void)state;
    model *m = support_model(NULL);
    support_mask(m, "layer2", "layer1");
    support_backward(m);
    assert_true(support_has_grad(m, "conv1", "weight")); /* through what is frozen */
    assert_false(support_has_grad(m, "layer1.1.conv2", "weight"));
    assert_false(support_has_grad(m, "layer1.1.bn2", "weight"));
    assert_false(support_has_grad(m, "layer2.0.conv1", "weight"));
    assert_true(support_has_grad(m, "layer3.0.conv1", "weight"));
    model_free(m);
}

static void thawing_gives_the_gradient_back(void **state) {
    (void)state;
    model *m = support_model(NULL);
    support_mask(m, "all", NULL);
    support_backward(m);
    assert_false(support_has_grad(m, "layer3.0.conv1", "weight"));
    support_mask(m, "conv1,bn1,layer1,layer2", NULL);
    support_backward(m);
    assert_true(support_has_grad(m, "layer3.0.conv1", "weight"));
    model_free(m);
}

/* COUNT steps on the same images at rate LR; the last one's loss. */
static double steps(learner *l, int count, double lr) {
    image_batch batch = support_images();
    double loss = NAN;
    for (int i = 0; i < count; i++) {
        thaw_status status = learner_step(l, &batch, i, lr, NULL, &loss);
        if (thaw_failed(&status)) fail_msg("%s", status.message);
    }
    return loss;
}

static void frozen_weight_stays_bit_identical_with_momentum(void **state) {
    (void)state;
    model *m = support_model(NULL);
    thaw_recipe recipe;
    thaw_recipe_init(&recipe);
    recipe.optimizer.momentum = 0.9;
    recipe.optimizer.weight_decay = 0.1;
    optimizer *o;
    assert_false(optimizer_new(&recipe, m, &o).code);
    learner l = {.model = m, .optimizer = o};
    support_mask(m, NULL, NULL);
    assert_false(learner_mask_changed(&l).code);
    steps(&l, 3, 0.05); /* gathers momentum */
    support_mask(m, "layer1", NULL);
    assert_false(learner_mask_changed(&l).code);
    watched frozen[] = {
        watch(m, "layer1.0.conv1", "weight"),    watch(m, "layer1.2.bn2", "weight"),
        watch(m, "layer1.2.bn2", "bias"),        watch(m, "layer1.2.bn2", "running_mean"),
        watch(m, "layer1.2.bn2", "running_var"), watch(m, "layer1.2.bn2", "num_batches_tracked")};
    watched other = watch(m, "layer2.0.conv1", "weight");
    steps(&l, 5, 0.05);
    for (size_t i = 0; i < sizeof frozen / sizeof *frozen; i++)
        assert_false(moved(&frozen[i]));
    assert_true(moved(&other));
    learner_clear(&l);
    optimizer_free(o);
    thaw_recipe_clear(&recipe);
    model_free(m);
}

/* ---- masks that change in mid-run ---- */

/* What is frozen and what is moving in turn, three steps each. */
static const char *const mid_run[][2] = {
    {"conv1,bn1,layer1,layer2", NULL}, {"conv1,bn1,layer1,layer2.0", NULL},
    {"conv1,bn1", "layer1,layer2"},    {"conv1,bn1,layer1,layer2,layer3", NULL},
    {"layer1,layer2.1", "layer3.0"},   {NULL, NULL},
};
enum { MID_RUN = sizeof mid_run / sizeof *mid_run, MID_RUN_STEPS = 3 };

/* The loss of each step, with or without oneDNN's layout for what is frozen. */
static void run_through_masks(bool blocked, double loss[MID_RUN * MID_RUN_STEPS]) {
    model *m = support_model(NULL);
    bool onednn = m->torch->facts.onednn;
    m->torch->facts.onednn = onednn && blocked;
    thaw_recipe recipe;
    thaw_recipe_init(&recipe);
    optimizer *o;
    assert_false(optimizer_new(&recipe, m, &o).code);
    learner l = {.model = m, .optimizer = o};
    for (int i = 0; i < MID_RUN; i++) {
        support_mask(m, mid_run[i][0], mid_run[i][1]);
        assert_false(learner_mask_changed(&l).code);
        for (int k = 0; k < MID_RUN_STEPS; k++)
            loss[i * MID_RUN_STEPS + k] = steps(&l, 1, 0.01);
    }
    m->torch->facts.onednn = onednn;
    learner_clear(&l);
    optimizer_free(o);
    thaw_recipe_clear(&recipe);
    model_free(m);
}

static void blocks_frozen_and_thawed_in_mid_run_learn_the_same_in_either_layout(void **state) {
    (void)state;
    double plain[MID_RUN * MID_RUN_STEPS], blocked[MID_RUN * MID_RUN_STEPS], again[MID_RUN * MID_RUN_STEPS];
    run_through_masks(false, plain);
    run_through_masks(true, blocked);
    run_through_masks(true, again);
    for (int i = 0; i < MID_RUN * MID_RUN_STEPS; i++) {
        assert_true(fabs(blocked[i] - plain[i]) < 1e-3 * plain[i]);
        assert_true(blocked[i] == again[i]); /* to the bit */
    }
}

/* ---- leak 2: a frozen norm in a training pass ---- */

static void a_frozen_norm_stays_in_a_training_pass(void **state) {
    (void)state;
    model *m = support_model(NULL);
    support_mask(m, "layer1", "layer2");
    watched frozen[] = {watch(m, "layer1.0.bn1", "running_mean"), watch(m, "layer1.0.bn1", "running_var"),
                        watch(m, "layer1.0.bn1", "num_batches_tracked")};
    watched moving[] = {watch(m, "layer2.0.bn1", "running_mean"), watch(m, "layer2.0.bn1", "running_var"),
                        watch(m, "layer2.0.bn1", "num_batches_tracked")};
    watched trained[] = {watch(m, "layer3.0.bn1", "running_mean"), watch(m, "layer3.0.bn1", "running_var"),
                         watch(m, "layer3.0.bn1", "num_batches_tracked")};
    watched weight = watch(m, "layer2.0.bn1", "weight");
    support_backward(m);
    for (int i = 0; i < 3; i++) {
        assert_false(moved(&frozen[i]));
        assert_true(moved(&moving[i]));
        assert_true(moved(&trained[i]));
    }
    assert_false(moved(&weight));
    model_free(m);
}

static void a_frozen_norm_stays_behind_a_trained_convolution(void **state) {
    (void)state;
    model *m = support_model(&(thaw_head){.hidden = {8}, .hidden_count = 1, .batch_norm = true});
    support_mask(m, "*bn?,linear.1", NULL);
    watched frozen[] = {watch(m, "layer1.0.bn1", "running_mean"),
                        watch(m, "layer1.0.bn1", "num_batches_tracked"), watch(m, "linear.1", "running_var"),
                        watch(m, "linear.1", "num_batches_tracked")};
    support_backward(m);
    for (int i = 0; i < 4; i++)
        assert_false(moved(&frozen[i]));
    assert_true(support_has_grad(m, "layer1.0.conv1", "weight"));
    model_free(m);
}

static void an_evaluation_moves_no_norm(void **state) {
    (void)state;
    model *m = support_model(NULL);
    support_mask(m, NULL, "layer1");
    watched buffers[] = {watch(m, "layer1.0.bn1", "running_var"), watch(m, "layer3.0.bn1", "running_mean"),
                         watch(m, "layer3.0.bn1", "num_batches_tracked")};
    assert_true(forwards_agree(m, false, false));
    for (int i = 0; i < 3; i++)
        assert_false(moved(&buffers[i]));
    model_free(m);
}

static void a_norm_that_moves_in_the_quiet_prefix_still_moves(void **state) {
    (void)state;
    model *m = support_model(NULL);
    support_mask(m, NULL, "all");
    watched mean = watch(m, "layer2.0.bn1", "running_mean"), weight = watch(m, "layer2.0.bn1", "weight");
    support_backward(m);
    assert_true(moved(&mean));
    assert_false(moved(&weight));
    assert_false(support_has_grad(m, "layer2.0.bn1", "weight"));
    assert_true(support_has_grad(m, "linear", "weight"));
    model_free(m);
}

static void a_frozen_model_computes_as_in_evaluation(void **state) {
    (void)state;
    model *m = support_model(NULL);
    support_mask(m, "*", NULL);
    assert_true(forwards_agree(m, true, false));
    support_mask(m, NULL, "*");
    assert_false(forwards_agree(m, true, false));
    support_mask(m, NULL, NULL);
    assert_false(forwards_agree(m, true, false));
    model_free(m);
}

/* ---- leak 4: dropout in what is frozen ---- */

static bool steps_agree(model *m, uint64_t first, uint64_t second) {
    tscope s;
    tscope_begin(&s, m->torch);
    bool same = t_equal(&s, support_forward(m, &s, true, first), support_forward(m, &s, true, second));
    support_end(&s);
    return same;
}

static void dropout_in_a_frozen_layer_is_off(void **state) {
    (void)state;
    model *m = support_model(&(thaw_head){.hidden = {16}, .hidden_count = 1, .dropout = 0.5});
    support_mask(m, "*", NULL);
    assert_true(forwards_agree(m, true, false));
    assert_true(steps_agree(m, 1, 2));
    model_free(m);
}

static void dropout_is_the_same_for_the_same_step_only(void **state) {
    (void)state;
    model *m = support_model(&(thaw_head){.dropout = 0.5});
    support_mask(m, "all", NULL);
    assert_true(steps_agree(m, 1, 1));
    assert_false(steps_agree(m, 1, 2));
    assert_true(forwards_agree(m, false, false));
    support_mask(m, NULL, "*"); /* moving is what the usual code does: train mode */
    assert_false(steps_agree(m, 1, 2));
    model_free(m);
}

static void dropout_drops_its_share_and_keeps_the_mean(void **state) {
    (void)state;
    torch *t = support_torch();
    layer *l = layer_root(&kind_dropout);
    l->spec.dropout = 0.25;
    enum { COUNT = 40000 };
    tscope s;
    tscope_begin(&s, t);
    pass p = {.scope = &s, .training = true, .device = support_device()};
    act x = {.size = SHAPE_2(4, COUNT / 4)};
    x.t = t_full(&s, x.size, 1, DTYPE_F32, support_device());
    act y = layer_forward(l, &p, x);
    float *values = calloc(COUNT, sizeof *values);
    t_read(&s, y.t, values, COUNT * sizeof *values);
    support_end(&s);
    int dropped = 0;
    for (int i = 0; i < COUNT; i++) {
        if (values[i] == 0)
            dropped++;
        else
            assert_true(values[i] == (float)(1 / 0.75));
    }
    assert_in_range(dropped, COUNT / 4 - 400, COUNT / 4 + 400);
    free(values);
    layer_free(l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(freezing_drops_the_gradient_that_is_there),
        cmocka_unit_test(a_frozen_weight_gets_no_gradient),
        cmocka_unit_test(thawing_gives_the_gradient_back),
        cmocka_unit_test(frozen_weight_stays_bit_identical_with_momentum),
        cmocka_unit_test(blocks_frozen_and_thawed_in_mid_run_learn_the_same_in_either_layout),
        cmocka_unit_test(a_frozen_norm_stays_in_a_training_pass),
        cmocka_unit_test(a_frozen_norm_stays_behind_a_trained_convolution),
        cmocka_unit_test(an_evaluation_moves_no_norm),
        cmocka_unit_test(a_norm_that_moves_in_the_quiet_prefix_still_moves),
        cmocka_unit_test(a_frozen_model_computes_as_in_evaluation),
        cmocka_unit_test(dropout_in_a_frozen_layer_is_off),
        cmocka_unit_test(dropout_is_the_same_for_the_same_step_only),
        cmocka_unit_test(dropout_drops_its_share_and_keeps_the_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
