/*
 * cost.c - what a mask costs, predicted from the trace.
 *
 * A layer costs its multiply-accumulates once forward, once more when backward needs the gradient of its
 * input (something before it is trained), and once more when its own weights are trained. The trace has found
 * which, along the data flow, as autograd would. A frozen prefix has no backward at all. Counting
 * multiply-accumulates alone is an ideal: norms, activations and additions are bound by memory, not by
 * arithmetic.
 */
#include "engine/nn/layers.h"

/* Multiply-accumulates that backward needs through L alone. */
static double backward_macs(const layer *l) {
    int gradients = (l->input_grad ? 1 : 0) + (layer_trainable(l) ? 1 : 0);
    return (double)l->macs * gradients;
}

thaw_cost thaw_layers_cost(const thaw_layers *layers, int batch_size, int state_per_parameter) {
    model *m = layers->m;
    thaw_status status = model_trace(m, (int)m->input.dim[2], (int)m->input.dim[3]);
    (void)status; /* it fitted before, and masks change no shapes */
    thaw_cost cost = {.trainable = freeze_trainable_count(m),
                      .parameters = model_parameter_count(m),
                      .forward_macs = (double)model_macs(m),
                      .prefix_cut = freeze_prefix(m)};
    for (size_t i = 0; i < m->order_count; i++)
        cost.backward_macs += backward_macs(m->order[i]);
    double step = cost.forward_macs + cost.backward_macs;
    cost.relative_step = layers->full_step_macs > 0 ? step / layers->full_step_macs : 1;
    cost.prefix_name = model_cut_name(m, cost.prefix_cut);
    thaw_memory_params params = {.batch_size = batch_size, .state_per_parameter = state_per_parameter};
    thaw_memory memory = layers_memory(layers, &params);
    cost.memory_bytes = memory.total - memory.runtime;
    return cost;
}
