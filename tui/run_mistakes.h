/*
 * run_mistakes.h - the worst mistakes of a run's newest evaluation.
 */
#ifndef TUI_RUN_MISTAKES_H
#define TUI_RUN_MISTAKES_H

#include "thaw/event.h"

/* Zero-initialise. */
typedef struct run_mistakes {
    int epoch;    /* 0-based */
    char *folder; /* of the dataset; NULL: nothing was evaluated yet */
    thaw_mistake *item;
    size_t count;
} run_mistakes;

void run_mistakes_take(run_mistakes *m, const thaw_event *e);
void run_mistakes_clear(run_mistakes *m);

#endif
