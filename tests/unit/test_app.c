/*
 * test_app.c - the workbench without a terminal: every key is safe in every state, and what a run says is
 * shown.
 */
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/rng.h"
#include "tests/unit/app_fixture.h"
#include "tui/key.h"
#include "tui/widgets/form.h"
#include "tui/widgets/path_complete.h"

/* ---- safety ---- */

static const int all_keys[] = {
    K_UP,      K_DOWN,      K_LEFT,      K_RIGHT,     K_HOME,      K_END, K_PGUP, K_PGDN, K_TAB,
    K_BACKTAB, K_ENTER,     K_ESC,       K_BACKSPACE, K_DELETE,    K_F1,  K_F2,   K_F3,   K_MOUSE,
    K_RESIZE,  K_CTRL('L'), K_CTRL('R'), K_CTRL('U'), K_CTRL('D'), 0xe4,  0x8681,
};

static int random_key(rng *r) {
    enum { CONSTANTS = sizeof all_keys / sizeof *all_keys };
    uint64_t pick = rng_below(r, CONSTANTS + 95);
    return pick < CONSTANTS ? all_keys[pick] : (int)(pick - CONSTANTS) + ' ';
}

static void every_key_is_safe_on_every_tab_with_nothing_chosen(void **state) {
    (void)state;
    for (int tab = 0; tab < SCREEN_COUNT; tab++)
        for (int key = 1; key < 127; key++) {
            app *a = open_app(NULL);
            app_go(a, (screen_id)tab);
            app_take_key(a, key);
            app_draw(a);
            app_take_key(a, K_ENTER);
            app_take_key(a, K_ESC);
            app_draw(a);
            app_free(a);
        }
}

/* A person with a cat on the keyboard, in a window that somebody drags. */
static void random_keys_and_sizes(app *a, uint64_t seed, int keys) {
    rng r = rng_keyed(seed, RNG_TEST, 0, 0);
    for (int i = 0; i < keys; i++) {
        if (rng_below(&r, 20) == 0) {
            canvas_resize(&a->frame, 1 + (int)rng_below(&r, 60), 1 + (int)rng_below(&r, 160));
            a->frame.ascii = rng_below(&r, 4) == 0;
            a->frame.mono = rng_below(&r, 4) == 0;
        }
        if (rng_below(&r, 60) == 0) app_go(a, (screen_id)rng_below(&r, SCREEN_COUNT));
        app_take_key(a, random_key(&r));
        if (rng_below(&r, 3) == 0) app_draw(a);
        app_jobs_finish(a);
        a->leave = false;
    }
}

static void random_keys_are_safe_with_nothing_chosen(void **state) {
    (void)state;
    app *a = open_app(NULL);
    random_keys_and_sizes(a, 1, 4000);
    app_free(a);
}

static void random_keys_are_safe_during_and_after_a_run(void **state) {
    (void)state;
    app *a = open_app("cifar_resnet20");
    feed_run(a);
    random_keys_and_sizes(a, 2, 3000);
    feed_end(a, "not-finite", "loss is nan at step 17");
    random_keys_and_sizes(a, 3, 3000);
    feed_begin(a, "run-2", 3); /* the run before becomes a ghost, and its folder is not there */
    random_keys_and_sizes(a, 4, 2000);
    app_free(a);
}

static void every_tab_draws_at_every_size(void **state) {
    (void)state;
    app *a = open_app("cifar_resnet20");
    feed_run(a);
    for (int tab = 0; tab < SCREEN_COUNT; tab++) {
        app_go(a, (screen_id)tab);
        for (int rows = 1; rows <= 50; rows += rows < 12 ? 1 : 7)
            for (int cols = 1; cols <= 200; cols += cols < 25 ? 1 : 13) {
                canvas_resize(&a->frame, rows, cols);
                app_draw(a);
            }
    }
    app_free(a);
}

/* ---- what is shown ---- */

