/*
 * test_chart.c - curves: every value is inside the box, can be seen and can be read, whatever the values are.
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

#include "engine/base/rng.h"
#include "tui/text.h"
#include "tui/widgets/chart.h"
#include "tui/widgets/chart_axis.h"
#include "tui/widgets/chart_curve.h"
#include "tui/widgets/chart_export.h"

enum { ROWS = 16, COLS = 70 };

static chart one_curve(const chart_series *curve, double x_max) {
    chart ch = chart_default();
    ch.curve = curve;
    ch.curve_count = 1;
    ch.x_max = x_max;
    ch.x_name = "step";
    ch.legend = false;
    return ch;
}

static const canvas_cell *at(const canvas *c, int row, int col) {
    return &c->cell[row * c->cols + col];
}

static bool is_dots(const canvas_cell *cell) {
    return cell->point > 0x2800 && cell->point <= 0x28ff;
}

/* ---- raster ---- */

static int dots_in(const raster *r) {
    int count = 0;
    for (int i = 0; i < r->rows * r->cols; i++)
        count += __builtin_popcount(r->cell[i].dots);
    return count;
}

static void a_line_from_far_outside_is_clipped_not_dropped(void **state) {
    (void)state;
    for (int kind = 0; kind < RASTER_COUNT; kind++) {
        raster r;
        raster_init(&r, (raster_kind)kind, 5, 20);
        raster_line(&r, -1e9, 2, 1e9, 2, (raster_pen){0});
        assert_int_equal(dots_in(&r), r.wide);
        raster_clear(&r);
        raster_init(&r, (raster_kind)kind, 5, 20);
        raster_line(&r, 3, -1e300, 3, 1e300, (raster_pen){0});
        assert_int_equal(dots_in(&r), r.high);
        raster_clear(&r);
        raster_init(&r, (raster_kind)kind, 5, 20);
        raster_line(&r, 100, 1, 200, 1, (raster_pen){0});
        raster_line(&r, NAN, 1, 5, 1, (raster_pen){0});
        raster_line(&r, 0, INFINITY, 5, 1, (raster_pen){0});
        assert_int_equal(dots_in(&r), 0);
        raster_clear(&r);
    }
}

static void higher_levels_replace_and_equal_ones_unite(void **state) {
    (void)state;
    raster r;
    raster_init(&r, RASTER_BRAILLE, 1, 1);
    raster_dot(&r, 0, 0, (raster_pen){.role = ROLE_VAL, .level = 1});
    raster_dot(&r, 1, 3, (raster_pen){.role = ROLE_VAL, .level = 1});
    assert_int_equal(__builtin_popcount(r.cell[0].dots), 2);
    raster_dot(&r, 0, 1, (raster_pen){.role = ROLE_TRAIN, .level = 2});
    assert_int_equal(__builtin_popcount(r.cell[0].dots), 1);
    assert_int_equal(r.cell[0].role, ROLE_TRAIN);
    raster_dot(&r, 0, 0, (raster_pen){.role = ROLE_VAL, .level = 1});
    assert_int_equal(r.cell[0].role, ROLE_TRAIN);
    raster_clear(&r);
}

static void braille_dots_are_where_unicode_has_them(void **state) {
    (void)state;
    static const uint32_t expected[4][2] = {
        {0x2801, 0x2808}, {0x2802, 0x2810}, {0x2804, 0x2820}, {0x2840, 0x2880}};
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 2; x++) {
            raster r;
            canvas c;
            raster_init(&r, RASTER_BRAILLE, 1, 1);
            canvas_init(&c, 1, 1);
            raster_dot(&r, x, y, (raster_pen){0});
            raster_draw(&r, &c, 0, 0);
            assert_int_equal(c.cell[0].point, expected[y][x]);
            raster_clear(&r);
            canvas_clear(&c);
        }
}

/* ---- curves ---- */

