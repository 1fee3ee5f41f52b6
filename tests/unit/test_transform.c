/*
 * test_transform.c - resizing as Pillow, cropping as torchvision, randomness within its bounds.
 *
 * The expected bytes of the resizing tests were computed by Pillow 9.4; tests/parity/data_parity.py compares
 * a thousand more cases where Python is at hand.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/data/transform.h"
#include "image_fixture.h"

static transform make(int resize, int crop, augment a) {
    return (transform){.resize = resize,
                       .crop = crop,
                       .interpolation = INTERPOLATE_BILINEAR,
                       .augment = a,
                       .scale_min = 0.08,
                       .scale_max = 1,
                       .mean = {0.485f, 0.456f, 0.406f},
                       .std = {0.229f, 0.224f, 0.225f}};
}

typedef struct resize_case {
    interpolation how;
    int width, height;
    double box[4];
    uint8_t want[36];
} resize_case;

static const resize_case resize_cases[] = {
    {INTERPOLATE_NEAREST, 4, 3, {0, 0, 13, 9}, {98, 4,  3,   113, 4,  6,   133, 64,  100, 148, 124, 193,
                                                98, 16, 9,   113, 16, 12,  133, 76,  106, 148, 136, 199,
                                                98, 88, 105, 113, 88, 108, 133, 148, 202, 148, 28,  25}},
    {INTERPOLATE_NEAREST, 5, 2, {1.5, 0.25, 11.75, 8.5}, {103, 8,   6,   113, 8,   8,   123, 68,  100, 133,
                                                          68,  102, 143, 128, 194, 103, 24,  14,  113, 24,
                                                          16,  123, 84,  108, 133, 84,  110, 143, 144, 202}},
    {INTERPOLATE_NEAREST, 3, 4, {6, 4, 8, 6}, {123, 76, 104, 128, 76, 105, 128, 76, 105, 123, 76, 104,
                                               128, 76, 105, 128, 76, 105, 123, 80, 106, 128, 80, 107,
                                               128, 80, 107, 123, 80, 106, 128, 80, 107, 128, 80, 107}},
    {INTERPOLATE_BILINEAR, 4, 3, {0, 0, 13, 9}, {100, 5,  4,  115, 33, 49,  131, 70,  108, 146, 114, 177,
                                                 100, 16, 9,  115, 44, 54,  131, 81,  113, 146, 125, 182,
                                                 100, 65, 71, 115, 93, 116, 131, 120, 161, 146, 82,  106}},
    {INTERPOLATE_BILINEAR, 5, 2, {1.5, 0.25, 11.75, 8.5}, {103, 8,   6,   113, 26,  35,  124, 68,  100, 134,
                                                           71,  107, 144, 116, 177, 103, 42,  42,  113, 60,
                                                           71,  124, 102, 136, 134, 102, 139, 144, 104, 144}},
    {INTERPOLATE_BILINEAR, 3, 4, {6, 4, 8, 6}, {122, 75, 104, 126, 75, 105, 129, 75, 105, 122, 77, 105,
                                                126, 77, 106, 129, 77, 106, 122, 79, 106, 126, 79, 107,
                                                129, 79, 107, 122, 81, 107, 126, 81, 108, 129, 81, 108}},
    {INTERPOLATE_BICUBIC, 4, 3, {0, 0, 13, 9}, {99, 2,  0,  115, 31, 47,  131, 69,  108, 147, 116, 181,
                                                99, 11, 3,  115, 42, 51,  131, 80,  112, 147, 130, 190,
                                                99, 63, 68, 115, 94, 118, 131, 126, 169, 147, 78,  101}},
    {INTERPOLATE_BICUBIC, 5, 2, {1.5, 0.25, 11.75, 8.5}, {103, 4,   0,   113, 22,  31,  124, 67,  100, 134,
                                                          65,  99,  145, 121, 184, 103, 43,  42,  113, 62,
                                                          73,  124, 107, 143, 134, 105, 142, 145, 102, 140}},
    {INTERPOLATE_BICUBIC, 3, 4, {6, 4, 8, 6}, {122, 76, 105, 126, 75, 105, 129, 75, 105, 122, 78, 106,
                                               126, 77, 106, 129, 77, 106, 122, 80, 107, 126, 79, 107,
                                               129, 79, 107, 122, 81, 105, 126, 80, 105, 129, 80, 105}},
};

static void resizing_gives_pillows_bytes(void **state) {
    (void)state;
    image im, got;
    fix_picture(&im, 13, 9, 3);
    for (size_t i = 0; i < sizeof resize_cases / sizeof resize_cases[0]; i++) {
        const resize_case *c = &resize_cases[i];
        image_resize(&im, c->box, c->width, c->height, c->how, &got);
        for (int k = 0; k < c->width * c->height * 3; k++)
            if (got.rgb[k] != c->want[k])
                fail_msg("case %zu, byte %d: %d instead of Pillow's %d", i, k, got.rgb[k], c->want[k]);
        image_clear(&got);
    }
    image_clear(&im);
}

static void resizing_to_its_own_size_changes_nothing(void **state) {
    (void)state;
    image im, got;
    fix_picture(&im, 70, 41, 1);
    for (int how = INTERPOLATE_NEAREST; how <= INTERPOLATE_BICUBIC; how++) {
        image_resize(&im, (double[]){0, 0, 70, 41}, 70, 41, (interpolation)how, &got);
        assert_memory_equal(got.rgb, im.rgb, 70 * 41 * 3);
        image_clear(&got);
    }
    image_clear(&im);
}

static void the_shorter_side_is_exact_and_the_longer_is_cut(void **state) {
    (void)state;
    static const int cases[][5] = {/* from, shorter, to */
                                   {500, 375, 256, 341, 256},
                                   {375, 500, 256, 256, 341},
                                   {100, 100, 33, 33, 33},
                                   {3, 2, 5, 7, 5},
                                   {1, 1, 9, 9, 9}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        image im, got;
        fix_picture(&im, cases[i][0], cases[i][1], 0);
        image_resize_shorter(&im, cases[i][2], INTERPOLATE_BILINEAR, &got);
        assert_int_equal(got.width, cases[i][3]);
        assert_int_equal(got.height, cases[i][4]);
        image_clear(&got);
        image_clear(&im);
    }
}

