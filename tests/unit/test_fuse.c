/*
 * test_fuse.c - convolutions computed together with what follows them: the same values as one after the
 * other, whatever reads a result in between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/nn/fold.h"
#include "engine/nn/fuse.h"
#include "engine/torch/torch.h"
#include "tests/unit/support_model.h"
#include "tests/unit/support_torch.h"

static const device cpu = {DEVICE_CPU, 0};

/* Rounding; the computation in another order of a bf16 network. What forgets a ReLU differs by tens of
 * percent. */
static const double exact = 1e-5, narrow = 0.05;

static double distance(tscope *s, tensor *got, tensor *want) {
    return t_norm(s, t_sub(s, got, want)) / t_norm(s, want);
}

/* Where neither libtorch nor the plugin can, there is nothing to compare. */
static void needs(dtype type) {
    torch *t = support_torch();
    if (!torch_conv2d_fuses(t, type) && !(type == DTYPE_F32 && t->facts.winograd)) skip();
}

/* Norms as training leaves them, so that folding has something to do. */
static void unsettle_visit(void *user, layer *l) {
    for (int i = 0; layer_is_norm(l) && i < 4; i++)
        t_add_(user, l->param[i].t, support_noise(user, l->param[i].size, (uint64_t)(l->index * 8 + i)), 0.3);
}

static void fill(model *m) {
    tscope s = support_begin();
    assert_false(model_materialise(m, support_torch(), cpu, true, 1).code);
    layer_each(m->root, unsettle_visit, &s);
    support_end(&s);
}

static model *built(const char *name, int side) {
    model *m;
    assert_false(model_build(name, SUPPORT_CLASSES, side, side, &m).code);
    fill(m);
    return m;
}

/* Stages FROM..TO-1 of M, unrecorded, with or without fusing; float32. */
static tensor *pass_as(model *m, tscope *s, tensor *x, size_t from, size_t to, bool fused, bool training) {
    bool recording = torch_grad_mode(m->torch, false), could[DTYPE_COUNT];
    memcpy(could, m->torch->fuses, sizeof could);
    if (!fused) memset(m->torch->fuses, 0, sizeof could);
    m->filtered = fused; /* where libtorch cannot, whatever the plugin gains */
    pass p = {.scope = s, .training = training};
    tensor *y = model_forward(m, &p, (act){.size = t_shape(s, x), .t = x}, from, to).t;
    memcpy(m->torch->fuses, could, sizeof could);
    torch_grad_mode(m->torch, recording);
    return t_to(s, y, cpu, DTYPE_F32, FORMAT_PRESERVE);
}

static tensor *pass_over(model *m, tscope *s, tensor *x, size_t from, size_t to, bool fused) {
    return pass_as(m, s, x, from, to, fused, false);
}

static tensor *images(const model *m, tscope *s) {
    return support_noise(s, SHAPE_4(2, 3, m->input.dim[2], m->input.dim[3]), 7);
}

/* ---- whole families ---- */

static void compare_families(dtype type, double tolerance) {
    needs(type);
    static const struct {
        const char *name;
        int side;
    } some[] = {{"cifar_resnet20", 32}, {"resnet18", 64},           {"resnext50_32x4d", 64},
                {"mobilenet_v2", 64},   {"mobilenet_v3_small", 64}, {"efficientnet_b0", 64},
                {"densenet121", 64},    {"googlenet", 64},          {"shufflenet_v2_x0_5", 64},
                {"squeezenet1_1", 64},  {"regnet_y_400mf", 64},     {"vgg11", 32}};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        model *m = built(some[i].name, some[i].side);
        tscope s = support_begin();
        if (type == DTYPE_BF16) assert_false(torch_autocast(m->torch, cpu, true, type).code);
        tensor *plain = pass_over(m, &s, images(m, &s), 0, m->stage_count, false);
        tensor *fused = pass_over(m, &s, images(m, &s), 0, m->stage_count, true);
        if (type == DTYPE_BF16) assert_false(torch_autocast(m->torch, cpu, false, type).code);
        double far = distance(&s, fused, plain);
        if (!(far < tolerance)) fail_msg("%s differs by %g", some[i].name, far);
        support_end(&s);
        model_free(m);
    }
}

static void families_compute_the_same_in_float32(void **state) {
    (void)state;
    compare_families(DTYPE_F32, exact);
}

static void families_compute_the_same_in_bf16(void **state) {
    (void)state;
    compare_families(DTYPE_BF16, narrow);
}

