/*
 * test_phases.c - the recipe's phases: each begins once, at the beginning of its epoch, also in a run that
 * was cut.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/train_fixture.h"

/* The head alone for an epoch, then layer3 as well, then everything with a rate of its own. */
#define PLAN                                                                                           \
    "phases=[{\"epoch\": 1, \"freeze\": [\"conv1\", \"bn1\", \"layer1\", \"layer2\"], \"lr\": 0.01}, " \
    "{\"epoch\": 2, \"freeze\": []}]"
enum { PLAN_EPOCHS = 3 };

static int steps_an_epoch(const rig *r) {
    return rig_event(r, THAW_EVENT_BEGIN, 0)->begin.steps_per_epoch;
}

static void plan_recipe(thaw_recipe *r) {
    FIXTURE_RECIPE(r, "freeze=all", "epochs=3", "schedule.name=cosine", PLAN);
}

/* ---- what they do ---- */

/* At each epoch's end: the bits of layer2, layer3 and the head. */
typedef struct bits {
    uint64_t layer2[PLAN_EPOCHS], layer3[PLAN_EPOCHS], head[PLAN_EPOCHS];
} bits;

static void take_bits(rig *r, const thaw_event *e) {
    bits *b = r->user;
    if (e->kind != THAW_EVENT_EPOCH) return;
    b->layer2[e->epoch.epoch] = rig_digest(r, "layer2", DIGEST_ALL);
    b->layer3[e->epoch.epoch] = rig_digest(r, "layer3", DIGEST_ALL);
    b->head[e->epoch.epoch] = rig_digest(r, "linear", DIGEST_ALL);
}

static void each_phase_trains_what_it_says_from_its_epoch_on(void **state) {
    (void)state;
    thaw_recipe recipe;
    plan_recipe(&recipe);
    bits b;
    rig r = {.on_event = take_bits, .user = &b};
    rig_train(&r, &recipe);
    expect_ok(r.status);
    assert_true(b.layer3[0] != b.layer3[1] && b.layer3[1] != b.layer3[2]);
    assert_true(b.layer2[0] == b.layer2[1] && b.layer2[1] != b.layer2[2]);
    assert_true(b.head[0] != b.head[1]);
    int steps = steps_an_epoch(&r);
    assert_int_equal(rig_events(&r, THAW_EVENT_MASK), 3);
    assert_int_equal(rig_event(&r, THAW_EVENT_MASK, 1)->steps, steps);
    assert_string_equal(rig_event(&r, THAW_EVENT_MASK, 1)->mask.label, "layer3+");
    assert_int_equal(rig_event(&r, THAW_EVENT_MASK, 2)->steps, 2 * steps);
    assert_string_equal(rig_event(&r, THAW_EVENT_MASK, 2)->mask.label, "everything");
    assert_int_equal(rig_events(&r, THAW_EVENT_LR), 1); /* the third keeps the rate of the second */
    assert_true(rig_event(&r, THAW_EVENT_LR, 0)->lr.lr == 0.01);
    double before = rig_event(&r, THAW_EVENT_STEP, steps - 1)->step.lr,
           after = rig_event(&r, THAW_EVENT_STEP, steps)->step.lr;
    assert_true(before > 0.03 && after < 0.01 && after > 0.005); /* the schedule goes on from it */
    rig_clear(&r);
    thaw_recipe_clear(&recipe);
}

/* ---- resuming ---- */

static void stop_after(rig *r, const thaw_event *e) {
    if (e->kind != THAW_EVENT_STEP || e->steps != *(const int64_t *)r->user) return;
    command *c = command_new(COMMAND_STOP);
    c->save = true;
    mailbox_post(r->mailbox, c);
}

