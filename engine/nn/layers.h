/*
 * layers.h - the inside of thaw_layers, for the files that implement include/thaw/layers.h.
 */
#ifndef ENGINE_NN_LAYERS_H
#define ENGINE_NN_LAYERS_H

#include "engine/nn/freeze.h"
#include "thaw/layers.h"
#include "thaw/memory.h"

struct thaw_layers {
    model *m;
    layer **shown;         /* what people see, in tree order: everything but the root and functional layers */
    thaw_layer_info *info; /* of each */
    int count;
    thaw_layers_tensor *tensor;
    size_t tensor_count;
    const char **cut;
    size_t cut_count;
    double full_step_macs; /* forward and backward when everything is trained */
};

/* thaw_layers_memory of the last trace. */
thaw_memory layers_memory(const thaw_layers *layers, const thaw_memory_params *p);

#endif
