/*
 * control.h - steering a run: what can be ordered, and ordering it from another process.
 *
 * Whoever trains a run listens on the socket `control.sock` in its folder (docs/control.md). The socket
 * carries orders only; what became of the run is in its events (thaw/run.h), so any number of viewers see the
 * same. Only processes of the same user are heard.
 */
#ifndef THAW_CONTROL_H
#define THAW_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thaw/status.h"

typedef enum thaw_order_kind {
    THAW_ORDER_HELLO, /* nothing: is somebody there? */
    THAW_ORDER_PAUSE,
    THAW_ORDER_CONTINUE,
    THAW_ORDER_STEP, /* one step while paused */
    THAW_ORDER_CHECKPOINT,
    THAW_ORDER_STOP,    /* save */
    THAW_ORDER_LR,      /* lr */
    THAW_ORDER_MASK,    /* frozen, moving: all of the mask */
    THAW_ORDER_PROFILE, /* on */
    THAW_ORDER_COUNT
} thaw_order_kind;

/* What a run is to do; which members count follows from the kind. Names are borrowed. */
typedef struct thaw_order {
    thaw_order_kind kind;
    double lr;                                 /* the base rate; the schedule goes on from it */
    bool save;                                 /* a checkpoint first */
    bool on;                                   /* measure stages */
    const char *const *frozen, *const *moving; /* layer names or globs, as in a recipe */
    size_t frozen_count, moving_count;
} thaw_order;

const char *thaw_order_name(thaw_order_kind kind); /* "pause": the word in the protocol; static */

/* What became of an order. */
typedef struct thaw_answer {
    int64_t id; /* that thaw_control_send gave to the order */
    bool done;
    char *problem; /* why it was not done; owned by whoever took the answer (free); NULL when done */
} thaw_answer;

typedef struct thaw_control thaw_control; /* a connection; one thread uses it */

/* Connect to whoever trains the run in RUN_FOLDER. Never waits. Fails with THAW_ERR_NOT_FOUND when nobody
 * does. */
thaw_status thaw_control_open(const char *run_folder, thaw_control **out);
void thaw_control_close(thaw_control *c); /* NULL is fine */

/* Send an order; *ID (may be NULL) is its number. Never waits: the run acts on it between two of its steps,
   and the answer comes then. A connection that was lost is made anew. */
thaw_status thaw_control_send(thaw_control *c, const thaw_order *order, int64_t *id);

int thaw_control_fd(
    const thaw_control *c); /* readable when an answer may wait; -1 while there is no connection */
/* Take the next answer; false when there is none now. Never waits. */
bool thaw_control_next(thaw_control *c, thaw_answer *out);
/* Has the other side gone? */
bool thaw_control_lost(const thaw_control *c);

#endif
