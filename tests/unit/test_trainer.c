/*
 * test_trainer.c - whole small runs on the test's own thread. First the leaks by which a frozen layer still
 * moves, each of which fails here when its cure is taken out; then what else a run promises.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/nn/freeze.h"
#include "tests/unit/support_torch.h"
#include "tests/unit/train_fixture.h"

enum { STEPS_PER_EPOCH = 4, EPOCHS = 2, STEPS = STEPS_PER_EPOCH * EPOCHS };

/* ---- the leaks ---- */

/* What a test saw of one layer over a run. */
typedef struct watch {
    const char *path;
    int64_t act_at; /* step after which something is done */
    uint64_t weights, buffers, first_weights, first_buffers;
} watch;

static bool is_step(const thaw_event *e, int64_t steps) {
    return e->kind == THAW_EVENT_STEP && e->steps == steps;
}

static void freeze_after_a_step(rig *r, const thaw_event *e) {
    watch *w = r->user;
    if (is_step(e, 1)) w->first_weights = rig_digest(r, w->path, DIGEST_WEIGHTS);
    if (!is_step(e, w->act_at)) return;
    rig_post_mask(r, "layer2", NULL);
    w->weights = rig_digest(r, w->path, DIGEST_WEIGHTS);
    w->buffers = rig_digest(r, w->path, DIGEST_BUFFERS);
}

/* Leak 1: momentum gathered before, and weight decay, must not move it. Leak 5: from the very next step on.
 */
static void frozen_weight_stays_bit_identical_with_momentum(void **state) {
    (void)state;
    thaw_recipe recipe;
    FIXTURE_RECIPE(&recipe, "epochs=2");
    watch w = {.path = "layer2", .act_at = 3};
    rig r = {.on_event = freeze_after_a_step, .user = &w, .keep = true};
    rig_train(&r, &recipe);
    expect_ok(r.status);
    assert_true(w.first_weights != w.weights); /* it did move while it was trainable */
    assert_true(rig_digest(&r, "layer2", DIGEST_WEIGHTS) == w.weights);
    assert_true(rig_digest(&r, "layer2", DIGEST_BUFFERS) == w.buffers);
    assert_null(optimizer_find(r.trainer->optimizer, "layer2.0.conv1.weight"));
    rig_clear(&r);
    thaw_recipe_clear(&recipe);
}

static void look_at_start_and_end(rig *r, const thaw_event *e) {
    watch *w = r->user;
    if (e->kind != THAW_EVENT_BEGIN) return;
    w->weights = rig_digest(r, w->path, DIGEST_WEIGHTS);
    w->buffers = rig_digest(r, w->path, DIGEST_BUFFERS);
}

static void watch_run(watch *w, bool *weights_moved, bool *buffers_moved, const char *const *assignments) {
    thaw_recipe recipe;
    fixture_recipe(&recipe, assignments);
    rig r = {.on_event = look_at_start_and_end, .user = w, .keep = true};
    rig_train(&r, &recipe);
    expect_ok(r.status);
    *weights_moved = rig_digest(&r, w->path, DIGEST_WEIGHTS) != w->weights;
    *buffers_moved = rig_digest(&r, w->path, DIGEST_BUFFERS) != w->buffers;
    rig_clear(&r);
    thaw_recipe_clear(&recipe);
}

/* Leak 2: running statistics, and the batch counter, in a model that is otherwise in training mode. */
static void frozen_norm_keeps_its_statistics(void **state) {
    (void)state;
    bool weights, buffers;
    watch w = {.path = "layer1"};
    watch_run(&w, &weights, &buffers, (const char *const[]){"freeze=[\"conv1\",\"bn1\",\"layer1\"]", NULL});
    assert_false(weights);
    assert_false(buffers);
    w.path = "layer2";
    watch_run(&w, &weights, &buffers, (const char *const[]){"freeze=[\"conv1\",\"bn1\",\"layer1\"]", NULL});
    assert_true(weights);
    assert_true(buffers);
    /* A frozen norm behind a convolution that learns cannot be folded away: it runs as itself. */
    watch_run(&w, &weights, &buffers,
              (const char *const[]){"freeze=[\"*bn1\",\"*bn2\"]", "optimizer.lr=1e-5", NULL});
    assert_true(weights);
    assert_false(buffers);
}