/* Otherwise the tests here could all pass because nothing is fused. */
static void libtorch_2_fuses(void **state) {
    (void)state;
    torch *t = support_torch();
    bool old = strncmp(t->facts.version, "1.", 2) == 0;
    assert_int_equal(torch_conv2d_fuses(t, DTYPE_F32), t->facts.onednn && !old);
    assert_false(torch_conv2d_fuses(t, DTYPE_I64));
}

static const layer *follows(const model *m, const char *conv) {
    return model_find(m, conv)->fuse.activation;
}

static void the_trace_finds_what_follows(void **state) {
    (void)state;
    model *m;
    assert_false(model_build("resnet18", 0, 64, 64, &m).code);
    const layer *relu = model_find(m, "layer1.0.relu"), *second = model_find(m, "layer1.0.conv2");
    assert_ptr_equal(follows(m, "layer1.0.conv1"), relu);
    assert_null(second->fuse.activation);
    assert_true(second->fuse.added);
    assert_ptr_equal(second->fuse.sum_activation, relu);
    const layer *down = model_find(m, "layer2.0.downsample.0"); /* the second operand: computed before */
    assert_false(down->fuse.added || down->fuse.activation);
    model_free(m);
    assert_false(model_build("mobilenet_v2", 0, 64, 64, &m).code);
    assert_ptr_equal(follows(m, "features.1.conv.0.0"), model_find(m, "features.1.conv.0.2"));
    assert_false(model_find(m, "features.2.conv.2")->fuse.added); /* no residual: the channels change */
    assert_true(model_find(m, "features.3.conv.2")->fuse.added);
    assert_null(model_find(m, "features.3.conv.2")->fuse.sum_activation);
    model_free(m);
    assert_false(model_build("densenet121", 0, 64, 64, &m).code);
    assert_ptr_equal(follows(m, "features.denseblock1.denselayer1.conv1"),
                     model_find(m, "features.denseblock1.denselayer1.relu2"));
    assert_null(follows(m, "features.denseblock1.denselayer1.conv2")); /* read by all later layers */
    model_free(m);
}

/* A cache keeps what stands at a cut, so the two parts must make the whole there, between a convolution and
 * its ReLU too. */
static void parts_make_the_whole(void **state) {
    (void)state;
    needs(DTYPE_F32);
    model *m = built("cifar_resnet20", 32);
    for (size_t cut = 1; cut < m->stage_count; cut++) {
        tscope s = support_begin();
        tensor *whole = pass_over(m, &s, images(m, &s), 0, m->stage_count, true);
        tensor *half = pass_over(m, &s, images(m, &s), 0, cut, true), *kept = t_clone(&s, half);
        assert_true(distance(&s, half, pass_over(m, &s, images(m, &s), 0, cut, false)) < exact);
        assert_true(distance(&s, pass_over(m, &s, half, cut, m->stage_count, true), whole) < exact);
        assert_true(t_equal(&s, half, kept)); /* what was given is not overwritten */
        support_end(&s);
    }
    model_free(m);
}

/* ---- masks ---- */

static fold_layout layout_of(const model *m, const char *conv) {
    assert_non_null(model_find(m, conv)->folded);
    return model_find(m, conv)->folded->layout;
}

static void only_what_is_neither_changed_nor_recorded_is_fused(void **state) {
    (void)state;
    needs(DTYPE_F32);
    model *m = built("cifar_resnet20", 32);
    support_mask(m, "conv1,bn1,layer1,layer3.0", "layer1.1.bn1");
    tensor *weight = support_copy(m, "layer1.0.conv1", "weight"),
           *mean = support_copy(m, "layer1.0.bn1", "running_mean"),
           *moving = support_copy(m, "layer1.1.bn1", "running_mean");
    support_backward(m);
    assert_int_equal(layout_of(m, "layer1.0.conv1"), FOLD_FUSED);
    assert_int_equal(layout_of(m, "layer1.1.conv1"), FOLD_FUSED); /* alone: its norm's statistics move */
    assert_null(model_find(m, "layer1.1.conv1")->folded->source[2]);
    assert_null(model_find(m, "layer2.0.conv1")->folded);
    assert_int_equal(layout_of(m, "layer3.0.conv1"), FOLD_DENSE); /* frozen, and a gradient passes through */
    assert_true(support_has_grad(m, "layer2.0.conv1", "weight"));
    assert_true(support_same(m, "layer1.0.conv1", "weight", weight));
    assert_true(support_same(m, "layer1.0.bn1", "running_mean", mean));
    assert_false(support_same(m, "layer1.1.bn1", "running_mean", moving));
    tensor_free(m->torch, weight);
    tensor_free(m->torch, mean);
    tensor_free(m->torch, moving);
    model_free(m);
}

