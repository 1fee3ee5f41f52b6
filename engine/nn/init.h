/*
 * init.h - the distributions torchvision draws its first weights from, by our own generator.
 */
#ifndef ENGINE_NN_INIT_H
#define ENGINE_NN_INIT_H

#include "engine/nn/model.h"

/* How to fill one weight (or bias) of a convolution or linear layer. */
typedef struct weight_fill {
    weight_init init;
    int64_t fan_in, fan_out;
    bool bias;
} weight_fill;
void init_fill(const weight_fill *fill, float *values, size_t count, rng *r);

/*
 * Give every parameter under TOP that has no tensor one on the model's device. The stream of each is keyed by
 * SEED and its state-dict key, so a layer's first weights do not depend on what else is in the model.
 */
thaw_status init_materialise(model *m, layer *top, uint64_t seed);

#endif
