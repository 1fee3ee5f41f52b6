/*
 * test_forecast.c - how much of a run's work is foreseen to be done once only.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "thaw/forecast.h"

enum { IMAGES = 160, EPOCHS = 20, STEPS = 10 /* an epoch, of 16 images */ };

static void set(thaw_recipe *r, const char *key, const char *value) {
    thaw_status status = thaw_recipe_set_text(r, key, value);
    assert_string_equal(status.message, "");
}

/* What is foreseen of the bundled model with everything frozen but the head (or nothing) and this
 * augmentation. */
static thaw_forecast foresee(const char *augment, bool frozen, const char *key, const char *value) {
    thaw_recipe r;
    thaw_layers *layers;
    thaw_recipe_init(&r);
    set(&r, "model", "cifar_resnet20");
    set(&r, "data.augment", augment);
    set(&r, "epochs", "20");
    set(&r, "batch_size", "16");
    if (key) set(&r, key, value);
    thaw_status status = thaw_layers_new(r.model, NULL, 8, 32, &layers);
    assert_string_equal(status.message, "");
    const char *all = "all";
    status = thaw_layers_set_mask(layers, &all, frozen ? 1 : 0, NULL, 0);
    assert_string_equal(status.message, "");
    thaw_forecast f = thaw_forecast_run(layers, &r, IMAGES);
    thaw_layers_free(layers);
    thaw_recipe_clear(&r);
    return f;
}

static void one_view_is_computed_in_the_first_epoch(void **state) {
    (void)state;
    thaw_forecast f = foresee("none", true, NULL, NULL);
    assert_int_equal(f.steps, EPOCHS * STEPS);
    assert_int_equal(f.views, 1);
    assert_true(fabs(f.whole - STEPS) < 1e-9);
    assert_true(f.kept_share > 0 && f.kept_share < 0.01); /* a head of 64 by 8 */
    assert_true(f.work < STEPS + 0.01 * EPOCHS * STEPS);
}

static void random_crops_are_computed_as_often_as_there_are_views(void **state) {
    (void)state;
    thaw_forecast f = foresee("basic", true, NULL, NULL);
    assert_int_equal(f.views, 5); /* each shown four times */
    assert_true(fabs(f.whole - 5 * STEPS) < 1e-9);
    f = foresee("basic", true, "cache_views", "20");
    assert_int_equal(f.views, 0); /* none would be met again */
    assert_true(fabs(f.work - EPOCHS * STEPS) < 1e-9);
}

static void flips_are_all_met_after_some_epochs(void **state) {
    (void)state;
    thaw_forecast f = foresee("flip", true, NULL, NULL);
    assert_int_equal(f.views, 2);
    assert_true(f.whole > 4 * STEPS && f.whole < 8 * STEPS);
}

static void what_is_trained_is_computed_in_every_step(void **state) {
    (void)state;
    thaw_forecast f = foresee("none", false, NULL, NULL);
    assert_int_equal(f.views, 0);
    assert_true(fabs(f.work - EPOCHS * STEPS) < 1e-9);
    f = foresee("none", true, "cache", "off");
    assert_true(fabs(f.work - EPOCHS * STEPS) < 1e-9);
    f = foresee("none", true, "epochs", "1");
    assert_true(fabs(f.work - STEPS) < 1e-9);
}

static void caches_take_their_parts_of_what_is_free_and_no_more(void **state) {
    (void)state;
    thaw_recipe r;
    thaw_recipe_init(&r);
    set(&r, "epochs", "20");
    assert_int_equal(thaw_forecast_caches(&r, 1000), 500); /* images, and outputs of what is frozen */
    assert_int_equal(thaw_forecast_caches(&r, -1), 0);
    set(&r, "freeze", "");
    assert_int_equal(thaw_forecast_caches(&r, 1000), 250);
    set(&r, "cache", "off");
    assert_int_equal(thaw_forecast_caches(&r, 1000), 0);
    thaw_recipe_clear(&r);
}

/* The head alone, then everything: two runs, the second's steps as much longer as they are. */
static void phases_are_foreseen_one_after_the_other(void **state) {
    (void)state;
    enum { PROBE = 5 };
    thaw_recipe r;
    thaw_layers *layers;
    thaw_recipe_init(&r);
    set(&r, "model", "cifar_resnet20");
    set(&r, "data.augment", "none");
    set(&r, "epochs", "20");
    set(&r, "batch_size", "16");
    set(&r, "phases", "{\"epoch\": 5, \"freeze\": []}");
    thaw_status status = thaw_layers_new(r.model, NULL, 8, 32, &layers);
    assert_string_equal(status.message, "");
    const char *all = "all";
    status = thaw_layers_set_mask(layers, &all, 1, NULL, 0);
    assert_string_equal(status.message, "");
    thaw_cost head = thaw_layers_cost(layers, 16, 1);
    thaw_forecast f = thaw_forecast_run(layers, &r, IMAGES);
    assert_int_equal(f.steps, EPOCHS * STEPS);
    assert_true(fabs(f.whole - (STEPS + (EPOCHS - PROBE) * STEPS)) < 1e-9);
    double rest = (EPOCHS - PROBE) * STEPS / head.relative_step;
    assert_true(f.work > rest + STEPS && f.work < rest + 1.1 * STEPS);
    thaw_cost after = thaw_layers_cost(layers, 16, 1); /* the layers are as they were */
    assert_int_equal(after.trainable, head.trainable);
    assert_true(after.relative_step == head.relative_step);
    thaw_layers_free(layers);
    thaw_recipe_clear(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phases_are_foreseen_one_after_the_other),
        cmocka_unit_test(one_view_is_computed_in_the_first_epoch),
        cmocka_unit_test(random_crops_are_computed_as_often_as_there_are_views),
        cmocka_unit_test(flips_are_all_met_after_some_epochs),
        cmocka_unit_test(what_is_trained_is_computed_in_every_step),
        cmocka_unit_test(caches_take_their_parts_of_what_is_free_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
