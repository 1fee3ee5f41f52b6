/*
 * test_session.c - the engine thread: commands in, events out, and what becomes of a run when its process is
 * killed.
 *
 * The program is also its own victim: started again as `test_session --child RECIPE RUNS` it trains a recipe,
 * so that a test can kill it.
 */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/weights/weights.h"
#include "tests/unit/support_torch.h"
#include "tests/unit/train_fixture.h"
#include "thaw/run.h"
#include "thaw/session.h"

extern char **environ;

enum { STEPS_PER_EPOCH = 4, LONG_EPOCHS = 500 };
static const double patience = 240; /* seconds; far more than anything takes, on a machine however busy */

/* ---- a session and what it has said ---- */

static thaw_session *open_session(bool capture) {
    thaw_session_params params = thaw_session_default_params();
    params.runs = "session-runs";
    params.threads = 2;
    params.device = "cpu";
    params.capture_output = capture;
    thaw_session *s;
    expect_ok(thaw_session_new(&params, &s));
    return s;
}

/* The next event of KIND, the others dropped; the caller clears it. */
static thaw_event await(thaw_session *s, thaw_event_kind kind) {
    thaw_event e;
    while (thaw_session_wait(s, patience, &e)) {
        if (e.kind == kind) return e;
        if (e.kind == THAW_EVENT_END && kind != THAW_EVENT_END)
            fail_msg("the run ended (%s: %s) before a %s event", e.end.reason, e.end.message,
                     thaw_event_name(kind));
        thaw_event_clear(&e);
    }
    fail_msg("no %s event in %g s", thaw_event_name(kind), patience);
    return (thaw_event){0};
}

static void await_state(thaw_session *s, thaw_state state) {
    for (;;) {
        thaw_event e = await(s, THAW_EVENT_STATE);
        thaw_state now = e.state.state;
        thaw_event_clear(&e);
        if (now == state) return;
    }
}

/* Nothing of KIND within some time. */
static void expect_silence(thaw_session *s, thaw_event_kind kind, double seconds) {
    double until = clock_seconds() + seconds;
    thaw_event e;
    while (thaw_session_wait(s, fmax(0, until - clock_seconds()), &e)) {
        if (e.kind == kind) fail_msg("a %s event where there should be none", thaw_event_name(kind));
        thaw_event_clear(&e);
    }
}

static void expect_end(thaw_session *s, const char *reason) {
    thaw_event e = await(s, THAW_EVENT_END);
    assert_string_equal(e.end.reason, reason);
    thaw_event_clear(&e);
}

static void start(thaw_session *s, const char *const *assignments) {
    thaw_recipe recipe;
    fixture_recipe(&recipe, assignments);
    recipe.epochs = LONG_EPOCHS;
    expect_ok(thaw_session_train(s, &recipe));
    thaw_recipe_clear(&recipe);
}

static const char *const plain[] = {NULL};

/* ---- commands ---- */

static void pausing_holds_and_one_step_is_one(void **state) {
    (void)state;
    support_torch();
    thaw_session *s = open_session(false);
    start(s, plain);
    thaw_session_pause(s); /* waits in the mailbox for the first batch */
    await_state(s, THAW_STATE_PAUSED);
    assert_int_equal(thaw_session_state(s), THAW_STATE_PAUSED);
    expect_silence(s, THAW_EVENT_STEP, 0.2);
    thaw_session_step(s);
    thaw_event e = await(s, THAW_EVENT_STEP);
    assert_int_equal(e.steps, 1);
    expect_silence(s, THAW_EVENT_STEP, 0.2);
    thaw_session_continue(s);
    await_state(s, THAW_STATE_TRAINING);
    e = await(s, THAW_EVENT_STEP);
    assert_int_equal(e.steps, 2);
    thaw_session_free(s);
}

