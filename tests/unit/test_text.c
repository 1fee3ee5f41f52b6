/*
 * test_text.c - text.c, key.c and canvas.c: columns, not bytes; nothing outside its rectangle.
 */
#include <locale.h>
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
#include "engine/base/rng.h"
#include "tui/canvas.h"
#include "tui/key.h"
#include "tui/text.h"

static void wide_and_combining_characters_count_their_columns(void **state) {
    (void)state;
    assert_int_equal(text_columns("ants"), 4);
    assert_int_equal(text_columns("蚂蚁"), 4);                /* two columns each */
    assert_int_equal(text_columns("e\xcc\x81te\xcc\x81"), 3); /* accents on the letters before them */
    assert_int_equal(text_columns(""), 0);
    assert_int_equal(text_columns("\xe8\x9a"), 2); /* half a character: a sign for each byte */
}

static void bytes_that_are_no_utf8_are_one_replacement_each(void **state) {
    (void)state;
    static const char *const bad[] = {"\xff",     "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80",
                                      "\xe2\x82", "\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *at = bad[i];
        assert_int_equal(text_decode(&at), 0xfffd);
        assert_ptr_equal(at, bad[i] + 1);
    }
}

static void every_code_point_survives_encoding(void **state) {
    (void)state;
    for (uint32_t point = 1; point <= 0x10ffff; point += point < 0x3000 ? 1 : 37) {
        if (point >= 0xd800 && point <= 0xdfff) continue;
        char utf8[5];
        const char *at = utf8;
        int length = text_encode(point, utf8);
        assert_int_equal(text_decode(&at), point);
        assert_ptr_equal(at, utf8 + length);
    }
}

static void cut_text_never_takes_more_columns_than_there_are(void **state) {
    (void)state;
    static const char text[] = "蚂蚁 e\xcc\x81 and ßees\xff";
    for (int columns = 0; columns < 24; columns++) {
        char *clipped = text_clip(text, columns, false), *left = text_clip_left(text, columns, true);
        assert_in_range(text_columns(clipped), 0, columns);
        assert_in_range(text_columns(left), 0, columns);
        if (columns >= text_columns(text)) assert_string_equal(clipped, text);
        free(clipped);
        free(left);
    }
}

static void moving_by_characters_keeps_marks_with_their_letter(void **state) {
    (void)state;
    static const char text[] = "ae\xcc\x81蚁";
    assert_int_equal(text_next(text, 0), 1);
    assert_int_equal(text_next(text, 1), 4);
    assert_int_equal(text_next(text, 4), 7);
    assert_int_equal(text_next(text, 7), 7);
    assert_int_equal(text_previous(text, 7), 4);
    assert_int_equal(text_previous(text, 4), 1);
    assert_int_equal(text_previous(text, 0), 0);
}

static void every_character_has_an_ascii_stand_in(void **state) {
    (void)state;
    for (uint32_t point = 0; point < 0x3000; point++) {
        int c = text_ascii(point);
        assert_in_range(c, point < 0x80 ? 0 : ' ', '~' + (point < 0x80));
    }
}

static void key_names_and_keys_belong_to_each_other(void **state) {
    (void)state;
    static const int keys[] = {'a',    'Z',  '?',   K_SPACE,     K_ENTER,   K_ESC, K_UP,
                               K_PGDN, K_F1, K_F12, K_CTRL('L'), K_BACKTAB, 0xe4};
    char name[KEY_NAME_MAX];
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        key_text(keys[i], name);
        assert_int_equal(key_parse(name, (int)strlen(name)), keys[i]);
    }
    assert_int_equal(key_parse("Nonsense", 8), K_NONE);
    assert_int_equal(key_parse("", 0), K_NONE);
    assert_int_equal(key_parse("Ctrl-", 5), K_NONE);
    assert_int_equal(key_parse("Ctrl-LL", 7), K_NONE);
    assert_true(key_in('k', "Up k"));
    assert_true(key_in(K_UP, "Up k"));
    assert_false(key_in('U', "Up k"));
    assert_false(key_in(K_NONE, "Up k"));
    assert_false(key_in('k', NULL));
}

/* ---- canvas ---- */

