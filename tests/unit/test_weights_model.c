/*
 * test_weights_model.c - weights into models and out of them: what fits, what does not and how it is told,
 * and that every value arrives.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/nn/model.h"
#include "engine/weights/weights_file.h"
#include "tests/unit/support_state.h"
#include "tests/unit/support_torch.h"
#include "tests/unit/weights_fixture.h"

static void assert_ok(thaw_status status) {
    assert_string_equal(status.message, "");
}

static void assert_says(thaw_status status, const char *word) {
    if (!thaw_failed(&status)) fail_msg("no error, expected: %s", word);
    if (!strstr(status.message, word)) fail_msg("\"%s\" is not in: %s", word, status.message);
}

static model *build(const char *name, int classes) {
    model *m;
    assert_ok(model_build(name, classes, 0, 0, &m));
    return m;
}

/* What comparing the (changed) state dict of FROM with a model says. */
static thaw_status compare(state_dict *d, const char *name, int classes, weights_head head,
                           weights_report *r) {
    weights_file *f = state_dict_open(d);
    model *m = build(name, classes);
    thaw_status status = weights_compare(f, m, head, r);
    model_free(m);
    weights_close(f);
    return status;
}

static void the_same_architecture_fits(void **state) {
    (void)state;
    state_dict d = state_dict_of("cifar_resnet20", 10);
    weights_report r;
    size_t keys = d.count;
    assert_ok(compare(&d, "cifar_resnet20", 10, WEIGHTS_HEAD_STRICT, &r));
    assert_int_equal(r.loaded, keys);
    assert_int_equal(r.missing_count + r.extra_count + r.misfit_count, 0);
    weights_report_clear(&r);
    state_dict_clear(&d, keys);
}

static void counters_of_batches_may_be_missing(void **state) {
    (void)state;
    state_dict d = state_dict_of("cifar_resnet20", 10);
    size_t keys = d.count;
    state_dict_drop(&d, "bn1.num_batches_tracked");
    assert_ok(compare(&d, "cifar_resnet20", 10, WEIGHTS_HEAD_STRICT, NULL));
    state_dict_clear(&d, keys);
}

/* "features.denseblock1.denselayer1.norm1.weight" to "...denselayer1.norm.1.weight": as in the files that
 * torchvision still hands out. */
static void densenets_old_names_are_known(void **state) {
    (void)state;
    static const char *const part[] = {".norm1.", ".norm2.", ".conv1.", ".conv2."};
    state_dict d = state_dict_of("densenet121", 10);
    size_t renamed = 0;
    for (size_t i = 0; i < d.count; i++) {
        for (size_t k = 0; k < 4; k++) {
            char *at = strstr(d.key[i], part[k]);
            if (!at || !strstr(d.key[i], "denselayer")) continue;
            char *old = xasprintf("%.*s.%s", (int)(at - d.key[i] + 5), d.key[i], at + 5);
            free(d.key[i]);
            d.item[i].key = d.key[i] = old;
            renamed++;
            break;
        }
    }
    assert_int_equal(renamed, 58 * 12);
    assert_ok(compare(&d, "densenet121", 10, WEIGHTS_HEAD_STRICT, NULL));
    state_dict_clear(&d, d.count);
}

static void vits_old_names_are_known(void **state) {
    (void)state;
    static const float one[4] = {1, 2, 3, 4};
    const weights_item item[] = {
        {"encoder.layers.encoder_layer_0.mlp.linear_1.weight", DTYPE_F32, SHAPE_2(2, 2), one},
        {"encoder.layers.encoder_layer_11.mlp.linear_2.bias", DTYPE_F32, SHAPE_1(4), one},
        {"head.mlp.linear_1.weight", DTYPE_F32, SHAPE_1(4), one}, /* not a ViT's */
    };
    weights_file *f;
    assert_ok(weights_write_safetensors("vit.safetensors", item, 3, NULL, 0));
    assert_ok(weights_open("vit.safetensors", &f));
    assert_non_null(weights_find(f, "encoder.layers.encoder_layer_0.mlp.0.weight"));
    assert_non_null(weights_find(f, "encoder.layers.encoder_layer_11.mlp.3.bias"));
    assert_non_null(weights_find(f, "head.mlp.linear_1.weight"));
    weights_close(f);
}

