/*
 * test_ops.c - operations against numbers worked out by hand.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/support_torch.h"

static const conv2d_params same3x3 = {{1, 1}, {1, 1}, {1, 1}, 1, false};

/* ---- layers ---- */

static void convolution_is_right_by_hand(void **state) {
    (void)state;
    tscope s = support_begin();
    tensor *x = support_floats(&s, SHAPE_4(1, 1, 3, 3), SUPPORT_FLOATS(1, 2, 3, 4, 5, 6, 7, 8, 9));
    tensor *w = support_floats(&s, SHAPE_4(1, 1, 3, 3), SUPPORT_FLOATS(0, 1, 0, 0, 2, 0, 0, 0, -1));
    tensor *b = support_floats(&s, SHAPE_1(1), SUPPORT_FLOATS(0.5f));
    /* 2 centre + above - lower right, zeros outside */
    SUPPORT_EXPECT(&s, t_conv2d(&s, x, w, NULL, &same3x3), 0, 2 - 5, 4 - 6, 6, 8 + 1 - 8, 10 + 2 - 9, 12 + 3,
                   14 + 4, 16 + 5, 18 + 6);
    conv2d_params strided = {{2, 2}, {1, 1}, {1, 1}, 1, false};
    SUPPORT_EXPECT(&s, t_conv2d(&s, x, w, b, &strided), 0, -2.5f, 6.5f, 18.5f, 24.5f);
    conv2d_params dilated = {{1, 1}, {2, 2}, {2, 2}, 1, false};
    SUPPORT_EXPECT(&s, t_slice(&s, t_flatten(&s, t_conv2d(&s, x, w, NULL, &dilated), 0), 0, 0, 3, 1), 0,
                   2 - 9, 4, 6);
    support_end(&s);
}

static void grouped_and_depthwise_convolutions_keep_channels_apart(void **state) {
    (void)state;
    tscope s = support_begin();
    tensor *x = support_floats(&s, SHAPE_4(1, 2, 1, 2), SUPPORT_FLOATS(1, 2, 10, 20));
    tensor *w = support_floats(&s, SHAPE_4(2, 1, 1, 1), SUPPORT_FLOATS(3, 5));
    conv2d_params depthwise = {{1, 1}, {0, 0}, {1, 1}, 2, false};
    SUPPORT_EXPECT(&s, t_conv2d(&s, x, w, NULL, &depthwise), 0, 3, 6, 50, 100);
    support_end(&s);
}

static void layout_does_not_change_a_convolution(void **state) {
    (void)state;
    tscope s = support_begin();
    tensor *x = support_noise(&s, SHAPE_4(2, 16, 13, 11), 1), *w = support_noise(&s, SHAPE_4(8, 16, 3, 3), 2);
    tensor *plain = t_conv2d(&s, x, w, NULL, &same3x3);
    tensor *last = t_conv2d(&s, t_to(&s, x, support_device(), DTYPE_F32, FORMAT_CHANNELS_LAST),
                            t_to(&s, w, support_device(), DTYPE_F32, FORMAT_CHANNELS_LAST), NULL, &same3x3);
    assert_null(t_data(&s, last, FORMAT_CONTIGUOUS)); /* stays channels_last */
    assert_true(t_norm(&s, t_sub(&s, plain, last)) < 1e-5 * t_norm(&s, plain));
    support_end(&s);
}

static void the_same_convolution_gives_the_same_bits(void **state) {
    (void)state;
    tscope s = support_begin();
    tensor *x = support_noise(&s, SHAPE_4(8, 32, 28, 28), 1),
           *w = support_noise(&s, SHAPE_4(32, 32, 3, 3), 2);
    tensor *first = NULL, *first_grad = NULL;
    t_requires_grad_(&s, w, true);
    for (int round = 0; round < 3; round++) {
        tensor *y = t_relu(&s, t_conv2d(&s, x, w, NULL, &same3x3));
        t_drop_grad(&s, w);
        t_backward(&s, t_mean(&s, y, NULL, 0, false));
        tensor *grad = t_clone(&s, t_grad(&s, w));
        if (round) assert_true(t_equal(&s, y, first) && t_equal(&s, grad, first_grad));
        first = y;
        first_grad = grad;
    }
    support_end(&s);
}

