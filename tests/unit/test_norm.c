/*
 * test_norm.c - a batch norm in one pass with what follows: the values, gradients and statistics of one after
 * the other.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/torch/torch.h"
#include "tests/unit/support_model.h"
#include "tests/unit/support_torch.h"

static const device cpu = {DEVICE_CPU, 0};

/* It is computed on the CPU only, whatever device the tests are for. */
static void needs_loops(void) {
    if (!torch_batch_norm_fuses(support_torch(), cpu)) skip();
}

static tensor *placed(tscope *s, tensor *x) {
    return t_to(s, x, cpu, DTYPE_F32, FORMAT_PRESERVE);
}

/* ---- one norm ---- */

typedef struct norm_case {
    shape size;
    dtype type;
    bool training, sum;
    unary_op activation;
} norm_case;

enum { X, WEIGHT, BIAS, SUM, OPERANDS };
enum { MEAN = OPERANDS, VAR, Y, COMPARED };

/* What a pass and its backward leave: gradients of the operands, the statistics and the result. */
typedef struct outcome {
    tensor *of[COMPARED];
} outcome;

static tensor *input(tscope *s, const norm_case *c, uint64_t seed) {
    tensor *x = placed(s, support_noise(s, c->size, seed));
    x = t_to(s, t_scale(s, x, 3, 0.5), cpu, c->type, FORMAT_CHANNELS_LAST);
    t_requires_grad_(s, x, true);
    return x;
}

static tensor *channel_values(tscope *s, const norm_case *c, double scale, double offset, uint64_t seed) {
    tensor *t = placed(s, support_noise(s, SHAPE_1(c->size.dim[1]), seed));
    return t_scale(s, t, scale, offset);
}

static tensor *apart(tscope *s, tensor *x, const norm_fusion *f) {
    tensor *y = t_batch_norm(s, x, f->weight, f->bias, f->running_mean, f->running_var, f->training,
                             f->momentum, f->eps);
    if (f->sum) y = t_add(s, y, f->sum);
    return f->activation == UNARY_NONE ? y : t_unary(s, f->activation, y);
}

static outcome run(tscope *s, const norm_case *c, bool fused) {
    tensor *operand[OPERANDS] = {input(s, c, 1), channel_values(s, c, 0.5, 1, 2),
                                 channel_values(s, c, 1, 0, 3), c->sum ? input(s, c, 4) : NULL};
    t_requires_grad_(s, operand[WEIGHT], true);
    t_requires_grad_(s, operand[BIAS], true);
    const norm_fusion f = {.weight = operand[WEIGHT],
                           .bias = operand[BIAS],
                           .running_mean = channel_values(s, c, 0.3, 0, 5),
                           .running_var = channel_values(s, c, 0.3, 1, 6),
                           .training = c->training,
                           .momentum = 0.1,
                           .eps = 1e-5,
                           .sum = operand[SUM],
                           .activation = c->activation};
    outcome out = {.of[MEAN] = f.running_mean, .of[VAR] = f.running_var};
    out.of[Y] = fused ? t_batch_norm_fused(s, operand[X], &f) : apart(s, operand[X], &f);
    tensor *pull = t_to(s, placed(s, support_noise(s, c->size, 7)), cpu, c->type, FORMAT_CHANNELS_LAST);
    t_backward(s, t_sum(s, t_mul(s, out.of[Y], pull)));
    for (int i = 0; i < OPERANDS; i++)
        out.of[i] = operand[i] ? t_grad(s, operand[i]) : NULL;
    return out;
}

static double distance(tscope *s, tensor *got, tensor *want) {
    got = t_to(s, got, cpu, DTYPE_F32, FORMAT_PRESERVE);
    want = t_to(s, want, cpu, DTYPE_F32, FORMAT_PRESERVE);
    double scale = t_norm(s, want);
    return t_norm(s, t_sub(s, got, want)) / (scale > 0 ? scale : 1);
}

/* bf16: ours computes in float32 what libtorch rounds after each operation, so that some ReLUs are decided
 * otherwise. */
static void compare(const norm_case *c) {
    static const char *const name[] = {"x's gradient",   "weight's gradient", "bias's gradient",
                                       "sum's gradient", "the mean",          "the variance",
                                       "the result"};
    const double tolerance = c->type == DTYPE_BF16 ? 0.1 : 2e-5;
    char text[SHAPE_TEXT_MAX];
    tscope s = support_begin();
    outcome want = run(&s, c, false), got = run(&s, c, true);
    for (int i = 0; i < COMPARED; i++) {
        assert_true(!want.of[i] == !got.of[i]);
        if (!want.of[i]) continue;
        double far = distance(&s, got.of[i], want.of[i]);
        if (!(far < tolerance))
            fail_msg("%s of %s, %s%s, operation %d: %s differs by %g", dtype_name(c->type),
                     shape_text(&c->size, text), c->training ? "training" : "evaluating",
                     c->sum ? ", something added" : "", (int)c->activation, name[i], far);
    }
    assert_int_equal(t_dtype(&s, got.of[Y]), c->type);
    support_end(&s);
}

