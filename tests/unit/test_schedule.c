/*
 * test_schedule.c - learning rates against numbers worked out by hand and by torch's own schedulers.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/train/schedule.h"

enum { PER_EPOCH = 10 };

static schedule make(const char *assignments[]) {
    thaw_recipe r;
    thaw_recipe_init(&r);
    for (int i = 0; assignments[i]; i++) {
        thaw_status status = thaw_recipe_set(&r, assignments[i]);
        assert_string_equal(status.message, "");
    }
    schedule s;
    thaw_status status = schedule_init(&r, PER_EPOCH, &s);
    assert_string_equal(status.message, "");
    thaw_recipe_clear(&r);
    return s;
}
#define MAKE(...) make((const char *[]){__VA_ARGS__, NULL})

static void assert_near(double a, double b) {
    if (fabs(a - b) > 1e-12 * fmax(1, fabs(b))) fail_msg("%.17g is not %.17g", a, b);
}

static void constant_stays(void **state) {
    (void)state;
    schedule s = MAKE("schedule.name=constant", "epochs=3");
    for (int64_t step = 0; step < 3 * PER_EPOCH; step++)
        assert_near(schedule_lr(&s, 0.5, step), 0.5);
}

static void step_drops_at_epoch_boundaries_as_StepLR_does(void **state) {
    (void)state;
    schedule s = MAKE("schedule.name=step", "schedule.step_epochs=2", "schedule.gamma=0.1", "epochs=6");
    assert_near(schedule_lr(&s, 1, 0), 1);
    assert_near(schedule_lr(&s, 1, 19), 1);
    assert_near(schedule_lr(&s, 1, 20), 0.1);
    assert_near(schedule_lr(&s, 1, 39), 0.1);
    assert_near(schedule_lr(&s, 1, 40), 0.01);
}

static void cosine_falls_from_the_base_to_the_minimum(void **state) {
    (void)state;
    schedule s = MAKE("schedule.name=cosine", "schedule.min_lr=0.1", "epochs=4");
    assert_near(schedule_lr(&s, 1, 0), 1);
    assert_near(schedule_lr(&s, 1, 10), 0.1 + 0.45 * (1 + cos(M_PI / 4)));
    assert_near(schedule_lr(&s, 1, 20), 0.55);
    assert_near(schedule_lr(&s, 1, 40), 0.1);
    assert_near(schedule_lr(&s, 1, 4000), 0.1);
}

static void cosine_does_not_raise_a_rate_below_its_minimum(void **state) {
    (void)state;
    schedule s = MAKE("schedule.name=cosine", "schedule.min_lr=0.1", "epochs=4");
    for (int64_t step = 0; step <= 40; step++)
        assert_near(schedule_lr(&s, 0.01, step), 0.01);
}

static void warmup_rises_from_a_tenth_and_meets_the_schedule(void **state) {
    (void)state;
    schedule s = MAKE("schedule.name=cosine", "schedule.warmup_epochs=1", "schedule.min_lr=0", "epochs=3");
    assert_near(schedule_lr(&s, 2, 0), 0.2);
    assert_near(schedule_lr(&s, 2, 5), 2 * 0.55);
    assert_near(schedule_lr(&s, 2, 10), 2);
    assert_near(schedule_lr(&s, 2, 20), 1);
    assert_near(schedule_lr(&s, 2, 30), 0);
}

static void warmup_longer_than_the_run_still_only_rises(void **state) {
    (void)state;
    schedule s = MAKE("schedule.name=cosine", "schedule.warmup_epochs=5", "epochs=2");
    double last = 0;
    for (int64_t step = 0; step < 2 * PER_EPOCH; step++) {
        double lr = schedule_lr(&s, 1, step);
        assert_true(lr > last && lr < 1);
        last = lr;
    }
}

static void unknown_schedule_names_the_nearest(void **state) {
    (void)state;
    thaw_recipe r;
    thaw_recipe_init(&r);
    free(r.schedule.name);
    r.schedule.name = strdup("cosin");
    schedule s;
    thaw_status status = schedule_init(&r, PER_EPOCH, &s);
    assert_int_equal(status.code, THAW_ERR_USAGE);
    assert_non_null(strstr(status.message, "\"cosine\""));
    thaw_recipe_clear(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant_stays),
        cmocka_unit_test(step_drops_at_epoch_boundaries_as_StepLR_does),
        cmocka_unit_test(cosine_falls_from_the_base_to_the_minimum),
        cmocka_unit_test(cosine_does_not_raise_a_rate_below_its_minimum),
        cmocka_unit_test(warmup_rises_from_a_tenth_and_meets_the_schedule),
        cmocka_unit_test(warmup_longer_than_the_run_still_only_rises),
        cmocka_unit_test(unknown_schedule_names_the_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
