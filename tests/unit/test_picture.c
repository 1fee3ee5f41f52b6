/*
 * test_picture.c - pictures in cells: where they go, which colours cells get, colour pairs when there are
 * few, and what is sent to a terminal with 24-bit colours.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "tui/key.h"
#include "tui/pairs.h"
#include "tui/palette.h"
#include "tui/term_paint.h"
#include "tui/widgets/grid.h"
#include "tui/widgets/picture.h"

static void pictures_fit_and_keep_their_proportions(void **state) {
    (void)state;
    static const int sizes[][2] = {{1, 1}, {640, 480}, {480, 640}, {10000, 1}, {1, 10000}, {7, 5}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (int rows = 0; rows < 20; rows++) {
            for (int cols = 0; cols < 40; cols++) {
                rect r = {3, 4, rows, cols}, in = picture_place(r, sizes[i][0], sizes[i][1]);
                assert_true(rect_inside(in, r));
                assert_int_equal(rect_empty(in), rows == 0 || cols == 0);
            }
        }
    }
    rect in = picture_place((rect){0, 0, 10, 40}, 100, 100); /* a cell is twice as high as wide */
    assert_int_equal(in.rows, 10);
    assert_int_equal(in.cols, 20);
    assert_int_equal(in.col, 10);
}

/* The upper half red, the lower blue. */
static void two_colours(uint8_t rgb[8 * 8 * 3]) {
    memset(rgb, 0, 8 * 8 * 3);
    for (int i = 0; i < 8 * 8; i++)
        rgb[3 * i + (i < 32 ? 0 : 2)] = 255;
}

static void a_cell_holds_two_pixels_averaged(void **state) {
    (void)state;
    uint8_t rgb[8 * 8 * 3];
    canvas c;
    canvas_init(&c, 4, 8);
    c.colours = true;
    two_colours(rgb);
    picture_draw(&c, (rect){0, 0, 1, 2}, 8, 8, rgb);
    assert_int_equal(c.cell[0].point, 0x2580);
    assert_int_equal(c.cell[0].ink, 0xff0000);
    assert_int_equal(c.cell[0].paper, 0x0000ff);
    assert_true(c.cell[1].picture);
    assert_false(c.cell[2].picture);
    canvas_put(&c, 0, 0, 'x', ROLE_TEXT); /* whatever is drawn over it has the theme's colours again */
    assert_false(c.cell[0].picture);
    canvas_clear(&c);
}

static void without_colours_brightness_chooses_the_character(void **state) {
    (void)state;
    canvas c;
    canvas_init(&c, 1, 4);
    c.ascii = true;
    uint8_t grey[4 * 2 * 3];
    static const uint8_t level[] = {0, 90, 180, 255};
    for (int i = 0; i < 4 * 2; i++)
        memset(grey + 3 * i, level[i % 4], 3);
    picture_draw(&c, (rect){0, 0, 1, 4}, 4, 2, grey);
    assert_int_equal(c.cell[0].point, ' ');
    assert_int_equal(c.cell[3].point, '@');
    assert_true(strchr(":-=", (int)c.cell[1].point) != NULL);
    for (int i = 0; i < 4; i++)
        assert_false(c.cell[i].picture);
    canvas_clear(&c);
}

static void the_quick_search_finds_the_nearest_colour(void **state) {
    (void)state;
    rng r = rng_keyed(3, RNG_TEST, 0, 0);
    for (int i = 0; i < 20000; i++) {
        uint32_t rgb = (uint32_t)rng_below(&r, 1 << 24);
        int quick = palette_nearest_256(rgb), exact = theme_nearest(rgb, DEPTH_256);
        assert_true(quick >= 16 && quick < 256);
        /* the grey is chosen by brightness, which may be a step beside the nearest */
        assert_true(palette_distance(rgb, theme_rgb(quick)) <=
                    palette_distance(rgb, theme_rgb(exact)) + 3000);
    }
    assert_int_equal(palette_nearest_256(0), 16);
    assert_int_equal(palette_nearest_256(0xffffff), 231);
    assert_int_equal(palette_nearest_256(0xff0000), 196);
}

/* ---- colour pairs ---- */

static int told, told_number;

static void make(int number, int foreground, int background) {
    (void)foreground, (void)background;
    told++;
    told_number = number;
}

static void a_pair_is_made_once(void **state) {
    (void)state;
    pairs *p = pairs_new(1000, make);
    told = 0;
    int first = pairs_role(p, 3, COLOUR_DEFAULT);
    assert_int_equal(first, 1);
    assert_int_equal(pairs_role(p, 3, COLOUR_DEFAULT), first);
    assert_int_equal(pairs_picture(p, 3, COLOUR_DEFAULT), first);
    assert_int_equal(told, 1);
    assert_int_not_equal(pairs_role(p, COLOUR_DEFAULT, 3), first);
    assert_int_equal(pairs_role(p, 300, 3), 0);
    pairs_reset(p);
    assert_int_equal(pairs_picture(p, 9, 9), 1);
    pairs_free(p);
}