/* Rows shorter and longer than a vector, fewer and more than a block, one chunk and several. */
static void compare_all(dtype type) {
    needs_loops();
    static const int64_t size[][4] = {{2, 3, 2, 3},   {1, 16, 1, 5},   {3, 17, 5, 3},    {4, 64, 40, 30},
                                      {2, 130, 7, 7}, {1, 1030, 3, 9}, {5, 1, 100, 150}, {2, 2048, 7, 7}};
    static const unary_op activation[] = {UNARY_NONE, UNARY_RELU, UNARY_RELU6};
    for (size_t i = 0; i < sizeof size / sizeof *size; i++)
        for (size_t j = 0; j < 3; j++)
            for (int k = 0; k < 4; k++) {
                norm_case c = {.size = SHAPE_4(size[i][0], size[i][1], size[i][2], size[i][3]),
                               .type = type,
                               .training = k & 1,
                               .sum = k & 2,
                               .activation = activation[j]};
                compare(&c);
            }
}

static void values_and_gradients_are_libtorchs_in_float32(void **state) {
    (void)state;
    compare_all(DTYPE_F32);
}

/* libtorch 1.13 cannot go back through a bf16 ReLU6. */
static void values_and_gradients_are_libtorchs_in_bf16(void **state) {
    (void)state;
    needs_loops();
    if (torch_about(support_torch())->major == 1) skip();
    compare_all(DTYPE_BF16);
}

/* ---- numbers that are hard ---- */

static norm_fusion plain_norm(tscope *s, int64_t channels, unary_op activation) {
    return (norm_fusion){.weight = t_full(s, SHAPE_1(channels), 1, DTYPE_F32, cpu),
                         .bias = t_full(s, SHAPE_1(channels), 0, DTYPE_F32, cpu),
                         .running_mean = t_full(s, SHAPE_1(channels), 0, DTYPE_F32, cpu),
                         .running_var = t_full(s, SHAPE_1(channels), 1, DTYPE_F32, cpu),
                         .training = true,
                         .momentum = 1,
                         .activation = activation};
}

/* The unbiased variance of noise around OFFSET, whose exact value is computed in double. */
static void expect_variance(float offset, double tolerance) {
    enum { ROWS = 5000 };
    float *value = xcalloc(ROWS, sizeof *value);
    rng r = rng_keyed(1, RNG_DROPOUT, 0, 0);
    double mean = 0, square = 0;
    for (int i = 0; i < ROWS; i++)
        mean += value[i] = offset + (float)rng_unit(&r);
    mean /= ROWS;
    for (int i = 0; i < ROWS; i++)
        square += (value[i] - mean) * (value[i] - mean);
    tscope s = support_begin();
    tensor *x = t_from_data(&s, SHAPE_4(1, 1, ROWS, 1), DTYPE_F32, value, cpu);
    norm_fusion f = plain_norm(&s, 1, UNARY_NONE);
    t_batch_norm_fused(&s, x, &f);
    assert_true(fabs(t_item(&s, f.running_mean) / mean - 1) < 1e-6);
    double far = t_item(&s, f.running_var) / (square / (ROWS - 1)) - 1;
    if (!(fabs(far) < tolerance)) fail_msg("around %g the variance is off by %g", (double)offset, far);
    support_end(&s);
    free(value);
}

static void a_mean_far_from_zero_leaves_the_variance_right(void **state) {
    (void)state;
    needs_loops();
    expect_variance(0, 1e-5);
    expect_variance(-100, 1e-5);
    expect_variance(30000, 1e-4); /* the values themselves are 1/512 apart */
}

static void a_constant_channel_becomes_its_bias(void **state) {
    (void)state;
    needs_loops();
    tscope s = support_begin();
    norm_fusion f = plain_norm(&s, 2, UNARY_NONE);
    f.eps = 1e-5;
    tensor *y = t_batch_norm_fused(&s, t_full(&s, SHAPE_4(3, 2, 20, 20), 0.1, DTYPE_F32, cpu), &f);
    assert_true(t_norm(&s, y) < 1e-2);
    assert_true(t_norm(&s, f.running_var) < 1e-12);
    support_end(&s);
}