static void stepping_past_the_last_batch_is_one_evaluation(void **state) {
    (void)state;
    support_torch();
    thaw_session *s = open_session(false);
    start(s, plain);
    thaw_session_pause(s);
    await_state(s, THAW_STATE_PAUSED);
    for (int i = 1; i <= STEPS_PER_EPOCH; i++) {
        thaw_session_step(s);
        thaw_event e = await(s, THAW_EVENT_STEP);
        assert_int_equal(e.steps, i);
    }
    expect_silence(s, THAW_EVENT_EPOCH, 0.2);
    thaw_session_step(s);
    thaw_event e = await(s, THAW_EVENT_EPOCH);
    assert_int_equal(e.epoch.epoch, 0);
    assert_false(isnan(e.epoch.val_loss));
    thaw_event_clear(&e);
    expect_silence(s, THAW_EVENT_STEP, 0.2); /* and no batch of the next epoch */
    thaw_session_step(s);
    e = await(s, THAW_EVENT_STEP);
    assert_int_equal(e.steps, STEPS_PER_EPOCH + 1);
    thaw_session_free(s);
}

static void live_changes_are_answered_while_paused(void **state) {
    (void)state;
    support_torch();
    thaw_session *s = open_session(false);
    start(s, plain);
    thaw_session_pause(s);
    await_state(s, THAW_STATE_PAUSED);
    thaw_session_set_mask(s, (const char *const[]){"layer1", "conv1"}, 2, (const char *const[]){"layer2"}, 1);
    thaw_event e = await(s, THAW_EVENT_MASK);
    assert_int_equal(e.mask.frozen_count, 2);
    assert_int_equal(e.mask.moving_count, 1);
    assert_string_equal(e.mask.moving[0], "layer2");
    assert_int_equal(e.steps, 0);
    thaw_event_clear(&e);
    thaw_session_set_lr(s, 0.125);
    e = await(s, THAW_EVENT_LR);
    assert_true(e.lr.lr == 0.125);
    static const double senseless[] = {-1, 0, NAN, 1e9}; /* told, and nothing else */
    for (size_t i = 0; i < sizeof senseless / sizeof *senseless; i++) {
        thaw_session_set_lr(s, senseless[i]);
        e = await(s, THAW_EVENT_LOG);
        assert_non_null(strstr(e.log.text, "stays 0.125"));
        thaw_event_clear(&e);
    }
    thaw_session_checkpoint(s);
    e = await(s, THAW_EVENT_CHECKPOINT);
    thaw_event_clear(&e);
    thaw_session_step(s);
    e = await(s, THAW_EVENT_STEP);
    assert_true(e.step.lr == 0.125);
    thaw_session_stop(s, false);
    expect_end(s, "stopped");
    thaw_session_free(s);
}

/* What the run says of the order that C sends. */
static thaw_answer ordered(thaw_control *c, const thaw_order *order) {
    int64_t id;
    thaw_answer a;
    double until = clock_seconds() + patience;
    expect_ok(thaw_control_send(c, order, &id));
    while (!thaw_control_next(c, &a)) {
        assert_true(clock_seconds() < until);
        struct pollfd one = {.fd = thaw_control_fd(c), .events = POLLIN};
        poll(&one, 1, 100);
    }
    assert_int_equal(a.id, id);
    return a;
}

static void expect_obeyed(thaw_control *c, thaw_order order) {
    thaw_answer a = ordered(c, &order);
    if (!a.done) fail_msg("%s: %s", thaw_order_name(order.kind), a.problem);
}

static void expect_refused(thaw_control *c, thaw_order order, const char *why) {
    thaw_answer a = ordered(c, &order);
    assert_false(a.done);
    if (!strstr(a.problem, why)) fail_msg("%s: %s", thaw_order_name(order.kind), a.problem);
    free(a.problem);
}

