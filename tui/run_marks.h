/*
 * run_marks.h - what happened to a run besides steps, as marks on its curves. For run_view.c only.
 */
#ifndef TUI_RUN_MARKS_H
#define TUI_RUN_MARKS_H

#include "tui/run_view.h"

/* TEXT becomes the mark's. When there are too many, the oldest checkpoint goes. */
void run_marks_add(run_view *v, run_mark_kind kind, int64_t steps, char *text);
/* The same where only the newest of a kind is of interest: what is best now. */
void run_marks_replace(run_view *v, run_mark_kind kind, int64_t steps, char *text);
void run_marks_cut(run_view *v, int64_t steps); /* forget what came after STEPS */
/* What E changes in the mask: "layer2 frozen, layer1 thawed"; owned by the caller. */
char *run_marks_describe(const run_view *v, const thaw_event *e);

#endif
