/*
 * test_str.c - the text helpers of engine/base/str.h.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/str.h"
#include "thaw/status.h"

static void counts_read_as_people_write_them(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *text;
    } row[] = {
        {0, "0"},
        {512, "512"},
        {999, "999"},
        {1026, "1.0k"},
        {65536, "65.5k"},
        {272474, "0.27M"},
        {11689512, "11.7M"},
        {99900000, "99.9M"},
        {138357544, "138M"},
        {1814073344, "1.8G"},
        {-11689512, "-11.7M"},
    };
    char buffer[NUMBER_TEXT_MAX];
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
        assert_string_equal(text_count(row[i].value, buffer), row[i].text);
}

static void nearest_name_is_offered_only_for_a_typo(void **state) {
    (void)state;
    static const char *const names[] = {"models", "layers", "train"};
    assert_string_equal(text_nearest("layesr", names, 3), "layers");
    assert_string_equal(text_nearest("trian", names, 3), "train");
    assert_null(text_nearest("zebra", names, 3));
    assert_null(text_nearest("", names, 3));
}

static void what_is_escaped_prints_on_one_line(void **state) {
    (void)state;
    char *text = text_escape("a\nb\t\033[31mc\xff"
                             "d é");
    assert_string_equal(text, "a\\nb\\t\\x1b[31mc\\xffd é");
    free(text);
}

/* For each error that a person can do something about. */
static void a_system_error_says_what_to_do(void **state) {
    (void)state;
    static const struct {
        int error;
        thaw_code code;
        const char *text;
    } rows[] = {
        {ENOENT, THAW_ERR_NOT_FOUND, "x: No such file or directory; check the path"},
        {EACCES, THAW_ERR_IO, "x: Permission denied; ls -ld shows who may"},
        {ENOSPC, THAW_ERR_IO, "x: No space left on device; make room on that disk"},
        {EPIPE, THAW_ERR_IO, "x: Broken pipe"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        thaw_status status = thaw_error_errno(rows[i].error, "%s", "x");
        assert_int_equal(status.code, rows[i].code);
        assert_string_equal(status.message, rows[i].text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_system_error_says_what_to_do),
        cmocka_unit_test(counts_read_as_people_write_them),
        cmocka_unit_test(nearest_name_is_offered_only_for_a_typo),
        cmocka_unit_test(what_is_escaped_prints_on_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
