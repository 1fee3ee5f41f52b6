/*
 * test_autograd.c - gradients, changes in place that leave none, and mixed precision.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/support_torch.h"

static const conv2d_params same3x3 = {{1, 1}, {1, 1}, {1, 1}, 1, false};

/* A leaf that wants a gradient. */
static tensor *leaf(tscope *s, shape size, const float *values) {
    tensor *x = support_floats(s, size, values);
    t_requires_grad_(s, x, true);
    return x;
}

/* ---- gradients ---- */

static void a_gradient_is_right_by_hand_and_accumulates(void **state) {
    (void)state;
    tscope s = support_begin();
    tensor *w = leaf(&s, SHAPE_1(2), SUPPORT_FLOATS(3, -2));
    assert_null(t_grad(&s, w));
    assert_false(tscope_failed(&s));
    t_backward(&s, t_sum(&s, t_mul(&s, w, w)));
    SUPPORT_EXPECT(&s, t_grad(&s, w), 0, 6, -4);
    t_backward(&s, t_sum(&s, t_scale(&s, w, 10, 0)));
    SUPPORT_EXPECT(&s, t_grad(&s, w), 0, 16, 6);
    support_end(&s);
}

static void a_dropped_gradient_is_gone_not_zero(void **state) {
    (void)state;
    tscope s = support_begin();
    tensor *w = leaf(&s, SHAPE_1(1), SUPPORT_FLOATS(3));
    t_backward(&s, t_sum(&s, t_mul(&s, w, w)));
    assert_non_null(t_grad(&s, w));
    t_drop_grad(&s, w);
    assert_null(t_grad(&s, w));
    t_drop_grad(&s, w); /* twice is fine */
    support_end(&s);
}

static void a_frozen_leaf_gets_no_gradient(void **state) {
    (void)state;
    tscope s = support_begin();
    tensor *w = leaf(&s, SHAPE_1(1), SUPPORT_FLOATS(3)), *v = leaf(&s, SHAPE_1(1), SUPPORT_FLOATS(2));
    t_requires_grad_(&s, w, false);
    t_backward(&s, t_mul(&s, w, v));
    assert_null(t_grad(&s, w));
    SUPPORT_EXPECT(&s, t_grad(&s, v), 0, 3);
    support_end(&s);
}

static void convolution_gradients_agree_with_differences(void **state) {
    (void)state;
    tscope s = support_begin();
    tensor *x =
        t_to(&s, support_noise(&s, SHAPE_4(2, 3, 6, 5), 1), support_device(), DTYPE_F64, FORMAT_PRESERVE);
    tensor *w =
        t_to(&s, support_noise(&s, SHAPE_4(4, 3, 3, 3), 2), support_device(), DTYPE_F64, FORMAT_PRESERVE);
    tensor *direction =
        t_to(&s, support_noise(&s, SHAPE_4(4, 3, 3, 3), 3), support_device(), DTYPE_F64, FORMAT_PRESERVE);
    t_requires_grad_(&s, w, true);
    t_backward(&s, t_sum(&s, t_unary(&s, UNARY_TANH, t_conv2d(&s, x, w, NULL, &same3x3))));
    double slope = t_item(&s, t_sum(&s, t_mul(&s, t_grad(&s, w), direction)));
    double side[2];
    const double step = 1e-5;
    for (int i = 0; i < 2; i++) {
        tensor *moved = t_add(&s, t_detach(&s, w), t_scale(&s, direction, i ? step : -step, 0));
        side[i] = t_item(&s, t_sum(&s, t_unary(&s, UNARY_TANH, t_conv2d(&s, x, moved, NULL, &same3x3))));
    }
    assert_true(fabs(slope - (side[1] - side[0]) / (2 * step)) < 1e-6 * fabs(slope) + 1e-7);
    support_end(&s);
}

static void nothing_is_recorded_while_recording_is_off(void **state) {
    (void)state;
    torch *t = support_torch();
    tscope s = support_begin();
    tensor *w = leaf(&s, SHAPE_1(1), SUPPORT_FLOATS(3));
    assert_true(torch_grad_mode(t, false));
    tensor *y = t_mul(&s, w, w);
    assert_false(torch_grad_mode(t, true));
    t_backward(&s, y);
    support_fails(&s, THAW_ERR_TORCH, "does not require grad");
}

