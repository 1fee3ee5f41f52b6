/*
 * test_prefix_cache.c - what frozen layers make of the images is kept, and a run ends where it would have
 * ended without.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/train/prefix_cache.h"
#include "tests/unit/support_torch.h"
#include "tests/unit/train_outcome.h"

enum { IMAGES = 32, VAL = 16, BATCH = 8, STEPS_PER_EPOCH = IMAGES / BATCH };
enum { OUTPUT = 16 * 16 * 16 * sizeof(float) }; /* of layer1, for one image of the fixture */
#define STEM "freeze=[\"conv1\",\"bn1\",\"layer1\"]"

/* ---- the cache itself ---- */

typedef struct cached {
    tscope s;
    model *m;
    prefix_cache *c;
} cached;

enum { ENTRIES = 6, CUT = 2, C = 3, H = 2, W = 2, VALUES = C * H * W, ROW = VALUES * 4 /* bytes */ };

static void setup(cached *k, bool channels_last, size_t rows) {
    tscope_begin(&k->s, support_torch());
    expect_ok(model_build("cifar_resnet20", 0, 0, 0, &k->m));
    expect_ok(model_materialise(k->m, support_torch(), support_device(), channels_last, 0));
    k->c = prefix_cache_new(k->m, CUT, ENTRIES, rows * ROW);
}

static void teardown(cached *k) {
    prefix_cache_free(k->c);
    expect_ok(tscope_end(&k->s));
    model_free(k->m);
}

/* Rows whose every value says which row and place it is. */
static tensor *activations(cached *k, const int *number, int count) {
    float values[ENTRIES * VALUES];
    for (int i = 0; i < count; i++)
        for (int v = 0; v < VALUES; v++)
            values[i * VALUES + v] = (float)(100 * number[i] + v);
    return t_from_data(&k->s, SHAPE_4(count, C, H, W), DTYPE_F32, values, support_device());
}

static void expect_rows(cached *k, tensor *x, const int *number, int count) {
    shape size = t_shape(&k->s, x), wanted = SHAPE_4(count, C, H, W);
    assert_true(shape_equal(&size, &wanted));
    assert_true(t_equal(&k->s, x, activations(k, number, count)));
}

#define PUT(k, ...) put((k), (const int[]){__VA_ARGS__}, (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)))
static void put(cached *k, const int *number, int count) {
    size_t entry[ENTRIES];
    for (int i = 0; i < count; i++)
        entry[i] = (size_t)number[i];
    prefix_cache_put(k->c, &k->s, activations(k, number, count), entry, count);
}

/* Ask for COUNT entries, of which those in FRESH (padded by the last) have just been computed. */
static tensor *get(cached *k, const int *number, int count, const int *fresh, int fresh_count) {
    size_t entry[ENTRIES], computed[ENTRIES];
    int padded[ENTRIES];
    for (int i = 0; i < count; i++)
        entry[i] = (size_t)number[i];
    for (int i = 0; i < fresh_count; i++)
        computed[i] = (size_t)fresh[i];
    for (int i = 0; i < ENTRIES; i++)
        padded[i] = fresh_count ? fresh[i < fresh_count ? i : fresh_count - 1] : 0;
    prefix_rows rows = {activations(k, padded, ENTRIES), computed, fresh_count};
    return prefix_cache_get(k->c, &k->s, entry, count, &rows, fresh_count > 0);
}

static void rows_come_back_in_the_order_asked(void **state) {
    (void)state;
    for (int layout = 0; layout < 2; layout++) {
        cached k;
        setup(&k, layout == 1, ENTRIES);
        assert_int_equal(prefix_cache_cut(k.c), CUT);
        assert_false(prefix_cache_has(k.c, 4));
        PUT(&k, 4, 1, 3);
        assert_true(prefix_cache_has(k.c, 4));
        assert_false(prefix_cache_has(k.c, 0));
        assert_int_equal(prefix_cache_filled(k.c), 3);
        assert_int_equal(prefix_cache_bytes(k.c), 3 * ROW);
        expect_rows(&k, get(&k, (int[]){3, 4}, 2, NULL, 0), (int[]){3, 4}, 2);
        teardown(&k);
    }
}

/* What there is no room for comes out of the fresh rows, wherever in the batch it stands; padding does not.
 */
