/*
 * predict.c - what a model sees in single files. A file that cannot be read has its problem written beside
 * it; the others are not held up by it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/jobs/subject.h"
#include "engine/train/metrics.h"

enum { TOP = sizeof((thaw_prediction *)0)->top / sizeof((thaw_prediction *)0)->top[0], CHANNELS = 3 };

void thaw_predictions_free(thaw_prediction *p, size_t count) {
    for (size_t i = 0; p && i < count; i++) {
        free(p[i].file);
        free(p[i].problem);
        free(p[i].logits);
        for (int k = 0; k < p[i].top_count; k++)
            free(p[i].top[k].name);
    }
    free(p);
}

/* Insert LABEL among the best so far; of equal logits the first wins. */
static void place(const float *logits, int *best, int *count, int label) {
    int at = *count;
    while (at > 0 && (logits[label] > logits[best[at - 1]] || isnan(logits[best[at - 1]])))
        at--;
    if (at == TOP) return;
    int last = *count < TOP ? (*count)++ : TOP - 1;
    memmove(best + at + 1, best + at, (size_t)(last - at) * sizeof *best);
    best[at] = label;
}

static void describe(const subject *s, const float *logits, thaw_prediction *p) {
    int best[TOP], classes = s->source.model->classes;
    char buffer[CLASS_TEXT_MAX];
    double total = log_sum_exp(logits, classes);
    p->classes = classes;
    p->logits = memcpy(xcalloc((size_t)classes, sizeof *p->logits), logits, (size_t)classes * sizeof *logits);
    for (int i = 0; i < classes; i++)
        place(logits, best, &p->top_count, i);
    for (int i = 0; i < p->top_count; i++) {
        p->top[i].name = xstrdup(subject_class(s, best[i], buffer));
        p->top[i].probability = exp((double)logits[best[i]] - total);
    }
}

/* Images of one batch: which predictions they are for. */
typedef struct pending {
    uint8_t *pixels; /* batch_size x side x side x 3 */
    thaw_prediction **of;
    int count;
} pending;

static thaw_status infer(subject *s, pending *b) {
    int side = s->source.transform.crop, classes = s->source.model->classes;
    image_batch in = {.count = b->count, .height = side, .width = side, .pixels = b->pixels};
    if (!b->count) return thaw_ok();
    THAW_TRY(learner_infer(&s->learner, &in));
    for (int i = 0; i < b->count; i++)
        describe(s, s->learner.logits + (size_t)i * (size_t)classes, b->of[i]);
    b->count = 0;
    return thaw_ok();
}

/* Read one file into the batch, or note its problem. */
static void add_file(const subject *s, pending *b, thaw_prediction *p) {
    size_t side = (size_t)s->source.transform.crop;
    image im;
    thaw_status status = image_read(p->file, 0, &im);
    if (thaw_failed(&status)) {
        p->problem = xstrdup(status.message);
        return;
    }
    transform_eval(&s->source.transform, &im, b->pixels + (size_t)b->count * side * side * CHANNELS);
    image_clear(&im);
    b->of[b->count++] = p;
}

static thaw_status predict(subject *s, thaw_prediction *p, size_t count) {
    size_t side = (size_t)s->source.transform.crop,
           room = (size_t)s->batch_size < count ? (size_t)s->batch_size : count;
    pending b = {.pixels = xcalloc(room, side * side * CHANNELS), .of = xcalloc(room, sizeof *b.of)};
    thaw_status status = thaw_ok();
    for (size_t i = 0; i < count && !thaw_failed(&status); i++) {
        add_file(s, &b, &p[i]);
        if ((size_t)b.count == room) status = infer(s, &b);
    }
    if (!thaw_failed(&status)) status = infer(s, &b);
    free(b.pixels);
    free(b.of);
    return status;
}

thaw_status thaw_predict(const thaw_subject *what, const char *const *files, size_t count,
                         thaw_prediction **out) {
    subject s;
    *out = NULL;
    if (!count) return thaw_error(THAW_ERR_USAGE, "no image is named; name one or more");
    THAW_TRY(subject_open(what, &s));
    thaw_prediction *p = xcalloc(count, sizeof *p);
    for (size_t i = 0; i < count; i++)
        p[i].file = xstrdup(files[i]);
    thaw_status status = predict(&s, p, count);
    subject_close(&s);
    if (thaw_failed(&status))
        thaw_predictions_free(p, count);
    else
        *out = p;
    return status;
}