/* Where training has blown up it has to be seen. */
static void what_is_not_a_number_stays_so(void **state) {
    (void)state;
    needs_loops();
    static const dtype types[] = {DTYPE_F32, DTYPE_BF16};
    for (int i = 0; i < 2; i++) {
        tscope s = support_begin();
        norm_fusion f = plain_norm(&s, 3, UNARY_RELU);
        tensor *x = t_full(&s, SHAPE_4(1, 3, 4, 4), NAN, types[i], cpu);
        assert_true(isnan(t_norm(&s, t_batch_norm_fused(&s, x, &f))));
        f.training = false;
        assert_true(isnan(t_norm(&s, t_batch_norm_fused(&s, x, &f))));
        support_end(&s);
    }
}

static void threads_do_not_change_a_bit(void **state) {
    (void)state;
    needs_loops();
    torch *t = support_torch();
    const norm_case c = {.size = SHAPE_4(4, 48, 60, 50), .training = true, .activation = UNARY_RELU};
    thaw_status status = thaw_ok();
    tscope s = support_begin();
    outcome two = run(&s, &c, true);
    t->api->set_threads(&status, 1);
    outcome one = run(&s, &c, true);
    t->api->set_threads(&status, 2);
    for (int i = 0; i < COMPARED; i++)
        if (one.of[i]) assert_true(t_equal(&s, one.of[i], two.of[i]));
    support_end(&s);
}

/* ---- what it does not take ---- */

static void expect_refusal(shape size, dtype type, int64_t channels, shape sum, const char *text) {
    tscope s = support_begin();
    norm_fusion f = plain_norm(&s, channels, UNARY_RELU);
    if (sum.ndim) f.sum = t_full(&s, sum, 0, DTYPE_F32, cpu);
    assert_null(t_batch_norm_fused(&s, t_full(&s, size, 0, type, cpu), &f));
    support_fails(&s, THAW_ERR_TORCH, text);
}

static void what_does_not_fit_is_refused(void **state) {
    (void)state;
    needs_loops();
    const shape none = {0}, image = SHAPE_4(2, 3, 4, 4);
    expect_refusal(SHAPE_2(2, 3), DTYPE_F32, 3, none, "images in float32 or bfloat16");
    expect_refusal(image, DTYPE_I64, 3, none, "images in float32 or bfloat16");
    expect_refusal(image, DTYPE_F32, 4, none, "one float32 a channel");
    expect_refusal(image, DTYPE_F32, 3, SHAPE_4(2, 3, 4, 5), "other extents");
    expect_refusal(SHAPE_4(1, 3, 1, 1), DTYPE_F32, 3, none, "no variance");
    expect_refusal(SHAPE_4(0, 3, 4, 4), DTYPE_F32, 3, none, "no variance");
    tscope s = support_begin();
    norm_fusion f = plain_norm(&s, 3, UNARY_TANH);
    assert_null(t_batch_norm_fused(&s, t_full(&s, image, 0, DTYPE_F32, cpu), &f));
    support_fails(&s, THAW_ERR_TORCH, "no norm ends in operation");
}

/* ---- whole models ---- */

enum { GRADIENTS_MAX = 1024 };

/* Of a training pass: gradients, and the norms' statistics. */
typedef struct gradients {
    tscope *scope;
    tensor *of[GRADIENTS_MAX];
    bool statistic[GRADIENTS_MAX];
    int count;
} gradients;

static void take_gradient(void *user, layer *l) {
    gradients *g = user;
    for (int i = 0; i < l->param_count; i++) {
        const param *p = &l->param[i];
        tensor *value = p->buffer ? p->t : t_grad(g->scope, p->t);
        if (!value || p->type != DTYPE_F32) continue;
        assert_in_range(g->count, 0, GRADIENTS_MAX - 1);
        g->statistic[g->count] = p->buffer;
        g->of[g->count++] = t_clone(g->scope, value);
        if (!p->buffer) t_drop_grad(g->scope, p->t);
    }
}

static void start_again(model *m, const char *frozen) {
    assert_false(model_materialise(m, support_torch(), cpu, true, 1).code);
    support_mask(m, frozen, NULL);
}

/* A training pass of M from its first weights; the logits. Gradients and statistics go to G. */
static tensor *train_once(model *m, const char *frozen, bool fused, gradients *g) {
    tscope *s = g->scope;
    start_again(m, frozen);
    m->torch->norm_fuses = fused;
    pass p = {.scope = s, .training = true, .dropout_seed = 1};
    tensor *x = placed(s, support_noise(s, SHAPE_4(4, 3, m->input.dim[2], m->input.dim[3]), 7));
    x = t_to(s, x, cpu, DTYPE_F32, FORMAT_CHANNELS_LAST);
    tensor *y = model_forward(m, &p, (act){.size = t_shape(s, x), .t = x}, 0, m->stage_count).t;
    const int64_t label[] = {0, 1, 2, 3};
    t_backward(s, t_cross_entropy(s, y, t_from_data(s, SHAPE_1(4), DTYPE_I64, label, cpu), 0));
    layer_each(m->root, take_gradient, g);
    m->torch->norm_fuses = true;
    return y;
}

