/*
 * front.h - two processes for one workbench: the one the shell started and waits for, and the one that works.
 *
 * A shell gets its prompt back when the process it waits for ends, and libtorch's threads do not survive a
 * fork. So the fork comes first of all, while the program is one thread and small: its front only passes
 * signals on, stops and goes on with the worker, and ends as the worker ends; or before it, when a run is to
 * go on without the terminal. If the worker is killed, the front is still there to give the terminal back.
 */
#ifndef TUI_FRONT_H
#define TUI_FRONT_H

#include <signal.h>
#include <stdbool.h>

enum { FRONT_DIED = SIGUSR2 }; /* the signal that the worker gets when somebody killed the front */

/* Split. False: this is the worker (or there could be no front): do the work. True: this is the front, the
 * work is over or has been let go, and *CODE is what to exit with; the worker's death of a signal is died
 * after it. */
bool front_split(int *code);

/* ---- in the worker ---- */

bool front_there(void);  /* is somebody waiting for us? */
void front_awaken(void); /* we were stopped and go on: so does the front */
/* Leave the terminal's session, and let the front end with CODE. From now on nobody waits for us. */
void front_let_go(int code);

#endif
