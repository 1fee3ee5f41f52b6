/*
 * trainer_run.c - epochs, steps and evaluation. See trainer.h.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/train/evaluate.h"
#include "engine/train/trainer.h"

enum { LAYERS_PER_EPOCH = 4 }; /* LAYERS events */
static const double PROFILE_SECONDS = 10;

/* ---- one batch ---- */

/* Batches whose step is measured: evenly spread, the first of an epoch among them. */
static bool is_measured(const trainer *t, int number) {
    int batches = loader_batches(t->train);
    int every = batches > LAYERS_PER_EPOCH ? batches / LAYERS_PER_EPOCH : 1;
    return number % every == 0;
}

static void say_step(trainer *t, const batch *b, double loss, double lr, double seconds) {
    thaw_event e = {.kind = THAW_EVENT_STEP};
    e.step.epoch = t->epoch;
    e.step.loss = loss;
    e.step.lr = lr;
    e.step.batch = b->count;
    for (int i = 0; i < b->count; i++)
        e.step.cached += !b->loaded[i];
    e.step.seconds = seconds;
    e.step.images_per_second = seconds > 0 ? b->count / seconds : NAN;
    e.step.data_wait = seconds > 0 ? fmin(1, b->wait / seconds) : 0;
    trainer_emit(t, &e);
}

/* A last batch of one image, where a norm needs two: torch would make running_var NaN. */
static bool leave_out(trainer *t, const batch *b) {
    if (b->count == 0) return true;
    const layer *norm = b->count == 1 ? learner_needs_two(&t->learner) : NULL;
    if (!norm) return false;
    if (!t->lone_image_told)
        trainer_log(t, 1, "a batch of one image is left out each epoch: \"%s\" needs two values a channel",
                    norm->path);
    t->lone_image_told = true;
    return true;
}

static thaw_status train_batch(trainer *t, const batch *b, double started) {
    bool measured = is_measured(t, b->number);
    double lr = schedule_lr(&t->schedule, t->base_lr, t->steps), loss = NAN;
    int side = t->plan.transform.crop;
    image_batch in = {.count = b->count,
                      .height = side,
                      .width = side,
                      .pixels = b->pixels,
                      .label = b->label,
                      .cache = t->train_cache,
                      .entry = b->entry,
                      .loaded = b->loaded,
                      .room = loader_batch_size(t->train)};
    thaw_status status = learner_step(&t->learner, &in, t->steps, lr, measured ? t->stats : NULL, &loss);
    if (status.code != THAW_OK && status.code != THAW_ERR_NUMERIC) return status;
    double seconds = clock_seconds() - started;
    if (status.code == THAW_OK) {
        t->profile.steps++;
        t->profile.images += b->count;
        metrics_add(&t->score, t->learner.logits, b->label, b->count, loss);
        t->steps++;
    }
    say_step(t, b, loss, lr, seconds);
    char *trouble = step_graph_trouble(t->learner.graph);
    if (trouble) trainer_log(t, 1, "%s", trouble);
    free(trouble);
    if (status.code == THAW_OK && measured) {
        thaw_event e;
        layer_stats_event(t->stats, &e);
        trainer_emit(t, &e);
    }
    return status;
}

/* What was kept of a batch's images turned out to be damaged: nothing has happened yet, so begin it anew. */
static bool begin_anew(trainer *t, const thaw_status *status) {
    if (!thaw_failed(status) || !t->train_cache || !prefix_cache_lost(t->train_cache)) return false;
    trainer_say_cache(t);
    loader_start(t->train, t->epoch, t->next_batch);
    return true;
}

