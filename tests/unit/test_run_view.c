/*
 * test_run_view.c - series.c and run_view.c: what is kept of a run, and that it stays bounded.
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

#include "engine/base/alloc.h"
#include "tui/run_left.h"
#include "tui/run_view.h"

/* ---- series ---- */

static void spike_survives_a_million_steps(void **state) {
    (void)state;
    enum { STEPS = 1000000, SPIKE = 543211 };
    series s = {0};
    for (int64_t x = 1; x <= STEPS; x++)
        series_add(&s, x, x == SPIKE ? 99.0 : 1.0 / (double)x);
    assert_true(s.count <= SERIES_BUCKETS_MAX);
    assert_true(s.count > SERIES_BUCKETS_MAX / 4);
    const series_bucket *b = series_near(&s, SPIKE);
    assert_true(b->first <= SPIKE && SPIKE <= b->last);
    assert_true(b->high == 99.0);
    uint64_t values = 0;
    double sum = 0, expected = 99.0 - 1.0 / SPIKE;
    for (size_t i = 0; i < s.count; i++) {
        values += s.bucket[i].finite;
        sum += s.bucket[i].sum;
        if (i) assert_true(s.bucket[i].first > s.bucket[i - 1].last);
    }
    for (int64_t x = 1; x <= STEPS; x++)
        expected += 1.0 / (double)x;
    assert_int_equal(values, STEPS);
    assert_true(fabs(sum - expected) < 1e-6);
    series_clear(&s);
}

static void value_that_is_not_finite_is_counted_and_does_not_spoil_the_mean(void **state) {
    (void)state;
    series s = {0};
    series_add(&s, 1, 2.0);
    series_add(&s, 2, NAN);
    series_add(&s, 3, INFINITY);
    assert_int_equal(s.count, 3);
    assert_true(series_mean(&s.bucket[0]) == 2.0);
    assert_true(isnan(series_mean(&s.bucket[1])));
    assert_int_equal(s.bucket[1].broken, 1);
    assert_int_equal(s.bucket[2].broken, 1);
    series_clear(&s);
}

static void merged_bucket_keeps_low_high_and_mean(void **state) {
    (void)state;
    series s = {0};
    for (int64_t x = 0; x < 2 * SERIES_BUCKETS_MAX; x++)
        series_add(&s, x, x % 2 ? NAN : (double)x);
    assert_int_equal(s.width, 2);
    assert_int_equal(s.count, SERIES_BUCKETS_MAX);
    const series_bucket *b = &s.bucket[10];
    assert_int_equal(b->first, 20);
    assert_int_equal(b->last, 21);
    assert_int_equal(b->finite, 1);
    assert_int_equal(b->broken, 1);
    assert_true(b->low == 20 && b->high == 20 && series_mean(b) == 20);
    series_clear(&s);
}

static void nearest_bucket_is_found_across_gaps(void **state) {
    (void)state;
    series s = {0};
    assert_null(series_near(&s, 5));
    series_add(&s, 10, 1);
    series_add(&s, 20, 2);
    series_add(&s, 100, 3);
    assert_int_equal(series_near(&s, -7)->first, 10);
    assert_int_equal(series_near(&s, 14)->first, 10);
    assert_int_equal(series_near(&s, 16)->first, 20);
    assert_int_equal(series_near(&s, 61)->first, 100);
    assert_int_equal(series_near(&s, 5000)->first, 100);
    series_cut(&s, 20);
    assert_int_equal(s.count, 1);
    series_clear(&s);
}

/* ---- events ---- */

static void begin(run_view *v, int64_t steps, int first_epoch, bool resumed) {
    thaw_event e = {.kind = THAW_EVENT_BEGIN, .steps = steps};
    e.begin.run = (char *)"r1";
    e.begin.folder = (char *)"/runs/r1";
    e.begin.recipe = (char *)"{}";
    e.begin.epochs = 4;
    e.begin.steps_per_epoch = 10;
    e.begin.first_epoch = first_epoch;
    e.begin.parameters = 100;
    e.begin.trainable = 10;
    e.begin.resumed = resumed;
    run_view_apply(v, &e);
}

