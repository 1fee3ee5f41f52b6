/*
 * test_layout.c - at every size, all rectangles lie inside the terminal and none overlaps another.
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

#include "tui/canvas.h"
#include "tui/layout.h"

enum { ROWS_MOST = 120, COLS_MOST = 300 };

static int failures(const layout *l) {
    rect all[PANE_COUNT + 3];
    int count = 0, bad = 0;
    all[count++] = l->bar;
    all[count++] = l->footer;
    all[count++] = l->tabs;
    for (int p = 0; p < PANE_COUNT; p++)
        all[count++] = l->pane[p];
    for (int i = 0; i < count; i++) {
        bad += !rect_inside(all[i], l->screen) || all[i].rows < 0 || all[i].cols < 0;
        for (int k = 0; k < i; k++)
            bad += rect_overlaps(all[i], all[k]);
    }
    for (int p = 0; p < PANE_COUNT; p++)
        bad += !rect_inside(l->pane[p], l->body);
    return bad;
}

static void everything_is_inside_and_disjoint_at_every_size(void **state) {
    (void)state;
    static const double shares[] = {0, 0.05, 0.5, 0.99};
    for (int form = LAYOUT_LIST; form <= LAYOUT_CHART; form++)
        for (int focus = 0; focus < PANE_COUNT; focus++)
            for (int variant = 0; variant < 16; variant++) {
                double share = shares[variant / 4];
                layout_state s = {
                    (layout_form)form, (pane)focus, variant & 1, variant & 2, {share, 1 - share, share}};
                for (int rows = 1; rows <= ROWS_MOST; rows++)
                    for (int cols = 1; cols <= COLS_MOST; cols++) {
                        layout l = layout_compute(rows, cols, &s);
                        if (failures(&l))
                            fail_msg("form %d focus %d variant %d at %dx%d", form, focus, variant, cols,
                                     rows);
                    }
            }
}

/* At every size: an edge goes where it is dragged to, or as far as the panes allow, and no other moves. */
static void an_edge_goes_where_it_is_dragged(void **state) {
    (void)state;
    int moved = 0;
    for (int form = LAYOUT_LIST; form <= LAYOUT_CHART; form++)
        for (int rows = 12; rows <= 60; rows += 3)
            for (int cols = 60; cols <= 200; cols += 7)
                for (int e = 0; e < EDGE_COUNT; e++) {
                    layout_state s = {.form = (layout_form)form, .log = true};
                    layout before = layout_compute(rows, cols, &s);
                    int place = layout_edge_place(&before, (layout_edge)e);
                    if (place < 0) continue;
                    for (int by = -3; by <= 3; by++) {
                        layout_state next = s;
                        layout_move_edge(&before, &next, (layout_edge)e, place + by, place + by);
                        layout after = layout_compute(rows, cols, &next);
                        int now = layout_edge_place(&after, (layout_edge)e);
                        assert_false(failures(&after));
                        assert_true(by < 0 ? now >= place + by && now <= place
                                           : now <= place + by && now >= place);
                        moved += by && now == place + by;
                        bool list = e == EDGE_LIST;
                        assert_int_equal(layout_edge_at(&after, list ? 5 : now, list ? now : cols - 2), e);
                        if (!list) assert_int_equal(after.pane[PANE_LIST].cols, before.pane[PANE_LIST].cols);
                    }
                }
    assert_true(moved > 5000);
}

static void there_is_no_edge_where_there_is_one_pane(void **state) {
    (void)state;
    layout_state s = {.form = LAYOUT_CHART};
    layout l = layout_compute(20, 50, &s);
    for (int row = 0; row < 20; row++)
        for (int col = 0; col < 50; col++)
            assert_int_equal(layout_edge_at(&l, row, col), EDGE_COUNT);
    layout_move_edge(&l, &s, EDGE_LIST, 3, 3);
    assert_true(s.share[EDGE_LIST] == 0);
}

static void the_footer_is_always_there(void **state) {
    (void)state;
    layout_state s = {.form = LAYOUT_CHART};
    for (int rows = 1; rows <= ROWS_MOST; rows++)
        for (int cols = 1; cols <= COLS_MOST; cols++) {
            layout l = layout_compute(rows, cols, &s);
            assert_int_equal(l.footer.rows, 1);
            assert_int_equal(l.footer.row, rows - 1);
            assert_int_equal(l.footer.cols, cols);
        }
}

