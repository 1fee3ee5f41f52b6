/*
 * test_precision.c - bf16 on the CPU: a step of training, freezing and folding in mixed precision do what
 * they do in float32, to bf16's two or three digits. Where the processor has no bf16 this is slow and still
 * right.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/nn/fold.h"
#include "engine/train/learner.h"
#include "tests/unit/support_model.h"
#include "tests/unit/support_torch.h"

/* ‖GOT - WANT‖ / ‖WANT‖ */
static double distance(tscope *s, tensor *got, tensor *want) {
    return t_norm(s, t_sub(s, got, want)) / t_norm(s, want);
}

/* ---- training ---- */

enum { DEEP, HEAD, WATCHED };
static const char *const watched[WATCHED] = {"layer3.0.conv1", "linear"};

typedef struct outcome {
    model *m;
    double loss;
    tensor *first[WATCHED]; /* the weights before the step */
} outcome;

/* One step of plain SGD on fixed images, with what FROZEN names frozen. */
static outcome step_once(bool bf16, const char *frozen) {
    image_batch batch = support_images();

    outcome o = {.m = support_model(NULL)};
    thaw_recipe recipe;
    thaw_recipe_init(&recipe);
    optimizer *sgd;
    assert_false(optimizer_new(&recipe, o.m, &sgd).code);
    learner l = {.model = o.m, .optimizer = sgd, .bf16 = bf16};
    support_mask(o.m, frozen, NULL);
    assert_false(learner_mask_changed(&l).code);
    for (int i = 0; i < WATCHED; i++)
        o.first[i] = support_copy(o.m, watched[i], "weight");
    thaw_status status = learner_step(&l, &batch, 0, 0.05, NULL, &o.loss);
    if (thaw_failed(&status)) fail_msg("%s", status.message);
    learner_clear(&l);
    optimizer_free(sgd);
    thaw_recipe_clear(&recipe);
    return o;
}

static void outcome_clear(outcome *o) {
    for (int i = 0; i < WATCHED; i++)
        tensor_free(o->m->torch, o->first[i]);
    model_free(o->m);
}

/* How far the step moved a weight. */
static tensor *outcome_update(tscope *s, outcome *o, int which) {
    return t_sub(s, t_detach(s, support_param(o->m, watched[which], "weight")->t), o->first[which]);
}

static void expect_update(tscope *s, outcome *exact, outcome *narrow, int which, double tolerance) {
    double far = distance(s, outcome_update(s, narrow, which), outcome_update(s, exact, which));
    if (!(far < tolerance)) fail_msg("the update of %s differs by %g of its length", watched[which], far);
}

/* Rounding adds up on the way down from the loss, and this network has seen nothing yet: the head is held to
   bf16's digits, a convolution deep below to the direction (one that has nothing to do with the right one is
   at 1.4). */
static void compare_steps(const char *frozen) {
    outcome exact = step_once(false, frozen), narrow = step_once(true, frozen);
    tscope s;
    tscope_begin(&s, exact.m->torch);
    assert_true(narrow.loss != exact.loss); /* it was another computation */
    assert_true(narrow.loss > 0.97 * exact.loss && narrow.loss < 1.03 * exact.loss);
    assert_int_equal(t_dtype(&s, support_param(narrow.m, watched[DEEP], "weight")->t), DTYPE_F32);
    expect_update(&s, &exact, &narrow, HEAD, 0.1);
    expect_update(&s, &exact, &narrow, DEEP, 0.7);
    support_end(&s);
    outcome_clear(&exact);
    outcome_clear(&narrow);
}

static void a_step_in_bf16_is_that_in_float32_to_rounding(void **state) {
    (void)state;
    compare_steps(NULL);
}

static void a_step_behind_a_frozen_prefix_is_too(void **state) {
    (void)state;
    compare_steps("conv1,bn1,layer1,layer2");
}

static void a_frozen_weight_stays_bit_identical_in_bf16(void **state) {
    (void)state;
    outcome o = step_once(true, "layer3");
    assert_true(support_same(o.m, watched[DEEP], "weight", o.first[DEEP]));
    assert_false(support_has_grad(o.m, watched[DEEP], "weight"));
    outcome_clear(&o);
}

/* ---- folding ---- */

/* Evaluation logits in float32; RECORDING while parameters are trainable keeps layers from folding. */
static tensor *evaluate(tscope *s, model *m, bool bf16, bool recording) {
    bool before = torch_grad_mode(m->torch, recording);
    if (bf16) tscope_fail(s, torch_autocast(m->torch, support_device(), true, DTYPE_BF16));
    tensor *y = support_forward(m, s, false, 0);
    if (bf16) tscope_fail(s, torch_autocast(m->torch, support_device(), false, DTYPE_BF16));
    torch_grad_mode(m->torch, before);
    return t_to(s, t_detach(s, y), support_device(), DTYPE_F32, FORMAT_PRESERVE);
}

static void a_convolution_and_its_norm_fold_in_bf16(void **state) {
    (void)state;
    model *m = support_model(NULL);
    tscope s;
    tscope_begin(&s, m->torch);
    param *mean = support_param(m, "layer1.0.bn1", "running_mean");
    t_add_(&s, mean->t, support_noise(&s, mean->size, 3), 0.4); /* something to fold */
    tensor *exact = evaluate(&s, m, false, true), *narrow = evaluate(&s, m, true, true);
    const layer *conv = model_find(m, "layer1.0.conv1");
    assert_null(conv->folded);
    tensor *folded = evaluate(&s, m, true, false);
    assert_non_null(conv->folded);
    assert_int_equal(t_dtype(&s, conv->folded->weight), DTYPE_BF16);
    assert_true(distance(&s, narrow, exact) < 0.05);
    assert_true(distance(&s, folded, exact) < 0.05);
    assert_true(distance(&s, folded, narrow) > 0);
    support_end(&s);
    model_free(m);
}