static void step(run_view *v, int64_t steps, double loss, double seconds) {
    thaw_event e = {.kind = THAW_EVENT_STEP, .steps = steps, .time = (double)steps};
    e.step.epoch = (int)((steps - 1) / 10);
    e.step.loss = loss;
    e.step.lr = 0.1;
    e.step.images_per_second = 32 / seconds;
    e.step.data_wait = 0.25;
    e.step.seconds = seconds;
    run_view_apply(v, &e);
}

static void epoch(run_view *v, int number, double top1, bool best) {
    thaw_event e = {.kind = THAW_EVENT_EPOCH, .steps = 10 * (number + 1), .time = 12.0 * (number + 1)};
    double scores[2] = {top1, NAN};
    e.epoch.epoch = number;
    e.epoch.val_top1 = top1;
    e.epoch.best = best;
    e.epoch.class_top1 = scores;
    e.epoch.classes = 2;
    run_view_apply(v, &e);
}

static void mask(run_view *v, int64_t steps, const char *const *frozen, size_t count, const char *label) {
    thaw_event e = {.kind = THAW_EVENT_MASK, .steps = steps};
    e.mask.frozen = (char **)frozen;
    e.mask.frozen_count = count;
    e.mask.label = (char *)label;
    e.mask.trainable = 7;
    run_view_apply(v, &e);
}

static size_t marks_of(const run_view *v, run_mark_kind kind) {
    size_t count = 0;
    for (size_t i = 0; i < v->mark_count; i++)
        count += v->mark[i].kind == kind;
    return count;
}

static void empty_view_answers_every_question(void **state) {
    (void)state;
    run_view v;
    run_view_init(&v);
    assert_true(run_view_progress(&v) == 0);
    assert_true(isnan(run_view_eta(&v)));
    assert_null(run_view_last_epoch(&v));
    assert_null(run_layers_find(&v.layers, "conv1"));
    run_view_clear(&v);
    run_view_clear(&v);
}

static void progress_and_time_left_follow_the_steps(void **state) {
    (void)state;
    run_view v;
    run_view_init(&v);
    begin(&v, 0, 0, false);
    for (int64_t i = 1; i <= 10; i++)
        step(&v, i, 1.0, 0.5);
    assert_true(fabs(run_view_progress(&v) - 0.25) < 1e-12);
    assert_true(fabs(run_view_eta(&v) - 30 * 0.5) < 1e-9);
    assert_true(fabs(v.images_per_second - 64) < 1e-9);
    assert_true(fabs(v.data_wait - 0.25) < 1e-9);
    assert_true(fabs(v.steps_seconds - 5) < 1e-9);
    assert_true(fabs(v.waited_seconds - 1.25) < 1e-9);
    /* Validation takes 2 s an epoch: it is counted for the epochs to come. */
    thaw_event e = {.kind = THAW_EVENT_STATE, .time = 10};
    e.state.state = THAW_STATE_EVALUATING;
    run_view_apply(&v, &e);
    epoch(&v, 0, 0.5, true);
    assert_true(fabs(run_view_eta(&v) - (30 * 0.5 + 3 * 2)) < 1e-9);
    run_view_clear(&v);
}

/* Steps that found the frozen layers' outputs say nothing about what a whole step takes. */
static void cached_steps_are_told_from_whole_ones(void **state) {
    (void)state;
    run_view v;
    run_view_init(&v);
    begin(&v, 0, 0, false);
    thaw_event e = {.kind = THAW_EVENT_CACHE,
                    .cache = {.layer = xstrdup("layer2"), .views = 4, .entries = 40, .filled = 10}};
    run_view_apply(&v, &e);
    thaw_event_clear(&e);
    assert_string_equal(v.cached_layer, "layer2");
    assert_int_equal(v.cached_views, 4);
    assert_int_equal(v.cached_entries, 40);
    assert_int_equal(v.cached_filled, 10);
    for (int i = 1; i <= 60; i++) {
        thaw_event s = {.kind = THAW_EVENT_STEP, .steps = i};
        s.step.cached = i > 10 ? 8 : 0;
        s.step.seconds = i > 10 ? 0.01 : 0.5;
        s.step.data_wait = 0.2;
        run_view_apply(&v, &s);
    }
    assert_true(fabs(v.whole_step_seconds - 0.5 * 0.8) < 1e-9);
    assert_true(v.step_seconds < 0.1);
    static const char *const frozen[] = {"conv1"};
    mask(&v, 60, frozen, 1, "bn1+");
    mask(&v, 61, NULL, 0, "everything");
    assert_true(v.whole_step_seconds == 0);
    begin(&v, 61, 2, true);
    assert_null(v.cached_layer);
    run_view_clear(&v);
}

