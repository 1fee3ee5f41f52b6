/*
 * data_troubles.h - the page of the Data tab that lists what is wrong: files that are skipped, each with its
 * reason, and pictures that are there more than once.
 */
#ifndef TUI_SCREENS_DATA_TROUBLES_H
#define TUI_SCREENS_DATA_TROUBLES_H

#include "tui/screens/data_twins.h"
#include "tui/widgets/list.h"

/* Zero-initialise, with the list's anchor -1. */
typedef struct data_troubles {
    list list;
    const thaw_dataset *set; /* as last drawn */
    const data_twins *twins;
} data_troubles;

void data_troubles_draw(data_troubles *t, canvas *c, rect r, const thaw_dataset *set, const data_twins *twins,
                        bool focus);
size_t data_troubles_count(const thaw_dataset *set, const data_twins *twins);

#endif
