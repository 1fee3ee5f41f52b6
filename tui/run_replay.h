/*
 * run_replay.h - a run_view from what a run folder has on disk.
 */
#ifndef TUI_RUN_REPLAY_H
#define TUI_RUN_REPLAY_H

#include "thaw/run.h"
#include "tui/run_view.h"

/*
 * Read all events that FOLDER has so far into VIEW (initialised by the caller). KEEP_GOING (may be NULL) is
 * polled; false cancels with THAW_ERR_CANCELLED. With READER not NULL it is left open there, so that a run
 * which another process is training can be followed: take thaw_run_reader_next until it says no, again and
 * again.
 */
thaw_status run_replay(const char *folder, run_view *view, bool (*keep_going)(void *user), void *user,
                       thaw_run_reader **reader);

/* Take in what has come since; how many events. */
size_t run_replay_more(thaw_run_reader *reader, run_view *view);

#endif