static void a_centre_crop_rounds_halves_to_even(void **state) {
    (void)state;
    /* size, crop, first column: torchvision takes int(round((size - crop) / 2.0)), and Python rounds to even
     */
    static const int cases[][3] = {{9, 4, 2}, {7, 4, 2}, {8, 4, 2}, {5, 4, 0}, {15, 4, 6}, {4, 4, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        image im, got;
        fix_picture(&im, cases[i][0], 4, 0);
        image_center_crop(&im, cases[i][1], &got);
        for (int y = 0; y < 4; y++)
            assert_memory_equal(got.rgb + y * 4 * 3, im.rgb + (y * cases[i][0] + cases[i][2]) * 3, 4 * 3);
        image_clear(&got);
        image_clear(&im);
    }
}

static void a_crop_larger_than_the_picture_is_padded_with_black(void **state) {
    (void)state;
    image im, got;
    fix_picture(&im, 5, 2, 1);
    image_center_crop(&im, 6, &got); /* columns: 0 before, 1 after; rows: 2 and 2 */
    for (int y = 0; y < 6; y++)
        for (int x = 0; x < 6; x++) {
            static const uint8_t black[3] = {0};
            bool inside = y >= 2 && y < 4 && x < 5;
            assert_memory_equal(got.rgb + (y * 6 + x) * 3, inside ? im.rgb + ((y - 2) * 5 + x) * 3 : black,
                                3);
        }
    image_clear(&got);
    image_clear(&im);
}

/* Computing only the crop must equal cropping the whole. */
static void evaluation_is_resize_then_crop(void **state) {
    (void)state;
    static const int cases[][4] = {
        {90, 61, 40, 32}, {61, 90, 33, 32}, {20, 31, 64, 50}, {10, 8, 16, 24}, {7, 90, 9, 8}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int how = INTERPOLATE_NEAREST; how <= INTERPOLATE_BICUBIC; how++) {
            image im, resized, cropped;
            transform t = make(cases[i][2], cases[i][3], AUGMENT_NONE);
            t.interpolation = (interpolation)how;
            fix_picture(&im, cases[i][0], cases[i][1], 2);
            image_resize_shorter(&im, t.resize, t.interpolation, &resized);
            image_center_crop(&resized, t.crop, &cropped);
            size_t count = (size_t)t.crop * (size_t)t.crop * 3;
            uint8_t *got = xmalloc(count);
            transform_eval(&t, &im, got);
            assert_memory_equal(got, cropped.rgb, count);
            free(got);
            image_clear(&cropped);
            image_clear(&resized);
            image_clear(&im);
        }
    }
}

