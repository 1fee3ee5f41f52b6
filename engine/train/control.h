/*
 * control.h - orders from other processes (docs/control.md): the trainer's side of the socket in a run's
 * folder.
 *
 * One thread listens, reads orders into the session's mailbox, and passes on what became of them. The run is
 * never made to wait for it, whatever comes: lines are bounded, a connection has only so many orders under
 * way, one that does not read its answers is dropped, and when there are too many connections the one that
 * was silent for longest makes room.
 */
#ifndef ENGINE_TRAIN_CONTROL_H
#define ENGINE_TRAIN_CONTROL_H

#include "engine/train/mailbox.h"

typedef struct control control;

/* M is borrowed. Until control_free, commands may be in it that this wants to hear about. */
control *control_new(mailbox *m);
void control_free(control *c);

/* Listen in FOLDER, whose lock is held; the engine's thread. */
thaw_status control_open(control *c, const char *folder);
/* Hang up and remove the socket; waits for no client. Without an open one it does nothing. */
void control_close(control *c);

#endif