/* Numbers from torch.nn.functional.interpolate(mode="bicubic", align_corners=True). */
static void position_embeddings_are_interpolated_as_torch_does(void **state) {
    (void)state;
    static const float have[] = {1, 9, 3, 1, 5, -2, 7, 4, 9, 0.5f};
    static const float want[] = {1, 9,      3, 1,      4, -0.5f, 5, -2,    5, 2.5f,
                                 6, 0.875f, 7, -0.75f, 7, 4,     8, 2.25f, 9, 0.5f};
    float got[20];
    shape file = SHAPE_3(1, 5, 2), wanted = SHAPE_3(1, 10, 2);
    weights_positions_resize(have, &file, got, &wanted);
    for (int i = 0; i < 20; i++)
        assert_true(fabsf(got[i] - want[i]) < 1e-6f);
    model *m;
    assert_ok(model_build("vit_b_32", 0, 96, 96, &m));
    const layer *positions = model_find(m, "encoder.pos_embedding");
    assert_int_equal(positions->param[0].size.dim[1], 10);
    assert_true(weights_positions_fit(positions, &SHAPE_3(1, 50, 768), &positions->param[0].size));
    assert_false(weights_positions_fit(positions, &SHAPE_3(1, 51, 768), &positions->param[0].size));
    assert_false(weights_positions_fit(positions, &SHAPE_3(1, 50, 512), &positions->param[0].size));
    assert_false(weights_positions_fit(m->head, &SHAPE_3(1, 50, 768), &positions->param[0].size));
    char *note = weights_positions_note(&SHAPE_3(1, 50, 768), &positions->param[0].size);
    assert_string_equal(note, "position embeddings interpolated from 7x7 to 3x3");
    free(note);
    model_free(m);
}

static void auxiliary_classifiers_may_be_missing_or_of_other_classes(void **state) {
    (void)state;
    weights_report r;
    state_dict d = state_dict_of("googlenet", 10);
    size_t keys = d.count;
    state_dict_find(&d, "aux2.fc2.weight")->size = SHAPE_2(10, 1024);
    state_dict_drop(&d, "aux1.conv.conv.weight");
    state_dict_drop(&d, "aux1.fc1.bias");
    assert_ok(compare(&d, "googlenet", 10, WEIGHTS_HEAD_STRICT, &r));
    assert_int_equal(r.loaded, keys - 3);
    weights_report_clear(&r);
    state_dict_drop(&d, "conv1.conv.weight");
    assert_says(compare(&d, "googlenet", 10, WEIGHTS_HEAD_STRICT, NULL), "conv1.conv.weight is missing");
    state_dict_clear(&d, keys);
}

static void missing_extra_and_misfitting_keys_are_named(void **state) {
    (void)state;
    weights_report r;
    state_dict d = state_dict_of("cifar_resnet20", 10);
    size_t keys = d.count;
    state_dict_find(&d, "conv1.weight")->size = SHAPE_4(16, 1, 3, 3);
    thaw_status status = compare(&d, "cifar_resnet20", 10, WEIGHTS_HEAD_STRICT, &r);
    assert_int_equal(status.code, THAW_ERR_SHAPE);
    assert_says(status, "conv1.weight: file [16, 1, 3, 3], model [16, 3, 3, 3]");
    assert_says(status, "state.safetensors does not fit cifar_resnet20");
    assert_int_equal(r.misfit_count, 1);
    weights_report_clear(&r);

    state_dict_drop(&d, "layer1.0.bn1.running_mean");
    weights_item *renamed = state_dict_find(&d, "layer2.1.conv2.weight");
    renamed->key = "layer2.1.convolution2.weight";
    status = compare(&d, "cifar_resnet20", 10, WEIGHTS_HEAD_SKIP, &r);
    assert_says(status, "and 3 more keys do not fit");
    assert_int_equal(r.misfit_count, 1);
    assert_int_equal(r.missing_count, 2);
    assert_int_equal(r.extra_count, 1);
    assert_string_equal(r.missing[0], "layer1.0.bn1.running_mean");
    assert_string_equal(r.missing[1], "layer2.1.conv2.weight");
    assert_string_equal(r.extra[0], "layer2.1.convolution2.weight");
    weights_report_clear(&r);
    state_dict_clear(&d, keys);
}

