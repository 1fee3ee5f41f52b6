/*
 * host_tensor.h - numbers that the processor makes for a pass: dropout masks, and tables that follow from an
 * image's size. They are the one thing in a pass that does not come from the model or the images, so a pass
 * that is recorded (step_graph.h) has places for them, to be filled in before each launch.
 */
#ifndef ENGINE_NN_HOST_TENSOR_H
#define ENGINE_NN_HOST_TENSOR_H

#include "engine/nn/layer.h"

/* COUNT numbers of L: where HOW (as given to pass_host_tensor) is there they follow from it alone, and else
 * from the seed and step of the pass's dropouts. */
typedef struct host_numbers {
    const layer *layer;
    const void *how;
    uint64_t seed, step;
} host_numbers;
typedef void host_fill(const host_numbers *of, float *values, size_t count);

typedef struct host_tensor {
    host_numbers numbers; /* how is owned */
    host_fill *fill;
    shape size;
    tensor *t; /* float32, owned */
} host_tensor;

/*
 * The places of passes that are recorded. Zeros: none yet; a pass that is given such a list makes its places
 * and fills them. With AT 0 and RECORDED, a pass like that one finds them again, in the same order. They are
 * made in a pass of their own because what is made while a graph is recorded shares its memory with whatever
 * comes before it there, and would be written over before it is read.
 */
typedef struct host_tensors {
    host_tensor *item;
    size_t count, capacity;
    bool recorded;
    size_t at;
} host_tensors;

/* A float32 tensor of SIZE on the model's device, for SELF, filled by FILL. HOW has HOW_BYTES; NULL: the
 * numbers are others in each step. */
tensor *pass_host_tensor(pass *p, const layer *self, shape size, host_fill *fill, const void *how,
                         size_t how_bytes);

/* With what the pass of SEED and STEP has; what is the same in each step is there already. */
void host_tensors_fill(host_tensors *list, tscope *s, uint64_t seed, uint64_t step);
void host_tensors_clear(host_tensors *list, torch *t);

#endif
