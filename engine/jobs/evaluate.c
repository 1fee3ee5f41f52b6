/*
 * evaluate.c - what a model scores on a folder of images.
 *
 * The folder numbers its classes as it likes; its labels are translated into the model's outputs once, by
 * name where both know names, and the report is about the folder's classes.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/base/str.h"
#include "engine/data/loader.h"
#include "engine/jobs/subject.h"
#include "engine/train/metrics.h"
#include "engine/train/mistakes.h"

typedef struct evaluation {
    subject *subject;
    thaw_dataset *data;
    int *output; /* the model's output for each of the folder's labels */
    metrics score;
    mistakes worst;
    thaw_progress progress;
    void *user;
    int64_t done, total;
    thaw_eval_report *report;
} evaluation;

void thaw_eval_report_clear(thaw_eval_report *r) {
    for (int i = 0; i < r->class_count; i++)
        free(r->classes[i].name);
    free(r->classes);
    for (size_t i = 0; i < r->skipped_count; i++) {
        free(r->skipped[i].file);
        free(r->skipped[i].reason);
    }
    free(r->skipped);
    thaw_mistakes_free(r->worst, r->worst_count);
    *r = (thaw_eval_report){0};
}

/* ---- classes ---- */

static int output_named(const source *s, const char *name) {
    for (int i = 0; i < s->model->classes; i++)
        if (strcmp(s->class_name[i], name) == 0) return i;
    return -1;
}

/* The error for a folder whose classes are neither all known by name nor as many as the outputs. */
static thaw_status classes_differ(const source *s, const thaw_dataset *d, const char *unknown) {
    char *shown = text_escape(unknown ? unknown : "");
    const char *nearest =
        unknown ? text_nearest(unknown, (const char *const *)s->class_name, (size_t)s->model->classes) : NULL;
    thaw_status status = thaw_error(
        THAW_ERR_USAGE,
        "%s has %d classes and the model %d%s%.60s%s%s%.60s%s; give a folder with the model's classes",
        thaw_dataset_root(d), thaw_dataset_class_count(d), s->model->classes,
        unknown ? ", of which none is called \"" : "", shown, unknown ? "\"" : "",
        nearest ? " (nearest is \"" : "", nearest ? nearest : "", nearest ? "\")" : "");
    free(shown);
    return status;
}

static thaw_status match_classes(const source *s, const thaw_dataset *d, int *output) {
    int count = thaw_dataset_class_count(d);
    const char *unknown = NULL;
    for (int i = 0; i < count && s->class_name && !unknown; i++) {
        output[i] = output_named(s, thaw_dataset_class_name(d, i));
        if (output[i] < 0) unknown = thaw_dataset_class_name(d, i);
    }
    if (s->class_name && !unknown) return thaw_ok();
    if (count != s->model->classes) return classes_differ(s, d, unknown);
    for (int i = 0; i < count; i++)
        output[i] = i;
    return thaw_ok();
}

/* ---- images ---- */

static thaw_status score_batch(evaluation *e, batch *b, bool train) {
    int side = e->subject->source.transform.crop;
    image_batch in = {.count = b->count, .height = side, .width = side, .pixels = b->pixels};
    if (!b->count) return thaw_ok();
    THAW_TRY(learner_infer(&e->subject->learner, &in));
    for (int i = 0; i < b->count; i++)
        b->label[i] = e->output[b->label[i]];
    metrics_add_scored(&e->score, e->subject->learner.logits, b->label, b->count);
    mistakes_add(&e->worst, e->subject->learner.logits, e->score.classes, b, train);
    e->done += b->count;
    return thaw_ok();
}

static thaw_status cancelled(void) {
    return thaw_error(THAW_ERR_CANCELLED, "the evaluation was stopped");
}

static thaw_status score_all(evaluation *e, loader *l, bool train) {
    loader_start(l, 0, 0);
    for (batch *b; (b = loader_next(l));) {
        thaw_status status = score_batch(e, b, train);
        loader_release(l, b);
        THAW_TRY(status);
        if (e->progress && !e->progress(e->user, e->done, e->total)) return cancelled();
    }
    return thaw_ok();
}

static void add_skipped(thaw_eval_report *r, const thaw_skipped *s) {
    r->skipped = xreallocarray(r->skipped, r->skipped_count + 1, sizeof *r->skipped);
    r->skipped[r->skipped_count++] = (thaw_skipped){xstrdup(s->file), xstrdup(s->reason)};
}