static void a_spike_of_one_step_is_seen(void **state) {
    (void)state;
    enum { STEPS = 100000, SPIKE = 40000 };
    series s = {0};
    for (int64_t x = 1; x <= STEPS; x++)
        series_add(&s, x, x == SPIKE ? 9 : 1);
    chart_series curve = {
        .name = "train", .role = ROLE_TRAIN, .raw_role = ROLE_TRAIN_RAW, .steps = &s, .smoothing = 0.9};
    for (int kind = RASTER_BRAILLE; kind <= RASTER_BLOCK; kind++) {
        canvas c;
        canvas_init(&c, ROWS, COLS);
        chart ch = one_curve(&curve, STEPS);
        ch.raster = (raster_kind)kind;
        rect box = {0, 0, ROWS, COLS}, plot = chart_plot(&ch, box);
        chart_draw(&ch, &c, box);
        int col = chart_col_of(&ch, plot, SPIKE), high = 0;
        for (int near = col - 1; near <= col + 1; near++)
            for (int row = plot.row; row < plot.row + plot.rows / 2; row++)
                high += is_dots(at(&c, row, near)) || at(&c, row, near)->point == 0x2588;
        assert_true(high >= plot.rows / 2 - 1); /* a column of dots up to the edge */
        for (int row = plot.row; row < plot.row + plot.rows / 2; row++)
            assert_int_equal(at(&c, row, col + 4)->point, ' ');
        canvas_clear(&c);
    }
    series_clear(&s);
}

static void what_is_not_finite_leaves_a_gap_and_a_mark(void **state) {
    (void)state;
    enum { STEPS = 600, BREAK = 200, MEND = 400 };
    series s = {0};
    for (int64_t x = 1; x <= STEPS; x++)
        series_add(&s, x, x >= BREAK && x < MEND ? (x % 2 ? NAN : INFINITY) : 1 + x % 3);
    chart_series curve = {.name = "train", .role = ROLE_TRAIN, .raw_role = ROLE_TRAIN_RAW, .steps = &s};
    canvas c;
    canvas_init(&c, ROWS, COLS);
    chart ch = one_curve(&curve, STEPS);
    rect box = {0, 0, ROWS, COLS}, plot = chart_plot(&ch, box);
    chart_draw(&ch, &c, box);
    int from = chart_col_of(&ch, plot, BREAK) + 2, to = chart_col_of(&ch, plot, MEND) - 2, marks = 0;
    for (int col = from; col <= to; col++)
        for (int row = plot.row; row < plot.row + plot.rows; row++) {
            assert_false(is_dots(at(&c, row, col)));
            marks += at(&c, row, col)->role == ROLE_BAD;
        }
    assert_true(marks > 5);
    for (int row = plot.row; row < plot.row + plot.rows; row++)
        assert_int_not_equal(at(&c, row, to + 6)->role, ROLE_BAD);
    canvas_clear(&c);
    series_clear(&s);
}

static void smoothing_starts_at_the_first_value_and_keeps_a_constant(void **state) {
    (void)state;
    chart_point p[50];
    for (int i = 0; i < 50; i++)
        p[i] = (chart_point){i, 3.5};
    chart_series curve = {.point = p, .count = 50, .smoothing = 0.98};
    curve_walk w = curve_begin(&curve, false);
    for (curve_sample v; curve_next(&w, &v);)
        assert_float_equal(v.smoothed, 3.5, 1e-9);
    p[0].y = 7;
    w = curve_begin(&curve, false);
    curve_sample first;
    assert_true(curve_next(&w, &first));
    assert_float_equal(first.smoothed, 7, 1e-9); /* a biased average would say 0.14 */
}

static void a_logarithmic_axis_smooths_logarithms(void **state) {
    (void)state;
    chart_point p[2000];
    for (int i = 0; i < 2000; i++)
        p[i] = (chart_point){i, i % 2 ? 100 : 0.01};
    chart_series curve = {.point = p, .count = 2000, .smoothing = 0.995};
    double x, raw, linear, logarithmic;
    assert_true(chart_read(&curve, false, 1999, &x, &raw, &linear));
    assert_true(chart_read(&curve, true, 1999, &x, &raw, &logarithmic));
    assert_true(linear > 40 && linear < 60);
    assert_true(logarithmic > 0.9 && logarithmic < 1.1);
}

