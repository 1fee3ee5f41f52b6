/*
 * recipe_beside.h - what the Recipe tab shows beside its form on demand: what the recipe and another one
 * differ in, or the command that trains it.
 */
#ifndef TUI_SCREENS_RECIPE_BESIDE_H
#define TUI_SCREENS_RECIPE_BESIDE_H

#include "tui/app.h"
#include "tui/screens/facts.h"

typedef struct recipe_beside {
    bool diff, command;
    char *name; /* of the other recipe: a run's id, or a file */
    thaw_recipe other;
} recipe_beside;

void recipe_beside_clear(recipe_beside *b);
/* Show the differences to NAME's recipe: a run or a file; NULL: those to the live run, else to the newest. */
thaw_status recipe_beside_diff(recipe_beside *b, app *a, const char *name);
void recipe_beside_command(recipe_beside *b);
void recipe_beside_draw(const recipe_beside *b, app *a, facts *f);

#endif
