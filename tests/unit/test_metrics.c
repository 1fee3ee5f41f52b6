/*
 * test_metrics.c - counting hits and losses.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/train/metrics.h"

enum { SEVEN = 7 };

static void counts_top1_top5_and_classes(void **state) {
    (void)state;
    static const float logits[3 * SEVEN] = {
        7, 6, 5, 4, 3, 2, 1, /* label 0: first */
        7, 6, 5, 4, 3, 2, 1, /* label 4: fifth */
        7, 6, 5, 4, 3, 2, 1, /* label 5: sixth */
    };
    static const int64_t label[] = {0, 4, 5};
    metrics m;
    metrics_init(&m, SEVEN);
    metrics_add(&m, logits, label, 3, 2.0);
    assert_int_equal(m.images, 3);
    assert_int_equal(m.top1, 1);
    assert_int_equal(m.top5, 2);
    assert_true(metrics_loss(&m) == 2.0);
    assert_true(metrics_class_top1(&m, 0) == 1.0);
    assert_true(metrics_class_top1(&m, 5) == 0.0);
    assert_true(isnan(metrics_class_top1(&m, 1)));
    metrics_clear(&m);
}

static void nothing_seen_is_not_a_number(void **state) {
    (void)state;
    metrics m;
    metrics_init(&m, 2);
    assert_true(isnan(metrics_loss(&m)) && isnan(metrics_top1(&m)) && isnan(metrics_top5(&m)));
    metrics_clear(&m);
}

static void of_equal_logits_the_first_wins(void **state) {
    (void)state;
    static const float logits[] = {1, 1, 1, 1};
    static const int64_t label[] = {0, 1};
    metrics m;
    metrics_init(&m, 2);
    metrics_add(&m, logits, label, 2, 0);
    assert_int_equal(m.top1, 1);
    metrics_clear(&m);
}

static void a_logit_that_is_no_number_never_scores(void **state) {
    (void)state;
    static const float logits[] = {NAN, 1, 0, 5, NAN, 0, NAN, NAN, NAN};
    static const int64_t label[] = {0, 0, 2};
    metrics m;
    metrics_init(&m, 3);
    metrics_add_scored(&m, logits, label, 3);
    assert_int_equal(m.top1, 0);
    assert_true(isnan(metrics_loss(&m)));
    metrics_clear(&m);
}

static void loss_is_the_cross_entropy(void **state) {
    (void)state;
    static const float logits[] = {0, 0, 1000, 0}; /* ln 2, and 1000 without overflow */
    static const int64_t label[] = {1, 1};
    metrics m;
    metrics_init(&m, 2);
    metrics_add_scored(&m, logits, label, 2);
    assert_true(fabs(metrics_loss(&m) - (log(2) + 1000) / 2) < 1e-9);
    metrics_clear(&m);
}

static void mean_weighs_batches_by_their_images(void **state) {
    (void)state;
    static const float logits[] = {1, 0, 1, 0, 1, 0};
    static const int64_t label[] = {0, 0, 0};
    metrics m;
    metrics_init(&m, 2);
    metrics_add(&m, logits, label, 3, 1.0);
    metrics_add(&m, logits, label, 1, 5.0);
    assert_true(metrics_loss(&m) == 2.0);
    metrics_reset(&m);
    assert_int_equal(m.images + m.top1 + m.class_images[0] + m.class_top1[0], 0);
    metrics_clear(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_top1_top5_and_classes),
        cmocka_unit_test(nothing_seen_is_not_a_number),
        cmocka_unit_test(of_equal_logits_the_first_wins),
        cmocka_unit_test(a_logit_that_is_no_number_never_scores),
        cmocka_unit_test(loss_is_the_cross_entropy),
        cmocka_unit_test(mean_weighs_batches_by_their_images),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