/* The next batch of the epoch, trained on or left out; DONE at the epoch's end. */
static thaw_status advance(trainer *t, bool *done) {
    double started = clock_seconds();
    profile_enter(&t->profile, THAW_PHASE_WAIT);
    batch *b = loader_next(t->train);
    profile_enter(&t->profile, THAW_PHASE_OTHER);
    *done = !b;
    if (!b) return thaw_ok();
    thaw_status status = leave_out(t, b) ? thaw_ok() : train_batch(t, b, started);
    profile_enter(&t->profile, THAW_PHASE_OTHER);
    double seconds = clock_seconds() - started;
    trainer_weigh_decoding(t, b, seconds);
    loader_release(t->train, b);
    if (begin_anew(t, &status)) return thaw_ok();
    t->epoch_seconds += seconds;
    t->train_seconds += seconds;
    t->next_batch++;
    return status;
}

/* ---- checkpoints and the end of an epoch ---- */

static void save_when_due(trainer *t) {
    double every = t->recipe.checkpoint_seconds;
    bool due = every > 0 && clock_seconds() - t->saved_at >= every;
    if (due && !trainer_is_saving(t)) trainer_save(t, false);
}

/* Whoever looks on does not wait for the end of a long epoch. */
static void say_profile_when_due(trainer *t) {
    if (t->profile.detailed && clock_seconds() - t->profile.begun >= PROFILE_SECONDS) trainer_say_profile(t);
}

static bool go_on(void *user, int done, int of) {
    (void)done, (void)of;
    return trainer_poll(user);
}

/* Training loss decides where there is nothing to validate on. */
static bool is_best(const trainer *t, double top1, double loss) {
    if (t->best_epoch < 0) return true;
    if (!t->val) return loss < t->best_val_loss;
    return top1 > t->best_val_top1 || (top1 == t->best_val_top1 && loss < t->best_val_loss);
}

static void judge(trainer *t, double top1, double loss, bool *best) {
    *best = is_best(t, top1, loss);
    if (!*best) {
        t->stale_epochs++;
        return;
    }
    t->best_epoch = t->epoch;
    t->best_val_top1 = top1;
    t->best_val_loss = loss;
    t->stale_epochs = 0;
}

static void say_epoch(trainer *t, const metrics *val, bool best) {
    thaw_event e = {.kind = THAW_EVENT_EPOCH};
    e.epoch.epoch = t->epoch;
    e.epoch.train_loss = metrics_loss(&t->score);
    e.epoch.train_top1 = metrics_top1(&t->score);
    e.epoch.val_loss = metrics_loss(val);
    e.epoch.val_top1 = metrics_top1(val);
    e.epoch.val_top5 = metrics_top5(val);
    e.epoch.best = best;
    e.epoch.seconds = t->epoch_seconds;
    e.epoch.images_per_second = t->train_seconds > 0 ? (double)t->score.images / t->train_seconds : NAN;
    if (val->images) {
        e.epoch.classes = val->classes;
        e.epoch.class_top1 = xcalloc((size_t)val->classes, sizeof *e.epoch.class_top1);
        for (int i = 0; i < val->classes; i++)
            e.epoch.class_top1[i] = metrics_class_top1(val, i);
    }
    trainer_emit(t, &e);
}

static thaw_status validate(trainer *t, metrics *val, mistakes *worst) {
    if (!t->val) return thaw_ok();
    t->working = THAW_STATE_EVALUATING;
    double started = clock_seconds() - t->paused_seconds;
    profile_evaluate(&t->profile, true);
    thaw_status status = evaluate(&t->learner, t->val, t->val_cache, go_on, t, val, worst);
    profile_evaluate(&t->profile, false);
    t->epoch_seconds += clock_seconds() - t->paused_seconds - started;
    if (status.code == THAW_OK && val->images && !isfinite(metrics_loss(val)))
        status =
            thaw_error(THAW_ERR_NUMERIC, "the validation loss is %g after step %lld; lower the learning rate",
                       metrics_loss(val), (long long)t->steps);
    return status;
}

static bool is_stale(const trainer *t) {
    if (t->phase < t->recipe.phase_count) return false; /* what is to come is another matter */
    return t->recipe.early_stop > 0 && t->stale_epochs >= t->recipe.early_stop;
}