static void a_loss_of_several_numbers_cannot_go_backward(void **state) {
    (void)state;
    tscope s = support_begin();
    t_backward(&s, t_relu(&s, leaf(&s, SHAPE_1(2), SUPPORT_FLOATS(1, 2))));
    support_fails(&s, THAW_ERR_TORCH, "backward: grad can be implicitly created only for scalar outputs");
}

static void a_clone_or_detached_view_is_what_it_says(void **state) {
    (void)state;
    tscope s = support_begin();
    tensor *w = leaf(&s, SHAPE_1(1), SUPPORT_FLOATS(3));
    tensor *clone = t_clone(&s, t_detach(&s, w)), *view = t_detach(&s, w);
    t_fill_(&s, w, 5);
    SUPPORT_EXPECT(&s, clone, 0, 3);
    SUPPORT_EXPECT(&s, view, 0, 5);
    t_backward(&s, t_sum(&s, t_mul(&s, view, view)));
    support_fails(&s, THAW_ERR_TORCH, "does not require grad");
}

/* ---- in place ---- */

static void optimizer_steps_are_right_by_hand_and_leave_no_graph(void **state) {
    (void)state;
    tscope s = support_begin();
    tensor *w = leaf(&s, SHAPE_1(2), SUPPORT_FLOATS(1, 2));
    tensor *a = support_floats(&s, SHAPE_1(2), SUPPORT_FLOATS(3, 4));
    tensor *b = support_floats(&s, SHAPE_1(2), SUPPORT_FLOATS(2, 8));
    t_add_(&s, w, a, -0.5);
    SUPPORT_EXPECT(&s, w, 0, -0.5f, 0);
    t_foreach_addcmul_(&s, &w, &a, &b, 1, 2);
    SUPPORT_EXPECT(&s, w, 0, 11.5f, 64);
    t_foreach_addcdiv_(&s, &w, &a, &b, 1, -1);
    SUPPORT_EXPECT(&s, w, 0, 10, 63.5f);
    t_foreach_scale_(&s, &w, 1, 0.5, 0);
    SUPPORT_EXPECT(&s, w, 0, 5, 31.75f);
    t_foreach_lerp_(&s, &w, &a, 1, 0.25);
    SUPPORT_EXPECT(&s, w, 1e-6f, 4.5f, 24.8125f);
    t_copy_(&s, w, b);
    SUPPORT_EXPECT(&s, w, 0, 2, 8);
    t_fill_(&s, w, 3);
    /* Still a leaf: the gradient is that of the last use alone. */
    t_backward(&s, t_sum(&s, t_mul(&s, w, w)));
    SUPPORT_EXPECT(&s, t_grad(&s, w), 0, 6, 6);
    support_end(&s);
}

/* Also where operands lie in memory otherwise: a 1x1 kernel's strides differ in name only, a 2x2 kernel's do
 * really. */
static void lists_change_as_their_items_would(void **state) {
    (void)state;
    enum { ITEMS = 3, MOST = 16 };
    static const shape sizes[ITEMS] = {
        {.ndim = 1, .dim = {3}}, {.ndim = 4, .dim = {2, 3, 1, 1}}, {.ndim = 4, .dim = {2, 2, 2, 2}}};
    float before[MOST], other[MOST], sum[MOST], root[MOST];
    for (int i = 0; i < MOST; i++) {
        before[i] = (float)i;
        other[i] = (float)(100 + i);
        sum[i] = 3 * before[i] + 1 + 2 * other[i];
        root[i] = sqrtf(sum[i]);
    }
    tscope s = support_begin();
    tensor *x[ITEMS], *y[ITEMS], *roots[ITEMS];
    for (int i = 0; i < ITEMS; i++) {
        x[i] = support_floats(&s, sizes[i], before);
        y[i] = support_floats(&s, sizes[i], other);
        if (sizes[i].ndim != 4) continue;
        tensor *across = t_empty(&s, sizes[i], DTYPE_F32, support_device(), FORMAT_CHANNELS_LAST);
        t_copy_(&s, across, y[i]);
        y[i] = across;
    }
    t_foreach_scale_(&s, x, ITEMS, 3, 1);
    t_foreach_add_(&s, x, y, ITEMS, 2);
    t_foreach_sqrt(&s, x, ITEMS, roots);
    for (int i = 0; i < ITEMS; i++) {
        size_t count = (size_t)shape_elements(&sizes[i]);
        support_expect(&s, x[i], sum, count, 0);
        support_expect(&s, roots[i], root, count, 4e-6f);
    }
    support_end(&s);
}

