/*
 * session.c - the engine thread behind include/thaw/session.h. It loads libtorch, then takes commands from
 * the mailbox: those that start a run are served here, those that steer one by the trainer between two
 * batches. All tensors live and die on this thread.
 */
#include "thaw/session.h"

#include <math.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/thread.h"
#include "engine/train/capture.h"
#include "engine/train/control.h"
#include "engine/train/ring.h"
#include "engine/train/trainer.h"

struct thaw_session {
    pthread_t thread;
    mailbox *mailbox;
    ring *ring;
    control *control;
    capture *capture;    /* NULL: output is left alone */
    char *runs, *device; /* constant after the start */
    int threads;

    atomic_bool profiling;     /* runs to come are measured in detail from their start */
    atomic_bool quitting;      /* set before COMMAND_QUIT is posted */
    atomic_int state;          /* thaw_state */
    _Atomic double clock_zero; /* clock_seconds() of event time 0: the run's, or the session's */
    _Atomic int64_t steps;     /* of the last event */

    torch *torch; /* from here on: the engine thread's */
    thaw_status torch_status;
};

/* ---- saying ---- */

static void emit(void *user, thaw_event *e) {
    thaw_session *s = user;
    if (e->kind == THAW_EVENT_STATE) atomic_store(&s->state, (int)e->state.state);
    if (e->kind == THAW_EVENT_BEGIN) atomic_store(&s->clock_zero, clock_seconds() - e->time);
    atomic_store(&s->steps, e->steps);
    ring_push(s->ring, e);
}

/* For what no run says: time is filled in here. */
static void emit_now(thaw_session *s, thaw_event *e) {
    e->time = clock_seconds() - atomic_load(&s->clock_zero);
    e->steps = atomic_load(&s->steps);
    emit(s, e);
}

static void say_state(thaw_session *s, thaw_state state) {
    thaw_event e = {.kind = THAW_EVENT_STATE};
    e.state.state = state;
    emit_now(s, &e);
}

/* The end of a run that never began. */
static void say_end(thaw_session *s, const char *reason, const char *message) {
    thaw_event e = {.kind = THAW_EVENT_END};
    e.end.reason = xstrdup(reason);
    e.end.message = xstrdup(message);
    e.end.best_epoch = -1;
    e.end.best_val_top1 = NAN;
    emit_now(s, &e);
}

/* From the capture's thread: a line that some library wrote. */
static void say_output(void *user, const char *text) {
    thaw_session *s = user;
    thaw_event e = {.kind = THAW_EVENT_LOG};
    e.log.text = xstrdup(text);
    e.time = clock_seconds() - atomic_load(&s->clock_zero);
    e.steps = atomic_load(&s->steps);
    ring_push(s->ring, &e);
}

/* ---- libtorch ---- */

static void say_engine(thaw_session *s) {
    enum { NAME_MAX_BYTES = 96, DEVICE_MAX_BYTES = 24 };
    char name[NAME_MAX_BYTES] = "", text[DEVICE_MAX_BYTES];
    uint64_t free_bytes = 0, total;
    device d = {.kind = DEVICE_CPU};
    const torch_facts *facts = torch_about(s->torch);
    thaw_status status = torch_parse_device(s->torch, s->device, &d);
    thaw_event e = {.kind = THAW_EVENT_ENGINE};
    e.engine.ok = !thaw_failed(&status);
    if (e.engine.ok) status = torch_device_describe(s->torch, d, name, sizeof name, &free_bytes, &total);
    e.engine.text = e.engine.ok ? xasprintf("libtorch %s on %s, %d threads, %s", facts->version, name,
                                            facts->threads, facts->blas)
                                : xstrdup(status.message);
    e.engine.device = xstrdup(device_text(d, text));
    e.engine.threads = facts->threads;
    e.engine.precision = xstrdup(d.kind == DEVICE_CUDA || facts->cpu_bf16 ? "bf16" : "fp32");
    e.engine.slow_blas = facts->slow_blas;
    e.engine.memory = e.engine.ok && !thaw_failed(&status) ? (double)free_bytes : (double)NAN;
    emit_now(s, &e);
}

static void load_torch(thaw_session *s) {
    torch_params params = {.threads = s->threads};
    s->torch_status = torch_open(&params, &s->torch);
    if (!thaw_failed(&s->torch_status)) {
        say_engine(s);
        return;
    }
    thaw_event e = {.kind = THAW_EVENT_ENGINE, .engine.memory = NAN};
    e.engine.text = xstrdup(s->torch_status.message);
    emit_now(s, &e);
}