static void strips_and_dots_pass_through_every_transform(void **state) {
    (void)state;
    static const int sizes[][2] = {{20000, 1}, {1, 20000}, {1, 1}, {65500, 2}, {3, 4000}};
    enum { BYTES = 224 * 224 * 3 };
    uint8_t *out = xmalloc(BYTES), *again = xmalloc(BYTES);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        image im;
        fix_picture(&im, sizes[i][0], sizes[i][1], 1);
        for (int a = AUGMENT_NONE; a <= AUGMENT_SHIFT; a++) {
            for (int resize = 0; resize <= 256; resize += 256) {
                transform t = make(resize, 224, (augment)a);
                rng r = rng_keyed(1, RNG_TEST, i, (uint64_t)a), same = r;
                memset(out, 0, BYTES); /* every byte is written: what was there before is not seen */
                memset(again, 255, BYTES);
                transform_train(&t, &im, &r, out);
                transform_train(&t, &im, &same, again);
                assert_memory_equal(out, again, BYTES);
                memset(again, 254, BYTES);
                transform_eval(&t, &im, out);
                transform_eval(&t, &im, again);
                assert_memory_equal(out, again, BYTES);
            }
        }
        image_clear(&im);
    }
    free(out);
    free(again);
}

static void the_same_numbers_give_the_same_picture(void **state) {
    (void)state;
    image im, first, again, other;
    fix_picture(&im, 120, 90, 1);
    for (int a = AUGMENT_FLIP; a <= AUGMENT_SHIFT; a++) {
        transform t = make(64, 48, (augment)a);
        int different = 0;
        for (uint64_t index = 0; index < 20; index++) {
            rng r = rng_keyed(7, RNG_AUGMENT, 3, index);
            transform_preview(&t, &im, true, &r, &first);
            r = rng_keyed(7, RNG_AUGMENT, 3, index);
            transform_preview(&t, &im, true, &r, &again);
            r = rng_keyed(7, RNG_AUGMENT, 4, index);
            transform_preview(&t, &im, true, &r, &other);
            assert_memory_equal(first.rgb, again.rgb, 48 * 48 * 3);
            different += memcmp(first.rgb, other.rgb, 48 * 48 * 3) != 0;
            image_clear(&first);
            image_clear(&again);
            image_clear(&other);
        }
        assert_true(different > 0);
    }
    image_clear(&im);
}

static void half_of_the_pictures_are_mirrored(void **state) {
    (void)state;
    image im, plain, got;
    int mirrored = 0, trials = 2000;
    fix_picture(&im, 8, 8, 1);
    transform t = make(0, 8, AUGMENT_FLIP);
    transform_preview(&t, &im, false, NULL, &plain);
    for (int i = 0; i < trials; i++) {
        rng r = rng_keyed(0, RNG_TEST, 0, (uint64_t)i);
        transform_preview(&t, &im, true, &r, &got);
        bool same = memcmp(got.rgb, plain.rgb, 8 * 8 * 3) == 0;
        for (int y = 0; !same && y < 8; y++)
            for (int x = 0; x < 8; x++)
                assert_memory_equal(got.rgb + (y * 8 + x) * 3, plain.rgb + (y * 8 + 7 - x) * 3, 3);
        mirrored += !same;
        image_clear(&got);
    }
    assert_in_range(mirrored, trials / 2 - 100, trials / 2 + 100);
    image_clear(&plain);
    image_clear(&im);
}

/* Each pixel of the picture says where it was, so that the shift can be read off the result. */
static void shifts_cover_every_offset_and_fill_with_black(void **state) {
    (void)state;
    image im = {.width = 16, .height = 16, .rgb = xcalloc(16 * 16, 3)}, got;
    for (int i = 0; i < 16 * 16; i++) {
        im.rgb[i * 3] = (uint8_t)(i % 16 + 1);
        im.rgb[i * 3 + 1] = (uint8_t)(i / 16 + 1);
    }
    transform t = make(0, 16, AUGMENT_SHIFT);
    bool seen[5][5] = {{false}};
    for (int i = 0; i < 1000; i++) {
        rng r = rng_keyed(0, RNG_TEST, 1, (uint64_t)i);
        transform_preview(&t, &im, true, &r, &got);
        int middle = (8 * 16 + 8) * 3, step = got.rgb[middle + 3] - got.rgb[middle]; /* -1: mirrored */
        int dy = 9 - got.rgb[middle + 1], dx = step > 0 ? 9 - got.rgb[middle] : 8 - got.rgb[middle];
        assert_in_range(dx + 2, 0, 4);
        assert_in_range(dy + 2, 0, 4);
        seen[dy + 2][dx + 2] = true;
        for (int y = 0; y < 16; y++)
            for (int x = 0; x < 16; x++) {
                int from_x = (step > 0 ? x : 15 - x) - dx, from_y = y - dy;
                bool inside = from_x >= 0 && from_x < 16 && from_y >= 0 && from_y < 16;
                assert_int_equal(got.rgb[(y * 16 + x) * 3], inside ? from_x + 1 : 0);
                assert_int_equal(got.rgb[(y * 16 + x) * 3 + 1], inside ? from_y + 1 : 0);
            }
        image_clear(&got);
    }
    for (int i = 0; i < 25; i++)
        assert_true(seen[i / 5][i % 5]);
    image_clear(&im);
}

