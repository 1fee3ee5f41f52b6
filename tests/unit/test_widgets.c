/*
 * test_widgets.c - what the mouse finds in lists, forms and questions, and what panes say of what does not
 * fit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tui/key.h"
#include "tui/screens/facts.h"
#include "tui/widgets/dialog.h"
#include "tui/widgets/form.h"
#include "tui/widgets/list.h"
#include "tui/widgets/scrollbar.h"

static void assert_row(const canvas *c, int row, const char *text) {
    char *line = canvas_row_text(c, row);
    if (!strstr(line, text)) fail_msg("row %d is \"%s\" and has no \"%s\"", row, line, text);
    free(line);
}

static bool has(const canvas *c, const char *text) {
    bool found = false;
    for (int row = 0; row < c->rows && !found; row++) {
        char *line = canvas_row_text(c, row);
        found = strstr(line, text) != NULL;
        free(line);
    }
    return found;
}

/* ---- lists ---- */

static void number_cell(void *user, int row, int column, str *out, theme_role *role) {
    (void)user;
    (void)column;
    (void)role;
    str_appendf(out, "row %d", row);
}

static const list_column titled[] = {{"name", 0, 8, false, 0}};
static const list_column untitled[] = {{NULL, 0, 8, false, 0}};

static void draw_numbers(list *l, canvas *c, rect r, const list_column *column) {
    list_look look = {.column = column, .columns = 1, .cell = number_cell, .focus = true};
    canvas_erase(c);
    list_draw(l, c, r, &look);
}

static void a_click_goes_to_the_row_that_is_seen_there(void **state) {
    (void)state;
    canvas c;
    canvas_init(&c, 12, 30);
    rect r = {1, 2, 10, 20};
    list l = {.anchor = -1};
    list_set_count(&l, 100);
    const list_column *const kinds[] = {titled, untitled};
    for (int kind = 0; kind < 2; kind++) {
        list_move(&l, 50);
        draw_numbers(&l, &c, r, kinds[kind]);
        int at = r.row + 4, shown = l.top + (kind == 0 ? 3 : 4); /* a heading takes a row */
        assert_true(list_click(&l, at, 5));
        assert_int_equal(l.cursor, shown);
        char *expected = NULL;
        str text = {0};
        str_appendf(&text, "row %d", shown);
        expected = str_take(&text);
        assert_row(&c, at, expected);
        free(expected);
    }
    canvas_clear(&c);
}

static void a_click_beside_the_rows_changes_nothing(void **state) {
    (void)state;
    canvas c;
    canvas_init(&c, 12, 30);
    list l = {.anchor = -1};
    list_set_count(&l, 3);
    list_move(&l, 1);
    draw_numbers(&l, &c, (rect){1, 2, 10, 20}, titled);
    assert_false(list_click(&l, 1, 5));  /* the heading */
    assert_false(list_click(&l, 5, 5));  /* below the last */
    assert_false(list_click(&l, 2, 25)); /* beside */
    assert_false(list_click(&l, 0, 5));
    assert_int_equal(l.cursor, 1);
    list_set_count(&l, 0);
    draw_numbers(&l, &c, (rect){1, 2, 10, 20}, titled);
    assert_false(list_click(&l, 2, 5));
    canvas_clear(&c);
}

static void a_scrollbar_is_there_only_when_something_is_hidden(void **state) {
    (void)state;
    canvas c;
    canvas_init(&c, 10, 10);
    rect r = {0, 0, 10, 10};
    scrollbar_draw(&c, r, 0, 10);
    assert_false(has(&c, "▐"));
    scrollbar_draw(&c, r, 0, 40);
    assert_row(&c, 0, "▐");
    canvas_erase(&c);
    scrollbar_draw(&c, r, 30, 40);
    assert_row(&c, 9, "▐");
    canvas_clear(&c);
}

/* ---- facts ---- */

static void draw_facts(canvas *c, facts_scroll *scroll, int rows) {
    canvas_erase(c);
    facts f = facts_begin(c, (rect){0, 0, 6, 30}, scroll);
    for (int i = 0; i < rows; i++)
        facts_line(&f, "label", "value %d", i);
    facts_end(&f);
}

static void facts_scroll_to_their_end_and_no_further(void **state) {
    (void)state;
    canvas c;
    canvas_init(&c, 6, 30);
    facts_scroll scroll = {0};
    draw_facts(&c, &scroll, 9);
    assert_row(&c, 0, " label");
    assert_true(has(&c, "▐"));
    for (int i = 0; i < 20; i++)
        assert_true(facts_key(&scroll, K_DOWN));
    draw_facts(&c, &scroll, 9);
    assert_row(&c, 5, "value 8");
    assert_row(&c, 0, "value 3");
    assert_true(facts_key(&scroll, K_HOME));
    assert_int_equal(scroll.skip, 0);
    assert_true(facts_key(&scroll, K_END));
    draw_facts(&c, &scroll, 4); /* there is less now: it is seen from the top */
    draw_facts(&c, &scroll, 4);
    assert_row(&c, 0, "value 0");
    assert_false(has(&c, "▐"));
    assert_false(facts_key(&scroll, 'x'));
    canvas_clear(&c);
}