/* Each pixel is in four windows of four: all of the gradient comes back, in either memory format. */
static void a_padded_average_gives_all_of_the_gradient_back(void **state) {
    (void)state;
    enum { PIXELS = 2 * 4 * 4 };
    float ones[PIXELS];
    for (int i = 0; i < PIXELS; i++)
        ones[i] = 1;
    const pool2d_params p = {
        .kernel = {2, 2}, .stride = {1, 1}, .padding = {1, 1}, .dilation = {1, 1}, .count_include_pad = true};
    static const memory_format format[] = {FORMAT_CONTIGUOUS, FORMAT_CHANNELS_LAST};
    for (int i = 0; i < 2; i++) {
        tscope s = support_begin();
        tensor *x =
            t_to(&s, support_noise(&s, SHAPE_4(1, 2, 4, 4), 3), support_device(), DTYPE_F32, format[i]);
        t_requires_grad_(&s, x, true);
        t_backward(&s, t_sum(&s, t_avg_pool2d(&s, x, &p)));
        support_expect(&s, t_grad(&s, x), ones, PIXELS, 1e-6f);
        support_end(&s);
    }
}

static void a_list_with_a_misfit_fails(void **state) {
    (void)state;
    tscope s = support_begin();
    tensor *x[] = {support_floats(&s, SHAPE_1(1), SUPPORT_FLOATS(1)),
                   support_floats(&s, SHAPE_1(2), SUPPORT_FLOATS(1, 2))};
    tensor *y[] = {x[0], support_floats(&s, SHAPE_1(3), SUPPORT_FLOATS(1, 2, 3))}, *roots[2];
    t_foreach_add_(&s, x, y, 2, 1);
    t_foreach_sqrt(&s, x, 2, roots);
    assert_true(!roots[0] && !roots[1]);
    support_fails(&s, THAW_ERR_TORCH, "foreach_add_: ");
}

static void a_copy_from_a_recorded_tensor_leaves_no_graph(void **state) {
    (void)state;
    tscope s = support_begin();
    tensor *w = leaf(&s, SHAPE_1(1), SUPPORT_FLOATS(3)),
           *copy = t_full(&s, SHAPE_1(1), 0, DTYPE_F32, support_device());
    t_copy_(&s, copy, t_mul(&s, w, w));
    SUPPORT_EXPECT(&s, copy, 0, 9);
    t_backward(&s, copy);
    support_fails(&s, THAW_ERR_TORCH, "does not require grad");
}

static void relu_in_place_is_recorded(void **state) {
    (void)state;
    tscope s = support_begin();
    tensor *w = leaf(&s, SHAPE_1(2), SUPPORT_FLOATS(3, -2)), *y = t_scale(&s, w, 2, 0);
    t_relu_(&s, y);
    SUPPORT_EXPECT(&s, y, 0, 6, 0);
    t_backward(&s, t_sum(&s, y));
    SUPPORT_EXPECT(&s, t_grad(&s, w), 0, 2, 0);
    support_end(&s);
}

static void a_hundred_steps_of_sgd_solve_a_line(void **state) {
    (void)state;
    torch *t = support_torch();
    tscope s = support_begin();
    tensor *x = support_floats(&s, SHAPE_2(4, 1), SUPPORT_FLOATS(-1, 0, 1, 2));
    tensor *y = support_floats(&s, SHAPE_2(4, 1), SUPPORT_FLOATS(-2, 1, 4, 7)); /* 3 x + 1 */
    tensor *w = leaf(&s, SHAPE_2(1, 1), SUPPORT_FLOATS(0)), *b = leaf(&s, SHAPE_1(1), SUPPORT_FLOATS(0));
    int64_t before = torch_live_tensors(t);
    for (int step = 0; step < 100; step++) {
        tscope inner = support_begin();
        tensor *error = t_sub(&inner, t_linear(&inner, x, w, b), y);
        t_drop_grad(&inner, w);
        t_drop_grad(&inner, b);
        t_backward(&inner, t_mean(&inner, t_mul(&inner, error, error), NULL, 0, false));
        t_add_(&inner, w, t_grad(&inner, w), -0.2);
        t_add_(&inner, b, t_grad(&inner, b), -0.2);
        support_end(&inner);
    }
    assert_int_equal(torch_live_tensors(t), before);
    SUPPORT_EXPECT(&s, w, 1e-4f, 3);
    SUPPORT_EXPECT(&s, b, 1e-4f, 1);
    support_end(&s);
}

