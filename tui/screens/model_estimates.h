/*
 * model_estimates.h - what each model of the Models tab would take to train by the recipe, worked out beside
 * the UI thread: building the trees of 80 architectures takes longer than a frame may.
 */
#ifndef TUI_SCREENS_MODEL_ESTIMATES_H
#define TUI_SCREENS_MODEL_ESTIMATES_H

#include "thaw/memory.h"
#include "tui/app.h"
#include "tui/screens/model_rows.h"

typedef struct model_estimate {
    bool known;         /* it can be built at the recipe's image size */
    thaw_memory memory; /* with the recipe's mask */
    int64_t whole;      /* total when every layer is trained */
} model_estimate;

typedef struct model_estimates {
    model_estimate *of; /* of each catalog row; NULL: not yet */
    int64_t available;  /* memory when last looked, -1: not known */
    int64_t caches;     /* of these, what a run keeps at most */
    int batch_size;     /* of the recipe they are by */
    char *key;          /* that recipe, and what else counts */
    struct estimate_load *loading;
    void (*arrived)(void *user); /* new ones are in OF and in the rows' facts */
    void *user;
} model_estimates;

void model_estimates_init(model_estimates *e, void (*arrived)(void *user), void *user);
void model_estimates_clear(model_estimates *e);
/* Look how much memory there is, and begin to work the rest out when the recipe is another than it was. ROWS
 * must live as long as E. */
void model_estimates_refresh(model_estimates *e, app *a, model_rows *rows);

#endif
