/*
 * test_sketch.c - of a long run there is a sketch before all of it is read: events from one end to the other,
 * and on the Runs tab its curves, which say that they are one.
 */
#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "tests/unit/app_fixture.h"
#include "tui/app_state.h"
#include "tui/run_replay.h"
#include "tui/screens/run_preview.h"
#include "tui/screens/runs_list.h"

enum { STEPS = 150000, POLL_MS = 5 };

static const double patience = 60;

static void assert_ok(thaw_status status) {
    assert_string_equal(status.message, "");
}

static void put(FILE *file, const thaw_event *e) {
    char *line = thaw_event_json(e);
    fprintf(file, "%s\n", line);
    free(line);
}

/* A run in the folder "run" that began and made so many steps. */
static void write_run(int steps) {
    assert_ok(path_make_directory("run"));
    FILE *file = fopen("run/events.jsonl", "w");
    assert_non_null(file);
    thaw_event begin = {.kind = THAW_EVENT_BEGIN};
    begin.begin.epochs = 1;
    begin.begin.steps_per_epoch = steps;
    put(file, &begin);
    thaw_event e = {.kind = THAW_EVENT_STEP};
    for (e.steps = 1; e.steps <= steps; e.steps++) {
        e.time = (double)e.steps / 100;
        e.step.loss = 2.0 / (1.0 + (double)e.steps / STEPS);
        e.step.lr = 0.1;
        put(file, &e);
    }
    assert_int_equal(fclose(file), 0);
}

typedef struct taken {
    int64_t first, last;
    size_t steps, begins;
} taken;

static void take(void *user, const thaw_event *e) {
    taken *t = user;
    if (e->kind == THAW_EVENT_BEGIN) t->begins++;
    if (e->kind != THAW_EVENT_STEP) return;
    assert_true(e->steps > t->last);
    if (!t->steps) t->first = e->steps;
    t->last = e->steps;
    t->steps++;
}

static void a_long_log_is_sampled_from_end_to_end(void **state) {
    (void)state;
    write_run(STEPS);
    thaw_run_reader *r;
    thaw_event e;
    taken t = {0};
    assert_ok(thaw_run_reader_open("run", &r));
    assert_true(thaw_run_reader_sample(r, take, &t));
    assert_int_equal(t.begins, 1);
    assert_int_equal(t.first, 1);
    assert_int_equal(t.last, STEPS);
    assert_true(t.steps > STEPS / 100 && t.steps < STEPS / 4);
    assert_true(thaw_run_reader_next(r, &e)); /* from the beginning */
    assert_int_equal(e.kind, THAW_EVENT_BEGIN);
    thaw_event_clear(&e);
    thaw_run_reader_close(r);
}

static void a_short_log_is_not_sampled(void **state) {
    (void)state;
    write_run(1000);
    thaw_run_reader *r;
    taken t = {0};
    assert_ok(thaw_run_reader_open("run", &r));
    assert_false(thaw_run_reader_sample(r, take, &t));
    assert_int_equal(t.begins + t.steps, 0);
    thaw_run_reader_close(r);
}

/* Cut, or full of anything: what has no lines gives no events. */
static void a_log_of_rubbish_has_no_sample(void **state) {
    (void)state;
    enum { SIZE = 20 << 20 };
    char *bytes = xcalloc(SIZE, 1);
    taken t = {0};
    for (int fill = 0; fill < 3; fill++) {
        thaw_run_reader *r;
        memset(bytes, "x\n\0"[fill], SIZE);
        assert_ok(file_replace("run/events.jsonl", bytes, SIZE));
        assert_ok(thaw_run_reader_open("run", &r));
        assert_true(thaw_run_reader_sample(r, take, &t));
        assert_int_equal(t.begins + t.steps, 0);
        thaw_run_reader_close(r);
    }
    free(bytes);
}