static void merging_buckets_hardly_moves_the_smoothed_curve(void **state) {
    (void)state;
    enum { STEPS = 20000 };
    series merged = {0};
    chart_point *p = calloc(STEPS, sizeof *p);
    rng r = rng_keyed(3, RNG_TEST, 0, 0);
    for (int i = 0; i < STEPS; i++) {
        p[i] = (chart_point){i + 1, 2 * exp(-i / 4000.0) + rng_unit(&r)};
        series_add(&merged, i + 1, p[i].y);
    }
    assert_true(merged.width > 1);
    chart_series a = {.steps = &merged, .smoothing = 0.99},
                 b = {.point = p, .count = STEPS, .smoothing = 0.99};
    for (int x = 1000; x <= STEPS; x += 1777) {
        double where, raw, from_merged, from_all;
        assert_true(chart_read(&a, false, x, &where, &raw, &from_merged));
        assert_true(chart_read(&b, false, x, &where, &raw, &from_all));
        assert_float_equal(from_merged, from_all, 0.06);
    }
    series_clear(&merged);
    free(p);
}

static void the_crosshair_reads_the_value_at_or_before_it(void **state) {
    (void)state;
    chart_point p[] = {{10, 1}, {20, 2}, {30, NAN}, {40, 4}};
    chart_series curve = {.name = "val", .point = p, .count = 4};
    double x, raw, smooth;
    assert_false(chart_read(&curve, false, 9, &x, &raw, &smooth));
    assert_true(chart_read(&curve, false, 29, &x, &raw, &smooth));
    assert_float_equal(x, 20, 0);
    assert_float_equal(raw, 2, 0);
    assert_true(chart_read(&curve, false, 35, &x, &raw, &smooth));
    assert_true(isnan(raw));
    assert_true(chart_read(&curve, false, 1e9, &x, &raw, &smooth));
    assert_float_equal(raw, 4, 0);

    chart ch = one_curve(&curve, 40);
    ch.crosshair = 25;
    canvas c;
    canvas_init(&c, ROWS, COLS);
    chart_draw(&ch, &c, (rect){0, 0, ROWS, COLS});
    char *row = canvas_row_text(&c, 0);
    assert_non_null(strstr(row, "val 2.000"));
    free(row);
    canvas_clear(&c);
}

static void columns_and_values_of_x_belong_to_each_other(void **state) {
    (void)state;
    chart ch = chart_default();
    ch.x_min = 100;
    ch.x_max = 925;
    rect plot = {0, 7, 10, 61};
    for (int col = plot.col; col < plot.col + plot.cols; col++)
        assert_int_equal(chart_col_of(&ch, plot, chart_x_at(&ch, plot, col)), col);
    assert_true(chart_col_of(&ch, plot, -1e300) < plot.col);
    assert_true(chart_col_of(&ch, plot, 1e300) >= plot.col + plot.cols);
    assert_true(chart_col_of(&ch, plot, NAN) < plot.col);
}

/* ---- the box ---- */

/* Values nobody would draw by choice. */
static double odd_value(rng *r) {
    static const double odd[] = {0, -1, 1e300, -1e300, 1e-300, INFINITY, -INFINITY, 0.5, 2};
    uint64_t pick = rng_below(r, 12);
    return pick < 9 ? odd[pick] : pick == 9 ? NAN : rng_normal(r);
}

