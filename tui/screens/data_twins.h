/*
 * data_twins.h - looking for pictures that are there more than once, in a job.
 */
#ifndef TUI_SCREENS_DATA_TWINS_H
#define TUI_SCREENS_DATA_TWINS_H

#include "thaw/dataset.h"
#include "tui/app.h"

typedef struct twin_search twin_search;

/* Zero-initialise. */
typedef struct data_twins {
    thaw_dataset *set;   /* that is searched, or was; owned with others */
    twin_search *search; /* NULL: none is under way */
    bool known;          /* FOUND is what there is in it */
    bool pixels;         /* and pixels were compared */
    thaw_duplicates found;
} data_twins;

/* Search SET, in files or (PIXELS) in what they show. What is known of another is forgotten. */
void data_twins_start(app *a, data_twins *t, thaw_dataset *set, bool pixels);
void data_twins_stop(data_twins *t); /* the search; what is known stays */
void data_twins_clear(data_twins *t);

#endif
