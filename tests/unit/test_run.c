/*
 * test_run.c - run folders: making, locking, logging, listing and reading them, with everything in the way
 * that disks, kills and people put there.
 */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/str.h"
#include "engine/run/folder.h"
#include "engine/run/lock.h"
#include "thaw/run.h"

static const char *const class_names[] = {"ants", "two\nlines", "Umlaut \xc3\xa4"};

static void assert_ok(thaw_status status) {
    assert_string_equal(status.message, "");
}

static void assert_says(thaw_status status, const char *word) {
    if (!thaw_failed(&status)) fail_msg("succeeded; expected a failure about \"%s\"", word);
    if (!strstr(status.message, word)) fail_msg("\"%s\" is not in: %s", word, status.message);
}

static run_folder *make_run(const char *runs) {
    thaw_recipe r;
    run_folder *f = NULL;
    thaw_recipe_init(&r);
    assert_ok(thaw_recipe_set(&r, "model=resnet18"));
    assert_ok(thaw_recipe_set(&r, "data.path=photos"));
    assert_ok(run_folder_create(runs, &r, class_names, 3, &f));
    thaw_recipe_clear(&r);
    return f;
}

static void log_epoch(run_folder *f, int epoch, int64_t steps, double top1, double val_loss) {
    thaw_event e = {.kind = THAW_EVENT_EPOCH, .steps = steps};
    e.epoch.epoch = epoch;
    e.epoch.train_loss = 1.0 / (epoch + 1);
    e.epoch.val_loss = val_loss;
    e.epoch.val_top1 = top1;
    assert_ok(run_folder_log(f, &e));
}

static void log_begin(run_folder *f, bool resumed, int64_t steps) {
    thaw_event e = {.kind = THAW_EVENT_BEGIN, .steps = steps};
    e.begin.epochs = 5;
    e.begin.resumed = resumed;
    assert_ok(run_folder_log(f, &e));
}

static void log_end(run_folder *f, const char *reason) {
    thaw_event e = {.kind = THAW_EVENT_END};
    e.end.reason = (char *)reason;
    e.end.best_epoch = -1;
    assert_ok(run_folder_log(f, &e));
}

static void log_steps(run_folder *f, int count) {
    thaw_event e = {.kind = THAW_EVENT_STEP};
    for (int i = 0; i < count; i++) {
        e.steps = i + 1;
        e.step.loss = 1.0 / (i + 1);
        assert_ok(run_folder_log(f, &e));
    }
}

static char *events_path(const char *folder) {
    return path_join(folder, "events.jsonl");
}

/* Append raw bytes to a run's log, as a crash or another program would. */
static void append_raw(const char *folder, const char *text) {
    char *path = events_path(folder);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0666);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    free(path);
}

static size_t count_events(const char *folder, size_t *broken) {
    thaw_run_reader *r;
    thaw_event e;
    size_t count = 0;
    assert_ok(thaw_run_reader_open(folder, &r));
    while (thaw_run_reader_next(r, &e)) {
        thaw_event_clear(&e);
        count++;
    }
    if (broken) *broken = thaw_run_reader_broken(r);
    thaw_run_reader_close(r);
    return count;
}

/* ---- making ---- */

static void a_new_run_has_its_recipe_and_classes(void **state) {
    (void)state;
    run_folder *f = make_run("runs-new");
    char **names;
    int count;
    thaw_recipe r;
    assert_ok(run_folder_classes(run_folder_path(f), &names, &count));
    assert_int_equal(count, 3);
    for (int i = 0; i < 3; i++)
        assert_string_equal(names[i], class_names[i]);
    thaw_names_free(names, (size_t)count);
    assert_ok(thaw_run_recipe(run_folder_path(f), &r));
    assert_string_equal(r.data.path, "photos");
    thaw_recipe_clear(&r);
    assert_non_null(strstr(run_folder_id(f), "-resnet18"));
    assert_int_equal(run_folder_path(f)[0], '/');
    run_folder_close(f);
}

