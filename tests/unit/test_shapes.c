/*
 * test_shapes.c - the bundled set: whole, the same from the same seed, made once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/data/dataset.h"
#include "engine/data/image.h"
#include "engine/data/shapes_draw.h"
#include "engine/data/walk.h"

static void must_draw(const thaw_shapes_params *p) {
    thaw_status status = thaw_shapes_draw(p);
    assert_string_equal(status.message, "");
}

static thaw_dataset *must_open(const char *path) {
    thaw_dataset *d;
    thaw_dataset_params p = thaw_dataset_default_params();
    p.path = path;
    p.verify = true;
    thaw_status status = thaw_dataset_open(&p, &d);
    assert_string_equal(status.message, "");
    assert_int_equal(thaw_dataset_skipped_count(d), 0);
    return d;
}

static thaw_shapes_params small(const char *path) {
    thaw_shapes_params p = thaw_shapes_default_params();
    p.path = path;
    p.train_per_class = 4;
    p.val_per_class = 2;
    return p;
}

static void must_be_equal(const char *a, const char *b) {
    char *x, *y;
    size_t nx, ny;
    thaw_status status = file_read(a, 1 << 20, &x, &nx);
    assert_string_equal(status.message, "");
    status = file_read(b, 1 << 20, &y, &ny);
    assert_string_equal(status.message, "");
    assert_int_equal(nx, ny);
    assert_memory_equal(x, y, nx);
    free(x);
    free(y);
}

static size_t leftovers(const char *folder) {
    name_list names = {0};
    size_t count = 0;
    thaw_status status = walk_folders(folder, &names);
    assert_string_equal(status.message, "");
    for (size_t i = 0; i < names.count; i++)
        count += strstr(names.item[i], ".tmp-") != NULL;
    name_list_clear(&names);
    return count;
}

static void the_set_is_eight_classes_on_two_sides(void **state) {
    (void)state;
    thaw_shapes_params p = small("deep/er/set");
    p.side = 48;
    must_draw(&p);
    thaw_dataset *d = must_open("deep/er/set");
    assert_true(thaw_dataset_has_split(d));
    assert_int_equal(thaw_dataset_class_count(d), SHAPES_CLASSES);
    for (int c = 0; c < SHAPES_CLASSES; c++) {
        const char *path;
        int label, width, height;
        assert_string_equal(thaw_dataset_class_name(d, c), shapes_class_name(c));
        assert_int_equal(thaw_dataset_class_images(d, c, true), 4);
        assert_int_equal(thaw_dataset_class_images(d, c, false), 2);
        thaw_status status = thaw_dataset_image(d, true, (size_t)c * 4, &path, &label, &width, &height);
        assert_string_equal(status.message, "");
        assert_int_equal(label, c);
        assert_int_equal(width, 48);
        assert_int_equal(height, 48);
    }
    thaw_dataset_free(d);
    assert_int_equal(leftovers("deep/er"), 0);
}

static void the_same_seed_draws_the_same_files(void **state) {
    (void)state;
    thaw_shapes_params a = small("a"), b = small("b"), other = small("other");
    b.train_per_class = 6; /* a larger set begins with the smaller one */
    other.seed = 1;
    must_draw(&a);
    must_draw(&b);
    must_draw(&other);
    must_be_equal("a/train/star/0003.jpg", "b/train/star/0003.jpg");
    must_be_equal("a/val/circle/0001.jpg", "b/val/circle/0001.jpg");
    image x, y;
    thaw_status status = image_read("a/train/star/0003.jpg", 0, &x);
    assert_string_equal(status.message, "");
    status = image_read("other/train/star/0003.jpg", 0, &y);
    assert_string_equal(status.message, "");
    assert_memory_not_equal(x.rgb, y.rgb, 32 * 32 * 3);
    image_clear(&y);
    status = image_read("a/val/star/0001.jpg", 0, &y); /* the sides share no picture */
    assert_string_equal(status.message, "");
    image_clear(&x);
    status = image_read("a/train/star/0001.jpg", 0, &x);
    assert_string_equal(status.message, "");
    assert_memory_not_equal(x.rgb, y.rgb, 32 * 32 * 3);
    image_clear(&x);
    image_clear(&y);
}

