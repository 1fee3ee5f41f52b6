/*
 * step_graph.c - see step_graph.h.
 *
 * A graph works on the addresses it was recorded with: the input and the target are copied to where they were
 * then, and the gradients are those tensors again after each launch, though the optimizer drops them.
 * Convolutions of frozen layers folded with their norms (fold.h) are among the addresses, and may be made
 * anew by a pass in between that wants another type: then the graph is dropped.
 */
#include "engine/train/step_graph.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/nn/fold.h"

enum {
    WARM_UP = 2,   /* steps computed first, and one more */
    STRANGERS = 8, /* steps of another kind in a row after which that kind is recorded */
};

/* A convolution, and which of the folds it has had. */
typedef struct folded {
    const layer *conv;
    uint64_t made;
} folded;

struct step_graph {
    model *model;
    optimizer *optimizer;
    size_t cut; /* of the kind of step that is recorded, or to be: it, size and type */
    shape size;
    dtype type;
    int seen, strangers; /* steps of this kind that were computed; of others since the last of this one */
    bool refused;        /* recording did not succeed with this mask */
    thaw_status trouble; /* for that reason, not told yet */
    cuda_graph *graph;   /* NULL: not recorded. What follows is its own, then: */
    tensor *x, *target;
    host_tensors places;
    step_result result;
    tensor **grad; /* by the optimizer's slots, NULL where there is none */
    size_t grad_count;
    folded *fold; /* that it computes with */
    size_t fold_count;
};

step_graph *step_graph_new(model *m, optimizer *o) {
    const char *wish = getenv("THAW_CUDA_GRAPHS");
    if ((wish && strcmp(wish, "0") == 0) || !torch_graphs(m->torch, m->device)) return NULL;
    step_graph *g = xcalloc(1, sizeof *g);
    *g = (step_graph){.model = m, .optimizer = o};
    return g;
}

static void drop(step_graph *g) {
    torch *t = g->model->torch;
    for (size_t i = 0; i < g->grad_count; i++)
        tensor_free(t, g->grad[i]);
    free(g->grad);
    if (g->result.total != g->result.mean) tensor_free(t, g->result.total);
    tensor_free(t, g->result.mean);
    tensor_free(t, g->result.logits);
    free(g->fold);
    host_tensors_clear(&g->places, t);
    tensor_free(t, g->x);
    tensor_free(t, g->target);
    torch_graph_free(t, g->graph);
    *g = (step_graph){.model = g->model, .optimizer = g->optimizer};
}

void step_graph_free(step_graph *g) {
    if (!g) return;
    drop(g);
    free(g);
}

void step_graph_forget(step_graph *g) {
    if (g) drop(g);
}

bool step_graph_recorded(const step_graph *g) {
    return g && g->graph;
}

char *step_graph_trouble(step_graph *g) {
    if (!g || !thaw_failed(&g->trouble)) return NULL;
    char *text =
        xasprintf("steps are computed one by one, not launched as a CUDA graph: %s", g->trouble.message);
    g->trouble = thaw_ok();
    return text;
}

/* ---- recording ---- */

static void keep_gradients(step_graph *g, tscope *s) {
    g->grad_count = optimizer_count(g->optimizer);
    g->grad = xcalloc(g->grad_count, sizeof *g->grad);
    for (size_t i = 0; i < g->grad_count; i++) {
        tensor *grad = t_grad(s, optimizer_at(g->optimizer, i)->param->t);
        if (grad) g->grad[i] = t_keep(s, grad);
    }
}

/* Those with which a training pass computes: nothing in them moves. */
static void keep_folds(step_graph *g) {
    const model *m = g->model;
    g->fold = xcalloc(m->order_count, sizeof *g->fold);
    for (size_t i = 0; i < m->order_count; i++) {
        const layer *l = m->order[i];
        bool still = l->freeze == THAW_FROZEN && l->fold && l->fold->freeze == THAW_FROZEN;
        if (still && l->folded) g->fold[g->fold_count++] = (folded){l, l->folded->made};
    }
}

static bool folds_are_there(const step_graph *g) {
    for (size_t i = 0; i < g->fold_count; i++) {
        const fold *now = g->fold[i].conv->folded;
        if (!now || now->made != g->fold[i].made) return false;
    }
    return true;
}