static void a_norm_whose_statistics_move_is_computed_before_its_activation(void **state) {
    (void)state;
    needs(DTYPE_F32);
    model *m = built("cifar_resnet20", 32);
    support_mask(m, "*", "*.bn*");
    tscope s = support_begin();
    tensor *plain = pass_as(m, &s, images(m, &s), 0, m->stage_count, false, true);
    tensor *fused = pass_as(m, &s, images(m, &s), 0, m->stage_count, true, true);
    assert_true(distance(&s, fused, plain) < exact);
    assert_true(distance(&s, fused, pass_over(m, &s, images(m, &s), 0, m->stage_count, true)) > 10 * exact);
    support_end(&s);
    model_free(m);
}

static void a_changed_norm_is_folded_anew(void **state) {
    (void)state;
    needs(DTYPE_F32);
    model *m = built("cifar_resnet20", 32);
    tscope s = support_begin();
    tensor *before = pass_over(m, &s, images(m, &s), 0, m->stage_count, true);
    t_foreach_scale_(&s, &support_param(m, "layer1.0.bn2", "running_var")->t, 1, 1.5, 0);
    tensor *fused = pass_over(m, &s, images(m, &s), 0, m->stage_count, true);
    assert_true(distance(&s, fused, pass_over(m, &s, images(m, &s), 0, m->stage_count, false)) < exact);
    assert_true(distance(&s, fused, before) > 10 * exact);
    support_end(&s);
    model_free(m);
}

/* ---- a block that does what families might ---- */

enum { WIDTH = 16, SIDE = 6 };

typedef act (*meeting)(layer *self, pass *p, act x, act y); /* of X and Y, made of X by the convolution C */

static act meet_cat(layer *self, pass *p, act x, act y) {
    (void)self;
    return act_slice(p, act_cat(p, (const act[]){y, x, y}, 3, 1), 1, 0, WIDTH, 1);
}

static act meet_mul(layer *self, pass *p, act x, act y) {
    (void)self;
    return act_mul(p, y, x);
}

static act meet_unary(layer *self, pass *p, act x, act y) {
    (void)self;
    return act_mul(p, act_unary(p, UNARY_TANH, y), x);
}

static act meet_reshape(layer *self, pass *p, act x, act y) {
    (void)self;
    act flat = act_flatten(p, y, 1);
    return act_mul(p, act_reshape(p, act_reshape(p, y, flat.size), x.size), x);
}

static act meet_flatten(layer *self, pass *p, act x, act y) {
    (void)self;
    return act_mul(p, act_reshape(p, act_flatten(p, y, 1), x.size), x);
}

static act meet_permute(layer *self, pass *p, act x, act y) {
    (void)self;
    const int64_t order[] = {0, 1, 3, 2};
    return act_mul(p, act_permute(p, y, order, 4), x);
}

static act meet_pad(layer *self, pass *p, act x, act y) {
    (void)self;
    (void)x;
    return act_pad(p, y, (const int64_t[]){1, 2, 0, 1}, 4);
}

static act meet_mean(layer *self, pass *p, act x, act y) {
    (void)self;
    const int64_t dims[] = {2, 3};
    return act_mul(p, act_reshape(p, act_mean(p, y, dims, 2), SHAPE_4(y.size.dim[0], WIDTH, 1, 1)), x);
}

static act meet_second_operand(layer *self, pass *p, act x, act y) {
    (void)self;
    return act_add(p, x, y);
}

static act meet_convolution(layer *self, pass *p, act x, act y) {
    (void)x;
    return layer_through(self, p, y, "d", NULL);
}

static act meet_norm(layer *self, pass *p, act x, act y) {
    (void)x;
    return layer_through(self, p, y, "lone", NULL);
}

static act meet_leaves(layer *self, pass *p, act x, act y) {
    (void)x;
    return layer_through(self, p, y, "drop", "relu", "max", "average", "swish", NULL);
}

/* Below, C's result is really deferred: an addition alone reads it. */

static act meet_own_input(layer *self, pass *p, act x, act y) {
    return layer_through(self, p, act_add(p, y, x), "relu", NULL);
}

/* X would be overwritten while C still needs it. */
static act meet_activated_input(layer *self, pass *p, act x, act y) {
    return layer_through(self, p, act_add(p, y, layer_through(self, p, x, "relu", NULL)), "swish", NULL);
}

