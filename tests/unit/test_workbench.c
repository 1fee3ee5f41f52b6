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
    assert_shows(a, "did you mean \"train\"");
    press(a, ":");
    type(a, "theme dark");
    press(a, "Enter");
    assert_string_equal(a->theme_name, "dark");
    press(a, "F2");
    assert_string_equal(a->theme_name, "high-contrast");
    press(a, "F2 F2 F2 F2 F2");
    assert_string_equal(a->theme_name, "high-contrast"); /* all five, and round again */
    app_free(a);
    remove("thaw/themes/dark2.json");
}

int main(void) {
    app_fixture_home();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_theme_of_ones_own_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