static void a_run_is_shown_as_it_goes(void **state) {
    (void)state;
    app *a = open_app("cifar_resnet20");
    press(a, "5");
    assert_shows(a, "no run yet");
    feed_run(a);
    assert_shows(a, "epoch 3 of 5");
    assert_shows(a, "step 30 of 50");
    assert_shows(a, "val 80.0 %");
    assert_shows(a, "● training");
    press(a, "L");
    assert_shows(a, "log");
    press(a, "y m");
    assert_shows(a, "log · smooth 0.97");
    feed_end(a, "done", "");
    assert_shows(a, "the run ended (done): best 75.0 % in epoch 2");
    app_take_key(a, K_ESC);
    assert_shows(a, "● idle");
    app_free(a);
}

static void draw_at(app *a, double now) {
    app_calm_begin(a, now);
    a->dirty = a->urgent = false;
    app_draw(a);
}

static void feed_rate(app *a, int64_t steps, double lr) {
    thaw_event e = {.kind = THAW_EVENT_STEP, .steps = steps, .time = (double)steps};
    e.step.epoch = 3;
    e.step.loss = 0.5;
    e.step.lr = lr;
    e.step.images_per_second = e.step.seconds = (double)NAN;
    app_take_event(a, &e);
}

/* TEXT is on the frame that was drawn last. */
static bool frame_has(const app *a, const char *text) {
    bool found = false;
    for (int row = 0; row < a->frame.rows && !found; row++) {
        char *line = canvas_row_text(&a->frame, row);
        found = strstr(line, text) != NULL;
        free(line);
    }
    return found;
}

/* The step moves with every frame; the learning rate, beside figures that flicker, once a second, and at
 * once for a key; so does the epoch in a chart's title. What was held back comes by itself. */
static void figures_that_flicker_are_shown_once_a_second(void **state) {
    (void)state;
    app *a = open_app("cifar_resnet20");
    press(a, "5");
    feed_run(a);
    app_hush(a);
    draw_at(a, 100);
    feed_rate(a, 31, 0.25);
    draw_at(a, 101);
    assert_true(frame_has(a, "lr 0.25"));
    assert_true(frame_has(a, "epoch 4 of 5"));
    feed_rate(a, 32, 0.125);
    a->live.epoch++;
    draw_at(a, 101.9);
    assert_true(frame_has(a, "step 32 of 50") && frame_has(a, "lr 0.25") && frame_has(a, "epoch 4 of 5"));
    assert_true(a->dirty);
    draw_at(a, 102);
    assert_true(frame_has(a, "lr 0.125") && frame_has(a, "epoch 5 of 5"));
    assert_false(a->dirty);
    feed_rate(a, 33, 0.0625);
    a->urgent = true;
    draw_at(a, 102.1);
    assert_true(frame_has(a, "lr 0.0625"));
    app_free(a);
}

static void where_the_time_went_is_a_pane(void **state) {
    (void)state;
    app *a = open_app("cifar_resnet20");
    press(a, "5 w");
    assert_shows(a, "where time goes");
    assert_shows(a, "R trains the recipe"); /* what to do when there is nothing */
    feed_begin(a, "run-1", 5);
    assert_shows(a, "when an epoch is over");
    feed_profile(a, 0);
    feed_profile(a, 1);
    assert_shows(a, "epoch 2");
    assert_shows(a, "backward         500 ms  40 %   1.0 s  40 %");
    assert_shows(a, "other            125 ms  10 %");
    assert_shows(a, "all of it         1.2 s 100 %   2.5 s 100 %");
    assert_shows(a, "on 2 threads: decode 750 ms, resize 62.5 ms");
    assert_shows(a, "on a thread: checkpoints 12.5 ms, in all 25.0 ms");
    assert_shows_not(a, "data wait"); /* took nothing */
    assert_shows_not(a, "kept: ");
    thaw_event kept = {
        .kind = THAW_EVENT_CACHE,
        .cache = {.layer = xstrdup("layer2"), .bytes = 3 << 20, .budget = 5 << 20, .stored = 7 << 20}};
    feed(a, kept);
    assert_shows(a, "kept: 3.0 MB of at most 5.0 MB, on disk 7.0 MB");
    assert_shows(a, "layer2.0");
    press(a, "w");
    assert_shows_not(a, "where time goes");
    assert_shows(a, "accuracy");
    app_free(a);
}

