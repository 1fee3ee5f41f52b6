/*
 * follow.h - a run headless: hand it to a session, show its events, heed Ctrl-C.
 */
#ifndef TUI_COMMANDS_FOLLOW_H
#define TUI_COMMANDS_FOLLOW_H

#include "thaw/session.h"
#include "tui/run_view.h"

typedef enum follow_style {
    FOLLOW_TEXT, /* a table of epochs, a progress line on a terminal */
    FOLLOW_JSON, /* each event as a line */
    FOLLOW_BRIEF /* the progress line only */
} follow_style;

/*
 * Show what S does until its run has ended. VIEW was initialised by the caller and gathers the run. The exit
 * code: 0 done, 1 failed (said on standard error), 130 interrupted. The first interrupt stops and saves, the
 * second stops at once.
 */
int follow_run(thaw_session *s, follow_style style, run_view *view);

#endif
