/*
 * test_winograd.c - convolutions by Winograd's filtering: the values and gradients of direct ones in double.
 *
 * What is computed so is channels_last; other layouts and types go to libtorch. The program runs a second
 * time for the narrower vectors where the processor has both.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/torch/conv_cost.h"
#include "engine/torch/torch.h"
#include "tests/unit/support_torch.h"

static const device cpu = {DEVICE_CPU, 0};

/* It is computed on the CPU only, whatever device the tests are for. */
static void needs_loops(void) {
    if (!torch_about(support_torch())->winograd) skip();
}

static tensor *noise(tscope *s, shape size, dtype type, memory_format format, uint64_t seed) {
    return t_to(s, support_noise(s, size, seed), cpu, type, format);
}

static double distance(tscope *s, tensor *got, tensor *want) {
    got = t_to(s, got, cpu, DTYPE_F64, FORMAT_PRESERVE);
    return t_norm(s, t_sub(s, got, want)) / t_norm(s, want);
}

/* ---- one convolution ---- */

typedef struct conv_case {
    int64_t images, in, out, height, width, padding[2];
    bool bias, contiguous_weight;
} conv_case;

enum { X, WEIGHT, BIAS, OPERANDS, Y = OPERANDS, COMPARED };

typedef struct outcome {
    tensor *of[COMPARED]; /* gradients of the operands, the result */
} outcome;

static conv2d_params params_of(const conv_case *c) {
    return (conv2d_params){
        .stride = {1, 1}, .padding = {c->padding[0], c->padding[1]}, .dilation = {1, 1}, .groups = 1};
}

static shape result_of(const conv_case *c) {
    return SHAPE_4(c->images, c->out, c->height + 2 * c->padding[0] - 2, c->width + 2 * c->padding[1] - 2);
}

static shape weight_of(const conv_case *c) {
    return SHAPE_4(c->out, c->in, 3, 3);
}

static bool suits(const conv_case *c) {
    const conv2d_params p = params_of(c);
    shape w = weight_of(c), y = result_of(c);
    return conv_filtering_saves(w.dim, &p, c->images, y.dim[2], y.dim[3]) > 0;
}

static void operands(tscope *s, const conv_case *c, dtype type, tensor *operand[OPERANDS]) {
    bool exact = type == DTYPE_F64; /* libtorch's own way */
    memory_format format = exact ? FORMAT_CONTIGUOUS : FORMAT_CHANNELS_LAST;
    operand[X] = noise(s, SHAPE_4(c->images, c->in, c->height, c->width), type, format, 1);
    operand[WEIGHT] = noise(s, weight_of(c), type, c->contiguous_weight ? FORMAT_CONTIGUOUS : format, 2);
    operand[BIAS] = c->bias ? noise(s, SHAPE_1(c->out), type, FORMAT_CONTIGUOUS, 3) : NULL;
}

static outcome run(tscope *s, const conv_case *c, dtype type, bool input_trains) {
    const conv2d_params p = params_of(c);
    tensor *operand[OPERANDS];
    operands(s, c, type, operand);
    for (int i = input_trains ? X : WEIGHT; i < OPERANDS; i++)
        if (operand[i]) t_requires_grad_(s, operand[i], true);
    outcome out;
    out.of[Y] = t_conv2d(s, operand[X], operand[WEIGHT], operand[BIAS], &p);
    t_backward(s, t_sum(s, t_mul(s, out.of[Y], noise(s, result_of(c), type, FORMAT_CHANNELS_LAST, 4))));
    for (int i = 0; i < OPERANDS; i++)
        out.of[i] = operand[i] ? t_grad(s, operand[i]) : NULL;
    return out;
}

static void compare(const conv_case *c, bool input_trains) {
    static const char *const name[] = {"x's gradient", "weight's gradient", "bias's gradient", "the result"};
    tscope s = support_begin();
    outcome want = run(&s, c, DTYPE_F64, input_trains), got = run(&s, c, DTYPE_F32, input_trains);
    for (int i = 0; i < COMPARED; i++) {
        assert_true(!want.of[i] == !got.of[i]);
        if (!want.of[i]) continue;
        double far = distance(&s, got.of[i], want.of[i]);
        if (!(far < 5e-6))
            fail_msg("%d images, %d to %d channels, %dx%d, padded %d,%d: %s differs by %g", (int)c->images,
                     (int)c->in, (int)c->out, (int)c->height, (int)c->width, (int)c->padding[0],
                     (int)c->padding[1], name[i], far);
    }
    support_end(&s);
}

