/*
 * optimizer.h - SGD, Adam and AdamW, step for step as torch.optim computes them.
 *
 * Sources: torch.optim.SGD (dampening 0; Sutskever et al. 2013 as torch writes it), Adam (Kingma & Ba 2014,
 * algorithm 1) and AdamW (Loshchilov & Hutter 2017, algorithm 2), in the order of torch's own arithmetic.
 *
 * The optimizer holds a slot for each trainable parameter and for no other: freezing takes the slot out with
 * its state, so that neither momentum nor weight decay can move a frozen weight; thawing puts in a fresh one.
 */
#ifndef ENGINE_TRAIN_OPTIMIZER_H
#define ENGINE_TRAIN_OPTIMIZER_H

#include "engine/nn/model.h"
#include "engine/train/update.h"
#include "thaw/recipe.h"

enum { OPTIMIZER_STATE_MAX = UPDATE_STATE_MAX };

typedef struct optimizer optimizer;

/* The recipe's optimizer and layer_lr over M (borrowed, materialised). No slots yet: optimizer_sync. Fails on
   an unknown name, and on a layer_lr pattern that matches no layer. */
thaw_status optimizer_new(const thaw_recipe *r, model *m, optimizer **out);
void optimizer_free(optimizer *o); /* NULL is fine */

/* Make the slots those of the parameters that are trainable now: others leave with their state, new ones
   enter without. Call it after every change of the mask. */
void optimizer_sync(optimizer *o);

/* One update at base rate LR from the gradients, which are dropped. A parameter without a gradient stays as
   it is. */
thaw_status optimizer_step(optimizer *o, double lr);
void optimizer_drop_grads(optimizer *o);

/*
 * Parameters that are alike are updated together until they have BYTES; 0: one at a time. What suits the
 * device is set already, and the bits are the same either way: this is for tests and for measuring.
 */
void optimizer_group_bytes(optimizer *o, size_t bytes);
size_t optimizer_groups(const optimizer *o); /* how many the last step took */

/* ---- looking in: the trainer's per-layer figures, and checkpoints ---- */

typedef struct optimizer_slot {
    char *key; /* "layer1.0.conv1.weight" */
    layer *layer;
    param *param;
    double factor;                      /* of the base rate */
    bool decays;                        /* weight decay reaches it */
    int64_t steps;                      /* updates since it entered */
    tensor *state[OPTIMIZER_STATE_MAX]; /* by optimizer_state_name; NULL before the first update */
} optimizer_slot;

size_t optimizer_count(const optimizer *o);
optimizer_slot *optimizer_at(optimizer *o, size_t index); /* in state-dict order */
optimizer_slot *optimizer_find(optimizer *o, const char *key);
/* "momentum_buffer"; "exp_avg", "exp_avg_sq": torch's names. NULL past the last. */
const char *optimizer_state_name(const optimizer *o, int index);
const char *optimizer_name(const optimizer *o); /* "sgd" */

/* Take up a slot's state from a checkpoint: DATA has SIZE elements of float32. A slot that is not there, or
   another size, fails by key. */
thaw_status optimizer_restore(optimizer *o, const char *key, const char *state_name, const shape *size,
                              const float *data);
thaw_status optimizer_restore_steps(optimizer *o, const char *key, int64_t steps);

#endif