static void a_failure_stays_until_it_was_read(void **state) {
    (void)state;
    app *a = open_app("cifar_resnet20");
    feed_begin(a, "run-1", 5);
    feed_end(a, "error", "no space left on /data: free some and resume the run");
    assert_shows(a, "no space left on /data: free some and resume the run");
    press(a, "Down");
    char *all = screen_text(a);
    assert_null(strstr(all, "no space left"));
    free(all);
    app_free(a);
}

static void the_crosshair_names_every_curve(void **state) {
    (void)state;
    app *a = open_app("cifar_resnet20");
    press(a, "5");
    feed_run(a);
    press(a, "x Home Right Right");
    assert_shows(a, "step 2");
    press(a, "End");
    assert_shows(a, "step 30");
    assert_shows(a, "val 0.3333");
    press(a, "Esc");
    assert_shows(a, "epoch 3 of 5");
    app_free(a);
}

/* Every word of help can be read, at any width that has room for one. */
static void help_is_never_cut(void **state) {
    (void)state;
    static const int sizes[][2] = {{24, 80}, {12, 42}, {36, 120}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        app *a = open_app("cifar_resnet20");
        canvas_resize(&a->frame, sizes[i][0], sizes[i][1]);
        press(a, "5 ?");
        str seen = {0};
        for (int top = 0; top < 200; top++) {
            char *page = screen_text(a);
            str_append(&seen, page);
            free(page);
            press(a, "Down");
        }
        action_table tables[] = {app_screen_table(a), app_table(a)};
        for (size_t t = 0; t < 2; t++)
            for (size_t k = 0; k < tables[t].count; k++) {
                const action *item = &tables[t].item[k];
                const char *last = strrchr(item->help, ' ');
                if (!strstr(str_text(&seen), last ? last + 1 : item->help))
                    fail_msg("the end of \"%s\" is not seen", item->help);
                if (item->keys && !strstr(str_text(&seen), item->keys))
                    fail_msg("the keys \"%s\" are not seen", item->keys);
            }
        str_clear(&seen);
        press(a, "Esc");
        assert_shows_not(a, "Esc closes");
        app_free(a);
    }
}

/* ---- masks ---- */

/* A recipe begins as the tutorials do, with the head only: these tests begin with everything. */
static app *open_thawed(void) {
    app *a = open_app("cifar_resnet20");
    press(a, "3 P a Home");
    return a;
}

static int64_t trainable(app *a) {
    return thaw_layers_cost(app_layers(a), 1, 1).trainable;
}

static thaw_freeze state_of(app *a, const char *path) {
    return thaw_layers_state(app_layers(a), thaw_layers_find(app_layers(a), path));
}

static void space_goes_through_the_three_states(void **state) {
    (void)state;
    app *a = open_thawed();
    assert_int_equal(state_of(a, "conv1"), THAW_TRAINABLE);
    press(a, "Space"); /* a convolution has no statistics: two states */
    assert_int_equal(state_of(a, "conv1"), THAW_FROZEN);
    press(a, "Space");
    assert_int_equal(state_of(a, "conv1"), THAW_TRAINABLE);
    press(a, "Down Space");
    assert_int_equal(state_of(a, "bn1"), THAW_STATS_MOVING);
    press(a, "Space");
    assert_int_equal(state_of(a, "bn1"), THAW_FROZEN);
    press(a, "Space");
    assert_int_equal(state_of(a, "bn1"), THAW_TRAINABLE);
    app_free(a);
}

