/*
 * model_details.h - what the Models tab says of the weights under the cursor.
 */
#ifndef TUI_SCREENS_MODEL_DETAILS_H
#define TUI_SCREENS_MODEL_DETAILS_H

#include "thaw/layers.h"
#include "tui/canvas.h"
#include "tui/screens/facts.h"
#include "tui/screens/model_estimates.h"
#include "tui/screens/model_rows.h"

typedef struct model_details {
    facts_scroll scroll;
    thaw_layers *layers; /* of the model that was last drawn, for its groups */
    int layers_of;       /* its catalog row; -1: none tried */
} model_details;

void model_details_init(model_details *d);
void model_details_clear(model_details *d);
/* Catalog row INDEX of ROWS into R, the inside of a frame. */
void model_details_draw(model_details *d, canvas *c, rect r, const model_rows *rows,
                        const model_estimates *estimates, int index);

#endif
