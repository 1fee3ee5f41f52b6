/*
 * test_attach.c - the workbench on a run that somebody else trains. The somebody is this program: it holds
 * the run's lock, writes its log and listens on its socket, and obeys when a test wants it to.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/run/folder.h"
#include "engine/train/control.h"
#include "tests/unit/app_fixture.h"
#include "tui/key.h"

static const double patience = 20; /* seconds */
enum { POLL_MS = 20, STEPS_PER_EPOCH = 10 };

static void assert_ok(thaw_status status) {
    assert_string_equal(status.message, "");
}

typedef struct trainer_double {
    run_folder *folder;
    mailbox *mailbox;
    control *control;
    char *recipe;
} trainer_double;

static void say(const trainer_double *t, thaw_event e) {
    assert_ok(run_folder_log(t->folder, &e));
    thaw_event_clear(&e);
}

static void say_state(const trainer_double *t, thaw_state state) {
    thaw_event e = {.kind = THAW_EVENT_STATE};
    e.state.state = state;
    say(t, e);
}

static void say_mask(const trainer_double *t, const char *frozen) {
    thaw_event e = {.kind = THAW_EVENT_MASK};
    e.mask.frozen = xcalloc(1, sizeof(char *));
    e.mask.frozen[0] = xstrdup(frozen);
    e.mask.frozen_count = 1;
    e.mask.label = xstrdup("some");
    e.mask.trainable = 100;
    say(t, e);
}

static void say_step(const trainer_double *t, int64_t step) {
    thaw_event e = {.kind = THAW_EVENT_STEP, .steps = step};
    e.step.loss = 1.5;
    e.step.lr = 0.01;
    e.step.batch = 8;
    e.step.seconds = 0.1;
    say(t, e);
}

static void say_begin(const trainer_double *t) {
    thaw_event e = {.kind = THAW_EVENT_BEGIN};
    e.begin.run = xstrdup(run_folder_id(t->folder));
    e.begin.folder = xstrdup(run_folder_path(t->folder));
    e.begin.recipe = xstrdup(t->recipe);
    e.begin.epochs = 5;
    e.begin.steps_per_epoch = STEPS_PER_EPOCH;
    e.begin.parameters = 1000;
    say(t, e);
    e = (thaw_event){.kind = THAW_EVENT_DATASET};
    e.dataset.classes = 2;
    e.dataset.class_name = xcalloc(2, sizeof(char *));
    e.dataset.class_name[0] = xstrdup("ants");
    e.dataset.class_name[1] = xstrdup("bees");
    say(t, e);
    say_mask(t, "layer1");
    say_state(t, THAW_STATE_TRAINING);
}

static trainer_double make_run(bool steered) {
    static const char *const classes[] = {"ants", "bees"};
    trainer_double t = {.mailbox = mailbox_new()};
    thaw_recipe r;
    thaw_recipe_init(&r);
    assert_ok(thaw_recipe_set(&r, "model=cifar_resnet20"));
    assert_ok(thaw_recipe_set(&r, "data.path=photos"));
    assert_ok(run_folder_create("attach-runs", &r, classes, 2, &t.folder));
    t.recipe = thaw_recipe_json(&r);
    thaw_recipe_clear(&r);
    t.control = control_new(t.mailbox);
    if (steered) assert_ok(control_open(t.control, run_folder_path(t.folder)));
    return t;
}

/* As a process that ends, well or not. */
static void run_gone(trainer_double *t) {
    control_close(t->control);
    run_folder_close(t->folder);
    mailbox_free(t->mailbox);
    control_free(t->control);
    free(t->recipe);
    *t = (trainer_double){0};
}

/* Let the workbench go on as its loop would, until CONDITION. */
static void until(app *a, bool (*condition)(const app *a)) {
    double end = clock_seconds() + patience;
    while (!condition(a)) {
        if (clock_seconds() > end) fail_msg("it did not come to that:\n%s", screen_text(a));
        app_jobs_finish(a);
        app_attach_poll(a);
        poll(NULL, 0, POLL_MS);
    }
}