static void what_does_not_fit_is_taken_fresh(void **state) {
    (void)state;
    for (int layout = 0; layout < 2; layout++) {
        cached k;
        setup(&k, layout == 1, 3);
        PUT(&k, 0, 5);
        PUT(&k, 2, 4, 3);
        assert_int_equal(prefix_cache_filled(k.c), 3);
        assert_true(prefix_cache_has(k.c, 2));
        assert_false(prefix_cache_has(k.c, 4));
        tensor *x = get(&k, (int[]){4, 0, 5, 3, 2}, 5, (int[]){4, 3}, 2);
        expect_rows(&k, x, (int[]){4, 0, 5, 3, 2}, 5);
        teardown(&k);
    }
}

static void no_room_at_all_is_no_failure(void **state) {
    (void)state;
    cached k;
    setup(&k, false, 0);
    PUT(&k, 2, 1);
    assert_int_equal(prefix_cache_filled(k.c), 0);
    assert_null(prefix_cache_trouble(k.c));
    expect_rows(&k, get(&k, (int[]){2, 1}, 2, (int[]){2, 1}, 2), (int[]){2, 1}, 2);
    teardown(&k);
}

/* An entry that is neither kept nor fresh: the caller hears of it and can begin the batch anew. */
static void what_is_nowhere_is_a_failure(void **state) {
    (void)state;
    cached k;
    setup(&k, false, ENTRIES);
    PUT(&k, 2, 1);
    assert_null(get(&k, (int[]){2, 5}, 2, NULL, 0));
    assert_true(prefix_cache_lost(k.c));
    assert_false(prefix_cache_lost(k.c));
    assert_int_equal(k.s.status.code, THAW_ERR_IO);
    k.s.status = thaw_ok();
    teardown(&k);
}

/* In bfloat16 the fresh and the kept are rounded alike, and come back as they were computed. */
static void half_precision_takes_half_the_room(void **state) {
    (void)state;
    for (int layout = 0; layout < 2; layout++) {
        cached k;
        setup(&k, layout == 1, ENTRIES);
        prefix_cache_halve(k.c);
        PUT(&k, 5, 4); /* of 400 and more: not all of them are numbers that bfloat16 has */
        assert_int_equal(prefix_cache_bytes(k.c), 2 * ROW / 2);
        tensor *kept = get(&k, (int[]){4, 5}, 2, NULL, 0),
               *fresh = get(&k, (int[]){4, 5}, 2, (int[]){4, 5}, 2);
        assert_int_equal(t_dtype(&k.s, kept), DTYPE_F32);
        assert_true(t_equal(&k.s, kept, fresh));
        tensor *exact = activations(&k, (int[]){4, 5}, 2);
        assert_false(t_equal(&k.s, kept, exact));
        double error = t_norm(&k.s, t_sub(&k.s, kept, exact)) / t_norm(&k.s, exact);
        assert_true(error > 0 && error < 0x1p-8);
        teardown(&k);
    }
}

/* Memory that the system will not give is told, and done without. */
static void memory_that_is_not_there_is_told(void **state) {
    (void)state;
    cached k;
    setup(&k, false, 0);
    prefix_cache_free(k.c);
    size_t entries = (size_t)1 << 24, bytes = (size_t)1 << 46; /* 64 TiB */
    k.c = prefix_cache_new(k.m, CUT, entries, bytes);
    tensor *big = t_empty(&k.s, SHAPE_2(1, 1 << 20), DTYPE_F32, support_device(), FORMAT_CONTIGUOUS);
    prefix_cache_put(k.c, &k.s, big, (size_t[]){7}, 1);
    char *trouble = prefix_cache_trouble(k.c), *again = prefix_cache_trouble(k.c);
    assert_non_null(trouble);
    assert_null(again);
    free(trouble);
    assert_false(prefix_cache_has(k.c, 7));
    prefix_rows fresh = {big, (size_t[]){7}, 1};
    assert_non_null(prefix_cache_get(k.c, &k.s, (size_t[]){7}, 1, &fresh, 1));
    teardown(&k);
}

/* ---- runs ---- */

static void deterministic_runs_end_bit_identically(void **state) {
    (void)state;
    static const char *const masks[] = {STEM, "freeze=[\"all\"]"};
    for (int i = 0; i < 2; i++) {
        outcome with = OUTCOME(NULL, masks[i], "epochs=3", "data.augment=none");
        outcome without = OUTCOME(NULL, masks[i], "epochs=3", "data.augment=none", "cache=off");
        assert_int_equal(with.last_cached, IMAGES);
        assert_int_equal(without.last_cached, 0);
        expect_same(&with, &without);
    }
}

