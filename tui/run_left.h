/*
 * run_left.h - how long a run has still to go.
 *
 * Steps do not all take the same: those whose images' frozen layers were computed before are quicker, by a
 * hundred times where only a head is trained. So the two kinds are timed apart, and how many of the steps to
 * come are still of the slow kind follows from what is not kept yet.
 */
#ifndef TUI_RUN_LEFT_H
#define TUI_RUN_LEFT_H

#include "tui/run_view.h"

void run_left_begin(run_view *v);                    /* after a run began, or its mask changed */
void run_left_step(run_view *v, const thaw_step *s); /* of each step */
/* Of each cache event, when V has taken it; OTHER: it is about another layer than the one before. */
void run_left_cache(run_view *v, bool other);
void run_left_evaluated(run_view *v, double seconds); /* an evaluation took so long */
double run_left_steps(const run_view *v,
                      double *out_of); /* steps to come that compute every layer, out of all */

#endif
