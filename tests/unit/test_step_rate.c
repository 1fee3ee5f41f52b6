/*
 * test_step_rate.c - a measured step foretells others: of another mask, another batch, the next run.
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
#include "tests/unit/app_fixture.h"
#include "tui/step_rate.h"

enum { BATCH = 16 };
static const double WAITED = 0.25, SECONDS = 0.08;
static const char all_frozen[] = "conv1 bn1 layer1 layer2 layer3";

/* A live run of the bundled model on 8 classes, its recipe as the engine writes it. */
static void feed_recipe(app *a, const char *device) {
    thaw_event e = {.kind = THAW_EVENT_BEGIN};
    e.begin.run = xstrdup("run-1");
    e.begin.folder = xstrdup("/nowhere");
    e.begin.epochs = 5;
    e.begin.steps_per_epoch = 10;
    e.begin.device = xstrdup(device);
    e.begin.precision = xstrdup("fp32");
    e.begin.recipe = xasprintf("{\"model\": \"cifar_resnet20\", \"batch_size\": %d}", BATCH);
    feed(a, e);
    e = (thaw_event){.kind = THAW_EVENT_DATASET};
    e.dataset.classes = 8;
    e.dataset.class_name = xcalloc(8, sizeof *e.dataset.class_name);
    for (int i = 0; i < 8; i++)
        e.dataset.class_name[i] = xstrdup("name");
    feed(a, e);
    e = (thaw_event){.kind = THAW_EVENT_STATE};
    e.state.state = THAW_STATE_TRAINING;
    feed(a, e);
}

static void feed_timed(app *a, int64_t step, double seconds, double waited) {
    thaw_event e = {.kind = THAW_EVENT_STEP, .steps = step};
    e.step.loss = 1;
    e.step.seconds = seconds;
    e.step.data_wait = waited;
    feed(a, e);
}

static app *open_measured(void) {
    app *a = open_app("cifar_resnet20");
    feed_recipe(a, "cpu");
    feed_mask(a, 0, "", "everything", 270000);
    for (int i = 1; i <= 5; i++)
        feed_timed(a, i, SECONDS, WAITED);
    return a;
}

static thaw_cost cost(app *a) {
    return thaw_layers_cost(app_layers(a), app_recipe(a)->batch_size, 1);
}

static void set(app *a, const char *assignment) {
    thaw_status status = app_recipe_set(a, assignment);
    assert_string_equal(status.message, "");
}

static void nothing_is_foretold_before_anything_was_measured(void **state) {
    (void)state;
    app *a = open_app("cifar_resnet20");
    thaw_cost c = cost(a);
    assert_true(isnan(app_step_seconds(a, &c)));
    press(a, "3");
    assert_shows(a, "% of training");
    assert_shows_not(a, " ms"); /* of memory there is a forecast */
    feed_recipe(a, "cpu");
    feed_mask(a, 0, all_frozen, "head only", 520);
    c = cost(a);
    assert_true(isnan(app_step_seconds(a, &c)));
    app_free(a);
}

static void the_measured_mask_is_foretold_as_it_was_measured(void **state) {
    (void)state;
    app *a = open_measured();
    press(a, "3 P a");
    set(a, "batch_size=16");
    thaw_cost c = cost(a);
    assert_true(fabs(c.relative_step - 1) < 1e-9);
    assert_true(fabs(app_step_seconds(a, &c) - SECONDS * (1 - WAITED)) < 1e-9); /* waiting is no computing */
    app_free(a);
}

static void another_mask_and_batch_go_by_their_work(void **state) {
    (void)state;
    app *a = open_measured();
    press(a, "3 P h");
    set(a, "batch_size=32");
    thaw_cost c = cost(a);
    assert_true(c.relative_step < 0.4);
    double expected = 2 * SECONDS * (1 - WAITED) * c.relative_step;
    assert_true(fabs(app_step_seconds(a, &c) - expected) < 1e-6);
    assert_shows(a, "≈");
    app_free(a);
}

/* The state of every layer. */
static char *mask_text(app *a) {
    str all = {0};
    const thaw_layers *layers = app_layers(a);
    for (int i = 0; i < thaw_layers_count(layers); i++)
        str_appendf(&all, "%s %d\n", thaw_layers_at(layers, i)->path, (int)thaw_layers_state(layers, i));
    return str_take(&all);
}

static void what_space_would_do_is_tried_and_undone(void **state) {
    (void)state;
    app *a = open_measured();
    press(a, "3 P a Home Down Down Down");
    thaw_cost before = cost(a);
    assert_shows(a, "Space ≈");
    thaw_cost after = cost(a);
    assert_true(before.trainable == after.trainable && before.memory_bytes == after.memory_bytes);
    press(a, "P h Home");
    char *first = mask_text(a);
    app_draw(a);
    char *second = mask_text(a);
    assert_string_equal(first, second);
    free(first);
    free(second);
    app_free(a);
}

static void a_change_of_mask_is_measured_anew(void **state) {
    (void)state;
    app *a = open_measured();
    feed_mask(a, 5, all_frozen, "head only", 520);
    feed_timed(a, 6, SECONDS / 4, 0);
    assert_true(fabs(app_live(a)->step_seconds - SECONDS / 4) <
                1e-9); /* not an average with what came before */
    app_free(a);
}

static void another_model_device_or_precision_is_not_foretold(void **state) {
    (void)state;
    app *a = open_measured();
    static const char *const others[] = {"device=cuda", "precision=bf16", "model=resnet18"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        thaw_recipe kept;
        thaw_recipe_copy(app_recipe(a), &kept);
        thaw_cost c = cost(a);
        assert_true(isfinite(app_step_seconds(a, &c)));
        set(a, others[i]);
        c = cost(a);
        assert_true(isnan(app_step_seconds(a, &c)));
        app_recipe_replace(a, &kept);
        thaw_recipe_clear(&kept);
    }
    app_free(a);
}

int main(void) {
    app_fixture_home();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_foretold_before_anything_was_measured),
        cmocka_unit_test(the_measured_mask_is_foretold_as_it_was_measured),
        cmocka_unit_test(another_mask_and_batch_go_by_their_work),
        cmocka_unit_test(what_space_would_do_is_tried_and_undone),
        cmocka_unit_test(a_change_of_mask_is_measured_anew),
        cmocka_unit_test(another_model_device_or_precision_is_not_foretold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