static bool is_attached(const app *a) {
    return app_attached(a);
}
static bool is_not_attached(const app *a) {
    return !app_attached(a) && !a->attaching;
}
static bool is_paused(const app *a) {
    return app_live(a)->state == THAW_STATE_PAUSED;
}
static bool has_steps(const app *a) {
    return app_live(a)->steps == 7;
}
static bool has_message(const app *a) {
    return a->message != NULL;
}
static bool no_mask_pending(const app *a) {
    return !app_mask_pending(a);
}

static app *attached_app(const trainer_double *t) {
    app *a = open_app(NULL);
    app_attach(a, run_folder_path(t->folder));
    until(a, is_attached);
    return a;
}

static command *next_order(const trainer_double *t, command_kind kind) {
    command *c = mailbox_wait(t->mailbox, patience);
    assert_non_null(c);
    assert_int_equal(c->kind, kind);
    return c;
}

static void obey(const trainer_double *t, command_kind kind, const char *problem) {
    command *c = next_order(t, kind);
    thaw_status status = problem ? thaw_error(THAW_ERR_USAGE, "%s", problem) : thaw_ok();
    command_answer(c, &status);
    command_free(c);
}

static void it_is_shown_with_its_recipe_and_mask_and_goes_on(void **state) {
    (void)state;
    trainer_double t = make_run(true);
    say_begin(&t);
    say_step(&t, 3);
    app *a = attached_app(&t);
    assert_true(app_busy(a));
    assert_false(app_own_run(a));
    assert_string_equal(app_recipe(a)->model, "cifar_resnet20");
    assert_int_equal(app_live(a)->steps, 3);
    assert_non_null(app_layers(a));
    assert_string_equal(app_recipe(a)->freeze[0], "layer1");
    app_hush(a);
    assert_shows(a, ", attached");
    say_step(&t, 7);
    until(a, has_steps);
    say_mask(&t, "layer2"); /* by another viewer */
    say_step(&t, 8);
    press(a, "R");
    assert_non_null(strstr(a->message, "D lets go of it first"));
    app_free(a);
    assert_null(mailbox_take(t.mailbox)); /* looking, and leaving, tell it nothing */
    run_gone(&t);
}

static void keys_become_orders_and_refusals_are_shown(void **state) {
    (void)state;
    trainer_double t = make_run(true);
    say_begin(&t);
    app *a = attached_app(&t);
    press(a, "p");
    obey(&t, COMMAND_PAUSE, NULL);
    say_state(&t, THAW_STATE_PAUSED);
    until(a, is_paused);
    press(a, "n");
    app_hush(a);
    obey(&t, COMMAND_STEP, "no more of those");
    until(a, has_message);
    assert_shows(a, "no more of those");
    press(a, "s");
    command *stop = next_order(&t, COMMAND_STOP);
    assert_true(stop->save);
    command_free(stop);
    app_free(a);
    run_gone(&t);
}

static void an_edited_mask_is_sent_and_a_refused_one_taken_back(void **state) {
    (void)state;
    trainer_double t = make_run(true);
    say_begin(&t);
    app *a = attached_app(&t);
    thaw_status status = app_command(a, NULL, "freeze layer2");
    assert_ok(status);
    command *mask = next_order(&t, COMMAND_MASK);
    assert_int_equal(mask->mask.frozen_count, 2);
    assert_true(app_mask_pending(a));
    command_free(mask);
    say_mask(&t, "layer1"); /* as it was */
    until(a, no_mask_pending);
    assert_int_equal(app_recipe(a)->freeze_count, 1);
    assert_string_equal(app_recipe(a)->freeze[0], "layer1");
    app_free(a);
    run_gone(&t);
}

static void leaving_and_letting_go_leave_it_alone(void **state) {
    (void)state;
    trainer_double t = make_run(true);
    say_begin(&t);
    app *a = attached_app(&t);
    press(a, "q");
    assert_true(a->leave); /* without a question */
    a->leave = false;
    press(a, "D");
    assert_false(app_attached(a));
    assert_false(app_busy(a));
    assert_false(app_live(a)->begun);
    assert_null(mailbox_take(t.mailbox));
    app_attach(a, run_folder_path(t.folder));
    until(a, is_attached);
    app_free(a);
    run_gone(&t);
}

