/*
 * run_view.c - see run_view.h. One handler an event kind, in a table.
 */
#include "tui/run_view.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "tui/run_epochs.h"
#include "tui/run_left.h"
#include "tui/run_marks.h"

/* How much a new step counts in the smoothed figures. */
static const double SMOOTHING = 0.05;

static void set_text(char **into, const char *text) {
    char *copy = xstrdup(text);
    free(*into);
    *into = copy;
}

static void free_names(char ***names, size_t count) {
    for (size_t i = 0; i < count; i++)
        free((*names)[i]);
    free(*names);
    *names = NULL;
}

static char **copy_names(char *const *names, size_t count) {
    char **copy = count ? xcalloc(count, sizeof *copy) : NULL;
    for (size_t i = 0; i < count; i++)
        copy[i] = xstrdup(names[i]);
    return copy;
}

/* ---- one handler an event kind ---- */

static void take_engine(run_view *v, const thaw_event *e) {
    v->engine_known = true;
    v->engine_ok = e->engine.ok;
    set_text(&v->engine_text, e->engine.text);
    if (e->engine.device) set_text(&v->device, e->engine.device);
    if (e->engine.precision) set_text(&v->precision, e->engine.precision);
    v->threads = e->engine.threads;
    v->slow_blas = e->engine.slow_blas;
    v->device_memory = e->engine.memory > 0 ? e->engine.memory : 0;
}

static void take_log(run_view *v, const thaw_event *e) {
    if (!v->log) v->log = xcalloc(RUN_LOG_MAX, sizeof *v->log);
    if (v->log_count == RUN_LOG_MAX) {
        free(v->log[0].text);
        memmove(&v->log[0], &v->log[1], (RUN_LOG_MAX - 1) * sizeof *v->log);
        v->log_count--;
        v->log_dropped++;
    }
    v->log[v->log_count++] = (run_log_line){
        .time = e->time,
        .level = e->log.level,
        .text = text_escape(e->log.text ? e->log.text : ""),
    };
}

/* What a killed process did after its last checkpoint is done again by the one that resumes. */
static void forget_after(run_view *v, int64_t steps) {
    series_cut(&v->train_loss, steps + 1);
    series_cut(&v->clock, steps + 1);
    series_cut(&v->rate, steps + 1);
    run_marks_cut(v, steps);
    run_layers_cut(&v->layers, steps);
    run_epochs_cut(v, steps);
    v->loss = v->train_loss.count ? series_mean(&v->train_loss.bucket[v->train_loss.count - 1]) : NAN;
}

static void move_text(char **from, char **to) {
    free(*to);
    *to = *from;
    *from = NULL;
}

/* What is the session's and not the run's, the engine and the log, goes from FROM to TO. */
static void hand_over(run_view *from, run_view *to) {
    for (size_t i = 0; i < to->log_count; i++)
        free(to->log[i].text);
    free(to->log);
    to->revision = from->revision;
    to->layers.generation += from->layers.generation + 1;
    to->engine_known = from->engine_known;
    to->engine_ok = from->engine_ok;
    to->threads = from->threads;
    to->slow_blas = from->slow_blas;
    to->device_memory = from->device_memory;
    to->time = from->time;
    to->state = from->state;
    to->log_count = from->log_count;
    to->log_dropped = from->log_dropped;
    to->log = from->log;
    from->log = NULL;
    from->log_count = 0;
    move_text(&from->engine_text, &to->engine_text);
    move_text(&from->device, &to->device);
    move_text(&from->precision, &to->precision);
}

void run_view_adopt(run_view *v, run_view *history) {
    hand_over(v, history);
    run_view_clear(v);
    *v = *history;
    run_view_init(history);
    v->revision++;
}

void run_view_show(run_view *v, run_view *history) {
    history->revision = v->revision + 1;
    history->engine_known = v->engine_known;
    history->engine_ok = v->engine_ok;
    history->slow_blas = v->slow_blas;
    history->device_memory = v->device_memory;
    move_text(&v->engine_text, &history->engine_text);
    run_view_clear(v);
    *v = *history;
    run_view_init(history);
}

