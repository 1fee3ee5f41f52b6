/*
 * memory.h - how much memory training would take, and how much there is. Nothing here needs libtorch.
 *
 * The estimate, in bytes, with T those of the trained parameters in float32:
 *
 *     runtime      libtorch and thaw: a constant, measured
 *     weights      parameters and buffers; and on a processor, or with a norm to fold in, the copies of
 *                  convolutions that what is frozen, and all of evaluation, computes with (engine/nn/fold.h)
 *     optimizer    T for each number it keeps of a parameter, and T for the start that drift is measured from
 *     images       batches on their way, a byte a value: those of training and of validation
 *     step         T of gradients, and the most that activations take at one time: what autograd keeps for
 *                  backward, and what the layer at work holds besides (backward goes from the last layer to
 *                  the first and lets go of what it is done with); or all that one stage makes where nothing
 *                  is recorded
 *     saving       a copy of what training changes and of optimizer state when a checkpoint is written; or,
 *                  when layers are measured, T of gradients, T of the weights before the update, and twice
 * the largest parameter to compute with: whichever is more total        runtime + weights + optimizer +
 * images + the larger of step and saving
 *
 * bf16 halves activations and the copies. The caches of decoded images and of what frozen layers make are
 * left out: they take parts of what is free and no more (thaw_forecast_caches). So does a large checkpoint's
 * copy where it stays beside the steps (engine/train/trainer_save.c). docs/decisions.md has what
 * was measured beside it.
 */
#ifndef THAW_MEMORY_H
#define THAW_MEMORY_H

#include <stdint.h>

#include "thaw/layers.h"
#include "thaw/recipe.h"

typedef struct thaw_memory_params {
    int batch_size;
    int state_per_parameter; /* numbers the optimizer keeps of each: SGD with momentum 1, Adam 2 */
    bool bf16;
    bool channels_last; /* on a processor: a norm that trains is one with what follows it */
    bool cuda;          /* count the device's memory: one batch of images, no copy for saving */
    int batches_ahead;  /* how many batches of images wait or are worked on */
} thaw_memory_params;

typedef struct thaw_memory {
    int64_t runtime, weights, optimizer, images;
    int64_t gradients, activations; /* of a step */
    int64_t saving;
    int64_t total;
} thaw_memory;

/* Of the model with its present mask, at the size it was traced at. */
thaw_memory thaw_layers_memory(const thaw_layers *layers, const thaw_memory_params *p);

/* Of ARCH trained as R says, whatever model R names: with R's head, mask, batch, optimizer, precision and
 * device, at SIDE pixels unless R says a crop (0: usual), for CLASSES (0: as pretrained). A mask that names
 * layers ARCH does not have counts as none, as the workbench takes it. */
thaw_status thaw_memory_estimate(const thaw_recipe *r, const char *arch, int side, int classes,
                                 thaw_memory *out);
/* The same of LAYERS, which are R's model with its head, under the mask they have now. */
thaw_memory thaw_memory_of(const thaw_layers *layers, const thaw_recipe *r);
/* Does training by R count a CUDA device's memory? "auto" is not decided here and counts the processor's. */
bool thaw_memory_on_device(const thaw_recipe *r);

/* Bytes a new process could take now: what the system has available, or what is left of the control group's
 * limit when that is less; -1 when it is not known. */
int64_t thaw_memory_available(void);

#endif
