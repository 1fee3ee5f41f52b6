/*
 * test_event.c - events as lines of JSON: the schema others script against, exact round trips, and lines that
 * are damaged, foreign or from a later version.
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
#include "engine/base/json.h"
#include "engine/base/rng.h"
#include "engine/base/str.h"
#include "engine/run/event_fields.h"
#include "engine/run/event_number.h"
#include "engine/run/event_step.h"
#include "thaw/event.h"

static const double awkward[] = {0.1 + 0.2, 1.0 / 3, 1e-300, 5e-324, -0.0, 3, 2.718281828459045e10};

static double some_number(rng *r) {
    size_t count = sizeof awkward / sizeof awkward[0];
    size_t pick = rng_below(r, count + 3);
    if (pick == count) return (double)NAN;
    return pick < count ? awkward[pick] : rng_normal(r);
}

static char *some_text(rng *r) {
    static const char *const texts[] = {"plain",
                                        "",
                                        "with \"quotes\" and \\",
                                        "two\nlines\tand a tab",
                                        "Umlaut \xc3\xa4",
                                        "\xf0\x9f\x90\x9d bee",
                                        "control \x01\x1f"};
    size_t count = sizeof texts / sizeof texts[0], pick = rng_below(r, count + 1);
    return pick == count ? NULL : xstrdup(texts[pick]);
}

static char **some_names(rng *r, size_t count) {
    char **names = xcalloc(count, sizeof *names);
    for (size_t i = 0; i < count; i++) {
        names[i] = some_text(r);
        if (!names[i]) names[i] = xstrdup("layer1.0.conv1");
    }
    return names;
}

static void fill_stats(thaw_event *e, rng *r) {
    e->layers.count = rng_below(r, 4);
    e->layers.item = xcalloc(e->layers.count, sizeof *e->layers.item);
    for (size_t i = 0; i < e->layers.count; i++)
        e->layers.item[i] =
            (thaw_layer_stat){xstrdup("fc"), some_number(r), some_number(r), some_number(r), some_number(r)};
}

static void fill_stages(thaw_event *e, rng *r) {
    e->profile.stage_count = rng_below(r, 4);
    e->profile.stage = xcalloc(e->profile.stage_count, sizeof *e->profile.stage);
    for (size_t i = 0; i < e->profile.stage_count; i++)
        e->profile.stage[i] = (thaw_stage_time){xstrdup("layer1.0"), some_number(r), some_number(r)};
}

static void fill_field(thaw_event *e, const event_field *f, rng *r) {
    size_t count = rng_below(r, 4);
    switch (f->type) {
    case EVENT_TEXT:
        *EVENT_MEMBER(char *, e, f->offset) = some_text(r);
        break;
    case EVENT_DOCUMENT:
        *EVENT_MEMBER(char *, e, f->offset) = xstrdup("{\"model\":\"resnet18\",\"lr\":0.30000000000000004}");
        break;
    case EVENT_BOOL:
        *EVENT_MEMBER(bool, e, f->offset) = rng_below(r, 2);
        break;
    case EVENT_INT:
        *EVENT_MEMBER(int, e, f->offset) = (int)rng_below(r, 100000) - 10;
        break;
    case EVENT_INT64:
        *EVENT_MEMBER(int64_t, e, f->offset) = (int64_t)rng_below(r, 1ull << 53);
        break;
    case EVENT_EPOCH:
        *EVENT_MEMBER(int, e, f->offset) = (int)rng_below(r, 5) - 1;
        break;
    case EVENT_NUMBER:
        *EVENT_MEMBER(double, e, f->offset) = some_number(r);
        break;
    case EVENT_LEVEL:
        *EVENT_MEMBER(int, e, f->offset) = (int)rng_below(r, 3);
        break;
    case EVENT_STATE:
        *EVENT_MEMBER(thaw_state, e, f->offset) = (thaw_state)rng_below(r, THAW_STATE_COUNT);
        break;
    case EVENT_NAMES:
        *EVENT_MEMBER(char **, e, f->offset) = some_names(r, count);
        *EVENT_MEMBER(size_t, e, f->count_offset) = count;
        break;
    case EVENT_LABELS:
        *EVENT_MEMBER(char **, e, f->offset) = some_names(r, count);
        *EVENT_MEMBER(int, e, f->count_offset) = (int)count;
        break;
    case EVENT_SHARES: {
        double *shares = count ? xcalloc(count, sizeof *shares) : NULL;
        for (size_t i = 0; i < count; i++)
            shares[i] = some_number(r);
        *EVENT_MEMBER(double *, e, f->offset) = shares;
        *EVENT_MEMBER(int, e, f->count_offset) = (int)count;
        break;
    }
    case EVENT_STATS:
        fill_stats(e, r);
        break;
    case EVENT_MISTAKES: {
        thaw_mistake *item = count ? xcalloc(count, sizeof *item) : NULL;
        for (size_t i = 0; i < count; i++)
            item[i] = (thaw_mistake){some_text(r),   some_text(r),   some_text(r),
                                     some_number(r), some_number(r), some_number(r)};
        *EVENT_MEMBER(thaw_mistake *, e, f->offset) = item;
        *EVENT_MEMBER(size_t, e, f->count_offset) = count;
        break;
    }
    case EVENT_PHASES:
        for (int i = 0; i < THAW_PHASE_COUNT; i++)
            EVENT_MEMBER(double, e, f->offset)[i] = some_number(r);
        break;
    case EVENT_STAGES:
        fill_stages(e, r);
        break;
    }
}

/* An event of KIND with every field set from R. */
static thaw_event some_event(thaw_event_kind kind, rng *r) {
    thaw_event e = {.kind = kind, .time = some_number(r), .steps = (int64_t)rng_below(r, 1ull << 53)};
    size_t count;
    const event_field *f = event_fields(kind, &count);
    for (size_t i = 0; i < count; i++)
        fill_field(&e, &f[i], r);
    return e;
}

