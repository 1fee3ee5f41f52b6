/*
 * model_list.h - the columns of the Models tab: what each shows, and an arrow over the one that orders the
 * rows.
 */
#ifndef TUI_SCREENS_MODEL_LIST_H
#define TUI_SCREENS_MODEL_LIST_H

#include "tui/screens/model_rows.h"
#include "tui/widgets/list.h"

/* EMPTY: what to say when there are no rows. */
void model_list_draw(list *l, canvas *c, rect r, const model_rows *rows, bool focus, const char *empty);
/* What the column is ordered by whose heading is at that place of the screen; MODEL_KEY_COUNT: none. */
model_key model_list_heading(const list *l, int row, int col);

#endif