static void norm_train_moves_statistics_and_no_weight(void **state) {
    (void)state;
    bool weights, buffers;
    watch w = {.path = "layer1"};
    watch_run(&w, &weights, &buffers, (const char *const[]){"freeze=[\"layer1\"]", "norm=train", NULL});
    assert_false(weights);
    assert_true(buffers);
    watch_run(&w, &weights, &buffers, (const char *const[]){"moving=[\"layer1\"]", NULL});
    assert_false(weights);
    assert_true(buffers);
}

static void mask_as(const char *pattern, rig *r, const thaw_event *e, int64_t steps) {
    if (is_step(e, steps)) rig_post_mask(r, pattern, NULL);
}

static void freeze_layer1_then_stop(rig *r, const thaw_event *e) {
    mask_as("layer1", r, e, 2);
    if (!is_step(e, 3)) return;
    command *c = command_new(COMMAND_STOP);
    c->save = true;
    mailbox_post(r->mailbox, c);
}

/* Leak 3: the mask of that moment, not the recipe's. */
static void resuming_restores_the_mask_of_that_moment(void **state) {
    (void)state;
    thaw_recipe recipe;
    FIXTURE_RECIPE(&recipe, "freeze=[\"layer3\"]");
    rig first = {.on_event = freeze_layer1_then_stop, .keep = true};
    rig_train(&first, &recipe);
    expect_ok(first.status);
    assert_int_equal(first.how, TRAINER_STOPPED);
    uint64_t layer1 = rig_digest(&first, "layer1", DIGEST_WEIGHTS),
             layer3 = rig_digest(&first, "layer3", DIGEST_WEIGHTS);
    trainer_free(first.trainer);
    first.trainer = NULL;

    rig second = {.keep = true};
    rig_resume(&second, first.folder);
    expect_ok(second.status);
    const thaw_event *mask = rig_event(&second, THAW_EVENT_MASK, 0);
    assert_int_equal(mask->mask.frozen_count, 1);
    assert_string_equal(mask->mask.frozen[0], "layer1");
    assert_int_equal(mask->steps, 3);
    assert_true(rig_digest(&second, "layer1", DIGEST_WEIGHTS) == layer1);
    assert_true(rig_digest(&second, "layer3", DIGEST_WEIGHTS) != layer3);
    rig_clear(&first);
    rig_clear(&second);
    thaw_recipe_clear(&recipe);
}

/* Do the logits of a training step differ from those of evaluation? Only DROPOUT can make them, in a frozen
 * model. */
static bool dropout_acts(const char *frozen) {
    torch *t = support_torch();
    thaw_head head = {.hidden = {16}, .hidden_count = 1, .dropout = 0.5};
    enum { COUNT = 4, PIXELS = COUNT * 32 * 32 * 3, LOGITS = COUNT * FIXTURE_CLASSES };
    static float pixels[PIXELS];
    static const int64_t label[COUNT] = {0, 1, 2, 3};
    rng noise = rng_keyed(1, RNG_TEST, 0, 0);
    for (int i = 0; i < PIXELS; i++)
        pixels[i] = (float)rng_normal(&noise);
    model *m;
    expect_ok(model_build("cifar_resnet20", 0, 0, 0, &m));
    expect_ok(model_replace_head(m, &head, FIXTURE_CLASSES, 1));
    expect_ok(model_materialise(m, t, support_device(), false, 1));
    freeze_mask mask = {0};
    freeze_mask_add(&mask, "all", THAW_FROZEN);
    if (frozen) freeze_mask_add(&mask, frozen, THAW_FROZEN);
    expect_ok(freeze_apply(m, &mask));
    freeze_mask_clear(&mask);
    thaw_recipe recipe;
    thaw_recipe_init(&recipe);
    optimizer *o;
    expect_ok(optimizer_new(&recipe, m, &o));
    learner l = {.model = m, .optimizer = o, .seed = 5};
    expect_ok(learner_mask_changed(&l));

    image_batch four = {.count = COUNT, .height = 32, .width = 32, .numbers = pixels, .label = label};
    float logits[LOGITS];
    double loss;
    expect_ok(learner_infer(&l, &four));
    memcpy(logits, l.logits, sizeof logits);
    expect_ok(learner_step(&l, &four, 0, 1e-9, NULL, &loss));
    bool differ = false;
    for (int i = 0; i < LOGITS; i++)
        differ = differ || fabsf(logits[i] - l.logits[i]) > 1e-4f;
    learner_clear(&l);
    optimizer_free(o);
    thaw_recipe_clear(&recipe);
    model_free(m);
    return differ;
}