static void linear_and_matmul_are_right_by_hand(void **state) {
    (void)state;
    tscope s = support_begin();
    tensor *x = support_floats(&s, SHAPE_2(1, 3), SUPPORT_FLOATS(1, 2, 3));
    tensor *w = support_floats(&s, SHAPE_2(2, 3), SUPPORT_FLOATS(1, 0, -1, 2, 2, 2));
    SUPPORT_EXPECT(&s, t_linear(&s, x, w, NULL), 0, -2, 12);
    SUPPORT_EXPECT(&s, t_linear(&s, x, w, support_floats(&s, SHAPE_1(2), SUPPORT_FLOATS(0.5f, -1))), 0, -1.5f,
                   11);
    SUPPORT_EXPECT(&s, t_matmul(&s, w, t_permute(&s, x, (int64_t[]){1, 0}, 2)), 0, -2, 12);
    support_end(&s);
}

static void normalisations_are_right_by_hand(void **state) {
    (void)state;
    tscope s = support_begin();
    tensor *x = support_floats(&s, SHAPE_2(1, 4), SUPPORT_FLOATS(1, 2, 3, 4));
    tensor *two = t_full(&s, SHAPE_1(4), 2, DTYPE_F32, support_device()),
           *one = t_full(&s, SHAPE_1(4), 1, DTYPE_F32, support_device());
    const float r = 1 / sqrtf(1.25f);
    SUPPORT_EXPECT(&s, t_layer_norm(&s, x, 1, two, one, 0), 1e-6f, 1 - 3 * r, 1 - r, 1 + r, 1 + 3 * r);
    tensor *mean = support_floats(&s, SHAPE_1(4), SUPPORT_FLOATS(1, 1, 1, 1)),
           *var = t_full(&s, SHAPE_1(4), 4, DTYPE_F32, support_device());
    SUPPORT_EXPECT(&s, t_batch_norm(&s, x, two, one, mean, var, false, 0.1, 0), 1e-6f, 1, 2, 3, 4);
    SUPPORT_EXPECT(&s, mean, 0, 1, 1, 1, 1);
    assert_null(t_layer_norm(&s, x, 3, NULL, NULL, 0));
    support_fails(&s, THAW_ERR_TORCH, "cannot normalise over the last 3 of 2 dimensions");
}

static void batch_norm_in_training_moves_its_statistics_as_torch_does(void **state) {
    (void)state;
    tscope s = support_begin();
    tensor *x = support_floats(&s, SHAPE_4(2, 1, 1, 2),
                               SUPPORT_FLOATS(1, 2, 3, 6)); /* mean 3, variance 3.5 or unbiased 14/3 */
    tensor *mean = t_full(&s, SHAPE_1(1), 0, DTYPE_F32, support_device()),
           *var = t_full(&s, SHAPE_1(1), 1, DTYPE_F32, support_device());
    tensor *y = t_batch_norm(&s, x, NULL, NULL, mean, var, true, 0.1, 0);
    const float d = sqrtf(3.5f);
    SUPPORT_EXPECT(&s, y, 1e-6f, -2 / d, -1 / d, 0, 3 / d);
    SUPPORT_EXPECT(&s, mean, 1e-6f, 0.3f);
    SUPPORT_EXPECT(&s, var, 1e-6f, 0.9f + 0.1f * 14 / 3);
    support_end(&s);
}

static void pools_are_right_by_hand(void **state) {
    (void)state;
    tscope s = support_begin();
    tensor *x = support_floats(&s, SHAPE_4(1, 1, 3, 3), SUPPORT_FLOATS(1, 2, 3, 4, 5, 6, 7, 8, 9));
    pool2d_params p = {.kernel = {2, 2}, .stride = {2, 2}, .dilation = {1, 1}};
    SUPPORT_EXPECT(&s, t_max_pool2d(&s, x, &p), 0, 5);
    SUPPORT_EXPECT(&s, t_avg_pool2d(&s, x, &p), 0, 3);
    p.ceil_mode = true;
    SUPPORT_EXPECT(&s, t_max_pool2d(&s, x, &p), 0, 5, 6, 8, 9);
    p = (pool2d_params){.kernel = {2, 2}, .stride = {2, 2}, .padding = {1, 1}, .dilation = {1, 1}};
    SUPPORT_EXPECT(&s, t_avg_pool2d(&s, x, &p), 0, 1, 2.5f, 5.5f, 7);
    p.count_include_pad = true;
    SUPPORT_EXPECT(&s, t_avg_pool2d(&s, x, &p), 0, 0.25f, 1.25f, 2.75f, 7);
    SUPPORT_EXPECT(&s, t_adaptive_avg_pool2d(&s, x, 1, 1), 0, 5);
    SUPPORT_EXPECT(&s, t_adaptive_max_pool2d(&s, x, 1, 3), 0, 7, 8, 9);
    support_end(&s);
}