static void a_mask_edit_is_in_the_recipe_and_can_be_undone(void **state) {
    (void)state;
    app *a = open_thawed();
    int64_t all = trainable(a);
    press(a, "Space");
    assert_int_equal(app_recipe(a)->freeze_count, 1);
    assert_string_equal(app_recipe(a)->freeze[0], "conv1");
    int64_t less = trainable(a);
    assert_true(less < all);
    press(a, "u");
    assert_true(trainable(a) == all);
    assert_int_equal(app_recipe(a)->freeze_count, 0);
    press(a, "Ctrl-R");
    assert_true(trainable(a) == less);
    press(a, "u u u u"); /* to the beginning, and no further */
    assert_true(trainable(a) < less);
    app_free(a);
}

static void ranges_globs_and_presets_freeze_what_they_say(void **state) {
    (void)state;
    app *a = open_thawed();
    press(a, "v Down Down f");
    assert_int_equal(state_of(a, "conv1"), THAW_FROZEN);
    assert_int_equal(state_of(a, "bn1"), THAW_FROZEN);
    assert_int_equal(state_of(a, "layer2"), THAW_TRAINABLE);
    press(a, ":");
    type(a, "freeze layer[23].*");
    press(a, "Enter");
    assert_int_equal(state_of(a, "layer2"), THAW_FROZEN);
    assert_int_equal(state_of(a, "layer3"), THAW_FROZEN);
    press(a, ":");
    type(a, "preset all");
    press(a, "Enter");
    assert_int_equal(state_of(a, "layer3"), THAW_TRAINABLE);
    press(a, "P h");
    assert_int_equal(state_of(a, "layer3"), THAW_FROZEN);
    assert_int_equal(state_of(a, "linear"), THAW_TRAINABLE);
    press(a, "P b");
    assert_int_equal(state_of(a, "layer3"), THAW_TRAINABLE);
    assert_int_equal(state_of(a, "layer2"), THAW_FROZEN);
    press(a, "P n");
    assert_int_equal(state_of(a, "layer1.0.bn1"), THAW_TRAINABLE);
    assert_int_equal(state_of(a, "layer1.0.conv1"), THAW_FROZEN);
    app_free(a);
}

static void a_glob_that_matches_nothing_changes_nothing_and_names_the_nearest(void **state) {
    (void)state;
    app *a = open_thawed();
    int64_t all = trainable(a);
    press(a, "3 /");
    type(a, "layer9");
    press(a, "Enter");
    assert_shows(a, "layer9");
    assert_true(trainable(a) == all);
    press(a, "Esc");
    app_free(a);
}

static void another_model_keeps_no_mask_that_does_not_fit(void **state) {
    (void)state;
    app *a = open_thawed();
    press(a, ":");
    type(a, "freeze linear");
    press(a, "Enter");
    thaw_status status = app_recipe_set(a, "model=resnet18");
    assert_string_equal(status.message, "");
    assert_non_null(app_layers(a));
    assert_int_equal(state_of(a, "fc"), THAW_TRAINABLE);
    assert_int_equal(app_recipe(a)->freeze_count, 0);
    status = app_recipe_set(a, "model=resnet1800");
    if (!thaw_failed(&status)) assert_null(app_layers(a));
    app_draw(a);
    app_free(a);
}

/* ---- prompt ---- */

static void the_prompt_completes_and_refuses_what_it_does_not_know(void **state) {
    (void)state;
    app *a = open_app(NULL);
    press(a, ":");
    type(a, "them");
    press(a, "Tab");
    assert_shows(a, ":theme");
    press(a, "Ctrl-U");
    type(a, "thme");
    press(a, "Enter");
    assert_shows(a, "did you mean \"theme\"");
    press(a, "Ctrl-U");
    type(a, "lr 0.1");
    press(a, "Enter");
    assert_shows(a, "is for the Train tab; go there with 5");
    press(a, "Ctrl-U");
    type(a, "set optimizer.lr=banana");
    press(a, "Enter");
    assert_shows(a, "optimizer.lr");
    press(a, "Esc Esc :");
    type(a, "set optimizer.lr=0.25");
    press(a, "Enter");
    assert_true(app_recipe(a)->optimizer.lr == 0.25);
    press(a, ": Up");
    assert_shows(a, ":set optimizer.lr=0.25");
    press(a, "Esc");
    app_free(a);
}

