/*
 * model_rows.h - which weights of the catalog the Models tab lists, and in what order.
 */
#ifndef TUI_SCREENS_MODEL_ROWS_H
#define TUI_SCREENS_MODEL_ROWS_H

#include <stdbool.h>

#include "thaw/catalog.h"
#include "tui/model_query.h"

/* Where a file is on this machine, the place it is taken from first. */
typedef struct model_files {
    char **path;
    size_t count;
} model_files;

typedef struct model_rows {
    const thaw_catalog *catalog; /* borrowed; NULL: none, and no rows */
    int catalog_count;
    model_files *files; /* of each catalog row */
    model_facts *facts; /* of each catalog row */
    int *row;           /* catalog indices of what is listed, in order */
    int count;
    /* What is asked for; model_rows_arrange after a change. */
    char *filter;        /* terms of model_query.h; NULL or "": everything */
    model_filter *terms; /* those of them that make sense */
    char *problem;       /* the first that does not, or NULL */
    model_key order;
    bool reverse;
} model_rows;

void model_rows_init(model_rows *m, const thaw_catalog *catalog);
void model_rows_clear(model_rows *m);
void model_rows_locate(model_rows *m);  /* look again which files are here */
void model_rows_arrange(model_rows *m); /* choose and order the rows again */
void model_rows_filter(model_rows *m, const char *text);
bool model_rows_filtered(const model_rows *m);
bool model_rows_lists(const model_rows *m, int index); /* is catalog row INDEX among the rows? */
/* The key after the present order among those the tab has columns for (STEP 1), or the one before (-1). */
model_key model_rows_next_order(const model_rows *m, int step);
/* Are there several weights of the same architecture? Then its name alone does not say which. */
bool model_rows_ambiguous(const model_rows *m, int index);

#endif
