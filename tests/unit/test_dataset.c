/*
 * test_dataset.c - which folders are datasets, what is in them, and what is said about those that are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/data/dataset.h"
#include "image_fixture.h"

static thaw_status open_with(const char *path, double fraction, thaw_dataset **out) {
    thaw_dataset_params p = thaw_dataset_default_params();
    p.path = path;
    p.val_fraction = fraction;
    return thaw_dataset_open(&p, out);
}

static thaw_dataset *must_open(const char *path, double fraction) {
    thaw_dataset *d;
    thaw_status status = open_with(path, fraction, &d);
    assert_string_equal(status.message, "");
    return d;
}

static void must_refuse(const char *path, thaw_code code, const char *word) {
    thaw_dataset *d;
    thaw_status status = open_with(path, 0.2, &d);
    assert_null(d);
    assert_int_equal(status.code, code);
    if (!strstr(status.message, word)) fail_msg("\"%s\" is not in: %s", word, status.message);
}

/* COUNT small pictures FOLDER/<prefix>N.jpg. */
static void fill(const char *folder, const char *prefix, int count) {
    for (int i = 0; i < count; i++) {
        char *path = xasprintf("%s/%s%d.jpg", folder, prefix, i);
        fix_write_picture(path, 8, 8, i);
        free(path);
    }
}

static const char *skip_reason(const thaw_dataset *d, const char *file) {
    for (size_t i = 0; i < thaw_dataset_skipped_count(d); i++)
        if (strcmp(thaw_dataset_skipped_at(d, i)->file, file) == 0)
            return thaw_dataset_skipped_at(d, i)->reason;
    return "(not skipped)";
}

/* Whether PATH is on the given side. */
static bool has(const split *s, const char *path) {
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->item[i].path, path) == 0) return true;
    return false;
}

static void folders_name_the_sides(void **state) {
    (void)state;
    static const char *const sides[][2] = {
        {"train", "val"}, {"train", "valid"}, {"training", "validation"}, {"Train", "TEST"}};
    for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++) {
        char root[32];
        snprintf(root, sizeof root, "sides%zu", i);
        for (int side = 0; side < 2; side++)
            for (int c = 0; c < 2; c++) {
                char *folder = xasprintf("%s/%s/%s", root, sides[i][side], c ? "bee" : "ant");
                fill(folder, "x", 3 + side + c);
                free(folder);
            }
        thaw_dataset *d = must_open(root, 0.2);
        assert_true(thaw_dataset_has_split(d));
        assert_string_equal(thaw_dataset_root(d), root);
        assert_int_equal(thaw_dataset_class_count(d), 2);
        assert_string_equal(thaw_dataset_class_name(d, 0), "ant");
        assert_string_equal(thaw_dataset_class_name(d, 1), "bee");
        assert_string_equal(thaw_dataset_class_name(d, 2), "?");
        assert_int_equal(thaw_dataset_images(d, true), 7);
        assert_int_equal(thaw_dataset_images(d, false), 9);
        assert_int_equal(thaw_dataset_class_images(d, 1, true), 4);
        assert_int_equal(thaw_dataset_class_images(d, 0, false), 4);
        assert_int_equal(thaw_dataset_skipped_count(d), 0);
        assert_null(thaw_dataset_skipped_at(d, 0));
        thaw_dataset_free(d);
    }
}

static void val_wins_over_test(void **state) {
    (void)state;
    fill("three/train/a", "x", 4);
    fill("three/val/a", "x", 2);
    fill("three/test/a", "x", 7);
    thaw_dataset *d = must_open("three", 0.2);
    assert_int_equal(thaw_dataset_images(d, true), 4);
    assert_int_equal(thaw_dataset_images(d, false), 2);
    thaw_dataset_free(d);
}

static void a_class_may_be_called_train(void **state) {
    (void)state;
    fill("vehicles/train", "x", 10);
    fill("vehicles/test", "x", 10);
    fill("vehicles/ship", "x", 10);
    thaw_dataset *d = must_open("vehicles", 0.5);
    assert_false(thaw_dataset_has_split(d));
    assert_int_equal(thaw_dataset_class_count(d), 3);
    assert_string_equal(thaw_dataset_class_name(d, 2), "train");
    thaw_dataset_free(d);
}