/* Without grain and scraps a shape must show: two colours, and its own area. */
static void every_shape_covers_a_part_of_its_own(void **state) {
    (void)state;
    shapes_style plain = {.radius_min = 0.4, .radius_max = 0.4, .contrast_min = 0.6, .contrast_max = 0.6};
    int area[SHAPES_CLASSES];
    for (int c = 0; c < SHAPES_CLASSES; c++) {
        rng r = rng_keyed(1, RNG_TEST, 0, 0);
        image im;
        shapes_draw_picture(&plain, c, 128, &r, &im);
        area[c] = 0;
        for (int i = 0; i < 128 * 128; i++)
            area[c] += memcmp(im.rgb + i * 3, im.rgb, 3) != 0;
        assert_in_range(area[c], 128 * 128 / 20, 128 * 128 / 2);
        for (int other = 0; other < c; other++)
            assert_int_not_equal(area[c], area[other]);
        image_clear(&im);
    }
}

static void without_saturation_everything_is_grey(void **state) {
    (void)state;
    shapes_style grey = shapes_default_style();
    grey.saturation = 0;
    grey.noise_min = grey.noise_max = 0; /* grain is of any colour */
    rng r = rng_keyed(1, RNG_TEST, 0, 0);
    image im;
    shapes_draw_picture(&grey, 0, 32, &r, &im);
    for (int i = 0; i < 32 * 32; i++) {
        assert_int_equal(im.rgb[i * 3], im.rgb[i * 3 + 1]);
        assert_int_equal(im.rgb[i * 3], im.rgb[i * 3 + 2]);
    }
    image_clear(&im);
}

/* The largest jump between two pixels side by side. */
static int sharpest(const image *im) {
    int most = 0;
    for (int y = 0; y < im->height; y++)
        for (int i = 0; i < (im->width - 1) * 3; i++) {
            const uint8_t *value = im->rgb + y * im->width * 3 + i;
            int jump = abs(value[3] - value[0]);
            if (jump > most) most = jump;
        }
    return most;
}

static void softness_takes_the_edge_off_and_nothing_else(void **state) {
    (void)state;
    shapes_style hard = {.radius_min = 0.4, .radius_max = 0.4, .contrast_min = 0.6, .contrast_max = 0.6};
    shapes_style soft = hard;
    soft.softness = 6;
    rng a = rng_keyed(1, RNG_TEST, 0, 0), b = a;
    image x, y;
    shapes_draw_picture(&hard, 5, 32, &a, &x); /* a square: its sides are straight */
    shapes_draw_picture(&soft, 5, 32, &b, &y);
    assert_true(sharpest(&y) < sharpest(&x) * 3 / 4);
    assert_memory_equal(x.rgb, y.rgb, 3); /* the ground, far from any edge */
    image_clear(&x);
    image_clear(&y);
}

static void a_place_that_is_taken_is_left_alone(void **state) {
    (void)state;
    thaw_shapes_params p = small("taken");
    mkdir("taken", 0777);
    must_draw(&p); /* empty: fine */
    thaw_status status = thaw_shapes_draw(&p);
    assert_int_equal(status.code, THAW_ERR_USAGE);
    assert_non_null(strstr(status.message, "taken is not an empty folder"));
    p.path = "a file";
    status = file_replace("a file", "x", 1);
    assert_string_equal(status.message, "");
    status = thaw_shapes_draw(&p);
    assert_true(thaw_failed(&status));
    assert_int_equal(leftovers("."), 0);
}

static void senseless_wishes_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *path;
        int train, val, side;
        const char *word;
    } cases[] = {
        {"", 1, 1, 32, "no folder"},   {NULL, 1, 1, 32, "no folder"},
        {"x", 0, 1, 32, "0 training"}, {"x", 1, -1, 32, "-1 validation"},
        {"x", 1, 1, 7, "shapes of 7"}, {"x", 1, 1, 100000, "100000 pixels"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        thaw_shapes_params p = {cases[i].path, cases[i].train, cases[i].val, cases[i].side, 0};
        thaw_status status = thaw_shapes_draw(&p);
        assert_int_equal(status.code, THAW_ERR_USAGE);
        if (!strstr(status.message, cases[i].word))
            fail_msg("\"%s\" is not in: %s", cases[i].word, status.message);
    }
    assert_false(path_exists("x"));
}

