/*
 * test_workbench.c - what the workbench does when something is wrong or refused: it says so, says the way
 * out, and shows what is true.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/str.h"
#include "tests/unit/app_fixture.h"
#include "tui/key.h"

/* ---- themes ---- */

static void a_broken_theme_of_ones_own_is_passed_over(void **state) {
    (void)state;
    thaw_status status = path_make_directory("thaw/themes"); /* $XDG_CONFIG_HOME is here */
    assert_string_equal(status.message, "");
    static const char broken[] = "{\"roles\": {\"trian\": {}}}";
    status = file_replace("thaw/themes/dark2.json", broken, sizeof broken - 1);
    assert_string_equal(status.message, "");
    app *a = open_app(NULL);
    press(a, ":");
    type(a, "theme dark2");
    press(a, "Enter");
    assert_shows(a, "\"train\""); /* did you mean that; where the line breaks depends on the folder */
    press(a, ":");
    type(a, "theme dark");
    press(a, "Enter");
    assert_string_equal(a->theme_name, "dark");
    press(a, "F2");
    assert_string_equal(a->theme_name, "gruvbox");
    press(a, "F2 F2 F2 F2 F2 F2 F2");
    assert_string_equal(a->theme_name, "gruvbox"); /* all seven, and round again */
    app_free(a);
    remove("thaw/themes/dark2.json");
}

/* ---- masks that a run does not take ---- */

static thaw_freeze state_of(app *a, const char *path) {
    return thaw_layers_state(app_layers(a), thaw_layers_find(app_layers(a), path));
}

static void feed_log(app *a, int level, const char *text) {
    thaw_event e = {.kind = THAW_EVENT_LOG};
    e.log.level = level;
    e.log.text = xstrdup(text);
    feed(a, e);
}

/* The layers before the head of CIFAR ResNet-20. */
static const char head_only[] = "conv1 bn1 layer1 layer2 layer3";

static app *open_training(void) {
    app *a = open_app("cifar_resnet20");
    feed_begin(a, "run-1", 5);
    feed_mask(a, 0, head_only, "head only", 650);
    feed_step(a, 1, 2.0);
    press(a, "5");
    return a;
}

static void freezing_all_that_a_run_trains_is_not_done_and_says_why(void **state) {
    (void)state;
    app *a = open_training();
    assert_int_equal(state_of(a, "linear"), THAW_TRAINABLE);
    press(a, "End f"); /* the head is the last row */
    assert_shows(a, "nothing left to train");
    assert_int_equal(state_of(a, "linear"), THAW_TRAINABLE);
    assert_int_equal(app_recipe(a)->freeze_count, 1); /* "all": everything but the head */
    press(a, ":");
    type(a, "freeze *");
    press(a, "Enter");
    assert_shows(a, "nothing left to train");
    assert_int_equal(state_of(a, "linear"), THAW_TRAINABLE);
    feed_end(a, "done", "");
    press(a, "End f"); /* before the next run it may be on the way to something else */
    assert_int_equal(state_of(a, "linear"), THAW_FROZEN);
    app_free(a);
}

static void a_mask_that_the_run_refuses_is_taken_back_with_its_reason(void **state) {
    (void)state;
    app *a = open_training();
    press(a, "Home T");
    assert_int_equal(state_of(a, "conv1"), THAW_TRAINABLE);
    a->masks_pending = 1; /* as with a session */
    feed_log(a, 1, "the mask stays as it was: the disk is in the way");
    feed_mask(a, 2, head_only, "head only", 650);
    assert_int_equal(state_of(a, "conv1"), THAW_FROZEN);
    assert_false(app_mask_pending(a));
    assert_shows(a, "the mask stays as it was: the disk is in the way");
    press(a, "u"); /* the edit is still there to be looked at */
    assert_int_equal(state_of(a, "conv1"), THAW_TRAINABLE);
    app_free(a);
}

static void a_mask_taken_as_it_was_sent_is_no_news(void **state) {
    (void)state;
    app *a = open_app("cifar_resnet20");
    feed_begin(a, "run-1", 5);
    feed_mask(a, 0, "all", "head only", 650); /* the layers without parameters as well */
    feed_step(a, 1, 2.0);
    press(a, "5 Home Down Down Down Down Down T");
    assert_int_equal(state_of(a, "layer3"), THAW_TRAINABLE);
    a->masks_pending = 1;
    feed_mask(a, 2, "conv1 bn1 layer1 layer2", "layer3+", 204040);
    assert_int_equal(state_of(a, "layer3"), THAW_TRAINABLE);
    char *all = screen_text(a);
    assert_null(strstr(all, "has kept its mask"));
    free(all);
    press(a, "u"); /* the edit is the last in the history: nothing was put on top of it */
    assert_int_equal(state_of(a, "layer3"), THAW_FROZEN);
    app_free(a);
}

