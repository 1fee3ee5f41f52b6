/*
 * session.h - the engine thread: commands in, events out.
 *
 * One session is one thread that owns libtorch and all tensors. It loads the library while the caller goes
 * on, then serves one run at a time. Commands go through a mailbox and never block; what became of them comes
 * back as events. Events wait in a ring until thaw_session_next takes them; a byte in the wake descriptor
 * says that there are some. While a run is on, other processes may steer it as well (control.h).
 */
#ifndef THAW_SESSION_H
#define THAW_SESSION_H

#include "thaw/control.h"
#include "thaw/event.h"
#include "thaw/recipe.h"
#include "thaw/status.h"

typedef struct thaw_session thaw_session;

typedef struct thaw_session_params {
    const char *runs;    /* folder for runs; NULL: $XDG_DATA_HOME/thaw/runs */
    int threads;         /* for libtorch; 0: all cores */
    const char *device;  /* "auto", ...: what engine events report before a run */
    bool capture_output; /* turn libtorch's writes to fd 1 and 2 into log events (the workbench: it owns the
                            screen) */
} thaw_session_params;
thaw_session_params thaw_session_default_params(void);

thaw_status thaw_session_new(const thaw_session_params *params, thaw_session **out); /* returns at once */
/* Stops a run without saving more than its last checkpoint, joins the thread. NULL is fine. */
void thaw_session_free(thaw_session *s);

int thaw_session_fd(const thaw_session *s); /* readable when events wait; poll it, do not read it */
/* Take the next event; false when there is none now. The caller clears it. Never blocks. */
bool thaw_session_next(thaw_session *s, thaw_event *out);
/* The same, waiting up to TIMEOUT seconds (negative: for ever). */
bool thaw_session_wait(thaw_session *s, double timeout, thaw_event *out);

/* ---- commands: copied, acted on between two steps ---- */

thaw_status thaw_session_train(thaw_session *s,
                               const thaw_recipe *recipe);          /* fails when the recipe does not check */
thaw_status thaw_session_resume(thaw_session *s, const char *name); /* id or folder */
void thaw_session_order(thaw_session *s,
                        const thaw_order *order); /* what may come from elsewhere, see control.h */
void thaw_session_pause(thaw_session *s);
void thaw_session_continue(thaw_session *s);
void thaw_session_step(thaw_session *s); /* one step while paused */
void thaw_session_set_mask(thaw_session *s, const char *const *frozen, size_t frozen_count,
                           const char *const *moving, size_t moving_count);
void thaw_session_set_lr(thaw_session *s, double lr); /* the base rate; the schedule goes on from it */
void thaw_session_checkpoint(thaw_session *s);
void thaw_session_stop(thaw_session *s, bool save);
/* Measure where the time goes in detail, by stages of the model, in this run and those to come: see the event
   "profile". It costs little on the CPU, and on other devices what waiting for them costs. */
void thaw_session_profile(thaw_session *s, bool on);
thaw_state thaw_session_state(const thaw_session *s);

#endif
