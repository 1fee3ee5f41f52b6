/*
 * model_rows.h - which weights of the catalog the Models tab lists, and in what order.
 */
#ifndef TUI_SCREENS_MODEL_ROWS_H
#define TUI_SCREENS_MODEL_ROWS_H

#include <stdbool.h>

#include "thaw/catalog.h"

typedef struct model_rows {
    const thaw_catalog *catalog; /* borrowed; NULL: none, and no rows */
    int catalog_count;
    char **path; /* of each catalog row: where its file is on this machine, or NULL */
    int *row;    /* catalog indices of what is listed, in order */
    int count;
    /* What is asked for; model_rows_arrange after a change. */
    char *filter; /* a text in a name, family or dataset; NULL or "": everything */
    bool here_only, buildable_only;
    int order; /* 0..model_orders()-1 */
    bool reverse;
} model_rows;

int model_orders(void);
const char *model_order_word(int order); /* "accuracy" */

void model_rows_init(model_rows *m, const thaw_catalog *catalog);
void model_rows_clear(model_rows *m);
void model_rows_locate(model_rows *m);  /* look again which files are here */
void model_rows_arrange(model_rows *m); /* choose and order the rows again */
void model_rows_filter(model_rows *m, const char *text);
/* Are there several weights of the same architecture? Then its name alone does not say which. */
bool model_rows_ambiguous(const model_rows *m, int index);

#endif