static void nothing_is_drawn_outside_the_box_whatever_the_values(void **state) {
    (void)state;
    rng r = rng_keyed(7, RNG_TEST, 0, 0);
    for (int round = 0; round < 1500; round++) {
        chart_point p[40];
        series s = {0};
        size_t count = rng_below(&r, 40);
        for (size_t i = 0; i < count; i++) {
            p[i] = (chart_point){(double)i * 3, odd_value(&r)};
            series_add(&s, (int64_t)i + 1, odd_value(&r));
        }
        chart_series curves[] = {
            {.name = "train",
             .letter = 't',
             .role = ROLE_TRAIN,
             .raw_role = ROLE_TRAIN_RAW,
             .steps = &s,
             .smoothing = 0.9},
            {.name = "蚂蚁", .letter = 'v', .role = ROLE_VAL, .point = p, .count = count, .marked = true},
            {.name = "A: ghost",
             .letter = 'A',
             .role = ROLE_GHOST_1,
             .point = p,
             .count = count,
             .ghost = true,
             .x_scale = 0.7},
        };
        chart_mark marks[] = {
            {.x = 5, .role = ROLE_MARK_FREEZE, .glyph = 0x2744, .label = "layer2 frozen", .weight = 3},
            {.x = 6, .role = ROLE_MARK_LR, .glyph = 0x2195, .label = "lr 0.01", .weight = 2},
            {.x = 1e12, .glyph = 'x', .label = "far", .weight = 1},
            {.x = NAN, .glyph = 'x', .weight = 1},
            {.x = 7, .glyph = 0x25b4, .weight = 0}};
        chart ch = chart_default();
        ch.curve = curves;
        ch.curve_count = 3;
        ch.mark = marks;
        ch.mark_count = sizeof marks / sizeof *marks;
        ch.x_max = (double)rng_below(&r, 200);
        ch.x_unit = (double)rng_below(&r, 3) * 10;
        ch.x_name = rng_below(&r, 2) ? "epoch" : NULL;
        ch.log_y = rng_below(&r, 2);
        ch.percent = rng_below(&r, 2);
        ch.legend = rng_below(&r, 2);
        ch.legend_below = rng_below(&r, 2);
        ch.raster = (raster_kind)rng_below(&r, RASTER_COUNT);
        ch.crosshair = rng_below(&r, 2) ? (double)rng_below(&r, 200) : NAN;
        canvas c;
        canvas_init(&c, 30, 60);
        c.ascii = rng_below(&r, 2);
        c.mono = rng_below(&r, 2);
        for (int i = 0; i < 30 * 60; i++)
            c.cell[i].point = '~';
        rect box = {(int)rng_below(&r, 12), (int)rng_below(&r, 25), (int)rng_below(&r, 18),
                    (int)rng_below(&r, 35)};
        chart_draw(&ch, &c, box);
        for (int row = 0; row < 30; row++)
            for (int col = 0; col < 60; col++) {
                if (!rect_holds(box, row, col)) assert_int_equal(at(&c, row, col)->point, '~');
                if (c.ascii) assert_true(at(&c, row, col)->point < 0x80);
            }
        canvas_clear(&c);
        series_clear(&s);
    }
}

static void every_value_of_a_short_curve_has_a_dot_of_its_own(void **state) {
    (void)state;
    enum { POINTS = 30 };
    chart_point p[POINTS];
    rng r = rng_keyed(9, RNG_TEST, 0, 0);
    for (int i = 0; i < POINTS; i++)
        p[i] = (chart_point){i, rng_unit(&r)};
    chart_series curve = {.name = "val", .letter = 'v', .role = ROLE_VAL, .point = p, .count = POINTS};
    canvas c;
    canvas_init(&c, ROWS, COLS);
    chart ch = one_curve(&curve, POINTS - 1);
    ch.y_min = 0;
    ch.y_max = 1;
    rect box = {0, 0, ROWS, COLS}, plot = chart_plot(&ch, box);
    chart_draw(&ch, &c, box);
    for (int i = 0; i < POINTS; i++) {
        int col = chart_col_of(&ch, plot, p[i].x), row = plot.row + (int)((1 - p[i].y) * plot.rows),
            found = 0;
        for (int dr = -1; dr <= 1; dr++)
            for (int dc = -1; dc <= 1; dc++)
                found += row + dr >= 0 && col + dc < COLS && is_dots(at(&c, row + dr, col + dc));
        assert_true(found > 0);
    }
    canvas_clear(&c);
}

