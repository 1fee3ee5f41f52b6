/*
 * test_mistakes.c - the worst mistakes of an evaluation: which are kept, in what order, and how many.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/rng.h"
#include "engine/train/metrics.h"
#include "engine/train/mistakes.h"
#include "train_fixture.h"

enum { CLASSES = 3, IMAGES = 500 };

static float logits[IMAGES * CLASSES];
static int64_t label[IMAGES];
static uint32_t place[IMAGES];

static void make_images(void) {
    rng r = rng_keyed(1, RNG_TEST, 0, 0);
    for (uint32_t i = 0; i < IMAGES; i++) {
        place[i] = i;
        label[i] = (int64_t)rng_below(&r, CLASSES);
        for (int c = 0; c < CLASSES; c++)
            logits[i * CLASSES + (uint32_t)c] = (float)rng_range(&r, -4, 4);
    }
}

static double loss_of(int i) {
    return log_sum_exp(logits + i * CLASSES, CLASSES) - (double)logits[i * CLASSES + label[i]];
}

static bool is_wrong(int i) {
    const float *own = logits + i * CLASSES;
    for (int c = 0; c < CLASSES; c++)
        if (own[c] > own[label[i]]) return true;
    return false;
}

static void add_all(mistakes *m, int batch_size) {
    for (int first = 0; first < IMAGES; first += batch_size) {
        int count = IMAGES - first < batch_size ? IMAGES - first : batch_size;
        batch b = {.count = count, .label = label + first, .index = place + first};
        mistakes_add(m, logits + first * CLASSES, CLASSES, &b, false);
    }
    mistakes_sort(m);
}

static void the_worst_are_kept_and_come_in_order(void **state) {
    (void)state;
    enum { MOST = 20 };
    make_images();
    mistakes m = {.most = MOST};
    add_all(&m, 7);
    assert_int_equal(m.count, MOST);
    for (size_t i = 0; i < m.count; i++) {
        const mistake *x = &m.item[i];
        assert_true(is_wrong((int)x->index));
        assert_int_equal(x->label, label[x->index]);
        assert_true(fabs(x->loss - loss_of((int)x->index)) < 1e-9);
        assert_true(fabs(x->label_probability - exp(-x->loss)) < 1e-9);
        assert_true(x->probability > x->label_probability && x->probability <= 1);
        if (i > 0) assert_true(m.item[i - 1].loss >= x->loss);
    }
    int worse = 0; /* nothing that was left out is worse than the least of what was kept */
    for (int i = 0; i < IMAGES; i++)
        worse += is_wrong(i) && loss_of(i) > m.item[MOST - 1].loss;
    assert_int_equal(worse, MOST - 1);
    mistakes_clear(&m);
}

static void what_is_kept_does_not_depend_on_the_batches(void **state) {
    (void)state;
    mistakes a = {.most = 50}, b = {.most = 50};
    add_all(&a, 64);
    add_all(&b, 1);
    for (size_t i = 0; i < a.count; i++)
        assert_int_equal(a.item[i].index, b.item[i].index);
    mistakes_clear(&a);
    mistakes_clear(&b);
}

static void right_answers_and_numbers_that_are_none_are_left_out(void **state) {
    (void)state;
    float odd[] = {5, 1, 1, NAN, 1, 1, 1, INFINITY, 1, 1, 1, 2};
    int64_t own[] = {0, 1, 0, 0};
    uint32_t at[] = {0, 1, 2, 3};
    batch b = {.count = 4, .label = own, .index = at};
    mistakes m = {.most = 10}, none = {.most = 0};
    mistakes_add(&m, odd, CLASSES, &b, true);
    mistakes_add(&none, odd, CLASSES, &b, true);
    assert_int_equal(none.count, 0);
    assert_int_equal(m.count, 1);
    assert_int_equal(m.item[0].index, 3);
    assert_int_equal(m.item[0].predicted, 2);
    assert_true(m.item[0].train);
    mistakes_clear(&m);
}

/* Also where frozen layers' outputs are kept, and images of the second evaluation are not even read. */
static void a_run_says_after_each_epoch_what_it_got_wrong(void **state) {
    (void)state;
    static const char *const caches[] = {"cache=off", "cache=memory"};
    for (size_t k = 0; k < sizeof caches / sizeof *caches; k++) {
        rig r = {0};
        thaw_recipe recipe;
        FIXTURE_RECIPE(&recipe, "epochs=2", "freeze=all", caches[k]);
        rig_train(&r, &recipe);
        expect_ok(r.status);
        assert_int_equal(rig_events(&r, THAW_EVENT_MISTAKES), 2);
        for (int epoch = 0; epoch < 2; epoch++) {
            enum { VAL = FIXTURE_CLASSES * 2 };
            const thaw_event *e = rig_event(&r, THAW_EVENT_MISTAKES, epoch);
            double wrong = VAL * (1 - rig_event(&r, THAW_EVENT_EPOCH, epoch)->epoch.val_top1);
            assert_int_equal(e->mistakes.epoch, epoch);
            assert_int_equal(e->mistakes.count, (int)(wrong + 0.5));
            for (size_t i = 0; i < e->mistakes.count; i++) {
                const thaw_mistake *m = &e->mistakes.item[i];
                char *path = path_join(e->mistakes.folder, m->file);
                assert_true(path_exists(path));
                assert_non_null(strstr(m->file, "val/"));
                assert_non_null(strstr(m->file, m->label)); /* its folder is its class */
                assert_string_not_equal(m->label, m->predicted);
                free(path);
            }
        }
        thaw_recipe_clear(&recipe);
        rig_clear(&r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worst_are_kept_and_come_in_order),
        cmocka_unit_test(what_is_kept_does_not_depend_on_the_batches),
        cmocka_unit_test(right_answers_and_numbers_that_are_none_are_left_out),
        cmocka_unit_test(a_run_says_after_each_epoch_what_it_got_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
