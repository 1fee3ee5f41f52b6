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

static void add(void *view, const thaw_event *e) {
    run_view_apply(view, e);
}

bool run_replay_sketch(const thaw_run_reader *reader, run_view *view) {
    return thaw_run_reader_sample(reader, add, view);
}

thaw_status run_replay_from(thaw_run_reader *reader, run_view *view, bool (*keep_going)(void *user),
                            void *user) {
    thaw_event e;
    size_t count = 0;
    while (thaw_run_reader_next(reader, &e)) {
        run_view_apply(view, &e);
        thaw_event_clear(&e);
        if (++count % POLL_EVERY || !keep_going || keep_going(user)) continue;
        return thaw_error(THAW_ERR_CANCELLED, "stopped reading a run");
    }
    return thaw_ok();
}

thaw_status run_replay(const char *folder, run_view *view, bool (*keep_going)(void *user), void *user,
                       thaw_run_reader **reader) {
    thaw_run_reader *r;
    if (reader) *reader = NULL;
    THAW_TRY(thaw_run_reader_open(folder, &r));
    thaw_status status = run_replay_from(r, view, keep_going, user);
    if (reader && !thaw_failed(&status))
        *reader = r;
    else
        thaw_run_reader_close(r);
    return status;
}