/* Leak 4. */
static void dropout_inside_a_frozen_layer_is_off(void **state) {
    (void)state;
    assert_true(dropout_acts(NULL));
    assert_false(dropout_acts("linear.2"));
}

static void change_masks(rig *r, const thaw_event *e) {
    watch *w = r->user;
    if (is_step(e, 2)) w->first_weights = rig_digest(r, "layer2", DIGEST_WEIGHTS);
    mask_as("layer2", r, e, 3);
    if (is_step(e, 3)) w->weights = rig_digest(r, "layer2", DIGEST_WEIGHTS);
    if (is_step(e, 5)) assert_true(rig_digest(r, "layer2", DIGEST_WEIGHTS) == w->weights);
    mask_as("conv1", r, e, 5);
    if (is_step(e, 6)) {
        assert_true(rig_digest(r, "layer2", DIGEST_WEIGHTS) != w->weights);
        assert_int_equal(optimizer_find(r->trainer->optimizer, "layer2.0.conv1.weight")->steps, 1);
    }
}

/* Leak 5: the step that was under way is whole, the next one is under the new mask, and the event says which.
 */
static void a_mask_change_acts_between_two_steps_and_says_which(void **state) {
    (void)state;
    thaw_recipe recipe;
    FIXTURE_RECIPE(&recipe, "epochs=2");
    watch w = {0};
    rig r = {.on_event = change_masks, .user = &w, .keep = true};
    rig_train(&r, &recipe);
    expect_ok(r.status);
    assert_true(w.first_weights != w.weights);
    assert_int_equal(rig_events(&r, THAW_EVENT_MASK), 3);
    assert_int_equal(rig_event(&r, THAW_EVENT_MASK, 0)->steps, 0);
    const thaw_event *frozen = rig_event(&r, THAW_EVENT_MASK, 1), *thawed = rig_event(&r, THAW_EVENT_MASK, 2);
    assert_int_equal(frozen->steps, 3);
    assert_string_equal(frozen->mask.frozen[0], "layer2");
    assert_true(frozen->mask.trainable < rig_event(&r, THAW_EVENT_MASK, 0)->mask.trainable);
    assert_int_equal(thawed->steps, 5);
    assert_string_equal(thawed->mask.frozen[0], "conv1");
    rig_clear(&r);
    thaw_recipe_clear(&recipe);
}

static void ask_for_masks_that_cannot_be(rig *r, const thaw_event *e) {
    mask_as("leyer1", r, e, 1);
    mask_as("*", r, e, 2);
}

static void a_mask_that_cannot_be_is_told_and_changes_nothing(void **state) {
    (void)state;
    thaw_recipe recipe;
    FIXTURE_RECIPE(&recipe, "epochs=1");
    rig r = {.on_event = ask_for_masks_that_cannot_be, .keep = true};
    rig_train(&r, &recipe);
    expect_ok(r.status);
    assert_true(rig_logged(&r, "layer1"));
    assert_true(rig_logged(&r, "nothing would be trained"));
    assert_int_equal(rig_events(&r, THAW_EVENT_MASK), 3); /* whoever asked is told what stays */
    for (int i = 0; i < 3; i++)
        assert_int_equal(rig_event(&r, THAW_EVENT_MASK, i)->mask.frozen_count, 0);
    assert_int_equal(rig_events(&r, THAW_EVENT_STEP), STEPS_PER_EPOCH);
    rig_clear(&r);
    thaw_recipe_clear(&recipe);
}

/* ---- the same again ---- */

static uint64_t run_digest(const char *const *assignments, double *last_loss) {
    thaw_recipe recipe;
    fixture_recipe(&recipe, assignments);
    rig r = {.keep = true};
    rig_train(&r, &recipe);
    expect_ok(r.status);
    uint64_t digest = rig_digest(&r, "", DIGEST_ALL);
    *last_loss = rig_event(&r, THAW_EVENT_EPOCH, -1)->epoch.train_loss;
    rig_clear(&r);
    thaw_recipe_clear(&recipe);
    return digest;
}

