/*
 * run_epochs.c - see run_epochs.h.
 */
#include "tui/run_epochs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "tui/run_marks.h"

/* The best so far. */
static void take_best(run_view *v, const run_epoch *e) {
    v->best_epoch = e->epoch;
    v->best_val_top1 = e->val_top1;
    run_marks_replace(v, RUN_MARK_BEST, e->steps,
                      isfinite(e->val_top1) ? xasprintf("best %.3f", e->val_top1) : xstrdup("best"));
}

static void take_class_scores(run_view *v, const thaw_event *e) {
    free(v->class_top1);
    v->class_top1 = NULL;
    v->class_top1_count = 0;
    if (!e->epoch.class_top1 || e->epoch.classes <= 0) return;
    v->class_top1 = xreallocarray(NULL, (size_t)e->epoch.classes, sizeof *v->class_top1);
    memcpy(v->class_top1, e->epoch.class_top1, (size_t)e->epoch.classes * sizeof *v->class_top1);
    v->class_top1_count = e->epoch.classes;
}

static void thin_epochs(run_view *v) {
    size_t kept = 0;
    for (size_t i = 0; i < v->epoch_count; i++)
        if (i % 2 || v->epoch_list[i].best) v->epoch_list[kept++] = v->epoch_list[i];
    /* All of them best: then the older half goes. */
    if (kept >= RUN_EPOCHS_MAX) {
        kept = RUN_EPOCHS_MAX / 2;
        memmove(v->epoch_list, v->epoch_list + v->epoch_count - kept, kept * sizeof *v->epoch_list);
    }
    v->epoch_count = kept;
}

void run_epochs_take(run_view *v, const thaw_event *e) {
    while (v->epoch_count && v->epoch_list[v->epoch_count - 1].epoch >= e->epoch.epoch)
        v->epoch_count--; /* validated again after a resume: this one counts */
    if (v->epoch_count >= RUN_EPOCHS_MAX) thin_epochs(v);
    v->epoch_list = vec_reserve(v->epoch_list, &v->epoch_capacity, v->epoch_count + 1, sizeof *v->epoch_list);
    v->epoch_list[v->epoch_count++] = (run_epoch){
        .epoch = e->epoch.epoch,
        .steps = e->steps,
        .train_loss = e->epoch.train_loss,
        .train_top1 = e->epoch.train_top1,
        .val_loss = e->epoch.val_loss,
        .val_top1 = e->epoch.val_top1,
        .val_top5 = e->epoch.val_top5,
        .images_per_second = e->epoch.images_per_second,
        .seconds = e->epoch.seconds,
        .best = e->epoch.best,
    };
    take_class_scores(v, e);
    if (e->epoch.best) take_best(v, &v->epoch_list[v->epoch_count - 1]);
}

void run_epochs_cut(run_view *v, int64_t steps) {
    size_t before = v->epoch_count;
    while (v->epoch_count && v->epoch_list[v->epoch_count - 1].steps > steps)
        v->epoch_count--;
    if (v->epoch_count == before) return;
    v->class_top1_count = 0; /* they were of an epoch that never was */
    v->best_epoch = -1;
    v->best_val_top1 = NAN;
    for (size_t i = 0; i < v->epoch_count; i++)
        if (v->epoch_list[i].best) take_best(v, &v->epoch_list[i]);
}