/* ---- mixed precision ---- */

static void autocast(bool on) {
    thaw_status status = torch_autocast(support_torch(), support_device(), on, DTYPE_BF16);
    if (thaw_failed(&status)) fail_msg("%s", status.message);
}

static void autocast_computes_in_bf16_and_gives_fp32_gradients(void **state) {
    (void)state;
    tscope s = support_begin();
    tensor *x = support_noise(&s, SHAPE_4(2, 8, 12, 12), 1), *w = support_noise(&s, SHAPE_4(8, 8, 3, 3), 2);
    t_requires_grad_(&s, w, true);
    x = t_to(&s, x, support_device(), DTYPE_F32, FORMAT_CHANNELS_LAST);
    tensor *exact = t_conv2d(&s, x, w, NULL, &same3x3);
    autocast(true);
    tensor *narrow = t_conv2d(&s, x, w, NULL, &same3x3);
    autocast(false);
    assert_int_equal(t_dtype(&s, narrow), DTYPE_BF16);
    tensor *error = t_sub(&s, exact, t_to(&s, narrow, support_device(), DTYPE_F32, FORMAT_PRESERVE));
    assert_true(t_norm(&s, error) < 0.01 * t_norm(&s, exact));
    t_backward(&s,
               t_mean(&s, t_to(&s, narrow, support_device(), DTYPE_F32, FORMAT_PRESERVE), NULL, 0, false));
    assert_int_equal(t_dtype(&s, t_grad(&s, w)), DTYPE_F32);
    assert_int_equal(t_dtype(&s, t_conv2d(&s, x, w, NULL, &same3x3)), DTYPE_F32); /* off is off */
    support_end(&s);
}

static void autocast_sees_a_weight_that_changed_between_passes(void **state) {
    (void)state;
    tscope s = support_begin();
    tensor *x = t_full(&s, SHAPE_2(1, 1), 1, DTYPE_F32, support_device()),
           *w = leaf(&s, SHAPE_2(1, 1), SUPPORT_FLOATS(2));
    for (int i = 1; i < 4; i++) {
        t_fill_(&s, w, i);
        autocast(true);
        tensor *y = t_linear(&s, x, w, NULL);
        autocast(false);
        assert_true(t_item(&s, y) == i);
    }
    support_end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gradient_is_right_by_hand_and_accumulates),
        cmocka_unit_test(a_dropped_gradient_is_gone_not_zero),
        cmocka_unit_test(a_frozen_leaf_gets_no_gradient),
        cmocka_unit_test(convolution_gradients_agree_with_differences),
        cmocka_unit_test(nothing_is_recorded_while_recording_is_off),
        cmocka_unit_test(a_loss_of_several_numbers_cannot_go_backward),
        cmocka_unit_test(a_clone_or_detached_view_is_what_it_says),
        cmocka_unit_test(optimizer_steps_are_right_by_hand_and_leave_no_graph),
        cmocka_unit_test(lists_change_as_their_items_would),
        cmocka_unit_test(a_list_with_a_misfit_fails),
        cmocka_unit_test(a_padded_average_gives_all_of_the_gradient_back),
        cmocka_unit_test(a_copy_from_a_recorded_tensor_leaves_no_graph),
        cmocka_unit_test(relu_in_place_is_recorded),
        cmocka_unit_test(a_hundred_steps_of_sgd_solve_a_line),
        cmocka_unit_test(autocast_computes_in_bf16_and_gives_fp32_gradients),
        cmocka_unit_test(autocast_sees_a_weight_that_changed_between_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