/* 8 images a step, 10 steps an epoch, so 80 training images in one view each, and 20 to validate with. */
static void cache(run_view *v, int views, int64_t entries, int64_t filled) {
    thaw_event e = {
        .kind = THAW_EVENT_CACHE,
        .cache = {.layer = xstrdup("layer2"), .views = views, .entries = entries, .filled = filled}};
    run_view_apply(v, &e);
    thaw_event_clear(&e);
}

static void kept_step(run_view *v, int64_t steps, int cached, double seconds) {
    thaw_event e = {.kind = THAW_EVENT_STEP, .steps = steps};
    e.step.batch = 8;
    e.step.cached = cached;
    e.step.seconds = seconds;
    e.step.epoch = (int)((steps - 1) / 10);
    run_view_apply(v, &e);
}

static void begin_with_kept_outputs(run_view *v, int views) {
    run_view_init(v);
    begin(v, 0, 0, false);
    thaw_event e = {.kind = THAW_EVENT_DATASET, .dataset = {.train = 80, .val = 20}};
    run_view_apply(v, &e);
    cache(v, views, 80 * views + 20, 0);
}

static void time_left_knows_that_kept_outputs_are_not_computed_again(void **state) {
    (void)state;
    run_view v;
    begin_with_kept_outputs(&v, 1);
    for (int i = 1; i <= 5; i++)
        kept_step(&v, i, 0, 0.5);
    double left, whole = run_left_steps(&v, &left);
    assert_true(fabs(left - 35) < 1e-9 && fabs(whole - 5) < 1e-9); /* the rest of the first epoch */
    for (int i = 6; i <= 10; i++)
        kept_step(&v, i, 0, 0.5);
    cache(&v, 1, 100, 100);
    kept_step(&v, 11, 8, 0.01);
    assert_true(fabs(run_left_steps(&v, &left)) < 1e-9);
    assert_true(fabs(run_view_eta(&v) - 29 * 0.01) < 1e-9);
    /* A thawed layer: nothing is kept any more, and all of it is computed. */
    static const char *const frozen[] = {"conv1"};
    mask(&v, 11, frozen, 1, "bn1+");
    mask(&v, 11, NULL, 0, "everything");
    thaw_event off = {.kind = THAW_EVENT_CACHE, .steps = 11};
    run_view_apply(&v, &off);
    kept_step(&v, 12, 0, 0.8);
    assert_true(fabs(run_view_eta(&v) - 28 * 0.8) < 1e-9);
    run_view_clear(&v);
}

static void time_left_counts_the_views_that_are_still_to_come(void **state) {
    (void)state;
    run_view v;
    begin_with_kept_outputs(&v, 3); /* of 4 epochs */
    for (int i = 1; i <= 10; i++)
        kept_step(&v, i, 0, 0.5);
    double left;
    assert_true(fabs(run_left_steps(&v, &left) - 20) < 1e-9);
    run_view_clear(&v);
    /* Flipped or not, by chance: half of the images are kept in the second epoch, so nearly every batch lacks
     * one. */
    begin_with_kept_outputs(&v, 2);
    for (int i = 1; i <= 10; i++)
        kept_step(&v, i, 0, 0.5);
    double expected = 10 * (1 - pow(0.5, 8)) + 10 * (1 - pow(0.75, 8)) + 10 * (1 - pow(0.875, 8));
    assert_true(fabs(run_left_steps(&v, &left) - expected) < 1e-9);
    run_view_clear(&v);
}

static void time_left_of_a_full_memory_is_what_steps_take_now(void **state) {
    (void)state;
    run_view v;
    begin_with_kept_outputs(&v, 1);
    for (int i = 1; i <= 4; i++)
        kept_step(&v, i, 0, 0.5);
    cache(&v, 1, 100, 40);
    for (int i = 5; i <= 30; i++) /* and no cache event any more */
        kept_step(&v, i, 4, 0.3);
    double left;
    assert_true(fabs(run_left_steps(&v, &left) - 10) < 1e-9);
    run_view_clear(&v);
}

