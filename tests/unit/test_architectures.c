/*
 * test_architectures.c - every architecture: laid out as torchvision's, as large as the catalog says, and
 * frozen to the bit.
 *
 * layouts.txt is written by tests/parity/layouts.py. One small member of each family is trained here;
 * THAW_TEST_ALL=1 takes them all, which needs time and memory.
 */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/models/registry.h"
#include "engine/nn/freeze.h"
#include "engine/train/learner.h"
#include "tests/unit/support_torch.h"
#include "thaw/catalog.h"

static void must(thaw_status status) {
    if (thaw_failed(&status)) fail_msg("%s", status.message);
}

static model *built(const char *name, int classes, int side) {
    model *m;
    must(model_build(name, classes, side, side, &m));
    return m;
}

/* ---- layout ---- */

typedef struct layout {
    char name[48];
    int tensors;
    int64_t parameters;
    uint64_t hash;
} layout;

static layout layouts[128];
static size_t layout_count;

static int read_layouts(void **state) {
    (void)state;
    char *path = xasprintf("%s/tests/unit/layouts.txt", getenv("THAW_ROOT"));
    FILE *file = fopen(path, "r");
    if (!file) fail_msg("%s is not there", path);
    layout *l = layouts;
    while (layout_count < 128 && fscanf(file, "%47s %d %" SCNd64 " %" SCNx64, l->name, &l->tensors,
                                        &l->parameters, &l->hash) == 4) {
        l++;
        layout_count++;
    }
    fclose(file);
    free(path);
    return 0;
}

static const layout *layout_find(const char *name) {
    for (size_t i = 0; i < layout_count; i++)
        if (strcmp(layouts[i].name, name) == 0) return &layouts[i];
    return NULL;
}

static void fnv1a(uint64_t *hash, const char *text) {
    for (; *text; text++)
        *hash = (*hash ^ (uint8_t)*text) * 0x100000001b3;
}

typedef struct tally {
    int tensors;
    uint64_t hash;
} tally;

static thaw_status tally_param(void *user, layer *l, param *p, const char *key) {
    (void)l;
    tally *t = user;
    char text[32];
    t->tensors++;
    fnv1a(&t->hash, key);
    fnv1a(&t->hash, p->type == DTYPE_I64 ? " int64" : " float32");
    if (p->buffer) fnv1a(&t->hash, " buffer");
    for (int i = 0; i < p->size.ndim; i++) {
        snprintf(text, sizeof text, " %" PRId64, p->size.dim[i]);
        fnv1a(&t->hash, text);
    }
    fnv1a(&t->hash, "\n");
    return thaw_ok();
}

static void keys_shapes_and_order_are_torchvisions(void **state) {
    (void)state;
    size_t compared = 0;
    const arch *a;
    for (size_t i = 0; (a = arch_at(i)); i++) {
        const layout *want = layout_find(a->name);
        if (!want) continue;
        model *m = built(a->name, 0, 0);
        tally got = {.hash = 0xcbf29ce484222325};
        must(model_each_param(m, tally_param, &got));
        if (got.tensors != want->tensors || model_parameter_count(m) != want->parameters)
            fail_msg("%s: %d tensors of %" PRId64 " parameters, not %d of %" PRId64, a->name, got.tensors,
                     model_parameter_count(m), want->tensors, want->parameters);
        if (got.hash != want->hash) fail_msg("%s: keys, shapes or order differ", a->name);
        model_free(m);
        compared++;
    }
    assert_int_equal(compared, 80);
}

/* ---- the catalog's facts ---- */

static int64_t aside(const layer *l) {
    int64_t total = l->aside && l->parent && !l->parent->aside ? layer_parameters(l) : 0;
    for (size_t i = 0; i < l->child_count; i++)
        total += aside(l->child[i]);
    return total;
}

static void sizes_and_costs_are_the_catalogs(void **state) {
    (void)state;
    thaw_catalog *c;
    must(thaw_catalog_open(&c));
    for (int i = 0; i < thaw_catalog_count(c); i++) {
        const thaw_weights_info *info = thaw_catalog_at(c, i);
        if (!info->buildable || info->bundled) continue;
        model *m = built(info->arch, 0, info->crop);
        int64_t count = model_parameter_count(m);
        if (count != info->parameters && count - aside(m->root) != info->parameters)
            fail_msg("%s: %" PRId64 " parameters, not %" PRId64, info->arch, count, info->parameters);
        double gmacs = (double)model_macs(m) / 1e9;
        if (fabs(gmacs - info->gflops) > 0.001 + 0.001 * info->gflops)
            fail_msg("%s %s: %g, not %g", info->arch, info->name, gmacs, info->gflops);
        model_free(m);
        /* The smallest image that torchvision names is no smaller than what thaw takes. */
        model_free(built(info->arch, 0, info->min_size));
    }
    thaw_catalog_free(c);
}