static void pictures_leave_pairs_to_roles_and_get_the_nearest(void **state) {
    (void)state;
    enum { MOST = 64 };
    pairs *p = pairs_new(MOST, make);
    for (int i = 0; i < 200; i++) {
        int number = pairs_picture(p, 16 + i, 231);
        assert_true(number >= 1 && number <= MOST);
    }
    assert_int_equal(pairs_count(p), MOST / 2);
    int red = pairs_picture(p, 196, 231); /* not there any more: the nearest that is */
    assert_true(red >= 1 && red <= MOST / 2);
    for (int i = 0; i < MOST / 2; i++)
        assert_int_not_equal(pairs_role(p, i % 16, i / 16), 0);
    assert_int_equal(told_number, MOST);
    assert_int_equal(pairs_role(p, 200, 200), 0);
    pairs_free(p);
    p = pairs_new(0, make);
    assert_int_equal(pairs_picture(p, 16, 17), 0);
    assert_int_equal(pairs_role(p, 1, 2), 0);
    pairs_free(p);
}

/* ---- 24-bit colours ---- */

static void rows_that_changed_are_painted_in_full_colour(void **state) {
    (void)state;
    canvas now, before;
    str sent = {0};
    canvas_init(&now, 3, 4);
    canvas_init(&before, 3, 4);
    term_paint(&now, &before, &sent);
    assert_int_equal(sent.length, 0);
    canvas_put_picture(&now, 1, 1, 0x2580, 0x010203, 0xa0b0c0);
    canvas_put_picture(&now, 1, 2, 0x2580, 0x010203, 0xa0b0c1);
    term_paint(&now, &before, &sent);
    assert_string_equal(str_text(&sent), "\0337\033[0m\033[2;2H\033[38;2;1;2;3m\033[48;2;160;176;192m▀"
                                         "\033[48;2;160;176;193m▀\0338");
    str_reset(&sent);
    term_paint(&now, &now, &sent);
    assert_int_equal(sent.length, 0); /* nothing changed, nothing is sent */
    memcpy(before.cell, now.cell, 12 * sizeof *now.cell);
    canvas_put(&now, 1, 3, 'x', ROLE_TEXT); /* ncurses may have passed over the picture to get there */
    term_paint(&now, &before, &sent);
    assert_non_null(strstr(str_text(&sent), "▀"));
    str_reset(&sent);
    term_paint(&now, NULL, &sent);
    assert_non_null(strstr(str_text(&sent), "▀"));
    str_clear(&sent);
    canvas_clear(&now);
    canvas_clear(&before);
}

/* ---- the grid ---- */

static void tiles_lie_inside_and_apart_at_any_size(void **state) {
    (void)state;
    for (int rows = 0; rows < 30; rows++) {
        for (int cols = 0; cols < 70; cols++) {
            grid g = {0};
            int first, end;
            rect r = {2, 3, rows, cols}, before = {0};
            grid_set_count(&g, 50);
            g.cursor = 33;
            grid_lay_out(&g, r, 17, 2);
            grid_shown(&g, &first, &end);
            if (end > first) assert_true(g.cursor >= first && g.cursor < end);
            for (int i = first; i < end; i++) {
                assert_true(rect_inside(grid_picture(&g, i), r) && rect_inside(grid_caption(&g, i), r));
                assert_false(rect_overlaps(grid_picture(&g, i), grid_caption(&g, i)));
                assert_false(rect_overlaps(before, grid_picture(&g, i)));
                before = grid_picture(&g, i);
            }
        }
    }
}

static void the_cursor_of_a_grid_stays_in_it(void **state) {
    (void)state;
    static const int keys[] = {K_UP, K_LEFT, K_PGUP, K_DOWN, K_RIGHT, K_PGDN, K_END, K_DOWN, K_RIGHT, K_HOME};
    for (int count = 0; count < 8; count++) {
        grid g = {0};
        grid_set_count(&g, count);
        grid_lay_out(&g, (rect){0, 0, 20, 40}, 17, 1);
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
            assert_true(grid_key(&g, keys[i]));
            assert_true(g.cursor >= 0 && (g.cursor < count || count == 0));
        }
        assert_false(grid_key(&g, 'z'));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_fit_and_keep_their_proportions),
        cmocka_unit_test(a_cell_holds_two_pixels_averaged),
        cmocka_unit_test(without_colours_brightness_chooses_the_character),
        cmocka_unit_test(the_quick_search_finds_the_nearest_colour),
        cmocka_unit_test(a_pair_is_made_once),
        cmocka_unit_test(pictures_leave_pairs_to_roles_and_get_the_nearest),
        cmocka_unit_test(rows_that_changed_are_painted_in_full_colour),
        cmocka_unit_test(tiles_lie_inside_and_apart_at_any_size),
        cmocka_unit_test(the_cursor_of_a_grid_stays_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
