/*
 * train_outcome.h - what is compared of two runs that may find outputs of frozen layers kept.
 */
#ifndef TESTS_UNIT_TRAIN_OUTCOME_H
#define TESTS_UNIT_TRAIN_OUTCOME_H

#include "tests/unit/train_fixture.h"

typedef struct outcome {
    uint64_t digest; /* of weights, buffers and the optimizer's state */
    double loss, val_loss;
    int64_t found, filled, entries, bytes; /* of the last CACHE event */
    int first_cached, last_cached; /* images of the first and of the last epoch's steps that were kept */
    int warnings;
    char *warning; /* all of them, a line each; owned */
} outcome;

outcome outcome_of(const rig *r);
/* Of the run of fixture_recipe(ASSIGNMENTS); once it is closed, what waited for the disk is written. */
outcome outcome_with(void (*on_event)(rig *r, const thaw_event *e), const char *const *assignments);
#define OUTCOME(on_event, ...) outcome_with(on_event, (const char *const[]){__VA_ARGS__, NULL})

/* The same weights and losses, to the bit. */
void expect_same(const outcome *a, const outcome *b);

#endif
