/*
 * test_optimizer.c - updates against torch.optim's own numbers (the same in torch 1.13 and 2.13), and who has
 * a slot.
 *
 * The expected values are those of three weights -0.45, -0.35, -0.25 after five steps with gradients sin(i +
 * step) and the learning rates below, printed by torch with nine digits.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/nn/freeze.h"
#include "engine/train/optimizer.h"
#include "tests/unit/support_torch.h"

enum { CLASSES = 3, STEPS = 5, SEED = 7 };
static const double rates[STEPS] = {0.1, 0.1, 0.05, 0.05, 0.2};
static void expect_ok(thaw_status status) {
    if (thaw_failed(&status)) fail_msg("%s", status.message);
}

static model *make_model(torch *t) {
    model *m;
    expect_ok(model_build("cifar_resnet20", CLASSES, 0, 0, &m));
    expect_ok(model_materialise(m, t, support_device(), false, SEED));
    expect_ok(freeze_commit(m));
    return m;
}

static optimizer *make_optimizer(model *m, const char *assignments[]) {
    thaw_recipe r;
    thaw_recipe_init(&r);
    for (int i = 0; assignments[i]; i++)
        expect_ok(thaw_recipe_set(&r, assignments[i]));
    optimizer *o;
    expect_ok(optimizer_new(&r, m, &o));
    thaw_recipe_clear(&r);
    optimizer_sync(o);
    return o;
}
#define MAKE(m, ...) make_optimizer(m, (const char *[]){__VA_ARGS__, NULL})

/* Make the gradient of W the COUNT numbers of G. */
static void give_gradient(torch *t, tensor *w, const float *g, int count) {
    tscope s;
    tscope_begin(&s, t);
    t_backward(&s, t_sum(&s, t_mul(&s, w, support_floats(&s, SHAPE_1(count), g))));
    support_end(&s);
}

static void give_sine(torch *t, tensor *w, int step) {
    float g[CLASSES];
    for (int i = 0; i < CLASSES; i++)
        g[i] = (float)sin(i + step);
    give_gradient(t, w, g, CLASSES);
}

/* The numbers of the head's bias after STEPS steps of an optimizer. */
static void check_against_torch(const char *assignments[], const float expected[CLASSES]) {
    torch *t = support_torch();
    model *m = make_model(t);
    optimizer *o = make_optimizer(m, assignments);
    param *bias = optimizer_find(o, "linear.bias")->param;
    static const float start[CLASSES] = {-0.45f, -0.35f, -0.25f};
    tscope s;
    tscope_begin(&s, t);
    t_copy_(&s, bias->t, support_floats(&s, SHAPE_1(CLASSES), start));
    for (int step = 0; step < STEPS; step++) {
        give_sine(t, bias->t, step);
        expect_ok(optimizer_step(o, rates[step]));
        assert_null(t_grad(&s, bias->t));
    }
    support_expect(&s, t_detach(&s, bias->t), expected, CLASSES, 2e-7f);
    support_end(&s);
    optimizer_free(o);
    model_free(m);
}
#define CHECK(expected, ...) check_against_torch((const char *[]){__VA_ARGS__, NULL}, expected)

static void sgd_equals_torch(void **state) {
    (void)state;
    static const float plain[] = {-0.435307443f, -0.302507818f, -0.213372305f};
    static const float momentum[] = {-0.8361063f, -0.649346054f, -0.182820871f};
    static const float nesterov[] = {-0.779020131f, -0.567561567f, -0.150388837f};
    CHECK(plain, "optimizer.name=sgd", "optimizer.momentum=0", "optimizer.weight_decay=0");
    CHECK(momentum, "optimizer.name=sgd", "optimizer.momentum=0.9", "optimizer.weight_decay=0.01");
    CHECK(nesterov, "optimizer.name=sgd", "optimizer.momentum=0.9", "optimizer.weight_decay=0.01",
          "optimizer.nesterov=true");
}

static void adam_equals_torch(void **state) {
    (void)state;
    static const float adam[] = {-0.557686985f, -0.585362732f, -0.338306189f};
    static const float adamw[] = {-0.619098067f, -0.523194313f, -0.289170444f};
    CHECK(adam, "optimizer.name=adam", "optimizer.beta1=0.9", "optimizer.beta2=0.999", "optimizer.eps=1e-8",
          "optimizer.weight_decay=0.01");
    CHECK(adamw, "optimizer.name=adamw", "optimizer.beta1=0.8", "optimizer.beta2=0.99", "optimizer.eps=1e-6",
          "optimizer.weight_decay=0.1");
}

static void a_factor_multiplies_the_rate_and_the_last_match_wins(void **state) {
    (void)state;
    torch *t = support_torch();
    model *m = make_model(t);
    optimizer *o = MAKE(m, "layer_lr={\"layer*\": 0.5, \"layer2\": 0.25, \"layer2.0.conv1\": 0.125}");
    assert_true(optimizer_find(o, "conv1.weight")->factor == 1);
    assert_true(optimizer_find(o, "layer1.2.bn2.bias")->factor == 0.5);
    assert_true(optimizer_find(o, "layer2.2.bn2.bias")->factor == 0.25);
    assert_true(optimizer_find(o, "layer2.0.conv1.weight")->factor == 0.125);
    optimizer_free(o);
    model_free(m);
}

