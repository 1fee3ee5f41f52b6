/*
 * test_read_ahead.c - events parsed ahead by several threads are those of the lines, in their order, wherever
 * blocks begin and end and whatever is done to the file meanwhile.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/rng.h"
#include "engine/base/str.h"
#include "engine/run/read_ahead.h"

/* ---- logs ---- */

static int log_file(const str *text) {
    int fd = open("events.jsonl", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, str_text(text), text->length), text->length);
    return fd;
}

static void put_step(str *log, int64_t step) {
    thaw_event e = {.kind = THAW_EVENT_STEP, .steps = step, .step.loss = 1.0 / (double)step};
    char *line = thaw_event_json(&e);
    str_appendf(log, "%s\n", line);
    free(line);
}

static void put_log(str *log, rng *r) {
    thaw_event e = {.kind = THAW_EVENT_LOG};
    e.log.text = xcalloc(1, 300);
    memset(e.log.text, 'x', rng_below(r, 300));
    char *line = thaw_event_json(&e);
    str_appendf(log, "%s\n", line);
    free(line);
    thaw_event_clear(&e);
}

/* Events of one line and of many bytes, lines that are none, empty ones; the last may have no end. */
static void put_lines(str *log, rng *r, int count) {
    for (int i = 1; i <= count; i++)
        switch (rng_below(r, 8)) {
        case 0:
            put_log(log, r);
            break;
        case 1:
            str_append(log, "{\"v\":1,\"event\":\"hologram\"}\n");
            break;
        case 2:
            str_append(log, rng_below(r, 2) ? "\n" : "no event\n");
            break;
        default:
            put_step(log, i);
        }
    if (rng_below(r, 2)) str_append(log, "{\"v\":1,\"event\":\"st");
}

/* ---- what is given ---- */

typedef struct events {
    str json; /* one a line */
    size_t broken;
} events;

static void take(events *all, thaw_event *e) {
    char *line = thaw_event_json(e);
    str_appendf(&all->json, "%s\n", line);
    free(line);
    thaw_event_clear(e);
}

/* Line by line, from the place AT on. */
static void read_lines(const str *log, size_t at, events *all) {
    const char *line = str_text(log) + at, *newline;
    for (; (newline = strchr(line, '\n')); line = newline + 1) {
        thaw_event e;
        thaw_status status = thaw_event_parse(line, (size_t)(newline - line), &e);
        if (!thaw_failed(&status))
            take(all, &e);
        else
            all->broken += status.code != THAW_ERR_UNSUPPORTED;
    }
}

static read_ahead *start(int fd, size_t block, int threads) {
    read_ahead_params params = read_ahead_default_params();
    params.block = block;
    params.threads = threads;
    params.least = 0;
    read_ahead *r = read_ahead_new(fd, &params);
    assert_non_null(r);
    return r;
}

/* Steps as many at once as there are, by turns with one event at a time. */
static size_t take_all(read_ahead *r, events *all) {
    const thaw_step_row *row;
    thaw_event e;
    for (int turn = 0;; turn++) {
        size_t steps = turn % 3 ? read_ahead_steps(r, &row) : 0;
        for (size_t i = 0; i < steps; i++) {
            thaw_event_of_step(&row[i], &e);
            take(all, &e);
        }
        if (steps) continue;
        if (!read_ahead_next(r, &e)) break;
        take(all, &e);
    }
    assert_false(read_ahead_next(r, &e));
    assert_int_equal(read_ahead_steps(r, &row), 0);
    all->broken += read_ahead_broken(r);
    return (size_t)read_ahead_at(r);
}

static void check(const str *log, size_t block, int threads) {
    events expected = {0}, given = {0};
    int fd = log_file(log);
    read_ahead *r = start(fd, block, threads);
    read_lines(log, 0, &expected);
    size_t at = take_all(r, &given);
    const char *last = strrchr(str_text(log), '\n');
    assert_int_equal(at, last ? last + 1 - str_text(log) : 0);
    assert_string_equal(str_text(&given.json), str_text(&expected.json));
    assert_int_equal(given.broken, expected.broken);
    read_ahead_free(r);
    close(fd);
    str_clear(&given.json);
    str_clear(&expected.json);
}

/* ---- tests ---- */

static void blocks_give_what_lines_give(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 2, 3, 31, 178, 1000, 100000};
    rng r = rng_keyed(11, RNG_TEST, 0, 0);
    for (int round = 0; round < 40; round++) {
        str log = {0};
        put_lines(&log, &r, (int)rng_below(&r, 60));
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            check(&log, sizes[i], 1 + (int)rng_below(&r, 4));
        str_clear(&log);
    }
}

/* So that a line ends at the end of a block, and the next begins there. */
static void lines_and_blocks_of_one_size_agree(void **state) {
    (void)state;
    str log = {0};
    put_step(&log, 11);
    size_t line = log.length;
    for (int i = 12; i < 90; i++)
        put_step(&log, 11);
    for (size_t block = line - 1; block <= line + 1; block++)
        check(&log, block, 3);
    str_clear(&log);
}

