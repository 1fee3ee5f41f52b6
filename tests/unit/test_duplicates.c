/*
 * test_duplicates.c - pictures that are there more than once, how even a set is, and what training sees of an
 * image.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/data/loader.h"
#include "image_fixture.h"
#include "thaw/picture.h"
#include "tui/data_balance.h"

static thaw_dataset *open_set(const char *path) {
    thaw_dataset_params p = thaw_dataset_default_params();
    thaw_dataset *d;
    p.path = path;
    thaw_status status = thaw_dataset_open(&p, &d);
    assert_string_equal(status.message, "");
    return d;
}

static thaw_duplicates find(const thaw_dataset *d, bool pixels) {
    thaw_duplicates_params p = {.pixels = pixels};
    thaw_duplicates out;
    thaw_status status = thaw_duplicates_find(d, &p, &out);
    assert_string_equal(status.message, "");
    return out;
}

static void fill(const char *folder, int first, int count) {
    for (int i = first; i < first + count; i++) {
        char *path = xasprintf("%s/%03d.jpg", folder, i);
        fix_write_picture(path, 24, 24, i);
        free(path);
    }
}

/* The same picture in another container: its pixels are equal, its bytes are not. */
static void write_png(const char *path, int salt) {
    image im;
    str bytes = {0};
    fix_picture(&im, 40, 30, salt);
    fix_png(&bytes, &im, PNG_RGB, salt < 0, 0);
    fix_write(path, bytes.data, bytes.length);
    str_clear(&bytes);
    image_clear(&im);
}

static void equal_files_are_found_across_sides_and_classes(void **state) {
    (void)state;
    fill("twins/train/a", 0, 3);
    fill("twins/train/b", 10, 4);
    fill("twins/val/a", 0, 1); /* on both sides */
    fill("twins/val/b", 20, 2);
    fill("twins/train/b", 1, 1); /* under both classes */
    thaw_dataset *d = open_set("twins");
    thaw_duplicates found = find(d, false);
    assert_int_equal(found.count, 2);
    assert_int_equal(found.across, 1);
    assert_int_equal(found.classes, 1);
    assert_int_equal(found.files, 2);
    assert_int_equal(found.across_val, 1);
    const thaw_twins *first = &found.group[0];
    assert_true(first->across && !first->classes && !first->pixels);
    assert_true(first->item[0].train && !first->item[1].train);
    assert_string_equal(thaw_dataset_file(d, false, first->item[1].index, NULL), "val/a/000.jpg");
    assert_true(found.group[1].classes && !found.group[1].across);
    thaw_duplicates_clear(&found);
    thaw_dataset_free(d);
}

static void files_of_one_size_and_beginning_are_read_to_their_end(void **state) {
    (void)state;
    enum { BYTES = 20000 };
    str bytes = {0};
    image im;
    fix_picture(&im, 32, 32, 1);
    fix_jpeg(&bytes, &im, (fix_jpeg_options){0});
    image_clear(&im);
    while (bytes.length < BYTES)
        str_append_n(&bytes, "", 1);
    fix_write("ends/train/a/1.jpg", bytes.data, BYTES);
    fix_write("ends/train/b/1.jpg", bytes.data, BYTES);
    bytes.data[BYTES - 1] = 1;
    fix_write("ends/train/b/2.jpg", bytes.data, BYTES);
    str_clear(&bytes);
    fill("ends/val/a", 7, 1);
    fill("ends/val/b", 8, 1);
    thaw_dataset *d = open_set("ends");
    thaw_duplicates found = find(d, false);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.group[0].count, 2);
    thaw_duplicates_clear(&found);
    found = find(d, true);
    assert_int_equal(found.group[0].count, 3); /* what follows a picture is no part of it */
    assert_true(found.group[0].pixels);
    thaw_duplicates_clear(&found);
    thaw_dataset_free(d);
}

static void equal_pixels_in_other_files_are_found_when_asked_for(void **state) {
    (void)state;
    image im;
    str bytes = {0};
    write_png("pixels/train/a/1.png", 3);
    fix_picture(&im, 40, 30, 3);
    fix_png(&bytes, &im, PNG_RGB, true, 0); /* interlaced */
    fix_write("pixels/val/a/1.png", bytes.data, bytes.length);
    str_clear(&bytes);
    image_clear(&im);
    write_png("pixels/train/b/2.png", 4);
    write_png("pixels/val/b/3.png", 5);
    fix_write("pixels/val/b/broken.png", "\x89PNG\r\n\x1A\n and no more", 21);
    thaw_dataset *d = open_set("pixels");
    thaw_duplicates found = find(d, false);
    assert_int_equal(found.count, 0);
    thaw_duplicates_clear(&found);
    found = find(d, true);
    assert_int_equal(found.count, 1);
    assert_true(found.group[0].pixels && found.group[0].across);
    thaw_duplicates_clear(&found);
    thaw_dataset_free(d);
}

static bool stop(void *user, double part) {
    assert_true(part >= 0 && part <= 1);
    return --*(int *)user > 0;
}

