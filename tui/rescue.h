/*
 * rescue.h - the terminal is given back whatever happens.
 *
 * A crash, an abort or exhausted memory restores the terminal with async-signal-safe calls only, says where
 * it happened, and dies of the same signal. A polite signal (INT, TERM, HUP) is noted and wakes the event
 * loop; a third one in a row stops waiting. Signal handlers have no argument, so this file owns the program's
 * only mutable state.
 */
#ifndef TUI_RESCUE_H
#define TUI_RESCUE_H

#include <stdbool.h>

/* Remember the modes of the terminal FD, which the caller keeps open until rescue_disarm. */
void rescue_save(int fd);
/* From now on: RESTORE (copied) is what to write to it before its modes are put back. */
void rescue_arm(const char *restore);
void rescue_disarm(void);
/* Load what a backtrace needs, so that a crash need not. Slow (a millisecond): after the first frame. */
void rescue_prepare(void);

int rescue_wake_fd(void);            /* readable after a signal or another size; rescue_take empties it */
int rescue_take(void);               /* the last polite signal since the call before, 0: none */
void rescue_terminal_lost(void);     /* nothing may be written to the terminal any more */
void rescue_away(bool away);         /* the shell has it for a while: nothing is to be given back */
void rescue_run(const char *folder); /* what is on now, for the report; NULL: nothing */
void rescue_report_to(
    const char *path); /* where the report goes when there is no terminal: a file, appended to */

/* Before a fork: whoever survives gives the terminal back. */
void rescue_share(void);
void rescue_after_worker(void); /* in the front, after the worker's death */

#endif