static void the_bundled_set_is_drawn_into_the_cache_once(void **state) {
    (void)state;
    char *home = realpath(".", NULL), *cache = path_join(home, "cache");
    setenv("XDG_CACHE_HOME", cache, 1);
    thaw_dataset *d = must_open("shapes");
    assert_int_equal(thaw_dataset_images(d, true), 160);
    assert_int_equal(thaw_dataset_images(d, false), 400);
    assert_non_null(strstr(thaw_dataset_root(d), "/cache/thaw/shapes-v"));
    char *first = path_join(thaw_dataset_root(d), "train/ring/0000.jpg");
    struct stat before, after;
    assert_int_equal(stat(first, &before), 0);
    thaw_dataset_free(d);
    d = must_open("shapes");
    assert_int_equal(stat(first, &after), 0);
    assert_true(before.st_ino == after.st_ino);
    thaw_dataset_free(d);
    free(first);
    free(cache);
    free(home);
}

static void programs_that_draw_it_at_once_all_find_it_whole(void **state) {
    (void)state;
    enum { PROGRAMS = 4 };
    char *home = realpath(".", NULL), *cache = path_join(home, "race");
    setenv("XDG_CACHE_HOME", cache, 1);
    pid_t child[PROGRAMS];
    for (int i = 0; i < PROGRAMS; i++) {
        child[i] = fork();
        assert_true(child[i] >= 0);
        if (child[i]) continue;
        thaw_dataset *d;
        thaw_dataset_params p = thaw_dataset_default_params();
        p.path = "shapes";
        thaw_status status = thaw_dataset_open(&p, &d);
        _exit(!thaw_failed(&status) && thaw_dataset_images(d, true) == 160 ? 0 : 1);
    }
    for (int i = 0; i < PROGRAMS; i++) {
        int how;
        assert_int_equal(waitpid(child[i], &how, 0), child[i]);
        assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    }
    char *folder = path_join(cache, "thaw");
    assert_int_equal(leftovers(folder), 0);
    free(folder);
    free(cache);
    free(home);
}

static void a_cache_that_cannot_be_written_is_named(void **state) {
    (void)state;
    char *home = realpath(".", NULL), *cache = path_join(home, "blocked");
    thaw_status status = file_replace(cache, "x", 1); /* a file where the folder should be */
    assert_string_equal(status.message, "");
    setenv("XDG_CACHE_HOME", cache, 1);
    thaw_dataset *d;
    thaw_dataset_params p = thaw_dataset_default_params();
    p.path = "shapes";
    status = thaw_dataset_open(&p, &d);
    assert_true(thaw_failed(&status));
    assert_non_null(strstr(status.message, "XDG_CACHE_HOME"));
    assert_non_null(strstr(status.message, "blocked"));
    free(cache);
    free(home);
}

static void a_folder_called_shapes_comes_first(void **state) {
    (void)state;
    thaw_shapes_params p = small("shapes");
    must_draw(&p);
    thaw_dataset *d = must_open("shapes");
    assert_string_equal(thaw_dataset_root(d), "shapes");
    assert_int_equal(thaw_dataset_images(d, true), 4 * SHAPES_CLASSES);
    thaw_dataset_free(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_set_is_eight_classes_on_two_sides),
        cmocka_unit_test(the_same_seed_draws_the_same_files),
        cmocka_unit_test(every_shape_covers_a_part_of_its_own),
        cmocka_unit_test(without_saturation_everything_is_grey),
        cmocka_unit_test(softness_takes_the_edge_off_and_nothing_else),
        cmocka_unit_test(a_place_that_is_taken_is_left_alone),
        cmocka_unit_test(senseless_wishes_are_refused),
        cmocka_unit_test(the_bundled_set_is_drawn_into_the_cache_once),
        cmocka_unit_test(programs_that_draw_it_at_once_all_find_it_whole),
        cmocka_unit_test(a_cache_that_cannot_be_written_is_named),
        cmocka_unit_test(a_folder_called_shapes_comes_first),
    };
    return cmocka_run_group_tests_name("shapes", tests, NULL, NULL);
}