static act meet_sum_of_input(layer *self, pass *p, act x, act y) {
    (void)self;
    return act_add(p, y, act_add(p, x, act_unary(p, UNARY_TANH, x)));
}

static act meet_flat_input(layer *self, pass *p, act x, act y) {
    act z = layer_through(self, p, act_flatten(p, x, 1), "relu", NULL);
    return act_add(p, y, act_reshape(p, z, x.size));
}

/* Two deferred at once, their sums taken up in the other order. */
static act meet_another(layer *self, pass *p, act x, act y) {
    act z = act_add(p, layer_through(self, p, x, "d", NULL), act_unary(p, UNARY_TANH, x));
    return layer_through(self, p, act_add(p, y, z), "relu", NULL);
}

/* The sum is read twice, so it is not activated by itself. */
static act meet_twice(layer *self, pass *p, act x, act y) {
    act z = act_add(p, y, x);
    return act_add(p, layer_through(self, p, act_shared(z), "relu", NULL), act_unary(p, UNARY_TANH, z));
}

/* So is what the convolution gives. */
static act meet_twice_activated(layer *self, pass *p, act x, act y) {
    (void)x;
    return act_add(p, layer_through(self, p, act_shared(y), "relu", NULL), act_unary(p, UNARY_TANH, y));
}

static act meet_shared(layer *self, pass *p, act x, act y) {
    act z = layer_through(self, p, act_add(p, y, act_shared(x)), "relu", NULL);
    return act_mul(p, z, x);
}

static act meet_dropout(layer *self, pass *p, act x, act y) {
    return act_add(p, layer_through(self, p, y, "drop", NULL), x);
}

static const struct {
    const char *name;
    meeting meet;
    bool deferred; /* by itself */
} meetings[] = {{"cat", meet_cat, false},
                {"mul", meet_mul, false},
                {"unary", meet_unary, false},
                {"reshape", meet_reshape, false},
                {"flatten", meet_flatten, false},
                {"permute", meet_permute, false},
                {"pad", meet_pad, false},
                {"mean", meet_mean, false},
                {"second operand", meet_second_operand, false},
                {"convolution", meet_convolution, false},
                {"norm", meet_norm, false},
                {"leaves", meet_leaves, false},
                {"twice activated", meet_twice_activated, false},
                {"own input", meet_own_input, true},
                {"activated input", meet_activated_input, true},
                {"sum of input", meet_sum_of_input, true},
                {"flat input", meet_flat_input, true},
                {"another", meet_another, true},
                {"twice", meet_twice, true},
                {"shared", meet_shared, true},
                {"dropout", meet_dropout, true}};

static act block_forward(layer *self, pass *p, act x) {
    x = layer_through(self, p, x, "stem", NULL);
    return meetings[self->spec.family[0]].meet(self, p, x, layer_through(self, p, x, "c", NULL));
}

static const layer_kind kind_block = {"Block", block_forward, NULL};
static const arch nothing = {.name = "a block", .input = SIDE};

static model *block_model(size_t which) {
    model *m = xcalloc(1, sizeof *m);
    m->arch = &nothing;
    m->classes = WIDTH;
    m->root = layer_root(&kind_sequential);
    layer *b = layer_add(m->root, "block", &kind_block);
    b->spec.family[0] = (int64_t)which;
    nn_conv2d(b, "stem", 3, WIDTH, 3, 1, 1);
    nn_conv2d(b, "c", WIDTH, WIDTH, 3, 1, 1);
    nn_conv2d(b, "d", WIDTH, WIDTH, 1, 1, 0);
    nn_batch_norm2d(b, "lone", WIDTH);
    nn_dropout(b, "drop", 0.5);
    nn_activation(b, "relu", UNARY_RELU);
    nn_activation(b, "swish", UNARY_SILU);
    const pool2d_params pool = {.kernel = {2, 2}, .stride = {1, 1}, .dilation = {1, 1}};
    nn_max_pool2d(b, "max", pool);
    nn_avg_pool2d(b, "average", pool);
    model_stage(m, b);
    model_stage(m, nn_adaptive_avg_pool2d(m->root, "pool", 1, 1));
    m->head = nn_flatten(m->root, "head", 1);
    model_stage(m, m->head);
    model_number(m);
    assert_false(model_trace(m, SIDE, SIDE).code);
    fill(m);
    return m;
}