/* A picture whose red and green say where a pixel was: the crop's box can be estimated from the result. */
static void random_crops_keep_to_their_scale_and_ratio(void **state) {
    (void)state;
    enum { SIDE = 240, TRIALS = 2000 };
    image im = {.width = SIDE, .height = SIDE, .rgb = xcalloc(SIDE * SIDE, 3)}, got;
    for (int i = 0; i < SIDE * SIDE; i++) {
        im.rgb[i * 3] = (uint8_t)(i % SIDE);
        im.rgb[i * 3 + 1] = (uint8_t)(i / SIDE);
    }
    transform t = make(0, 24, AUGMENT_BASIC);
    t.scale_min = 0.25;
    double area_sum = 0, smallest = 2, largest = 0, lowest = 9, highest = 0;
    for (int i = 0; i < TRIALS; i++) {
        rng r = rng_keyed(0, RNG_TEST, 2, (uint64_t)i);
        transform_preview(&t, &im, true, &r, &got);
        int left = got.rgb[(12 * 24 + 2) * 3], right = got.rgb[(12 * 24 + 21) * 3];
        int top = got.rgb[(2 * 24 + 12) * 3 + 1], bottom = got.rgb[(21 * 24 + 12) * 3 + 1];
        double w = abs(right - left) * 24.0 / 19, h = (bottom - top) * 24.0 / 19,
               area = w * h / (SIDE * SIDE);
        area_sum += area;
        smallest = fmin(smallest, area);
        largest = fmax(largest, area);
        lowest = fmin(lowest, w / h);
        highest = fmax(highest, w / h);
        image_clear(&got);
    }
    assert_true(smallest > 0.22 && smallest < 0.30);
    assert_true(largest > 0.9 && largest < 1.05);
    assert_true(lowest > 0.70 && lowest < 0.80);
    assert_true(highest > 1.25 && highest < 1.40);
    assert_true(fabs(area_sum / TRIALS - 0.6) <
                0.05); /* a little under 0.625: wide crops of nearly all fail */
    image_clear(&im);
}

static void the_two_halves_make_the_whole(void **state) {
    (void)state;
    image im, base;
    uint8_t whole[24 * 24 * 3], halves[24 * 24 * 3];
    fix_picture(&im, 50, 40, 1);
    for (int a = AUGMENT_NONE; a <= AUGMENT_SHIFT; a++) {
        transform t = make(30, 24, (augment)a);
        rng r = rng_keyed(0, RNG_TEST, 3, (uint64_t)a), same = r;
        transform_train(&t, &im, &r, whole);
        if (transform_base_is_crop(&t, true)) {
            transform_base(&t, &im, &base);
            transform_finish(&t, &base, true, &same, halves);
            image_clear(&base);
        } else {
            transform_finish(&t, &im, true, &same, halves);
        }
        assert_memory_equal(whole, halves, sizeof whole);
    }
    image_clear(&im);
}

static void names_are_read_back(void **state) {
    (void)state;
    for (int i = AUGMENT_NONE; i <= AUGMENT_SHIFT; i++) {
        augment a;
        assert_true(augment_parse(augment_name((augment)i), &a));
        assert_int_equal(a, i);
    }
    for (int i = INTERPOLATE_NEAREST; i <= INTERPOLATE_BICUBIC; i++) {
        interpolation how;
        assert_true(interpolation_parse(interpolation_name((interpolation)i), &how));
        assert_int_equal(how, i);
    }
    augment a;
    interpolation how;
    assert_false(augment_parse("Basic", &a));
    assert_false(augment_parse(NULL, &a));
    assert_false(interpolation_parse("", &how));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resizing_gives_pillows_bytes),
        cmocka_unit_test(resizing_to_its_own_size_changes_nothing),
        cmocka_unit_test(the_shorter_side_is_exact_and_the_longer_is_cut),
        cmocka_unit_test(a_centre_crop_rounds_halves_to_even),
        cmocka_unit_test(a_crop_larger_than_the_picture_is_padded_with_black),
        cmocka_unit_test(evaluation_is_resize_then_crop),
        cmocka_unit_test(strips_and_dots_pass_through_every_transform),
        cmocka_unit_test(the_same_numbers_give_the_same_picture),
        cmocka_unit_test(half_of_the_pictures_are_mirrored),
        cmocka_unit_test(shifts_cover_every_offset_and_fill_with_black),
        cmocka_unit_test(random_crops_keep_to_their_scale_and_ratio),
        cmocka_unit_test(the_two_halves_make_the_whole),
        cmocka_unit_test(names_are_read_back),
    };
    return cmocka_run_group_tests_name("transform", tests, NULL, NULL);
}