static void mask_changes_are_marks_that_say_what_changed(void **state) {
    (void)state;
    static const char *const first[] = {"conv1", "layer1"}, *const second[] = {"conv1", "layer2"};
    run_view v;
    run_view_init(&v);
    begin(&v, 0, 0, false);
    mask(&v, 0, first, 2, "layer2+");
    assert_int_equal(v.mark_count, 0); /* the mask a run starts with is no change */
    mask(&v, 25, second, 2, "2 of 9 groups");
    assert_int_equal(v.mark_count, 1);
    assert_int_equal(v.mark[0].steps, 25);
    assert_string_equal(v.mark[0].text, "layer2 frozen, layer1 thawed");
    assert_string_equal(v.mask_label, "2 of 9 groups");
    static const char *const all[] = {"all"};
    mask(&v, 30, all, 1, "head only");
    assert_string_equal(v.mark[1].text, "only the head trains"); /* not "all frozen, conv1 thawed" */
    mask(&v, 35, second, 2, "2 of 9 groups");
    assert_string_equal(v.mark[2].text, "trains 2 of 9 groups");
    static const char *const many[] = {"bn1", "conv1", "layer1", "layer2", "layer3"};
    mask(&v, 36, many, 5, "layer4+");
    assert_string_equal(v.mark[3].text, "bn1, layer1, layer3 frozen");
    mask(&v, 37, NULL, 0, "everything");
    assert_string_equal(v.mark[4].text, "everything trains"); /* not five names and "thawed" */
    mask(&v, 38, many, 5, "layer4+");
    assert_string_equal(v.mark[5].text, "layer4 and later train");
    assert_int_equal(v.trainable, 7);
    run_view_clear(&v);
}

static void resuming_forgets_what_came_after_the_checkpoint(void **state) {
    (void)state;
    run_view v;
    run_view_init(&v);
    begin(&v, 0, 0, false);
    for (int64_t i = 1; i <= 10; i++)
        step(&v, i, 1.0, 0.5);
    epoch(&v, 0, 0.5, true);
    for (int64_t i = 11; i <= 20; i++)
        step(&v, i, 7.0, 0.5);
    epoch(&v, 1, 0.9, true);
    assert_int_equal(v.best_epoch, 1);
    begin(&v, 10, 1, true);
    assert_int_equal(v.train_loss.count, 10);
    assert_int_equal(v.epoch_count, 1);
    assert_int_equal(v.best_epoch, 0);
    assert_true(v.best_val_top1 == 0.5);
    assert_int_equal(marks_of(&v, RUN_MARK_RESUME), 1);
    step(&v, 11, 2.0, 0.5);
    assert_true(series_mean(series_near(&v.train_loss, 11)) == 2.0);
    run_view_clear(&v);
}

static void only_the_newest_best_is_marked(void **state) {
    (void)state;
    run_view v;
    run_view_init(&v);
    begin(&v, 0, 0, false);
    for (int i = 0; i < 4; i++)
        epoch(&v, i, 0.1 * (i + 1), true);
    assert_int_equal(marks_of(&v, RUN_MARK_BEST), 1);
    assert_string_equal(v.mark[v.mark_count - 1].text, "best 0.400");
    assert_int_equal(v.class_top1_count, 2);
    assert_true(isnan(v.class_top1[1]));
    run_view_clear(&v);
}

static void loss_that_is_not_finite_is_marked(void **state) {
    (void)state;
    run_view v;
    run_view_init(&v);
    begin(&v, 0, 0, false);
    step(&v, 1, 3.0, 0.1);
    step(&v, 2, NAN, 0.1);
    assert_int_equal(marks_of(&v, RUN_MARK_NOT_FINITE), 1);
    run_view_clear(&v);
}