/* What stays of it without the graph of autograd. */
static tensor *keep_value(tscope *s, tensor *x) {
    return t_keep(s, t_detach(s, x));
}

/* Everything else that was made meanwhile is freed while it is still being recorded, for others to use. */
static thaw_status record_into(step_graph *g, const step_input *in) {
    tscope s;
    tscope_begin(&s, g->model->torch);
    act x = {.size = in->x.size, .t = g->x}; /* as from outside: whatever else X was, it is not here */
    g->places.at = 0;
    step_result r = in->compute(in->user, &s, x, in->cut, g->target, &g->places);
    g->result.logits = keep_value(&s, r.logits);
    g->result.mean = keep_value(&s, r.mean);
    g->result.total = r.total == r.mean ? g->result.mean : keep_value(&s, r.total);
    keep_gradients(g, &s);
    return tscope_end(&s);
}

static thaw_status record(step_graph *g, const step_input *in) {
    torch *t = g->model->torch;
    tscope s;
    tscope_begin(&s, t);
    g->x = t_keep(&s, t_clone(&s, t_detach(&s, in->x.t)));
    g->target = t_keep(&s, t_clone(&s, in->target));
    THAW_TRY(tscope_end(&s));
    THAW_TRY(torch_graph_begin(t, g->model->device, &g->graph));
    thaw_status status = record_into(g, in);
    thaw_status ended = torch_graph_end(t, g->graph);
    optimizer_drop_grads(g->optimizer);
    keep_folds(g);
    return thaw_failed(&status) ? status : ended;
}

/* ---- launching ---- */

static bool same_kind(const step_graph *g, const step_input *in, dtype type) {
    return g->cut == in->cut && g->type == type && shape_equal(&g->size, &in->x.size);
}

/* Whether the step is of the kind that is recorded, or may be. */
static bool expected(step_graph *g, tscope *s, const step_input *in) {
    dtype type = t_dtype(s, in->x.t);
    if (g->size.ndim && same_kind(g, in, type) && folds_are_there(g)) {
        g->strangers = 0;
        return true;
    }
    if (g->size.ndim && ++g->strangers < STRANGERS && folds_are_there(g)) return false;
    drop(g);
    g->cut = in->cut;
    g->size = in->x.size;
    g->type = type;
    return true;
}

/* There is a graph now. */
static bool ready(step_graph *g, const step_input *in) {
    if (g->graph) return true;
    thaw_status status = record(g, in);
    if (!thaw_failed(&status)) return true;
    drop(g);
    fold_drop(g->model, g->model->root); /* one that was recorded was never made */
    g->refused = true;                   /* it goes as well without, only slower */
    g->trouble = status;
    return false;
}

/* A launch changes running statistics without their tensors' knowing. */
static void touch_statistics(const model *m, tscope *s) {
    for (size_t i = 0; i < m->order_count; i++) {
        const layer *l = m->order[i];
        if (!layer_is_norm(l) || l->freeze == THAW_FROZEN) continue;
        for (int k = 0; k < l->param_count; k++)
            if (l->param[k].buffer) t_touch(s, l->param[k].t);
    }
}

static void launch(step_graph *g, tscope *s, const step_input *in) {
    t_copy_(s, g->x, in->x.t);
    t_copy_(s, g->target, in->target);
    host_tensors_fill(&g->places, s, in->seed, in->step);
    if (!tscope_failed(s)) tscope_fail(s, torch_graph_launch(g->model->torch, g->graph));
    for (size_t i = 0; i < g->grad_count; i++)
        if (g->grad[i]) t_set_grad(s, optimizer_at(g->optimizer, i)->param->t, g->grad[i]);
    touch_statistics(g->model, s);
}

bool step_graph_compute(step_graph *g, tscope *s, const step_input *in, step_result *out) {
    if (tscope_failed(s) || g->refused || !expected(g, s, in) || g->seen++ < WARM_UP) return false;
    if (g->seen == WARM_UP + 1) { /* the last that is computed makes the places for the processor's numbers */
        *out = in->compute(in->user, s, in->x, in->cut, in->target, &g->places);
        g->places.recorded = true;
        return true;
    }
    if (!ready(g, in)) return false;
    launch(g, s, in);
    *out = g->result;
    return true;
}