/* A new run in a session that had one before. */
static void start_over(run_view *v) {
    run_view fresh;
    run_view_init(&fresh);
    run_view_adopt(v, &fresh);
}

static void take_begin(run_view *v, const thaw_event *e) {
    bool same = v->run && e->begin.run && !strcmp(v->run, e->begin.run);
    if (v->begun && !(e->begin.resumed && same)) start_over(v);
    if (e->begin.resumed) forget_after(v, e->steps);
    run_profile_clear(&v->epoch_profile);
    v->begun = true;
    v->ended = false;
    v->resumed = e->begin.resumed;
    set_text(&v->run, e->begin.run);
    set_text(&v->folder, e->begin.folder);
    set_text(&v->recipe, e->begin.recipe);
    v->epochs = e->begin.epochs;
    v->steps_per_epoch = e->begin.steps_per_epoch;
    v->epoch_step_weight = v->whole_step_weight = 0;
    run_left_begin(v);
    set_text(&v->cached_layer, NULL); /* the run says what it keeps */
    v->total_steps = (int64_t)e->begin.epochs * e->begin.steps_per_epoch;
    v->parameters = e->begin.parameters;
    v->trainable = e->begin.trainable;
    v->steps = e->steps;
    v->epoch = e->begin.first_epoch;
    if (e->begin.device) set_text(&v->device, e->begin.device);
    if (e->begin.precision) set_text(&v->precision, e->begin.precision);
    if (e->begin.resumed) run_marks_add(v, RUN_MARK_RESUME, e->steps, xstrdup("resumed"));
}

static void take_dataset(run_view *v, const thaw_event *e) {
    free_names(&v->class_name, (size_t)v->classes);
    v->classes = e->dataset.class_name && e->dataset.classes > 0 ? e->dataset.classes : 0;
    v->class_name = copy_names(e->dataset.class_name, (size_t)v->classes);
    v->train_images = e->dataset.train;
    v->val_images = e->dataset.val;
    v->skipped = e->dataset.skipped;
}

static void take_state(run_view *v, const thaw_event *e) {
    thaw_state before = v->state;
    v->state = e->state.state;
    if (v->state == before) return;
    if (v->state == THAW_STATE_PAUSED) run_marks_add(v, RUN_MARK_PAUSE, e->steps, xstrdup("paused"));
    v->evaluating_since = v->state == THAW_STATE_EVALUATING ? e->time : NAN;
}

static double blend(double old, double weight, double value) {
    return weight > 0 ? old + (value - old) * SMOOTHING / weight : value;
}

/* What all of the network costs, which a step that found frozen layers' outputs does not tell. */
static void take_whole_step(run_view *v, const thaw_step *s) {
    double waited = isfinite(s->data_wait) ? s->data_wait : 0;
    double computing = s->seconds * (1 - waited);
    if (s->cached > 0 || !(computing > 0)) return;
    v->whole_step_weight += (1 - v->whole_step_weight) * SMOOTHING;
    v->whole_step_seconds = blend(v->whole_step_seconds, v->whole_step_weight, computing);
}

static void add_step(run_view *v, double time, int64_t steps, const thaw_step *s) {
    series_add(&v->train_loss, steps, s->loss);
    series_add(&v->clock, steps, time);
    series_add(&v->rate, steps, s->lr);
    if (!isfinite(s->loss)) run_marks_replace(v, RUN_MARK_NOT_FINITE, steps, xstrdup("loss is not finite"));
    v->steps = steps;
    v->epoch = s->epoch;
    v->loss = s->loss;
    v->lr = s->lr;
    /* A debiased moving average: the first steps weigh what they are worth. */
    double weight = v->epoch_step_weight + (1 - v->epoch_step_weight) * SMOOTHING;
    if (isfinite(s->images_per_second))
        v->images_per_second = blend(v->images_per_second, weight, s->images_per_second);
    if (isfinite(s->data_wait)) v->data_wait = blend(v->data_wait, weight, s->data_wait);
    if (isfinite(s->seconds) && isfinite(s->data_wait)) {
        v->steps_seconds += s->seconds;
        v->waited_seconds += s->seconds * s->data_wait;
    }
    if (isfinite(s->seconds)) v->step_seconds = blend(v->step_seconds, weight, s->seconds);
    v->epoch_step_weight = weight;
    take_whole_step(v, s);
    run_left_step(v, s);
}