static void runs_made_in_the_same_second_have_different_ids(void **state) {
    (void)state;
    run_folder *f[5];
    for (int i = 0; i < 5; i++)
        f[i] = make_run("runs-many");
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(run_folder_id(f[i]), run_folder_id(f[k]));
    for (int i = 0; i < 5; i++)
        run_folder_close(f[i]);
}

static void a_model_name_cannot_lead_out_of_the_folder(void **state) {
    (void)state;
    thaw_recipe r;
    run_folder *f;
    thaw_recipe_init(&r);
    free(r.model);
    r.model = xstrdup("../../etc/pass wd");
    assert_ok(run_folder_create("runs-odd", &r, class_names, 3, &f));
    assert_null(strchr(run_folder_id(f), '/'));
    assert_null(strchr(run_folder_id(f), ' '));
    run_folder_close(f);
    thaw_recipe_clear(&r);
}

static thaw_status try_run(const char *runs) {
    thaw_recipe r;
    run_folder *f = NULL;
    thaw_recipe_init(&r);
    thaw_status status = run_folder_create(runs, &r, class_names, 3, &f);
    thaw_recipe_clear(&r);
    run_folder_close(f);
    return status;
}

static size_t entries_in(const char *folder) {
    thaw_run_info *runs;
    size_t count;
    assert_ok(thaw_runs_list(folder, &runs, &count));
    thaw_runs_free(runs, count);
    return count;
}

static void folders_that_cannot_be_written_fail_before_training(void **state) {
    (void)state;
    assert_ok(file_replace("a-file", "x", 1));
    assert_says(try_run("a-file"), "a-file");
    assert_says(try_run("a-file/runs"), "a-file");
    assert_says(try_run("/proc/thaw-runs"), "/proc/thaw-runs"); /* read-only, even for root */
    if (geteuid() == 0) return;
    assert_int_equal(mkdir("closed", 0555), 0);
    assert_says(try_run("closed"), "closed");
}