/* Few and many tiles and weights, more tiles than are at hand at once, edges of every width, no square. */
static const conv_case cases[] = {
    {8, 32, 32, 12, 12, {1, 1}, false, false},  {3, 64, 32, 33, 29, {1, 1}, true, false},
    {2, 32, 96, 18, 31, {0, 1}, false, true},   {5, 32, 64, 9, 14, {2, 0}, true, true},
    {4, 64, 64, 56, 55, {1, 1}, false, false},  {8, 256, 96, 7, 7, {1, 1}, true, false},
    {10, 512, 64, 20, 18, {1, 1}, true, false}, {16, 128, 160, 6, 5, {1, 1}, false, false},
};

static void values_and_gradients_are_those_of_the_definition(void **state) {
    (void)state;
    needs_loops();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(suits(&cases[i]));
        compare(&cases[i], true);
    }
}

static void an_input_that_needs_no_gradient_has_none(void **state) {
    (void)state;
    needs_loops();
    compare(&cases[1], false);
}

/* Otherwise all tests here could pass because libtorch computes everything. */
static void they_are_used(void **state) {
    (void)state;
    torch *t = support_torch();
    const char *wanted = getenv("THAW_WINOGRAD");
#ifdef __x86_64__
    bool able = __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx2");
#else
    bool able = false;
#endif
    able = able && t->norm_fuses; /* that needs libtorch's threads, too */
    assert_int_equal(torch_about(t)->winograd, able && !(wanted && !strcmp(wanted, "0")));
    needs_loops();
    tscope s = support_begin();
    const conv2d_params p = params_of(&cases[0]);
    tensor *operand[OPERANDS];
    operands(&s, &cases[0], DTYPE_F32, operand);
    tensor *other = t_to(&s, operand[X], cpu, DTYPE_F32, FORMAT_CONTIGUOUS);
    tensor *ours = t_conv2d(&s, operand[X], operand[WEIGHT], NULL, &p);
    assert_false(t_equal(&s, ours, t_conv2d(&s, other, operand[WEIGHT], NULL, &p))); /* it rounds otherwise */
    support_end(&s);
}

/* ---- what comes after ---- */

static void what_comes_after_is_done_on_the_way_out(void **state) {
    (void)state;
    needs_loops();
    static const unary_op ops[] = {UNARY_NONE, UNARY_RELU, UNARY_RELU6, UNARY_SILU, UNARY_HARDSWISH};
    const conv_case c = {8, 64, 96, 13, 10, {1, 1}, true, false};
    const conv2d_params p = params_of(&c);
    shape x = SHAPE_4(c.images, c.in, c.height, c.width);
    for (int i = 0; i < 4 * 5; i++) {
        bool added = i & 1, overwrite = i & 2;
        unary_op op = ops[i / 4];
        if (added && op != UNARY_NONE && op != UNARY_RELU) continue;
        tscope s = support_begin();
        tensor *operand[OPERANDS];
        operands(&s, &c, DTYPE_F32, operand);
        tensor *weight = t_conv2d_fused_weight(&s, operand[WEIGHT], &p, x);
        tensor *sum = added ? noise(&s, result_of(&c), DTYPE_F32, FORMAT_CHANNELS_LAST, 5) : NULL,
               *before = NULL;
        tensor *want = t_conv2d(&s, operand[X], operand[WEIGHT], operand[BIAS], &p);
        if (added) want = t_add(&s, want, sum);
        if (op != UNARY_NONE) want = t_unary(&s, op, want);
        if (added) before = t_clone(&s, sum);
        const conv2d_fusion how = {.sum = sum, .overwrite = overwrite, .activation = op};
        tensor *got = t_conv2d_fused(&s, operand[X], weight, operand[BIAS], &p, &how);
        assert_true(distance(&s, got, t_to(&s, want, cpu, DTYPE_F64, FORMAT_PRESERVE)) < 1e-6);
        if (added && !overwrite) assert_true(t_equal(&s, sum, before));
        support_end(&s);
    }
}