/* ---- one run ---- */

static char *what_is_kept(const trainer *t) {
    return t->saved_steps < 0 ? xstrdup("there is no checkpoint yet")
                              : xasprintf("the checkpoint of step %lld is kept", (long long)t->saved_steps);
}

static char *not_saved_message(const trainer *t) {
    char *kept = what_is_kept(t);
    char *message = xasprintf("the epochs are over, and the last checkpoint could NOT be written: %s; %s",
                              t->save_status.message, kept);
    free(kept);
    return message;
}

static char *not_finite_message(const trainer *t, const thaw_status *status) {
    char *kept = what_is_kept(t);
    char *message = xasprintf("%s; %s; a learning rate lower than %g is the usual cure", status->message,
                              kept, t->base_lr);
    free(kept);
    return message;
}

static void say_run_end(trainer *t, trainer_end how, const thaw_status *status) {
    static const char *const reasons[] = {[TRAINER_DONE] = "done",
                                          [TRAINER_STOPPED] = "stopped",
                                          [TRAINER_EARLY_STOP] = "early-stop",
                                          [TRAINER_NOT_FINITE] = "not-finite"};
    char *message = NULL;
    bool unsaved = (how == TRAINER_DONE || how == TRAINER_EARLY_STOP) && thaw_failed(&t->save_status);
    bool failed = unsaved || (thaw_failed(status) && how != TRAINER_NOT_FINITE);
    if (thaw_failed(status) && how != TRAINER_NOT_FINITE)
        message = xstrdup(status->message);
    else if (unsaved)
        message = not_saved_message(t);
    else if (how == TRAINER_NOT_FINITE)
        message = not_finite_message(t, status);
    else if (how == TRAINER_EARLY_STOP)
        message = xasprintf("no better epoch in %d", t->stale_epochs);
    else if (how == TRAINER_STOPPED && !t->stop_save)
        message = xstrdup("stopped without saving");
    else if (how == TRAINER_STOPPED)
        message = thaw_failed(&t->save_status)
                      ? xasprintf("stopped, and NOT saved: %s", t->save_status.message)
                      : xstrdup("stopped and saved");
    trainer_say_end(t, failed ? "error" : reasons[how], message ? message : "");
    free(message);
}

static void capture_into(thaw_session *s, const trainer *t) {
    if (!s->capture) return;
    char *path = path_join(run_folder_path(t->folder), "stderr.log");
    capture_copy_to(s->capture, path);
    free(path);
}

/* A run that cannot be steered from elsewhere is trained all the same. */
static void open_control(thaw_session *s, trainer *t) {
    thaw_status status = control_open(s->control, run_folder_path(t->folder));
    if (thaw_failed(&status))
        trainer_log(t, 1, "this run can be watched, but not steered, by other processes: %s", status.message);
}

static void run(thaw_session *s, trainer *t) {
    trainer_end how = TRAINER_DONE;
    capture_into(s, t);
    open_control(s, t);
    thaw_status status = trainer_run(t, &how);
    control_close(s->control);
    say_run_end(t, how, &status);
    if (s->capture) capture_copy_to(s->capture, NULL);
}

static void serve(thaw_session *s, const command *c) {
    if (thaw_failed(&s->torch_status)) {
        say_end(s, "error", s->torch_status.message);
        return;
    }
    trainer_host host = {.torch = s->torch,
                         .runs = s->runs,
                         .device = s->device,
                         .mailbox = s->mailbox,
                         .profile = atomic_load(&s->profiling),
                         .emit = emit,
                         .user = s};
    trainer *t = NULL;
    say_state(s, THAW_STATE_PREPARING);
    thaw_status status = c->kind == COMMAND_TRAIN ? trainer_prepare(&host, &c->recipe, &t)
                                                  : trainer_prepare_resume(&host, c->run, &t);
    if (thaw_failed(&status))
        say_end(s, status.code == THAW_ERR_CANCELLED ? "stopped" : "error", status.message);
    else
        run(s, t);
    trainer_free(t);
    say_state(s, THAW_STATE_IDLE);
}

static void *engine_main(void *user) {
    thaw_session *s = user;
    load_torch(s);
    while (!atomic_load(&s->quitting)) { /* the command that says so may have been a run's */
        command *c = mailbox_wait(s->mailbox, -1);
        if (c->kind == COMMAND_TRAIN || c->kind == COMMAND_RESUME) serve(s, c);
        command_free(c); /* what steers a run means nothing without one */
    }
    torch_close(s->torch);
    return NULL;
}

