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

typedef struct memory {
    int64_t parameters, buffers, saved, passing;
} memory;

/* SAVED is what autograd keeps of one image; PASSING the most that one layer without it holds at a time. */
static void memory_add(memory *use, const layer *l) {
    for (int i = 0; i < l->param_count; i++) {
        const param *p = &l->param[i];
        int64_t bytes = shape_elements(&p->size) * (int64_t)dtype_size(p->type);
        *(p->buffer ? &use->buffers : &use->parameters) += bytes;
    }
    if (l->output_grad) use->saved += l->activation_bytes;
    if (layer_trainable(l) && !l->input_grad) use->saved += l->input_bytes;
    int64_t passing = l->input_bytes + l->activation_bytes;
    if (layer_is_leaf(l) && !l->output_grad && passing > use->passing) use->passing = passing;
}

thaw_cost thaw_layers_cost(const thaw_layers *layers, int batch_size, int state_per_parameter) {
    model *m = layers->m;
    thaw_status status = model_trace(m, (int)m->input.dim[2], (int)m->input.dim[3]);
    (void)status; /* it fitted before, and masks change no shapes */
    thaw_cost cost = {.trainable = freeze_trainable_count(m),
                      .parameters = model_parameter_count(m),
                      .forward_macs = (double)model_macs(m),
                      .prefix_cut = freeze_prefix(m)};
    memory use = {0};
    for (size_t i = 0; i < m->order_count; i++) {
        cost.backward_macs += backward_macs(m->order[i]);
        memory_add(&use, m->order[i]);
    }
    double step = cost.forward_macs + cost.backward_macs;
    cost.relative_step = layers->full_step_macs > 0 ? step / layers->full_step_macs : 1;
    cost.prefix_name = model_cut_name(m, cost.prefix_cut);
    int64_t trained = cost.trainable * (int64_t)sizeof(float);
    cost.memory_bytes = use.parameters + use.buffers + trained * (1 + state_per_parameter) +
                        (int64_t)batch_size * (use.saved + use.passing);
    return cost;
}