static void the_same_seed_gives_the_same_bits(void **state) {
    (void)state;
    double a, b, c;
    static const char *const one[] = {"epochs=1", NULL}, *const other[] = {"epochs=1", "seed=4", NULL};
    static const char *const workers[] = {"epochs=1", "workers=3", "cache=off", NULL};
    uint64_t first = run_digest(one, &a);
    assert_true(first == run_digest(workers, &b));
    assert_true(a == b);
    assert_true(first != run_digest(other, &c));
    assert_true(a != c);
}

/* Changes by hand at steps 2 and 6; a stop at step r->user in between. */
static void steer(rig *r, const thaw_event *e) {
    const int64_t *stop_at = r->user;
    mask_as("layer1", r, e, 2);
    if (is_step(e, 6)) {
        command *c = command_new(COMMAND_LR);
        c->lr = 0.01;
        mailbox_post(r->mailbox, c);
    }
    if (!is_step(e, *stop_at)) return;
    command *c = command_new(COMMAND_STOP);
    c->save = true;
    mailbox_post(r->mailbox, c);
}

static void compare_epochs(const rig *whole, const rig *part) {
    for (int i = 0; i < (int)rig_events(part, THAW_EVENT_EPOCH); i++) {
        const thaw_event *b = rig_event(part, THAW_EVENT_EPOCH, i);
        const thaw_event *a = rig_event(whole, THAW_EVENT_EPOCH, b->epoch.epoch);
        assert_true(a->epoch.train_loss == b->epoch.train_loss && a->epoch.train_top1 == b->epoch.train_top1);
        assert_true(a->epoch.val_loss == b->epoch.val_loss && a->epoch.val_top1 == b->epoch.val_top1);
        assert_true(a->epoch.best == b->epoch.best);
    }
}

/* Stop after STOP_AT steps, in the middle of an epoch or at its edge, go on, and compare with never having
 * stopped. */
static void check_resume(int64_t stop_at, const char *optimizer_name) {
    int64_t never = -1;
    thaw_recipe recipe;
    FIXTURE_RECIPE(&recipe, "head.hidden=[12]", "head.dropout=0.3", optimizer_name, "schedule.name=cosine",
                   "label_smoothing=0.1", "optimizer.nesterov=false");
    rig whole = {.on_event = steer, .user = &never, .keep = true};
    rig_train(&whole, &recipe);
    expect_ok(whole.status);

    rig first = {.on_event = steer, .user = &stop_at};
    rig_train(&first, &recipe);
    expect_ok(first.status);
    assert_int_equal(first.how, TRAINER_STOPPED);
    rig second = {.on_event = steer, .user = &never, .keep = true};
    rig_resume(&second, first.folder);
    expect_ok(second.status);
    assert_int_equal(rig_event(&second, THAW_EVENT_BEGIN, 0)->steps, stop_at);
    assert_true(rig_event(&second, THAW_EVENT_BEGIN, 0)->begin.resumed);
    assert_true(rig_digest(&whole, "", DIGEST_ALL) == rig_digest(&second, "", DIGEST_ALL));
    compare_epochs(&whole, &second);
    for (int64_t step = stop_at + 1; step <= STEPS; step++) {
        const thaw_event *a = rig_event(&whole, THAW_EVENT_STEP, (int)step - 1);
        const thaw_event *b = rig_event(&second, THAW_EVENT_STEP, (int)(step - stop_at) - 1);
        assert_true(a->step.loss == b->step.loss && a->step.lr == b->step.lr);
    }
    rig_clear(&whole);
    rig_clear(&first);
    rig_clear(&second);
    thaw_recipe_clear(&recipe);
}

static void a_run_resumed_in_an_epoch_ends_bit_identical(void **state) {
    (void)state;
    check_resume(5, "optimizer.name=sgd");
    check_resume(3, "optimizer.name=adamw");
}

static void a_run_resumed_between_epochs_ends_bit_identical(void **state) {
    (void)state;
    check_resume(STEPS_PER_EPOCH, "optimizer.name=sgd");
}

static void stop_while_evaluating(rig *r, const thaw_event *e) {
    if (e->kind != THAW_EVENT_STATE || e->state.state != THAW_STATE_EVALUATING) return;
    command *c = command_new(COMMAND_STOP);
    c->save = true;
    mailbox_post(r->mailbox, c);
}