/* The curve of a sketch spans the run, and lies where that of all of its steps does. */
static void a_sketch_has_the_curve_of_the_run(void **state) {
    (void)state;
    write_run(STEPS);
    thaw_run_reader *r;
    run_view sketch;
    run_view_init(&sketch);
    assert_ok(thaw_run_reader_open("run", &r));
    assert_true(run_replay_sketch(r, &sketch));
    assert_int_equal(sketch.total_steps, STEPS);
    for (int64_t x = 1; x <= STEPS; x += STEPS / 50) {
        const series_bucket *b = series_near(&sketch.train_loss, x);
        assert_true(b && llabs(b->first - x) < STEPS / 100);
        assert_true(fabs(series_mean(b) - 2.0 / (1.0 + (double)x / STEPS)) < 0.02);
    }
    run_view_clear(&sketch);
    thaw_run_reader_close(r);
}

static bool frame_shows(app *a, const run_preview *p, const char *text) {
    bool found = false;
    canvas_erase(&a->frame);
    run_preview_draw(p, a, &a->frame, (rect){0, 0, a->frame.rows, a->frame.cols});
    for (int row = 0; row < a->frame.rows && !found; row++) {
        char *line = canvas_row_text(&a->frame, row);
        found = strstr(line, text) != NULL;
        free(line);
    }
    return found;
}

/* Until it is told that the job is done, the preview has what the job's thread has published. */
static void the_preview_of_a_long_run_is_a_sketch_at_first(void **state) {
    (void)state;
    write_run(STEPS);
    app *a = open_app(NULL);
    run_preview p;
    thaw_run_info info = {.folder = (char *)"run"};
    run_preview_init(&p);
    run_preview_show(&p, a, &info);
    for (double end = clock_seconds() + patience; !run_preview_note(&p); poll(NULL, 0, POLL_MS))
        assert_true(clock_seconds() < end);
    assert_non_null(strstr(run_preview_note(&p), "sketch"));
    assert_true(frame_shows(a, &p, "train"));
    for (double end = clock_seconds() + patience; !p.loaded; poll(NULL, 0, POLL_MS)) {
        assert_true(clock_seconds() < end);
        app_jobs_finish(a);
    }
    assert_null(run_preview_note(&p));
    assert_true(frame_shows(a, &p, "train"));
    assert_int_equal(p.view.steps, STEPS);
    run_preview_clear(&p);
    app_free(a);
}

static void ignore(app *a, void *user) {
    (void)a, (void)user;
}

static void finish_reading(app *a, const runs_list *l) {
    for (double end = clock_seconds() + patience; l->reading; poll(NULL, 0, POLL_MS)) {
        assert_true(clock_seconds() < end);
        app_jobs_finish(a);
    }
}

/* So that its curves need not wait for all logs to be read; then they are, and nobody is told to wait. */
static void the_list_of_runs_is_brief_at_first(void **state) {
    (void)state;
    write_run(STEPS);
    thaw_event epoch = {.kind = THAW_EVENT_EPOCH, .steps = STEPS, .epoch = {.val_top1 = 0.5}};
    FILE *file = fopen("run/events.jsonl", "a");
    assert_non_null(file);
    put(file, &epoch);
    assert_int_equal(fclose(file), 0);
    app_params params = app_default_params();
    params.runs = ".";
    app *a = app_new(&params);
    runs_list l = {.leaving = ignore, .changed = ignore};
    double part;
    runs_list_read(&l, a);
    assert_non_null(app_jobs_running(a, &part));
    finish_reading(a, &l);
    assert_int_equal(l.count, 1);
    assert_true(l.brief);
    assert_true(isnan(l.run[0].best_val_top1));
    runs_list_complete(&l, a);
    assert_null(app_jobs_running(a, &part));
    finish_reading(a, &l);
    assert_false(l.brief);
    assert_true(l.run[0].best_val_top1 == 0.5);
    runs_list_read(&l, a); /* once all is known, it stays so */
    finish_reading(a, &l);
    assert_false(l.brief);
    runs_list_clear(&l);
    app_free(a);
}

static int home(void **state) {
    (void)state;
    app_fixture_home();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_log_is_sampled_from_end_to_end),
        cmocka_unit_test(a_short_log_is_not_sampled),
        cmocka_unit_test(a_log_of_rubbish_has_no_sample),
        cmocka_unit_test(a_sketch_has_the_curve_of_the_run),
        cmocka_unit_test(the_preview_of_a_long_run_is_a_sketch_at_first),
        cmocka_unit_test(the_list_of_runs_is_brief_at_first),
    };
    return cmocka_run_group_tests(tests, home, NULL);
}