static void integers_do_not_fit_weights(void **state) {
    (void)state;
    state_dict d = state_dict_of("cifar_resnet20", 10);
    size_t keys = d.count;
    state_dict_find(&d, "conv1.weight")->type = DTYPE_I32;
    assert_says(compare(&d, "cifar_resnet20", 10, WEIGHTS_HEAD_STRICT, NULL),
                "conv1.weight: file int32, model float32");
    state_dict_find(&d, "conv1.weight")->type = DTYPE_F16;
    state_dict_find(&d, "bn1.num_batches_tracked")->type = DTYPE_I32;
    assert_ok(compare(&d, "cifar_resnet20", 10, WEIGHTS_HEAD_STRICT, NULL));
    state_dict_clear(&d, keys);
}

static void another_number_of_classes_is_told_as_such(void **state) {
    (void)state;
    state_dict d = state_dict_of("cifar_resnet20", 10);
    thaw_status status = compare(&d, "cifar_resnet20", 2, WEIGHTS_HEAD_STRICT, NULL);
    assert_says(status, "linear.weight: file [10, 64], model [2, 64]");
    assert_says(status, "trained for 10 classes and the model has 2");
    assert_ok(compare(&d, "cifar_resnet20", 2, WEIGHTS_HEAD_SKIP, NULL));
    state_dict_clear(&d, d.count);
}

static void another_architecture_is_recognised(void **state) {
    (void)state;
    state_dict d = state_dict_of("cifar_resnet32", 7);
    assert_says(compare(&d, "cifar_resnet20", 10, WEIGHTS_HEAD_STRICT, NULL), "the file is a cifar_resnet32");
    assert_says(compare(&d, "cifar_resnet20", 10, WEIGHTS_HEAD_SKIP, NULL), "the file is a cifar_resnet32");
    size_t keys = d.count;
    state_dict_drop(&d, "layer3.0.conv1.weight");
    assert_says(compare(&d, "cifar_resnet20", 10, WEIGHTS_HEAD_SKIP, NULL), "another architecture");
    state_dict_clear(&d, keys);
    float value = 0;
    weights_item alien = {"encoder.weight", DTYPE_F32, SHAPE_0(), &value};
    state_dict one = {.item = &alien, .count = 1};
    assert_says(compare(&one, "cifar_resnet20", 10, WEIGHTS_HEAD_SKIP, NULL), "not one key fits");
}

static void a_file_of_no_known_architecture_is_told_the_three_nearest(void **state) {
    (void)state;
    state_dict d = state_dict_of("resnet18", 10);
    state_dict_rename(&d, "layer4.", "stage4.");
    thaw_status status = compare(&d, "resnet18", 10, WEIGHTS_HEAD_SKIP, NULL);
    assert_int_equal(status.code, THAW_ERR_SHAPE);
    assert_says(status, "nearest are resnet18 (");
    assert_says(status, "% with their shapes), resnet34 (");
    weights_file *f = state_dict_open(&d);
    thaw_weights_match best[THAW_WEIGHTS_NEAREST];
    assert_null(weights_guess_arch(f));
    assert_int_equal(weights_nearest(f, best), THAW_WEIGHTS_NEAREST);
    /* 102 tensors that are no counters on either side; layer4 has 25 of them, the head 2 of other sizes. */
    const double all = 102 + 25;
    assert_string_equal(best[0].arch, "resnet18");
    assert_float_equal(best[0].keys, 77 / all, 1e-9);
    assert_float_equal(best[0].shapes, 75 / all, 1e-9);
    assert_true(best[0].shapes > best[1].shapes && best[1].shapes >= best[2].shapes);
    weights_close(f);
    state_dict_clear(&d, d.count);
}

static void architectures_with_the_same_keys_are_told_apart_by_shapes(void **state) {
    (void)state;
    state_dict d = state_dict_of("resnext50_32x4d", 1000);
    size_t keys = d.count;
    state_dict_drop(&d, "layer1.0.conv1.weight");
    weights_file *f = state_dict_open(&d);
    thaw_weights_match best[THAW_WEIGHTS_NEAREST];
    assert_int_equal(weights_nearest(f, best), THAW_WEIGHTS_NEAREST);
    assert_string_equal(best[0].arch, "resnext50_32x4d");
    assert_true(best[0].shapes > 0.99 && best[0].shapes < 1);
    assert_float_equal(best[1].keys, best[0].keys, 1e-9); /* ResNet-50 and Wide-ResNet-50 */
    assert_true(best[1].shapes < best[0].shapes);
    weights_close(f);
    state_dict_clear(&d, keys);
}