/* One side of the folder; its images are prepared as in validation, whichever side it is. */
static thaw_status score_side(evaluation *e, bool train) {
    if (!thaw_dataset_images(e->data, train)) return thaw_ok();
    loader *l;
    loader_params params = loader_default_params(e->data, train);
    params.transform = e->subject->source.transform;
    params.batch_size = e->subject->batch_size;
    params.shuffle = params.drop_last = params.fast_decode = false;
    params.cache_bytes = 0;
    THAW_TRY(loader_new(&params, &l));
    thaw_status status = score_all(e, l, train);
    const thaw_skipped *skipped;
    size_t count = loader_skipped(l, &skipped);
    for (size_t i = 0; i < count; i++)
        add_skipped(e->report, &skipped[i]);
    loader_free(l);
    return status;
}

/* ---- the whole ---- */

static thaw_status open_data(const source *s, const char *data, thaw_dataset **out) {
    thaw_dataset_params params = thaw_dataset_default_params();
    params.path = data ? data : s->data;
    if (!params.path) return thaw_error(THAW_ERR_USAGE, "no images are named: give a folder with --data DIR");
    if (!data) params.val_fraction = s->val_fraction;
    return thaw_dataset_open(&params, out);
}

/* The model's outputs by name: the folder's where it has one for it, else the model's own. */
static void describe_worst(evaluation *e) {
    int outputs = e->score.classes;
    const source *s = &e->subject->source;
    const char **name = xcalloc((size_t)outputs, sizeof *name);
    char **number = xcalloc((size_t)outputs, sizeof *number);
    for (int i = 0; i < outputs; i++)
        name[i] = s->class_name ? s->class_name[i] : (number[i] = xasprintf("class %d", i));
    for (int i = 0; i < thaw_dataset_class_count(e->data); i++)
        name[e->output[i]] = thaw_dataset_class_name(e->data, i);
    mistakes_sort(&e->worst);
    e->report->worst = mistakes_describe(&e->worst, e->data, name);
    e->report->worst_count = e->worst.count;
    for (int i = 0; i < outputs; i++)
        free(number[i]);
    free(number);
    free(name);
}

static void fill_report(const evaluation *e, double seconds) {
    thaw_eval_report *r = e->report;
    r->images = e->score.images;
    r->top1 = metrics_top1(&e->score);
    r->top5 = metrics_top5(&e->score);
    r->loss = metrics_loss(&e->score);
    r->seconds = seconds;
    r->class_count = thaw_dataset_class_count(e->data);
    r->classes = xcalloc((size_t)r->class_count, sizeof *r->classes);
    for (int i = 0; i < r->class_count; i++)
        r->classes[i] = (thaw_class_score){.name = xstrdup(thaw_dataset_class_name(e->data, i)),
                                           .images = e->score.class_images[e->output[i]],
                                           .top1 = metrics_class_top1(&e->score, e->output[i])};
    for (size_t i = 0; i < thaw_dataset_skipped_count(e->data); i++)
        add_skipped(r, thaw_dataset_skipped_at(e->data, i));
}

/* ALL: both sides count, because nobody set one apart. */
static thaw_status score_data(evaluation *e, bool all) {
    e->output = xcalloc((size_t)thaw_dataset_class_count(e->data), sizeof *e->output);
    THAW_TRY(match_classes(&e->subject->source, e->data, e->output));
    e->total =
        (int64_t)(thaw_dataset_images(e->data, false) + (all ? thaw_dataset_images(e->data, true) : 0));
    if (!e->total)
        return thaw_error(THAW_ERR_NOT_FOUND, "%s has no validation images; put some into its val folder",
                          thaw_dataset_root(e->data));
    double start = clock_seconds();
    if (e->progress && !e->progress(e->user, 0, e->total)) return cancelled();
    if (all) THAW_TRY(score_side(e, true));
    THAW_TRY(score_side(e, false));
    if (!e->score.images)
        return thaw_error(THAW_ERR_NOT_FOUND,
                          "none of the %lld images of %s could be read; mend or replace them, first %s: %s",
                          (long long)e->total, thaw_dataset_root(e->data), e->report->skipped[0].file,
                          e->report->skipped[0].reason);
    fill_report(e, clock_seconds() - start);
    describe_worst(e);
    return thaw_ok();
}

thaw_status thaw_evaluate(const thaw_subject *what, const char *data, thaw_progress progress, void *user,
                          thaw_eval_report *out) {
    subject s = {0};
    evaluation e = {.subject = &s, .progress = progress, .user = user, .report = out};
    e.worst.most = THAW_EVAL_WORST_MAX;
    *out = (thaw_eval_report){0};
    THAW_TRY(subject_open(what, &s));
    metrics_init(&e.score, s.source.model->classes);
    thaw_status status = open_data(&s.source, data, &e.data);
    if (!thaw_failed(&status)) status = score_data(&e, data && !thaw_dataset_has_split(e.data));
    if (thaw_failed(&status)) thaw_eval_report_clear(out);
    metrics_clear(&e.score);
    mistakes_clear(&e.worst);
    free(e.output);
    thaw_dataset_free(e.data);
    subject_close(&s);
    return status;
}