/* ---- how it looks ---- */

static int changed_cells(const canvas *a, const canvas *b) {
    int count = 0;
    for (int i = 0; i < a->rows * a->cols; i++)
        count += a->cell[i].point != b->cell[i].point || a->cell[i].role != b->cell[i].role;
    return count;
}

/* Half a dot before the first column is not in it, and not in the one before either, which is not there. */
static void a_value_at_the_very_edge_stays_inside(void **state) {
    (void)state;
    enum { WIDE = 10 };
    static const chart_point point[] = {{.x = -0.5, .y = 1}, {.x = WIDE - 0.5, .y = 1}};
    static const double untouched = 123;
    chart_series curve = {.name = "val", .letter = 'v', .role = ROLE_VAL, .point = point, .count = 2};
    chart_scale scale = {.x_max = WIDE - 1, .y_max = 2, .wide = WIDE, .high = 1};
    curve_column column[WIDE + 2];
    raster r;
    raster_init(&r, RASTER_ASCII, 1, WIDE);
    column[0].dot_y = column[WIDE + 1].dot_y = untouched;
    curve_draw(&curve, &scale, &r, 1, false, &column[1]);
    assert_true(column[0].dot_y == untouched && column[WIDE + 1].dot_y == untouched);
    raster_clear(&r);
}

static void a_growing_curve_changes_few_cells(void **state) {
    (void)state;
    series s = {0};
    chart_series curve = {
        .name = "train", .role = ROLE_TRAIN, .raw_role = ROLE_TRAIN_RAW, .steps = &s, .smoothing = 0.9};
    canvas before, after;
    canvas_init(&before, ROWS, COLS);
    canvas_init(&after, ROWS, COLS);
    rng r = rng_keyed(4, RNG_TEST, 0, 0);
    int64_t changed = 0, frames = 0;
    for (int64_t x = 1; x <= 800; x++) {
        series_add(&s, x, 0.3 + 2 * exp(-(double)x / 100) + 0.1 * rng_unit(&r));
        if (x < 100 || x % 10) continue;
        chart ch = one_curve(&curve, 825);
        canvas_erase(&after);
        chart_draw(&ch, &after, (rect){0, 0, ROWS, COLS});
        if (frames) changed += changed_cells(&before, &after);
        frames++;
        memcpy(before.cell, after.cell, ROWS * COLS * sizeof *after.cell);
    }
    assert_true(changed / frames <= 6);
    canvas_clear(&before);
    canvas_clear(&after);
    series_clear(&s);
}

static void without_colour_letters_tell_curves_apart(void **state) {
    (void)state;
    chart_point a[60], b[60];
    for (int i = 0; i < 60; i++) {
        a[i] = (chart_point){i, 1};
        b[i] = (chart_point){i, 2};
    }
    chart_series curves[] = {{.name = "train", .letter = 't', .role = ROLE_TRAIN, .point = a, .count = 60},
                             {.name = "val", .letter = 'v', .role = ROLE_VAL, .point = b, .count = 60}};
    for (int ascii = 0; ascii < 2; ascii++) {
        canvas c;
        canvas_init(&c, ROWS, COLS);
        c.mono = true;
        c.ascii = ascii;
        chart ch = one_curve(curves, 59);
        ch.curve_count = 2;
        chart_draw(&ch, &c, (rect){0, 0, ROWS, COLS});
        int t = 0, v = 0;
        for (int i = 0; i < ROWS * COLS; i++) {
            t += c.cell[i].point == 't';
            v += c.cell[i].point == 'v';
        }
        assert_true(t >= 3 && v >= 3);
        canvas_clear(&c);
    }
}

