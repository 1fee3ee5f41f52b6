/*
 * freeze.h - which layers are frozen, exactly.
 *
 *   state               weights        BatchNorm statistics   BatchNorm normalises with
 *   THAW_TRAINABLE      updated        updated                the batch
 *   THAW_STATS_MOVING   bit-identical  updated                the batch
 *   THAW_FROZEN         bit-identical  bit-identical          running statistics; dropout off
 *
 * The state lives on leaves; a container only summarises. A mask is what the recipe, the events and
 * checkpoints store: the paths of everything not trainable, folded so that a container stands for its whole
 * subtree. Only freeze.c writes layer.freeze, and nothing else ("train mode", a resume) may move a frozen
 * layer.
 */
#ifndef ENGINE_NN_FREEZE_H
#define ENGINE_NN_FREEZE_H

#include "engine/nn/model.h"

/* Two lists of layer names or globs. "all" in FROZEN: everything but the head. Owned; freeze_mask_clear. */
typedef struct freeze_mask {
    char **frozen;
    size_t frozen_count;
    char **moving; /* weights frozen, statistics moving */
    size_t moving_count;
} freeze_mask;

void freeze_mask_clear(freeze_mask *mask);
void freeze_mask_add(freeze_mask *mask, const char *pattern, thaw_freeze state);
freeze_mask freeze_mask_copy(const freeze_mask *mask);

/* Set every leaf from MASK (trainable unless named). A pattern that matches nothing fails, naming the nearest
   layer; then the model is as before. A name means the layer and everything under it; globs match whole
   paths. */
thaw_status freeze_apply(model *m, const freeze_mask *mask);

/* The model's present states as the shortest mask. */
freeze_mask freeze_describe(const model *m);

void freeze_layer(layer *l, thaw_freeze state); /* l and everything under it */

/* Give STATE to what PATTERN matches (CHANGE false: only count); how many layers the pattern names. */
size_t freeze_matching(model *m, const char *pattern, thaw_freeze state, bool change);
/* The error for a pattern that matches nothing. */
thaw_status freeze_unknown(const model *m, const char *pattern) THAW_MUST_CHECK;

/* L's state changes what L itself does: it has parameters, or is a dropout. Others' states count for nothing.
 */
bool freeze_counts(const layer *l);
/* The one state of what counts in L's subtree, or THAW_MIXED. COUNTS (may be NULL): whether anything does. */
thaw_freeze freeze_summary(const layer *l, bool *counts);

/* The deepest cut with only THAW_FROZEN layers before it (parameterless layers count as frozen, an unfrozen
   active dropout does not): where a prefix can be cached. */
size_t freeze_prefix(const model *m);
/* The deepest cut with no trainable parameter before it: where recording can start. */
size_t freeze_no_grad_prefix(const model *m);

/* Apply the states to the tensors: requires_grad on or off, and the gradients of frozen parameters dropped.
 */
thaw_status freeze_commit(model *m);

bool layer_trainable(const layer *l);
int64_t freeze_trainable_count(const model *m); /* parameters an optimizer would see */

#endif