/* Flipped or not: both are kept, and by the sixth epoch nearly every image has been seen either way. */
static void flips_are_kept_both_ways(void **state) {
    (void)state;
    outcome with = OUTCOME(NULL, STEM, "epochs=6", "data.augment=flip");
    outcome without = OUTCOME(NULL, STEM, "epochs=6", "data.augment=flip", "cache=off");
    assert_in_range(with.last_cached, IMAGES / 2, IMAGES);
    expect_same(&with, &without);
}

static const thaw_event *cache_event(const rig *r, int index) {
    return rig_event(r, THAW_EVENT_CACHE, index);
}

/* Random crops: fresh ones for cache_views epochs, and then the same again. */
static void random_crops_start_over(void **state) {
    (void)state;
    thaw_recipe recipe;
    FIXTURE_RECIPE(&recipe, STEM, "epochs=4", "data.augment=shift", "cache_views=2");
    rig r = {.keep = true};
    rig_train(&r, &recipe);
    expect_ok(r.status);
    int found[4] = {0};
    for (size_t i = 0; i < r.count; i++)
        if (r.event[i].kind == THAW_EVENT_STEP) found[r.event[i].step.epoch] += r.event[i].step.cached;
    assert_int_equal(found[0] + found[1], 0);
    assert_int_equal(found[2], IMAGES);
    assert_int_equal(found[3], IMAGES);
    const thaw_event *first = cache_event(&r, 0), *last = cache_event(&r, -1);
    assert_string_equal(first->cache.layer, "layer1.2");
    assert_int_equal(first->cache.views, 2);
    assert_int_equal(first->cache.entries, 2 * IMAGES + VAL);
    assert_int_equal(first->cache.filled, 0);
    assert_int_equal(last->cache.filled, last->cache.entries);
    assert_int_equal(last->cache.bytes, last->cache.entries * OUTPUT);
    assert_true(last->cache.bytes <= last->cache.budget);
    rig_clear(&r);
    thaw_recipe_clear(&recipe);
    /* The epochs before that are those of a run without. */
    outcome twice = OUTCOME(NULL, STEM, "epochs=2", "data.augment=shift", "cache_views=1");
    outcome fresh = OUTCOME(NULL, STEM, "epochs=2", "data.augment=shift", "cache_views=2");
    outcome without = OUTCOME(NULL, STEM, "epochs=2", "data.augment=shift", "cache=off");
    assert_true(twice.digest != without.digest);
    expect_same(&fresh, &without);
}

static void say_at_once(rig *r, const thaw_event *e) {
    if (e->kind == THAW_EVENT_STEP) r->trainer->cache_told_at = -INFINITY;
}

/* Whoever looks at the first epoch of a run over many images sees it fill. */
static void an_epoch_says_how_far_it_is(void **state) {
    (void)state;
    thaw_recipe recipe;
    FIXTURE_RECIPE(&recipe, STEM, "data.augment=none");
    rig r = {.on_event = say_at_once, .keep = true};
    rig_train(&r, &recipe);
    expect_ok(r.status);
    for (int k = 0; k < STEPS_PER_EPOCH; k++)
        assert_int_equal(cache_event(&r, k)->cache.filled, k * BATCH);
    rig_clear(&r);
    thaw_recipe_clear(&recipe);
}

static void views_are_chosen_once(void **state) {
    (void)state;
    static const struct {
        const char *epochs;
        int views;
    } row[] = {{"epochs=2", 2}, {"epochs=4", 4}, {"epochs=5", 4}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        thaw_recipe recipe;
        FIXTURE_RECIPE(&recipe, STEM, row[i].epochs);
        rig r = {.keep = true};
        rig_train(&r, &recipe);
        assert_int_equal(r.trainer->recipe.cache_views, row[i].views);
        rig_clear(&r);
        thaw_recipe_clear(&recipe);
    }
}

static void thaw_layer1_after_six(rig *r, const thaw_event *e) {
    if (e->kind == THAW_EVENT_STEP && e->steps == 6) rig_post_mask(r, "conv1", NULL);
}

static void freeze_layer2_after_six(rig *r, const thaw_event *e) {
    if (e->kind != THAW_EVENT_STEP || e->steps != 6) return;
    command *c = command_new(COMMAND_MASK);
    static const char *const path[] = {"conv1", "bn1", "layer1", "layer2"};
    for (size_t i = 0; i < sizeof path / sizeof *path; i++)
        freeze_mask_add(&c->mask, path[i], THAW_FROZEN);
    mailbox_post(r->mailbox, c);
}

