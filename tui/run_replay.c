/*
 * run_replay.c - see run_replay.h. The same events through the same code as a run watched live.
 */
#include "tui/run_replay.h"

enum { POLL_EVERY = 1024 }; /* events between two looks at whether to go on */

size_t run_replay_more(thaw_run_reader *reader, run_view *view) {
    thaw_event e;
    size_t count = 0;
    while (thaw_run_reader_next(reader, &e)) {
        run_view_apply(view, &e);
        thaw_event_clear(&e);
        count++;
    }
    return count;
}

thaw_status run_replay(const char *folder, run_view *view, bool (*keep_going)(void *user), void *user,
                       thaw_run_reader **reader) {
    thaw_run_reader *r;
    thaw_event e;
    size_t count = 0;
    if (reader) *reader = NULL;
    THAW_TRY(thaw_run_reader_open(folder, &r));
    while (thaw_run_reader_next(r, &e)) {
        run_view_apply(view, &e);
        thaw_event_clear(&e);
        if (++count % POLL_EVERY || !keep_going || keep_going(user)) continue;
        thaw_run_reader_close(r);
        return thaw_error(THAW_ERR_CANCELLED, "stopped reading %s", folder);
    }
    if (reader)
        *reader = r;
    else
        thaw_run_reader_close(r);
    return thaw_ok();
}
