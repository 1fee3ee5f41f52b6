/*
 * test_layer_pane.c - the layer pane as an instrument: what a run measured of each layer, edits that are held
 * back from it, and what a mask will cost.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "tests/unit/app_fixture.h"
#include "tui/screens/layer_figures.h"

static const char rest_frozen[] = "conv1 bn1 layer1 layer2";

static thaw_freeze state_of(app *a, const char *path) {
    return thaw_layers_state(app_layers(a), thaw_layers_find(app_layers(a), path));
}

/* A run of the bundled model at 120x36, of which layer3 and the head train. */
static app *open_run(void) {
    app *a = open_app("cifar_resnet20");
    canvas_resize(&a->frame, 36, 120);
    feed_begin(a, "run-1", 5);
    feed_mask(a, 0, rest_frozen, "layer3+", 204040);
    feed_step(a, 1, 2.0);
    return a;
}

/* A measurement: one convolution of layer3 and the head, and a norm's statistics. */
static void feed_layers(app *a, int64_t step, double conv, double head) {
    thaw_layer_stat stat[] = {
        {xstrdup("layer3.0.conv1"), conv, 0.25, 0.015, NAN},
        {xstrdup("layer3.0.bn1"), conv / 10, 0.125, 0.0125, 1.75},
        {xstrdup("linear"), head, 0.5, 0.25, NAN},
    };
    thaw_event e = {.kind = THAW_EVENT_LAYERS, .steps = step};
    e.layers.count = sizeof stat / sizeof *stat;
    e.layers.item = xcalloc(e.layers.count, sizeof *stat);
    memcpy(e.layers.item, stat, sizeof stat);
    feed(a, e);
}

/* ---- figures ---- */

static void levels_are_half_decades(void **state) {
    (void)state;
    assert_int_equal(layer_heat_level(NAN), -1);
    assert_int_equal(layer_heat_level(0), 0);
    assert_int_equal(layer_heat_level(2e-5), 0);
    assert_int_equal(layer_heat_level(2e-4), 2);
    assert_int_equal(layer_heat_level(2e-3), 4);
    assert_int_equal(layer_heat_level(5e-3), 5);
    assert_int_equal(layer_heat_level(5e-2), 7);
    assert_int_equal(layer_heat_level(50), 7);
    for (int i = 0; i < LAYER_HEAT_LEVELS; i++) /* each is told from the others, in ASCII too */
        for (int k = 0; k < i; k++) {
            assert_string_not_equal(layer_heat_glyph(i, true), layer_heat_glyph(k, true));
            assert_string_not_equal(layer_heat_glyph(i, false), layer_heat_glyph(k, false));
        }
}

static void each_layer_shows_how_it_moved_over_the_run(void **state) {
    (void)state;
    app *a = open_run();
    feed_layers(a, 1, 2e-4, 5e-2);
    feed_layers(a, 2, 2e-3, 5e-3);
    press(a, "5 Home");
    assert_shows(a, "▃▅ Δ1.50 %"); /* layer3: the most of what is in it */
    assert_shows(a, "█▆ Δ25.0 %"); /* the head */
    canvas_resize(&a->frame, 60, 200);
    assert_shows(a, "1.75σ");
    assert_shows(a, "2.5e-01");
    press(a, "3 End Up Up"); /* layer3 */
    assert_shows(a, "last update  2.0e-03 of its weights");
    assert_shows(a, "statistics   1.75 deviations");
    a->frame.ascii = true;
    assert_shows(a, ":= d1.50 %");
    press(a, "Home"); /* conv1 is frozen */
    assert_shows(a, "Nothing of it has trained in this run");
    app_free(a);
}

static void another_run_begins_with_empty_strips(void **state) {
    (void)state;
    app *a = open_run();
    feed_layers(a, 1, 2e-4, 5e-2);
    press(a, "5 Home");
    assert_shows(a, "Δ25.0 %");
    feed_end(a, "done", NULL);
    feed_begin(a, "run-2", 5);
    assert_shows_not(a, "Δ25.0 %");
    feed_layers(a, 1, 2e-4, 5e-2);
    assert_shows(a, "Δ25.0 %");
    app_free(a);
}