/* A line longer than what a block may read behind itself is left to the caller, and so is all behind it. */
static void a_very_long_line_is_left_to_the_caller(void **state) {
    (void)state;
    enum { LONG = 3 << 20, BLOCK = 1 << 16 };
    str log = {0};
    events given = {0}, expected = {0};
    put_step(&log, 1);
    size_t before = log.length;
    char *filler = xcalloc(1, LONG + 1);
    memset(filler, ' ', LONG);
    str_append(&log, filler);
    free(filler);
    put_step(&log, 2);
    put_step(&log, 3);
    int fd = log_file(&log);
    read_ahead *r = start(fd, BLOCK, 2);
    assert_int_equal(take_all(r, &given), before);
    read_lines(&log, before, &given);
    read_lines(&log, 0, &expected);
    assert_string_equal(str_text(&given.json), str_text(&expected.json));
    read_ahead_free(r);
    close(fd);
    str_clear(&log);
    str_clear(&given.json);
    str_clear(&expected.json);
}

/* What was read before a file was cut is given; what no longer joins on is not. */
static void a_file_cut_meanwhile_ends_at_a_whole_line(void **state) {
    (void)state;
    enum { BLOCK = 1000, LINES = 400, CUT = 9100 };
    str log = {0};
    thaw_event e;
    for (int i = 1; i <= LINES; i++)
        put_step(&log, i);
    int fd = log_file(&log);
    read_ahead *r = start(fd, BLOCK, 1); /* one thread reads no further than it must */
    int64_t step = 0;
    for (; step < 10; step++)
        assert_true(read_ahead_next(r, &e));
    assert_int_equal(ftruncate(fd, CUT), 0);
    while (read_ahead_next(r, &e))
        assert_int_equal(e.steps, ++step);
    off_t at = read_ahead_at(r);
    assert_true(at > CUT - 300 && at <= CUT);
    assert_int_equal(str_text(&log)[at - 1], '\n');
    read_ahead_free(r);
    close(fd);
    str_clear(&log);
}

/* Other lines in the place of those that were there: nothing is given twice, and no half line. */
static void a_file_written_anew_meanwhile_is_not_mixed_up(void **state) {
    (void)state;
    enum { BLOCK = 1000, LINES = 400, GIVEN = 10 };
    str log = {0};
    thaw_event e;
    for (int i = 1; i <= LINES; i++)
        put_step(&log, i);
    int fd = log_file(&log);
    read_ahead *r = start(fd, BLOCK, 1);
    for (int i = 0; i < GIVEN; i++)
        assert_true(read_ahead_next(r, &e));
    str other = {0};
    str_append(&other, "x");
    str_append(&other, str_text(&log));
    assert_int_equal(pwrite(fd, str_text(&other), other.length, 0), other.length);
    int64_t step = GIVEN;
    while (read_ahead_next(r, &e))
        assert_int_equal(e.steps, ++step);
    assert_true(step < LINES); /* blocks from here on begin at another place */
    assert_int_equal(read_ahead_broken(r), 0);
    read_ahead_free(r);
    close(fd);
    str_clear(&log);
    str_clear(&other);
}

static bool is_step(const char *line, size_t length) {
    return length > 21 && !memcmp(line, "{\"v\":1,\"event\":\"step\"", 21);
}

static void lines_are_passed_over_as_asked(void **state) {
    (void)state;
    str log = {0};
    rng r = rng_keyed(12, RNG_TEST, 0, 0);
    thaw_event e;
    for (int i = 1; i < 300; i++)
        i % 7 ? put_step(&log, i) : put_log(&log, &r);
    int fd = log_file(&log), count = 0;
    read_ahead_params params = {.block = 500, .threads = 3, .skip = is_step};
    read_ahead *ahead = read_ahead_new(fd, &params);
    for (; read_ahead_next(ahead, &e); count++) {
        assert_int_equal(e.kind, THAW_EVENT_LOG);
        thaw_event_clear(&e);
    }
    assert_int_equal(count, 299 / 7);
    assert_int_equal(read_ahead_at(ahead), log.length);
    read_ahead_free(ahead);
    close(fd);
    str_clear(&log);
}

/* Whoever has seen enough leaves nothing behind; the sanitizers look. */
static void it_can_be_let_go_of_at_any_time(void **state) {
    (void)state;
    str log = {0};
    rng r = rng_keyed(13, RNG_TEST, 0, 0);
    thaw_event e;
    for (int i = 0; i < 500; i++)
        put_log(&log, &r);
    int fd = log_file(&log);
    for (int taken = 0; taken < 60; taken++) {
        read_ahead *ahead = start(fd, 700, 4);
        for (int i = 0; i < taken; i++) {
            assert_true(read_ahead_next(ahead, &e));
            thaw_event_clear(&e);
        }
        read_ahead_free(ahead);
    }
    close(fd);
    str_clear(&log);
}

static void a_short_log_is_not_worth_while(void **state) {
    (void)state;
    str log = {0};
    put_step(&log, 1);
    int fd = log_file(&log);
    read_ahead_params params = read_ahead_default_params();
    assert_null(read_ahead_new(fd, &params));
    close(fd);
    str_clear(&log);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_give_what_lines_give),
        cmocka_unit_test(lines_and_blocks_of_one_size_agree),
        cmocka_unit_test(a_very_long_line_is_left_to_the_caller),
        cmocka_unit_test(a_file_cut_meanwhile_ends_at_a_whole_line),
        cmocka_unit_test(a_file_written_anew_meanwhile_is_not_mixed_up),
        cmocka_unit_test(lines_are_passed_over_as_asked),
        cmocka_unit_test(it_can_be_let_go_of_at_any_time),
        cmocka_unit_test(a_short_log_is_not_worth_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