/* ---- the public side: the caller's thread ---- */

thaw_session_params thaw_session_default_params(void) {
    return (thaw_session_params){.device = "auto"};
}

static void session_release(thaw_session *s) {
    capture_stop(s->capture);
    mailbox_free(s->mailbox); /* may have answers for the control */
    control_free(s->control);
    ring_free(s->ring);
    free(s->runs);
    free(s->device);
    free(s);
}

thaw_status thaw_session_new(const thaw_session_params *params, thaw_session **out) {
    thaw_session *s = xcalloc(1, sizeof *s);
    s->runs = xstrdup(params->runs);
    s->device = xstrdup(params->device ? params->device : "auto");
    s->threads = params->threads;
    s->mailbox = mailbox_new();
    s->control = control_new(s->mailbox);
    atomic_store(&s->clock_zero, clock_seconds());
    thaw_status status = ring_new(&s->ring);
    if (!thaw_failed(&status) && params->capture_output) status = capture_start(say_output, s, &s->capture);
    if (!thaw_failed(&status)) status = thread_start(&s->thread, "thaw-engine", engine_main, s);
    if (thaw_failed(&status))
        session_release(s);
    else
        *out = s;
    return status;
}

static void post(thaw_session *s, command_kind kind) {
    mailbox_post(s->mailbox, command_new(kind));
}

void thaw_session_free(thaw_session *s) {
    if (!s) return;
    atomic_store(&s->quitting, true);
    post(s, COMMAND_QUIT);
    pthread_join(s->thread, NULL);
    session_release(s);
}

int thaw_session_fd(const thaw_session *s) {
    return ring_fd(s->ring);
}

bool thaw_session_next(thaw_session *s, thaw_event *out) {
    return ring_take(s->ring, out);
}

bool thaw_session_wait(thaw_session *s, double timeout, thaw_event *out) {
    return ring_wait(s->ring, timeout, out);
}

thaw_status thaw_session_train(thaw_session *s, const thaw_recipe *recipe) {
    THAW_TRY(thaw_recipe_check(recipe));
    command *c = command_new(COMMAND_TRAIN);
    thaw_recipe_copy(recipe, &c->recipe);
    mailbox_post(s->mailbox, c);
    return thaw_ok();
}

thaw_status thaw_session_resume(thaw_session *s, const char *name) {
    if (!name || !*name) return thaw_error(THAW_ERR_USAGE, "which run is to go on? `thaw runs` lists them");
    command *c = command_new(COMMAND_RESUME);
    c->run = xstrdup(name);
    mailbox_post(s->mailbox, c);
    return thaw_ok();
}

void thaw_session_order(thaw_session *s, const thaw_order *order) {
    if (order->kind == THAW_ORDER_PROFILE) atomic_store(&s->profiling, order->on);
    command *c = command_from_order(order);
    if (c) mailbox_post(s->mailbox, c);
}

void thaw_session_pause(thaw_session *s) {
    post(s, COMMAND_PAUSE);
}

void thaw_session_continue(thaw_session *s) {
    post(s, COMMAND_CONTINUE);
}

void thaw_session_step(thaw_session *s) {
    post(s, COMMAND_STEP);
}

void thaw_session_set_mask(thaw_session *s, const char *const *frozen, size_t frozen_count,
                           const char *const *moving, size_t moving_count) {
    thaw_session_order(s, &(thaw_order){.kind = THAW_ORDER_MASK,
                                        .frozen = frozen,
                                        .frozen_count = frozen_count,
                                        .moving = moving,
                                        .moving_count = moving_count});
}

void thaw_session_set_lr(thaw_session *s, double lr) {
    thaw_session_order(s, &(thaw_order){.kind = THAW_ORDER_LR, .lr = lr});
}

void thaw_session_checkpoint(thaw_session *s) {
    post(s, COMMAND_CHECKPOINT);
}

void thaw_session_stop(thaw_session *s, bool save) {
    thaw_session_order(s, &(thaw_order){.kind = THAW_ORDER_STOP, .save = save});
}

void thaw_session_profile(thaw_session *s, bool on) {
    thaw_session_order(s, &(thaw_order){.kind = THAW_ORDER_PROFILE, .on = on});
}

thaw_state thaw_session_state(const thaw_session *s) {
    return (thaw_state)atomic_load(&s->state);
}