static void a_search_can_be_stopped(void **state) {
    (void)state;
    thaw_dataset *d = open_set("twins");
    for (int pixels = 0; pixels < 2; pixels++) {
        int left = 2;
        thaw_duplicates_params p = {.pixels = pixels, .go_on = stop, .user = &left};
        thaw_duplicates found;
        thaw_status status = thaw_duplicates_find(d, &p, &found);
        assert_int_equal(status.code, THAW_ERR_CANCELLED);
        assert_null(found.group);
    }
    thaw_dataset_free(d);
}

static void uneven_classes_are_named(void **state) {
    (void)state;
    fill("uneven/train/rare", 0, 2);
    fill("uneven/train/usual\x1b[31m", 10, 9);
    fill("uneven/val/rare", 40, 5);
    fill("uneven/val/usual\x1b[31m", 50, 5);
    thaw_dataset *d = open_set("uneven");
    data_balance b = data_balance_of(d);
    str text = {0};
    data_balance_describe(&b, d, &text);
    assert_true(data_balance_uneven(&b));
    assert_non_null(strstr(str_text(&text), "4.5 times the training images of rare (9 to 2)"));
    assert_non_null(strstr(str_text(&text), "18 % of what is trained on and 50 % of what is validated on"));
    assert_null(strchr(str_text(&text), '\x1b'));
    str_clear(&text);
    thaw_dataset_free(d);
    d = open_set("twins");
    b = data_balance_of(d);
    data_balance_describe(&b, d, &text);
    assert_false(data_balance_uneven(&b));
    str_clear(&text);
    thaw_dataset_free(d);
}

/* ---- what training sees ---- */

enum { VIEW_CROP = 16, VIEW_EPOCH = 3 };

static void check_view(const char *how) {
    thaw_recipe r;
    thaw_viewer *v;
    thaw_picture seen;
    thaw_recipe_init(&r);
    static const char *const set[] = {"model=cifar_resnet20", "weights=null", "data.crop=16",
                                      "data.resize=20", "seed=7"};
    for (size_t i = 0; i < sizeof set / sizeof *set; i++) {
        thaw_status status = thaw_recipe_set(&r, set[i]);
        assert_string_equal(status.message, "");
    }
    thaw_status status = thaw_recipe_set_text(&r, "data.augment", how);
    if (!thaw_failed(&status)) status = thaw_viewer_new(&r, &v);
    assert_string_equal(status.message, "");
    assert_int_equal(thaw_viewer_crop(v), VIEW_CROP);
    thaw_dataset *d = open_set("twins");
    loader *l;
    loader_params p = loader_default_params(d, true);
    p.transform = (transform){.resize = 20,
                              .crop = VIEW_CROP,
                              .interpolation = INTERPOLATE_BILINEAR,
                              .scale_min = 0.08,
                              .scale_max = 1,
                              .std = {1, 1, 1}};
    assert_true(augment_parse(how, &p.transform.augment));
    p.batch_size = 1;
    p.shuffle = false;
    p.seed = 7;
    p.fast_decode = r.data.fast_decode;
    status = loader_new(&p, &l);
    assert_string_equal(status.message, "");
    loader_start(l, VIEW_EPOCH, 0);
    for (batch *b; (b = loader_next(l));) {
        char *path = xasprintf("twins/%s", thaw_dataset_file(d, true, b->index[0], NULL));
        status = thaw_viewer_show(v, path, true, b->index[0], VIEW_EPOCH, 64, &seen);
        assert_string_equal(status.message, "");
        assert_int_equal(seen.width, VIEW_CROP);
        for (int i = 0; i < VIEW_CROP * VIEW_CROP * 3; i++)
            assert_int_equal(b->pixels[i], seen.rgb[i]);
        thaw_picture_clear(&seen);
        free(path);
        loader_release(l, b);
    }
    loader_free(l);
    thaw_dataset_free(d);
    thaw_viewer_free(v);
    thaw_recipe_clear(&r);
}

static void a_view_is_what_the_loader_gives_to_the_network(void **state) {
    (void)state;
    static const char *const augments[] = {"none", "flip", "basic", "shift"};
    for (size_t i = 0; i < sizeof augments / sizeof *augments; i++)
        check_view(augments[i]);
}

static void a_view_needs_a_model_but_no_weights(void **state) {
    (void)state;
    thaw_recipe r;
    thaw_viewer *v;
    thaw_recipe_init(&r);
    thaw_status status = thaw_viewer_new(&r, &v);
    assert_int_equal(status.code, THAW_ERR_USAGE);
    status = thaw_recipe_set(&r, "model=resnet50");
    if (!thaw_failed(&status)) status = thaw_recipe_set(&r, "weights=IMAGENET1K_V2");
    if (!thaw_failed(&status)) status = thaw_viewer_new(&r, &v);
    assert_string_equal(status.message, "");
    assert_int_equal(thaw_viewer_crop(v), 224);
    thaw_viewer_free(v);
    thaw_recipe_clear(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_files_are_found_across_sides_and_classes),
        cmocka_unit_test(files_of_one_size_and_beginning_are_read_to_their_end),
        cmocka_unit_test(equal_pixels_in_other_files_are_found_when_asked_for),
        cmocka_unit_test(a_search_can_be_stopped),
        cmocka_unit_test(uneven_classes_are_named),
        cmocka_unit_test(a_view_is_what_the_loader_gives_to_the_network),
        cmocka_unit_test(a_view_needs_a_model_but_no_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