/* ---- edits that wait ---- */

static void edits_that_are_held_back_stay_until_they_are_sent(void **state) {
    (void)state;
    app *a = open_run();
    press(a, "3 Home H Home T Down Down Down Down T"); /* conv1, layer2 */
    assert_true(app_mask_unsent(a));
    assert_shows(a, "held back: H sends it to the run");
    assert_int_equal(state_of(a, "layer2"), THAW_TRAINABLE);
    feed_mask(a, 2, rest_frozen, "layer3+", 204040); /* what the run says of its own mask changes nothing */
    assert_int_equal(state_of(a, "layer2"), THAW_TRAINABLE);
    press(a, "u"); /* undone like any other */
    assert_int_equal(state_of(a, "layer2"), THAW_FROZEN);
    press(a, "Ctrl-R H");
    assert_false(app_mask_held(a));
    assert_shows(a, "sent: it takes effect");
    app_free(a);
}

static void what_is_held_back_is_not_sent_when_it_trains_nothing(void **state) {
    (void)state;
    app *a = open_run();
    press(a, "3 H Home v End f"); /* while held, any mask may be looked at */
    assert_true(app_mask_unsent(a));
    assert_int_equal(state_of(a, "linear"), THAW_FROZEN);
    press(a, "H");
    assert_shows(a, "nothing left to train");
    assert_true(app_mask_unsent(a));
    feed_end(a, "done", NULL);
    assert_false(app_mask_held(a));
    app_free(a);
}

/* ---- what it will cost ---- */

static void a_mask_is_foreseen_beside_what_the_run_measures(void **state) {
    (void)state;
    app *a = open_app("cifar_resnet20");
    canvas_resize(&a->frame, 36, 120);
    press(a, "3 End Up Up");
    assert_shows(a, "this mask   with Space");
    assert_shows_not(a, "measured");
    app_free(a);
    a = open_run();
    for (int i = 2; i < 12; i++)
        feed_step(a, i, 2.0);
    press(a, "3 End Up Up H Space"); /* layer3 */
    assert_shows(a, "measured    held back   with Space");
    char *all = screen_text(a);
    const char *row = strstr(all, "trainable  ");
    assert_non_null(row);
    char measured[16], held[16], after[16];
    assert_int_equal(sscanf(row, "trainable %15s %15s %15s", measured, held, after), 3);
    assert_string_equal(measured, "0.20M");
    assert_string_equal(held, "650"); /* its weights frozen, its statistics moving */
    assert_string_equal(after, "650");
    free(all);
    app_free(a);
}

/* ---- several layers at once ---- */

static void a_glob_selects_and_the_next_edit_is_about_that(void **state) {
    (void)state;
    app *a = open_app("cifar_resnet20");
    canvas_resize(&a->frame, 36, 120);
    press(a, "3 P a /"); /* everything trains */
    type(a, "layer*.1.bn?");
    assert_shows(a, "6 selected"); /* as it is typed */
    press(a, "Enter");
    assert_shows(a, "6 layers selected");
    assert_shows(a, "trainable        0.27M        0.27M"); /* what Space would make of all of them */
    assert_shows(a, "layer1.1.bn1");                        /* out of its fold, and under the cursor */
    press(a, "f");
    assert_int_equal(state_of(a, "layer3.1.bn2"), THAW_FROZEN);
    assert_int_equal(state_of(a, "layer3.1.conv2"), THAW_TRAINABLE);
    assert_shows_not(a, "6 selected");
    press(a, "u"); /* one edit, one undo */
    assert_int_equal(state_of(a, "layer1.1.bn1"), THAW_TRAINABLE);
    assert_int_equal(state_of(a, "layer3.1.bn2"), THAW_TRAINABLE);
    press(a, "/");
    type(a, "layer9");
    press(a, "Enter");
    assert_shows(a, "did you mean 'layer");
    press(a, "Esc");
    assert_shows_not(a, "selected");
    press(a, ":");
    type(a, "select all");
    press(a, "Enter Space");
    assert_int_equal(state_of(a, "linear"), THAW_TRAINABLE);
    assert_int_not_equal(state_of(a, "layer1"), THAW_TRAINABLE);
    app_free(a);
}

