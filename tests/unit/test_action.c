/*
 * test_action.c - the action tables: no two actions want one key, and every action is found by its name.
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

#include "engine/base/str.h"
#include "tui/app_state.h"
#include "tui/key.h"

static action_table table_of(int i) {
    const screen *s = app_screens[i];
    return (action_table){s->actions, s->action_count, NULL};
}

static void no_table_has_a_mistake(void **state) {
    (void)state;
    str problems = {0};
    action_table general = app_table(NULL);
    action_check(&general, &problems);
    for (int i = 0; i < SCREEN_COUNT; i++) {
        action_table t = table_of(i);
        action_check(&t, &problems);
    }
    assert_string_equal(str_text(&problems), "");
    str_clear(&problems);
}

static void no_screen_hides_a_key_that_works_everywhere(void **state) {
    (void)state;
    action_table general = app_table(NULL);
    for (int i = 0; i < SCREEN_COUNT; i++)
        for (size_t k = 0; k < app_screens[i]->action_count; k++) {
            const action *own = &app_screens[i]->actions[k];
            for (size_t g = 0; g < general.count; g++) {
                const action *item = &general.item[g];
                assert_string_not_equal(own->name, item->name);
                for (int key = 1; key < 127; key++)
                    if (key_in(key, own->keys) && key_in(key, item->keys))
                        fail_msg("%s: \"%s\" hides \"%s\"", app_screens[i]->title, own->name, item->name);
            }
        }
}

static void mistakes_are_found(void **state) {
    (void)state;
    static const action bad[] = {
        {.name = "one", .keys = "x", .help = "first"},
        {.name = "two", .keys = "y x", .help = "second"},
        {.name = "two", .keys = "Hyper-Z"},
    };
    str problems = {0};
    action_table t = ACTION_TABLE(bad, NULL);
    action_check(&t, &problems);
    static const char *const said[] = {"share the key x", "Hyper-Z", "no help", "does nothing", "twice"};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        assert_non_null(strstr(str_text(&problems), said[i]));
    str_clear(&problems);
}

static void nothing(app *a, void *self, const char *argument) {
    (void)a;
    (void)self;
    (void)argument;
}

static bool never(app *a, void *self) {
    (void)a;
    (void)self;
    return false;
}

static const action sample[] = {
    {"freeze", "f", NULL, "h", NULL, NULL, nothing},   {"freeze-below", "F", NULL, "h", NULL, NULL, nothing},
    {"fold", "z", NULL, "h", NULL, NULL, nothing},     {"pause", "p", NULL, "h", NULL, never, nothing},
    {"continue", "p", NULL, "h", NULL, NULL, nothing},
};

static void a_beginning_that_one_name_has_is_enough(void **state) {
    (void)state;
    action_table t = ACTION_TABLE(sample, NULL);
    int ties;
    assert_string_equal(action_by_name(&t, "freeze", &ties)->name, "freeze"); /* the whole name wins */
    assert_string_equal(action_by_name(&t, "fo", &ties)->name, "fold");
    assert_null(action_by_name(&t, "fr", &ties));
    assert_int_equal(ties, 2);
    assert_null(action_by_name(&t, "", &ties));
    assert_null(action_by_name(&t, "zebra", &ties));
    assert_int_equal(ties, 0);
}

static void a_key_means_what_is_valid_now(void **state) {
    (void)state;
    action_table t = ACTION_TABLE(sample, NULL);
    assert_string_equal(action_for_key(&t, NULL, 'p')->name, "continue");
    assert_string_equal(action_for_key(&t, NULL, 'F')->name, "freeze-below");
    assert_null(action_for_key(&t, NULL, 'q'));
    assert_null(action_for_key(&t, NULL, K_NONE));
}

/* As on the list of runs, where Enter attaches to one that is on and takes the recipe of others. */
static void a_key_that_another_action_has_now_is_not_offered(void **state) {
    (void)state;
    static const action table[] = {
        {"attach", "Enter a", NULL, "h", NULL, NULL, nothing},
        {"resume", "Enter r", NULL, "h", NULL, never, nothing},
        {"take", "Enter u", NULL, "h", NULL, NULL, nothing},
        {"same", "a", NULL, "h", NULL, NULL, nothing},
        {"none", NULL, NULL, "h", NULL, NULL, nothing},
    };
    action_table t = ACTION_TABLE(table, NULL);
    assert_int_equal(action_key(&table[0], &t, NULL), K_ENTER);
    assert_int_equal(action_key(&table[1], &t, NULL), K_NONE);
    assert_int_equal(action_key(&table[2], &t, NULL), 'u');
    assert_int_equal(action_key(&table[3], &t, NULL), K_NONE);
    assert_int_equal(action_key(&table[4], &t, NULL), K_NONE);
}

static void completion_is_sorted_and_over_all_tables(void **state) {
    (void)state;
    action_table tables[] = {ACTION_TABLE(sample, NULL), app_table(NULL)};
    size_t count;
    const char **names = action_complete(tables, 2, "fo", &count);
    assert_int_equal(count, 1);
    assert_string_equal(names[0], "fold");
    free(names);
    names = action_complete(tables, 2, "", &count);
    assert_int_equal(count, tables[0].count + tables[1].count);
    for (size_t i = 1; i < count; i++)
        assert_true(strcmp(names[i - 1], names[i]) <= 0);
    free(names);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_table_has_a_mistake),
        cmocka_unit_test(no_screen_hides_a_key_that_works_everywhere),
        cmocka_unit_test(mistakes_are_found),
        cmocka_unit_test(a_beginning_that_one_name_has_is_enough),
        cmocka_unit_test(a_key_means_what_is_valid_now),
        cmocka_unit_test(a_key_that_another_action_has_now_is_not_offered),
        cmocka_unit_test(completion_is_sorted_and_over_all_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