static void a_training_folder_alone_is_split(void **state) {
    (void)state;
    fill("alone/train/a", "x", 20);
    fill("alone/train/b", "x", 20);
    fix_write_picture("alone/test/unlabelled.jpg", 8, 8, 0);
    thaw_dataset *d = must_open("alone", 0.25);
    assert_false(thaw_dataset_has_split(d));
    assert_int_equal(thaw_dataset_images(d, true) + thaw_dataset_images(d, false), 40);
    assert_true(thaw_dataset_class_images(d, 0, false) >= 1 && thaw_dataset_class_images(d, 1, false) >= 1);
    thaw_dataset_free(d);
}

static void a_validation_folder_alone_can_be_evaluated(void **state) {
    (void)state;
    fill("onlytest/test/a", "x", 3);
    fill("onlytest/test/b", "x", 2);
    thaw_dataset *d = must_open("onlytest", 0.2);
    assert_int_equal(thaw_dataset_class_count(d), 2);
    assert_int_equal(thaw_dataset_images(d, true), 0);
    assert_int_equal(thaw_dataset_images(d, false), 5);
    thaw_dataset_free(d);
}

static void a_file_keeps_its_side_whatever_is_added(void **state) {
    (void)state;
    fill("grow/a", "x", 40);
    fill("grow/b", "x", 40);
    thaw_dataset *before = must_open("grow", 0.3);
    fill("grow/a", "new", 40);
    fill("grow/c", "new", 5);
    remove("grow/b/x0.jpg");
    thaw_dataset *after = must_open("grow", 0.3);
    size_t moved = 0, seen = 0;
    for (size_t i = 0; i < before->train.count; i++)
        moved += has(&after->val, before->train.item[i].path);
    for (size_t i = 0; i < before->val.count; i++) {
        moved += has(&after->train, before->val.item[i].path);
        seen += has(&after->val, before->val.item[i].path);
    }
    assert_int_equal(moved, 0);
    assert_true(seen > 10 && seen < 40); /* about 0.3 of 80 */
    thaw_dataset_free(before);
    thaw_dataset_free(after);
}

static void each_class_of_two_is_on_both_sides(void **state) {
    (void)state;
    for (int c = 0; c < 40; c++) {
        char folder[32];
        snprintf(folder, sizeof folder, "pairs/class%02d", c);
        fill(folder, "x", 1 + c % 3);
    }
    static const double fractions[] = {0.001, 0.2, 0.5, 0.999};
    for (size_t f = 0; f < sizeof fractions / sizeof fractions[0]; f++) {
        thaw_dataset *d = must_open("pairs", fractions[f]);
        for (int c = 0; c < 40; c++) {
            size_t train = thaw_dataset_class_images(d, c, true),
                   val = thaw_dataset_class_images(d, c, false);
            assert_int_equal(train + val, 1 + c % 3);
            if (c % 3 == 0 && fractions[f] < 0.6) assert_true(train <= 1);
            if (c % 3 != 0) assert_true(train >= 1 && val >= 1);
        }
        thaw_dataset_free(d);
    }
    thaw_dataset *none = must_open("pairs", 0), *all = must_open("pairs", 1);
    assert_int_equal(thaw_dataset_images(none, false), 0);
    assert_int_equal(thaw_dataset_images(all, true), 0);
    thaw_dataset_free(none);
    thaw_dataset_free(all);
}

static void content_decides_what_is_a_picture(void **state) {
    (void)state;
    image im;
    str png = {0}, webp = {0};
    fix_picture(&im, 6, 4, 1);
    fix_png(&png, &im, PNG_RGB, false, 0);
    fix_webp(&webp, &im, true, 0);
    fill("content/a", "x", 2);
    fix_write("content/a/really-png.jpg", png.data, png.length);
    fix_write("content/a/no extension", webp.data, webp.length);
    fix_write("content/a/animation.gif", "GIF89a......", 12);
    fix_write("content/a/text.jpg", "hello, this is not a picture", 28);
    fix_write("content/a/nothing.jpg", "", 0);
    fix_write("content/a/.hidden.jpg", "x", 1);
    fix_write("content/.cache/x.jpg", "x", 1);
    fix_write("content/readme.txt", "beside the classes", 18);
    mkfifo("content/a/pipe.jpg", 0666);
    assert_int_equal(symlink("nowhere", "content/a/broken.jpg"), 0);
    thaw_dataset *d = must_open("content", 0);
    assert_int_equal(thaw_dataset_class_count(d), 1);
    assert_int_equal(thaw_dataset_images(d, true), 4);
    assert_int_equal(thaw_dataset_skipped_count(d), 5);
    assert_string_equal(skip_reason(d, "a/animation.gif"), "a GIF; JPEG, PNG and WebP are read");
    assert_non_null(strstr(skip_reason(d, "a/text.jpg"), "not a picture"));
    assert_string_equal(skip_reason(d, "a/nothing.jpg"), "an empty file");
    assert_string_equal(skip_reason(d, "a/pipe.jpg"), "a special file");
    assert_string_equal(skip_reason(d, "a/broken.jpg"), "a link to nothing");
    thaw_dataset_free(d);
    str_clear(&png);
    str_clear(&webp);
    image_clear(&im);
}