static void activations_are_right_by_hand(void **state) {
    (void)state;
    static const struct {
        unary_op op;
        double x, y;
    } row[] = {
        {UNARY_RELU, -1, 0},
        {UNARY_RELU, 7, 7},
        {UNARY_RELU6, 7, 6},
        {UNARY_SIGMOID, 1, 0.731058578630005},
        {UNARY_SILU, 1, 0.731058578630005},
        {UNARY_HARDSWISH, 1, 4.0 / 6},
        {UNARY_HARDSWISH, -4, 0},
        {UNARY_HARDSIGMOID, 1, 4.0 / 6},
        {UNARY_GELU, 1, 0.841344746068543},
        {UNARY_TANH, 1, 0.761594155955765},
        {UNARY_SQRT, 9, 3},
        {UNARY_EXP, 1, 2.718281828459045},
        {UNARY_LOG, 2, 0.693147180559945},
        {UNARY_ABS, -2, 2},
        {UNARY_NEG, 2, -2},
    };
    bool seen[UNARY_COUNT] = {false};
    const double close = support_device().kind == DEVICE_CPU ? 1e-12 : 1e-7; /* CUDA's 1 / 6 is a float */
    tscope s = support_begin();
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        double y =
            t_item(&s, t_unary(&s, row[i].op, t_full(&s, SHAPE_0(), row[i].x, DTYPE_F64, support_device())));
        if (!(fabs(y - row[i].y) < close)) fail_msg("function %d of %g is %.15g", row[i].op, row[i].x, y);
        seen[row[i].op] = true;
    }
    for (int op = 0; op < UNARY_COUNT; op++)
        assert_true(seen[op]);
    assert_null(t_unary(&s, UNARY_COUNT, t_full(&s, SHAPE_0(), 1, DTYPE_F32, support_device())));
    support_fails(&s, THAW_ERR_TORCH, "no such function");
}

static void cross_entropy_is_right_by_hand(void **state) {
    (void)state;
    tscope s = support_begin();
    tensor *logits = support_floats(&s, SHAPE_2(2, 2), SUPPORT_FLOATS(0, 0, 0, logf(3)));
    tensor *target = t_from_data(&s, SHAPE_1(2), DTYPE_I64, (int64_t[]){0, 1}, support_device());
    const double plain = (log(2) + log(4.0 / 3)) / 2;
    assert_true(fabs(t_item(&s, t_cross_entropy(&s, logits, target, 0)) - plain) < 1e-6);
    /* smoothing a: (1 - a) of the right class and a / 2 of both */
    const double smooth = 0.8 * plain + 0.2 * (log(2) + (log(4) + log(4.0 / 3)) / 2) / 2;
    assert_true(fabs(t_item(&s, t_cross_entropy(&s, logits, target, 0.2)) - smooth) < 1e-6);
    tensor *narrow =
        t_cross_entropy(&s, t_to(&s, logits, support_device(), DTYPE_BF16, FORMAT_PRESERVE), target, 0);
    assert_int_equal(t_dtype(&s, narrow), DTYPE_F32);
    SUPPORT_EXPECT(&s, t_softmax(&s, logits, 1), 1e-6f, 0.5f, 0.5f, 0.25f, 0.75f);
    SUPPORT_EXPECT(&s, t_log_softmax(&s, logits, 1), 1e-6f, -logf(2), -logf(2), -logf(4), logf(0.75f));
    if (support_device().kind != DEVICE_CPU) { /* an assertion in a kernel ends the use of the device */
        support_end(&s);
        return;
    }
    tensor *wrong = t_from_data(&s, SHAPE_1(2), DTYPE_I64, (int64_t[]){0, 2}, support_device());
    assert_null(t_cross_entropy(&s, logits, wrong, 0));
    support_fails(&s, THAW_ERR_TORCH, "cross_entropy: Target 2 is out of bounds");
}

/* ---- arithmetic and shape ---- */