static void a_run_stopped_in_evaluation_only_evaluates_again(void **state) {
    (void)state;
    thaw_recipe recipe;
    FIXTURE_RECIPE(&recipe, "epochs=1");
    rig whole = {0}, first = {.on_event = stop_while_evaluating}, second = {0};
    rig_train(&whole, &recipe);
    rig_train(&first, &recipe);
    expect_ok(first.status);
    assert_int_equal(rig_events(&first, THAW_EVENT_EPOCH), 0);
    rig_resume(&second, first.folder);
    expect_ok(second.status);
    assert_int_equal(rig_events(&second, THAW_EVENT_STEP), 0);
    compare_epochs(&whole, &second);
    rig_clear(&whole);
    rig_clear(&first);
    rig_clear(&second);
    thaw_recipe_clear(&recipe);
}

static void stop_unsaved(rig *r, const thaw_event *e) {
    if (is_step(e, 2)) rig_post(r, COMMAND_STOP);
}

static void a_run_without_a_checkpoint_starts_again(void **state) {
    (void)state;
    thaw_recipe recipe;
    FIXTURE_RECIPE(&recipe, "epochs=1");
    rig first = {.on_event = stop_unsaved}, second = {0};
    rig_train(&first, &recipe);
    expect_ok(first.status);
    assert_int_equal(rig_events(&first, THAW_EVENT_CHECKPOINT), 0);
    rig_resume(&second, first.folder);
    expect_ok(second.status);
    assert_int_equal(rig_events(&second, THAW_EVENT_STEP), STEPS_PER_EPOCH);
    assert_true(rig_logged(&second, "never got to a checkpoint"));
    rig_clear(&second);

    rig third = {0};
    rig_resume(&third, first.folder); /* and now it is done */
    assert_int_equal(third.status.code, THAW_ERR_USAGE);
    assert_non_null(strstr(third.status.message, "finished"));
    rig_clear(&third);
    rig_clear(&first);
    thaw_recipe_clear(&recipe);
}

/* ---- what else a run promises ---- */

static void a_run_says_everything_once_and_in_order(void **state) {
    (void)state;
    thaw_recipe recipe;
    FIXTURE_RECIPE(&recipe, "epochs=2");
    rig r = {0};
    rig_train(&r, &recipe);
    expect_ok(r.status);
    assert_int_equal(r.how, TRAINER_DONE);
    const thaw_event *begin = rig_event(&r, THAW_EVENT_BEGIN, 0);
    assert_int_equal(begin->begin.steps_per_epoch, STEPS_PER_EPOCH);
    assert_string_equal(begin->begin.precision, "fp32");
    assert_string_equal(begin->begin.device, support_device_name());
    assert_int_equal(rig_event(&r, THAW_EVENT_DATASET, 0)->dataset.classes, FIXTURE_CLASSES);
    assert_int_equal(rig_events(&r, THAW_EVENT_STEP), STEPS);
    assert_int_equal(rig_events(&r, THAW_EVENT_EPOCH), EPOCHS);
    assert_int_equal(rig_events(&r, THAW_EVENT_CHECKPOINT), EPOCHS);
    assert_int_equal(rig_events(&r, THAW_EVENT_LAYERS), STEPS);
    for (int i = 0; i < STEPS; i++) {
        const thaw_event *e = rig_event(&r, THAW_EVENT_STEP, i);
        assert_int_equal(e->steps, i + 1);
        assert_int_equal(e->step.epoch, i / STEPS_PER_EPOCH);
        assert_int_equal(e->step.batch, 8);
        assert_true(isfinite(e->step.loss) && e->step.images_per_second > 0);
    }
    double sum = 0;
    for (int i = 0; i < STEPS_PER_EPOCH; i++)
        sum += rig_event(&r, THAW_EVENT_STEP, i)->step.loss;
    const thaw_event *epoch = rig_event(&r, THAW_EVENT_EPOCH, 0);
    assert_true(fabs(epoch->epoch.train_loss - sum / STEPS_PER_EPOCH) < 1e-12);
    assert_true(epoch->epoch.best);
    assert_int_equal(epoch->epoch.classes, FIXTURE_CLASSES);
    const thaw_event *layers = rig_event(&r, THAW_EVENT_LAYERS, -1);
    for (size_t i = 0; i < layers->layers.count; i++) {
        const thaw_layer_stat *item = &layers->layers.item[i];
        assert_true(item->update_ratio > 0 && item->grad_ratio > 0 && item->drift > 0);
    }
    rig_clear(&r);
    thaw_recipe_clear(&recipe);
}