/* A limit on file sizes stands in for a full disk: writes past it fail in the same places. */
static void limit_files(rlim_t bytes) {
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes ? bytes : limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static void a_disk_that_is_full_from_the_start_leaves_nothing_behind(void **state) {
    (void)state;
    limit_files(10);
    thaw_status status = try_run("runs-full");
    limit_files(0);
    assert_says(status, "runs-full");
    assert_int_equal(entries_in("runs-full"), 0);
}

static void space_is_asked_for_in_bytes(void **state) {
    (void)state;
    run_folder *f = make_run("runs-space");
    assert_ok(run_folder_require_space(f, 1));
    assert_says(run_folder_require_space(f, 1ull << 62), "make room");
    run_folder_close(f);
}

/* ---- logging ---- */

static void lines_lost_to_a_full_disk_are_reported_once_and_counted(void **state) {
    (void)state;
    run_folder *f = make_run("runs-lost");
    thaw_event e = {.kind = THAW_EVENT_STEP, .steps = 1};
    log_steps(f, 10);
    limit_files(2000); /* about the size of the log: the next lines fit in part or not at all */
    int reports = 0;
    for (int i = 0; i < 20; i++) {
        thaw_status status = run_folder_log(f, &e);
        reports += thaw_failed(&status);
    }
    limit_files(0);
    assert_int_equal(reports, 1);
    assert_in_range(run_folder_lost(f), 1, 20);
    size_t kept = 30 - run_folder_lost(f), broken;
    assert_int_equal(count_events(run_folder_path(f), &broken), kept);
    assert_int_equal(broken, 0);      /* no half line was left */
    assert_ok(run_folder_log(f, &e)); /* there is room again */
    assert_int_equal(count_events(run_folder_path(f), &broken), kept + 1);
    assert_int_equal(broken, 0);
    run_folder_close(f);
}

static void a_line_cut_by_a_crash_is_removed_when_the_run_goes_on(void **state) {
    (void)state;
    run_folder *f = make_run("runs-cut");
    char *folder = xstrdup(run_folder_path(f));
    log_steps(f, 3);
    run_folder_close(f);
    append_raw(folder, "{\"v\":1,\"event\":\"step\",\"ti");
    assert_ok(run_folder_open(folder, &f));
    log_steps(f, 1);
    size_t broken;
    assert_int_equal(count_events(folder, &broken), 4);
    assert_int_equal(broken, 0);
    run_folder_close(f);
    free(folder);
}

static void a_log_that_is_one_long_cut_line_is_emptied(void **state) {
    (void)state;
    run_folder *f = make_run("runs-long");
    char *folder = xstrdup(run_folder_path(f)), *text = xcalloc(1, 200001);
    run_folder_close(f);
    memset(text, 'x', 200000);
    append_raw(folder, text);
    assert_ok(run_folder_open(folder, &f));
    log_steps(f, 2);
    assert_int_equal(count_events(folder, NULL), 2);
    run_folder_close(f);
    free(text);
    free(folder);
}

static void files_half_written_by_a_kill_are_swept_up(void **state) {
    (void)state;
    run_folder *f = make_run("runs-tmp");
    char *rubbish = path_join(run_folder_path(f), "last.safetensors.new.tmp-4242");
    char *folder = xstrdup(run_folder_path(f));
    run_folder_close(f);
    assert_ok(file_replace(rubbish, "x", 1));
    assert_ok(run_folder_open(folder, &f));
    assert_false(path_exists(rubbish));
    run_folder_close(f);
    free(folder);
    free(rubbish);
}

/* ---- who has it ---- */

static char *reason_of(const char *runs, const char *name) {
    thaw_run_info info;
    assert_ok(thaw_run_find(runs, name, &info));
    char *reason = xstrdup(info.reason);
    thaw_run_info_clear(&info);
    return reason;
}

static void assert_reason(const char *runs, const char *name, const char *expected) {
    char *reason = reason_of(runs, name);
    assert_string_equal(reason, expected);
    free(reason);
}

static void a_run_is_running_exactly_while_somebody_has_it(void **state) {
    (void)state;
    run_folder *f = make_run("runs-alive");
    char *id = xstrdup(run_folder_id(f)), *folder = xstrdup(run_folder_path(f));
    run_owner owner;
    assert_reason("runs-alive", id, "running");
    assert_true(run_lock_held(folder));
    assert_true(run_lock_owner(folder, &owner));
    assert_int_equal(owner.pid, getpid());
    run_folder *second = NULL;
    assert_says(run_folder_open(folder, &second), "stop that first");
    assert_reason("runs-alive", id, "running"); /* asking did not take it away */
    run_folder_close(f);
    assert_false(run_lock_held(folder));
    assert_reason("runs-alive", id, "died");
    assert_ok(run_folder_open(folder, &second));
    log_end(second, "stopped");
    assert_reason("runs-alive", id, "stopped"); /* over, although not yet closed */
    log_begin(second, true, 0);
    assert_reason("runs-alive", id, "running");
    run_folder_close(second);
    free(id);
    free(folder);
}

static void a_killed_process_lets_go_of_its_run(void **state) {
    (void)state;
    int pipe_fd[2];
    char id[256] = "";
    assert_int_equal(pipe(pipe_fd), 0);
    pid_t child = fork();
    if (child == 0) {
        run_folder *f = make_run("runs-killed");
        log_begin(f, false, 0);
        if (write(pipe_fd[1], run_folder_id(f), strlen(run_folder_id(f)) + 1) < 0) _exit(1);
        pause();
        _exit(0);
    }
    assert_true(read(pipe_fd[0], id, sizeof id) > 0);
    assert_reason("runs-killed", id, "running");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_reason("runs-killed", id, "died");
    close(pipe_fd[0]);
    close(pipe_fd[1]);
}

static void the_start_of_a_run_survives_its_resumption(void **state) {
    (void)state;
    run_folder *f = make_run("runs-start");
    char *folder = xstrdup(run_folder_path(f));
    run_owner before, after;
    assert_true(run_lock_owner(folder, &before));
    run_folder_close(f);
    usleep(20000);
    assert_ok(run_folder_open(folder, &f));
    assert_true(run_lock_owner(folder, &after));
    assert_true(before.started == after.started);
    run_folder_close(f);
    free(folder);
}

/* ---- listing ---- */

static void a_listing_tells_how_a_run_went(void **state) {
    (void)state;
    run_folder *f = make_run("runs-list");
    char *id = xstrdup(run_folder_id(f));
    thaw_event mask = {.kind = THAW_EVENT_MASK};
    mask.mask.label = (char *)"layer4+";
    log_begin(f, false, 0);
    assert_ok(run_folder_log(f, &mask));
    log_steps(f, 100);
    log_epoch(f, 0, 10, 0.5, 0.9);
    log_epoch(f, 1, 20, 0.8, 0.7);
    log_epoch(f, 2, 30, 0.8, 0.6); /* equal accuracy, lower loss: better */
    log_epoch(f, 3, 40, 0.7, 0.8);
    thaw_event profile = {.kind = THAW_EVENT_PROFILE};
    profile.profile.phase[THAW_PHASE_FORWARD] = 1.5;
    assert_ok(run_folder_log(f, &profile));
    assert_ok(run_folder_log(f, &profile));
    log_end(f, "done");
    run_folder_close(f);
    thaw_run_info info;
    assert_ok(thaw_run_find("runs-list", id, &info));
    assert_true(info.phase[THAW_PHASE_FORWARD] == 3 && info.phase[THAW_PHASE_OTHER] == 0);
    assert_string_equal(info.model, "resnet18");
    assert_string_equal(info.data, "photos");
    assert_string_equal(info.mask_label, "layer4+");
    assert_int_equal(info.epochs, 5);
    assert_int_equal(info.epochs_done, 4);
    assert_int_equal(info.best_epoch, 2);
    assert_true(info.best_val_top1 == 0.8);
    assert_true(info.last_train_loss == 0.25);
    assert_true(info.last_val_loss == 0.8);
    assert_string_equal(info.reason, "done");
    assert_null(info.problem);
    assert_true(fabs(info.started - (double)time(NULL)) < 60);
    thaw_run_info_clear(&info);
    free(id);
}

static void what_a_killed_run_said_after_its_checkpoint_is_taken_back(void **state) {
    (void)state;
    run_folder *f = make_run("runs-back");
    char *id = xstrdup(run_folder_id(f));
    log_begin(f, false, 0);
    log_epoch(f, 0, 10, 0.5, 0.9);
    log_epoch(f, 1, 20, 0.9, 0.1); /* after the last checkpoint, which was at step 10 */
    log_begin(f, true, 10);
    log_epoch(f, 1, 20, 0.6, 0.8);
    run_folder_close(f);
    thaw_run_info info;
    assert_ok(thaw_run_find("runs-back", id, &info));
    assert_int_equal(info.epochs_done, 2);
    assert_true(info.best_val_top1 == 0.6);
    assert_string_equal(info.reason, "died");
    thaw_run_info_clear(&info);
    free(id);
}

static void broken_runs_are_listed_with_their_problem(void **state) {
    (void)state;
    assert_ok(path_make_directory("runs-broken/no-recipe"));
    assert_ok(file_replace("runs-broken/no-recipe/events.jsonl", "", 0));
    assert_ok(path_make_directory("runs-broken/bad-recipe"));
    assert_ok(file_replace("runs-broken/bad-recipe/recipe.json", "{\"modle\": 1}", 12));
    assert_ok(path_make_directory("runs-broken/bad-log"));
    run_folder *f = make_run("runs-broken");
    append_raw(run_folder_path(f), "not json\n{\"v\":1,\"event\":\"epoch\",\"epoch\":\"x\"}\n\0\n");
    append_raw(run_folder_path(f), "{\"v\":1,\"event\":\"epoch\",\"epoch\":2}\nhalf");
    run_folder_close(f);
    assert_ok(path_make_directory("runs-broken/somebody-elses"));
    assert_ok(file_replace("runs-broken/a-file", "x", 1));
    thaw_run_info *runs;
    size_t count;
    assert_ok(thaw_runs_list("runs-broken", &runs, &count));
    assert_int_equal(count, 3);
    int problems = 0;
    for (size_t i = 0; i < count; i++) {
        problems += runs[i].problem != NULL;
        assert_non_null(runs[i].reason);
    }
    assert_int_equal(problems, 2);
    thaw_runs_free(runs, count);
}

static void log_mask(run_folder *f, const char *label) {
    thaw_event e = {.kind = THAW_EVENT_MASK};
    e.mask.label = (char *)label;
    assert_ok(run_folder_log(f, &e));
}

/* Of a short log all is read, of a long one the ends: what its last epoch and its end say of it is known. */
static void a_long_run_is_listed_by_its_ends_at_first(void **state) {
    (void)state;
    enum { LONG = 17 << 20 };
    run_folder *f = make_run("runs-brief");
    thaw_run_info *runs;
    size_t count;
    bool whole = false;
    log_begin(f, false, 0);
    log_mask(f, "head only");
    log_epoch(f, 0, 10, 0.5, 1);
    assert_ok(thaw_runs_list_briefly("runs-brief", &runs, &count, &whole));
    assert_true(whole);
    assert_true(runs[0].best_val_top1 == 0.5);
    thaw_runs_free(runs, count);

    log_mask(f, "everything");
    log_epoch(f, 1, 20, 0.9, 1);
    char *filler = xcalloc(1, LONG + 1);
    for (size_t i = 0; i < LONG; i++)
        filler[i] = i % 100 ? ' ' : '\n';
    append_raw(run_folder_path(f), filler);
    free(filler);
    log_epoch(f, 2, 30, 0.7, 2);
    assert_ok(thaw_runs_list_briefly("runs-brief", &runs, &count, &whole));
    assert_false(whole);
    assert_int_equal(runs[0].epochs_done, 3);
    assert_true(runs[0].last_val_loss == 2);
    assert_int_equal(runs[0].best_epoch, -1); /* it may lie between, until there is an end that knows */
    thaw_runs_free(runs, count);

    thaw_event end = {.kind = THAW_EVENT_END,
                      .end = {.reason = (char *)"done", .best_epoch = 1, .best_val_top1 = 0.9}};
    assert_ok(run_folder_log(f, &end));
    thaw_run_info *all;
    assert_ok(thaw_runs_list_briefly("runs-brief", &runs, &count, &whole));
    assert_ok(thaw_runs_list("runs-brief", &all, &count));
    assert_false(whole);
    assert_string_equal(runs[0].reason, "done");
    assert_string_equal(runs[0].mask_label, all[0].mask_label);
    assert_int_equal(runs[0].best_epoch, all[0].best_epoch);
    assert_true(runs[0].best_val_top1 == all[0].best_val_top1);
    thaw_runs_free(runs, count);
    thaw_runs_free(all, count);
    run_folder_close(f);
}

static void a_folder_without_runs_and_one_that_is_not_there_list_nothing(void **state) {
    (void)state;
    assert_ok(path_make_directory("runs-empty"));
    assert_int_equal(entries_in("runs-empty"), 0);
    assert_int_equal(entries_in("runs-absent"), 0);
    thaw_run_info *runs;
    size_t count;
    assert_ok(file_replace("plain", "x", 1));
    assert_says(thaw_runs_list("plain", &runs, &count), "plain");
}

/* ---- finding ---- */

static void runs_are_found_by_id_prefix_folder_and_last(void **state) {
    (void)state;
    run_folder *a = make_run("runs-find");
    char *folder = xstrdup(run_folder_path(a)), *id = xstrdup(run_folder_id(a));
    run_folder_close(a);
    thaw_run_info info;
    char *prefix = xstrndup(id, strlen(id) - 3);
    const char *const names[] = {id, folder, "last", prefix};
    for (size_t i = 0; i < 4; i++) {
        assert_ok(thaw_run_find("runs-find", names[i], &info));
        assert_string_equal(info.folder, folder);
        thaw_run_info_clear(&info);
    }
    usleep(20000);
    run_folder *b = make_run("runs-find");
    assert_ok(thaw_run_find("runs-find", "last", &info));
    assert_string_equal(info.id, run_folder_id(b));
    thaw_run_info_clear(&info);
    assert_ok(
        thaw_run_find("runs-find", id, &info)); /* a whole id wins although the other may begin with it */
    assert_string_equal(info.id, id);
    thaw_run_info_clear(&info);
    run_folder_close(b);
    free(prefix);
    free(id);
    free(folder);
}

static void names_that_fit_no_run_or_several_fail(void **state) {
    (void)state;
    thaw_run_info info;
    assert_says(thaw_run_find("runs-nowhere", "x", &info), "there are no runs");
    assert_says(thaw_run_find("runs-nowhere", "last", &info), "there are no runs");
    assert_ok(path_make_directory("runs-names/20260101-000000-resnet18"));
    assert_ok(file_replace("runs-names/20260101-000000-resnet18/recipe.json", "{}", 2));
    assert_ok(path_make_directory("runs-names/20260101-000001-resnet18"));
    assert_ok(file_replace("runs-names/20260101-000001-resnet18/recipe.json", "{}", 2));
    assert_says(thaw_run_find("runs-names", "20260101", &info), "2 runs");
    assert_says(thaw_run_find("runs-names", "20260101-000001-resnet81", &info),
                "did you mean 20260101-000001-resnet18");
    assert_says(thaw_run_find("runs-names", "", &info), "no run is named");
    assert_says(thaw_run_find("runs-names", "/etc", &info), "not the folder of a run");
    assert_says(thaw_run_find("runs-names", "../x", &info), "not the folder of a run");
}

/* ---- reading while it grows ---- */

static void a_reader_follows_a_growing_log(void **state) {
    (void)state;
    run_folder *f = make_run("runs-grow");
    thaw_run_reader *r;
    thaw_event e;
    assert_ok(thaw_run_reader_open(run_folder_path(f), &r));
    assert_false(thaw_run_reader_next(r, &e));
    for (int round = 0; round < 3; round++) {
        log_steps(f, 1000);
        for (int i = 0; i < 1000; i++) {
            assert_true(thaw_run_reader_next(r, &e));
            assert_int_equal(e.steps, i + 1);
            thaw_event_clear(&e);
        }
        assert_false(thaw_run_reader_next(r, &e));
    }
    assert_int_equal(thaw_run_reader_broken(r), 0);
    thaw_run_reader_close(r);
    run_folder_close(f);
}

/* A line arrives byte by byte, is then cut off by a resumption, and another takes its place. */
static void a_reader_never_mixes_a_cut_line_with_the_next(void **state) {
    (void)state;
    run_folder *f = make_run("runs-mix");
    char *folder = xstrdup(run_folder_path(f));
    log_steps(f, 1);
    run_folder_close(f);
    thaw_run_reader *r;
    thaw_event e;
    assert_ok(thaw_run_reader_open(folder, &r));
    assert_true(thaw_run_reader_next(r, &e));
    const char half[] = "{\"v\":1,\"event\":\"step\",\"time\":1";
    for (size_t i = 0; i < sizeof half - 1; i++) {
        char byte[2] = {half[i], 0};
        append_raw(folder, byte);
        assert_false(thaw_run_reader_next(r, &e));
    }
    assert_ok(run_folder_open(folder, &f));
    log_epoch(f, 7, 70, 0.5, 0.5);
    assert_true(thaw_run_reader_next(r, &e));
    assert_int_equal(e.kind, THAW_EVENT_EPOCH);
    assert_int_equal(e.epoch.epoch, 7);
    thaw_event_clear(&e);
    assert_int_equal(thaw_run_reader_broken(r), 0);
    thaw_run_reader_close(r);
    run_folder_close(f);
    free(folder);
}

static void broken_and_unknown_lines_are_passed_over(void **state) {
    (void)state;
    run_folder *f = make_run("runs-skip");
    append_raw(run_folder_path(f), "\n\xff\xfe\n{\"v\":1,\"event\":\"hologram\"}\n{}\n");
    log_steps(f, 2);
    size_t broken;
    assert_int_equal(count_events(run_folder_path(f), &broken), 2);
    assert_int_equal(broken, 3);
    char *huge = xcalloc(1, (20 << 20) + 2);
    memset(huge, '[', 20 << 20);
    huge[20 << 20] = '\n';
    append_raw(run_folder_path(f), huge);
    free(huge);
    log_steps(f, 1);
    assert_int_equal(count_events(run_folder_path(f), &broken), 3);
    assert_int_equal(broken, 4);
    run_folder_close(f);
}

static void logs_that_cannot_be_read_are_errors(void **state) {
    (void)state;
    thaw_run_reader *r;
    thaw_recipe recipe;
    assert_says(thaw_run_reader_open("runs-absent/x", &r), "runs-absent/x/events.jsonl");
    assert_ok(path_make_directory("runs-dir/x/events.jsonl"));
    assert_says(thaw_run_reader_open("runs-dir/x", &r), "events.jsonl");
    assert_says(thaw_run_recipe("runs-absent/x", &recipe), "recipe.json");
}

/* ---- deleting ---- */

static void only_a_runs_own_files_are_deleted(void **state) {
    (void)state;
    run_folder *f = make_run("runs-delete");
    char *folder = xstrdup(run_folder_path(f));
    assert_says(thaw_run_delete(folder), "stop that first");
    run_folder_close(f);
    char *notes = path_join(folder, "my-notes.txt"), *weights = path_join(folder, "best.safetensors");
    assert_ok(file_replace(notes, "x", 1));
    assert_ok(file_replace(weights, "x", 1));
    assert_ok(thaw_run_delete(folder));
    assert_true(path_exists(notes));
    assert_false(path_exists(weights));
    assert_int_equal(entries_in("runs-delete"), 0);
    assert_says(thaw_run_delete(folder), "not the folder of a run"); /* no longer one */
    unlink(notes);
    run_folder *g = make_run("runs-delete");
    free(folder);
    folder = xstrdup(run_folder_path(g));
    run_folder_close(g);
    assert_ok(thaw_run_delete(folder));
    assert_false(path_exists(folder));
    free(notes);
    free(weights);
    free(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_run_has_its_recipe_and_classes),
        cmocka_unit_test(runs_made_in_the_same_second_have_different_ids),
        cmocka_unit_test(a_model_name_cannot_lead_out_of_the_folder),
        cmocka_unit_test(folders_that_cannot_be_written_fail_before_training),
        cmocka_unit_test(a_disk_that_is_full_from_the_start_leaves_nothing_behind),
        cmocka_unit_test(space_is_asked_for_in_bytes),
        cmocka_unit_test(lines_lost_to_a_full_disk_are_reported_once_and_counted),
        cmocka_unit_test(a_line_cut_by_a_crash_is_removed_when_the_run_goes_on),
        cmocka_unit_test(a_log_that_is_one_long_cut_line_is_emptied),
        cmocka_unit_test(files_half_written_by_a_kill_are_swept_up),
        cmocka_unit_test(a_run_is_running_exactly_while_somebody_has_it),
        cmocka_unit_test(a_killed_process_lets_go_of_its_run),
        cmocka_unit_test(the_start_of_a_run_survives_its_resumption),
        cmocka_unit_test(a_listing_tells_how_a_run_went),
        cmocka_unit_test(what_a_killed_run_said_after_its_checkpoint_is_taken_back),
        cmocka_unit_test(broken_runs_are_listed_with_their_problem),
        cmocka_unit_test(a_long_run_is_listed_by_its_ends_at_first),
        cmocka_unit_test(a_folder_without_runs_and_one_that_is_not_there_list_nothing),
        cmocka_unit_test(runs_are_found_by_id_prefix_folder_and_last),
        cmocka_unit_test(names_that_fit_no_run_or_several_fail),
        cmocka_unit_test(a_reader_follows_a_growing_log),
        cmocka_unit_test(a_reader_never_mixes_a_cut_line_with_the_next),
        cmocka_unit_test(broken_and_unknown_lines_are_passed_over),
        cmocka_unit_test(logs_that_cannot_be_read_are_errors),
        cmocka_unit_test(only_a_runs_own_files_are_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