static void eighty_by_twenty_four_shows_every_pane(void **state) {
    (void)state;
    layout_state s = {.form = LAYOUT_CHART};
    layout l = layout_compute(24, 80, &s);
    assert_int_equal(l.kind, LAYOUT_NORMAL);
    static const pane shown[] = {PANE_LIST, PANE_LOSS, PANE_ACCURACY, PANE_NOW};
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        assert_false(rect_empty(l.pane[shown[i]]));
    assert_true(l.pane[PANE_LOSS].rows >= 8);
    assert_true(l.pane[PANE_NOW].rows == 5);
    s.log = true;
    l = layout_compute(24, 80, &s);
    assert_false(rect_empty(l.pane[PANE_LOG]));
    assert_false(rect_empty(l.pane[PANE_LOSS]));
}

static void where_time_goes_takes_the_place_of_charts(void **state) {
    (void)state;
    layout_state s = {.form = LAYOUT_CHART, .profile = true};
    layout l = layout_compute(24, 80, &s);
    assert_true(l.pane[PANE_PROFILE].rows >= 16);
    assert_true(rect_empty(l.pane[PANE_LOSS]));
    assert_true(rect_empty(l.pane[PANE_ACCURACY]));
    assert_int_equal(l.pane[PANE_NOW].rows, 5);
    l = layout_compute(36, 120, &s);
    assert_true(l.pane[PANE_PROFILE].rows >= 16);
    assert_true(l.pane[PANE_LOSS].rows >= 8);
    s.focus = PANE_LOSS;
    assert_int_equal(layout_next_focus(&s, 1), PANE_PROFILE);
    s.form = LAYOUT_LIST;
    assert_true(rect_empty(layout_compute(24, 80, &s).pane[PANE_PROFILE]));
}

static void small_terminals_get_one_pane_then_one_line(void **state) {
    (void)state;
    layout_state s = {.form = LAYOUT_CHART, .focus = PANE_ACCURACY};
    layout l = layout_compute(20, 59, &s);
    assert_int_equal(l.kind, LAYOUT_NARROW);
    assert_false(rect_empty(l.tabs));
    assert_false(rect_empty(l.pane[PANE_ACCURACY]));
    assert_true(rect_empty(l.pane[PANE_LIST]));
    l = layout_compute(4, 80, &s);
    assert_int_equal(l.kind, LAYOUT_TINY);
    assert_int_equal(layout_compute(24, 19, &s).kind, LAYOUT_TINY);
    assert_int_equal(layout_compute(0, 0, &s).footer.rows, 0);
    assert_int_equal(layout_compute(-3, 5, &s).footer.rows, 0);
}

static void only_the_lowest_of_stacked_panes_has_a_bottom(void **state) {
    (void)state;
    for (int log = 0; log < 2; log++) {
        layout_state s = {.form = LAYOUT_CHART, .log = log};
        layout l = layout_compute(40, 120, &s);
        pane lowest = log ? PANE_LOG : PANE_NOW;
        for (int p = PANE_LOSS; p <= PANE_LOG; p++) {
            if (rect_empty(l.pane[p])) continue;
            assert_int_equal(!(l.flags[p] & FRAME_NO_BOTTOM), p == (int)lowest);
            assert_int_equal(!!(l.flags[p] & FRAME_JOINED), p != PANE_LOSS);
        }
    }
}

static void the_focus_goes_round_through_every_pane(void **state) {
    (void)state;
    layout_state s = {.form = LAYOUT_CHART, .focus = PANE_LIST, .log = true};
    int seen = 0;
    for (int i = 0; i < 5; i++) {
        seen |= 1 << s.focus;
        s.focus = layout_next_focus(&s, 1);
    }
    assert_int_equal(s.focus, PANE_LIST);
    assert_int_equal(seen,
                     1 << PANE_LIST | 1 << PANE_LOSS | 1 << PANE_ACCURACY | 1 << PANE_NOW | 1 << PANE_LOG);
    assert_int_equal(layout_next_focus(&s, -1), PANE_LOG);
    s.log = false;
    assert_int_equal(layout_next_focus(&s, -1), PANE_NOW);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_inside_and_disjoint_at_every_size),
        cmocka_unit_test(an_edge_goes_where_it_is_dragged),
        cmocka_unit_test(there_is_no_edge_where_there_is_one_pane),
        cmocka_unit_test(the_footer_is_always_there),
        cmocka_unit_test(eighty_by_twenty_four_shows_every_pane),
        cmocka_unit_test(where_time_goes_takes_the_place_of_charts),
        cmocka_unit_test(small_terminals_get_one_pane_then_one_line),
        cmocka_unit_test(only_the_lowest_of_stacked_panes_has_a_bottom),
        cmocka_unit_test(the_focus_goes_round_through_every_pane),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