static void a_run_cut_anywhere_in_its_plan_ends_bit_identical(void **state) {
    (void)state;
    thaw_recipe recipe;
    plan_recipe(&recipe);
    rig whole = {.keep = true};
    rig_train(&whole, &recipe);
    expect_ok(whole.status);
    int steps = steps_an_epoch(&whole);
    for (int64_t at = steps - 1; at < 3 * steps; at++) {
        rig first = {.on_event = stop_after, .user = &at}, second = {.keep = true};
        rig_train(&first, &recipe);
        expect_ok(first.status);
        rig_resume(&second, first.folder);
        expect_ok(second.status);
        if (rig_digest(&whole, "", DIGEST_ALL) != rig_digest(&second, "", DIGEST_ALL))
            fail_msg("cut after step %d it ends in other weights", (int)at);
        rig_clear(&first);
        rig_clear(&second);
    }
    rig_clear(&whole);
    thaw_recipe_clear(&recipe);
}

/* Between the beginning of the last phase and its first batch: a mask by hand, then stop. */
static void steer_and_stop(rig *r, const thaw_event *e) {
    int *masks = r->user;
    if (e->kind != THAW_EVENT_MASK || ++*masks != 3) return;
    rig_post_mask(r, "layer1", NULL);
    command *c = command_new(COMMAND_STOP);
    c->save = true;
    mailbox_post(r->mailbox, c);
}

static void a_mask_set_by_hand_is_not_taken_back_by_a_phase_that_has_begun(void **state) {
    (void)state;
    thaw_recipe recipe;
    plan_recipe(&recipe);
    int masks = 0;
    rig first = {.on_event = steer_and_stop, .user = &masks}, second = {0};
    rig_train(&first, &recipe);
    expect_ok(first.status);
    assert_int_equal(first.how, TRAINER_STOPPED);
    rig_resume(&second, first.folder);
    expect_ok(second.status);
    assert_int_equal(rig_events(&second, THAW_EVENT_MASK), 1); /* the one it begins with */
    const thaw_event *mask = rig_event(&second, THAW_EVENT_MASK, 0);
    assert_int_equal(mask->mask.frozen_count, 1);
    assert_string_equal(mask->mask.frozen[0], "layer1");
    rig_clear(&first);
    rig_clear(&second);
    thaw_recipe_clear(&recipe);
}

/* ---- what ends a run, and what it does not begin with ---- */

static void early_stop_waits_for_the_last_phase(void **state) {
    (void)state;
    thaw_recipe recipe; /* a rate at which nothing gets better */
    FIXTURE_RECIPE(&recipe, "freeze=all", "epochs=9", "optimizer.lr=1e-12", "early_stop=1",
                   "phases=[{\"epoch\": 4, \"lr\": 2e-12}]");
    rig r = {0};
    rig_train(&r, &recipe);
    expect_ok(r.status);
    assert_int_equal(r.how, TRAINER_EARLY_STOP);
    assert_true(rig_events(&r, THAW_EVENT_EPOCH) > 4 && rig_events(&r, THAW_EVENT_EPOCH) < 9);
    rig_clear(&r);
    thaw_recipe_clear(&recipe);
}

static void a_plan_that_cannot_be_is_refused_before_anything_is_trained(void **state) {
    (void)state;
    static const struct {
        const char *phases, *word;
    } cases[] = {
        {"phases=[{\"epoch\": 1, \"freeze\": [\"layer9\"]}]", "did you mean 'layer"},
        {"phases=[{\"epoch\": 1, \"freeze\": [\"all\", \"linear\"]}]", "nothing would be trained"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        thaw_recipe recipe;
        FIXTURE_RECIPE(&recipe, "epochs=2", cases[i].phases);
        rig r = {0};
        rig_train(&r, &recipe);
        assert_true(thaw_failed(&r.status));
        if (!strstr(r.status.message, cases[i].word) || !strstr(r.status.message, "the phase after 1 epoch"))
            fail_msg("%s", r.status.message);
        assert_null(r.folder);
        rig_clear(&r);
        thaw_recipe_clear(&recipe);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_phase_trains_what_it_says_from_its_epoch_on),
        cmocka_unit_test(a_run_cut_anywhere_in_its_plan_ends_bit_identical),
        cmocka_unit_test(a_mask_set_by_hand_is_not_taken_back_by_a_phase_that_has_begun),
        cmocka_unit_test(early_stop_waits_for_the_last_phase),
        cmocka_unit_test(a_plan_that_cannot_be_is_refused_before_anything_is_trained),
    };
    return cmocka_run_group_tests_name("phases", tests, NULL, NULL);
}