static const thaw_layer_stat *stat_of(const thaw_event *e, const char *path) {
    for (size_t i = 0; i < e->layers.count; i++)
        if (!strcmp(e->layers.item[i].path, path)) return &e->layers.item[i];
    return NULL;
}

/* The batch-norm statistics of a layer whose weights are frozen move, and are measured. */
static void statistics_that_move_are_measured_and_frozen_ones_are_not(void **state) {
    (void)state;
    thaw_recipe recipe;
    FIXTURE_RECIPE(&recipe, "epochs=2", "freeze=[\"conv1\", \"bn1\"]", "moving=[\"layer1\"]");
    rig r = {0};
    rig_train(&r, &recipe);
    assert_string_equal(r.status.message, "");
    const thaw_event *first = rig_event(&r, THAW_EVENT_LAYERS, 0),
                     *last = rig_event(&r, THAW_EVENT_LAYERS, -1);
    assert_null(stat_of(last, "bn1"));
    const thaw_layer_stat *moving = stat_of(last, "layer1.0.bn1"), *trained = stat_of(last, "layer2.0.bn1");
    assert_non_null(moving);
    assert_non_null(trained);
    assert_true(isnan(moving->update_ratio) && isnan(moving->grad_ratio) && isnan(moving->drift));
    assert_true(moving->norm_drift > 0 && trained->norm_drift > 0 && trained->drift > 0);
    assert_true(moving->norm_drift > stat_of(first, "layer1.0.bn1")->norm_drift);
    assert_true(isnan(stat_of(last, "layer2.0.conv1")->norm_drift));
    rig_clear(&r);
    thaw_recipe_clear(&recipe);
}

static void stop_after_an_epoch(rig *r, const thaw_event *e) {
    if (e->kind == THAW_EVENT_EPOCH && e->epoch.epoch == 0) rig_post(r, COMMAND_STOP);
}

static void statistics_drift_is_measured_from_the_start_of_the_run_after_a_resume(void **state) {
    (void)state;
    thaw_recipe recipe;
    FIXTURE_RECIPE(&recipe, "epochs=2", "freeze=[]", "moving=[\"layer1\"]");
    rig whole = {0}, cut = {.on_event = stop_after_an_epoch}, on = {0};
    rig_train(&whole, &recipe);
    rig_train(&cut, &recipe);
    rig_resume(&on, cut.folder);
    const thaw_event *a = rig_event(&whole, THAW_EVENT_LAYERS, -1),
                     *b = rig_event(&on, THAW_EVENT_LAYERS, -1);
    assert_int_equal(a->steps, b->steps);
    assert_true(stat_of(a, "layer1.0.bn1")->norm_drift == stat_of(b, "layer1.0.bn1")->norm_drift);
    assert_true(stat_of(a, "bn1")->norm_drift == stat_of(b, "bn1")->norm_drift);
    rig_clear(&whole);
    rig_clear(&cut);
    rig_clear(&on);
    thaw_recipe_clear(&recipe);
}

static void stop_being_finite(rig *r, const thaw_event *e) {
    if (!is_step(e, STEPS_PER_EPOCH + 1)) return;
    tscope s; /* as a diverging run would: a weight that is no number */
    tscope_begin(&s, r->trainer->model->torch);
    t_fill_(&s, optimizer_find(r->trainer->optimizer, "conv1.weight")->param->t, NAN);
    expect_ok(tscope_end(&s));
    rig_post(r, COMMAND_CHECKPOINT); /* must not replace the finite one */
}

static void a_loss_that_is_not_finite_stops_and_keeps_the_finite_checkpoint(void **state) {
    (void)state;
    thaw_recipe recipe;
    FIXTURE_RECIPE(&recipe, "epochs=3");
    rig r = {.on_event = stop_being_finite}, again = {0};
    rig_train(&r, &recipe);
    assert_int_equal(r.status.code, THAW_ERR_NUMERIC);
    assert_int_equal(r.how, TRAINER_NOT_FINITE);
    assert_non_null(strstr(r.status.message, "step 5"));
    assert_true(rig_logged(&r, "conv1.weight is not finite"));
    assert_int_equal(rig_events(&r, THAW_EVENT_CHECKPOINT), 1);
    const thaw_event *last = rig_event(&r, THAW_EVENT_STEP, -1);
    assert_true(isnan(last->step.loss));
    rig_resume(&again, r.folder);
    expect_ok(again.status);
    assert_int_equal(rig_event(&again, THAW_EVENT_BEGIN, 0)->steps, STEPS_PER_EPOCH);
    rig_clear(&again);
    rig_clear(&r);
    thaw_recipe_clear(&recipe);
}

