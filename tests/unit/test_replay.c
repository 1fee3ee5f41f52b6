/*
 * test_replay.c - a long run is read many steps at a time and by several threads, and its curves are to the
 * bit those of its lines, taken one by one and read by the general reader.
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
#include "engine/base/file.h"
#include "engine/base/rng.h"
#include "engine/base/str.h"
#include "tui/run_replay.h"

enum { STEPS = 40000, EPOCH = 1000 }; /* of which more than 4 MB come, for which there are threads */

static void assert_ok(thaw_status status) {
    assert_string_equal(status.message, "");
}

/* ---- a log that went through a lot ---- */

static void put(str *log, const thaw_event *e) {
    char *line = thaw_event_json(e);
    str_appendf(log, "%s\n", line);
    free(line);
}

static void put_begin(str *log, int64_t steps, bool resumed) {
    thaw_event e = {.kind = THAW_EVENT_BEGIN, .steps = steps};
    e.begin.run = (char *)"a-run";
    e.begin.epochs = STEPS / EPOCH;
    e.begin.steps_per_epoch = EPOCH;
    e.begin.resumed = resumed;
    put(log, &e);
}

static void put_epoch(str *log, int64_t steps) {
    thaw_event e = {.kind = THAW_EVENT_EPOCH, .steps = steps, .time = (double)steps / 100};
    e.epoch.epoch = (int)(steps / EPOCH) - 1;
    e.epoch.val_loss = 1.0 / (double)steps;
    put(log, &e);
}

/* A figure as runs have them, or one that is seldom: not known, negative, huge, tiny, whole. */
static double figure(rng *r, double usual) {
    static const double seldom[] = {NAN, INFINITY, -0.5, 1e300, 5e-324, 3, 0, 12345678.5};
    enum { KINDS = sizeof seldom / sizeof *seldom };
    return rng_below(r, 50) ? usual * rng_unit(r) : seldom[rng_below(r, KINDS)];
}

static void put_step(str *log, rng *r, int64_t steps) {
    thaw_event e = {.kind = THAW_EVENT_STEP, .steps = steps, .time = (double)steps / 97};
    e.step.epoch = (int)(steps / EPOCH);
    e.step.loss = figure(r, 3);
    e.step.lr = figure(r, 0.1);
    e.step.batch = 32;
    e.step.cached = rng_below(r, 2) ? 32 : (int)rng_below(r, 32);
    e.step.images_per_second = figure(r, 900);
    e.step.data_wait = figure(r, rng_below(r, 2) ? 1 : 1e-7);
    e.step.seconds = figure(r, 0.2);
    put(log, &e);
}

/* Lines that are none, one that a person wrote, and one of a later version. */
static void put_odd_line(str *log, int64_t steps) {
    static const char *const odd[] = {"", "no event", "{\"v\":1,\"event\":\"step\",\"time\":1",
                                      "{\"v\":1,\"event\":\"hologram\"}",
                                      "{\"v\":1,\"event\":\"step\",\"time\":01,\"step\":1}"};
    enum { KINDS = sizeof odd / sizeof *odd };
    if (steps % (KINDS + 1) == KINDS)
        str_appendf(log, "{ \"v\": 1, \"event\": \"step\", \"step\": %lld, \"loss\": 0.25 }\n",
                    (long long)steps);
    else
        str_appendf(log, "%s\n", odd[steps % (KINDS + 1)]);
}

/* Steps FROM to TO; a few of the lines in between are odd. */
static void put_steps(str *log, rng *r, int64_t from, int64_t to) {
    for (int64_t steps = from; steps <= to; steps++) {
        put_step(log, r, steps);
        if (steps % EPOCH == 0) put_epoch(log, steps);
        if (!rng_below(r, 300)) put_odd_line(log, steps);
    }
}

/* ---- both ways ---- */

/* What the lines of TEXT come to, each read by the general reader: a space before it makes it that one's. */
static size_t by_lines(const str *text, run_view *view) {
    const char *line = str_text(text), *newline;
    size_t broken = 0;
    for (; (newline = strchr(line, '\n')); line = newline + 1) {
        thaw_event e;
        char *spaced = xasprintf(" %.*s", (int)(newline - line), line);
        thaw_status status = thaw_event_parse(spaced, strlen(spaced), &e);
        free(spaced);
        broken += thaw_failed(&status) && status.code != THAW_ERR_UNSUPPORTED;
        if (thaw_failed(&status)) continue;
        run_view_apply(view, &e);
        thaw_event_clear(&e);
    }
    return broken;
}

