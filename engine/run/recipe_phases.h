/*
 * recipe_phases.h - the field "phases" between a thaw_recipe and JSON: a list of objects, which no other
 * field is.
 */
#ifndef ENGINE_RUN_RECIPE_PHASES_H
#define ENGINE_RUN_RECIPE_PHASES_H

#include "engine/base/json.h"
#include "thaw/recipe.h"

/* Types, ranges and order; the error names the phase and its key. */
thaw_status recipe_phases_check(const cJSON *item) THAW_MUST_CHECK;
/* ITEM checks; the array is the caller's: recipe_phases_free. */
thaw_recipe_phase *recipe_phases_store(const cJSON *item, size_t *count);
cJSON *recipe_phases_load(const thaw_recipe_phase *phase, size_t count);
void recipe_phases_free(thaw_recipe_phase *phase, size_t count);

#endif