static void another_process_steers_a_run_through_its_socket(void **state) {
    (void)state;
    support_torch();
    static const char *const all[] = {"all", "linear"}, *const early[] = {"conv1", "layer1"},
                             *const none[] = {"layer9"};
    thaw_session *s = open_session(false);
    thaw_control *c = NULL;
    start(s, plain);
    thaw_event begin = await(s, THAW_EVENT_BEGIN);
    assert_true(thaw_run_alive(begin.begin.folder));
    expect_ok(thaw_control_open(begin.begin.folder, &c));
    expect_obeyed(c, (thaw_order){.kind = THAW_ORDER_HELLO});
    expect_refused(c, (thaw_order){.kind = THAW_ORDER_STEP}, "not paused");
    expect_obeyed(c, (thaw_order){.kind = THAW_ORDER_PAUSE});
    await_state(s, THAW_STATE_PAUSED);
    expect_obeyed(c, (thaw_order){.kind = THAW_ORDER_STEP});
    expect_obeyed(c, (thaw_order){.kind = THAW_ORDER_LR, .lr = 0.125});
    expect_refused(c, (thaw_order){.kind = THAW_ORDER_LR, .lr = -1}, "stays 0.125");
    thaw_order mask = {.kind = THAW_ORDER_MASK, .frozen = early, .frozen_count = 2};
    expect_obeyed(c, mask);
    mask.frozen = all;
    expect_refused(c, mask, "nothing would be trained");
    mask.frozen = none;
    mask.frozen_count = 1;
    expect_refused(c, mask, "layer9");
    expect_obeyed(c, (thaw_order){.kind = THAW_ORDER_CHECKPOINT});
    char *path = path_join(begin.begin.folder, "state.json");
    assert_true(path_exists(path));
    free(path);
    expect_obeyed(c, (thaw_order){.kind = THAW_ORDER_CONTINUE});
    await_state(s, THAW_STATE_TRAINING);
    expect_obeyed(c, (thaw_order){.kind = THAW_ORDER_STOP, .save = true});
    expect_end(s, "stopped");
    path = path_join(begin.begin.folder, "control.sock");
    assert_false(path_exists(path));
    free(path);
    thaw_control_close(c);
    thaw_session_free(s);
    assert_false(thaw_run_alive(begin.begin.folder));
    thaw_event_clear(&begin);
}

/* Each in its own way, and the session is good for the next run at once. */
static void stopping_saves_or_does_not_and_the_next_run_starts(void **state) {
    (void)state;
    support_torch();
    thaw_session *s = open_session(false);
    start(s, plain);
    thaw_event begin = await(s, THAW_EVENT_BEGIN);
    thaw_event e = await(s, THAW_EVENT_STEP);
    thaw_session_stop(s, false);
    start(s, plain); /* behind the stop */
    e = await(s, THAW_EVENT_END);
    assert_string_equal(e.end.reason, "stopped");
    assert_non_null(strstr(e.end.message, "without saving"));
    thaw_event_clear(&e);
    char *path = path_join(begin.begin.folder, "state.json");
    assert_false(path_exists(path));
    free(path);
    thaw_event_clear(&begin);

    begin = await(s, THAW_EVENT_BEGIN);
    e = await(s, THAW_EVENT_STEP);
    thaw_session_stop(s, true);
    e = await(s, THAW_EVENT_END);
    assert_non_null(strstr(e.end.message, "saved"));
    thaw_event_clear(&e);
    path = path_join(begin.begin.folder, "last.safetensors");
    assert_true(path_exists(path));
    free(path);
    thaw_event_clear(&begin);
    await_state(s, THAW_STATE_IDLE);
    thaw_session_free(s);
}

static void a_second_run_is_refused_while_one_is_on(void **state) {
    (void)state;
    support_torch();
    thaw_session *s = open_session(false);
    start(s, plain);
    thaw_event e = await(s, THAW_EVENT_STEP);
    start(s, plain);
    do {
        e = await(s, THAW_EVENT_LOG);
        bool refused = strstr(e.log.text, "stop it before") != NULL;
        thaw_event_clear(&e);
        if (refused) break;
    } while (true);
    e = await(s, THAW_EVENT_STEP);
    thaw_session_free(s);
}

static void commands_without_a_run_do_nothing(void **state) {
    (void)state;
    thaw_session *s = open_session(false);
    thaw_session_pause(s);
    thaw_session_step(s);
    thaw_session_stop(s, true);
    thaw_session_set_lr(s, 1);
    thaw_session_set_mask(s, NULL, 0, NULL, 0);
    thaw_session_checkpoint(s);
    thaw_session_continue(s);
    thaw_event e = await(s, THAW_EVENT_ENGINE);
    thaw_event_clear(&e);
    expect_silence(s, THAW_EVENT_STATE, 0.05);
    assert_int_equal(thaw_session_state(s), THAW_STATE_IDLE);
    thaw_session_free(s);
}