/* Deferred against the trace's word where FORCED, so that every operation meets such an act. */
static void compare_meeting(size_t which, bool forced) {
    model *m = block_model(which);
    fusing *f = &model_find(m, "block.c")->fuse;
    assert_int_equal(f->added, meetings[which].deferred);
    if (forced) *f = (fusing){.added = true};
    tscope s = support_begin();
    tensor *plain = pass_over(m, &s, images(m, &s), 0, m->stage_count, false);
    tensor *fused = pass_over(m, &s, images(m, &s), 0, m->stage_count, true);
    double far = distance(&s, fused, plain);
    if (!(far < exact))
        fail_msg("%s (%s) differs by %g", meetings[which].name, forced ? "forced" : "found", far);
    assert_int_equal(layout_of(m, "block.c"), FOLD_FUSED);
    support_end(&s);
    model_free(m);
}

static void whatever_meets_a_result_finds_it_computed(void **state) {
    (void)state;
    needs(DTYPE_F32);
    for (size_t i = 0; i < sizeof meetings / sizeof *meetings; i++) {
        compare_meeting(i, false);
        compare_meeting(i, true);
    }
}

/* ---- the operation ---- */

static const conv2d_params pointwise = {{1, 1}, {0, 0}, {1, 1}, 1, false};

/* 3 channels of 1 to 1 of 2, -4 and 1 times them, 1 less; then + SUM. */
static tensor *small(tscope *s, const conv2d_fusion *f) {
    const conv2d_params *p = &pointwise;
    tensor *x =
        t_to(s, t_full(s, SHAPE_4(1, 3, 2, 2), 1, DTYPE_F32, cpu), cpu, DTYPE_F32, FORMAT_CHANNELS_LAST);
    tensor *w = t_from_data(s, SHAPE_4(2, 3, 1, 1), DTYPE_F32, SUPPORT_FLOATS(2, -4, 1, 3, 4, 5), cpu);
    tensor *bias = t_full(s, SHAPE_1(2), -1, DTYPE_F32, cpu);
    return t_conv2d_fused(s, x, t_conv2d_fused_weight(s, w, p, SHAPE_4(1, 3, 2, 2)), bias, p, f);
}

static void the_operation_is_right_by_hand(void **state) {
    (void)state;
    needs(DTYPE_F32);
    tscope s = support_begin();
    static const struct {
        unary_op op;
        float want[2]; /* of -2 and 11 */
    } cases[] = {{UNARY_NONE, {-2, 11}},
                 {UNARY_RELU, {0, 11}},
                 {UNARY_RELU6, {0, 6}},
                 {UNARY_SILU, {-0.238406F, 10.99982F}},
                 {UNARY_HARDSWISH, {-1.0F / 3, 11}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tensor *y = small(&s, &(conv2d_fusion){.activation = cases[i].op});
        const float *w = cases[i].want;
        SUPPORT_EXPECT(&s, y, 1e-4F, w[0], w[0], w[0], w[0], w[1], w[1], w[1], w[1]);
    }
    for (int overwrite = 0; overwrite < 2; overwrite++) {
        tensor *sum = t_to(&s, t_full(&s, SHAPE_4(1, 2, 2, 2), -5, DTYPE_F32, cpu), cpu, DTYPE_F32,
                           FORMAT_CHANNELS_LAST);
        tensor *y = small(&s, &(conv2d_fusion){.sum = sum, .overwrite = overwrite, .activation = UNARY_RELU});
        SUPPORT_EXPECT(&s, y, 1e-5F, 0, 0, 0, 0, 6, 6, 6, 6);
        if (!overwrite) SUPPORT_EXPECT(&s, sum, 0, -5, -5, -5, -5, -5, -5, -5, -5);
    }
    assert_null(small(&s, &(conv2d_fusion){.activation = UNARY_EXP}));
    support_fails(&s, THAW_ERR_TORCH, "no convolution ends in operation");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(libtorch_2_fuses),
        cmocka_unit_test(the_operation_is_right_by_hand),
        cmocka_unit_test(the_trace_finds_what_follows),
        cmocka_unit_test(whatever_meets_a_result_finds_it_computed),
        cmocka_unit_test(parts_make_the_whole),
        cmocka_unit_test(only_what_is_neither_changed_nor_recorded_is_fused),
        cmocka_unit_test(a_norm_whose_statistics_move_is_computed_before_its_activation),
        cmocka_unit_test(a_changed_norm_is_folded_anew),
        cmocka_unit_test(families_compute_the_same_in_float32),
        cmocka_unit_test(families_compute_the_same_in_bf16),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