/* A checkpoint is written beside training, and told after what happened meanwhile. */
static void a_checkpoint_told_late_is_marked_at_its_own_step(void **state) {
    (void)state;
    static const char *const some[] = {"layer1"};
    run_view v;
    run_view_init(&v);
    begin(&v, 0, 0, false);
    mask(&v, 0, NULL, 0, "first");
    mask(&v, 10, some, 1, "layer2+");
    thaw_event e = {.kind = THAW_EVENT_CHECKPOINT, .steps = 8};
    run_view_apply(&v, &e);
    assert_int_equal(v.mark_count, 2);
    assert_int_equal(v.mark[0].kind, RUN_MARK_CHECKPOINT);
    assert_int_equal(v.mark[0].steps, 8);
    begin(&v, 8, 0, true); /* killed and resumed: the mask is taken back, the checkpoint is not */
    assert_int_equal(marks_of(&v, RUN_MARK_CHECKPOINT), 1);
    assert_int_equal(marks_of(&v, RUN_MARK_MASK), 0);
    run_view_clear(&v);
}

static void everything_kept_is_bounded(void **state) {
    (void)state;
    static const char *const some[] = {"layer1"};
    run_view v;
    run_view_init(&v);
    begin(&v, 0, 0, false);
    mask(&v, 0, some, 1, "first");
    for (int i = 0; i < 3 * RUN_EPOCHS_MAX; i++)
        epoch(&v, i, 0.5, i == 3);
    assert_true(v.epoch_count <= RUN_EPOCHS_MAX);
    bool kept = false;
    for (size_t i = 0; i < v.epoch_count; i++)
        kept |= v.epoch_list[i].best;
    assert_true(kept);
    for (int i = 0; i < 2 * RUN_MARKS_MAX; i++) {
        thaw_event e = {.kind = THAW_EVENT_CHECKPOINT, .steps = i};
        run_view_apply(&v, &e);
        if (i % 8 == 0) mask(&v, i, i % 16 ? some : NULL, i % 16 ? 1 : 0, "x");
    }
    assert_int_equal(v.mark_count, RUN_MARKS_MAX);
    assert_int_equal(marks_of(&v, RUN_MARK_MASK), 2 * RUN_MARKS_MAX / 8); /* checkpoints went first */
    for (int i = 0; i < 2 * RUN_LOG_MAX; i++) {
        char line[32];
        snprintf(line, sizeof line, "line %d", i);
        thaw_event e = {.kind = THAW_EVENT_LOG, .log = {.text = line}};
        run_view_apply(&v, &e);
    }
    assert_int_equal(v.log_count, RUN_LOG_MAX);
    assert_int_equal(v.log_dropped, RUN_LOG_MAX);
    assert_string_equal(v.log[RUN_LOG_MAX - 1].text, "line 999");
    assert_string_equal(v.log[0].text, "line 500");
    run_view_clear(&v);
}

static void log_lines_cannot_carry_control_characters(void **state) {
    (void)state;
    run_view v;
    run_view_init(&v);
    thaw_event e = {.kind = THAW_EVENT_LOG, .log = {.text = (char *)"a\033[2Jb\nc"}};
    run_view_apply(&v, &e);
    assert_null(strchr(v.log[0].text, '\033'));
    assert_null(strchr(v.log[0].text, '\n'));
    run_view_clear(&v);
}

/* A measurement after STEPS steps: conv1 only up to the tenth. */
static void measure(run_view *v, int64_t steps, double ratio) {
    thaw_layer_stat stat[] = {
        {.path = (char *)"fc", .update_ratio = ratio, .drift = NAN, .norm_drift = NAN},
        {.path = (char *)"conv1", .update_ratio = 2 * ratio, .norm_drift = 0.5},
    };
    thaw_event e = {.kind = THAW_EVENT_LAYERS, .steps = steps, .layers = {stat, steps <= 10 ? 2 : 1}};
    run_view_apply(v, &e);
}

static void a_heat_strip_spans_the_run_with_the_newest_at_the_right(void **state) {
    (void)state;
    enum { COLUMNS = 4 };
    run_view v;
    run_view_init(&v);
    int first, last;
    assert_false(run_layers_column(&v.layers, COLUMNS - 1, COLUMNS, &first, &last));
    measure(&v, 1, 1);
    measure(&v, 2, 2);
    const run_layer *fc = run_layers_find(&v.layers, "fc");
    assert_true(run_layers_column(&v.layers, COLUMNS - 1, COLUMNS, &first, &last));
    assert_true(run_layer_heat(fc, first, last) == 2);
    assert_true(run_layers_column(&v.layers, COLUMNS - 2, COLUMNS, &first, &last));
    assert_true(run_layer_heat(fc, first, last) == 1);
    assert_false(run_layers_column(&v.layers, COLUMNS - 3, COLUMNS, &first, &last));
    run_view_clear(&v);
}