static void ghosts_lie_beneath(void **state) {
    (void)state;
    chart_point p[60];
    for (int i = 0; i < 60; i++)
        p[i] = (chart_point){i, 1 + (i % 7) * 0.1};
    chart_series curves[] = {
        {.name = "val", .letter = 'v', .role = ROLE_VAL, .point = p, .count = 60},
        {.name = "A", .letter = 'A', .role = ROLE_GHOST_1, .point = p, .count = 60, .ghost = true}};
    canvas c;
    canvas_init(&c, ROWS, COLS);
    chart ch = one_curve(curves, 59);
    ch.curve_count = 2;
    chart_draw(&ch, &c, (rect){0, 0, ROWS, COLS});
    for (int i = 0; i < ROWS * COLS; i++)
        if (is_dots(&c.cell[i])) assert_int_equal(c.cell[i].role, ROLE_VAL);
    canvas_clear(&c);
}

static void a_mark_is_a_dotted_line_with_its_label(void **state) {
    (void)state;
    chart_point p[] = {{0, 1}, {100, 1}};
    chart_series curve = {.name = "val", .letter = 'v', .role = ROLE_VAL, .point = p, .count = 2};
    chart_mark mark = {
        .x = 40, .role = ROLE_MARK_FREEZE, .glyph = 0x2744, .label = "layer2 frozen", .weight = 3};
    canvas c;
    canvas_init(&c, ROWS, COLS);
    chart ch = one_curve(&curve, 100);
    ch.mark = &mark;
    ch.mark_count = 1;
    rect box = {0, 0, ROWS, COLS}, plot = chart_plot(&ch, box);
    chart_draw(&ch, &c, box);
    char *row = canvas_row_text(&c, 0);
    assert_non_null(strstr(row, "❄ layer2 frozen"));
    free(row);
    int col = chart_col_of(&ch, plot, 40), dotted = 0;
    for (int i = 1; i < plot.rows; i++)
        dotted += at(&c, plot.row + i, col)->point == 0x250a;
    assert_true(dotted >= plot.rows - 3);
    canvas_clear(&c);
}

static void an_empty_chart_says_what_to_do(void **state) {
    (void)state;
    chart_point p[] = {{0, NAN}, {1, INFINITY}};
    chart_series curve = {.name = "val", .role = ROLE_VAL, .point = p, .count = 2};
    canvas c;
    canvas_init(&c, ROWS, COLS);
    chart ch = one_curve(&curve, 0);
    ch.empty = "press R";
    chart_draw(&ch, &c, (rect){0, 0, ROWS, COLS});
    bool said = false;
    for (int i = 0; i < ROWS; i++) {
        char *row = canvas_row_text(&c, i);
        said = said || strstr(row, "press R");
        free(row);
    }
    assert_true(said);
    canvas_clear(&c);
}

/* ---- axes ---- */

static void ticks_hold_the_range_and_are_not_too_many(void **state) {
    (void)state;
    rng r = rng_keyed(5, RNG_TEST, 0, 0);
    for (int i = 0; i < 5000; i++) {
        double low = rng_normal(&r) * pow(10, (double)rng_below(&r, 12) - 6),
               high = low + rng_unit(&r) * pow(10, (double)rng_below(&r, 12) - 6);
        int wanted = (int)rng_below(&r, 12);
        axis_ticks t = axis_linear(low, high, wanted);
        double room = 1e-6 * (t.high - t.low);
        assert_true(t.count >= 2 && t.count <= AXIS_TICKS_MAX);
        assert_true(t.low <= low + room && t.high >= high - room);
        for (int k = 1; k < t.count; k++)
            assert_true(t.at[k] > t.at[k - 1]);
        low = fabs(low) + 1e-9;
        high = low * (1 + 1000 * rng_unit(&r));
        t = axis_log(low, high, wanted);
        assert_true(t.count >= 1 && t.count <= AXIS_TICKS_MAX);
        assert_true(t.low <= low * (1 + 1e-6) && t.high >= high * (1 - 1e-6));
    }
}

