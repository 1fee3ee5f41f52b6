/*
 * test_scatter.c - where the points of a scatter are, and what is drawn when there is no room or no point.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/str.h"
#include "tui/widgets/scatter.h"

static const scatter_point three[] = {{0.1, 60, true}, {1, 70, false}, {100, 88, true}};

static scatter of(const scatter_point *point, int count) {
    return (scatter){.point = point, .count = count, .marked = -1, .x_name = "GMACs", .raster = RASTER_ASCII};
}

static void axes_hold_every_point(void **state) {
    (void)state;
    scatter s = of(three, 3);
    for (int rows = 1; rows < 40; rows++) {
        for (int cols = 1; cols < 120; cols += 7) {
            rect r = {3, 5, rows, cols};
            scatter_frame f = scatter_layout(&s, r);
            assert_true(rect_inside(f.plot, r));
            if (rect_empty(f.plot)) continue;
            for (int i = 0; i < s.count; i++) {
                int column, row;
                scatter_place(&f, three[i].x, three[i].y, 2, 4, &column, &row);
                assert_in_range(column, 0, 2 * f.plot.cols - 1);
                assert_in_range(row, 0, 4 * f.plot.rows - 1);
            }
        }
    }
}

static void x_is_logarithmic_and_y_goes_up(void **state) {
    (void)state;
    scatter s = of(three, 3);
    scatter_frame f = scatter_layout(&s, (rect){0, 0, 20, 80});
    int column[3], row[3];
    for (int i = 0; i < 3; i++)
        scatter_place(&f, three[i].x, three[i].y, 1, 1, &column[i], &row[i]);
    assert_true(row[0] > row[1] && row[1] > row[2]);
    double first = column[1] - column[0], second = column[2] - column[1]; /* one decade, and two */
    assert_float_equal(second / first, 2, 0.1);
}

static void nothing_is_drawn_without_room_or_points(void **state) {
    (void)state;
    scatter s = of(three, 3);
    assert_true(rect_empty(scatter_layout(&s, (rect){0, 0, 4, 80}).plot));
    assert_true(rect_empty(scatter_layout(&s, (rect){0, 0, 20, 10}).plot));
    static const scatter_point unknown[] = {{NAN, 60, true}, {0, 70, true}, {1, NAN, true}};
    s = of(unknown, 3);
    assert_true(rect_empty(scatter_layout(&s, (rect){0, 0, 20, 80}).plot));
    static const scatter_point lone[] = {{2, 70, true}};
    s = of(lone, 1);
    assert_false(rect_empty(scatter_layout(&s, (rect){0, 0, 20, 80}).plot));
}

static char *drawn(const scatter *s, bool ascii, bool mono) {
    canvas c;
    str all = {0};
    canvas_init(&c, 12, 50);
    c.ascii = ascii;
    c.mono = mono;
    scatter_draw(s, &c, (rect){0, 0, 12, 50});
    for (int row = 0; row < c.rows; row++) {
        char *line = canvas_row_text(&c, row);
        str_appendf(&all, "%s\n", line);
        free(line);
    }
    canvas_clear(&c);
    return str_take(&all);
}

static void ascii_tells_chosen_rest_and_cursor_apart(void **state) {
    (void)state;
    scatter s = of(three, 3);
    s.marked = 2;
    s.name = "best";
    char *text = drawn(&s, true, true);
    for (const char *at = text; *at; at++)
        assert_true((unsigned char)*at < 0x80);
    assert_non_null(strchr(text, 'o'));
    assert_non_null(strchr(text, '@'));
    assert_non_null(strstr(text, "best")); /* at the left, where there is room */
    assert_non_null(strstr(text, "GMACs"));
    assert_non_null(strstr(text, "10"));
    assert_non_null(strstr(text, " 80+"));
    free(text);
}

static void without_colour_what_is_chosen_is_larger(void **state) {
    (void)state;
    static const scatter_point chosen[] = {{1, 60, true}, {2, 65, true}},
                               rest[] = {{1, 60, false}, {2, 65, false}};
    scatter one = of(chosen, 2), two = of(rest, 2);
    one.raster = two.raster = RASTER_BRAILLE;
    char *large = drawn(&one, false, true), *small = drawn(&two, false, true);
    assert_string_not_equal(large, small);
    free(large);
    free(small);
    large = drawn(&one, false, false);
    small = drawn(&two, false, false);
    assert_string_equal(large, small); /* colours do it */
    free(large);
    free(small);
}

static void a_mark_that_cannot_be_placed_is_left_out(void **state) {
    (void)state;
    static const scatter_point some[] = {{1, 60, true}, {NAN, 65, true}};
    scatter s = of(some, 2);
    s.marked = 1;
    s.name = "unknown";
    char *text = drawn(&s, true, false);
    assert_null(strstr(text, "unknown"));
    assert_null(strchr(text, '@'));
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(axes_hold_every_point),
        cmocka_unit_test(x_is_logarithmic_and_y_goes_up),
        cmocka_unit_test(nothing_is_drawn_without_room_or_points),
        cmocka_unit_test(ascii_tells_chosen_rest_and_cursor_apart),
        cmocka_unit_test(without_colour_what_is_chosen_is_larger),
        cmocka_unit_test(a_mark_that_cannot_be_placed_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