static void a_heat_strip_shows_every_spike_of_a_long_run(void **state) {
    (void)state;
    enum { STEPS = 10000, SPIKE = 7321, COLUMNS = 20 };
    run_view v;
    run_view_init(&v);
    for (int i = 1; i <= STEPS; i++)
        measure(&v, i, i == SPIKE ? 1 : 0.001);
    const run_layer *fc = run_layers_find(&v.layers, "fc"), *conv1 = run_layers_find(&v.layers, "conv1");
    int first, last, shown = 0, hot = -1, next = 0;
    for (int column = 0; column < COLUMNS; column++) {
        if (!run_layers_column(&v.layers, column, COLUMNS, &first, &last)) continue;
        assert_int_equal(first, next); /* each bucket is in one column */
        next = last + 1;
        shown++;
        if (run_layer_heat(fc, first, last) == 1) hot = column;
        if (column == COLUMNS - 1)
            assert_true(isnan(run_layer_heat(conv1, first, last))); /* frozen by then */
    }
    assert_int_equal(next, v.layers.buckets);
    assert_true(v.layers.buckets <= RUN_HEAT_MAX && shown > COLUMNS / 2);
    double place = (double)(hot - (COLUMNS - shown)) / shown;
    assert_true(fabs(place - (double)SPIKE / STEPS) < 0.1);
    assert_true(run_layer_heat(conv1, 0, 0) == (float)0.002);
    assert_true(conv1->norm_drift == 0.5 && isnan(fc->drift));
    run_view_clear(&v);
}

static void what_a_resume_takes_back_leaves_the_heat_strip_too(void **state) {
    (void)state;
    run_view v;
    run_view_init(&v);
    begin(&v, 0, 0, false);
    for (int i = 1; i <= 9; i++)
        measure(&v, i, i > 5 ? 1 : 0.001);
    begin(&v, 5, 0, true);
    assert_int_equal(v.layers.buckets, 5);
    measure(&v, 6, 0.001);
    const run_layer *fc = run_layers_find(&v.layers, "fc");
    assert_true(run_layer_heat(fc, 0, v.layers.buckets - 1) == (float)0.001);
    run_view_clear(&v);
}

static void a_second_run_starts_afresh(void **state) {
    (void)state;
    static const char *const some[] = {"layer1"};
    run_view v;
    run_view_init(&v);
    begin(&v, 0, 0, false);
    mask(&v, 0, some, 1, "first");
    step(&v, 1, 1.0, 0.1);
    epoch(&v, 0, 0.9, true);
    thaw_event e = {.kind = THAW_EVENT_END};
    e.end.reason = (char *)"done";
    e.end.best_epoch = 0;
    e.end.best_val_top1 = 0.9;
    run_view_apply(&v, &e);
    assert_true(v.ended);
    begin(&v, 0, 0, false);
    mask(&v, 0, NULL, 0, "everything");
    assert_false(v.ended);
    assert_null(v.end_reason);
    assert_true(isnan(v.loss));
    assert_int_equal(v.train_loss.count, 0);
    assert_int_equal(v.epoch_count, 0);
    assert_int_equal(v.best_epoch, -1);
    assert_int_equal(v.mark_count, 0);
    run_view_clear(&v);
}

/* A process that was killed at step 30 had saved at step 15: what it said of 16 to 30 never was. */
static void a_resumed_run_takes_back_what_its_checkpoint_does_not_know(void **state) {
    (void)state;
    static const char *const frozen[] = {"layer1"};
    run_view v;
    run_view_init(&v);
    begin(&v, 0, 0, false);
    mask(&v, 0, frozen, 1, "layer2+");
    for (int64_t i = 1; i <= 30; i++) {
        step(&v, i, 100 - (double)i, 0.1);
        if (i % 10 == 0) epoch(&v, (int)(i / 10) - 1, 0.2 + 0.1 * (double)(i / 10), true);
        if (i == 20) mask(&v, i, NULL, 0, "everything");
    }
    assert_int_equal(v.best_epoch, 2);
    begin(&v, 15, 1, true);
    mask(&v, 15, frozen, 1, "layer2+");
    assert_int_equal(v.steps, 15);
    assert_int_equal(v.epoch_count, 1);
    assert_int_equal(v.best_epoch, 0);
    assert_true(fabs(v.best_val_top1 - 0.3) < 1e-12);
    assert_true(v.loss == 85);
    assert_int_equal(v.train_loss.bucket[v.train_loss.count - 1].last, 15);
    assert_int_equal(v.class_top1_count, 0);
    for (size_t i = 0; i < v.mark_count; i++)
        assert_true(v.mark[i].steps <= 15);
    assert_int_equal(marks_of(&v, RUN_MARK_BEST), 1); /* the best there was is marked again */
    for (int64_t i = 16; i <= 20; i++)
        step(&v, i, 1, 0.1);
    epoch(&v, 1, 0.9, true);
    assert_int_equal(v.epoch_count, 2);
    assert_int_equal(v.best_epoch, 1);
    assert_true(series_near(&v.train_loss, 18)->low == 1);
    run_view_clear(&v);
}

