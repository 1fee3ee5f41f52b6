/*
 * trainer_event.c - what a run says: to the run folder's log first, then to whoever listens.
 */
#include <math.h>
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/train/trainer.h"

enum { SKIPPED_TOLD_MAX = 20, LABEL_MAX = 64 };

/* Append to the run's log; trouble with that goes to the listener only. */
static void write_log(trainer *t, const thaw_event *e) {
    thaw_status status = run_folder_log(t->folder, e);
    if (!thaw_failed(&status)) return;
    thaw_event trouble = {.kind = THAW_EVENT_LOG, .time = e->time, .steps = e->steps};
    trouble.log.text = xstrdup(status.message);
    trouble.log.level = 2;
    t->host.emit(t->host.user, &trouble);
}

static void keep_early(trainer *t, const thaw_event *e) {
    t->early = vec_reserve(t->early, &t->early_capacity, t->early_count + 1, sizeof *t->early);
    thaw_event_copy(e, &t->early[t->early_count++]);
}

static void write_early(trainer *t) {
    for (size_t i = 0; i < t->early_count; i++) {
        write_log(t, &t->early[i]);
        thaw_event_clear(&t->early[i]);
    }
    t->early_count = 0;
}

void trainer_emit_at(trainer *t, thaw_event *e, int64_t steps) {
    e->time = clock_seconds() - t->clock_zero;
    e->steps = steps;
    thaw_phase before = profile_enter(&t->profile, THAW_PHASE_LOGGING);
    if (t->folder)
        write_log(t, e);
    else if (e->kind == THAW_EVENT_LOG)
        keep_early(t, e);
    t->host.emit(t->host.user, e);
    profile_enter(&t->profile, before);
}

void trainer_emit(trainer *t, thaw_event *e) {
    trainer_emit_at(t, e, t->steps);
}

void trainer_log(trainer *t, int level, const char *format, ...) {
    thaw_event e = {.kind = THAW_EVENT_LOG};
    va_list args;
    va_start(args, format);
    e.log.text = xvasprintf(format, args);
    va_end(args);
    e.log.level = level;
    trainer_emit(t, &e);
}

void trainer_say_state(trainer *t, thaw_state state) {
    if (state == t->state) return;
    t->state = state;
    thaw_event e = {.kind = THAW_EVENT_STATE};
    e.state.state = state;
    trainer_emit(t, &e);
}

void trainer_say_profile(trainer *t) {
    thaw_event e;
    loader_times done = loader_worked(t->train);
    loader_times val = t->val ? loader_worked(t->val) : (loader_times){0};
    done.decode += val.decode;
    done.transform += val.transform;
    profile_event(&t->profile, &e);
    e.profile.decode = done.decode - t->loaded_told.decode;
    e.profile.transform = done.transform - t->loaded_told.transform;
    e.profile.workers = done.workers;
    t->loaded_told = done;
    trainer_emit(t, &e);
}

void trainer_say_mistakes(trainer *t, mistakes *worst) {
    thaw_event e = {.kind = THAW_EVENT_MISTAKES};
    int classes = thaw_dataset_class_count(t->dataset);
    const char **name = xcalloc((size_t)classes, sizeof *name);
    for (int i = 0; i < classes; i++)
        name[i] = thaw_dataset_class_name(t->dataset, i);
    mistakes_sort(worst);
    e.mistakes.epoch = t->epoch;
    e.mistakes.folder = xstrdup(thaw_dataset_root(t->dataset));
    e.mistakes.item = mistakes_describe(worst, t->dataset, name);
    e.mistakes.count = worst->count;
    free(name);
    trainer_emit(t, &e);
}

static void say_dataset(trainer *t) {
    thaw_event e = {.kind = THAW_EVENT_DATASET};
    int classes = thaw_dataset_class_count(t->dataset);
    e.dataset.classes = classes;
    e.dataset.class_name = xcalloc((size_t)classes, sizeof *e.dataset.class_name);
    for (int i = 0; i < classes; i++)
        e.dataset.class_name[i] = xstrdup(thaw_dataset_class_name(t->dataset, i));
    e.dataset.train = (int)thaw_dataset_images(t->dataset, true);
    e.dataset.val = (int)thaw_dataset_images(t->dataset, false);
    e.dataset.skipped = (int)thaw_dataset_skipped_count(t->dataset);
    trainer_emit(t, &e);
}

