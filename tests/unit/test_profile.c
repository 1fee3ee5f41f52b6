/*
 * test_profile.c - where the time goes: nothing is lost, nothing counted twice, and who does not ask pays
 * nothing for it.
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

#include "engine/base/clock.h"
#include "engine/train/profile.h"
#include "tests/unit/support_torch.h"
#include "tests/unit/train_fixture.h"

static const double rounding = 1e-9;

static double sum(const thaw_event *e) {
    double all = 0;
    for (int i = 0; i < THAW_PHASE_COUNT; i++)
        all += e->profile.phase[i];
    return all;
}

static void spend(double seconds) {
    for (double until = clock_seconds() + seconds; clock_seconds() < until;)
        ;
}

/* ---- the stopwatch ---- */

static void what_no_phase_was_named_for_is_other(void **state) {
    (void)state;
    profile p;
    thaw_event e;
    double began = clock_seconds();
    profile_init(&p, began);
    spend(0.002);
    assert_int_equal(profile_enter(&p, THAW_PHASE_WAIT), THAW_PHASE_PREPARE);
    spend(0.003);
    assert_int_equal(profile_enter(&p, THAW_PHASE_OTHER), THAW_PHASE_WAIT);
    spend(0.004);
    profile_event(&p, &e);
    assert_true(e.profile.seconds <= clock_seconds() - began);
    assert_true(fabs(sum(&e) - e.profile.seconds) < rounding);
    assert_true(e.profile.phase[THAW_PHASE_PREPARE] >= 0.002);
    assert_true(e.profile.phase[THAW_PHASE_WAIT] >= 0.003);
    assert_true(e.profile.phase[THAW_PHASE_OTHER] >= 0.004);
    thaw_event_clear(&e);
    spend(0.001);
    profile_event(&p, &e); /* begins at zero, where the one before ended */
    assert_true(fabs(sum(&e) - e.profile.seconds) < rounding);
    assert_true(e.profile.phase[THAW_PHASE_WAIT] == 0);
    assert_true(e.profile.phase[THAW_PHASE_OTHER] == e.profile.seconds);
    thaw_event_clear(&e);
    profile_clear(&p);
}

static void an_evaluation_is_one_phase_and_a_pause_in_it_another(void **state) {
    (void)state;
    profile p;
    thaw_event e;
    profile_init(&p, clock_seconds());
    profile_evaluate(&p, true);
    profile_enter(&p, THAW_PHASE_FORWARD);
    spend(0.002);
    thaw_phase before = profile_enter(&p, THAW_PHASE_PAUSED);
    spend(0.003);
    profile_enter(&p, before);
    spend(0.002);
    double after = clock_seconds();
    profile_evaluate(&p, false);
    profile_enter(&p, THAW_PHASE_FORWARD);
    spend(0.001);
    profile_event(&p, &e);
    after = clock_seconds() - after;
    assert_true(e.profile.phase[THAW_PHASE_EVALUATION] >= 0.004);
    assert_true(e.profile.phase[THAW_PHASE_PAUSED] >= 0.003);
    assert_true(e.profile.phase[THAW_PHASE_FORWARD] >= 0.001);
    assert_true(e.profile.phase[THAW_PHASE_FORWARD] <= after); /* and not what was forward before */
    thaw_event_clear(&e);
    profile_clear(&p);
}

static void nobody_is_a_profile_as_well(void **state) {
    (void)state;
    assert_int_equal(profile_enter(NULL, THAW_PHASE_FORWARD), THAW_PHASE_FORWARD);
    profile_enter_backward(NULL);
}

static int waits;

static void count_wait(profile *p) {
    (void)p;
    waits++;
}

static void a_device_is_waited_for_only_when_detail_is_asked_for(void **state) {
    (void)state;
    profile p;
    thaw_event e;
    profile_init(&p, clock_seconds());
    p.wait = count_wait;
    waits = 0;
    for (int i = 0; i < 100; i++)
        profile_enter(&p, (thaw_phase)(i % THAW_PHASE_COUNT));
    profile_event(&p, &e);
    assert_int_equal(waits, 0);
    assert_false(e.profile.exact);
    thaw_event_clear(&e);
    p.detailed = true;
    for (int i = 0; i < 100; i++)
        profile_enter(&p, (thaw_phase)(i % THAW_PHASE_COUNT));
    assert_int_equal(waits, 100);
    profile_event(&p, &e);
    assert_true(e.profile.exact);
    thaw_event_clear(&e);
    profile_clear(&p);
}

/* ---- a run ---- */

static void ask_for_detail(rig *r, const thaw_event *e) {
    if (e->kind != THAW_EVENT_BEGIN) return;
    command *c = command_new(COMMAND_PROFILE);
    c->on = true;
    mailbox_post(r->mailbox, c);
}

static void train(rig *r, bool detail, const char *freeze) {
    thaw_recipe recipe;
    FIXTURE_RECIPE(&recipe, freeze);
    r->on_event = detail ? ask_for_detail : NULL;
    r->keep = true;
    rig_train(r, &recipe);
    expect_ok(r->status);
    thaw_recipe_clear(&recipe);
}

