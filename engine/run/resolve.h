/*
 * resolve.h - what a recipe leaves to its pretrained weights, written out.
 *
 * A recipe may say "DEFAULT" weights, and leave resize, crop and interpolation to them. Before a run starts
 * all of that is decided once and stored, so that resuming and evaluating never decide it again.
 */
#ifndef ENGINE_RUN_RESOLVE_H
#define ENGINE_RUN_RESOLVE_H

#include "engine/data/transform.h"
#include "engine/models/registry.h"
#include "engine/nn/freeze.h"
#include "engine/torch/tensor.h"
#include "thaw/catalog.h"
#include "thaw/recipe.h"

typedef struct recipe_plan {
    const arch *arch;
    const thaw_weights_info
        *info;           /* the catalog's row of the weights; NULL: a file, or random. The catalog's */
    char *weights_file;  /* what to load; NULL: random initialisation */
    transform transform; /* with the recipe's augmentation; evaluation ignores that */
} recipe_plan;

/*
 * Complete R in place: weights get their catalog name or an absolute path, data.path becomes absolute,
 * data.resize, crop and interpolation those of the weights' own preprocessing (for a file or random weights:
 * of the architecture's default row), unless the recipe says them. Fails when the model is unknown, or the
 * weights are not on this machine (the message says what to type).
 */
thaw_status recipe_resolve(thaw_recipe *r, const thaw_catalog *catalog, recipe_plan *out);
void recipe_plan_clear(recipe_plan *plan);

/* The transform that recipe_resolve would choose. R is not changed; weights that are not on this machine
 * count as what the catalog says about them. */
thaw_status recipe_transform(const thaw_recipe *r, const thaw_catalog *catalog, transform *out);

/*
 * The model of a resolved recipe: pretrained weights in it (seeded random ones where the plan has no file),
 * the recipe's head for CLASSES on top, the recipe's mask applied but not committed. On D, in channels_last
 * when asked.
 */
thaw_status recipe_open_model(const thaw_recipe *r, const recipe_plan *plan, int classes, torch *t, device d,
                              bool channels_last, model **out);

/* The mask that R asks for: freeze, moving and norm together. Owned by the caller. */
freeze_mask recipe_mask(const thaw_recipe *r);

#endif