/* Where training has blown up it has to be seen. */
static void what_is_not_a_number_stays_so(void **state) {
    (void)state;
    needs_loops();
    const conv_case c = cases[0];
    const conv2d_params p = params_of(&c);
    tscope s = support_begin();
    tensor *operand[OPERANDS];
    operands(&s, &c, DTYPE_F32, operand);
    tensor *x = t_to(&s, t_full(&s, SHAPE_4(c.images, c.in, c.height, c.width), NAN, DTYPE_F32, cpu), cpu,
                     DTYPE_F32, FORMAT_CHANNELS_LAST);
    tensor *weight = t_conv2d_fused_weight(&s, operand[WEIGHT], &p, t_shape(&s, x));
    const conv2d_fusion relu = {.activation = UNARY_RELU};
    assert_true(isnan(t_norm(&s, t_conv2d_fused(&s, x, weight, NULL, &p, &relu))));
    assert_true(isnan(t_norm(&s, t_conv2d(&s, x, operand[WEIGHT], NULL, &p))));
    support_end(&s);
}

/* Arranged weights are for any image that the convolution is possible for, and for no other. */
static void what_does_not_fit_is_refused(void **state) {
    (void)state;
    needs_loops();
    const conv_case c = {8, 32, 64, 12, 12, {0, 0}, true, false};
    const conv2d_params p = params_of(&c);
    static const struct {
        int64_t x[4], bias, sum[4];
        const char *text;
    } wrong[] = {{{8, 64, 12, 12}, 64, {0}, "images of 32 channels"},
                 {{8, 32, 12, 2}, 64, {0}, "smaller than the kernel"},
                 {{8, 32, 12, 12}, 32, {0}, "each of 64 channels"},
                 {{8, 32, 12, 12}, 64, {8, 64, 12, 12}, "other extents"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        tscope s = support_begin();
        tensor *operand[OPERANDS];
        operands(&s, &c, DTYPE_F32, operand);
        tensor *weight = t_conv2d_fused_weight(&s, operand[WEIGHT], &p, SHAPE_4(8, 32, 12, 12));
        const int64_t *x = wrong[i].x, *sum = wrong[i].sum;
        tensor *image = noise(&s, SHAPE_4(x[0], x[1], x[2], x[3]), DTYPE_F32, FORMAT_CHANNELS_LAST, 6);
        tensor *bias = t_full(&s, SHAPE_1(wrong[i].bias), 0, DTYPE_F32, cpu);
        conv2d_fusion how = {.activation = UNARY_RELU};
        if (sum[0]) how.sum = t_full(&s, SHAPE_4(sum[0], sum[1], sum[2], sum[3]), 0, DTYPE_F32, cpu);
        assert_null(t_conv2d_fused(&s, image, weight, bias, &p, &how));
        support_fails(&s, THAW_ERR_TORCH, wrong[i].text);
    }
    tscope s = support_begin(); /* fewer and smaller than it was arranged for */
    tensor *operand[OPERANDS];
    operands(&s, &c, DTYPE_F32, operand);
    tensor *weight = t_conv2d_fused_weight(&s, operand[WEIGHT], &p, SHAPE_4(8, 32, 12, 12));
    tensor *small = noise(&s, SHAPE_4(1, 32, 3, 4), DTYPE_F32, FORMAT_CHANNELS_LAST, 6);
    tensor *exact =
        t_to(&s, t_conv2d(&s, small, operand[WEIGHT], operand[BIAS], &p), cpu, DTYPE_F64, FORMAT_PRESERVE);
    const conv2d_fusion plain = {.activation = UNARY_NONE};
    assert_true(distance(&s, t_conv2d_fused(&s, small, weight, operand[BIAS], &p, &plain), exact) < 5e-6);
    assert_null(t_conv2d(&s, operand[X], operand[WEIGHT], t_full(&s, SHAPE_1(3), 0, DTYPE_F32, cpu), &p));
    support_fails(&s, THAW_ERR_TORCH, "each of 64 channels");
}

/* ---- what a value depends on ---- */

/* With more threads than there are blocks of channels. */
static void many_threads_compute_the_same(void **state) {
    (void)state;
    needs_loops();
    thaw_status status = thaw_ok();
    support_torch()->api->set_threads(&status, 7);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        compare(&cases[i], true);
    support_torch()->api->set_threads(&status, 2);
}

static void threads_do_not_change_a_bit_of_a_result(void **state) {
    (void)state;
    needs_loops();
    torch *t = support_torch();
    thaw_status status = thaw_ok();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tscope s = support_begin();
        outcome two = run(&s, &cases[i], DTYPE_F32, true);
        for (int threads = 1; threads <= 7; threads += 6) {
            t->api->set_threads(&status, threads);
            outcome other = run(&s, &cases[i], DTYPE_F32, true);
            assert_true(t_equal(&s, other.of[Y], two.of[Y]));
            assert_true(t_equal(&s, other.of[X], two.of[X]));
        }
        t->api->set_threads(&status, 2);
        support_end(&s);
    }
}