static void take_step(run_view *v, const thaw_event *e) {
    add_step(v, e->time, e->steps, &e->step);
}

static void take_epoch(run_view *v, const thaw_event *e) {
    v->steps = e->steps;
    v->epoch = e->epoch.epoch;
    run_epochs_take(v, e);
    if (isfinite(v->evaluating_since)) run_left_evaluated(v, e->time - v->evaluating_since);
}

static bool same_names(char *const *a, size_t a_count, char *const *b, size_t b_count) {
    if (a_count != b_count) return false;
    for (size_t i = 0; i < a_count; i++)
        if (strcmp(a[i], b[i])) return false;
    return true;
}

/* Is it the mask that is in force already? What a resumed run begins with, or what stays after a refusal. */
static bool same_mask(const run_view *v, const thaw_event *e) {
    return same_names(v->frozen, v->frozen_count, e->mask.frozen, e->mask.frozen_count) &&
           same_names(v->moving, v->moving_count, e->mask.moving, e->mask.moving_count);
}

static void take_mask(run_view *v, const thaw_event *e) {
    bool change = v->mask_label && !same_mask(v, e); /* what a run starts with is none */
    char *text = change ? run_marks_describe(v, e) : NULL;
    bool thaws = e->mask.trainable > v->trainable;
    free_names(&v->frozen, v->frozen_count);
    free_names(&v->moving, v->moving_count);
    v->frozen_count = e->mask.frozen_count;
    v->moving_count = e->mask.moving_count;
    v->frozen = copy_names(e->mask.frozen, e->mask.frozen_count);
    v->moving = copy_names(e->mask.moving, e->mask.moving_count);
    v->trainable = e->mask.trainable;
    if (change) { /* steps cost something else from now on: average anew */
        v->epoch_step_weight = v->whole_step_weight = 0;
        v->whole_step_seconds = 0;
        run_left_begin(v);
    }
    set_text(&v->mask_label, e->mask.label ? e->mask.label : "");
    if (!text) return;
    run_marks_add(v, RUN_MARK_MASK, e->steps, text);
    v->mark[v->mark_count - 1].thaws = thaws;
}

static void take_lr(run_view *v, const thaw_event *e) {
    run_marks_add(v, RUN_MARK_LR, e->steps, xasprintf("lr %.4g", e->lr.lr));
    v->lr = e->lr.lr;
}

static void take_cache(run_view *v, const thaw_event *e) {
    const char *layer = e->cache.layer ? e->cache.layer : "";
    bool other = !v->cached_layer || strcmp(v->cached_layer, layer) != 0;
    set_text(&v->cached_layer, e->cache.layer);
    v->cached_views = e->cache.views;
    v->cached_entries = e->cache.entries;
    v->cached_filled = e->cache.filled;
    v->cached_found = e->cache.found;
    v->cached_bytes = e->cache.bytes;
    v->cached_budget = e->cache.budget;
    v->cached_stored = e->cache.stored;
    run_left_cache(v, other);
}

static void take_profile(run_view *v, const thaw_event *e) {
    if (e->profile.epoch != v->epoch_profile.epoch) run_profile_clear(&v->epoch_profile);
    run_profile_add(&v->epoch_profile, e);
    run_profile_add(&v->profile, e);
}

static void take_checkpoint(run_view *v, const thaw_event *e) {
    run_marks_add(v, RUN_MARK_CHECKPOINT, e->steps, xstrdup("checkpoint"));
}