static void a_range_goes_from_its_mark_to_the_cursor_and_its_ends_can_be_swapped(void **state) {
    (void)state;
    app *a = open_app("cifar_resnet20");
    press(a, "3 P a Home Down Down Down v Down o Up Up f"); /* layer2 to bn1 */
    assert_int_equal(state_of(a, "conv1"), THAW_TRAINABLE);
    assert_int_equal(state_of(a, "bn1"), THAW_FROZEN);
    assert_int_equal(state_of(a, "layer2"), THAW_FROZEN);
    assert_int_equal(state_of(a, "layer3"), THAW_TRAINABLE);
    app_free(a);
}

static void a_preset_is_taken_by_its_name(void **state) {
    (void)state;
    app *a = open_app("cifar_resnet20");
    press(a, "3 :");
    type(a, "preset norms only");
    press(a, "Enter");
    assert_int_equal(state_of(a, "layer2.0.bn1"), THAW_TRAINABLE);
    assert_int_equal(state_of(a, "layer2.0.conv1"), THAW_FROZEN);
    press(a, ":");
    type(a, "preset had only");
    press(a, "Enter");
    assert_shows(a, "did you mean \"head only\"?");
    app_free(a);
}

static void linear_probing_then_fine_tuning_is_a_plan_of_the_recipe(void **state) {
    (void)state;
    app *a = open_app("cifar_resnet20");
    canvas_resize(&a->frame, 36, 120);
    press(a, "3 P");
    assert_shows(a, "the head first, then everything with a lower rate");
    press(a, "p");
    assert_shows(a, "epochs of the head alone");
    press(a, "Ctrl-U");
    type(a, "25");
    press(a, "Enter");
    assert_shows(a, "at least 1 of the 25 epochs");
    press(a, "Ctrl-U");
    type(a, "4");
    press(a, "Enter");
    assert_shows(a, "the head alone for 4 epochs");
    assert_shows(a, "after 4 epochs everything trains, lr 0.0001");
    assert_int_equal(state_of(a, "linear"), THAW_TRAINABLE);
    assert_int_equal(state_of(a, "layer3"), THAW_FROZEN);
    const thaw_recipe *r = app_recipe(a);
    assert_int_equal(r->phase_count, 1);
    assert_int_equal(r->phase[0].epoch, 4);
    assert_true(r->phase[0].masks && r->phase[0].freeze_count == 0 && r->phase[0].lr == 0.0001);
    press(a, "P h"); /* another preset is another plan */
    assert_int_equal(app_recipe(a)->phase_count, 0);
    app_free(a);
    a = open_run();
    press(a, "3 P p");
    assert_shows(a, "fixed when it begins");
    app_free(a);
}

int main(void) {
    app_fixture_home();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_are_half_decades),
        cmocka_unit_test(each_layer_shows_how_it_moved_over_the_run),
        cmocka_unit_test(another_run_begins_with_empty_strips),
        cmocka_unit_test(edits_that_are_held_back_stay_until_they_are_sent),
        cmocka_unit_test(what_is_held_back_is_not_sent_when_it_trains_nothing),
        cmocka_unit_test(a_glob_selects_and_the_next_edit_is_about_that),
        cmocka_unit_test(a_range_goes_from_its_mark_to_the_cursor_and_its_ends_can_be_swapped),
        cmocka_unit_test(linear_probing_then_fine_tuning_is_a_plan_of_the_recipe),
        cmocka_unit_test(a_preset_is_taken_by_its_name),
        cmocka_unit_test(a_mask_is_foreseen_beside_what_the_run_measures),
    };
    return cmocka_run_group_tests_name("layer_pane", tests, NULL, NULL);
}