static void a_file_without_a_known_key_has_no_nearest(void **state) {
    (void)state;
    float value = 0;
    weights_item alien = {"tokens.mixer.weight", DTYPE_F32, SHAPE_0(), &value};
    state_dict d = {.item = &alien, .count = 1};
    weights_file *f = state_dict_open(&d);
    thaw_weights_match best[THAW_WEIGHTS_NEAREST];
    assert_int_equal(weights_nearest(f, best), 0);
    weights_close(f);
    assert_says(compare(&d, "vit_b_16", 1000, WEIGHTS_HEAD_SKIP, NULL),
                "thaw knows no architecture with even one of its keys");
}

static void a_head_of_another_depth_is_skipped(void **state) {
    (void)state;
    state_dict d = state_dict_of("cifar_resnet20", 10);
    size_t keys = d.count;
    weights_report r;
    state_dict_find(&d, "linear.weight")->key = "linear.0.weight"; /* an MLP's keys */
    state_dict_find(&d, "linear.bias")->key = "linear.3.bias";
    assert_ok(compare(&d, "cifar_resnet20", 5, WEIGHTS_HEAD_SKIP, &r));
    assert_int_equal(r.loaded, keys - 2);
    weights_report_clear(&r);
    assert_says(compare(&d, "cifar_resnet20", 5, WEIGHTS_HEAD_STRICT, NULL), "linear.weight");
    state_dict_find(&d, "linear.0.weight")->key = "linearity.weight"; /* not under the head's path */
    assert_says(compare(&d, "cifar_resnet20", 5, WEIGHTS_HEAD_SKIP, NULL), "linearity.weight");
    state_dict_clear(&d, keys);
}

/* ---- with tensors ---- */

static thaw_status assert_same_param(void *user, layer *l, param *p, const char *key) {
    const model *other = user;
    tscope s = support_begin();
    (void)l;
    const char *dot = strrchr(key, '.');
    char *path = xstrndup(key, (size_t)(dot - key));
    layer *twin = model_find(other, path);
    assert_non_null(twin);
    for (int i = 0; i < twin->param_count; i++)
        if (strcmp(twin->param[i].name, p->name) == 0 && !t_equal(&s, p->t, twin->param[i].t))
            fail_msg("%s differs", key);
    free(path);
    support_end(&s);
    return thaw_ok();
}

static model *materialised(int classes, uint64_t seed, bool channels_last) {
    model *m = build("cifar_resnet20", classes);
    assert_ok(model_materialise(m, support_torch(), (device){.kind = DEVICE_CPU}, channels_last, seed));
    return m;
}

static void a_saved_model_loads_bit_identically(void **state) {
    (void)state;
    static const char *const names[] = {"m.safetensors", "m.pth", "m.pt"};
    const weights_pair pair = {"arch", "cifar_resnet20"};
    model *saved = materialised(10, 1, true);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        weights_file *f;
        weights_report r;
        model *loaded = materialised(10, 2, i == 1);
        assert_ok(weights_save_model(names[i], saved, &pair, 1));
        assert_ok(weights_open(names[i], &f));
        if (i == 0) assert_string_equal(weights_metadata(f, "arch"), "cifar_resnet20");
        assert_ok(weights_load(f, loaded, WEIGHTS_HEAD_STRICT, &r));
        assert_int_equal(r.loaded, weights_count(f));
        weights_report_clear(&r);
        assert_ok(model_each_param(loaded, assert_same_param, saved));
        weights_close(f);
        model_free(loaded);
    }
    assert_says(weights_save_model("m.onnx", saved, NULL, 0), ".safetensors, .pth or .pt");
    assert_false(path_exists("m.onnx"));
    model_free(saved);
}