static void no_validation_images_leave_the_training_loss_to_decide(void **state) {
    (void)state;
    thaw_recipe recipe;
    FIXTURE_RECIPE(&recipe, "epochs=2", "batch_size=64");
    free(recipe.data.path);
    recipe.data.path = xasprintf("%s/train", fixture_images(4, 2));
    recipe.data.val_fraction = 0;
    rig r = {0};
    rig_train(&r, &recipe);
    expect_ok(r.status);
    assert_true(rig_logged(&r, "using 32"));
    assert_true(rig_logged(&r, "lowest training loss"));
    const thaw_event *e = rig_event(&r, THAW_EVENT_EPOCH, 0);
    assert_true(isnan(e->epoch.val_loss) && isnan(e->epoch.val_top1) && e->epoch.best);
    assert_null(e->epoch.class_top1);
    rig_clear(&r);
    thaw_recipe_clear(&recipe);
}

static void early_stop_counts_epochs_without_a_better_one(void **state) {
    (void)state;
    thaw_recipe recipe;
    FIXTURE_RECIPE(&recipe, "epochs=9", "early_stop=2", "optimizer.lr=1e-12", "freeze=[\"all\"]");
    rig r = {0};
    rig_train(&r, &recipe); /* nothing moves, so the first epoch stays the best */
    expect_ok(r.status);
    assert_int_equal(r.how, TRAINER_EARLY_STOP);
    assert_true(rig_events(&r, THAW_EVENT_EPOCH) < 9);
    rig_clear(&r);
    thaw_recipe_clear(&recipe);
}

static void expect_refusal(thaw_recipe *recipe, const char *part) {
    rig r = {0};
    rig_train(&r, recipe);
    if (!thaw_failed(&r.status)) fail_msg("expected a failure that says \"%s\"", part);
    if (!strstr(r.status.message, part)) fail_msg("\"%s\" does not say \"%s\"", r.status.message, part);
    assert_null(r.folder);
    rig_clear(&r);
    thaw_recipe_clear(recipe);
}

static void what_cannot_be_trained_is_refused_before_a_run_is_made(void **state) {
    (void)state;
    thaw_recipe recipe;
    FIXTURE_RECIPE(&recipe, "freeze=[\"*\"]");
    expect_refusal(&recipe, "nothing would be trained");
    FIXTURE_RECIPE(&recipe, "freeze=[\"leyer1\"]");
    expect_refusal(&recipe, "layer1");
    FIXTURE_RECIPE(&recipe, "data.path=nowhere");
    expect_refusal(&recipe, "nowhere");
    FIXTURE_RECIPE(&recipe, "device=cuda:77");
    expect_refusal(&recipe, "cuda");
    FIXTURE_RECIPE(&recipe, "batch_size=1", "head.hidden=[8]", "head.batch_norm=true");
    expect_refusal(&recipe, "batch_size to 2");
    expect_ok(path_make_directory("one/only"));
    FIXTURE_RECIPE(&recipe, "data.path=one");
    expect_refusal(&recipe, "one");
    assert_false(path_exists("runs/lost"));
}

static void a_lone_last_image_is_left_out_where_a_norm_needs_two(void **state) {
    (void)state;
    thaw_recipe recipe;
    FIXTURE_RECIPE(&recipe, "epochs=1", "batch_size=31", "head.hidden=[8]", "head.batch_norm=true");
    rig r = {.keep = true};
    rig_train(&r, &recipe);
    expect_ok(r.status);
    assert_int_equal(rig_events(&r, THAW_EVENT_STEP), 1);
    assert_true(rig_logged(&r, "left out"));
    rig_clear(&r);
    thaw_recipe_clear(&recipe);
    FIXTURE_RECIPE(&recipe, "epochs=1", "batch_size=31"); /* without such a norm it is trained on */
    rig_train(&r, &recipe);
    expect_ok(r.status);
    assert_int_equal(rig_events(&r, THAW_EVENT_STEP), 2);
    rig_clear(&r);
    thaw_recipe_clear(&recipe);
}