/* Killed between the end of an epoch's steps and its checkpoint: the epoch is validated twice. */
static void of_two_events_of_an_epoch_the_later_counts(void **state) {
    (void)state;
    run_view v;
    run_view_init(&v);
    begin(&v, 0, 0, false);
    step(&v, 10, 1, 0.1);
    epoch(&v, 0, 0.4, true);
    begin(&v, 10, 0, true);
    epoch(&v, 0, 0.5, true);
    assert_int_equal(v.epoch_count, 1);
    assert_true(v.epoch_list[0].val_top1 == 0.5);
    run_view_clear(&v);
}

static void what_stays_as_it_was_is_no_change_of_the_mask(void **state) {
    (void)state;
    static const char *const frozen[] = {"conv1", "layer1"};
    run_view v;
    run_view_init(&v);
    begin(&v, 0, 0, false);
    mask(&v, 0, frozen, 2, "bn1+");
    mask(&v, 4, frozen, 2, "bn1+");
    assert_int_equal(marks_of(&v, RUN_MARK_MASK), 0);
    mask(&v, 5, frozen, 1, "bn1+");
    assert_int_equal(marks_of(&v, RUN_MARK_MASK), 1);
    run_view_clear(&v);
}

static void a_run_to_be_resumed_keeps_the_sessions_engine_and_log(void **state) {
    (void)state;
    run_view v, history;
    run_view_init(&v);
    run_view_init(&history);
    thaw_event engine = {.kind = THAW_EVENT_ENGINE};
    engine.engine.ok = true;
    engine.engine.text = (char *)"libtorch 1.13";
    engine.engine.device = (char *)"cpu";
    engine.engine.threads = 2;
    run_view_apply(&v, &engine);
    thaw_event line = {.kind = THAW_EVENT_LOG};
    line.log.text = (char *)"of this session";
    run_view_apply(&v, &line);
    line.log.text = (char *)"of a former one";
    begin(&history, 0, 0, false);
    run_view_apply(&history, &line);
    step(&history, 1, 2, 0.1);
    run_view_adopt(&v, &history);
    assert_string_equal(v.run, "r1");
    assert_int_equal(v.steps, 1);
    assert_int_equal(v.train_loss.count, 1);
    assert_true(v.engine_known && v.engine_ok);
    assert_string_equal(v.engine_text, "libtorch 1.13");
    assert_int_equal(v.log_count, 1);
    assert_string_equal(v.log[0].text, "of this session");
    assert_null(history.run);
    begin(&v, 1, 0, true); /* goes on with it */
    assert_int_equal(v.train_loss.count, 1);
    run_view_clear(&v);
    run_view_clear(&history);
}

static void profile(run_view *v, int epoch, const char *stage, double seconds) {
    thaw_stage_time time = {(char *)stage, seconds, (double)NAN};
    thaw_event e = {.kind = THAW_EVENT_PROFILE};
    e.profile.epoch = epoch;
    e.profile.seconds = e.profile.phase[THAW_PHASE_FORWARD] = seconds;
    e.profile.exact = true;
    e.profile.stage = &time;
    e.profile.stage_count = 1;
    run_view_apply(v, &e);
}