static void verifying_finds_files_that_only_look_right(void **state) {
    (void)state;
    image im;
    str jpeg = {0};
    fix_picture(&im, 40, 40, 1);
    fix_jpeg(&jpeg, &im, (fix_jpeg_options){0});
    fill("verify/a", "x", 30);
    fix_write("verify/a/cut.jpg", jpeg.data, jpeg.length / 2);
    thaw_dataset_params p = thaw_dataset_default_params();
    p.path = "verify";
    thaw_dataset *d;
    thaw_status status = thaw_dataset_open(&p, &d);
    assert_string_equal(status.message, "");
    assert_int_equal(thaw_dataset_skipped_count(d), 0);
    thaw_dataset_free(d);
    p.verify = true;
    status = thaw_dataset_open(&p, &d);
    assert_string_equal(status.message, "");
    assert_int_equal(thaw_dataset_skipped_count(d), 1);
    assert_non_null(strstr(skip_reason(d, "a/cut.jpg"), "truncated"));
    thaw_dataset_free(d);
    str_clear(&jpeg);
    image_clear(&im);
}

static void names_may_hold_anything(void **state) {
    (void)state;
    fill("names/snow leopard", "x", 2);
    fill("names/Übergröße 猫", "file with spaces ", 2);
    fill("names/two\nlines", "a\nb", 2);
    fill("names/UPPER", "x", 2);
    fill("names/-dash", "-x", 2);
    thaw_dataset *d = must_open("names/", 0.5); /* a trailing slash as the shell completes it */
    static const char *const sorted[] = {"-dash", "UPPER", "snow leopard", "two\nlines", "Übergröße 猫"};
    assert_string_equal(thaw_dataset_root(d), "names");
    assert_int_equal(thaw_dataset_class_count(d), 5);
    for (int i = 0; i < 5; i++) {
        const char *path;
        int label, width, height;
        assert_string_equal(thaw_dataset_class_name(d, i), sorted[i]);
        thaw_status status = thaw_dataset_image(d, true, (size_t)i, &path, &label, &width, &height);
        assert_string_equal(status.message, "");
        assert_int_equal(label, i);
        assert_int_equal(strncmp(path, sorted[i], strlen(sorted[i])), 0);
    }
    thaw_dataset_free(d);
}

