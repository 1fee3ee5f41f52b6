/*
 * jobs.h - what a person does with a model besides training it. Each call loads libtorch in the calling
 * thread, works to the end and returns; `thaw eval`, `predict`, `export` and `doctor` are these.
 */
#ifndef THAW_JOBS_H
#define THAW_JOBS_H

#include "thaw/dataset.h"
#include "thaw/event.h"
#include "thaw/layers.h"
#include "thaw/status.h"

/* Which model: a run (its best checkpoint, else its last), or an architecture with weights. */
typedef struct thaw_subject {
    const char *run;     /* id or folder; or NULL and ... */
    const char *runs;    /* folder of runs, NULL: default */
    const char *model;   /* ... an architecture; NULL: that whose keys the file `weights` has */
    const char *weights; /* catalog name or file; NULL: the default weights */
    int threads;
    const char *device, *precision; /* NULL: "auto" */
    int batch_size;                 /* 0: 64 */
    void (*note)(void *user,
                 const char *text); /* said, before the work begins, what a person should know of */
    void *note_user;                /* the weights; NULL: nobody listens */
} thaw_subject;

enum { THAW_EVAL_WORST_MAX = 1000 };

typedef struct thaw_class_score {
    char *name;
    int64_t images;
    double top1; /* NaN when images is 0 */
} thaw_class_score;

typedef struct thaw_eval_report {
    int64_t images;
    double top1, top5, loss; /* fractions; mean cross-entropy in nats */
    thaw_class_score *classes;
    int class_count;
    thaw_skipped *skipped;
    size_t skipped_count;
    thaw_mistake *worst; /* the worst mistakes, highest loss first; names are the folder's, or the model's */
    size_t worst_count;  /* THAW_EVAL_WORST_MAX at most */
    double seconds;
} thaw_eval_report;
void thaw_eval_report_clear(thaw_eval_report *r);

typedef bool (*thaw_progress)(void *user, int64_t done, int64_t total); /* false cancels */

/* DATA NULL: the run's own. The folder's validation images (val, valid, test), or all of it when it names no
   split: CLASS folders directly under DATA. Classes are matched by name when the model knows its classes'
   names and the folder's are among them, else by sorted order when the counts agree. */
thaw_status thaw_evaluate(const thaw_subject *what, const char *data, thaw_progress progress, void *user,
                          thaw_eval_report *out);

typedef struct thaw_prediction {
    char *file;
    char *problem; /* why this file could not be read, or NULL */
    int top_count;
    struct {
        char *name;
        double probability;
    } top[5];
    float *logits; /* classes of them */
    int classes;
} thaw_prediction;
void thaw_predictions_free(thaw_prediction *p, size_t count);
thaw_status thaw_predict(const thaw_subject *what, const char *const *files, size_t count,
                         thaw_prediction **out);

/* Write the run's best (or LAST) weights to PATH, .safetensors or .pth. */
thaw_status thaw_export(const thaw_subject *what, const char *path, bool last);

/* What a file of weights is for, as far as it says so itself or its keys and shapes do. Needs no libtorch. */
typedef struct thaw_identity {
    const char *arch; /* static */
    thaw_head head;
    int classes; /* 0: it has no classifier that could be read */
} thaw_identity;
/* Fails, with the architectures that come nearest, when WEIGHTS is of none. */
thaw_status thaw_identify(const char *weights, thaw_identity *out);

/* One line of `thaw doctor`. */
typedef struct thaw_finding {
    char *topic;  /* "libtorch" */
    int level;    /* 0 good, 1 could be better, 2 wrong */
    char *text;   /* what was found */
    char *advice; /* what to type, or NULL */
} thaw_finding;
thaw_status thaw_diagnose(thaw_finding **out, size_t *count); /* free with thaw_findings_free */
void thaw_findings_free(thaw_finding *f, size_t count);

#endif
