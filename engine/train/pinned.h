/*
 * pinned.h - memory for batches that a CUDA device reads by itself, while the processor goes on.
 *
 * Images in it are uploaded without waiting (t_to). It may be written again once the device has worked on
 * them: every step reads the logits back before its batch is released.
 */
#ifndef ENGINE_TRAIN_PINNED_H
#define ENGINE_TRAIN_PINNED_H

#include "engine/torch/tensor.h"

typedef struct pinned {
    torch *torch; /* NULL: pinned_take gives nothing */
    tensor **block;
    size_t count, capacity, bytes;
} pinned;

/* For loader_params.take_memory; USER is a pinned. NULL when no more is to be had. */
void *pinned_take(void *user, size_t bytes);
void pinned_clear(pinned *p); /* whoever took from it is done */

#endif
