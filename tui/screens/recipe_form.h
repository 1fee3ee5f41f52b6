/*
 * recipe_form.h - the recipe's fields as a form: which sections they fall into, what they are called, and
 * when they matter.
 *
 * What values a field takes is the recipe's own knowledge (thaw_recipe_field); a field that has no row here
 * is still shown, under its key, so that none can be forgotten.
 */
#ifndef TUI_SCREENS_RECIPE_FORM_H
#define TUI_SCREENS_RECIPE_FORM_H

#include "thaw/recipe.h"
#include "tui/widgets/form.h"

typedef struct recipe_form {
    form_field *field;
    int count;
    const char ***choice; /* of each field: choices with "none" where null is allowed; NULL: none */
} recipe_form;

void recipe_form_init(recipe_form *f);
void recipe_form_clear(recipe_form *f);
/* Does the field matter with the other values of R? (adam's betas do not when the optimizer is sgd.) */
bool recipe_form_matters(const thaw_recipe *r, const char *key);

#endif