/* ---- forms ---- */

enum { FIELDS = 4 };
static const form_field fields[FIELDS] = {
    {.label = "Numbers", .kind = FIELD_HEADING},
    {.name = "a", .label = "first", .kind = FIELD_NUMBER},
    {.name = "b", .label = "second", .kind = FIELD_TEXT},
    {.name = "c", .label = "third", .kind = FIELD_TEXT},
};

static thaw_status refuse(void *user, const form_field *f, const char *text) {
    (void)user;
    return thaw_error(THAW_ERR_USAGE, "\"%s\" must be a number more than 0, not \"%s\"", f->name, text);
}

static void get_one(void *user, const form_field *f, str *out) {
    (void)user;
    (void)f;
    str_append(out, "1");
}

static form make_form(void) {
    form f;
    form_init(&f, fields, FIELDS);
    f.set = refuse;
    f.get = get_one;
    return f;
}

static void what_is_wrong_with_a_value_is_said_where_it_was_typed(void **state) {
    (void)state;
    canvas c;
    canvas_init(&c, 8, 60);
    form f = make_form();
    for (int at = 0; at < 2; at++) { /* the second time at the bottom of the pane */
        rect r = {0, 0, at ? 3 : 8, 60};
        canvas_erase(&c);
        form_draw(&f, &c, r, true);
        form_key(&f, at ? K_END : K_HOME);
        form_key(&f, K_ENTER);
        form_key(&f, 'x');
        form_key(&f, K_ENTER);
        canvas_erase(&c);
        form_draw(&f, &c, r, true);
        assert_true(has(&c, "must be a number more than 0, not \"1x\""));
        assert_true(has(&c, at ? "third" : "first"));
        form_key(&f, K_ESC);
        canvas_erase(&c);
        form_draw(&f, &c, r, true);
        assert_false(has(&c, "must be"));
    }
    form_clear(&f);
    canvas_clear(&c);
}

static void a_click_goes_to_a_field_but_not_to_a_heading(void **state) {
    (void)state;
    canvas c;
    canvas_init(&c, 8, 60);
    form f = make_form();
    form_draw(&f, &c, (rect){1, 0, 7, 60}, true);
    assert_true(form_click(&f, 3, 10));
    assert_string_equal(form_current(&f)->name, "b");
    assert_true(form_click(&f, 1, 10)); /* the heading */
    assert_string_equal(form_current(&f)->name, "b");
    assert_false(form_click(&f, 6, 10));
    form_edit(&f);
    assert_false(form_click(&f, 2, 10)); /* what is being typed is not thrown away */
    assert_string_equal(form_current(&f)->name, "b");
    form_clear(&f);
    canvas_clear(&c);
}

/* ---- questions ---- */

static void a_click_on_an_answer_gives_it(void **state) {
    (void)state;
    canvas c;
    canvas_init(&c, 24, 80);
    dialog d = {0};
    dialog_params params = {
        .title = "leave", .text = "A run is on.", .answer = {{'s', "stop and save"}, {'c', "stay"}}};
    dialog_open(&d, &params);
    dialog_draw(&d, &c, (rect){0, 0, 24, 80});
    int found = 0;
    for (int row = 0; row < c.rows; row++) {
        char *line = canvas_row_text(&c, row);
        int expected = strstr(line, "stop and save") ? 's' : strstr(line, "stay") ? 'c' : K_NONE;
        assert_int_equal(dialog_click(&d, row, 40), expected);
        assert_int_equal(dialog_click(&d, row, 0), K_NONE);
        found += expected != K_NONE;
        free(line);
    }
    assert_int_equal(found, 2);
    dialog_close(&d);
    canvas_clear(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_click_goes_to_the_row_that_is_seen_there),
        cmocka_unit_test(a_click_beside_the_rows_changes_nothing),
        cmocka_unit_test(a_scrollbar_is_there_only_when_something_is_hidden),
        cmocka_unit_test(facts_scroll_to_their_end_and_no_further),
        cmocka_unit_test(what_is_wrong_with_a_value_is_said_where_it_was_typed),
        cmocka_unit_test(a_click_goes_to_a_field_but_not_to_a_heading),
        cmocka_unit_test(a_click_on_an_answer_gives_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
