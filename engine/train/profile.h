/*
 * profile.h - where a run's time goes: a stopwatch that is in exactly one phase at any moment.
 *
 * Entering a phase gives the time since the last change to the phase that was in force. So the phases add up
 * to the time that went by, whatever is measured and whatever was forgotten (which is THAW_PHASE_OTHER), and
 * a change costs one reading of the clock: this much is always on.
 *
 * In detail, for who asks: forward and backward of each stage of the model, and, where the device works
 * behind our back (CUDA), every reading waits for it, so that a phase is what was computed in it and not what
 * was asked for. That costs speed, hence not always.
 *
 * The engine thread's. The gradient hooks may be called by a thread of autograd's, while the engine's waits
 * for it.
 */
#ifndef ENGINE_TRAIN_PROFILE_H
#define ENGINE_TRAIN_PROFILE_H

#include "engine/nn/model.h"
#include "thaw/event.h"

typedef struct profile {
    pass_watch watch; /* first: what a pass is given finds the rest by it */
    bool detailed;
    bool evaluating; /* what a step consists of counts as evaluation */
    /* Wait until the device has done what it was told: NULL where it always has. */
    void (*wait)(struct profile *p);
    const model *model; /* NULL before there is one; then only phases are measured */

    thaw_phase phase; /* in force, since MARK on the clock */
    double mark;
    double seconds[THAW_PHASE_COUNT];
    int steps;
    int64_t images;
    double write; /* seconds beside all of these: of checkpoints that a thread of its own wrote */
    int epoch;    /* that all of it belongs to */
    double begun; /* on the clock */

    int stage; /* running since STAGE_MARK, -1: none */
    double stage_mark;
    bool backward; /* through it */
    int last_stage;
    thaw_stage_time *stage_time; /* one a stage of the model, path NULL; NULL: nothing in detail so far */
} profile;

/* In THAW_PHASE_PREPARE since BEGUN, a reading of clock_seconds(). */
void profile_init(profile *p, double begun);
void profile_clear(profile *p);
void profile_watch_model(profile *p, const model *m); /* borrowed */
void profile_set_detailed(profile *p, bool on);       /* from now on; stages begin at zero */

/* From now on PHASE; returns the one before, to be entered again afterwards. P NULL: nothing happens. */
thaw_phase profile_enter(profile *p, thaw_phase phase);
/* The backward pass begins: THAW_PHASE_BACKWARD, in detail from the last stage that ran. */
void profile_enter_backward(profile *p);
/* What follows is an evaluation, or no longer: only pauses and checkpoints are told apart from it. */
void profile_evaluate(profile *p, bool on);

/* There is something that no event has told yet. */
bool profile_has_news(const profile *p);
/* Make E the event of everything since the last one, and begin at zero. What loaders did is the caller's to
 * add. */
void profile_event(profile *p, thaw_event *e);

#endif
