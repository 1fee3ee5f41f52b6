/*
 * run_replay.c - see run_replay.h. The same events through the same code as a run watched live.
 */
#include "tui/run_replay.h"

enum { POLL_EVERY = 1024 }; /* events between two looks at whether to go on */

/* Take in the next event, or the next steps; how many, 0 at the end. */
static size_t take(thaw_run_reader *reader, run_view *view) {
    const thaw_step_row *step;
    size_t count = thaw_run_reader_steps(reader, &step);
    thaw_event e;
    if (count) {
        run_view_apply_steps(view, step, count);
    } else if (thaw_run_reader_next(reader, &e)) {
        run_view_apply(view, &e);
        thaw_event_clear(&e);
        count = 1;
    }
    return count;
}

size_t run_replay_more(thaw_run_reader *reader, run_view *view) {
    size_t all = 0, count;
    while ((count = take(reader, view)) > 0)
        all += count;
    return all;
}

static void add(void *view, const thaw_event *e) {
    run_view_apply(view, e);
}

bool run_replay_sketch(const thaw_run_reader *reader, run_view *view) {
    return thaw_run_reader_sample(reader, add, view);
}

thaw_status run_replay_from(thaw_run_reader *reader, run_view *view, bool (*keep_going)(void *user),
                            void *user) {
    size_t since = 0, count;
    while ((count = take(reader, view)) > 0) {
        since += count;
        if (since < POLL_EVERY) continue;
        since = 0;
        if (keep_going && !keep_going(user)) return thaw_error(THAW_ERR_CANCELLED, "stopped reading a run");
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
