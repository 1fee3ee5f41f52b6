/*
 * learner.c - see learner.h.
 */
#include "engine/train/learner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/nn/freeze.h"
#include "engine/train/learner_input.h"

void learner_clear(learner *l) {
    step_graph_free(l->graph);
    l->graph = NULL;
    free(l->logits);
    l->logits = NULL;
    l->logits_capacity = 0;
}

/* Autocast covers the network and not the loss. */
static void autocast(const learner *l, tscope *s, bool on) {
    if (l->bf16) tscope_fail(s, torch_autocast(l->model->torch, l->model->device, on, DTYPE_BF16));
}

static pass pass_of(learner *l, tscope *s, bool training, int64_t step) {
    return (pass){.scope = s,
                  .training = training,
                  .dropout_seed = l->seed,
                  .dropout_step = (uint64_t)step,
                  .watch = l->profile ? &l->profile->watch : NULL};
}

/* What stage CUT takes. */
static act input(learner *l, tscope *s, pass *p, const image_batch *batch, size_t *cut) {
    profile_enter(l->profile, batch->cache ? THAW_PHASE_KEPT : THAW_PHASE_UPLOAD);
    autocast(l, s, true);
    act x = learner_input(l, s, p, batch, cut);
    autocast(l, s, false);
    tscope_fail(s, p->status);
    return x;
}

/* Logits in float32. */
static tensor *network(learner *l, tscope *s, pass *p, act x, size_t cut) {
    model *m = l->model;
    autocast(l, s, true);
    act y = model_forward(m, p, x, cut, m->stage_count);
    autocast(l, s, false);
    tscope_fail(s, p->status);
    return t_to(s, y.t, m->device, DTYPE_F32, FORMAT_PRESERVE);
}

/* After a failure nothing was read that would have waited for the device, which may still copy the batch that
 * the caller is about to give back. */
static thaw_status end_step(learner *l, tscope *s) {
    thaw_status status = tscope_end(s);
    if (!thaw_failed(&status)) return status;
    thaw_status waited = torch_synchronize(l->model->torch, l->model->device);
    (void)waited; /* what failed first is what is told */
    return status;
}

static void read_logits(learner *l, tscope *s, tensor *logits, int count) {
    size_t need = (size_t)count * (size_t)l->model->classes;
    l->logits = vec_reserve(l->logits, &l->logits_capacity, need, sizeof *l->logits);
    t_read(s, t_detach(s, logits), l->logits, need * sizeof *l->logits);
}

thaw_status learner_mask_changed(learner *l) {
    step_graph_forget(l->graph);
    THAW_TRY(freeze_commit(l->model));
    if (l->optimizer) optimizer_sync(l->optimizer);
    return thaw_ok();
}

/* The losses of the auxiliary classifiers that took part, weighted, added to MEAN: what is minimised. */
static tensor *total_loss(learner *l, tscope *s, const pass *p, tensor *mean, tensor *target) {
    const model *m = l->model;
    tensor *total = mean;
    for (int i = 0; i < m->auxiliary_count; i++) {
        if (!p->auxiliary[i]) continue;
        tensor *logits = t_to(s, p->auxiliary[i], m->device, DTYPE_F32, FORMAT_PRESERVE);
        tensor *beside = t_cross_entropy(s, logits, target, l->label_smoothing);
        total = t_add(s, total, t_scale(s, beside, m->auxiliary[i].weight, 0));
    }
    return total;
}

typedef struct computing {
    learner *learner;
    int64_t step;
} computing;

static step_result compute(void *user, tscope *s, act x, size_t cut, tensor *target, host_tensors *places) {
    const computing *c = user;
    learner *l = c->learner;
    pass p = pass_of(l, s, true, c->step);
    p.places = places;
    tensor *logits = network(l, s, &p, x, cut);
    profile_enter(l->profile, THAW_PHASE_FORWARD);
    tensor *mean = t_cross_entropy(s, logits, target, l->label_smoothing);
    tensor *total = total_loss(l, s, &p, mean, target);
    profile_enter_backward(l->profile);
    t_backward(s, total);
    return (step_result){.logits = logits, .mean = mean, .total = total};
}

/* From images to gradients. */
static step_result forward_and_backward(learner *l, tscope *s, const image_batch *batch, int64_t step) {
    pass p = pass_of(l, s, true, step);
    computing how = {.learner = l, .step = step};
    step_input in = {.compute = compute, .user = &how, .seed = l->seed, .step = (uint64_t)step};
    profile_enter(l->profile, THAW_PHASE_UPLOAD);
    /* Ahead of the images, which a device then copies while it is told what to do with them: these few bytes
     * are waited for. */
    in.target = t_from_data(s, SHAPE_1(batch->count), DTYPE_I64, batch->label, l->model->device);
    in.x = input(l, s, &p, batch, &in.cut);
    profile_enter(l->profile, THAW_PHASE_FORWARD);
    step_result r;
    bool by_stage = l->profile && l->profile->detailed; /* a graph has no stages */
    if (l->graph && !by_stage && step_graph_compute(l->graph, s, &in, &r)) return r;
    return compute(&how, s, in.x, in.cut, in.target, NULL);
}

thaw_status learner_step(learner *l, const image_batch *batch, int64_t step, double lr, layer_stats *stats,
                         double *loss) {
    tscope s;
    tscope_begin(&s, l->model->torch);
    step_result r = forward_and_backward(l, &s, batch, step);
    profile_enter(l->profile, THAW_PHASE_METRICS);
    *loss = t_item(&s, t_detach(&s, r.mean));
    double whole = r.total == r.mean ? *loss : t_item(&s, t_detach(&s, r.total));
    read_logits(l, &s, r.logits, batch->count);
    if (!tscope_failed(&s) && !isfinite(whole))
        tscope_fail(&s, thaw_error(THAW_ERR_NUMERIC, "the loss is %g at step %lld; lower the learning rate",
                                   whole, (long long)step));
    profile_enter(l->profile, THAW_PHASE_OTHER);
    thaw_status status = end_step(l, &s);
    if (thaw_failed(&status)) {
        optimizer_drop_grads(l->optimizer);
        return status;
    }
    profile_enter(l->profile, THAW_PHASE_METRICS);
    if (stats) THAW_TRY(layer_stats_before(stats, l->optimizer));
    profile_enter(l->profile, THAW_PHASE_OPTIMIZER);
    THAW_TRY(optimizer_step(l->optimizer, lr));
    profile_enter(l->profile, THAW_PHASE_METRICS);
    return stats ? layer_stats_after(stats, l->optimizer) : thaw_ok();
}

thaw_status learner_infer(learner *l, const image_batch *batch) {
    tscope s;
    tscope_begin(&s, l->model->torch);
    bool recording = torch_grad_mode(l->model->torch, false);
    pass p = pass_of(l, &s, false, 0);
    size_t cut;
    act x = input(l, &s, &p, batch, &cut);
    pass q = pass_of(l, &s, false, 0);
    read_logits(l, &s, network(l, &s, &q, x, cut), batch->count);
    torch_grad_mode(l->model->torch, recording);
    return end_step(l, &s);
}

const layer *learner_needs_two(const learner *l) {
    const model *m = l->model;
    for (size_t i = 0; i < m->order_count; i++) {
        const layer *norm = m->order[i];
        if (!layer_is_leaf(norm) || !layer_is_norm(norm) || norm->freeze == THAW_FROZEN) continue;
        if (shape_elements(&norm->output) == norm->spec.norm.features) return norm;
    }
    return NULL;
}