static void a_run_that_ends_stays_on_the_screen(void **state) {
    (void)state;
    trainer_double t = make_run(true);
    say_begin(&t);
    say_step(&t, 7);
    app *a = attached_app(&t);
    thaw_event e = {.kind = THAW_EVENT_END, .steps = 7};
    e.end.reason = xstrdup("stopped");
    e.end.message = xstrdup("stopped and saved");
    e.end.best_epoch = -1;
    say(&t, e);
    until(a, is_not_attached);
    assert_shows(a, "stopped and saved");
    assert_int_equal(app_live(a)->steps, 7);
    assert_false(app_busy(a));
    app_free(a);
    run_gone(&t);
}

static void a_process_that_dies_is_noticed(void **state) {
    (void)state;
    trainer_double t = make_run(true);
    say_begin(&t);
    app *a = attached_app(&t);
    double before = clock_seconds();
    run_gone(&t); /* without a word */
    until(a, is_not_attached);
    assert_true(clock_seconds() - before < 5);
    assert_string_equal(app_live(a)->end_reason, "died");
    assert_shows(a, "the process that trained it is gone");
    app_free(a);
}

/* Between the folder and the first event, and when it dies there. */
static void a_run_that_prepares_is_waited_for(void **state) {
    (void)state;
    trainer_double t = make_run(true);
    app *a = attached_app(&t);
    assert_true(app_busy(a));
    say_begin(&t);
    say_step(&t, 7);
    until(a, has_steps);
    assert_true(app_busy(a));
    app_free(a);
    run_gone(&t);
    t = make_run(true);
    a = attached_app(&t);
    run_gone(&t);
    until(a, is_not_attached);
    assert_false(app_busy(a));
    app_free(a);
}

static void a_run_without_a_socket_can_be_watched(void **state) {
    (void)state;
    trainer_double t = make_run(false);
    say_begin(&t);
    app *a = attached_app(&t);
    assert_shows(a, "it can only be watched");
    press(a, "p s S");
    say_step(&t, 7);
    until(a, has_steps);
    app_free(a);
    run_gone(&t);
}

static void what_is_no_run_is_said_to_be_none(void **state) {
    (void)state;
    app *a = open_app(NULL);
    app_attach(a, "no-such-run");
    until(a, has_message);
    until(a, is_not_attached);
    assert_false(app_busy(a));
    assert_shows(a, "no-such-run");
    app_free(a);
}

/* ---- Ctrl-C in a question ---- */

static int answered_with;
static void take_answer(app *a, void *user, int key) {
    (void)a;
    (void)user;
    answered_with = key;
}

static void ctrl_c_in_a_question_never_gives_the_dangerous_answer(void **state) {
    (void)state;
    dialog_params ask = {
        .title = "Delete", .text = "Delete it?", .answer = {{'d', "delete it"}, {'k', "keep it"}}};
    ask.answered = take_answer;
    app *a = open_app("cifar_resnet20");
    feed_run(a); /* a run is on */
    app_ask(a, &ask);
    press(a, "Ctrl-C");
    assert_int_equal(answered_with, 'k');
    app_free(a);
}

int main(void) {
    app_fixture_home();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_shown_with_its_recipe_and_mask_and_goes_on),
        cmocka_unit_test(keys_become_orders_and_refusals_are_shown),
        cmocka_unit_test(an_edited_mask_is_sent_and_a_refused_one_taken_back),
        cmocka_unit_test(leaving_and_letting_go_leave_it_alone),
        cmocka_unit_test(a_run_that_ends_stays_on_the_screen),
        cmocka_unit_test(a_process_that_dies_is_noticed),
        cmocka_unit_test(a_run_that_prepares_is_waited_for),
        cmocka_unit_test(a_run_without_a_socket_can_be_watched),
        cmocka_unit_test(what_is_no_run_is_said_to_be_none),
        cmocka_unit_test(ctrl_c_in_a_question_never_gives_the_dangerous_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
