/*
 * phase_text.h - a phase of a recipe in words.
 */
#ifndef TUI_SCREENS_PHASE_TEXT_H
#define TUI_SCREENS_PHASE_TEXT_H

#include "engine/base/str.h"
#include "thaw/recipe.h"
#include "tui/screens/facts.h"

/* "after 5 epochs nothing is frozen, lr 0.001"; escaped. */
void phase_text(const thaw_recipe_phase *phase, str *out);
/* All of a recipe, one below the other, as facts "then". */
void phase_facts(facts *f, const thaw_recipe *r);

#endif
