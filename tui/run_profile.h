/*
 * run_profile.h - what a run's time went into, summed over its profile events.
 *
 * The table of `thaw train --profile`, the pane of the Train tab and whoever replays a run look at this. All
 * its phases together are the time that went by: see thaw_phase.
 */
#ifndef TUI_RUN_PROFILE_H
#define TUI_RUN_PROFILE_H

#include "thaw/event.h"

enum { RUN_PROFILE_STAGES_MAX = 4096 };

typedef struct run_profile {
    int events; /* 0: nothing was measured */
    int epoch;  /* of the newest event */
    double seconds;
    double phase[THAW_PHASE_COUNT]; /* seconds */
    double decode, transform;       /* seconds of all loader workers together */
    int workers;
    double write; /* seconds, a thread of its own writing checkpoints */
    int64_t steps, images;
    bool exact;
    thaw_stage_time *stage; /* in the model's order; none: not measured */
    size_t stage_count, stage_capacity;
} run_profile;

void run_profile_add(run_profile *p, const thaw_event *e); /* a profile event, which stays the caller's */
void run_profile_clear(run_profile *p);                    /* to what it was before any event */

const char *run_profile_label(thaw_phase phase);                /* for people: "frozen forward" */
double run_profile_share(const run_profile *p, double seconds); /* of all of it, 0..1 */
/* Stages' forward and backward together; 0 without any. */
double run_profile_stages(const run_profile *p);

#endif