static void what_goes_wrong_ends_the_run_and_not_the_session(void **state) {
    (void)state;
    support_torch();
    thaw_session *s = open_session(false);
    thaw_recipe recipe;
    FIXTURE_RECIPE(&recipe, "data.path=nowhere");
    expect_ok(thaw_session_train(s, &recipe));
    thaw_event e = await(s, THAW_EVENT_END);
    assert_string_equal(e.end.reason, "error");
    assert_non_null(strstr(e.end.message, "nowhere"));
    assert_null(e.end.run);
    thaw_event_clear(&e);
    recipe.epochs = -3;
    thaw_status status = thaw_session_train(s, &recipe);
    assert_int_equal(status.code, THAW_ERR_USAGE);
    thaw_recipe_clear(&recipe);
    expect_ok(thaw_session_resume(s, "no-such-run"));
    e = await(s, THAW_EVENT_END);
    assert_string_equal(e.end.reason, "error");
    assert_non_null(strstr(e.end.message, "no-such-run"));
    thaw_event_clear(&e);
    start(s, plain);
    e = await(s, THAW_EVENT_STEP);
    thaw_session_free(s);
}

static void freeing_is_prompt_whatever_is_going_on(void **state) {
    (void)state;
    support_torch();
    fixture_images(4, 2);
    for (int moment = 0; moment < 4; moment++) {
        thaw_session *s = open_session(false);
        if (moment >= 1) start(s, plain);
        if (moment == 2) await_state(s, THAW_STATE_PREPARING);
        if (moment == 3) await_state(s, THAW_STATE_EVALUATING);
        thaw_session_free(s);
    }
}

static void output_of_libraries_becomes_log_events(void **state) {
    (void)state;
    thaw_session *s = open_session(true);
    thaw_event e = await(s, THAW_EVENT_ENGINE);
    thaw_event_clear(&e);
    dprintf(STDERR_FILENO, "a warning of some library\nand half a line");
    dprintf(STDOUT_FILENO, ", completed\n");
    e = await(s, THAW_EVENT_LOG);
    assert_string_equal(e.log.text, "a warning of some library");
    thaw_event_clear(&e);
    e = await(s, THAW_EVENT_LOG);
    assert_string_equal(e.log.text, "and half a line, completed");
    thaw_event_clear(&e);
    thaw_session_free(s);
    dprintf(STDERR_FILENO, "[ this line is on the real stderr again ]\n");
}

static void without_libtorch_the_session_says_what_to_install(void **state) {
    (void)state;
    char *before = xstrdup(getenv("THAW_TORCH_PLUGIN"));
    setenv("THAW_TORCH_PLUGIN", "/nonexistent/plugin.so", 1);
    thaw_session *s = open_session(false);
    thaw_event e = await(s, THAW_EVENT_ENGINE);
    if (before)
        setenv("THAW_TORCH_PLUGIN", before, 1);
    else
        unsetenv("THAW_TORCH_PLUGIN");
    free(before);
    assert_false(e.engine.ok);
    assert_non_null(strstr(e.engine.text, "/nonexistent/plugin.so"));
    thaw_event_clear(&e);
    thaw_recipe recipe;
    FIXTURE_RECIPE(&recipe, "epochs=1");
    expect_ok(thaw_session_train(s, &recipe));
    thaw_recipe_clear(&recipe);
    expect_end(s, "error");
    thaw_session_free(s);
}

/* ---- kill -9 ---- */

/* Outside cmocka: trouble goes to stderr and into the exit status. */

static pid_t spawn_child(const char *recipe_path, const char *runs) {
    char *const argv[] = {(char *)"test_session", (char *)"--child", (char *)recipe_path, (char *)runs, NULL};
    pid_t pid;
    int error = posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ);
    if (error) fail_msg("cannot start the child: %s", strerror(error));
    return pid;
}

/* The step of the last event of KIND in FOLDER's log; 0: there is none. */
static int64_t last_logged(const char *folder, thaw_event_kind kind) {
    thaw_run_reader *reader;
    int64_t steps = 0;
    thaw_status status = thaw_run_reader_open(folder, &reader);
    if (thaw_failed(&status)) return 0;
    for (thaw_event e; thaw_run_reader_next(reader, &e); thaw_event_clear(&e))
        if (e.kind == kind) steps = e.steps;
    thaw_run_reader_close(reader);
    return steps;
}