static void a_pattern_without_a_layer_names_the_nearest(void **state) {
    (void)state;
    torch *t = support_torch();
    model *m = make_model(t);
    thaw_recipe r;
    thaw_recipe_init(&r);
    expect_ok(thaw_recipe_set(&r, "layer_lr={\"leyer2\": 0.5}"));
    optimizer *o;
    thaw_status status = optimizer_new(&r, m, &o);
    assert_int_equal(status.code, THAW_ERR_NOT_FOUND);
    assert_non_null(strstr(status.message, "\"layer2\""));
    thaw_recipe_clear(&r);
    model_free(m);
}

static void decay_can_leave_out_norms_and_biases(void **state) {
    (void)state;
    torch *t = support_torch();
    model *m = make_model(t);
    optimizer *o = MAKE(m, "optimizer.weight_decay=0.1", "optimizer.decay_norm_and_bias=false");
    assert_true(optimizer_find(o, "conv1.weight")->decays);
    assert_true(optimizer_find(o, "linear.weight")->decays);
    assert_false(optimizer_find(o, "linear.bias")->decays);
    assert_false(optimizer_find(o, "bn1.weight")->decays);
    assert_false(optimizer_find(o, "bn1.bias")->decays);
    optimizer_free(o);
    o = MAKE(m, "optimizer.weight_decay=0.1");
    assert_true(optimizer_find(o, "bn1.bias")->decays && optimizer_find(o, "linear.bias")->decays);
    optimizer_free(o);
    model_free(m);
}

static void only_trainable_parameters_have_slots(void **state) {
    (void)state;
    torch *t = support_torch();
    model *m = make_model(t);
    optimizer *o = MAKE(m, "optimizer.momentum=0.9");
    size_t all = optimizer_count(o);
    assert_null(optimizer_find(o, "bn1.running_mean"));
    freeze_layer(model_find(m, "layer1"), THAW_FROZEN);
    freeze_layer(model_find(m, "layer2"), THAW_STATS_MOVING);
    expect_ok(freeze_commit(m));
    optimizer_sync(o);
    assert_null(optimizer_find(o, "layer1.0.conv1.weight"));
    assert_null(optimizer_find(o, "layer2.0.bn1.weight"));
    assert_non_null(optimizer_find(o, "layer3.0.conv1.weight"));
    assert_true(optimizer_count(o) < all);
    optimizer_free(o);
    model_free(m);
}

/* Those that stay keep their momentum; those that come back start anew. */
static void state_leaves_with_the_parameter_and_returns_fresh(void **state) {
    (void)state;
    torch *t = support_torch();
    model *m = make_model(t);
    optimizer *o = MAKE(m, "optimizer.momentum=0.9");
    param *bias = optimizer_find(o, "linear.bias")->param, *norm = optimizer_find(o, "bn1.bias")->param;
    give_sine(t, bias->t, 1);
    float ones[16];
    for (int i = 0; i < 16; i++)
        ones[i] = 1;
    give_gradient(t, norm->t, ones, 16);
    expect_ok(optimizer_step(o, 0.1));
    assert_non_null(optimizer_find(o, "bn1.bias")->state[0]);

    freeze_layer(model_find(m, "bn1"), THAW_FROZEN);
    expect_ok(freeze_commit(m));
    optimizer_sync(o);
    assert_null(optimizer_find(o, "bn1.bias"));
    assert_non_null(optimizer_find(o, "linear.bias")->state[0]);
    assert_int_equal(optimizer_find(o, "linear.bias")->steps, 1);

    freeze_layer(model_find(m, "bn1"), THAW_TRAINABLE);
    expect_ok(freeze_commit(m));
    optimizer_sync(o);
    assert_null(optimizer_find(o, "bn1.bias")->state[0]);
    assert_int_equal(optimizer_find(o, "bn1.bias")->steps, 0);
    optimizer_free(o);
    model_free(m);
}

static void a_checkpoint_of_another_shape_or_key_is_refused(void **state) {
    (void)state;
    torch *t = support_torch();
    model *m = make_model(t);
    optimizer *o = MAKE(m, "optimizer.momentum=0.9");
    static const float values[4] = {1, 2, 3, 4};
    shape right = SHAPE_1(CLASSES), wrong = SHAPE_1(4);
    expect_ok(optimizer_restore(o, "linear.bias", "momentum_buffer", &right, values));
    thaw_status status = optimizer_restore(o, "linear.bias", "momentum_buffer", &wrong, values);
    assert_int_equal(status.code, THAW_ERR_SHAPE);
    assert_non_null(strstr(status.message, "linear.bias"));
    status = optimizer_restore(o, "linear.bias", "exp_avg", &right, values);
    assert_int_equal(status.code, THAW_ERR_FORMAT);
    status = optimizer_restore(o, "nowhere.bias", "momentum_buffer", &right, values);
    assert_int_equal(status.code, THAW_ERR_FORMAT);
    status = optimizer_restore_steps(o, "bn1.running_mean", 3);
    assert_int_equal(status.code, THAW_ERR_FORMAT);
    optimizer_free(o);
    model_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sgd_equals_torch),
        cmocka_unit_test(adam_equals_torch),
        cmocka_unit_test(a_factor_multiplies_the_rate_and_the_last_match_wins),
        cmocka_unit_test(a_pattern_without_a_layer_names_the_nearest),
        cmocka_unit_test(decay_can_leave_out_norms_and_biases),
        cmocka_unit_test(only_trainable_parameters_have_slots),
        cmocka_unit_test(state_leaves_with_the_parameter_and_returns_fresh),
        cmocka_unit_test(a_checkpoint_of_another_shape_or_key_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