static void folders_inside_a_class_are_walked_in_imagefolders_order(void **state) {
    (void)state;
    static const char *const order[] = {"nested/a/z.jpg", "nested/a/sub-x/1.jpg", "nested/a/sub/1.jpg",
                                        "nested/a/sub/b.jpg", "nested/a/sub/deep/0.jpg"};
    for (size_t i = 0; i < 5; i++)
        fix_write_picture(order[i], 4, 4, (int)i);
    thaw_dataset *d = must_open("nested", 0);
    static const char *const want[] = {"a/z.jpg", "a/sub/1.jpg", "a/sub/b.jpg", "a/sub-x/1.jpg",
                                       "a/sub/deep/0.jpg"};
    assert_int_equal(d->train.count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(d->train.item[i].path, want[i]);
    thaw_dataset_free(d);
}

static void links_are_followed_and_loops_end(void **state) {
    (void)state;
    fill("elsewhere", "x", 3);
    fill("links/a", "x", 2);
    assert_int_equal(symlink("../elsewhere", "links/b"), 0);
    assert_int_equal(symlink("../../elsewhere/x0.jpg", "links/a/linked.jpg"), 0);
    assert_int_equal(symlink("..", "links/a/loop"), 0);
    thaw_dataset *d = must_open("links", 0);
    assert_int_equal(thaw_dataset_class_images(d, 1, true), 3);
    assert_true(has(&d->train, "a/linked.jpg"));
    assert_true(thaw_dataset_images(d, true) < 30);
    bool told = false;
    for (size_t i = 0; i < thaw_dataset_skipped_count(d); i++)
        told = told || strstr(thaw_dataset_skipped_at(d, i)->reason, "contains it");
    assert_true(told);
    thaw_dataset_free(d);
}

static void a_class_missing_on_one_side_is_noted(void **state) {
    (void)state;
    fill("lopsided/train/a", "x", 2);
    fill("lopsided/train/b", "x", 2);
    fill("lopsided/val/a", "x", 2);
    fill("lopsided/val/c", "x", 2);
    thaw_dataset *d = must_open("lopsided", 0.2);
    assert_int_equal(thaw_dataset_class_count(d), 3);
    assert_int_equal(thaw_dataset_class_images(d, 1, false), 0);
    assert_int_equal(thaw_dataset_class_images(d, 2, true), 0);
    assert_non_null(strstr(skip_reason(d, "val/b"), "validate"));
    assert_non_null(strstr(skip_reason(d, "train/c"), "learn"));
    thaw_dataset_free(d);
}

static void one_picture_is_a_dataset_to_look_at(void **state) {
    (void)state;
    fill("one/a", "x", 1);
    thaw_dataset *d = must_open("one", 0.2);
    assert_int_equal(thaw_dataset_class_count(d), 1);
    assert_int_equal(thaw_dataset_images(d, true), 1);
    assert_int_equal(thaw_dataset_images(d, false), 0);
    thaw_dataset_free(d);
}

static void what_is_no_dataset_is_explained(void **state) {
    (void)state;
    mkdir("void", 0777);
    must_refuse("void", THAW_ERR_FORMAT, "is empty");
    fill("flat", "x", 3);
    must_refuse("flat", THAW_ERR_FORMAT, "3 pictures but no class folders");
    fix_write("papers/a.pdf", "%PDF-1.4", 8);
    fix_write("papers/b.gif", "GIF89a", 6);
    must_refuse("papers", THAW_ERR_FORMAT, "no pictures: 2 files, such as a.pdf");
    must_refuse("papers", THAW_ERR_FORMAT, "a GIF");
    fix_write("unreadable/a/x.txt", "text", 4);
    must_refuse("unreadable", THAW_ERR_FORMAT, "x.txt (not a picture");
    fill("hollow/a", "x", 2);
    mkdir("hollow/b c", 0777);
    must_refuse("hollow", THAW_ERR_FORMAT, "hollow/b c is empty");
    fill("outer/inner/train/a", "x", 2);
    must_refuse("outer", THAW_ERR_FORMAT, "open outer/inner");
    must_refuse("holow", THAW_ERR_NOT_FOUND, "did you mean hollow?");
    must_refuse("./holow", THAW_ERR_NOT_FOUND, "did you mean ./hollow?");
    must_refuse("quite/somewhere/else", THAW_ERR_NOT_FOUND, "there is no folder quite/somewhere/else");
    must_refuse("papers/a.pdf", THAW_ERR_USAGE, "is a file");
    must_refuse("", THAW_ERR_USAGE, "no dataset was named");
    must_refuse(NULL, THAW_ERR_USAGE, "no dataset was named");
}

static void a_fraction_outside_0_to_1_is_refused(void **state) {
    (void)state;
    static const double wrong[] = {-0.1, 1.1, 0.0 / 0.0};
    fill("fine/a", "x", 2);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        thaw_dataset *d;
        thaw_status status = open_with("fine", wrong[i], &d);
        assert_int_equal(status.code, THAW_ERR_USAGE);
        assert_non_null(strstr(status.message, "val_fraction"));
    }
}

static void what_may_not_be_read_is_skipped(void **state) {
    (void)state;
    if (geteuid() == 0) skip(); /* root may read everything */
    fill("locked/a", "x", 2);
    fill("locked/a/sub", "x", 2);
    assert_int_equal(chmod("locked/a/x0.jpg", 0), 0);
    assert_int_equal(chmod("locked/a/sub", 0), 0);
    thaw_dataset *d = must_open("locked", 0);
    assert_int_equal(thaw_dataset_images(d, true), 1);
    assert_string_equal(skip_reason(d, "a/x0.jpg"), "Permission denied");
    assert_string_equal(skip_reason(d, "a/sub"), "Permission denied");
    thaw_dataset_free(d);
    assert_int_equal(chmod("locked/a/sub", 0700), 0);
}

static bool stop_at_once(void *user) {
    ++*(int *)user;
    return false;
}

static void a_scan_can_be_cancelled(void **state) {
    (void)state;
    int asked = 0;
    thaw_dataset *d;
    fill("cancel/a", "x", 3);
    thaw_dataset_params p = thaw_dataset_default_params();
    p.path = "cancel";
    p.keep_going = stop_at_once;
    p.user = &asked;
    thaw_status status = thaw_dataset_open(&p, &d);
    assert_int_equal(status.code, THAW_ERR_CANCELLED);
    assert_true(asked > 0);
    assert_null(d);
}