static void phases_of_a_run_add_up_to_the_time_it_took(void **state) {
    (void)state;
    rig r = {0};
    double told = 0, loaded = 0;
    train(&r, false, "epochs=2");
    assert_int_equal(rig_events(&r, THAW_EVENT_PROFILE), 2);
    for (int i = 0; i < 2; i++) {
        const thaw_event *e = rig_event(&r, THAW_EVENT_PROFILE, i);
        assert_true(fabs(sum(e) - e->profile.seconds) < rounding);
        assert_int_equal(e->profile.epoch, i);
        assert_int_equal(e->profile.steps, 4);
        assert_int_equal(e->profile.images, 32);
        assert_true(e->profile.exact == (support_device().kind == DEVICE_CPU)); /* others go on meanwhile */
        assert_int_equal(e->profile.stage_count, 0);                            /* nobody asked */
        static const thaw_phase needed[] = {THAW_PHASE_UPLOAD,     THAW_PHASE_FORWARD,   THAW_PHASE_BACKWARD,
                                            THAW_PHASE_OPTIMIZER,  THAW_PHASE_METRICS,   THAW_PHASE_LOGGING,
                                            THAW_PHASE_EVALUATION, THAW_PHASE_CHECKPOINT};
        for (size_t k = 0; k < sizeof needed / sizeof *needed; k++)
            if (e->profile.phase[needed[k]] <= 0 && (needed[k] != THAW_PHASE_BACKWARD || e->profile.exact))
                fail_msg("no %s", thaw_phase_name(needed[k])); /* what a CUDA graph does is not told apart */
        assert_true(e->profile.phase[THAW_PHASE_FROZEN] == 0);
        assert_true(e->profile.phase[THAW_PHASE_PAUSED] == 0);
        told += e->profile.seconds;
        loaded += e->profile.decode + e->profile.transform;
    }
    assert_true(loaded > 0);
    double time = rig_event(&r, THAW_EVENT_PROFILE, -1)->time; /* since the trainer began, by the clock */
    assert_true(told <= time && told > time - 0.01);
    assert_true(rig_event(&r, THAW_EVENT_PROFILE, 0)->profile.phase[THAW_PHASE_PREPARE] > 0);
    assert_true(rig_event(&r, THAW_EVENT_PROFILE, 1)->profile.phase[THAW_PHASE_PREPARE] == 0);
    rig_clear(&r);
}

static void stages_are_measured_when_asked_for_forward_and_backward(void **state) {
    (void)state;
    rig r = {0};
    train(&r, true, "freeze=[\"conv1\",\"bn1\",\"layer1\"]");
    const thaw_event *e = rig_event(&r, THAW_EVENT_PROFILE, 0);
    const model *m = r.trainer->model;
    assert_int_equal(e->profile.stage_count, m->stage_count);
    double forward = 0, backward = 0;
    for (size_t i = 0; i < m->stage_count; i++) {
        const thaw_stage_time *stage = &e->profile.stage[i];
        assert_string_equal(stage->path, m->stage[i]->path);
        assert_true(stage->forward > 0);
        bool frozen = strncmp(stage->path, "layer2", 6) < 0 &&
                      (strstr(stage->path, "layer1") || strstr(stage->path, "conv1"));
        if (frozen) assert_true(isnan(stage->backward));
        if (strncmp(stage->path, "layer2", 6) == 0 || strncmp(stage->path, "layer3", 6) == 0)
            assert_true(stage->backward > 0);
        forward += stage->forward;
        backward += isfinite(stage->backward) ? stage->backward : 0;
    }
    const double *phase = e->profile.phase;
    assert_true(forward <= phase[THAW_PHASE_FROZEN] + phase[THAW_PHASE_FORWARD] + rounding);
    assert_true(forward > 0.8 * (phase[THAW_PHASE_FROZEN] + phase[THAW_PHASE_FORWARD]));
    assert_true(backward <= phase[THAW_PHASE_BACKWARD] + rounding);
    assert_true(backward > 0.8 * phase[THAW_PHASE_BACKWARD]); /* the hooks were called, each in its turn */
    rig_clear(&r);
}

static void looking_changes_no_weight(void **state) {
    (void)state;
    rig plain = {0}, looked = {0};
    train(&plain, false, "freeze=[\"conv1\"]");
    train(&looked, true, "freeze=[\"conv1\"]");
    assert_true(rig_digest(&plain, "", DIGEST_ALL) == rig_digest(&looked, "", DIGEST_ALL));
    rig_clear(&plain);
    rig_clear(&looked);
}

int main(void) {
    const struct CMUnitTest watch_tests[] = {
        cmocka_unit_test(what_no_phase_was_named_for_is_other),
        cmocka_unit_test(an_evaluation_is_one_phase_and_a_pause_in_it_another),
        cmocka_unit_test(nobody_is_a_profile_as_well),
        cmocka_unit_test(a_device_is_waited_for_only_when_detail_is_asked_for),
    };
    const struct CMUnitTest run_tests[] = {
        cmocka_unit_test(phases_of_a_run_add_up_to_the_time_it_took),
        cmocka_unit_test(stages_are_measured_when_asked_for_forward_and_backward),
        cmocka_unit_test(looking_changes_no_weight),
    };
    int failed = cmocka_run_group_tests(watch_tests, NULL, NULL);
    return failed + cmocka_run_group_tests(run_tests, NULL, NULL);
}