static bool same_number(double a, double b) {
    return isnan(a) ? isnan(b) : memcmp(&a, &b, sizeof a) == 0;
}

static void every_event_survives_being_written_and_read(void **state) {
    (void)state;
    rng r = rng_keyed(7, RNG_TEST, 0, 0);
    for (int round = 0; round < 200; round++)
        for (int kind = 0; kind < THAW_EVENT_COUNT; kind++) {
            thaw_event e = some_event((thaw_event_kind)kind, &r), back;
            char *line = thaw_event_json(&e);
            assert_null(strchr(line, '\n'));
            thaw_status status = thaw_event_parse(line, strlen(line), &back);
            if (thaw_failed(&status)) fail_msg("%s: %s", line, status.message);
            char *again = thaw_event_json(&back);
            assert_string_equal(line, again);
            assert_int_equal(back.kind, kind);
            assert_int_equal(back.steps, e.steps);
            assert_true(same_number(back.time, e.time));
            free(line);
            free(again);
            thaw_event_clear(&e);
            thaw_event_clear(&back);
        }
}

static void numbers_come_back_bit_for_bit(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof awkward / sizeof awkward[0]; i++) {
        thaw_event e = {.kind = THAW_EVENT_STEP, .step.loss = awkward[i], .step.lr = (double)INFINITY}, back;
        char *line = thaw_event_json(&e);
        thaw_status status = thaw_event_parse(line, strlen(line), &back);
        assert_string_equal(status.message, "");
        assert_true(same_number(back.step.loss, awkward[i]));
        assert_true(isnan(back.step.lr)); /* JSON has no infinity */
        free(line);
    }
}

/* TEXT as event_read_number reads it is what strtod makes of it; all of it is read. */
static void expect_number(const char *text) {
    const char *end = text + strlen(text);
    double number = 0;
    assert_ptr_equal(event_read_number(text, end, &number), end);
    if (!same_number(number, strtod(text, NULL))) fail_msg("%s is read as %.17g", text, number);
}