/* After the last epoch there is nothing to go on with meanwhile. */
static void save_epoch(trainer *t, bool best) {
    if (t->epoch < t->recipe.epochs && !is_stale(t))
        trainer_save(t, best);
    else
        trainer_save_now(t, best);
}

/* The batches are done: validate, report, move to the next epoch and save. */
static thaw_status end_epoch(trainer *t) {
    trainer_say_skipped(t);
    if (t->score.images == 0)
        return thaw_error(THAW_ERR_USAGE,
                          "none of the %zu training images could be read or used; `thaw data` says why",
                          thaw_dataset_images(t->dataset, true));
    metrics val;
    mistakes worst = {.most = THAW_EVENT_MISTAKES_MAX};
    metrics_init(&val, t->model->classes);
    thaw_status status = validate(t, &val, &worst);
    if (!thaw_failed(&status)) {
        bool best = false;
        trainer_say_skipped(t);
        trainer_say_cache_growth(t);
        judge(t, metrics_top1(&val), t->val ? metrics_loss(&val) : metrics_loss(&t->score), &best);
        say_epoch(t, &val, best);
        if (t->val) trainer_say_mistakes(t, &worst);
        t->epoch++;
        t->next_batch = 0;
        t->epoch_seconds = t->train_seconds = 0;
        metrics_reset(&t->score);
        save_epoch(t, best);
        trainer_say_profile(t);
    }
    metrics_clear(&val);
    mistakes_clear(&worst);
    return status;
}

/* ---- the run ---- */

/* From here on the mask decides what is kept, and the loader what comes next. */
static void start_loading(trainer *t, bool anew) {
    profile_enter(&t->profile, THAW_PHASE_KEPT);
    anew |= trainer_renew_cache(t);
    if (anew) trainer_settle_cache(t);
    if (anew) trainer_choose_images(t);
    profile_enter(&t->profile, THAW_PHASE_WAIT);
    if (anew) loader_start(t->train, t->epoch, t->next_batch);
    profile_enter(&t->profile, THAW_PHASE_OTHER);
}

static thaw_status run_epoch(trainer *t) {
    t->working = THAW_STATE_TRAINING;
    t->profile.epoch = t->epoch;
    trainer_check_data(t);
    THAW_TRY(trainer_begin_phases(t));
    start_loading(t, true);
    for (bool done = false; !done;) {
        if (!trainer_poll(t)) return thaw_error(THAW_ERR_CANCELLED, "stopped");
        if (t->cache_stale) start_loading(t, false);
        THAW_TRY(advance(t, &done));
        if (!done) save_when_due(t);
        if (!done) say_profile_when_due(t);
        if (!done) trainer_say_cache_when_due(t);
    }
    /* Whoever goes step by step has asked for the evaluation: there was no batch left. */
    t->one_step = t->paused;
    THAW_TRY(end_epoch(t));
    t->one_step = false;
    return thaw_ok();
}

static void stop(trainer *t) {
    trainer_say_state(t, THAW_STATE_STOPPING);
    if (t->stop_save) trainer_save_now(t, false);
}

thaw_status trainer_run(trainer *t, trainer_end *how) {
    thaw_status status = thaw_ok();
    trainer_say_begin(t);
    t->saved_at = clock_seconds();
    profile_enter(&t->profile, THAW_PHASE_OTHER);
    *how = TRAINER_DONE;
    while (t->epoch < t->recipe.epochs && !is_stale(t) && !thaw_failed(&status))
        status = run_epoch(t);
    trainer_check_data(t);
    trainer_await_save(t);
    bool stopped = status.code == THAW_ERR_CANCELLED && t->stopping;
    if (stopped) stop(t);
    if (profile_has_news(&t->profile)) trainer_say_profile(t);
    if (stopped) {
        *how = TRAINER_STOPPED;
        return thaw_ok();
    }
    if (status.code == THAW_OK && t->epoch < t->recipe.epochs) *how = TRAINER_EARLY_STOP;
    if (status.code == THAW_ERR_NUMERIC) *how = TRAINER_NOT_FINITE;
    return status;
}