/* ---- depthwise convolutions, whose gradients oneDNN is slow with in bf16 ---- */

static const device cpu = {DEVICE_CPU, 0};

static void a_convolution_as_given_stays_in_float32(void **state) {
    (void)state;
    torch *t = support_torch();
    const conv2d_params narrow = {{1, 1}, {0, 0}, {1, 1}, 1, false},
                        given = {{1, 1}, {0, 0}, {1, 1}, 1, true};
    tscope s = support_begin();
    tensor *x = t_full(&s, SHAPE_4(1, 1, 1, 1), 1 + 1.0 / 1024, DTYPE_F32, cpu);
    assert_false(torch_autocast(t, cpu, true, DTYPE_BF16).code);
    tensor *rounded = t_conv2d(&s, x, x, NULL, &narrow), *exact = t_conv2d(&s, x, x, NULL, &given);
    tensor *after = t_conv2d(&s, x, x, NULL, &narrow); /* only that one call was left out */
    assert_false(torch_autocast(t, cpu, false, DTYPE_BF16).code);
    assert_int_equal(t_dtype(&s, rounded), DTYPE_BF16);
    assert_int_equal(t_dtype(&s, exact), DTYPE_F32);
    assert_int_equal(t_dtype(&s, after), DTYPE_BF16);
    assert_true(t_item(&s, exact) > 1.0019);
    support_end(&s);
}

/* 24 channels convolved each by its own KERNEL x KERNEL weights, two pixels a step. */
static model *depthwise_model(int64_t kernel) {
    model *m = xcalloc(1, sizeof *m);
    static const arch nothing = {.name = "depthwise", .input = 9};
    m->arch = &nothing;
    m->classes = 24;
    m->root = layer_root(&kind_sequential);
    const conv_spec spec = {
        .in = 24, .out = 24, .kernel = {kernel, kernel}, .stride = {2, 2}, .padding = {1, 1}, .groups = 24};
    model_stage(m, nn_conv2d(m->root, "stem", 3, 24, 3, 1, 1));
    model_stage(m, nn_conv2d_with(m->root, "depthwise", spec));
    model_stage(m, nn_adaptive_avg_pool2d(m->root, "pool", 1, 1));
    m->head = nn_flatten(m->root, "head", 1);
    model_stage(m, m->head);
    model_number(m);
    assert_false(model_trace(m, 9, 9).code);
    assert_false(model_materialise(m, support_torch(), cpu, true, 1).code);
    support_mask(m, NULL, NULL);
    return m;
}

/* The gradient of its weights, computed in TYPE; the result's own type is left in RESULT. */
static tensor *depthwise_gradient(tscope *s, model *m, dtype type, dtype *result) {
    pass p = {.scope = s, .training = true};
    tensor *x = t_to(s, support_noise(s, SHAPE_4(4, 3, 9, 9), 1), cpu, DTYPE_F32, FORMAT_CHANNELS_LAST);
    if (type == DTYPE_BF16) assert_false(torch_autocast(m->torch, cpu, true, type).code);
    tensor *y = model_forward(m, &p, (act){.size = t_shape(s, x), .t = x}, 0, m->stage_count).t;
    if (type == DTYPE_BF16) assert_false(torch_autocast(m->torch, cpu, false, type).code);
    *result = t_dtype(s, y);
    t_backward(s, t_sum(s, t_mul(s, y, y)));
    tensor *weight = support_param(m, "depthwise", "weight")->t, *grad = t_clone(s, t_grad(s, weight));
    t_drop_grad(s, weight);
    t_drop_grad(s, support_param(m, "stem", "weight")->t);
    return grad;
}

static void depthwise_convolutions_in_bf16_have_the_gradient_of_float32(void **state) {
    (void)state;
    for (int64_t kernel = 3; kernel <= 7; kernel += 2) {
        model *m = depthwise_model(kernel);
        tscope s = support_begin();
        dtype exact, narrow;
        tensor *want = depthwise_gradient(&s, m, DTYPE_F32, &exact),
               *got = depthwise_gradient(&s, m, DTYPE_BF16, &narrow);
        assert_int_equal(exact, DTYPE_F32);
        assert_int_equal(narrow, DTYPE_BF16); /* what follows is as it would be */
        double far = distance(&s, got, want);
        if (!(far < 0.03)) fail_msg("a kernel of %d: the gradient differs by %g", (int)kernel, far);
        support_end(&s);
        model_free(m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_in_bf16_is_that_in_float32_to_rounding),
        cmocka_unit_test(a_step_behind_a_frozen_prefix_is_too),
        cmocka_unit_test(a_frozen_weight_stays_bit_identical_in_bf16),
        cmocka_unit_test(a_convolution_and_its_norm_fold_in_bf16),
        cmocka_unit_test(a_convolution_as_given_stays_in_float32),
        cmocka_unit_test(depthwise_convolutions_in_bf16_have_the_gradient_of_float32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