static void numbers_are_written_as_people_read_them(void **state) {
    (void)state;
    char text[CHART_NUMBER_MAX];
    assert_string_equal(chart_number(0.41234, false, text), "0.4123");
    assert_string_equal(chart_number(0.868, true, text), "86.8 %");
    assert_string_equal(chart_number(0.00001, false, text), "1.00e-05");
    assert_string_equal(chart_number(NAN, false, text), "NaN");
    assert_string_equal(chart_number(-INFINITY, true, text), "-inf");
    assert_string_equal(chart_number(-1.7976931348623157e308, false, text), "-1.80e+308");
}

/* ---- as files ---- */

static int occurrences(const char *text, const char *part) {
    int count = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
        count++;
    return count;
}

/* Two charts with every kind of thing on them; some of it outside of what is shown. */
static char *sheet_as(char *(*render)(const chart_sheet *sheet)) {
    series steps = {0};
    for (int i = 0; i < 100; i++)
        series_add(&steps, i, i == 50 ? NAN : 2.0 / (1 + i));
    const chart_point val[] = {{20, 0.5}, {60, NAN}, {80, 0.25}, {120, 9}};
    const chart_series loss[] = {
        {.name = "train", .role = ROLE_TRAIN, .steps = &steps, .smoothing = 0.5},
        {.name = "A: <odd>, \"name\" & more", .role = ROLE_GHOST_1, .ghost = true, .point = val, .count = 4}};
    const chart_series accuracy[] = {
        {.name = "val", .role = ROLE_VAL, .marked = true, .point = val, .count = 4}};
    const chart_mark mark[] = {{.x = 30, .role = ROLE_MARK_THAW, .label = "layer4 thawed", .weight = 3},
                               {.x = 5, .role = ROLE_MARK_LR, .label = "not shown", .weight = 2}};
    chart item[] = {chart_default(), chart_default()};
    item[0].curve = loss;
    item[0].curve_count = 2;
    item[0].mark = mark;
    item[0].mark_count = 2;
    item[1].curve = accuracy;
    item[1].curve_count = 1;
    item[1].percent = true;
    for (int i = 0; i < 2; i++) {
        item[i].x_min = 10;
        item[i].x_max = 90;
        item[i].x_unit = 20;
    }
    const char *const name[] = {"loss", "accuracy"};
    char *text = render(&(chart_sheet){.title = "run <1>", .item = item, .name = name, .count = 2});
    series_clear(&steps);
    return text;
}

static void the_numbers_are_those_that_are_shown(void **state) {
    (void)state;
    char *text = sheet_as(chart_csv);
    assert_int_equal(occurrences(text, "\n"), 1 + 81 + 3 + 3); /* with the heading */
    assert_int_equal(strncmp(text, "chart,curve,step,epoch,value,low,high,smoothed\nloss,train,10,0.5,", 65),
                     0);
    assert_non_null(strstr(text, "\nloss,train,50,2.5,,,,")); /* not finite: empty */
    assert_non_null(strstr(text, "\nloss,train,49,2.45,0.04,0.04,0.04,"));
    assert_non_null(strstr(text, "\nloss,\"A: <odd>, \"\"name\"\" & more\",20,1,0.5,0.5,0.5,\n"));
    assert_non_null(strstr(text, "\naccuracy,val,80,4,0.25,0.25,0.25,\n"));
    assert_null(strstr(text, ",120,"));
    free(text);
}