static void a_file_that_does_not_fit_leaves_the_model_untouched(void **state) {
    (void)state;
    model *m = materialised(10, 3, false), *same = materialised(10, 3, false);
    state_dict d = state_dict_of("cifar_resnet20", 10);
    size_t keys = d.count;
    state_dict_find(&d, "layer3.2.bn2.bias")->size = SHAPE_1(63);
    weights_file *f = state_dict_open(&d);
    assert_says(weights_load(f, m, WEIGHTS_HEAD_STRICT, NULL), "layer3.2.bn2.bias: file [63], model [64]");
    assert_ok(model_each_param(m, assert_same_param, same));
    weights_close(f);
    state_dict_clear(&d, keys);
    model_free(m);
    model_free(same);
}

/* What is placed and loaded is what is made and then loaded, whichever way the tensors came to be. */
static void a_placed_model_is_made_of_the_file(void **state) {
    (void)state;
    const device cpu = {.kind = DEVICE_CPU};
    model *saved = materialised(10, 1, true);
    weights_file *f;
    assert_ok(weights_save_model("placed.safetensors", saved, NULL, 0));
    assert_ok(weights_open("placed.safetensors", &f));
    for (int channels_last = 0; channels_last < 2; channels_last++) {
        for (weights_head head = WEIGHTS_HEAD_STRICT; head <= WEIGHTS_HEAD_SKIP; head++) {
            model *want = materialised(10, 2, channels_last), *got = build("cifar_resnet20", 10);
            assert_ok(weights_load(f, want, head, NULL));
            model_place(got, support_torch(), cpu, channels_last);
            assert_ok(weights_load(f, got, head, NULL));
            assert_true((got->head->param[0].t == NULL) == (head == WEIGHTS_HEAD_SKIP));
            assert_ok(model_fill(got, 2));
            assert_ok(model_each_param(got, assert_same_param, want));
            model_free(want);
            model_free(got);
        }
    }
    weights_close(f);
    model_free(saved);
}

static void a_skipped_head_keeps_its_own_values(void **state) {
    (void)state;
    model *m = materialised(10, 3, false), *same = materialised(10, 3, false);
    state_dict d = state_dict_of("cifar_resnet20", 10);
    weights_file *f = state_dict_open(&d);
    assert_ok(weights_load(f, m, WEIGHTS_HEAD_SKIP, NULL));
    tscope s = support_begin();
    assert_true(t_equal(&s, m->head->param[0].t, same->head->param[0].t));
    assert_true(t_norm(&s, model_find(m, "conv1")->param[0].t) == 0);
    support_end(&s);
    weights_close(f);
    state_dict_clear(&d, d.count);
    model_free(m);
    model_free(same);
}

static void a_model_without_tensors_is_told_apart(void **state) {
    (void)state;
    model *m = build("cifar_resnet20", 10);
    state_dict d = state_dict_of("cifar_resnet20", 10);
    weights_file *f = state_dict_open(&d);
    assert_says(weights_load(f, m, WEIGHTS_HEAD_STRICT, NULL), "no tensors");
    assert_says(weights_save_model("x.pth", m, NULL, 0), "no tensors");
    weights_close(f);
    state_dict_clear(&d, d.count);
    model_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_architecture_fits),
        cmocka_unit_test(counters_of_batches_may_be_missing),
        cmocka_unit_test(densenets_old_names_are_known),
        cmocka_unit_test(vits_old_names_are_known),
        cmocka_unit_test(position_embeddings_are_interpolated_as_torch_does),
        cmocka_unit_test(auxiliary_classifiers_may_be_missing_or_of_other_classes),
        cmocka_unit_test(missing_extra_and_misfitting_keys_are_named),
        cmocka_unit_test(integers_do_not_fit_weights),
        cmocka_unit_test(another_number_of_classes_is_told_as_such),
        cmocka_unit_test(another_architecture_is_recognised),
        cmocka_unit_test(a_file_of_no_known_architecture_is_told_the_three_nearest),
        cmocka_unit_test(architectures_with_the_same_keys_are_told_apart_by_shapes),
        cmocka_unit_test(a_file_without_a_known_key_has_no_nearest),
        cmocka_unit_test(a_head_of_another_depth_is_skipped),
        cmocka_unit_test(a_saved_model_loads_bit_identically),
        cmocka_unit_test(a_file_that_does_not_fit_leaves_the_model_untouched),
        cmocka_unit_test(a_placed_model_is_made_of_the_file),
        cmocka_unit_test(a_skipped_head_keeps_its_own_values),
        cmocka_unit_test(a_model_without_tensors_is_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
