/*
 * data_state.h - the state of the Data tab, for its own files.
 *
 *     data.c           opening folders, the page beside the classes, keys and actions
 *     data_classes.c   the list of classes
 *     data_summary.c   the page in figures
 *     data_pictures.c  the pages of pictures
 *     data_troubles.c  the page of what is wrong
 */
#ifndef TUI_SCREENS_DATA_STATE_H
#define TUI_SCREENS_DATA_STATE_H

#include "tui/screens/data_open.h"
#include "tui/screens/data_pictures.h"
#include "tui/screens/data_troubles.h"
#include "tui/screens/data_twins.h"
#include "tui/screens/facts.h"
#include "tui/widgets/list.h"

/* What the pane beside the classes shows. */
typedef enum data_page {
    PAGE_SUMMARY,
    PAGE_SAMPLES,
    PAGE_VIEWS,
    PAGE_MISTAKES,
    PAGE_TROUBLES,
    PAGE_COUNT
} data_page;

typedef struct data {
    app *app;
    list list;
    data_open *opening; /* NULL: nothing is being opened */
    char *opened_path;  /* what the app's dataset was opened from */
    char *failed_path;  /* what could not be opened, not to be tried again by itself; NULL: nothing */
    char *problem;      /* why */
    data_sizes sizes;
    data_page page;
    facts_scroll details;
    data_pictures pictures;
    data_troubles troubles;
    data_twins twins;
    size_t most_train, most_val; /* images of the largest class */
} data;

/* data_classes.c */
void data_classes_count(data *d, const thaw_dataset *set); /* SET may be NULL */
void data_classes_draw(app *a, data *d, canvas *c, const layout *l);
bool data_classes_have_bars(const data *d, const layout *l); /* as last drawn */

#endif
