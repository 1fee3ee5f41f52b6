/*
 * data_pictures.h - the pages of the Data tab that show pictures: images of a class, what training sees of
 * one of them, and what a run took for something else.
 */
#ifndef TUI_SCREENS_DATA_PICTURES_H
#define TUI_SCREENS_DATA_PICTURES_H

#include "tui/picture_store.h"
#include "tui/widgets/grid.h"

typedef struct data_pictures {
    picture_store *store;
    grid samples, views, mistakes;
    int zoom;        /* how large tiles are: steps from the usual size, negative: smaller */
    int label;       /* the class whose samples show */
    thaw_twin image; /* that views are of */
} data_pictures;

void data_pictures_init(data_pictures *p, app *a);
void data_pictures_clear(data_pictures *p);

/* Tiles a step larger (1) or smaller (-1). False: there is no such size. */
bool data_pictures_zoom(data_pictures *p, int step);

/* Samples of class LABEL, training images first. */
void data_samples_draw(app *a, data_pictures *p, canvas *c, rect r, const thaw_dataset *set, int label,
                       bool focus);
/* The sample at the cursor becomes that of the views. False: there is none. */
bool data_samples_choose(data_pictures *p, const thaw_dataset *set);
char *data_samples_note(const data_pictures *p); /* "3 of 120"; owned by the caller */

/* The file, what validation sees of it and, for a training image, what each epoch does. */
void data_views_draw(app *a, data_pictures *p, canvas *c, rect r, const thaw_dataset *set, bool focus);
char *data_views_note(const app *a, const data_pictures *p);

void data_mistakes_draw(app *a, data_pictures *p, canvas *c, rect r, bool focus);
char *data_mistakes_note(const app *a);

#endif
