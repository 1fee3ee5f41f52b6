/*
 * test_tour.c - the tour and the greeting: at any size, without disturbing anything; and pages of the Data
 * tab with nothing to show.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "tests/unit/app_fixture.h"
#include "tui/key.h"

static void five_steps_go_through_the_tabs_and_back(void **state) {
    (void)state;
    static const screen_id tabs[] = {SCREEN_MODELS, SCREEN_DATA, SCREEN_LAYERS, SCREEN_RECIPE, SCREEN_TRAIN};
    app *a = open_app(NULL);
    press(a, "6 ?");
    assert_shows(a, "Esc closes");
    press(a, "t");
    for (int i = 0; i < 5; i++) {
        assert_int_equal(app_current(a), tabs[i]);
        char text[] = "1 of 5";
        text[0] = (char)(text[0] + i);
        assert_shows(a, text);
        press(a, i % 2 ? "Right" : "Enter");
    }
    assert_int_equal(app_current(a), SCREEN_RUNS);
    assert_shows_not(a, "5 of 5");
    app_free(a);
}

/* Whatever is pressed: only the tab changes, and that comes back. */
static void the_tour_changes_nothing(void **state) {
    (void)state;
    app *a = open_app("cifar_resnet20");
    press(a, "3 Down Down");
    char *before = thaw_recipe_json(app_recipe(a));
    app_tour_start(a);
    for (int key = ' '; key < 127; key++) {
        if (strchr("nptq", key) || key == ' ') continue;
        press(a, "n");
        app_take_key(a, key);
        if (key != 'B') assert_int_not_equal(a->tour, 0);
        if (a->tour == 5) press(a, "p p p p");
        assert_false(a->ask_box.open || a->ask_line.open || a->help_open);
    }
    press(a, "Esc");
    assert_int_equal(a->tour, 0);
    char *after = thaw_recipe_json(app_recipe(a));
    assert_string_equal(before, after);
    assert_int_equal(app_current(a), SCREEN_LAYERS);
    assert_shows(a, "relu"); /* still under the cursor: its details show */
    assert_shows(a, "ReLU");
    free(before);
    free(after);
    app_free(a);
}

static void the_tour_offers_the_demo_when_no_run_is_on(void **state) {
    (void)state;
    app *a = open_app(NULL);
    app_tour_start(a);
    for (int step = 1; step < 5; step++) {
        assert_shows_not(a, "B trains");
        press(a, "Enter");
    }
    assert_shows(a, "B trains");
    a->starting = true;
    assert_shows(a, "Tab 6 keeps");
    assert_shows_not(a, "B trains");
    a->starting = false;
    app_free(a);
}

static void cards_are_drawn_at_any_size(void **state) {
    (void)state;
    app *a = open_app(NULL);
    for (int step = 0; step <= 5; step++) {
        a->greeting = step == 0;
        if (step == 1) app_tour_start(a);
        if (step > 1) press(a, "Enter");
        for (int rows = 1; rows < 50; rows += 3) {
            for (int cols = 1; cols < 130; cols += 7) {
                canvas_resize(&a->frame, rows, cols);
                app_draw(a);
                app_take_key(a, step ? K_DOWN : K_RESIZE);
            }
        }
    }
    app_free(a);
}

static void whoever_has_chosen_something_is_not_greeted(void **state) {
    (void)state;
    app *a = open_app(NULL);
    app_greet_newcomer(a);
    assert_true(a->greeting);
    assert_shows(a, "welcome to thaw");
    press(a, "5"); /* and the key does what it does */
    assert_int_equal(app_current(a), SCREEN_TRAIN);
    assert_shows_not(a, "welcome to thaw");
    app_free(a);
    a = open_app("resnet18");
    app_greet_newcomer(a);
    assert_false(a->greeting);
    app_free(a);
    thaw_status status = path_make_directory("thaw/runs"); /* of this home: something was trained here */
    assert_string_equal(status.message, "");
    a = open_app(NULL);
    app_greet_newcomer(a);
    assert_false(a->greeting);
    app_free(a);
}

static void the_demo_asks_before_it_takes_the_place_of_a_recipe(void **state) {
    (void)state;
    app *a = open_app("resnet18");
    press(a, "B");
    assert_shows(a, "keep the recipe");
    press(a, "k");
    assert_string_equal(app_recipe(a)->model, "resnet18");
    assert_false(app_busy(a));
    app_free(a);
}

static void feed_mistakes(app *a, size_t count) {
    static const thaw_mistake made = {.file = (char *)"val/a/nowhere.jpg",
                                      .label = (char *)"a class \x1b[31m of a very long name",
                                      .predicted = (char *)"b",
                                      .probability = 0.875,
                                      .loss = 3};
    thaw_mistake item[3] = {made, made, made};
    thaw_event e = {.kind = THAW_EVENT_MISTAKES}, copy;
    e.mistakes.epoch = 2;
    e.mistakes.folder = (char *)"/nowhere";
    e.mistakes.item = item;
    e.mistakes.count = count;
    thaw_event_copy(&e, &copy);
    feed(a, copy);
}

static void mistakes_are_those_of_the_newest_evaluation(void **state) {
    (void)state;
    app *a = open_app(NULL);
    press(a, "2 m");
    assert_shows(a, "Nothing was evaluated yet");
    feed_mistakes(a, 3);
    canvas_resize(&a->frame, 24, 120);
    assert_shows(a, "after epoch 3, worst first");
    assert_shows(a, "b 88 %");
    assert_shows(a, "is a class \\x1b");
    feed_mistakes(a, 0);
    assert_shows(a, "made no mistake");
    press(a, "m");
    assert_shows_not(a, "made no mistake");
    app_free(a);
}

int main(void) {
    app_fixture_home();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_steps_go_through_the_tabs_and_back),
        cmocka_unit_test(the_tour_changes_nothing),
        cmocka_unit_test(the_tour_offers_the_demo_when_no_run_is_on),
        cmocka_unit_test(cards_are_drawn_at_any_size),
        cmocka_unit_test(the_demo_asks_before_it_takes_the_place_of_a_recipe),
        cmocka_unit_test(mistakes_are_those_of_the_newest_evaluation),
        cmocka_unit_test(whoever_has_chosen_something_is_not_greeted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
