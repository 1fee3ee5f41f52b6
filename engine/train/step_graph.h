/*
 * step_graph.h - forward and backward of a training step as a CUDA graph: recorded once, then launched.
 *
 * A step is hundreds of kernels, and where images are small or few it takes longer to launch them than to run
 * them. What is recorded is what the device does between the input at the cut and the gradients; reading the
 * images, the frozen layers before the cut that are kept, the optimizer and the figures stay outside, so that
 * the learning rate and what is measured may change from step to step. The mask may not: it is recorded anew.
 *
 * Dropout masks are drawn by the processor and copied to their places before each launch. Not recorded is a
 * step of another size (the last batch of an epoch): it is computed as everywhere else.
 */
#ifndef ENGINE_TRAIN_STEP_GRAPH_H
#define ENGINE_TRAIN_STEP_GRAPH_H

#include "engine/nn/host_tensor.h"
#include "engine/train/optimizer.h"

/* Of one step, on the device: float32 logits, the head's mean loss, and what was minimised (MEAN itself where
 * there is nothing beside it). */
typedef struct step_result {
    tensor *logits, *mean, *total;
} step_result;

/* Forward and backward: X is what stage CUT takes, TARGET the labels. Gradients are left in the parameters.
 */
typedef struct step_input {
    act x;
    size_t cut;
    tensor *target;
    uint64_t seed, step; /* of the dropouts */
    /* PLACES: for the numbers the processor makes for the pass (host_tensor.h), or NULL. */
    step_result (*compute)(void *user, tscope *s, act x, size_t cut, tensor *target, host_tensors *places);
    void *user;
} step_input;

typedef struct step_graph step_graph;

/* For steps of M that O's parameters are trained by, both borrowed. NULL where there are no graphs: not on
   CUDA, an old libtorch, or THAW_CUDA_GRAPHS=0 in the environment. */
step_graph *step_graph_new(model *m, optimizer *o);
void step_graph_free(step_graph *g); /* NULL is fine */

/* The mask, or anything else in the model but its numbers, has changed. NULL is fine. */
void step_graph_forget(step_graph *g);

/* Do what IN says by launching a graph; the first steps of a kind are computed, for what they find out and
   set up is not to be recorded. True: it is done, or S has failed; OUT is S's or G's, until the next call.
   False: nothing was done, compute it. */
bool step_graph_compute(step_graph *g, tscope *s, const step_input *in, step_result *out);
bool step_graph_recorded(const step_graph *g); /* there is one now */

/* Why steps are computed though they could be launched, once a mask; NULL: nothing new. The caller's. */
char *step_graph_trouble(step_graph *g);

#endif