static void take_layers(run_view *v, const thaw_event *e) {
    run_layers_take(&v->layers, e);
}

static void take_end(run_view *v, const thaw_event *e) {
    v->ended = true;
    v->state = THAW_STATE_IDLE;
    set_text(&v->end_reason, e->end.reason);
    set_text(&v->end_message, e->end.message);
    if (e->end.run) set_text(&v->run, e->end.run);
    v->end_seconds = e->end.seconds;
    if (e->end.best_epoch < 0) return;
    v->best_epoch = e->end.best_epoch;
    v->best_val_top1 = e->end.best_val_top1;
}

static void take_mistakes(run_view *v, const thaw_event *e) {
    run_mistakes_take(&v->mistakes, e);
}

static void (*const handler[THAW_EVENT_COUNT])(run_view *, const thaw_event *) = {
    [THAW_EVENT_ENGINE] = take_engine,
    [THAW_EVENT_LOG] = take_log,
    [THAW_EVENT_BEGIN] = take_begin,
    [THAW_EVENT_DATASET] = take_dataset,
    [THAW_EVENT_STATE] = take_state,
    [THAW_EVENT_STEP] = take_step,
    [THAW_EVENT_EPOCH] = take_epoch,
    [THAW_EVENT_MASK] = take_mask,
    [THAW_EVENT_LR] = take_lr,
    [THAW_EVENT_CHECKPOINT] = take_checkpoint,
    [THAW_EVENT_LAYERS] = take_layers,
    [THAW_EVENT_END] = take_end,
    [THAW_EVENT_CACHE] = take_cache,
    [THAW_EVENT_PROFILE] = take_profile,
    [THAW_EVENT_MISTAKES] = take_mistakes,
};

void run_view_apply(run_view *v, const thaw_event *e) {
    if ((unsigned)e->kind >= THAW_EVENT_COUNT) return;
    if (isfinite(e->time)) v->time = e->time;
    handler[e->kind](v, e);
    v->revision++;
}

void run_view_apply_steps(run_view *v, const thaw_step_row *row, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (isfinite(row[i].time)) v->time = row[i].time;
        add_step(v, row[i].time, row[i].steps, &row[i].step);
    }
    v->revision += count;
}

/* ---- questions ---- */

double run_view_progress(const run_view *v) {
    if (v->total_steps <= 0) return 0;
    double done = (double)v->steps / (double)v->total_steps;
    return done < 0 ? 0 : done > 1 ? 1 : done;
}

const run_epoch *run_view_last_epoch(const run_view *v) {
    return v->epoch_count ? &v->epoch_list[v->epoch_count - 1] : NULL;
}

void run_view_init(run_view *v) {
    *v = (run_view){
        .best_epoch = -1,
        .best_val_top1 = NAN,
        .loss = NAN,
        .lr = NAN,
        .evaluating_since = NAN,
    };
}

void run_view_clear(run_view *v) {
    char *texts[] = {v->engine_text, v->device,     v->precision,    v->run,        v->folder,
                     v->recipe,      v->mask_label, v->cached_layer, v->end_reason, v->end_message};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
    free_names(&v->class_name, (size_t)v->classes);
    free_names(&v->frozen, v->frozen_count);
    free_names(&v->moving, v->moving_count);
    run_profile_clear(&v->profile);
    run_profile_clear(&v->epoch_profile);
    run_mistakes_clear(&v->mistakes);
    series_clear(&v->train_loss);
    series_clear(&v->clock);
    series_clear(&v->rate);
    free(v->epoch_list);
    free(v->class_top1);
    for (size_t i = 0; i < v->mark_count; i++)
        free(v->mark[i].text);
    free(v->mark);
    run_layers_clear(&v->layers);
    for (size_t i = 0; i < v->log_count; i++)
        free(v->log[i].text);
    free(v->log);
    run_view_init(v);
}