static void of_several_edits_on_their_way_the_last_answer_counts(void **state) {
    (void)state;
    app *a = open_training();
    press(a, "Home T Down T");
    a->masks_pending = 2;
    feed_mask(a, 2, "bn1 layer1 layer2 layer3", "conv1+", 1000); /* the first edit is in force */
    assert_int_equal(state_of(a, "bn1"), THAW_TRAINABLE);        /* the second is not forgotten */
    assert_true(app_mask_pending(a));
    feed_mask(a, 3, "layer1 layer2 layer3", "conv1+", 1000);
    assert_int_equal(state_of(a, "bn1"), THAW_TRAINABLE);
    assert_false(app_mask_pending(a));
    char *all = screen_text(a);
    assert_null(strstr(all, "stays as it was"));
    free(all);
    app_free(a);
}

/* ---- what is missing ---- */

static void without_libtorch_the_train_tab_says_what_to_install(void **state) {
    (void)state;
    app *a = open_app("cifar_resnet20");
    thaw_event e = {.kind = THAW_EVENT_ENGINE};
    e.engine.text =
        xstrdup("there is no libtorch; install it (apt-get install libtorch-dev libopenblas0-openmp) and "
                "run make, or make LIBTORCH=DIR with the folder of another one");
    feed(a, e);
    assert_shows(a, "another one"); /* the message, until a key is pressed */
    press(a, "5");
    assert_shows(a, "there is no libtorch");
    assert_shows(a, "LIBTORCH=DIR"); /* the way out is not cut off */
    assert_shows_not(a, "R trains");
    assert_shows(a, "no engine");
    app_free(a);
}

/* Until the first events come, too, it is the run that is spoken of and not the key that has begun it. */
static void a_run_that_is_starting_is_said_to_be(void **state) {
    (void)state;
    app *a = open_app("cifar_resnet20");
    assert_string_equal(app_recipe_set(a, "data.path=shapes").message, "");
    press(a, "5");
    assert_shows(a, "R trains cifar_resnet20 on shapes");
    a->starting = true;
    assert_shows(a, "starting: cifar_resnet20 on shapes");
    a->starting = false;
    app_free(a);
}

static void the_names_of_the_tabs_are_whole_or_not_there(void **state) {
    (void)state;
    app *a = open_app(NULL);
    for (int cols = 50; cols < 70; cols++) {
        canvas_resize(&a->frame, 24, cols);
        assert_shows(a, cols > 60 ? "5 Train  6 Runs" : "2  3  4  5  6");
    }
    app_free(a);
}

static void a_key_that_does_nothing_now_says_why(void **state) {
    (void)state;
    app *a = open_app(NULL);
    press(a, "5 R");
    assert_shows(a, "no model is chosen; 1 has them, Enter chooses one");
    press(a, "p");
    assert_shows(a, "cannot be done now");
    press(a, "Esc"); /* nobody wants to hear that there is nothing to escape from */
    assert_shows_not(a, "cannot be done now");
    app_free(a);
    a = open_app("cifar_resnet20");
    press(a, "R");
    assert_shows(a, "no images are chosen; 2, then o opens a folder");
    app_free(a);
    a = open_training();
    press(a, "R");
    assert_shows(a, "a run is on already");
    app_free(a);
}

static void freezing_and_thawing_is_offered_in_the_footer_of_a_run(void **state) {
    (void)state;
    app *a = open_training();
    assert_shows(a, "Space freeze/thaw");
    assert_shows(a, "? help");
    app_free(a);
}

int main(void) {
    app_fixture_home();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(freezing_all_that_a_run_trains_is_not_done_and_says_why),
        cmocka_unit_test(a_mask_that_the_run_refuses_is_taken_back_with_its_reason),
        cmocka_unit_test(a_mask_taken_as_it_was_sent_is_no_news),
        cmocka_unit_test(of_several_edits_on_their_way_the_last_answer_counts),
        cmocka_unit_test(without_libtorch_the_train_tab_says_what_to_install),
        cmocka_unit_test(a_run_that_is_starting_is_said_to_be),
        cmocka_unit_test(the_names_of_the_tabs_are_whole_or_not_there),
        cmocka_unit_test(a_key_that_does_nothing_now_says_why),
        cmocka_unit_test(freezing_and_thawing_is_offered_in_the_footer_of_a_run),
        cmocka_unit_test(a_broken_theme_of_ones_own_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