static void change_while_evaluating(rig *r, const thaw_event *e) {
    if (e->kind == THAW_EVENT_STATE && e->state.state == THAW_STATE_EVALUATING && e->steps == STEPS_PER_EPOCH)
        rig_post_mask(r, "conv1", NULL);
}

/* In the middle of an epoch, with a part of the images kept already: nothing stale is used. */
static void a_mask_in_the_middle_drops_what_no_longer_holds(void **state) {
    (void)state;
    static void (*const acts[])(rig *, const thaw_event *) = {thaw_layer1_after_six, freeze_layer2_after_six,
                                                              change_while_evaluating};
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        outcome with = OUTCOME(acts[i], STEM, "epochs=4", "data.augment=none");
        outcome without = OUTCOME(acts[i], STEM, "epochs=4", "data.augment=none", "cache=off");
        expect_same(&with, &without);
        assert_int_equal(with.last_cached, acts[i] == freeze_layer2_after_six ? IMAGES : 0);
    }
}

static void shrink(rig *r, const thaw_event *e) {
    enum { ROOM = 20 };
    if (e->kind == THAW_EVENT_BEGIN) r->trainer->cache_bytes = ROOM * OUTPUT;
}

static void a_small_budget_keeps_a_part(void **state) {
    (void)state;
    outcome with = OUTCOME(shrink, STEM, "epochs=3", "data.augment=none");
    outcome without = OUTCOME(NULL, STEM, "epochs=3", "data.augment=none", "cache=off");
    assert_in_range(with.last_cached, 1, IMAGES - 1);
    expect_same(&with, &without);
}

/* A last batch of two is computed in the company of others: the same to within rounding. */
static void a_smaller_last_batch_agrees(void **state) {
    (void)state;
    outcome with = OUTCOME(NULL, STEM, "epochs=3", "data.augment=none", "batch_size=6", "optimizer.lr=0.01");
    outcome without = OUTCOME(NULL, STEM, "epochs=3", "data.augment=none", "batch_size=6",
                              "optimizer.lr=0.01", "cache=off");
    assert_int_equal(with.last_cached, IMAGES);
    assert_true(fabs(with.loss - without.loss) < 1e-4 * without.loss);
    assert_true(fabs(with.val_loss - without.val_loss) < 1e-4 * without.val_loss);
}

static void stop_after_six(rig *r, const thaw_event *e) {
    if (e->kind != THAW_EVENT_STEP || e->steps != 6) return;
    command *c = command_new(COMMAND_STOP);
    c->save = true;
    mailbox_post(r->mailbox, c);
}

static void a_resumed_run_ends_where_it_would_have(void **state) {
    (void)state;
    static const char *const augmented[] = {"data.augment=none", "data.augment=shift"};
    for (int i = 0; i < 2; i++) {
        outcome whole = OUTCOME(NULL, STEM, "epochs=4", augmented[i], "cache_views=2");
        thaw_recipe recipe;
        FIXTURE_RECIPE(&recipe, STEM, "epochs=4", augmented[i], "cache_views=2");
        rig half = {.on_event = stop_after_six};
        rig_train(&half, &recipe);
        assert_int_equal(half.how, TRAINER_STOPPED);
        rig rest = {.keep = true};
        rig_resume(&rest, half.folder);
        expect_ok(rest.status);
        outcome resumed = outcome_of(&rest);
        expect_same(&resumed, &whole);
        rig_clear(&rest);
        rig_clear(&half);
        thaw_recipe_clear(&recipe);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back_in_the_order_asked),
        cmocka_unit_test(what_does_not_fit_is_taken_fresh),
        cmocka_unit_test(no_room_at_all_is_no_failure),
        cmocka_unit_test(what_is_nowhere_is_a_failure),
        cmocka_unit_test(half_precision_takes_half_the_room),
        cmocka_unit_test(memory_that_is_not_there_is_told),
        cmocka_unit_test(deterministic_runs_end_bit_identically),
        cmocka_unit_test(flips_are_kept_both_ways),
        cmocka_unit_test(random_crops_start_over),
        cmocka_unit_test(an_epoch_says_how_far_it_is),
        cmocka_unit_test(views_are_chosen_once),
        cmocka_unit_test(a_mask_in_the_middle_drops_what_no_longer_holds),
        cmocka_unit_test(a_small_budget_keeps_a_part),
        cmocka_unit_test(a_smaller_last_batch_agrees),
        cmocka_unit_test(a_resumed_run_ends_where_it_would_have),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
