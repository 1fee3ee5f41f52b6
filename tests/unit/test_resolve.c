/*
 * test_resolve.c - what a recipe leaves open is decided once, from the weights and the catalog, and written
 * out. No libtorch is needed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/run/card.h"
#include "engine/run/resolve.h"

static thaw_catalog *catalog;

static void assert_ok(thaw_status status) {
    assert_string_equal(status.message, "");
}

static void assert_says(thaw_status status, const char *word) {
    if (!thaw_failed(&status)) fail_msg("succeeded; expected a failure about \"%s\"", word);
    if (!strstr(status.message, word)) fail_msg("\"%s\" is not in: %s", word, status.message);
}

/* A recipe of MODEL with random weights and one more setting ("" for none). */
static thaw_recipe recipe_of(const char *model_name, const char *setting) {
    thaw_recipe r;
    thaw_recipe_init(&r);
    free(r.model);
    r.model = xstrdup(model_name);
    assert_ok(thaw_recipe_set(&r, "weights=null"));
    assert_ok(thaw_recipe_set(&r, "data.path=shapes"));
    if (setting[0]) assert_ok(thaw_recipe_set(&r, setting));
    return r;
}

static void sizes_follow_from_the_weights_and_each_other(void **state) {
    (void)state;
    static const struct {
        const char *model, *setting;
        int resize, crop;
    } cases[] = {
        {"resnet18", "", 256, 224},
        {"resnet18", "data.crop=128", 146, 128}, /* the same proportion */
        {"resnet18", "data.resize=300", 300, 224},
        {"resnet18", "data.resize=100", 100, 100}, /* a crop cannot be larger */
        {"resnet18", "data={\"resize\": 64, \"crop\": 48}", 64, 48},
        {"cifar_resnet20", "", 32, 32},
        {"cifar_resnet20", "data.crop=64", 64, 64},
        {"cifar_resnet32", "", 32, 32}, /* in no catalog */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        thaw_recipe r = recipe_of(cases[i].model, cases[i].setting);
        recipe_plan plan;
        assert_ok(recipe_resolve(&r, catalog, &plan));
        assert_int_equal(plan.transform.resize, cases[i].resize);
        assert_int_equal(plan.transform.crop, cases[i].crop);
        assert_int_equal(r.data.resize, cases[i].resize); /* written out */
        assert_int_equal(r.data.crop, cases[i].crop);
        assert_string_equal(r.data.interpolation, "bilinear");
        assert_true(plan.transform.mean[0] == 0.485f && plan.transform.std[2] == 0.225f);
        assert_int_equal(plan.transform.augment, AUGMENT_BASIC);
        assert_null(plan.weights_file);
        assert_ok(thaw_recipe_check(&r)); /* what was written out is a good recipe */
        recipe_plan again;
        assert_ok(recipe_resolve(&r, catalog, &again)); /* and decides nothing anew */
        assert_memory_equal(&again.transform, &plan.transform, sizeof plan.transform);
        recipe_plan_clear(&again);
        recipe_plan_clear(&plan);
        thaw_recipe_clear(&r);
    }
}

static void write_weights(const char *path, const model_card *card) {
    float one = 1;
    size_t count = 0;
    weights_pair *pairs = card ? model_card_pairs(card, &count) : NULL;
    weights_item item = {"x", DTYPE_F32, SHAPE_1(1), &one};
    assert_ok(weights_write_safetensors(path, &item, 1, pairs, count));
    model_card_pairs_free(pairs, count);
}

static void a_weights_file_says_how_its_images_were_prepared(void **state) {
    (void)state;
    model_card card = {.has_transform = true, .transform = {.resize = 80, .crop = 72, .std = {1, 1, 1}}};
    card.transform.interpolation = INTERPOLATE_BICUBIC;
    write_weights("own.safetensors", &card);
    thaw_recipe r = recipe_of("resnet18", "weights=own.safetensors");
    recipe_plan plan;
    assert_ok(recipe_resolve(&r, catalog, &plan));
    assert_int_equal(plan.transform.resize, 80);
    assert_int_equal(plan.transform.crop, 72);
    assert_true(plan.transform.mean[1] == 0);
    assert_string_equal(r.data.interpolation, "bicubic");
    assert_int_equal(r.weights[0], '/'); /* wherever the run is resumed from */
    assert_string_equal(r.weights, plan.weights_file);
    recipe_plan_clear(&plan);
    thaw_recipe_clear(&r);
}