static void the_picture_has_every_curve_and_mark(void **state) {
    (void)state;
    char *text = sheet_as(chart_svg);
    assert_non_null(strstr(text, ">run &lt;1&gt;</text>"));
    assert_int_equal(occurrences(text, "<path "), 4);    /* the smoothed one over its raw one */
    assert_int_equal(occurrences(text, "<polygon "), 1); /* the range of what is raw */
    assert_int_equal(occurrences(text, "<circle "), 2);  /* values of the marked curve that are shown */
    assert_int_equal(occurrences(text, "layer4 thawed"), 1);
    assert_int_equal(occurrences(text, "not shown"), 0);
    assert_int_equal(occurrences(text, "A: &lt;odd&gt;, \"name\" &amp; more</text>"), 1);
    assert_null(strstr(text, "nan"));
    const char *path = strstr(text, "stroke=\"#0072b2\" stroke-width=\"2\"");
    assert_non_null(path);
    const char *begin = path;
    while (strncmp(begin, "<path", 5) != 0)
        begin--;
    int lifted = 0;
    for (; begin < path; begin++)
        lifted += *begin == 'M';
    assert_int_equal(lifted, 2); /* begun, and again behind the gap */
    free(text);
}

/* Steps that took longer and longer: over time they lie where the clock says, points as well. */
static void a_clock_puts_steps_on_a_time_axis(void **state) {
    (void)state;
    series loss = {0}, clock = {0};
    for (int step = 1; step <= 100; step++) {
        series_add(&loss, step, 1.0 / step);
        series_add(&clock, step, step * step * 0.5);
    }
    const chart_point point[] = {{10, 0.5}, {100, 0.25}};
    chart_series curve = {.name = "train", .steps = &loss, .clock = &clock};
    chart_series epochs = {.name = "val", .point = point, .count = 2, .clock = &clock};
    double at, raw, smooth;
    assert_true(chart_read(&curve, false, 5000, &at, &raw, &smooth));
    assert_float_equal(at, 5000, 1e-9);
    assert_float_equal(raw, 0.01, 1e-9);
    assert_true(chart_read(&curve, false, 1249, &at, &raw, &smooth)); /* step 49 is at 1200.5, 50 at 1250 */
    assert_float_equal(raw, 1.0 / 49, 1e-9);
    assert_true(chart_read(&epochs, false, 51, &at, &raw, &smooth));
    assert_float_equal(at, 50, 1e-9);
    assert_false(chart_read(&epochs, false, 49, &at, &raw, &smooth));
    series none = {0};
    assert_true(isnan(curve_place(&(chart_series){.clock = &none}, 3)));
    series_clear(&loss);
    series_clear(&clock);
}

int main(void) {
    setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_puts_steps_on_a_time_axis),
        cmocka_unit_test(the_numbers_are_those_that_are_shown),
        cmocka_unit_test(the_picture_has_every_curve_and_mark),
        cmocka_unit_test(a_line_from_far_outside_is_clipped_not_dropped),
        cmocka_unit_test(higher_levels_replace_and_equal_ones_unite),
        cmocka_unit_test(braille_dots_are_where_unicode_has_them),
        cmocka_unit_test(a_spike_of_one_step_is_seen),
        cmocka_unit_test(what_is_not_finite_leaves_a_gap_and_a_mark),
        cmocka_unit_test(smoothing_starts_at_the_first_value_and_keeps_a_constant),
        cmocka_unit_test(a_logarithmic_axis_smooths_logarithms),
        cmocka_unit_test(merging_buckets_hardly_moves_the_smoothed_curve),
        cmocka_unit_test(the_crosshair_reads_the_value_at_or_before_it),
        cmocka_unit_test(columns_and_values_of_x_belong_to_each_other),
        cmocka_unit_test(nothing_is_drawn_outside_the_box_whatever_the_values),
        cmocka_unit_test(every_value_of_a_short_curve_has_a_dot_of_its_own),
        cmocka_unit_test(a_value_at_the_very_edge_stays_inside),
        cmocka_unit_test(a_growing_curve_changes_few_cells),
        cmocka_unit_test(without_colour_letters_tell_curves_apart),
        cmocka_unit_test(ghosts_lie_beneath),
        cmocka_unit_test(a_mark_is_a_dotted_line_with_its_label),
        cmocka_unit_test(an_empty_chart_says_what_to_do),
        cmocka_unit_test(ticks_hold_the_range_and_are_not_too_many),
        cmocka_unit_test(numbers_are_written_as_people_read_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