static void times_add_up_over_the_run_and_over_the_newest_epoch(void **state) {
    (void)state;
    run_view v;
    run_view_init(&v);
    begin(&v, 0, 0, false);
    profile(&v, 0, "layer2", 4);
    profile(&v, 1, "layer1", 2);
    profile(&v, 1, "layer2", 1);
    assert_true(v.profile.seconds == 7 && v.profile.phase[THAW_PHASE_FORWARD] == 7);
    assert_true(v.epoch_profile.seconds == 3);
    assert_int_equal(v.epoch_profile.epoch, 1);
    assert_int_equal(v.epoch_profile.stage_count, 2);
    assert_int_equal(v.profile.stage_count, 2);
    assert_true(run_profile_stages(&v.profile) ==
                7); /* a stage that backward does not come by adds its forward */
    assert_true(run_profile_share(&v.profile, 3.5) == 0.5);
    begin(&v, 10, 1, true); /* the newest epoch begins again, the time was spent all the same */
    profile(&v, 1, "layer2", 5);
    assert_true(v.epoch_profile.seconds == 5);
    assert_true(v.profile.seconds == 12);
    run_view_clear(&v);
}

/* A model's stages come in its order, but not all of them each time: what is kept is not computed. */
static void stages_stay_in_the_models_order(void **state) {
    (void)state;
    run_profile p = {0};
    thaw_stage_time late[] = {{(char *)"c", 1, 1}, {(char *)"e", 1, 1}}, all[] = {{(char *)"a", 1, 1},
                                                                                  {(char *)"b", 1, 1},
                                                                                  {(char *)"c", 1, 1},
                                                                                  {(char *)"d", 1, 1},
                                                                                  {(char *)"e", 1, 1}};
    thaw_event e = {.kind = THAW_EVENT_PROFILE};
    e.profile.stage = late;
    e.profile.stage_count = 2;
    run_profile_add(&p, &e);
    e.profile.stage = all;
    e.profile.stage_count = 5;
    run_profile_add(&p, &e);
    assert_int_equal(p.stage_count, 5);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(p.stage[i].path[0], 'a' + i);
        assert_true(p.stage[i].forward == (i == 2 || i == 4 ? 2 : 1));
    }
    run_profile_clear(&p);
    assert_int_equal(p.events, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_add_up_over_the_run_and_over_the_newest_epoch),
        cmocka_unit_test(stages_stay_in_the_models_order),
        cmocka_unit_test(a_resumed_run_takes_back_what_its_checkpoint_does_not_know),
        cmocka_unit_test(of_two_events_of_an_epoch_the_later_counts),
        cmocka_unit_test(what_stays_as_it_was_is_no_change_of_the_mask),
        cmocka_unit_test(a_run_to_be_resumed_keeps_the_sessions_engine_and_log),
        cmocka_unit_test(spike_survives_a_million_steps),
        cmocka_unit_test(value_that_is_not_finite_is_counted_and_does_not_spoil_the_mean),
        cmocka_unit_test(merged_bucket_keeps_low_high_and_mean),
        cmocka_unit_test(nearest_bucket_is_found_across_gaps),
        cmocka_unit_test(empty_view_answers_every_question),
        cmocka_unit_test(progress_and_time_left_follow_the_steps),
        cmocka_unit_test(cached_steps_are_told_from_whole_ones),
        cmocka_unit_test(time_left_knows_that_kept_outputs_are_not_computed_again),
        cmocka_unit_test(time_left_counts_the_views_that_are_still_to_come),
        cmocka_unit_test(time_left_of_a_full_memory_is_what_steps_take_now),
        cmocka_unit_test(mask_changes_are_marks_that_say_what_changed),
        cmocka_unit_test(resuming_forgets_what_came_after_the_checkpoint),
        cmocka_unit_test(only_the_newest_best_is_marked),
        cmocka_unit_test(loss_that_is_not_finite_is_marked),
        cmocka_unit_test(a_checkpoint_told_late_is_marked_at_its_own_step),
        cmocka_unit_test(everything_kept_is_bounded),
        cmocka_unit_test(log_lines_cannot_carry_control_characters),
        cmocka_unit_test(a_heat_strip_spans_the_run_with_the_newest_at_the_right),
        cmocka_unit_test(a_heat_strip_shows_every_spike_of_a_long_run),
        cmocka_unit_test(what_a_resume_takes_back_leaves_the_heat_strip_too),
        cmocka_unit_test(a_second_run_starts_afresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
