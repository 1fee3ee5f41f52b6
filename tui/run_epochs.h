/*
 * run_epochs.h - the epochs of a run: what each scored, and which was the best. For run_view.c only.
 */
#ifndef TUI_RUN_EPOCHS_H
#define TUI_RUN_EPOCHS_H

#include "tui/run_view.h"

/* Take in an epoch that was validated, in the place of what was known of it and of those after it. */
void run_epochs_take(run_view *v, const thaw_event *e);
/* Forget those that ended after so many steps, and which was the best if it was one of them. */
void run_epochs_cut(run_view *v, int64_t steps);

#endif
