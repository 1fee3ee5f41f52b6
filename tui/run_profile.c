/*
 * run_profile.c - see run_profile.h.
 */
#include "tui/run_profile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

static const char *const labels[THAW_PHASE_COUNT] = {
    [THAW_PHASE_PREPARE] = "preparing",     [THAW_PHASE_WAIT] = "data wait",
    [THAW_PHASE_UPLOAD] = "upload",         [THAW_PHASE_FROZEN] = "frozen forward",
    [THAW_PHASE_KEPT] = "kept outputs",     [THAW_PHASE_FORWARD] = "forward",
    [THAW_PHASE_BACKWARD] = "backward",     [THAW_PHASE_OPTIMIZER] = "optimizer",
    [THAW_PHASE_METRICS] = "metrics",       [THAW_PHASE_LOGGING] = "logging",
    [THAW_PHASE_EVALUATION] = "evaluation", [THAW_PHASE_CHECKPOINT] = "checkpoints",
    [THAW_PHASE_PAUSED] = "paused",         [THAW_PHASE_OTHER] = "other",
};

const char *run_profile_label(thaw_phase phase) {
    return labels[phase];
}

/* A figure that is not known adds nothing. */
static double known(double value) {
    return isfinite(value) ? value : 0;
}

/* PATH's stage, looked for from AT on, where the one before it was found; made there when it is new. */
static thaw_stage_time *find_stage(run_profile *p, const char *path, size_t at) {
    for (size_t i = at; i < p->stage_count; i++)
        if (!strcmp(p->stage[i].path, path)) return &p->stage[i];
    if (p->stage_count == RUN_PROFILE_STAGES_MAX) return NULL;
    p->stage = vec_reserve(p->stage, &p->stage_capacity, p->stage_count + 1, sizeof *p->stage);
    memmove(&p->stage[at + 1], &p->stage[at], (p->stage_count - at) * sizeof *p->stage);
    p->stage[at] = (thaw_stage_time){.path = xstrdup(path), .backward = (double)NAN};
    p->stage_count++;
    return &p->stage[at];
}

static void add_stages(run_profile *p, const thaw_event *e) {
    size_t at = 0;
    for (size_t i = 0; i < e->profile.stage_count; i++) {
        const thaw_stage_time *from = &e->profile.stage[i];
        thaw_stage_time *to = from->path ? find_stage(p, from->path, at) : NULL;
        if (!to) continue;
        at = (size_t)(to - p->stage) + 1;
        to->forward += known(from->forward);
        if (isfinite(from->backward)) to->backward = known(to->backward) + from->backward;
    }
}

void run_profile_add(run_profile *p, const thaw_event *e) {
    p->exact = (p->events == 0 || p->exact) && e->profile.exact;
    p->events++;
    p->epoch = e->profile.epoch;
    p->seconds += known(e->profile.seconds);
    for (int i = 0; i < THAW_PHASE_COUNT; i++)
        p->phase[i] += known(e->profile.phase[i]);
    p->decode += known(e->profile.decode);
    p->transform += known(e->profile.transform);
    p->workers = e->profile.workers;
    p->write += known(e->profile.write);
    p->steps += e->profile.steps;
    p->images += e->profile.images;
    add_stages(p, e);
}

void run_profile_clear(run_profile *p) {
    for (size_t i = 0; i < p->stage_count; i++)
        free(p->stage[i].path);
    free(p->stage);
    *p = (run_profile){0};
}

double run_profile_share(const run_profile *p, double seconds) {
    return p->seconds > 0 ? seconds / p->seconds : 0;
}

double run_profile_stages(const run_profile *p) {
    double all = 0;
    for (size_t i = 0; i < p->stage_count; i++)
        all += p->stage[i].forward + known(p->stage[i].backward);
    return all;
}