static void thumbnails_fit_and_keep_their_shape(void **state) {
    (void)state;
    static const int cases[][5] = {
        {400, 200, 50, 50, 25}, {200, 400, 50, 25, 50}, {20, 10, 50, 20, 10}, {500, 1, 32, 32, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[40];
        snprintf(path, sizeof path, "thumbs/a/%zu.jpg", i);
        fix_write_picture(path, cases[i][0], cases[i][1], 1);
    }
    thaw_dataset *d = must_open("thumbs", 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int width, height, label;
        uint8_t *rgb;
        const char *path;
        thaw_status status = thaw_dataset_thumbnail(d, true, i, cases[i][2], &width, &height, &rgb);
        assert_string_equal(status.message, "");
        assert_int_equal(width, cases[i][3]);
        assert_int_equal(height, cases[i][4]);
        free(rgb);
        status = thaw_dataset_image(d, true, i, &path, &label, &width, &height);
        assert_string_equal(status.message, "");
        assert_int_equal(width, cases[i][0]);
        assert_int_equal(height, cases[i][1]);
    }
    int width, height;
    uint8_t *rgb;
    thaw_status status = thaw_dataset_thumbnail(d, false, 0, 32, &width, &height, &rgb);
    assert_int_equal(status.code, THAW_ERR_NOT_FOUND);
    status = thaw_dataset_thumbnail(d, true, 0, 0, &width, &height, &rgb);
    assert_int_equal(status.code, THAW_ERR_USAGE);
    remove("thumbs/a/0.jpg");
    status = thaw_dataset_thumbnail(d, true, 0, 32, &width, &height, &rgb);
    assert_int_equal(status.code, THAW_ERR_NOT_FOUND);
    assert_non_null(strstr(status.message, "a/0.jpg"));
    thaw_dataset_free(d);
    thaw_dataset_free(NULL);
}

static void thousands_of_files_are_scanned(void **state) {
    (void)state;
    image im;
    str bytes = {0};
    fix_picture(&im, 4, 4, 1);
    fix_jpeg(&bytes, &im, (fix_jpeg_options){0});
    for (int i = 0; i < 3000; i++) {
        char path[40];
        snprintf(path, sizeof path, "many/%c/%04d.jpg", 'a' + i % 3, i);
        fix_write(path, i % 100 == 7 ? "broken" : bytes.data, i % 100 == 7 ? 6 : bytes.length);
    }
    thaw_dataset *d = must_open("many", 0.2);
    assert_int_equal(thaw_dataset_images(d, true) + thaw_dataset_images(d, false), 2970);
    assert_int_equal(thaw_dataset_skipped_count(d), 30);
    assert_in_range(thaw_dataset_images(d, false), 500, 690);
    thaw_dataset_free(d);
    str_clear(&bytes);
    image_clear(&im);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_name_the_sides),
        cmocka_unit_test(val_wins_over_test),
        cmocka_unit_test(a_class_may_be_called_train),
        cmocka_unit_test(a_training_folder_alone_is_split),
        cmocka_unit_test(a_validation_folder_alone_can_be_evaluated),
        cmocka_unit_test(a_file_keeps_its_side_whatever_is_added),
        cmocka_unit_test(each_class_of_two_is_on_both_sides),
        cmocka_unit_test(content_decides_what_is_a_picture),
        cmocka_unit_test(verifying_finds_files_that_only_look_right),
        cmocka_unit_test(names_may_hold_anything),
        cmocka_unit_test(folders_inside_a_class_are_walked_in_imagefolders_order),
        cmocka_unit_test(links_are_followed_and_loops_end),
        cmocka_unit_test(a_class_missing_on_one_side_is_noted),
        cmocka_unit_test(one_picture_is_a_dataset_to_look_at),
        cmocka_unit_test(what_is_no_dataset_is_explained),
        cmocka_unit_test(a_fraction_outside_0_to_1_is_refused),
        cmocka_unit_test(what_may_not_be_read_is_skipped),
        cmocka_unit_test(a_scan_can_be_cancelled),
        cmocka_unit_test(thumbnails_fit_and_keep_their_shape),
        cmocka_unit_test(thousands_of_files_are_scanned),
    };
    return cmocka_run_group_tests_name("dataset", tests, NULL, NULL);
}
