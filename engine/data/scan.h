/*
 * scan.h - from a folder to the lists of a dataset. Private to engine/data.
 */
#ifndef ENGINE_DATA_SCAN_H
#define ENGINE_DATA_SCAN_H

#include "engine/data/walk.h"
#include "thaw/dataset.h"

/* Where the class folders lie, relative to the root. */
typedef struct layout {
    const char *train; /* "" when classes lie in the root itself; NULL when there is no such side */
    const char *val;   /* NULL: no folder names the validation side */
    char *names[2];    /* owned text that train and val point at */
} layout;

/* Find out which of the layouts of dataset.h ROOT has; the error says what was found instead. */
thaw_status layout_find(const char *root, layout *out);
void layout_clear(layout *l);

/* Fill D (whose root is set) by P. */
thaw_status dataset_scan(thaw_dataset *d, const thaw_dataset_params *p);

#endif
