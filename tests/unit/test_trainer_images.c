/*
 * test_trainer_images.c - images stay decoded in memory where they will be read again, and only there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/thread.h"
#include "tests/unit/train_outcome.h"

#define STEM "freeze=[\"conv1\",\"bn1\",\"layer1\"]"

/* Bytes of decoded images after a run. */
static size_t after(void (*on_event)(rig *r, const thaw_event *e), const char *mask, const char *augmented,
                    const char *cache) {
    rig r = {0};
    const char *const assignments[] = {mask, augmented, cache, "epochs=4", "cache_views=2", NULL};
    rig_train_with(&r, on_event, assignments);
    size_t bytes = loader_image_bytes(r.trainer->train);
    rig_clear(&r);
    return bytes;
}

static void images_go_where_all_outputs_are_kept(void **state) {
    (void)state;
    assert_true(after(NULL, "freeze=[]", "data.augment=shift", "cache=memory") > 0);
    assert_int_equal(after(NULL, "freeze=[]", "data.augment=shift", "cache=off"), 0);
    assert_int_equal(after(NULL, STEM, "data.augment=none", "cache=memory"), 0);
    assert_int_equal(after(NULL, STEM, "data.augment=shift", "cache=memory"), 0);
}

static void thaw_all(rig *r, const thaw_event *e) {
    if (e->kind == THAW_EVENT_EPOCH && e->epoch.epoch == 1) rig_post_mask(r, NULL, NULL);
}

static void freeze_layer1(rig *r, const thaw_event *e) {
    if (e->kind == THAW_EVENT_EPOCH && e->epoch.epoch == 1) rig_post_mask(r, "layer1", NULL);
}

static void freeze_stem(rig *r, const thaw_event *e) {
    if (e->kind != THAW_EVENT_EPOCH || e->epoch.epoch != 0) return;
    assert_true(loader_image_bytes(r->trainer->train) > 0);
    command *c = command_new(COMMAND_MASK);
    static const char *const path[] = {"conv1", "bn1", "layer1"};
    for (size_t i = 0; i < sizeof path / sizeof *path; i++)
        freeze_mask_add(&c->mask, path[i], THAW_FROZEN);
    mailbox_post(r->mailbox, c);
}

static void a_mask_brings_them_and_takes_them(void **state) {
    (void)state;
    assert_true(after(thaw_all, STEM, "data.augment=none", "cache=memory") > 0);
    assert_true(after(freeze_layer1, STEM, "data.augment=none", "cache=memory") > 0); /* conv1 trains */
    assert_int_equal(after(freeze_stem, "freeze=[]", "data.augment=none", "cache=memory"), 0);
}

/* The last batch of an epoch of SECONDS, in which the trainer WAITED so long for images. */
static bool pays(trainer *t, double seconds, double waited) {
    batch last = {.number = loader_batches(t->train) - 1, .wait = waited};
    t->decoding.pays = false;
    t->decoding.before = loader_worked(t->train).decode;
    t->decoding.seconds = t->decoding.waited = 0;
    trainer_weigh_decoding(t, &last, seconds);
    return t->decoding.pays;
}

static void decoding_is_weighed_while_outputs_are_lacking(void **state) {
    (void)state;
    rig r = {0};
    const char *const assignments[] = {STEM, "data.augment=none", "cache=memory", NULL};
    rig_train_with(&r, NULL, assignments);
    trainer *t = r.trainer;
    assert_false(pays(t, 1, 0.9)); /* all there */
    prefix_cache *full = t->train_cache;
    t->train_cache = prefix_cache_new(t->model, t->cache_cut, 1, 0);
    assert_false(pays(t, 1, 0.09));
    assert_true(pays(t, 1, 0.11));
    t->decoding.pays = false;
    t->decoding.before = loader_worked(t->train).decode - 0.11 * cpu_count(); /* so much since */
    t->decoding.seconds = t->decoding.waited = 0;
    trainer_weigh_decoding(t, &(batch){.number = 0}, 0.5);
    assert_false(t->decoding.pays); /* not by one batch */
    trainer_weigh_decoding(t, &(batch){.number = loader_batches(t->train) - 1}, 0.5);
    assert_true(t->decoding.pays);
    prefix_cache_free(t->train_cache);
    t->train_cache = full;
    rig_clear(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_go_where_all_outputs_are_kept),
        cmocka_unit_test(a_mask_brings_them_and_takes_them),
        cmocka_unit_test(decoding_is_weighed_while_outputs_are_lacking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