/* Where preferences cannot be written, whoever changes one is told, whatever else there is to say. */
static void a_preference_that_is_not_saved_is_said_to_be(void **state) {
    (void)state;
    setenv("XDG_CONFIG_HOME", "/proc/none", 1);
    app *a = open_app(NULL);
    press(a, "F3");
    assert_shows(a, "not saved for next time");
    app_free(a);
    app_fixture_home();
}

/* What is too long to stand beside the line stands above it, to its last word. */
static void a_long_problem_is_read_to_its_end(void **state) {
    (void)state;
    app *a = open_app("cifar_resnet20");
    press(a, "3 /");
    type(a, "no_such_layer");
    press(a, "Enter");
    assert_shows(a, "lists them"); /* at the message's end */
    assert_shows(a, "no_such_layer");
    app_free(a);
}

/* What forbids an action is said with what to press, not with what the action would do. */
static void every_condition_has_words_of_its_own(void **state) {
    (void)state;
    app *a = open_app(NULL);
    for (screen_id id = 0; id < SCREEN_COUNT; id++) {
        app_go(a, id);
        action_table tables[] = {app_screen_table(a), app_table(a)};
        for (size_t t = 0; t < 2; t++)
            for (size_t i = 0; i < tables[t].count; i++) {
                const action *item = &tables[t].item[i];
                thaw_status why = app_not_now(a, item);
                if (item->valid && strstr(why.message, item->help))
                    fail_msg("tab %d: :%s says no more than: %s", (int)id + 1, item->name, why.message);
            }
    }
    app_free(a);
}

static void quitting_asks_only_while_a_run_is_on(void **state) {
    (void)state;
    app *a = open_app("cifar_resnet20");
    press(a, "q");
    assert_true(a->leave);
    a->leave = false;
    feed_run(a);
    press(a, "q");
    assert_false(a->leave);
    assert_shows(a, "stop and save");
    press(a, "Esc");
    assert_false(a->leave);
    press(a, "q s");
    assert_false(a->leave);
    assert_true(a->leave_when_idle);
    press(a, "Ctrl-C"); /* asked again: at once */
    assert_true(a->leave);
    app_free(a);
}

/* ---- jobs ---- */

typedef struct counted {
    int worked, done;
    bool seen_cancelled;
} counted;

static void count_work(job *j, void *data) {
    counted *c = data;
    c->worked++;
    c->seen_cancelled = job_cancelled(j);
    job_progress(j, 0.5);
}

static void count_done(app *a, void *data) {
    (void)a;
    ((counted *)data)->done++;
}

static void every_job_is_done_exactly_once(void **state) {
    (void)state;
    enum { JOBS = 40 };
    counted c[JOBS] = {{0}};
    app *a = open_app(NULL);
    for (int i = 0; i < JOBS; i++) {
        job *j = app_job(a, "count", count_work, count_done, &c[i]);
        if (i % 3 == 0) job_cancel(j);
    }
    for (int i = 0; i < 200; i++) {
        app_jobs_finish(a);
        usleep(1000);
    }
    app_free(a); /* whatever has not ended by now */
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(c[i].done, 1);
        assert_int_equal(c[i].worked, 1);
        if (i % 3) assert_false(c[i].seen_cancelled && i < JOBS / 2);
    }
}

/* ---- fields ---- */

static char field_value[64] = "0.001";

static thaw_status set_field(void *user, const form_field *f, const char *text) {
    (void)user;
    (void)f;
    if (!strcmp(text, "bad")) return thaw_error(THAW_ERR_USAGE, "bad is refused");
    snprintf(field_value, sizeof field_value, "%s", text);
    return thaw_ok();
}