/* The same of event_read_decimal, among other text; some it may leave. Whether it did not. */
static bool expect_decimal(const char *text) {
    char all[EVENT_NUMBER_BEFORE + 64 + EVENT_NUMBER_ROOM];
    double number = 0;
    memset(all, '7', EVENT_NUMBER_BEFORE);
    memset(all + EVENT_NUMBER_BEFORE, ',', sizeof all - EVENT_NUMBER_BEFORE);
    memcpy(all + EVENT_NUMBER_BEFORE, text, strlen(text));
    const char *end = event_read_decimal(all + EVENT_NUMBER_BEFORE, &number);
    if (!end) return false;
    assert_ptr_equal(end, all + EVENT_NUMBER_BEFORE + strlen(text));
    if (!same_number(number, strtod(text, NULL))) fail_msg("%s is read as %.17g", text, number);
    return true;
}

static void numbers_are_read_as_strtod_reads_them(void **state) {
    (void)state;
    static const char *const edge[] = {"0",
                                       "-0",
                                       "0.0",
                                       "1",
                                       "-1.5",
                                       "0.1",
                                       "9007199254740993",
                                       "9007199254740992.5",
                                       "18446744073709551615",
                                       "18446744073709551616",
                                       "99999999999999999999",
                                       "1e0",
                                       "1E+2",
                                       "1e-2",
                                       "1e22",
                                       "1e23",
                                       "1e27",
                                       "1e28",
                                       "8.5e-324",
                                       "4.9e-324",
                                       "2.4703282292062327e-324",
                                       "1.7976931348623157e308",
                                       "1e400",
                                       "1e-400",
                                       "2.2250738585072011e-308",
                                       "0.000000000000000000000000000001",
                                       "123456789012345678",
                                       "1234567890123456789",
                                       "12345678901234567890",
                                       "0.3000000000000000166533453693773481063544750213623046875",
                                       "5e-1",
                                       "12345678.87654321"};
    for (size_t i = 0; i < sizeof edge / sizeof *edge; i++) {
        expect_number(edge[i]);
        expect_decimal(edge[i]);
    }
    rng r = rng_keyed(9, RNG_TEST, 0, 0);
    char text[64];
    size_t quick = 0;
    for (int i = 0; i < 400000; i++) {
        uint64_t bits = rng_u64(&r);
        double wide, near = rng_normal(&r) * pow(10, (double)rng_below(&r, 24) - 12);
        memcpy(&wide, &bits, sizeof wide);
        if (isfinite(wide)) {
            snprintf(text, sizeof text, "%.17g", wide);
            expect_number(text);
            expect_decimal(text);
        }
        snprintf(text, sizeof text, "%.*g", 1 + (int)rng_below(&r, 19), near);
        expect_number(text);
        snprintf(text, sizeof text, "%.*g", 2 + (int)rng_below(&r, 17), fabs(near));
        quick += expect_decimal(text);
        /* exactly half-way between two doubles, which rounding twice would get wrong */
        snprintf(text, sizeof text, "%llu", (unsigned long long)((UINT64_C(1) << 53) + 1 + 2 * (bits >> 12)));
        expect_number(text);
    }
#ifdef __SSE2__
    assert_true(quick > 300000);
#endif
}

static void small_counts_are_read_at_once(void **state) {
    (void)state;
    for (int64_t value = 0, out = -1; value < 100000000; value = value * 7 + 1) {
        char text[EVENT_NUMBER_ROOM + 16];
        int length = snprintf(text, sizeof text, "%lld,\"epoch\":", (long long)value);
        memset(text + length, 'x', sizeof text - (size_t)length);
        const char *end = event_read_count(text, &out);
        if (!end) {
#ifdef __SSE2__
            assert_true(value > 9999999);
#endif
            continue;
        }
        assert_int_equal(*end, ',');
        assert_int_equal(out, value);
    }
}