static void every_stage_but_the_first_can_be_a_cut(void **state) {
    (void)state;
    const arch *a;
    for (size_t i = 0; (a = arch_at(i)); i++) {
        model *m = built(a->name, 0, 0);
        for (size_t k = 0; k < m->order_count; k++) { /* whatever holds something is in exactly one stage */
            const layer *l = m->order[k];
            if (l->param_count && !l->aside && l->stage < 0) fail_msg("%s: %s: no stage", a->name, l->path);
            if (l->param_count && !l->aside && layer_is_leaf(l) && l->executed < 0)
                fail_msg("%s: %s is never reached", a->name, l->path);
        }
        assert_true(m->stage_count >= 5);
        model_free(m);
    }
}

/* Freeze NAME in M, besides what is frozen, and expect that alone to be told of it. */
static void freeze_and_describe(model *m, const char *name) {
    freeze_mask mask = {0};
    freeze_mask_add(&mask, name, THAW_FROZEN);
    must(freeze_apply(m, &mask));
    freeze_mask_clear(&mask);
    mask = freeze_describe(m);
    assert_int_equal(mask.frozen_count, 1);
    assert_string_equal(mask.frozen[0], name);
    freeze_mask_clear(&mask);
}

/* A class token, a layer scale: parameters that a module holds beside its children have names of their own.
 */
static void a_containers_own_parameter_is_frozen_by_name(void **state) {
    (void)state;
    static const char *const own[][2] = {{"vit_b_32", "class_token"},
                                         {"vit_b_32", "encoder.pos_embedding"},
                                         {"convnext_tiny", "features.1.0.layer_scale"},
                                         {"swin_t", "features.1.0.attn.relative_position_bias_table"},
                                         {"swin_v2_t", "features.1.0.attn.logit_scale"}};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        model *m = built(own[i][0], 0, 0);
        int64_t all = freeze_trainable_count(m);
        freeze_and_describe(m, own[i][1]);
        layer *l = model_find(m, own[i][1]);
        char *key = param_key(l, &l->param[0]);
        assert_string_equal(key, own[i][1]);
        assert_int_equal(all - freeze_trainable_count(m), shape_elements(&l->param[0].size));
        free(key);
        model_free(m);
    }
}

static void auxiliary_classifiers_are_not_trained_by_themselves(void **state) {
    (void)state;
    model *m = built("googlenet", 0, 0);
    assert_int_equal(freeze_trainable_count(m), 6624904);
    assert_int_equal(model_parameter_count(m), 13004888);
    assert_false(layer_trainable(model_find(m, "aux1.fc1")));
    freeze_and_describe(m, "all");
    model_free(m);
}

static model *with_auxiliary(const char *name, int classes, int side) {
    model *m = built(name, 0, side);
    must(model_replace_head(m, &(thaw_head){.auxiliary = true}, classes, 1));
    return m;
}

static void auxiliary_classifiers_are_trained_when_asked_for(void **state) {
    (void)state;
    model *m = with_auxiliary("googlenet", 3, 0);
    assert_int_equal(freeze_trainable_count(m), 13004888 - 3 * 1025 * 1000 + 3 * 3 * 1025);
    assert_true(layer_trainable(model_find(m, "aux1.fc1")));
    assert_int_equal(model_find(m, "aux2.fc2")->output.dim[1], 3);
    assert_int_equal(model_find(m, "aux1.conv")->output.dim[2], 4);
    freeze_and_describe(m, "aux1");
    freeze_mask mask = {0};
    freeze_mask_add(&mask, "all", THAW_FROZEN); /* what aux2 looks at may not be kept while it learns */
    must(freeze_apply(m, &mask));
    freeze_mask_clear(&mask);
    assert_true(freeze_prefix(m) > (size_t)model_find(m, "inception5b")->stage);
    freeze_layer(model_find(m, "aux2"), THAW_TRAINABLE);
    assert_int_equal(freeze_prefix(m), model_find(m, "inception4d")->stage);
    freeze_layer(m->root, THAW_TRAINABLE);
    must(model_replace_head(m, &(thaw_head){0}, 5, 1)); /* no longer asked for */
    assert_int_equal(freeze_trainable_count(m), 6624904 - 1025 * 1000 + 1025 * 5);
    model_free(m);
    m = built("resnet18", 0, 0);
    thaw_status status = model_replace_head(m, &(thaw_head){.auxiliary = true}, 3, 1);
    assert_non_null(strstr(status.message, "resnet18 has no auxiliary classifiers"));
    model_free(m);
    m = built("inception_v3", 0, 107);
    status = model_replace_head(m, &(thaw_head){.auxiliary = true}, 3, 1);
    assert_non_null(strstr(status.message, "AuxLogits"));
    model_free(m);
}

