/*
 * test_optimizer_groups.c - parameters updated together, as on CUDA, get the bits that they get one by one:
 * over runs in which rates differ by layer, layers thaw and a checkpoint is taken up in between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/train_fixture.h"

enum { STOP_AT = 11, STEPS = 20 };
#define MIXED                                                                                              \
    "epochs=5", "freeze=[\"conv1\", \"layer1\", \"layer2\"]", "layer_lr={\"layer3\": 0.5, \"linear\": 2}", \
        "optimizer.decay_norm_and_bias=false"

/* What a run updated together, and in how many groups. */
typedef struct grouping {
    size_t bytes, slots, groups; /* the latter two of the last step */
} grouping;

static void change_on_the_way(rig *r, const thaw_event *e) {
    grouping *g = r->user;
    if (e->kind == THAW_EVENT_BEGIN) optimizer_group_bytes(r->trainer->optimizer, g->bytes);
    if (e->kind != THAW_EVENT_STEP) return;
    g->slots = optimizer_count(r->trainer->optimizer);
    g->groups = optimizer_groups(r->trainer->optimizer);
    if (e->steps == 6) rig_post_mask(r, "conv1", NULL);
    if (e->steps == 15) rig_post_mask(r, NULL, NULL);
    if (e->steps != STOP_AT || r->keep) return;
    command *c = command_new(COMMAND_STOP);
    c->save = true;
    mailbox_post(r->mailbox, c);
}

/* The bits of weights and states at the end of a run that was stopped once. */
static uint64_t digest_of_run(const char *const *assignments, grouping *g) {
    thaw_recipe recipe;
    fixture_recipe(&recipe, assignments);
    rig half = {.on_event = change_on_the_way, .user = g},
        rest = {.on_event = change_on_the_way, .user = g, .keep = true};
    rig_train(&half, &recipe);
    expect_ok(half.status);
    assert_int_equal(rig_event(&half, THAW_EVENT_STEP, -1)->steps, STOP_AT);
    rig_resume(&rest, half.folder);
    expect_ok(rest.status);
    assert_int_equal(rig_event(&rest, THAW_EVENT_STEP, -1)->steps, STEPS);
    uint64_t digest = rig_digest(&rest, "", DIGEST_ALL);
    rig_clear(&rest);
    rig_clear(&half);
    thaw_recipe_clear(&recipe);
    return digest;
}

static void check_groups(const char *const *assignments) {
    grouping alone = {.bytes = 0}, some = {.bytes = 100000}, all = {.bytes = SIZE_MAX};
    uint64_t digest = digest_of_run(assignments, &alone);
    assert_int_equal(alone.groups, alone.slots);
    assert_true(digest_of_run(assignments, &some) == digest);
    assert_true(digest_of_run(assignments, &all) == digest);
    assert_in_range(all.groups, 4, 24); /* by rate, decay, and when they thawed */
    assert_in_range(some.groups, all.groups + 1, alone.groups - 1);
}
#define CHECK(...) check_groups((const char *const[]){MIXED, __VA_ARGS__, NULL})

static void sgd_gives_the_same_bits(void **state) {
    (void)state;
    CHECK("optimizer.name=sgd", "optimizer.momentum=0.9", "optimizer.weight_decay=0.01");
    CHECK("optimizer.name=sgd", "optimizer.momentum=0.9", "optimizer.nesterov=true",
          "optimizer.weight_decay=0.01");
}

static void adam_gives_the_same_bits(void **state) {
    (void)state;
    CHECK("optimizer.name=adam", "optimizer.lr=0.001", "optimizer.weight_decay=0.01");
}

static void adamw_gives_the_same_bits(void **state) {
    (void)state;
    CHECK("optimizer.name=adamw", "optimizer.lr=0.001", "optimizer.weight_decay=0.1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sgd_gives_the_same_bits),
        cmocka_unit_test(adam_gives_the_same_bits),
        cmocka_unit_test(adamw_gives_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