static void expect_same_series(const series *a, const series *b) {
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->width, b->width);
    assert_memory_equal(a->bucket, b->bucket, a->count * sizeof *a->bucket);
}

static void expect_same(const run_view *a, const run_view *b) {
    const double one[] = {a->time,
                          a->loss,
                          a->lr,
                          a->images_per_second,
                          a->data_wait,
                          a->step_seconds,
                          a->whole_step_seconds,
                          a->waited_seconds,
                          a->steps_seconds,
                          a->epoch_step_weight};
    const double other[] = {b->time,
                            b->loss,
                            b->lr,
                            b->images_per_second,
                            b->data_wait,
                            b->step_seconds,
                            b->whole_step_seconds,
                            b->waited_seconds,
                            b->steps_seconds,
                            b->epoch_step_weight};
    expect_same_series(&a->train_loss, &b->train_loss);
    expect_same_series(&a->rate, &b->rate);
    expect_same_series(&a->clock, &b->clock);
    assert_memory_equal(one, other, sizeof one);
    assert_memory_equal(&a->left, &b->left, sizeof a->left);
    assert_int_equal(a->steps, b->steps);
    assert_int_equal(a->revision, b->revision);
    assert_int_equal(a->epoch_count, b->epoch_count);
    assert_int_equal(a->mark_count, b->mark_count);
}

static void write_log(const str *log) {
    assert_ok(path_make_directory("run"));
    assert_ok(file_replace("run/events.jsonl", str_text(log), log->length));
}

/* ---- tests ---- */

/* A run that was resumed from an earlier step, with odd lines and half a last one, which then goes on. */
static void a_run_read_many_steps_at_a_time_is_that_of_its_lines(void **state) {
    (void)state;
    enum { FIRST = 25000, BACK = 20000, MORE = 39000 };
    str log = {0};
    rng r = rng_keyed(21, RNG_TEST, 0, 0);
    put_begin(&log, 0, false);
    put_steps(&log, &r, 1, FIRST);
    put_begin(&log, BACK, true);
    put_steps(&log, &r, BACK + 1, MORE);
    size_t whole = log.length;
    put_steps(&log, &r, MORE + 1, STEPS);
    str part = {0};
    str_append_n(&part, str_text(&log), whole + 100); /* half a line */
    write_log(&part);

    run_view given, expected;
    thaw_run_reader *reader;
    run_view_init(&given);
    run_view_init(&expected);
    assert_ok(run_replay("run", &given, NULL, NULL, &reader));
    size_t broken = by_lines(&part, &expected);
    assert_true(broken > 20);
    assert_int_equal(thaw_run_reader_broken(reader), broken);
    expect_same(&given, &expected);
    assert_true(given.train_loss.width > 1);

    FILE *file = fopen("run/events.jsonl", "a");
    assert_non_null(file);
    assert_int_equal(fwrite(str_text(&log) + part.length, 1, log.length - part.length, file),
                     log.length - part.length);
    assert_int_equal(fclose(file), 0);
    assert_true(run_replay_more(reader, &given) > STEPS - MORE);
    run_view_clear(&expected);
    run_view_init(&expected);
    by_lines(&log, &expected);
    expect_same(&given, &expected);
    thaw_run_reader_close(reader);
    run_view_clear(&given);
    run_view_clear(&expected);
    str_clear(&part);
    str_clear(&log);
}

static bool never(void *user) {
    ++*(int *)user;
    return false;
}

static void reading_stops_when_it_is_told_to(void **state) {
    (void)state;
    str log = {0};
    rng r = rng_keyed(22, RNG_TEST, 0, 0);
    put_steps(&log, &r, 1, STEPS);
    write_log(&log);
    run_view view;
    int asked = 0;
    run_view_init(&view);
    thaw_status status = run_replay("run", &view, never, &asked, NULL);
    assert_int_equal(status.code, THAW_ERR_CANCELLED);
    assert_int_equal(asked, 1);
    assert_true(view.steps < STEPS / 2);
    run_view_clear(&view);
    str_clear(&log);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_read_many_steps_at_a_time_is_that_of_its_lines),
        cmocka_unit_test(reading_stops_when_it_is_told_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
