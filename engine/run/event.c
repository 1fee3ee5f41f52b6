/*
 * event.c - the kinds of events and what they own. One table row a field (event_fields.h); a new field is a
 * member of thaw_event, a row here, and a line in docs/events.md.
 */
#include "thaw/event.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/run/event_fields.h"

static const char *const kind_names[THAW_EVENT_COUNT] = {
    [THAW_EVENT_ENGINE] = "engine",
    [THAW_EVENT_LOG] = "log",
    [THAW_EVENT_BEGIN] = "begin",
    [THAW_EVENT_DATASET] = "dataset",
    [THAW_EVENT_STATE] = "state",
    [THAW_EVENT_STEP] = "step",
    [THAW_EVENT_EPOCH] = "epoch",
    [THAW_EVENT_MASK] = "mask",
    [THAW_EVENT_LR] = "lr",
    [THAW_EVENT_CACHE] = "cache",
    [THAW_EVENT_CHECKPOINT] = "checkpoint",
    [THAW_EVENT_LAYERS] = "layers",
    [THAW_EVENT_MISTAKES] = "mistakes",
    [THAW_EVENT_PROFILE] = "profile",
    [THAW_EVENT_END] = "end",
};

static const char *const state_names[THAW_STATE_COUNT] = {
    [THAW_STATE_IDLE] = "idle",         [THAW_STATE_PREPARING] = "preparing",
    [THAW_STATE_TRAINING] = "training", [THAW_STATE_EVALUATING] = "evaluating",
    [THAW_STATE_PAUSED] = "paused",     [THAW_STATE_STOPPING] = "stopping",
};

static const char *const phase_names[THAW_PHASE_COUNT] = {
    [THAW_PHASE_PREPARE] = "prepare",
    [THAW_PHASE_WAIT] = "wait",
    [THAW_PHASE_UPLOAD] = "upload",
    [THAW_PHASE_FROZEN] = "frozen",
    [THAW_PHASE_KEPT] = "kept",
    [THAW_PHASE_FORWARD] = "forward",
    [THAW_PHASE_BACKWARD] = "backward",
    [THAW_PHASE_OPTIMIZER] = "optimizer",
    [THAW_PHASE_METRICS] = "metrics",
    [THAW_PHASE_LOGGING] = "logging",
    [THAW_PHASE_EVALUATION] = "evaluation",
    [THAW_PHASE_CHECKPOINT] = "checkpoint",
    [THAW_PHASE_PAUSED] = "paused",
    [THAW_PHASE_OTHER] = "other",
};

const char *const event_level_names[3] = {"info", "warning", "error"};

bool event_whole(double value, double limit, int64_t *out) {
    if (value != floor(value) || fabs(value) > limit) return false;
    *out = (int64_t)value;
    return true;
}

#define AT(member)    offsetof(thaw_event, member), 0
#define COUNTED(m, n) offsetof(thaw_event, m), offsetof(thaw_event, n)

