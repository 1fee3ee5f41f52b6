/*
 * run_mistakes.c - see run_mistakes.h.
 */
#include "tui/run_mistakes.h"

#include <stdlib.h>

void run_mistakes_clear(run_mistakes *m) {
    free(m->folder);
    thaw_mistakes_free(m->item, m->count);
    *m = (run_mistakes){0};
}

void run_mistakes_take(run_mistakes *m, const thaw_event *e) {
    thaw_event copy;
    thaw_event_copy(e, &copy);
    run_mistakes_clear(m);
    *m = (run_mistakes){copy.mistakes.epoch, copy.mistakes.folder, copy.mistakes.item, copy.mistakes.count};
}