static void say_skipped_files(trainer *t, const thaw_skipped *file, size_t count) {
    for (size_t i = 0; i < count && i < SKIPPED_TOLD_MAX; i++)
        trainer_log(t, 1, "skipped %s: %s", file[i].file, file[i].reason);
    if (count > SKIPPED_TOLD_MAX)
        trainer_log(t, 1, "skipped %zu more files; `thaw data` lists them all", count - SKIPPED_TOLD_MAX);
}

void trainer_say_begin(trainer *t) {
    char device_name[24];
    thaw_event e = {.kind = THAW_EVENT_BEGIN};
    e.begin.run = xstrdup(run_folder_id(t->folder));
    e.begin.folder = xstrdup(run_folder_path(t->folder));
    e.begin.recipe = thaw_recipe_json(&t->recipe);
    e.begin.epochs = t->recipe.epochs;
    e.begin.steps_per_epoch = loader_batches(t->train);
    e.begin.first_epoch = t->epoch;
    e.begin.parameters = model_parameter_count(t->model);
    e.begin.trainable = freeze_trainable_count(t->model);
    e.begin.device = xstrdup(device_text(t->device, device_name));
    e.begin.precision = xstrdup(t->recipe.precision);
    e.begin.resumed = t->resumed;
    trainer_emit(t, &e);
    write_early(t);
    say_dataset(t);
    trainer_say_mask(t);
    if (t->resumed) return; /* the run's log has the list already */
    size_t count = thaw_dataset_skipped_count(t->dataset);
    if (count) say_skipped_files(t, thaw_dataset_skipped_at(t->dataset, 0), count);
}

/* "layer3+", "head only": owned by the caller. */
static char *mask_label(trainer *t, const freeze_mask *mask) {
    char label[LABEL_MAX] = "";
    thaw_status status =
        thaw_layers_set_mask(t->layers, (const char *const *)mask->frozen, mask->frozen_count,
                             (const char *const *)mask->moving, mask->moving_count);
    if (!thaw_failed(&status)) thaw_layers_mask_label(t->layers, label, sizeof label);
    return xstrdup(label);
}

void trainer_say_mask(trainer *t) {
    freeze_mask mask = freeze_describe(t->model);
    thaw_event e = {.kind = THAW_EVENT_MASK};
    e.mask.frozen = mask.frozen; /* handed over */
    e.mask.frozen_count = mask.frozen_count;
    e.mask.moving = mask.moving;
    e.mask.moving_count = mask.moving_count;
    e.mask.trainable = freeze_trainable_count(t->model);
    e.mask.label = mask_label(t, &mask);
    trainer_emit(t, &e);
}

void trainer_say_end(trainer *t, const char *reason, const char *message) {
    thaw_event e = {.kind = THAW_EVENT_END};
    e.end.run = xstrdup(run_folder_id(t->folder));
    e.end.reason = xstrdup(reason);
    e.end.message = xstrdup(message);
    e.end.best_epoch = t->best_epoch;
    e.end.best_val_top1 = t->best_val_top1;
    e.end.seconds = clock_seconds() - t->clock_zero;
    trainer_emit(t, &e);
}

void trainer_say_skipped(trainer *t) {
    const thaw_skipped *file = NULL;
    size_t count = loader_skipped(t->train, &file);
    if (count > t->skipped_told) say_skipped_files(t, file + t->skipped_told, count - t->skipped_told);
    t->skipped_told = count;
    if (!t->val) return;
    count = loader_skipped(t->val, &file);
    if (count > t->skipped_val_told)
        say_skipped_files(t, file + t->skipped_val_told, count - t->skipped_val_told);
    t->skipped_val_told = count;
}