static void what_is_no_number_is_not_read(void **state) {
    (void)state;
    static const char *const bad[] = {"",     "-",  "+1",  "01", "-01", ".5", "1.",
                                      "1.e3", "1e", "1e+", "x",  "NaN", "0x1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *end = bad[i] + strlen(bad[i]);
        double number;
        if (event_read_number(bad[i], end, &number) == end) fail_msg("%s is read as %g", bad[i], number);
        if (expect_decimal(bad[i])) fail_msg("%s is read as a decimal", bad[i]);
    }
}

/* Each line of a step as thaw writes it is read quickly, and as the general reader (a space before it makes
 * it that one's) reads it; cut short, it is neither's. */
static void steps_are_read_quickly_and_alike(void **state) {
    (void)state;
    rng r = rng_keyed(10, RNG_TEST, 0, 0);
    for (int round = 0; round < 3000; round++) {
        thaw_event e = some_event(THAW_EVENT_STEP, &r), quick, general;
        thaw_step_row row;
        char *line = thaw_event_json(&e), *spaced = xasprintf(" %s", line);
        assert_true(event_read_step(line, strlen(line), &row));
        thaw_event_of_step(&row, &quick);
        thaw_status status = thaw_event_parse(spaced, strlen(spaced), &general);
        assert_string_equal(status.message, "");
        assert_memory_equal(&quick, &general, sizeof quick);
        for (size_t cut = 0; round < 5 && cut < strlen(line); cut++)
            assert_false(event_read_step(line, cut, &row));
        assert_false(event_read_step(spaced, strlen(spaced), &row));
        free(line);
        free(spaced);
    }
}

static void copies_share_nothing(void **state) {
    (void)state;
    rng r = rng_keyed(8, RNG_TEST, 0, 0);
    for (int round = 0; round < 20; round++)
        for (int kind = 0; kind < THAW_EVENT_COUNT; kind++) {
            thaw_event e = some_event((thaw_event_kind)kind, &r), copy;
            char *line = thaw_event_json(&e);
            thaw_event_copy(&e, &copy);
            thaw_event_clear(&e); /* what is shared would be read after free below */
            char *after = thaw_event_json(&copy);
            assert_string_equal(line, after);
            free(line);
            free(after);
            thaw_event_clear(&copy);
        }
}

/* What others script against. */
static void promised_keys_are_there(void **state) {
    (void)state;
    thaw_event epoch = {
        .kind = THAW_EVENT_EPOCH, .time = 1.5, .steps = 26, .epoch = {.epoch = 0, .val_loss = 0.5}};
    epoch.epoch.val_top5 = (double)NAN;
    char *line = thaw_event_json(&epoch);
    assert_string_equal(line,
                        "{\"v\":1,\"event\":\"epoch\",\"time\":1.5,\"step\":26,\"epoch\":0,\"train_loss\":0,"
                        "\"train_top1\":0,\"val_loss\":0.5,\"val_top1\":0,\"val_top5\":null,"
                        "\"class_top1\":null,\"images_per_second\":0,\"seconds\":0,\"best\":false}");
    free(line);
    char run[] = "r", reason[] = "done";
    thaw_event end = {.kind = THAW_EVENT_END, .end = {.run = run, .reason = reason, .best_epoch = -1}};
    end.end.best_val_top1 = (double)NAN;
    line = thaw_event_json(&end);
    assert_string_equal(line,
                        "{\"v\":1,\"event\":\"end\",\"time\":0,\"step\":0,\"run\":\"r\",\"reason\":\"done\","
                        "\"message\":null,\"best_epoch\":null,\"best_val_top1\":null,\"seconds\":0}");
    free(line);
}