/* An image beside others has the bits that it has beside fewer: what is kept of a batch is right for another.
 */
static void other_images_do_not_change_a_bit(void **state) {
    (void)state;
    needs_loops();
    const conv_case c = {40, 64, 64, 15, 15, {1, 1}, false, false};
    const conv2d_params p = params_of(&c);
    tscope s = support_begin();
    tensor *operand[OPERANDS];
    operands(&s, &c, DTYPE_F32, operand);
    tensor *all = t_conv2d(&s, operand[X], operand[WEIGHT], NULL, &p);
    for (int64_t i = 0; i < c.images; i += 4) { /* the other way round the loops, too */
        tensor *some = t_slice(&s, operand[X], 0, i, i + 4, 1);
        assert_true(
            t_equal(&s, t_conv2d(&s, some, operand[WEIGHT], NULL, &p), t_slice(&s, all, 0, i, i + 4, 1)));
    }
    support_end(&s);
}

/* ---- when ---- */

static void only_what_gains_is_computed_so(void **state) {
    (void)state;
    const conv2d_params p = {{1, 1}, {1, 1}, {1, 1}, 1, false};
    const int64_t weight[] = {512, 512, 3, 3};
    assert_true(conv_filtering_saves(weight, &p, 8, 7, 7) > 0);
    assert_int_equal(conv_filtering_saves(weight, &p, 1, 7, 7), 0);  /* mostly weights */
    assert_int_equal(conv_filtering_saves(weight, &p, 64, 2, 2), 0); /* a quarter of a tile */
    assert_int_equal(conv_filtering_saves(weight, &p, 8, 56, 56),
                     (9 * 8 * 3136 - 50 * 8 * 196 - 650) * 512LL * 512);
    static const conv2d_params others[] = {{{2, 1}, {1, 1}, {1, 1}, 1, false},
                                           {{1, 1}, {1, 1}, {1, 2}, 1, false},
                                           {{1, 1}, {1, 3}, {1, 1}, 1, false},
                                           {{1, 1}, {1, 1}, {1, 1}, 2, false}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(conv_filtering_saves(weight, &others[i], 8, 56, 56), 0);
    static const int64_t odd[][4] = {{48, 64, 3, 3}, {64, 3, 3, 3}, {64, 64, 1, 3}, {64, 64, 5, 5}};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        assert_int_equal(conv_filtering_saves(odd[i], &p, 8, 56, 56), 0);
}

/* A second time with the narrower vectors, if this was with the wider ones. */
static void again_for_narrow_vectors(char **argv) {
#ifdef __x86_64__
    if (getenv("THAW_WINOGRAD") || !__builtin_cpu_supports("avx512f")) return;
    printf("once more with AVX2\n");
    fflush(stdout);
    setenv("THAW_WINOGRAD", "avx2", 1);
    execv("/proc/self/exe", argv);
    perror("/proc/self/exe");
    exit(1);
#else
    (void)argv;
#endif
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_used),
        cmocka_unit_test(values_and_gradients_are_those_of_the_definition),
        cmocka_unit_test(an_input_that_needs_no_gradient_has_none),
        cmocka_unit_test(what_comes_after_is_done_on_the_way_out),
        cmocka_unit_test(what_is_not_a_number_stays_so),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(many_threads_compute_the_same),
        cmocka_unit_test(threads_do_not_change_a_bit_of_a_result),
        cmocka_unit_test(other_images_do_not_change_a_bit),
        cmocka_unit_test(only_what_gains_is_computed_so),
    };
    int failed = cmocka_run_group_tests_name("winograd", tests, NULL, NULL);
    if (failed == 0) again_for_narrow_vectors(argv);
    return failed;
}
