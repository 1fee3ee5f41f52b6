/*
 * test_keymap.c - a person's own keys over those of the tables, and what is said of a file that is wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tui/app.h"
#include "tui/key.h"
#include "tui/keymap.h"

static thaw_status parse(keymap *m, const char *text) {
    action_table table[KEYMAP_TABLES];
    const char *title;
    for (int t = 0; t < KEYMAP_TABLES; t++)
        table[t] = app_actions_of((screen_id)t, &title);
    return keymap_parse(m, table, text, strlen(text), "keys.json");
}

static const char *keys_of(const keymap *m, int table, const char *name) {
    for (size_t i = 0; i < m->count[table]; i++)
        if (!strcmp(m->table[table][i].name, name)) return m->table[table][i].keys;
    fail_msg("no action %s", name);
    return NULL;
}

static void check_tables(const keymap *m) {
    str problems = {0};
    for (int t = 0; t < KEYMAP_TABLES; t++)
        action_check(&(action_table){m->table[t], m->count[t], NULL}, &problems);
    assert_string_equal(str_text(&problems), "");
    str_clear(&problems);
}

static void keys_are_what_the_file_says(void **state) {
    (void)state;
    keymap m;
    thaw_status status =
        parse(&m, "{\"quit\": \"Q Ctrl-C\", \"train.pause\": \"F5\", \"train.continue\": \"F5\","
                  " \"models.sort\": null}");
    assert_string_equal(status.message, "");
    assert_string_equal(keys_of(&m, KEYMAP_EVERYWHERE, "quit"), "Q Ctrl-C");
    assert_string_equal(keys_of(&m, SCREEN_TRAIN, "pause"), "F5");
    assert_string_equal(keys_of(&m, SCREEN_TRAIN, "continue"), "F5");
    assert_null(keys_of(&m, SCREEN_MODELS, "sort"));
    assert_string_equal(keys_of(&m, SCREEN_TRAIN, "stop"), "s"); /* as it was */
    check_tables(&m);
    keymap_clear(&m);
}

static void a_key_is_taken_from_who_had_it(void **state) {
    (void)state;
    keymap m;
    thaw_status status = parse(&m, "{\"train.lr\": \"s\", \"repaint\": \"x Ctrl-L\"}");
    assert_string_equal(status.message, "");
    assert_string_equal(keys_of(&m, SCREEN_TRAIN, "stop"), "");
    assert_string_equal(keys_of(&m, SCREEN_TRAIN, "crosshair"), "");
    assert_string_equal(keys_of(&m, SCREEN_MODELS, "sort"), "s >"); /* another tab */
    action_table train = {m.table[SCREEN_TRAIN], m.count[SCREEN_TRAIN], NULL};
    assert_string_equal(action_for_key(&train, NULL, 's')->name, "lr");
    check_tables(&m);
    keymap_clear(&m);
}

static void an_action_of_several_tabs_changes_in_all(void **state) {
    (void)state;
    keymap m;
    thaw_status status = parse(&m, "{\"freeze-below\": \"B\"}");
    assert_string_equal(status.message, "");
    assert_string_equal(keys_of(&m, SCREEN_TRAIN, "freeze-below"), "B");
    assert_string_equal(keys_of(&m, SCREEN_LAYERS, "freeze-below"), "B");
    check_tables(&m);
    keymap_clear(&m);
}

/* TEXT is told as SAYS, and its last entry, "help" on F9, counts all the same. */
static void expect_told(const char *text, const char *says) {
    keymap m;
    thaw_status status = parse(&m, text);
    assert_string_equal(status.message, says);
    assert_string_equal(keys_of(&m, KEYMAP_EVERYWHERE, "help"), "F9");
    keymap_clear(&m);
}

static void what_is_wrong_is_named_with_its_line(void **state) {
    (void)state;
    expect_told("{\n\"quitt\": \"Q\",\n\"help\": \"F9\"}",
                "keys.json, line 2, \"quitt\": there is no such action; did you mean \"quit\"?");
    expect_told("{\"data.quit\": \"Q\", \"help\": \"F9\"}",
                "keys.json, line 1, \"data.quit\": there is no such action; did you mean \"quit\"?");
    expect_told(
        "{\n\n\"quit\": \"Q Hyper-Z\",\n\"help\": \"F9\"}",
        "keys.json, line 3, \"quit\": there is no key called \"Hyper-Z\"; keys are like q, Q, Ctrl-L, "
        "F5, PgDn, Space");
    expect_told("{\"quit\": 7, \"help\": \"F9\"}",
                "keys.json, line 1, \"quit\": expected keys as text, like \"Q Ctrl-C\", or null for none");
    expect_told("{\"repaint\": \"F9\",\n\"help\": \"F9\"}",
                "keys.json, line 2, \"help\": \"repaint\" has this key as well");
}

static void a_file_that_is_no_object_changes_nothing(void **state) {
    (void)state;
    static const char *const bad[] = {"", "[]", "{\"quit\": \"Q\"", "7", "{\"a\":\"\\u0000\"}x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        keymap m;
        thaw_status status = parse(&m, bad[i]);
        assert_true(thaw_failed(&status));
        for (int t = 0; t < KEYMAP_TABLES; t++)
            assert_null(m.table[t]);
        keymap_clear(&m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_what_the_file_says),
        cmocka_unit_test(a_key_is_taken_from_who_had_it),
        cmocka_unit_test(an_action_of_several_tabs_changes_in_all),
        cmocka_unit_test(what_is_wrong_is_named_with_its_line),
        cmocka_unit_test(a_file_that_is_no_object_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