/* Sorted by kind. */
static const event_field fields[] = {
    {THAW_EVENT_ENGINE, "text", EVENT_TEXT, AT(engine.text)},
    {THAW_EVENT_ENGINE, "ok", EVENT_BOOL, AT(engine.ok)},
    {THAW_EVENT_ENGINE, "device", EVENT_TEXT, AT(engine.device)},
    {THAW_EVENT_ENGINE, "threads", EVENT_INT, AT(engine.threads)},
    {THAW_EVENT_ENGINE, "precision", EVENT_TEXT, AT(engine.precision)},
    {THAW_EVENT_ENGINE, "slow_blas", EVENT_BOOL, AT(engine.slow_blas)},
    {THAW_EVENT_ENGINE, "memory", EVENT_NUMBER, AT(engine.memory)},
    {THAW_EVENT_LOG, "level", EVENT_LEVEL, AT(log.level)},
    {THAW_EVENT_LOG, "text", EVENT_TEXT, AT(log.text)},
    {THAW_EVENT_BEGIN, "run", EVENT_TEXT, AT(begin.run)},
    {THAW_EVENT_BEGIN, "folder", EVENT_TEXT, AT(begin.folder)},
    {THAW_EVENT_BEGIN, "resumed", EVENT_BOOL, AT(begin.resumed)},
    {THAW_EVENT_BEGIN, "epochs", EVENT_INT, AT(begin.epochs)},
    {THAW_EVENT_BEGIN, "steps_per_epoch", EVENT_INT, AT(begin.steps_per_epoch)},
    {THAW_EVENT_BEGIN, "first_epoch", EVENT_INT, AT(begin.first_epoch)},
    {THAW_EVENT_BEGIN, "parameters", EVENT_INT64, AT(begin.parameters)},
    {THAW_EVENT_BEGIN, "trainable", EVENT_INT64, AT(begin.trainable)},
    {THAW_EVENT_BEGIN, "device", EVENT_TEXT, AT(begin.device)},
    {THAW_EVENT_BEGIN, "precision", EVENT_TEXT, AT(begin.precision)},
    {THAW_EVENT_BEGIN, "recipe", EVENT_DOCUMENT, AT(begin.recipe)},
    {THAW_EVENT_DATASET, "train", EVENT_INT, AT(dataset.train)},
    {THAW_EVENT_DATASET, "val", EVENT_INT, AT(dataset.val)},
    {THAW_EVENT_DATASET, "skipped", EVENT_INT, AT(dataset.skipped)},
    {THAW_EVENT_DATASET, "classes", EVENT_LABELS, COUNTED(dataset.class_name, dataset.classes)},
    {THAW_EVENT_STATE, "state", EVENT_STATE, AT(state.state)},
    {THAW_EVENT_STEP, "epoch", EVENT_INT, AT(step.epoch)},
    {THAW_EVENT_STEP, "loss", EVENT_NUMBER, AT(step.loss)},
    {THAW_EVENT_STEP, "lr", EVENT_NUMBER, AT(step.lr)},
    {THAW_EVENT_STEP, "batch", EVENT_INT, AT(step.batch)},
    {THAW_EVENT_STEP, "cached", EVENT_INT, AT(step.cached)},
    {THAW_EVENT_STEP, "images_per_second", EVENT_NUMBER, AT(step.images_per_second)},
    {THAW_EVENT_STEP, "data_wait", EVENT_NUMBER, AT(step.data_wait)},
    {THAW_EVENT_STEP, "seconds", EVENT_NUMBER, AT(step.seconds)},
    {THAW_EVENT_EPOCH, "epoch", EVENT_INT, AT(epoch.epoch)},
    {THAW_EVENT_EPOCH, "train_loss", EVENT_NUMBER, AT(epoch.train_loss)},
    {THAW_EVENT_EPOCH, "train_top1", EVENT_NUMBER, AT(epoch.train_top1)},
    {THAW_EVENT_EPOCH, "val_loss", EVENT_NUMBER, AT(epoch.val_loss)},
    {THAW_EVENT_EPOCH, "val_top1", EVENT_NUMBER, AT(epoch.val_top1)},
    {THAW_EVENT_EPOCH, "val_top5", EVENT_NUMBER, AT(epoch.val_top5)},
    {THAW_EVENT_EPOCH, "class_top1", EVENT_SHARES, COUNTED(epoch.class_top1, epoch.classes)},
    {THAW_EVENT_EPOCH, "images_per_second", EVENT_NUMBER, AT(epoch.images_per_second)},
    {THAW_EVENT_EPOCH, "seconds", EVENT_NUMBER, AT(epoch.seconds)},
    {THAW_EVENT_EPOCH, "best", EVENT_BOOL, AT(epoch.best)},
    {THAW_EVENT_MASK, "label", EVENT_TEXT, AT(mask.label)},
    {THAW_EVENT_MASK, "frozen", EVENT_NAMES, COUNTED(mask.frozen, mask.frozen_count)},
    {THAW_EVENT_MASK, "moving", EVENT_NAMES, COUNTED(mask.moving, mask.moving_count)},
    {THAW_EVENT_MASK, "trainable", EVENT_INT64, AT(mask.trainable)},
    {THAW_EVENT_LR, "lr", EVENT_NUMBER, AT(lr.lr)},
    {THAW_EVENT_CACHE, "layer", EVENT_TEXT, AT(cache.layer)},
    {THAW_EVENT_CACHE, "views", EVENT_INT, AT(cache.views)},
    {THAW_EVENT_CACHE, "entries", EVENT_INT64, AT(cache.entries)},
    {THAW_EVENT_CACHE, "filled", EVENT_INT64, AT(cache.filled)},
    {THAW_EVENT_CACHE, "found", EVENT_INT64, AT(cache.found)},
    {THAW_EVENT_CACHE, "bytes", EVENT_INT64, AT(cache.bytes)},
    {THAW_EVENT_CACHE, "stored", EVENT_INT64, AT(cache.stored)},
    {THAW_EVENT_CACHE, "budget", EVENT_INT64, AT(cache.budget)},
    {THAW_EVENT_CHECKPOINT, "path", EVENT_TEXT, AT(checkpoint.path)},
    {THAW_EVENT_CHECKPOINT, "epoch", EVENT_INT, AT(checkpoint.epoch)},
    {THAW_EVENT_CHECKPOINT, "best", EVENT_BOOL, AT(checkpoint.best)},
    {THAW_EVENT_CHECKPOINT, "seconds", EVENT_NUMBER, AT(checkpoint.seconds)},
    {THAW_EVENT_LAYERS, "layers", EVENT_STATS, COUNTED(layers.item, layers.count)},
    {THAW_EVENT_MISTAKES, "epoch", EVENT_INT, AT(mistakes.epoch)},
    {THAW_EVENT_MISTAKES, "folder", EVENT_TEXT, AT(mistakes.folder)},
    {THAW_EVENT_MISTAKES, "mistakes", EVENT_MISTAKES, COUNTED(mistakes.item, mistakes.count)},
    {THAW_EVENT_PROFILE, "epoch", EVENT_INT, AT(profile.epoch)},
    {THAW_EVENT_PROFILE, "steps", EVENT_INT, AT(profile.steps)},
    {THAW_EVENT_PROFILE, "images", EVENT_INT64, AT(profile.images)},
    {THAW_EVENT_PROFILE, "seconds", EVENT_NUMBER, AT(profile.seconds)},
    {THAW_EVENT_PROFILE, "phases", EVENT_PHASES, AT(profile.phase)},
    {THAW_EVENT_PROFILE, "decode", EVENT_NUMBER, AT(profile.decode)},
    {THAW_EVENT_PROFILE, "transform", EVENT_NUMBER, AT(profile.transform)},
    {THAW_EVENT_PROFILE, "workers", EVENT_INT, AT(profile.workers)},
    {THAW_EVENT_PROFILE, "write", EVENT_NUMBER, AT(profile.write)},
    {THAW_EVENT_PROFILE, "exact", EVENT_BOOL, AT(profile.exact)},
    {THAW_EVENT_PROFILE, "stages", EVENT_STAGES, COUNTED(profile.stage, profile.stage_count)},
    {THAW_EVENT_END, "run", EVENT_TEXT, AT(end.run)},
    {THAW_EVENT_END, "reason", EVENT_TEXT, AT(end.reason)},
    {THAW_EVENT_END, "message", EVENT_TEXT, AT(end.message)},
    {THAW_EVENT_END, "best_epoch", EVENT_EPOCH, AT(end.best_epoch)},
    {THAW_EVENT_END, "best_val_top1", EVENT_NUMBER, AT(end.best_val_top1)},
    {THAW_EVENT_END, "seconds", EVENT_NUMBER, AT(end.seconds)},
};
enum { FIELD_COUNT = sizeof fields / sizeof fields[0] };

