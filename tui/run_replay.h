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

/* The same from a reader that is open, which stays so. */
thaw_status run_replay_from(thaw_run_reader *reader, run_view *view, bool (*keep_going)(void *user),
                            void *user);

/* A first sketch of a long run into VIEW (initialised by the caller), in milliseconds: its curves from a part
 * of its steps. False, and VIEW stays as it is, for a run that is read as soon. The reader stays where it is.
 */
bool run_replay_sketch(const thaw_run_reader *reader, run_view *view);

/* Take in what has come since; how many events. */
size_t run_replay_more(thaw_run_reader *reader, run_view *view);

#endif