static void a_name_of_the_catalog_stays_a_name(void **state) {
    (void)state;
    assert_ok(path_make_directory("torch/hub/checkpoints"));
    write_weights("torch/hub/checkpoints/resnet18-f37072fd.pth", NULL);
    char *home = realpath("torch", NULL);
    setenv("TORCH_HOME", home, 1);
    static const char *const settings[] = {"weights=DEFAULT", "weights=IMAGENET1K_V1"};
    for (size_t i = 0; i < 2; i++) {
        thaw_recipe r = recipe_of("resnet18", settings[i]);
        recipe_plan plan;
        assert_ok(recipe_resolve(&r, catalog, &plan));
        assert_string_equal(r.weights, "IMAGENET1K_V1");
        assert_non_null(strstr(plan.weights_file, "resnet18-f37072fd.pth"));
        assert_int_equal(plan.info->classes, 1000);
        recipe_plan_clear(&plan);
        thaw_recipe_clear(&r);
    }
    unsetenv("TORCH_HOME");
    free(home);
}

static void data_folders_become_absolute(void **state) {
    (void)state;
    assert_ok(path_make_directory("photos"));
    thaw_recipe r = recipe_of("resnet18", "data.path=./photos/");
    recipe_plan plan;
    assert_ok(recipe_resolve(&r, catalog, &plan));
    assert_int_equal(r.data.path[0], '/');
    assert_string_equal(path_base(r.data.path), "photos");
    recipe_plan_clear(&plan);
    thaw_recipe_clear(&r);
    r = recipe_of("resnet18", "");
    assert_ok(recipe_resolve(&r, catalog, &plan));
    assert_string_equal(r.data.path, "shapes"); /* no folder: the bundled set */
    recipe_plan_clear(&plan);
    thaw_recipe_clear(&r);
}

static void what_cannot_be_resolved_says_why(void **state) {
    (void)state;
    static const struct {
        const char *model, *setting, *word;
    } cases[] = {
        {"resnet81", "", "did you mean 'resnet18'"},
        {"", "", "no model"},
        {"resnet18", "weights=IMAGENET1K_V7", "IMAGENET1K_V"},
        {"resnet18", "weights=DEFAULT", "not on this machine"},
        {"resnet18", "weights=absent.pth", "absent.pth"},
        {"resnet18", "weights=.", "."},
        {"resnet18", "weights=rubbish.pth", "rubbish.pth"},
    };
    assert_ok(file_replace("rubbish.pth", "rubbish", 7));
    setenv("TORCH_HOME", "/nowhere", 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        thaw_recipe r = recipe_of(cases[i].model, cases[i].setting);
        recipe_plan plan;
        assert_says(recipe_resolve(&r, catalog, &plan), cases[i].word);
        assert_null(plan.weights_file);
        thaw_recipe_clear(&r);
    }
    unsetenv("TORCH_HOME");
}

static void norm_decides_what_frozen_layers_statistics_do(void **state) {
    (void)state;
    thaw_recipe r = recipe_of("resnet18", "freeze=conv1,layer1");
    assert_ok(thaw_recipe_set(&r, "moving=layer2"));
    freeze_mask mask = recipe_mask(&r);
    assert_int_equal(mask.frozen_count, 2);
    assert_int_equal(mask.moving_count, 1);
    freeze_mask_clear(&mask);
    assert_ok(thaw_recipe_set(&r, "norm=train"));
    mask = recipe_mask(&r);
    assert_int_equal(mask.frozen_count, 0);
    assert_int_equal(mask.moving_count, 3);
    freeze_mask_clear(&mask);
    thaw_recipe_clear(&r);
}

static int open_catalog(void **state) {
    (void)state;
    thaw_status status = thaw_catalog_open(&catalog);
    return thaw_failed(&status);
}

static int close_catalog(void **state) {
    (void)state;
    thaw_catalog_free(catalog);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_follow_from_the_weights_and_each_other),
        cmocka_unit_test(a_weights_file_says_how_its_images_were_prepared),
        cmocka_unit_test(a_name_of_the_catalog_stays_a_name),
        cmocka_unit_test(data_folders_become_absolute),
        cmocka_unit_test(what_cannot_be_resolved_says_why),
        cmocka_unit_test(norm_decides_what_frozen_layers_statistics_do),
    };
    return cmocka_run_group_tests(tests, open_catalog, close_catalog);
}