static void stochastic_depth_drops_whole_images_and_nothing_when_frozen(void **state) {
    (void)state;
    enum { IMAGES = 200, VALUES = 6 };
    torch *t = support_torch();
    layer *l = layer_root(&kind_stochastic_depth);
    l->spec.dropout = 0.2;
    tscope s;
    tscope_begin(&s, t);
    pass p = {.scope = &s, .training = true, .device = support_device()};
    act x = {.size = SHAPE_4(IMAGES, VALUES / 2, 1, 2)};
    x.t = t_full(&s, x.size, 1, DTYPE_F32, support_device());
    float values[IMAGES][VALUES];
    t_read(&s, layer_forward(l, &p, x).t, values, sizeof values);
    int dropped = 0;
    for (int i = 0; i < IMAGES; i++) {
        dropped += values[i][0] == 0;
        for (int k = 0; k < VALUES; k++)
            assert_true(values[i][k] == (values[i][0] == 0 ? 0 : (float)(1 / 0.8)));
    }
    assert_in_range(dropped, 20, 60);
    l->freeze = THAW_FROZEN;
    assert_true(layer_forward(l, &p, x).t == x.t);
    l->freeze = THAW_TRAINABLE;
    p.training = false;
    assert_true(layer_forward(l, &p, x).t == x.t);
    support_end(&s);
    layer_free(l);
}

/* ---- frozen to the bit ---- */

enum { CLASSES = 3, BATCH = 2, STEPS = 3 };

/* Every tensor as it was. */
typedef struct snapshot {
    tensor **copy;
    size_t count;
    const layer *thawed;        /* what is to move, with all below */
    const char *moved, *stayed; /* the first layer that was to stay and has not, or the other way round */
    tscope *scope;
} snapshot;

static thaw_status snapshot_param(void *user, layer *l, param *p, const char *key) {
    (void)l;
    (void)key;
    snapshot *s = user;
    s->copy = xreallocarray(s->copy, s->count + 1, sizeof *s->copy);
    s->copy[s->count++] = t_keep(s->scope, t_clone(s->scope, t_detach(s->scope, p->t)));
    return thaw_ok();
}

static thaw_status compare_param(void *user, layer *l, param *p, const char *key) {
    (void)key;
    snapshot *s = user;
    bool same = t_equal(s->scope, p->t, s->copy[s->count]);
    tensor_free(s->scope->torch, s->copy[s->count++]);
    bool thawed = layer_inside(l, s->thawed);
    if (!thawed && !same && !s->moved) s->moved = l->path;
    if (thawed && same && !s->stayed) s->stayed = l->path;
    return thaw_ok();
}

static void train(learner *l, int side) {
    size_t count = (size_t)BATCH * (size_t)side * (size_t)side * 3;
    float *pixels = xcalloc(count, sizeof *pixels);
    static const int64_t label[BATCH] = {0, 2};
    rng r = rng_keyed(5, RNG_TEST, 0, 0);
    for (size_t i = 0; i < count; i++)
        pixels[i] = (float)rng_range(&r, -1, 1);
    image_batch batch = {.count = BATCH, .height = side, .width = side, .numbers = pixels, .label = label};
    for (int step = 0; step < STEPS; step++) {
        double loss;
        must(learner_step(l, &batch, step, 0.05, NULL, &loss));
        assert_true(isfinite(loss));
    }
    free(pixels);
}

/* Three steps with momentum and weight decay; all of M, which is freed, frozen but THAWED and what is below.
 */
