/*
 * summary.c - see summary.h. Events that are not steps: a run has a million of those at times, and they are
 * passed over unparsed.
 */
#include "engine/run/summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "engine/run/reader.h"

typedef struct epoch_row {
    int epoch;
    int64_t steps;
    double train_loss, val_loss, val_top1;
} epoch_row;

typedef struct summary {
    thaw_run_info *info;
    epoch_row *row;
    size_t count, capacity;
    int best_epoch; /* as the run's end has it; -1: none */
    double best_val_top1;
} summary;

/* A later event of the same epoch replaces it and what came after it. */
static void add_epoch(summary *s, const thaw_event *e) {
    while (s->count && s->row[s->count - 1].epoch >= e->epoch.epoch)
        s->count--;
    s->row = vec_reserve(s->row, &s->capacity, s->count + 1, sizeof *s->row);
    s->row[s->count++] =
        (epoch_row){e->epoch.epoch, e->steps, e->epoch.train_loss, e->epoch.val_loss, e->epoch.val_top1};
}

static void replace(char **text, const char *with) {
    free(*text);
    *text = xstrdup(with);
}

static void take_event(void *user, const thaw_event *e) {
    summary *s = user;
    thaw_run_info *info = s->info;
    switch (e->kind) {
    case THAW_EVENT_BEGIN:
        if (e->begin.epochs > 0) info->epochs = e->begin.epochs;
        while (s->count && s->row[s->count - 1].steps > e->steps)
            s->count--; /* a resumed run goes on from before that */
        replace(&info->reason, NULL);
        s->best_epoch = -1;
        break;
    case THAW_EVENT_EPOCH:
        add_epoch(s, e);
        break;
    case THAW_EVENT_MASK:
        replace(&info->mask_label, e->mask.label);
        break;
    case THAW_EVENT_PROFILE:
        for (int i = 0; i < THAW_PHASE_COUNT; i++)
            if (isfinite(e->profile.phase[i])) info->phase[i] += e->profile.phase[i];
        break;
    case THAW_EVENT_END:
        replace(&info->reason, e->end.reason);
        s->best_epoch = e->end.best_epoch;
        s->best_val_top1 = e->end.best_val_top1;
        break;
    default:
        break;
    }
}

/* Lines begin with the version and the kind (event_json.c). */
static bool is_frequent(const char *line, size_t length) {
    static const char *const starts[] = {"{\"v\":1,\"event\":\"step\"", "{\"v\":1,\"event\":\"layers\"",
                                         "{\"v\":1,\"event\":\"log\"", "{\"v\":1,\"event\":\"mistakes\""};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        size_t n = strlen(starts[i]);
        if (length >= n && memcmp(line, starts[i], n) == 0) return true;
    }
    return false;
}

static void read_all(thaw_run_reader *r, summary *s) {
    thaw_event e;
    run_reader_skip(r, is_frequent);
    while (thaw_run_reader_next(r, &e)) {
        take_event(s, &e);
        thaw_event_clear(&e);
    }
}

static bool better(const epoch_row *a, const epoch_row *b) {
    return a->val_top1 > b->val_top1 || (a->val_top1 == b->val_top1 && a->val_loss < b->val_loss);
}

static void find_best(const summary *s, thaw_run_info *info) {
    const epoch_row *best = NULL;
    for (size_t i = 0; i < s->count; i++)
        if (!isnan(s->row[i].val_top1) && (!best || better(&s->row[i], best))) best = &s->row[i];
    if (!best) return;
    info->best_epoch = best->epoch;
    info->best_val_top1 = best->val_top1;
}

static void find_last(const summary *s, thaw_run_info *info) {
    if (!s->count) return;
    const epoch_row *last = &s->row[s->count - 1];
    info->epochs_done = last->epoch + 1;
    info->last_train_loss = last->train_loss;
    info->last_val_loss = last->val_loss;
}

thaw_status run_summary_read(const char *folder, bool brief, thaw_run_info *info, bool *whole) {
    thaw_run_reader *r;
    summary s = {.info = info, .best_epoch = -1};
    info->best_epoch = -1;
    info->best_val_top1 = info->last_train_loss = info->last_val_loss = (double)NAN;
    *whole = true;
    THAW_TRY(thaw_run_reader_open(folder, &r));
    if (brief && run_reader_ends(r, is_frequent, take_event, &s)) {
        *whole = false;
        for (int i = 0; i < THAW_PHASE_COUNT; i++)
            info->phase[i] = 0;
        if (s.best_epoch >= 0) {
            info->best_epoch = s.best_epoch;
            info->best_val_top1 = s.best_val_top1;
        }
    } else {
        read_all(r, &s);
        find_best(&s, info);
    }
    find_last(&s, info);
    thaw_run_reader_close(r);
    free(s.row);
    return thaw_ok();
}