static void a_full_adam_run_writes_a_checkpoint_often(void **state) {
    (void)state;
    thaw_recipe recipe;
    FIXTURE_RECIPE(&recipe, "epochs=1", "optimizer.name=adam", "optimizer.lr=0.001",
                   "checkpoint_seconds=0.000001");
    rig r = {0};
    rig_train(&r, &recipe);
    expect_ok(r.status);
    /* Within the epoch whenever the one before is written, and at its end. */
    assert_true(rig_events(&r, THAW_EVENT_CHECKPOINT) >= 2);
    rig_clear(&r);
    thaw_recipe_clear(&recipe);
}

/* ---- images that change ---- */

static char *image_of(const rig *r, size_t number) {
    return path_join(thaw_dataset_root(r->trainer->dataset), r->trainer->dataset->train.item[number].path);
}

/* At the end of the first epoch one image gets longer and one goes; all of them are looked at afterwards. */
static void change_two(rig *r, const thaw_event *e) {
    if (e->kind != THAW_EVENT_EPOCH) return;
    r->trainer->data_checked_at = -INFINITY;
    if (e->epoch.epoch > 0) return;
    char *longer = image_of(r, 3), *gone = image_of(r, 5);
    FILE *f = fopen(longer, "ab");
    assert_non_null(f);
    (void)fputs("more", f);
    (void)fclose(f);
    assert_int_equal(unlink(gone), 0);
    free(longer);
    free(gone);
}

static void name_images_that_change(const char *epochs) {
    thaw_recipe recipe;
    FIXTURE_RECIPE(&recipe, epochs);
    free(recipe.data.path);
    recipe.data.path = xstrdup(fixture_images(4, 1)); /* of its own: it is damaged */
    rig r = {.on_event = change_two, .keep = true};
    rig_train(&r, &recipe);
    expect_ok(r.status);
    char *longer = image_of(&r, 3), *gone = image_of(&r, 5);
    assert_true(rig_logged(&r, longer) && rig_logged(&r, gone));
    assert_true(rig_logged(&r, "has changed since the run began") && rig_logged(&r, "is gone since"));
    assert_int_equal(r.trainer->changed_files, 2);
    free(longer);
    free(gone);
    rig_clear(&r);
    thaw_recipe_clear(&recipe);
}

static void images_that_change_are_named_once(void **state) {
    (void)state;
    name_images_that_change("epochs=3");
    name_images_that_change("epochs=1"); /* the last epoch is no exception */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_that_change_are_named_once),
        cmocka_unit_test(frozen_weight_stays_bit_identical_with_momentum),
        cmocka_unit_test(frozen_norm_keeps_its_statistics),
        cmocka_unit_test(norm_train_moves_statistics_and_no_weight),
        cmocka_unit_test(resuming_restores_the_mask_of_that_moment),
        cmocka_unit_test(dropout_inside_a_frozen_layer_is_off),
        cmocka_unit_test(a_mask_change_acts_between_two_steps_and_says_which),
        cmocka_unit_test(a_mask_that_cannot_be_is_told_and_changes_nothing),
        cmocka_unit_test(the_same_seed_gives_the_same_bits),
        cmocka_unit_test(a_run_resumed_in_an_epoch_ends_bit_identical),
        cmocka_unit_test(a_run_resumed_between_epochs_ends_bit_identical),
        cmocka_unit_test(a_run_stopped_in_evaluation_only_evaluates_again),
        cmocka_unit_test(a_run_without_a_checkpoint_starts_again),
        cmocka_unit_test(a_run_says_everything_once_and_in_order),
        cmocka_unit_test(statistics_that_move_are_measured_and_frozen_ones_are_not),
        cmocka_unit_test(statistics_drift_is_measured_from_the_start_of_the_run_after_a_resume),
        cmocka_unit_test(a_loss_that_is_not_finite_stops_and_keeps_the_finite_checkpoint),
        cmocka_unit_test(no_validation_images_leave_the_training_loss_to_decide),
        cmocka_unit_test(early_stop_counts_epochs_without_a_better_one),
        cmocka_unit_test(what_cannot_be_trained_is_refused_before_a_run_is_made),
        cmocka_unit_test(a_lone_last_image_is_left_out_where_a_norm_needs_two),
        cmocka_unit_test(a_full_adam_run_writes_a_checkpoint_often),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