static void only_moves(model *m, const char *thawed, int side) {
    torch *t = support_torch();
    const char *name = m->arch->name;
    must(model_materialise(m, t, support_device(), false, 1));
    freeze_layer(m->root, THAW_FROZEN);
    freeze_layer(model_find(m, thawed), THAW_TRAINABLE);
    thaw_recipe recipe;
    thaw_recipe_init(&recipe);
    recipe.optimizer.momentum = 0.9;
    recipe.optimizer.weight_decay = 0.1;
    learner l = {.model = m};
    must(optimizer_new(&recipe, m, &l.optimizer));
    must(learner_mask_changed(&l));
    tscope s;
    tscope_begin(&s, t);
    snapshot seen = {.scope = &s, .thawed = model_find(m, thawed)};
    must(model_each_param(m, snapshot_param, &seen));
    train(&l, side);
    seen.count = 0;
    must(model_each_param(m, compare_param, &seen));
    support_end(&s);
    if (seen.moved) fail_msg("%s: %s moved although frozen", name, seen.moved);
    if (seen.stayed) fail_msg("%s: %s did not move", name, seen.stayed);
    free(seen.copy);
    learner_clear(&l);
    optimizer_free(l.optimizer);
    thaw_recipe_clear(&recipe);
    model_free(m);
}

static void only_the_head_moves(const char *name, int side) {
    model *m = built(name, CLASSES, side);
    only_moves(m, m->arch->head, side);
}

/* A small image: the checks are about which tensors move. */
static int side_of(const arch *a) {
    if (strncmp(a->family, "maxvit", 6) == 0) return a->input;
    if (strcmp(a->name, "vit_h_14") == 0) return 56;
    if (strncmp(a->name, "inception", 9) == 0) return 107;
    return a->input < 64 ? a->input : 64;
}

static void everything_but_the_head_stays_to_the_bit(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int side;
    } small[] = {
        {"cifar_resnet20", 16},  {"resnet18", 32},           {"alexnet", 63},
        {"vgg11_bn", 32},        {"squeezenet1_0", 45},      {"mobilenet_v2", 33},
        {"mnasnet0_5", 33},      {"shufflenet_v2_x0_5", 33}, {"densenet121", 33},
        {"googlenet", 33},       {"inception_v3", 75},       {"mobilenet_v3_small", 33},
        {"efficientnet_b0", 33}, {"efficientnet_v2_s", 33},  {"regnet_y_400mf", 33},
        {"regnet_x_400mf", 33},  {"convnext_tiny", 32},      {"vit_b_32", 64},
        {"swin_t", 64},          {"swin_v2_t", 64},          {"maxvit_t", 224},
    };
    for (size_t i = 0; i < sizeof small / sizeof *small; i++)
        only_the_head_moves(small[i].name, small[i].side);
    const arch *a;
    for (size_t i = 0; getenv("THAW_TEST_ALL") && (a = arch_at(i)); i++)
        only_the_head_moves(a->name, side_of(a));
}

/* Behind frozen layers only the second auxiliary classifier learns: it records where nothing else does. */
static void an_auxiliary_classifier_alone_can_learn(void **state) {
    (void)state;
    only_moves(with_auxiliary("googlenet", CLASSES, 33), "aux2", 33);
}

/* Autocast leaves float32 weights beside bfloat16 images in what is not a convolution or a product. */
static void families_with_layer_norms_train_in_bf16(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int side;
    } some[] = {
        {"convnext_tiny", 32}, {"vit_b_32", 64}, {"swin_t", 64}, {"swin_v2_t", 64}, {"maxvit_t", 224}};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        model *m = built(some[i].name, CLASSES, some[i].side);
        must(model_materialise(m, support_torch(), support_device(), true, 1));
        thaw_recipe recipe;
        thaw_recipe_init(&recipe);
        learner l = {.model = m, .bf16 = true};
        must(optimizer_new(&recipe, m, &l.optimizer));
        must(learner_mask_changed(&l));
        train(&l, some[i].side);
        learner_clear(&l);
        optimizer_free(l.optimizer);
        thaw_recipe_clear(&recipe);
        model_free(m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_shapes_and_order_are_torchvisions),
        cmocka_unit_test(sizes_and_costs_are_the_catalogs),
        cmocka_unit_test(every_stage_but_the_first_can_be_a_cut),
        cmocka_unit_test(a_containers_own_parameter_is_frozen_by_name),
        cmocka_unit_test(auxiliary_classifiers_are_not_trained_by_themselves),
        cmocka_unit_test(auxiliary_classifiers_are_trained_when_asked_for),
        cmocka_unit_test(stochastic_depth_drops_whole_images_and_nothing_when_frozen),
        cmocka_unit_test(everything_but_the_head_stays_to_the_bit),
        cmocka_unit_test(an_auxiliary_classifier_alone_can_learn),
        cmocka_unit_test(families_with_layer_norms_train_in_bf16),
    };
    return cmocka_run_group_tests(tests, read_layouts, NULL);
}