/* The run's folder once it has logged COUNT steps; owned by the caller. */
static char *await_logged_steps(const char *runs, int64_t count) {
    for (double until = clock_seconds() + patience; clock_seconds() < until; poll(NULL, 0, 5)) {
        thaw_run_info info;
        thaw_status status = thaw_run_find(runs, "last", &info);
        if (thaw_failed(&status)) continue;
        char *folder = xstrdup(info.folder);
        thaw_run_info_clear(&info);
        if (last_logged(folder, THAW_EVENT_STEP) >= count) return folder;
        free(folder);
    }
    fail_msg("no %lld steps in %s", (long long)count, runs);
    return NULL;
}

static uint64_t file_digest(const char *folder, const char *name) {
    char *path = path_join(folder, name);
    weights_file *f;
    expect_ok(weights_open(path, &f));
    uint64_t digest = 1;
    for (size_t i = 0; i < weights_count(f); i++) {
        const weights_entry *entry = weights_at(f, i);
        size_t bytes = (size_t)shape_elements(&entry->size) * dtype_size(entry->type);
        digest = hash_bytes(entry->data, bytes, digest);
    }
    weights_close(f);
    free(path);
    return digest;
}

/* Killed in the middle of an epoch, with a checkpoint always being written, and gone on with by another
 * process: from the last one that was said to be there, or one that got there unsaid. */
static void a_killed_run_resumed_ends_bit_identical(void **state) {
    (void)state;
    support_torch();
    enum { KILL_AT = 6 };
    thaw_recipe recipe;
    FIXTURE_RECIPE(&recipe, "epochs=3", "checkpoint_seconds=0.000001", "schedule.name=cosine");
    expect_ok(thaw_recipe_write(&recipe, "kill.json"));
    pid_t child = spawn_child("kill.json", "kill-runs");
    char *folder = await_logged_steps("kill-runs", KILL_AT);
    kill(child, SIGKILL);
    int how = 0;
    while (waitpid(child, &how, 0) < 0 && errno == EINTR)
        continue;
    assert_true(WIFSIGNALED(how));

    int64_t said = last_logged(folder, THAW_EVENT_CHECKPOINT);
    assert_true(said >= 1);
    rig whole = {0}, rest = {0};
    rig_train(&whole, &recipe);
    expect_ok(whole.status);
    rig_resume(&rest, folder);
    expect_ok(rest.status);
    assert_true(rig_event(&rest, THAW_EVENT_BEGIN, 0)->steps >= said);
    assert_true(file_digest(whole.folder, "last.safetensors") == file_digest(folder, "last.safetensors"));
    assert_true(file_digest(whole.folder, "state.safetensors") == file_digest(folder, "state.safetensors"));
    const thaw_event *a = rig_event(&whole, THAW_EVENT_EPOCH, -1),
                     *b = rig_event(&rest, THAW_EVENT_EPOCH, -1);
    assert_true(a->epoch.train_loss == b->epoch.train_loss && a->epoch.val_loss == b->epoch.val_loss);
    rig_clear(&whole);
    rig_clear(&rest);
    free(folder);
    thaw_recipe_clear(&recipe);
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "--child") == 0) return fixture_train_as_child(argv[2], argv[3]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pausing_holds_and_one_step_is_one),
        cmocka_unit_test(stepping_past_the_last_batch_is_one_evaluation),
        cmocka_unit_test(live_changes_are_answered_while_paused),
        cmocka_unit_test(another_process_steers_a_run_through_its_socket),
        cmocka_unit_test(stopping_saves_or_does_not_and_the_next_run_starts),
        cmocka_unit_test(a_second_run_is_refused_while_one_is_on),
        cmocka_unit_test(commands_without_a_run_do_nothing),
        cmocka_unit_test(what_goes_wrong_ends_the_run_and_not_the_session),
        cmocka_unit_test(freeing_is_prompt_whatever_is_going_on),
        cmocka_unit_test(output_of_libraries_becomes_log_events),
        cmocka_unit_test(without_libtorch_the_session_says_what_to_install),
        cmocka_unit_test(a_killed_run_resumed_ends_bit_identical),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
