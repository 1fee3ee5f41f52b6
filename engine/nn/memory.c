/*
 * memory.c - what training takes, from the trace; the formula is in thaw/memory.h.
 *
 * The trace says of each layer what it makes, and whether backward comes by. Autograd keeps what layers make
 * from the first trained one on, and the input of a trained layer that nothing trained comes before. Backward
 * walks the leaves in reverse: at each it holds the gradients of its input and output besides what is still
 * kept. Before the first trained layer a stage at a time is held.
 */
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "engine/nn/layers.h"

/* What libtorch's libraries, its registered operators and threads keep, and the buffers that oneDNN and
 * OpenBLAS need for larger layers. On a device: the context and the libraries' workspaces. */
static const int64_t runtime_bytes = 130 << 20, device_runtime_bytes = 600 << 20;

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* Bytes of one image, by the place in execution order. */
typedef struct timeline {
    int64_t *kept;    /* for backward */
    int64_t *working; /* what backward holds besides while this leaf is at work */
    int count;
    bool channels_last;
    bool *within; /* by index: a norm computes it, and it makes nothing of its own */
} timeline;

/* In the contiguous layout oneDNN brings a convolution's operands into its own and the result back. */
static int64_t working_bytes(const timeline *t, const layer *l) {
    int64_t through = l->output_grad ? l->input_bytes + l->activation_bytes : 0;
    return l->kind == &kind_conv2d && !t->channels_last ? 2 * through : through;
}

/* A norm takes the activation after it upon itself, and where an addition follows its result is the sum. */
static void find_within(timeline *t, const model *m) {
    for (size_t i = 0; i < m->order_count && t->channels_last; i++) {
        const layer *norm = m->order[i];
        if (norm->kind != &kind_batch_norm2d) continue;
        if (norm->fuse.activation) t->within[norm->fuse.activation->index] = true;
        if (norm->fuse.added) t->within[norm->index] = true;
    }
}

static int64_t kept_bytes(const timeline *t, const layer *l) {
    int64_t kept = l->output_grad && !t->within[l->index] ? l->activation_bytes : 0;
    if (l->kind == &kind_max_pool2d && l->output_grad) kept += 2 * l->activation_bytes; /* int64 places */
    if (layer_trainable(l) && !l->input_grad) kept += l->input_bytes;
    return kept;
}

/* Adds what L and its subtree keep; the last place that the subtree was executed at, -1: none. What a
 * container makes itself (a sum) is kept as long as its last leaf's. */
static int add_layer(timeline *t, const layer *l) {
    int last = layer_is_leaf(l) ? l->executed : -1;
    for (size_t i = 0; i < l->child_count; i++) {
        int place = add_layer(t, l->child[i]);
        if (place > last) last = place;
    }
    if (last < 0 || last >= t->count) return last;
    t->kept[last] += kept_bytes(t, l);
    if (layer_is_leaf(l)) t->working[last] += working_bytes(t, l);
    return last;
}

/* The most that one image takes at one time in what is recorded for backward. */
static int64_t recorded_most(const model *m, bool channels_last) {
    timeline t = {.count = (int)m->order_count, .channels_last = channels_last};
    t.kept = xcalloc(m->order_count, sizeof *t.kept);
    t.working = xcalloc(m->order_count, sizeof *t.working);
    t.within = xcalloc(m->order_count, sizeof *t.within);
    find_within(&t, m);
    add_layer(&t, m->root);
    int64_t kept = 0, most = 0;
    for (int i = 0; i < t.count; i++) { /* what is kept when backward gets to leaf I: all up to it */
        kept += t.kept[i];
        most = larger(most, kept + t.working[i]);
    }
    free(t.kept);
    free(t.working);
    free(t.within);
    return most;
}

/* What L makes where nothing is recorded; a norm that is folded into its convolution makes nothing. */
static int64_t quiet_bytes(const layer *l) {
    bool folded = layer_is_norm(l) && l->fold && l->freeze == THAW_FROZEN && l->fold->freeze == THAW_FROZEN;
    return folded ? 0 : l->activation_bytes;
}

/* The most that one image takes in the stages where nothing is recorded: a stage lets go of what it made when
 * it is done. */
static int64_t quiet_most(const model *m) {
    int64_t *held = xcalloc(m->stage_count + 1, sizeof *held), most = 0;
    for (size_t i = 0; i < m->order_count; i++) {
        const layer *l = m->order[i];
        if (l->stage >= 0 && !l->output_grad) held[l->stage] += quiet_bytes(l);
    }
    for (size_t i = 0; i < m->stage_count; i++)
        most = larger(most, held[i] ? held[i] + m->stage[i]->input_bytes : 0);
    free(held);
    return most;
}

/* Bytes: all, convolutions' weights, what training changes of it, the largest trained parameter. */
typedef struct holdings {
    int64_t held, convolutions, changing, largest;
} holdings;

static holdings holdings_of(const model *m) {
    holdings h = {0};
    for (size_t i = 0; i < m->order_count; i++) {
        const layer *l = m->order[i];
        for (int k = 0; k < l->param_count; k++) {
            int64_t bytes = shape_elements(&l->param[k].size) * (int64_t)dtype_size(l->param[k].type);
            h.held += bytes;
            if (l->kind == &kind_conv2d) h.convolutions += bytes;
            bool trained = layer_trainable(l) && !l->param[k].buffer;
            if (trained) h.largest = larger(h.largest, bytes);
            if (trained || (l->param[k].buffer && l->freeze != THAW_FROZEN)) h.changing += bytes;
        }
    }
    return h;
}

thaw_memory layers_memory(const thaw_layers *layers, const thaw_memory_params *p) {
    model *m = layers->m;
    holdings h = holdings_of(m);
    int64_t trained = freeze_trainable_count(m) * (int64_t)sizeof(float), halves = p->bf16 ? 2 : 1;
    int64_t piece = !p->cuda && p->batch_size > MODEL_PIECE ? MODEL_PIECE : p->batch_size;
    int64_t image = shape_elements(&m->input); /* bytes: the numbers of those worked on are activations */
    thaw_memory use = {
        .runtime = p->cuda ? device_runtime_bytes : runtime_bytes,
        .weights = h.held + h.convolutions / halves,
        .optimizer = trained * (p->state_per_parameter + 1),
        .images = p->cuda ? image * p->batch_size : image * p->batch_size * p->batches_ahead,
        .gradients = trained,
        .activations =
            larger(p->batch_size * recorded_most(m, p->channels_last), piece * quiet_most(m)) / halves,
    };
    int64_t state = trained * p->state_per_parameter;
    use.saving = larger(p->cuda ? 0 : h.changing + state, 2 * (trained + h.largest));
    use.total = use.runtime + use.weights + use.optimizer + use.images +
                larger(use.gradients + use.activations, use.saving);
    return use;
}

thaw_memory thaw_layers_memory(const thaw_layers *layers, const thaw_memory_params *p) {
    model *m = layers->m;
    thaw_status status = model_trace(m, (int)m->input.dim[2], (int)m->input.dim[3]);
    (void)status; /* it fitted before, and masks change no shapes */
    return layers_memory(layers, p);
}
