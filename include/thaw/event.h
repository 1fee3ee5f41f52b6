/*
 * event.h - what a session says: one schema for the workbench, for headless output and for events.jsonl in
 * the run folder (docs/events.md). A run watched live and a run replayed from disk go through the same code.
 */
#ifndef THAW_EVENT_H
#define THAW_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thaw/status.h"

enum { THAW_EVENT_VERSION = 1 };

typedef enum thaw_event_kind {
    THAW_EVENT_ENGINE,  /* libtorch is there (or not): text is what was found, or the error */
    THAW_EVENT_LOG,     /* a line of text; level */
    THAW_EVENT_BEGIN,   /* a run starts or resumes */
    THAW_EVENT_DATASET, /* what will be trained on */
    THAW_EVENT_STATE,   /* preparing, training, evaluating, paused, stopping, idle */
    THAW_EVENT_STEP,
    THAW_EVENT_EPOCH,
    THAW_EVENT_MASK,       /* the freeze mask from this step on */
    THAW_EVENT_LR,         /* the base learning rate changed by hand */
    THAW_EVENT_CACHE,      /* what the frozen layers make of the images is kept, or no longer */
    THAW_EVENT_CHECKPOINT, /* one was finished */
    THAW_EVENT_LAYERS,     /* per-layer figures */
    THAW_EVENT_MISTAKES,   /* the worst of an evaluation */
    THAW_EVENT_PROFILE,    /* where the time went since the one before */
    THAW_EVENT_END,        /* the run is over */
    THAW_EVENT_COUNT
} thaw_event_kind;

typedef enum thaw_state {
    THAW_STATE_IDLE,
    THAW_STATE_PREPARING,
    THAW_STATE_TRAINING,
    THAW_STATE_EVALUATING,
    THAW_STATE_PAUSED,
    THAW_STATE_STOPPING,
    THAW_STATE_COUNT
} thaw_state;

/* What a run's time goes into: at any moment it is in one of these. */
typedef enum thaw_phase {
    THAW_PHASE_PREPARE, /* before the first batch: dataset, weights, model */
    THAW_PHASE_WAIT,    /* for images that the loader's workers have not made yet */
    THAW_PHASE_UPLOAD,  /* images and labels become tensors on the device */
    THAW_PHASE_FROZEN,  /* forward where nothing is recorded */
    THAW_PHASE_KEPT,    /* keeping outputs of frozen layers, and fetching them */
    THAW_PHASE_FORWARD, /* the rest of it, and the loss */
    THAW_PHASE_BACKWARD,
    THAW_PHASE_OPTIMIZER,
    THAW_PHASE_METRICS,    /* reading loss and logits, accuracy, figures of each layer */
    THAW_PHASE_LOGGING,    /* events, into the run's log and to who listens */
    THAW_PHASE_EVALUATION, /* all of it, waiting for its images included */
    THAW_PHASE_CHECKPOINT,
    THAW_PHASE_PAUSED,
    THAW_PHASE_OTHER, /* what is none of these */
    THAW_PHASE_COUNT
} thaw_phase;

typedef struct thaw_stage_time {
    char *path;
    double forward, backward; /* seconds; backward NaN where it does not come by */
} thaw_stage_time;

typedef struct thaw_layer_stat {
    char *path;
    double update_ratio; /* norm of the last update over norm of the weights */
    double grad_ratio;   /* norm of the gradient over norm of the weights */
    double drift;        /* norm of (weights - weights at the start) over norm of the latter */
    double
        norm_drift; /* of batch norm's running statistics from the start, in its deviations; NaN: has none */
} thaw_layer_stat;

/* An image that the model took for another class. */
typedef struct thaw_mistake {
    char *file;              /* relative to the dataset's folder */
    char *label, *predicted; /* names of classes */
    double probability;      /* of the class predicted, 0..1 */
    double label_probability;
    double loss; /* cross-entropy, nats */
} thaw_mistake;
void thaw_mistakes_free(thaw_mistake *item, size_t count);

enum { THAW_EVENT_MISTAKES_MAX = 16 }; /* in one event */

typedef struct thaw_step {
    int epoch;   /* 0-based */
    double loss; /* of the batch, before the step */
    double lr;
    double images_per_second;
    double data_wait; /* share of the step spent waiting for data, 0..1 */
    int batch;        /* images */
    int cached;       /* of them: what frozen layers make of them was there */
    double seconds;
} thaw_step;