static void arithmetic_broadcasts(void **state) {
    (void)state;
    tscope s = support_begin();
    tensor *a = support_floats(&s, SHAPE_2(2, 2), SUPPORT_FLOATS(1, 2, 3, 4)),
           *b = support_floats(&s, SHAPE_1(2), SUPPORT_FLOATS(10, 20));
    SUPPORT_EXPECT(&s, t_add(&s, a, b), 0, 11, 22, 13, 24);
    SUPPORT_EXPECT(&s, t_sub(&s, a, b), 0, -9, -18, -7, -16);
    SUPPORT_EXPECT(&s, t_mul(&s, a, b), 0, 10, 40, 30, 80);
    SUPPORT_EXPECT(&s, t_div(&s, b, a), 1e-6f, 10, 10, 10.0f / 3, 5);
    SUPPORT_EXPECT(&s, t_scale(&s, a, 2, 0.5), 0, 2.5f, 4.5f, 6.5f, 8.5f);
    SUPPORT_EXPECT(&s, t_sum(&s, a), 0, 10);
    SUPPORT_EXPECT(&s, t_mean(&s, a, NULL, 0, false), 0, 2.5f);
    SUPPORT_EXPECT(&s, t_mean(&s, a, (int64_t[]){0}, 1, false), 0, 2, 3);
    support_expect_shape(&s, t_mean(&s, a, (int64_t[]){0, 1}, 2, true), SHAPE_2(1, 1));
    assert_true(fabs(t_norm(&s, a) - sqrt(30)) < 1e-6);
    assert_true(fabs(t_norm(&s, t_to(&s, a, support_device(), DTYPE_BF16, FORMAT_PRESERVE)) - sqrt(30)) <
                1e-6);
    support_end(&s);
}

static void shapes_change_as_asked(void **state) {
    (void)state;
    tscope s = support_begin();
    tensor *a = support_floats(&s, SHAPE_2(2, 3), SUPPORT_FLOATS(1, 2, 3, 4, 5, 6));
    SUPPORT_EXPECT(&s, t_permute(&s, a, (int64_t[]){1, 0}, 2), 0, 1, 4, 2, 5, 3, 6);
    SUPPORT_EXPECT(&s, t_cat(&s, (tensor *[]){a, a}, 2, 1), 0, 1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6);
    SUPPORT_EXPECT(&s, t_slice(&s, a, 1, 0, 3, 2), 0, 1, 3, 4, 6);
    SUPPORT_EXPECT(&s, t_slice(&s, a, 1, -1, INT64_MAX, 1), 0, 3, 6);
    SUPPORT_EXPECT(
        &s,
        t_index_select(&s, a, 0,
                       t_from_data(&s, SHAPE_1(3), DTYPE_I64, (int64_t[]){1, 0, 1}, support_device())),
        0, 4, 5, 6, 1, 2, 3, 4, 5, 6);
    SUPPORT_EXPECT(&s, t_pad(&s, a, (int64_t[]){1, 0}, 2, 9), 0, 9, 1, 2, 3, 9, 4, 5, 6);
    support_expect_shape(&s, t_reshape(&s, a, SHAPE_3(3, 1, -1)), SHAPE_3(3, 1, 2));
    support_expect_shape(&s, t_flatten(&s, t_reshape(&s, a, SHAPE_3(1, 2, 3)), 1), SHAPE_2(1, 6));
    assert_null(t_reshape(&s, a, SHAPE_2(4, 2)));
    support_fails(&s, THAW_ERR_TORCH, "reshape: shape '[4, 2]' is invalid for input of size 6");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolution_is_right_by_hand),
        cmocka_unit_test(grouped_and_depthwise_convolutions_keep_channels_apart),
        cmocka_unit_test(layout_does_not_change_a_convolution),
        cmocka_unit_test(the_same_convolution_gives_the_same_bits),
        cmocka_unit_test(linear_and_matmul_are_right_by_hand),
        cmocka_unit_test(normalisations_are_right_by_hand),
        cmocka_unit_test(batch_norm_in_training_moves_its_statistics_as_torch_does),
        cmocka_unit_test(pools_are_right_by_hand),
        cmocka_unit_test(activations_are_right_by_hand),
        cmocka_unit_test(cross_entropy_is_right_by_hand),
        cmocka_unit_test(arithmetic_broadcasts),
        cmocka_unit_test(shapes_change_as_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