/* Gradients as one vector: where rounding moves an activation over zero in a small map, single ones differ by
 * a tenth. What forgets a ReLU is farther off in all of them. */
static double gradients_apart(tscope *s, const gradients *got, const gradients *want) {
    double apart = 0, length = 0;
    assert_int_equal(got->count, want->count);
    for (int i = 0; i < want->count; i++) {
        if (want->statistic[i]) continue;
        apart += pow(t_norm(s, t_sub(s, got->of[i], want->of[i])), 2);
        length += pow(t_norm(s, want->of[i]), 2);
    }
    return sqrt(apart / length);
}

static void compare_model(const char *name, int side, const char *frozen) {
    model *m;
    assert_false(model_build(name, SUPPORT_CLASSES, side, side, &m).code);
    tscope s = support_begin();
    gradients want = {.scope = &s}, got = {.scope = &s};
    tensor *plain = train_once(m, frozen, false, &want), *logits = train_once(m, frozen, true, &got);
    const char *without = frozen ? frozen : "nothing";
    double far = distance(&s, logits, plain);
    if (!(far < 1e-4)) fail_msg("%s (%s frozen): logits differ by %g", name, without, far);
    far = gradients_apart(&s, &got, &want);
    if (!(far < 0.05)) fail_msg("%s (%s frozen): gradients differ by %g", name, without, far);
    for (int i = 0; i < want.count; i++) {
        if (!want.statistic[i]) continue;
        far = t_norm(&s, t_sub(&s, got.of[i], want.of[i]));
        if (!(far < 1e-5 + 1e-4 * t_norm(&s, want.of[i]))) /* the mean of what was normalised is nothing */
            fail_msg("%s (%s frozen): tensor %d differs by %g", name, without, i, far);
    }
    support_end(&s);
    model_free(m);
}

static void models_train_the_same(void **state) {
    (void)state;
    needs_loops();
    compare_model("cifar_resnet20", 32, NULL);
    compare_model("resnet18", 64, NULL);
    compare_model("mobilenet_v2", 64, NULL);
    compare_model("regnet_x_400mf", 64, NULL);
    compare_model("densenet121", 64, NULL);
    compare_model("googlenet", 64, NULL);
    compare_model("efficientnet_b0", 64, NULL);
}

/* Frozen norms amid what trains use their running statistics; gradients pass through them. */
static void models_train_the_same_with_some_of_it_frozen(void **state) {
    (void)state;
    needs_loops();
    compare_model("cifar_resnet20", 32, "conv1,bn1,layer1");
    compare_model("cifar_resnet20", 32, "*.bn*");
    compare_model("cifar_resnet20", 32, "layer2.*.conv*,layer3.1");
    compare_model("resnet18", 64, "*.downsample.*");
    compare_model("mobilenet_v2", 64, "features.3,features.5.conv.3");
}

/* Otherwise all of the above could compare one way with itself. */
static void training_really_goes_this_way(void **state) {
    (void)state;
    needs_loops();
    model *m;
    assert_false(model_build("resnet18", SUPPORT_CLASSES, 64, 64, &m).code);
    const layer *relu = model_find(m, "layer1.0.relu");
    assert_ptr_equal(model_find(m, "layer1.0.bn1")->fuse.activation, relu);
    assert_true(model_find(m, "layer1.0.bn2")->fuse.added);
    assert_ptr_equal(model_find(m, "layer1.0.conv2")->fuse.sum_activation, relu);
    tscope s = support_begin();
    gradients g = {.scope = &s};
    assert_false(t_equal(&s, train_once(m, NULL, true, &g), train_once(m, NULL, false, &g)));
    support_end(&s);
    model_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_gradients_are_libtorchs_in_float32),
        cmocka_unit_test(values_and_gradients_are_libtorchs_in_bf16),
        cmocka_unit_test(a_mean_far_from_zero_leaves_the_variance_right),
        cmocka_unit_test(a_constant_channel_becomes_its_bias),
        cmocka_unit_test(what_is_not_a_number_stays_so),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(models_train_the_same),
        cmocka_unit_test(models_train_the_same_with_some_of_it_frozen),
        cmocka_unit_test(training_really_goes_this_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