/* All that a step's event says, little more than a third of an event's size: a log has them by the million.
 */
typedef struct thaw_step_row {
    double time; /* as an event's */
    int64_t steps;
    thaw_step step;
} thaw_step_row;

/*
 * One event. The strings and arrays are owned by the event: thaw_event_clear. A figure that is not known is
 * NaN in memory and null in JSON.
 */
typedef struct thaw_event {
    thaw_event_kind kind;
    double
        time; /* seconds since the run began (log and engine events before a run: since the session began) */
    int64_t steps; /* optimizer steps done so far; "step" in JSON */
    union {
        struct {
            char *text;
            bool ok;
            char *device;
            int threads;
            char *precision;
            bool slow_blas;
            double memory; /* bytes the device had free when libtorch was loaded; 0 or NaN: not known */
        } engine;
        struct {
            char *text;
            int level; /* 0 info, 1 warning, 2 error */
        } log;
        struct {
            char *run, *folder;
            char *recipe; /* the complete JSON document */
            int epochs, steps_per_epoch, first_epoch;
            int64_t parameters, trainable;
            char *device, *precision;
            bool resumed;
        } begin;
        struct {
            int classes;
            char **class_name;
            int train, val, skipped;
        } dataset;
        struct {
            thaw_state state;
        } state;
        thaw_step step;
        struct {
            int epoch;
            double train_loss, train_top1;
            double val_loss, val_top1, val_top5; /* NaN without a validation set */
            double *class_top1;                  /* per class, or NULL */
            int classes;
            double images_per_second, seconds;
            bool best; /* the best so far by val_top1 (ties: lower val_loss) */
        } epoch;
        struct {
            char **frozen, **moving;
            size_t frozen_count, moving_count;
            char *label;
            int64_t trainable;
        } mask;
        struct {
            double lr;
        } lr;
        struct {
            char *layer;     /* kept is its output; NULL: nothing is kept */
            int views;       /* of a training image; 0: only validation images are kept */
            int64_t entries; /* images to keep, and views of them */
            int64_t filled;  /* that are kept by now */
            int64_t found;   /* of them: on disk, from an earlier run */
            int64_t bytes;   /* of memory for those */
            int64_t stored;  /* bytes of the files on disk */
            int64_t budget;  /* bytes at most */
        } cache;
        struct {
            char *path;
            int epoch;
            bool best;
            double seconds; /* that writing it took, beside training or not */
        } checkpoint;
        struct {
            thaw_layer_stat *item;
            size_t count;
        } layers;
        struct {
            int epoch;          /* that was evaluated */
            char *folder;       /* the dataset's */
            thaw_mistake *item; /* highest loss first */
            size_t count;       /* THAW_EVENT_MISTAKES_MAX at most */
        } mistakes;
        struct {
            int epoch; /* that it belongs to */
            int steps; /* trained since the profile event before */
            int64_t images;
            double seconds;                 /* since then: the sum of the phases */
            double phase[THAW_PHASE_COUNT]; /* seconds each */
            double decode, transform;       /* seconds, summed over the loader's workers */
            int workers;                    /* of them, for training images */
            double write; /* seconds, a thread of its own writing checkpoints that were finished since */
            bool exact;   /* false: a device worked on while phases changed; where its time shows is chance */
            thaw_stage_time *stage; /* of training, when asked for */
            size_t stage_count;
        } profile;
        struct {
            char *run;
            char *reason; /* "done", "stopped", "early-stop", "not-finite", "error" */
            char *message;
            int best_epoch; /* -1: none */
            double best_val_top1;
            double seconds;
        } end;
    };
} thaw_event;

void thaw_event_of_step(const thaw_step_row *row, thaw_event *out); /* which owns nothing */
void thaw_event_clear(thaw_event *e);
void thaw_event_copy(const thaw_event *from, thaw_event *to);

const char *thaw_event_name(thaw_event_kind kind); /* "step"; static */
const char *thaw_state_name(thaw_state state);
const char *thaw_phase_name(thaw_phase phase); /* as in events: "frozen" */

char *thaw_event_json(const thaw_event *e); /* one line, no newline; free() it */
/* Unknown kinds give THAW_ERR_UNSUPPORTED (a newer version wrote them; skip), broken lines THAW_ERR_FORMAT.
 */
thaw_status thaw_event_parse(const char *line, size_t length, thaw_event *out);

#endif
