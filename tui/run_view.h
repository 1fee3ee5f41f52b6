/*
 * run_view.h - what is known of one run, gathered from its events.
 *
 * The workbench's Train screen, a ghost on its chart, a run replayed from disk and the headless progress bar
 * all look at this. Feed it events in order with run_view_apply; read the fields, change none. Memory is
 * bounded whatever the events say.
 */
#ifndef TUI_RUN_VIEW_H
#define TUI_RUN_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thaw/event.h"
#include "tui/run_layers.h"
#include "tui/run_mistakes.h"
#include "tui/run_profile.h"
#include "tui/series.h"

enum {
    RUN_EPOCHS_MAX = 20000, /* beyond, every second one is dropped */
    RUN_MARKS_MAX = 1024,   /* beyond, the oldest checkpoints go first */
    RUN_LOG_MAX = 500       /* lines kept */
};

typedef struct run_epoch {
    int epoch;     /* 0-based */
    int64_t steps; /* optimizer steps done at its end: its x on the chart */
    double train_loss, train_top1;
    double val_loss, val_top1, val_top5; /* NaN without a validation set */
    double images_per_second, seconds;
    bool best;
} run_epoch;

typedef enum run_mark_kind {
    RUN_MARK_MASK,
    RUN_MARK_LR,
    RUN_MARK_CHECKPOINT,
    RUN_MARK_BEST,
    RUN_MARK_PAUSE,
    RUN_MARK_RESUME,
    RUN_MARK_NOT_FINITE
} run_mark_kind;

typedef struct run_mark {
    run_mark_kind kind;
    int64_t steps;
    char *text; /* "layer2 frozen", "lr 0.01", "best 0.88" */
    bool thaws; /* a mask that trains more than the one before */
} run_mark;

typedef struct run_log_line {
    double time; /* seconds since the run began */
    int level;   /* 0 info, 1 warning, 2 error */
    char *text;
} run_log_line;

/* A debiased moving average of seconds a step. */
typedef struct run_pace {
    double seconds, weight;
} run_pace;

/* For the time left, see run_left.h. */
typedef struct run_left {
    run_pace computed, kept; /* steps that computed frozen layers' outputs, and those that found them all */
    double hits;             /* share of the steps lately that found them all */
    int64_t put;             /* outputs that steps computed since the last cache event */
    int cache_epoch;         /* of that event */
    int evaluations;         /* since outputs are kept */
} run_left;

typedef struct run_view {
    uint64_t revision; /* changes with every event */

    /* engine */
    bool engine_known, engine_ok; /* known: an engine event came */
    char *engine_text;            /* what libtorch was found, or what is wrong */
    char *device, *precision;
    int threads;
    bool slow_blas;
    double device_memory; /* bytes free on the device when libtorch was loaded; 0: not known */

    /* run */
    bool begun, resumed, ended;
    thaw_state state;
    char *run, *folder;
    char *recipe; /* JSON */
    int epochs, steps_per_epoch;
    int64_t total_steps; /* planned: the x-axis */
    int64_t parameters, trainable;

    /* dataset */
    char **class_name;
    int classes, train_images, val_images, skipped;

    /* mask */
    char **frozen, **moving;
    size_t frozen_count, moving_count;
    char *mask_label;

    /* outputs of frozen layers that are kept; cached_layer NULL: none are */
    char *cached_layer;
    int cached_views; /* of a training image */
    int64_t cached_entries, cached_filled, cached_bytes;
    int64_t cached_budget, cached_stored; /* bytes of memory at most; and on disk */
    int64_t cached_found;                 /* on disk, from an earlier run */

    /* now */
    double time; /* of the last event, seconds since the run began */
    int64_t steps;
    int epoch;
    double loss, lr;                                   /* of the last step; NaN: none yet */
    double images_per_second, data_wait, step_seconds; /* smoothed */
    double whole_step_seconds; /* smoothed, without waiting for images: of steps under this mask that computed
                                  all layers; 0: none yet */
    double waited_seconds, steps_seconds;        /* of all steps here: waiting for images, and altogether */
    double epoch_step_weight, whole_step_weight; /* private: debias the smoothed ones */

    /* history */
    series train_loss, rate; /* a value each step: the batch's loss, the learning rate */
    series clock;            /* and seconds since the run began */
    run_epoch *epoch_list;
    size_t epoch_count, epoch_capacity;
    int best_epoch; /* -1: none */
    double best_val_top1;
    double *class_top1; /* of the newest epoch, `classes` of them, or NULL */
    int class_top1_count;
    run_mark *mark; /* in order of steps */
    size_t mark_count, mark_capacity;
    run_layers layers;
    run_log_line *log; /* oldest first */
    size_t log_count, log_dropped;

    run_profile profile, epoch_profile; /* of the run; of the newest epoch, since it was resumed */

    run_mistakes mistakes; /* of the newest evaluation */

    /* end */
    char *end_reason, *end_message;
    double end_seconds;

    double evaluating_since, evaluation_seconds; /* private: for the time left */
    run_left left;                               /* private, as well */
} run_view;

void run_view_init(run_view *v);
void run_view_clear(run_view *v);
/* V goes on from what HISTORY has of a run that is about to be resumed; what V knows of the engine, and its
 * log, stay. HISTORY is empty afterwards. */
void run_view_adopt(run_view *v, run_view *history);
/* V shows HISTORY, of a run that is not this process's; what V knows of the engine here stays. HISTORY is
 * empty afterwards. */
void run_view_show(run_view *v, run_view *history);
/* Take one event in; E stays the caller's. */
void run_view_apply(run_view *v, const thaw_event *e);
/* The same of COUNT steps' events. */
void run_view_apply_steps(run_view *v, const thaw_step_row *row, size_t count);

double run_view_progress(const run_view *v);             /* 0..1 of the planned steps; 0 before the run */
double run_view_eta(const run_view *v);                  /* seconds left, or NaN when nothing is known yet */
const run_epoch *run_view_last_epoch(const run_view *v); /* or NULL */

#endif