static void file_names_that_are_not_utf8_still_give_valid_json(void **state) {
    (void)state;
    char text[] = "caf\xe9 \xc3\xa9 \xed\xa0\x80";
    thaw_event e = {.kind = THAW_EVENT_LOG, .log.text = text}, back;
    char *line = thaw_event_json(&e);
    thaw_status status = thaw_event_parse(line, strlen(line), &back);
    assert_string_equal(status.message, "");
    assert_string_equal(back.log.text, "caf\xEF\xBF\xBD \xc3\xa9 \xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    free(line);
    thaw_event_clear(&back);
}

static thaw_code code_of(const char *line) {
    thaw_event e;
    thaw_status status = thaw_event_parse(line, strlen(line), &e);
    if (!thaw_failed(&status)) thaw_event_clear(&e);
    return status.code;
}

static void later_versions_are_told_from_broken_lines(void **state) {
    (void)state;
    assert_int_equal(code_of("{\"v\":1,\"event\":\"hologram\",\"time\":1}"), THAW_ERR_UNSUPPORTED);
    assert_int_equal(code_of("{\"v\":2,\"event\":\"step\",\"time\":1}"), THAW_ERR_UNSUPPORTED);
    /* Keys that are new, and keys that are missing, are no reason to drop a line. */
    assert_int_equal(code_of("{\"v\":1,\"event\":\"lr\",\"time\":1,\"step\":2,\"lr\":0.1,\"why\":\"x\"}"),
                     THAW_OK);
    assert_int_equal(code_of("{\"v\":1,\"event\":\"lr\"}"), THAW_OK);
}

static void broken_lines_are_format_errors(void **state) {
    (void)state;
    static const char *const lines[] = {
        "",
        "{",
        "null",
        "[]",
        "3",
        "{}",
        "{\"event\":\"step\"}",
        "{\"v\":1}",
        "{\"v\":\"1\",\"event\":\"step\"}",
        "{\"v\":1,\"event\":5}",
        "{\"v\":1,\"event\":\"step\",\"time\":\"now\"}",
        "{\"v\":1,\"event\":\"step\",\"step\":1.5}",
        "{\"v\":1,\"event\":\"step\",\"step\":1e30}",
        "{\"v\":1,\"event\":\"step\",\"loss\":\"0.5\"}",
        "{\"v\":1,\"event\":\"step\",\"epoch\":1e10}",
        "{\"v\":1,\"event\":\"state\",\"state\":\"dancing\"}",
        "{\"v\":1,\"event\":\"state\",\"state\":null}",
        "{\"v\":1,\"event\":\"log\",\"level\":1,\"text\":\"x\"}",
        "{\"v\":1,\"event\":\"log\",\"text\":{}}",
        "{\"v\":1,\"event\":\"mask\",\"frozen\":[\"a\",2]}",
        "{\"v\":1,\"event\":\"mask\",\"frozen\":{\"a\":2}}",
        "{\"v\":1,\"event\":\"dataset\",\"classes\":[\"a\",null]}",
        "{\"v\":1,\"event\":\"epoch\",\"class_top1\":[1,\"x\"]}",
        "{\"v\":1,\"event\":\"layers\",\"layers\":[{\"path\":\"a\"},{\"drift\":1}]}",
        "{\"v\":1,\"event\":\"layers\",\"layers\":[1,2]}",
        "{\"v\":1,\"event\":\"profile\",\"phases\":[1,2]}",
        "{\"v\":1,\"event\":\"profile\",\"phases\":{\"wait\":\"x\"}}",
        "{\"v\":1,\"event\":\"profile\",\"stages\":[{\"path\":\"a\",\"forward\":1},{\"forward\":1}]}",
        "{\"v\":1,\"event\":\"profile\",\"stages\":[{\"path\":\"a\",\"backward\":[]}]}",
        "{\"v\":1,\"event\":\"end\",\"best_epoch\":\"x\"}",
        "{\"v\":1,\"event\":\"lr\"} {\"v\":1,\"event\":\"lr\"}",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (code_of(lines[i]) != THAW_ERR_FORMAT) fail_msg("not refused as broken: %s", lines[i]);
}

static void damaged_lines_do_no_harm(void **state) {
    (void)state;
    rng r = rng_keyed(9, RNG_TEST, 0, 0);
    for (int kind = 0; kind < THAW_EVENT_COUNT; kind++) {
        thaw_event e = some_event((thaw_event_kind)kind, &r), back;
        char *line = thaw_event_json(&e);
        size_t length = strlen(line);
        for (size_t cut = 0; cut < length; cut++) {
            thaw_status status = thaw_event_parse(line, cut, &back);
            if (!thaw_failed(&status)) fail_msg("%zu of %zu bytes were enough of %s", cut, length, line);
        }
        for (int round = 0; round < 1000; round++) {
            size_t at = rng_below(&r, length);
            char old = line[at];
            line[at] = (char)rng_below(&r, 256);
            thaw_status status = thaw_event_parse(line, length, &back);
            if (!thaw_failed(&status)) thaw_event_clear(&back);
            line[at] = old;
        }
        free(line);
        thaw_event_clear(&e);
    }
}

/* ---- documentation: every example line of docs/events.md is what the code writes ---- */

static void check_example(const char *line, size_t length, bool seen[THAW_EVENT_COUNT]) {
    thaw_event e;
    thaw_status status = thaw_event_parse(line, length, &e);
    if (thaw_failed(&status)) fail_msg("%.*s: %s", (int)length, line, status.message);
    char *written = thaw_event_json(&e);
    if (strlen(written) != length || memcmp(written, line, length) != 0)
        fail_msg("documented:\n%.*s\nwritten:\n%s", (int)length, line, written);
    seen[e.kind] = true;
    free(written);
    thaw_event_clear(&e);
}

static void documented_lines_are_what_is_written(void **state) {
    (void)state;
    const char *root = getenv("THAW_ROOT");
    assert_non_null(root);
    char *path = path_join(root, "docs/events.md"), *text;
    thaw_status status = file_read(path, 1 << 20, &text, NULL);
    assert_string_equal(status.message, "");
    char *other = strstr(text, "\n## What `thaw get"); /* which has events of its own */
    assert_non_null(other);
    *other = '\0';
    bool seen[THAW_EVENT_COUNT] = {false};
    for (char *line = text; line && *line;) {
        char *end = strchr(line, '\n');
        size_t length = end ? (size_t)(end - line) : strlen(line);
        if (length && line[0] == '{') check_example(line, length, seen);
        line = end ? end + 1 : NULL;
    }
    for (int kind = 0; kind < THAW_EVENT_COUNT; kind++) {
        size_t count;
        const event_field *f = event_fields((thaw_event_kind)kind, &count);
        if (!seen[kind])
            fail_msg("docs/events.md has no example of \"%s\"", thaw_event_name((thaw_event_kind)kind));
        for (size_t i = 0; i < count; i++) {
            char *row = xasprintf("| `%s` |", f[i].key);
            if (!strstr(text, row)) fail_msg("docs/events.md does not explain \"%s\"", f[i].key);
            free(row);
        }
    }
    free(text);
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_survives_being_written_and_read),
        cmocka_unit_test(numbers_come_back_bit_for_bit),
        cmocka_unit_test(numbers_are_read_as_strtod_reads_them),
        cmocka_unit_test(small_counts_are_read_at_once),
        cmocka_unit_test(what_is_no_number_is_not_read),
        cmocka_unit_test(steps_are_read_quickly_and_alike),
        cmocka_unit_test(copies_share_nothing),
        cmocka_unit_test(promised_keys_are_there),
        cmocka_unit_test(file_names_that_are_not_utf8_still_give_valid_json),
        cmocka_unit_test(later_versions_are_told_from_broken_lines),
        cmocka_unit_test(broken_lines_are_format_errors),
        cmocka_unit_test(damaged_lines_do_no_harm),
        cmocka_unit_test(documented_lines_are_what_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