static void a_canvas_never_holds_half_a_wide_character(void **state) {
    (void)state;
    canvas c;
    canvas_init(&c, 3, 9);
    rng r = rng_keyed(1, RNG_TEST, 0, 0);
    static const uint32_t points[] = {'x', 0x8681, 0x2500, 0x1f41c, 0x301, 7};
    for (int i = 0; i < 20000; i++) {
        canvas_put(&c, (int)rng_below(&r, 5) - 1, (int)rng_below(&r, 11) - 1, points[rng_below(&r, 6)],
                   ROLE_TEXT);
        for (int row = 0; row < c.rows; row++)
            for (int col = 0; col < c.cols; col++) {
                uint32_t here = c.cell[row * c.cols + col].point;
                uint32_t next = col + 1 < c.cols ? c.cell[row * c.cols + col + 1].point : ' ';
                bool wide = here && text_point_columns(here) == 2;
                assert_true(wide == (col + 1 < c.cols && next == 0));
                if (col == 0) assert_true(here != 0);
            }
    }
    canvas_clear(&c);
}

static void drawing_stays_within_the_clip(void **state) {
    (void)state;
    canvas c;
    canvas_init(&c, 10, 20);
    canvas_fill(&c, (rect){0, 0, 10, 20}, ROLE_TEXT);
    rect box = {3, 5, 4, 7}, former = canvas_clip(&c, box);
    canvas_text(&c, 4, 0, 100, "over both edges of the rectangle", ROLE_BAD);
    canvas_fill(&c, (rect){-5, -5, 50, 50}, ROLE_BAD);
    canvas_ground(&c, (rect){-5, -5, 50, 50}, ROLE_CURSOR);
    canvas_attributes(&c, (rect){0, 0, 10, 20}, ATTR_BOLD);
    canvas_frame(&c, (rect){2, 4, 9, 12}, "title", "note", 0);
    canvas_unclip(&c, former);
    for (int row = 0; row < 10; row++)
        for (int col = 0; col < 20; col++) {
            const canvas_cell *cell = &c.cell[row * 20 + col];
            if (rect_holds(box, row, col)) continue;
            assert_int_equal(cell->point, ' ');
            assert_int_equal(cell->role, ROLE_TEXT);
            assert_int_equal(cell->attributes, 0);
        }
    canvas_clear(&c);
}

static void an_ascii_canvas_holds_ascii_only(void **state) {
    (void)state;
    canvas c;
    canvas_init(&c, 6, 30);
    c.ascii = true;
    canvas_frame(&c, (rect){0, 0, 6, 30}, "❄ größe", "→", FRAME_FOCUS);
    canvas_text(&c, 2, 2, 20, "蚂蚁 e\xcc\x81 ▸ ●", ROLE_TEXT);
    for (int i = 0; i < 6 * 30; i++)
        assert_in_range(c.cell[i].point, ' ', '~');
    canvas_clear(&c);
}

static void a_paragraph_breaks_at_spaces_and_says_how_long_it_is(void **state) {
    (void)state;
    canvas c;
    canvas_init(&c, 4, 10);
    assert_int_equal(canvas_paragraph(&c, (rect){0, 0, 4, 10}, "freeze and thaw", ROLE_TEXT), 2);
    char *first = canvas_row_text(&c, 0), *second = canvas_row_text(&c, 1);
    assert_string_equal(first, "freeze and");
    assert_string_equal(second, "thaw");
    free(first);
    free(second);
    assert_int_equal(canvas_paragraph(&c, (rect){0, 0, 1, 3}, "abcdefgh", ROLE_TEXT), 3);
    assert_int_equal(canvas_paragraph(&c, (rect){0, 0, 1, 1}, "蚂蚁", ROLE_TEXT),
                     2); /* wider than the line: goes on */
    assert_int_equal(canvas_paragraph(&c, (rect){0, 0, 1, 0}, "a", ROLE_TEXT), 0);
    canvas_clear(&c);
}

int main(void) {
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wide_and_combining_characters_count_their_columns),
        cmocka_unit_test(bytes_that_are_no_utf8_are_one_replacement_each),
        cmocka_unit_test(every_code_point_survives_encoding),
        cmocka_unit_test(cut_text_never_takes_more_columns_than_there_are),
        cmocka_unit_test(moving_by_characters_keeps_marks_with_their_letter),
        cmocka_unit_test(every_character_has_an_ascii_stand_in),
        cmocka_unit_test(key_names_and_keys_belong_to_each_other),
        cmocka_unit_test(a_canvas_never_holds_half_a_wide_character),
        cmocka_unit_test(drawing_stays_within_the_clip),
        cmocka_unit_test(an_ascii_canvas_holds_ascii_only),
        cmocka_unit_test(a_paragraph_breaks_at_spaces_and_says_how_long_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
