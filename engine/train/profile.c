/*
 * profile.c - see profile.h.
 */
#include "engine/train/profile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"

enum { NO_STAGE = -1 };
static const double news_least = 0.01; /* seconds worth an event of their own */

/* ---- reading the clock ---- */

static double read_clock(profile *p) {
    if (p->detailed && p->wait) p->wait(p);
    return clock_seconds();
}

static void close_stage(profile *p, double now) {
    if (p->stage == NO_STAGE) return;
    thaw_stage_time *time = &p->stage_time[p->stage];
    *(p->backward ? &time->backward : &time->forward) += now - p->stage_mark;
    p->stage = NO_STAGE;
}

static void open_stage(profile *p, int stage, double now) {
    close_stage(p, now);
    p->stage = stage;
    p->stage_mark = now;
}

/* Within an evaluation, what a step consists of is none of its own. */
static thaw_phase counted_as(const profile *p, thaw_phase phase) {
    bool apart = phase == THAW_PHASE_PAUSED || phase == THAW_PHASE_CHECKPOINT;
    return p->evaluating && !apart ? THAW_PHASE_EVALUATION : phase;
}

static thaw_phase enter_at(profile *p, thaw_phase phase, double now) {
    thaw_phase before = p->phase;
    close_stage(p, now);
    p->seconds[before] += now - p->mark;
    p->mark = now;
    p->phase = counted_as(p, phase);
    return before;
}

thaw_phase profile_enter(profile *p, thaw_phase phase) {
    return p ? enter_at(p, phase, read_clock(p)) : phase;
}

void profile_evaluate(profile *p, bool on) {
    profile_enter(p, on ? THAW_PHASE_EVALUATION : THAW_PHASE_OTHER);
    p->evaluating = on;
    if (!on) p->phase = THAW_PHASE_OTHER;
}

/* ---- stages ---- */

static bool watches_stages(const profile *p) {
    return p->detailed && p->model && !p->evaluating;
}

/* Autograd has the gradient of what stage TAG - 1 gave: backward is through with TAG. */
static void gradient_is_there(void *user, int64_t tag) {
    profile *p = user;
    if (p->backward) open_stage(p, (int)tag - 1, read_clock(p));
}

static void stage_begins(pass_watch *self, pass *of, size_t stage, tensor *x) {
    profile *p = (profile *)self;
    double now = read_clock(p);
    thaw_phase phase = of->recording ? THAW_PHASE_FORWARD : THAW_PHASE_FROZEN;
    if (counted_as(p, phase) != p->phase) enter_at(p, phase, now);
    if (!watches_stages(p)) return;
    open_stage(p, (int)stage, now);
    p->backward = false;
    p->last_stage = (int)stage;
    if (of->recording && stage > 0) t_on_gradient(of->scope, x, gradient_is_there, p, (int64_t)stage);
}

void profile_enter_backward(profile *p) {
    if (!p) return;
    double now = read_clock(p);
    enter_at(p, THAW_PHASE_BACKWARD, now);
    if (!watches_stages(p) || p->last_stage == NO_STAGE) return;
    open_stage(p, p->last_stage, now);
    p->backward = true;
}

/* ---- making and setting ---- */

static void wait_for_device(profile *p) {
    thaw_status status = torch_synchronize(p->model->torch, p->model->device);
    (void)status; /* what failed there fails again where it is needed */
}

void profile_init(profile *p, double begun) {
    *p = (profile){.watch = {.stage = stage_begins},
                   .phase = THAW_PHASE_PREPARE,
                   .mark = begun,
                   .begun = begun,
                   .stage = NO_STAGE,
                   .last_stage = NO_STAGE};
}

void profile_clear(profile *p) {
    free(p->stage_time);
    p->stage_time = NULL;
}

void profile_watch_model(profile *p, const model *m) {
    p->model = m;
    p->wait = m->device.kind == DEVICE_CUDA ? wait_for_device : NULL;
    profile_set_detailed(p, p->detailed);
}

void profile_set_detailed(profile *p, bool on) {
    profile_enter(p, p->phase); /* closes the stage, if any */
    free(p->stage_time);
    p->stage_time = on && p->model ? xcalloc(p->model->stage_count, sizeof *p->stage_time) : NULL;
    p->detailed = on;
    p->last_stage = NO_STAGE;
}

/* ---- telling ---- */

bool profile_has_news(const profile *p) {
    return p->steps > 0 || clock_seconds() - p->begun > news_least;
}

/* Stages that took part, with their names; backward is NaN where it does not come by. */
static void take_stages(profile *p, thaw_event *e) {
    size_t count = p->stage_time ? p->model->stage_count : 0;
    e->profile.stage = xcalloc(count, sizeof *e->profile.stage);
    for (size_t i = 0; i < count; i++) {
        thaw_stage_time *time = &p->stage_time[i];
        if (time->forward == 0 && time->backward == 0) continue;
        e->profile.stage[e->profile.stage_count++] =
            (thaw_stage_time){.path = xstrdup(p->model->stage[i]->path),
                              .forward = time->forward,
                              .backward = time->backward > 0 ? time->backward : (double)NAN};
        *time = (thaw_stage_time){0};
    }
}

void profile_event(profile *p, thaw_event *e) {
    profile_enter(p, p->phase);
    *e = (thaw_event){.kind = THAW_EVENT_PROFILE};
    e->profile.epoch = p->epoch;
    e->profile.steps = p->steps;
    e->profile.images = p->images;
    e->profile.seconds = p->mark - p->begun;
    memcpy(e->profile.phase, p->seconds, sizeof p->seconds);
    e->profile.write = p->write;
    e->profile.exact = p->detailed || !p->wait;
    take_stages(p, e);
    memset(p->seconds, 0, sizeof p->seconds);
    p->begun = p->mark;
    p->steps = 0;
    p->images = 0;
    p->write = 0;
}
