/*
 * models.h - what the Models tab is made of, for the two files that it is in: models.c shows it,
 * models_actions.c is what its keys do.
 */
#ifndef TUI_SCREENS_MODELS_H
#define TUI_SCREENS_MODELS_H

#include "tui/app.h"
#include "tui/screens/model_details.h"
#include "tui/screens/model_estimates.h"
#include "tui/screens/model_rows.h"
#include "tui/widgets/list.h"

typedef struct models {
    model_rows rows;
    list list;
    model_details details;
    model_estimates estimates;
    bool shown;          /* once: until then nothing has been opened */
    bool chart_switched; /* the chart is where it is not by default: see chart_rows */
} models;

int models_current(const models *m);         /* the catalog row under the cursor, or -1 */
void models_rearranged(models *m, int kept); /* the rows have changed: KEPT is what the cursor was on */
void models_order_by(app *a, models *m, model_key key, bool reverse);

enum { MODELS_ACTIONS = 11 };
extern const action models_actions[];

#endif