static void get_field(void *user, const form_field *f, str *out) {
    (void)user;
    (void)f;
    str_append(out, field_value);
}

static void a_number_steps_through_1_2_5_and_back(void **state) {
    (void)state;
    static const form_field fields[] = {
        {.name = "lr", .label = "lr", .kind = FIELD_NUMBER, .least = 0, .most = 1}};
    form f;
    form_init(&f, fields, 1);
    f.set = set_field;
    f.get = get_field;
    static const char *const up[] = {"0.002", "0.005", "0.01", "0.02"};
    for (int i = 0; i < 4; i++) {
        assert_true(form_key(&f, K_RIGHT));
        assert_string_equal(field_value, up[i]);
    }
    for (int i = 2; i >= 0; i--) {
        form_key(&f, K_LEFT);
        assert_string_equal(field_value, up[i]);
    }
    form_key(&f, K_ENTER);
    assert_true(f.editing);
    form_key(&f, K_CTRL('U'));
    for (const char *c = "bad"; *c; c++)
        form_key(&f, *c);
    form_key(&f, K_ENTER);
    assert_true(f.editing); /* refused: still there to be put right */
    assert_string_equal(f.problem, "bad is refused");
    assert_string_equal(field_value, "0.002");
    form_key(&f, K_ESC);
    assert_false(f.editing);
    form_clear(&f);
}

static void paths_are_completed_as_far_as_they_agree(void **state) {
    (void)state;
    assert_int_equal(mkdir("pc", 0700), 0);
    assert_int_equal(mkdir("pc/alpha one", 0700), 0);
    assert_int_equal(mkdir("pc/alpha two", 0700), 0);
    char *longest = path_complete_longest("pc/al");
    assert_string_equal(longest, "pc/alpha ");
    free(longest);
    longest = path_complete_longest("pc/alpha o");
    assert_string_equal(longest, "pc/alpha one/");
    free(longest);
    longest = path_complete_longest("no/such");
    assert_string_equal(longest, "no/such");
    free(longest);
}

int main(void) {
    app_fixture_home();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_is_safe_on_every_tab_with_nothing_chosen),
        cmocka_unit_test(random_keys_are_safe_with_nothing_chosen),
        cmocka_unit_test(random_keys_are_safe_during_and_after_a_run),
        cmocka_unit_test(every_tab_draws_at_every_size),
        cmocka_unit_test(a_run_is_shown_as_it_goes),
        cmocka_unit_test(figures_that_flicker_are_shown_once_a_second),
        cmocka_unit_test(where_the_time_went_is_a_pane),
        cmocka_unit_test(a_failure_stays_until_it_was_read),
        cmocka_unit_test(the_crosshair_names_every_curve),
        cmocka_unit_test(help_is_never_cut),
        cmocka_unit_test(space_goes_through_the_three_states),
        cmocka_unit_test(a_mask_edit_is_in_the_recipe_and_can_be_undone),
        cmocka_unit_test(ranges_globs_and_presets_freeze_what_they_say),
        cmocka_unit_test(a_glob_that_matches_nothing_changes_nothing_and_names_the_nearest),
        cmocka_unit_test(another_model_keeps_no_mask_that_does_not_fit),
        cmocka_unit_test(the_prompt_completes_and_refuses_what_it_does_not_know),
        cmocka_unit_test(a_preference_that_is_not_saved_is_said_to_be),
        cmocka_unit_test(a_long_problem_is_read_to_its_end),
        cmocka_unit_test(every_condition_has_words_of_its_own),
        cmocka_unit_test(quitting_asks_only_while_a_run_is_on),
        cmocka_unit_test(every_job_is_done_exactly_once),
        cmocka_unit_test(a_number_steps_through_1_2_5_and_back),
        cmocka_unit_test(paths_are_completed_as_far_as_they_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
