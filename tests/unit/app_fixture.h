/*
 * app_fixture.h - the workbench without a terminal, for tests: open it, press keys, read its screen, and tell
 * it of a run as a session would.
 */
#ifndef TESTS_UNIT_APP_FIXTURE_H
#define TESTS_UNIT_APP_FIXTURE_H

#include "tui/app_state.h"

void app_fixture_home(void); /* whatever is done, it is done in the current folder; call it first */

app *open_app(const char *model);            /* 80×24; MODEL NULL: none is chosen */
char *screen_text(app *a);                   /* drawn anew; owned by the caller */
void assert_shows(app *a, const char *text); /* fails the test with the screen */
void assert_shows_not(app *a, const char *text);
void press(app *a, const char *keys); /* names of keys, separated by spaces: "3 P a Home" */
void type(app *a, const char *text);

/* ---- a run, as its events tell it ---- */

void feed(app *a, thaw_event e); /* and clears it */
/* A run of EPOCHS epochs of 10 steps begins, and trains. */
void feed_begin(app *a, const char *run, int epochs);
void feed_step(app *a, int64_t step, double loss);
void feed_epoch(app *a, int epoch, double top1);
/* What the time since the last one went into: 1.25 s, 0.5 of it backward; layer2.0 and the head are stages.
 */
void feed_profile(app *a, int epoch);
void feed_end(app *a, const char *reason, const char *message);
/* run-1: 30 of 50 steps, the 17th with a loss that is no number. */
void feed_run(app *a);
/* The mask from this step on; FROZEN is names separated by spaces. */
void feed_mask(app *a, int64_t step, const char *frozen, const char *label, int64_t trainable);

#endif