/* Where each kind's begin in the table, and how many there are. */
static struct { size_t first, count; } part[THAW_EVENT_COUNT];

static void find_parts(void) {
    for (size_t i = FIELD_COUNT; i-- > 0;) {
        part[fields[i].kind].first = i;
        part[fields[i].kind].count++;
    }
}

const event_field *event_fields(thaw_event_kind kind, size_t *count) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_parts);
    bool known = (size_t)kind < THAW_EVENT_COUNT;
    *count = known ? part[kind].count : 0;
    return &fields[known ? part[kind].first : 0];
}

const char *thaw_event_name(thaw_event_kind kind) {
    return (size_t)kind < THAW_EVENT_COUNT ? kind_names[kind] : "unknown";
}

const char *thaw_state_name(thaw_state state) {
    return (size_t)state < THAW_STATE_COUNT ? state_names[state] : "unknown";
}

const char *thaw_phase_name(thaw_phase phase) {
    return (size_t)phase < THAW_PHASE_COUNT ? phase_names[phase] : "unknown";
}

/* ---- ownership ---- */

static void clear_names(char **names, size_t count) {
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

/* Statistics of layers and times of stages are rows that begin with a path of their own. */
_Static_assert(offsetof(thaw_layer_stat, path) == 0 && offsetof(thaw_stage_time, path) == 0,
               "rows begin with their path");

static const event_rows stat_rows = {
    sizeof(thaw_layer_stat),
    4,
    {{"update_ratio", offsetof(thaw_layer_stat, update_ratio), false},
     {"grad_ratio", offsetof(thaw_layer_stat, grad_ratio), false},
     {"drift", offsetof(thaw_layer_stat, drift), false},
     {"norm_drift", offsetof(thaw_layer_stat, norm_drift), true}},
};

static const event_rows stage_rows = {
    sizeof(thaw_stage_time),
    2,
    {{"forward", offsetof(thaw_stage_time, forward), false},
     {"backward", offsetof(thaw_stage_time, backward), false}},
};

const event_rows *event_rows_of(event_type type) {
    return type == EVENT_STATS ? &stat_rows : &stage_rows;
}

char **event_row_path(void *rows, size_t index, size_t size) {
    return (char **)((char *)rows + index * size);
}

static void clear_rows(void *rows, size_t count, size_t size) {
    for (size_t i = 0; i < count; i++)
        free(*event_row_path(rows, i, size));
    free(rows);
}

static void clear_field(thaw_event *e, const event_field *f) {
    switch (f->type) {
    case EVENT_TEXT:
    case EVENT_DOCUMENT:
        free(*EVENT_MEMBER(char *, e, f->offset));
        break;
    case EVENT_NAMES:
        clear_names(*EVENT_MEMBER(char **, e, f->offset), *EVENT_MEMBER(size_t, e, f->count_offset));
        break;
    case EVENT_LABELS:
        clear_names(*EVENT_MEMBER(char **, e, f->offset), (size_t)*EVENT_MEMBER(int, e, f->count_offset));
        break;
    case EVENT_SHARES:
        free(*EVENT_MEMBER(double *, e, f->offset));
        break;
    case EVENT_STATS:
    case EVENT_STAGES:
        clear_rows(*EVENT_MEMBER(void *, e, f->offset), *EVENT_MEMBER(size_t, e, f->count_offset),
                   event_rows_of(f->type)->size);
        break;
    case EVENT_MISTAKES:
        thaw_mistakes_free(*EVENT_MEMBER(thaw_mistake *, e, f->offset),
                           *EVENT_MEMBER(size_t, e, f->count_offset));
        break;
    default:
        break; /* plain values own nothing */
    }
}

void thaw_event_of_step(const thaw_step_row *row, thaw_event *out) {
    memset(out, 0, sizeof *out);
    out->kind = THAW_EVENT_STEP;
    out->time = row->time;
    out->steps = row->steps;
    out->step = row->step;
}

void thaw_event_clear(thaw_event *e) {
    size_t count;
    const event_field *f = event_fields(e->kind, &count);
    if (e->kind == THAW_EVENT_STEP) count = 0; /* the most frequent by far; it owns nothing */
    for (size_t i = 0; i < count; i++)
        clear_field(e, &f[i]);
    memset(e, 0, sizeof *e);
}

static char **copy_names(char *const *names, size_t count) {
    if (!names) return NULL;
    char **copy = xcalloc(count, sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = xstrdup(names[i]);
    return copy;
}

static void *copy_rows(const void *rows, size_t count, size_t size) {
    if (!rows) return NULL;
    void *copy = memcpy(xcalloc(count, size), rows, count * size);
    for (size_t i = 0; i < count; i++) {
        char **path = event_row_path(copy, i, size);
        *path = xstrdup(*path);
    }
    return copy;
}

static thaw_mistake *copy_mistakes(const thaw_mistake *item, size_t count) {
    if (!item) return NULL;
    thaw_mistake *copy = memcpy(xcalloc(count, sizeof *copy), item, count * sizeof *copy);
    for (size_t i = 0; i < count; i++) {
        copy[i].file = xstrdup(item[i].file);
        copy[i].label = xstrdup(item[i].label);
        copy[i].predicted = xstrdup(item[i].predicted);
    }
    return copy;
}

/* TO is a byte copy of the event that F's value is in: replace what is shared. */
static void copy_field(thaw_event *to, const event_field *f) {
    char **text = EVENT_MEMBER(char *, to, f->offset), ***names = EVENT_MEMBER(char **, to, f->offset);
    double **shares = EVENT_MEMBER(double *, to, f->offset);
    void **rows = EVENT_MEMBER(void *, to, f->offset);
    size_t count;
    switch (f->type) {
    case EVENT_TEXT:
    case EVENT_DOCUMENT:
        *text = xstrdup(*text);
        break;
    case EVENT_NAMES:
        *names = copy_names(*names, *EVENT_MEMBER(size_t, to, f->count_offset));
        break;
    case EVENT_LABELS:
        *names = copy_names(*names, (size_t)*EVENT_MEMBER(int, to, f->count_offset));
        break;
    case EVENT_SHARES:
        count = (size_t)*EVENT_MEMBER(int, to, f->count_offset);
        if (*shares) *shares = memcpy(xcalloc(count, sizeof **shares), *shares, count * sizeof **shares);
        break;
    case EVENT_STATS:
    case EVENT_STAGES:
        *rows = copy_rows(*rows, *EVENT_MEMBER(size_t, to, f->count_offset), event_rows_of(f->type)->size);
        break;
    case EVENT_MISTAKES:
        *rows = copy_mistakes(*rows, *EVENT_MEMBER(size_t, to, f->count_offset));
        break;
    default:
        break;
    }
}

void thaw_event_copy(const thaw_event *from, thaw_event *to) {
    size_t count;
    const event_field *f = event_fields(from->kind, &count);
    *to = *from;
    for (size_t i = 0; i < count; i++)
        copy_field(to, &f[i]);
}
