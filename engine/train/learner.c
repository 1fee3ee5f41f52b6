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
    free(l->logits);
    l->logits = NULL;
    l->logits_capacity = 0;
}

/* Logits in float32; autocast covers the network and not the loss. */
static tensor *network(learner *l, tscope *s, pass *p, const image_batch *batch) {
    model *m = l->model;
    p->watch = l->profile ? &l->profile->watch : NULL;
    profile_enter(l->profile, batch->cache ? THAW_PHASE_KEPT : THAW_PHASE_UPLOAD);
    if (l->bf16) tscope_fail(s, torch_autocast(m->torch, m->device, true, DTYPE_BF16));
    size_t cut;
    act x = learner_input(l, s, p, batch, &cut);
    act y = model_forward(m, p, x, cut, m->stage_count);
    if (l->bf16) tscope_fail(s, torch_autocast(m->torch, m->device, false, DTYPE_BF16));
    tscope_fail(s, p->status);
    return t_to(s, y.t, m->device, DTYPE_F32, FORMAT_PRESERVE);
}

static void read_logits(learner *l, tscope *s, tensor *logits, int count) {
    size_t need = (size_t)count * (size_t)l->model->classes;
    l->logits = vec_reserve(l->logits, &l->logits_capacity, need, sizeof *l->logits);
    t_read(s, t_detach(s, logits), l->logits, need * sizeof *l->logits);
}

thaw_status learner_mask_changed(learner *l) {
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

thaw_status learner_step(learner *l, const image_batch *batch, int64_t step, double lr, layer_stats *stats,
                         double *loss) {
    model *m = l->model;
    tscope s;
    tscope_begin(&s, m->torch);
    pass p = {.scope = &s, .training = true, .dropout_seed = l->seed, .dropout_step = (uint64_t)step};
    tensor *logits = network(l, &s, &p, batch);
    profile_enter(l->profile, THAW_PHASE_UPLOAD);
    tensor *target = t_from_data(&s, SHAPE_1(batch->count), DTYPE_I64, batch->label, m->device);
    profile_enter(l->profile, THAW_PHASE_FORWARD);
    tensor *mean = t_cross_entropy(&s, logits, target, l->label_smoothing);
    tensor *total = total_loss(l, &s, &p, mean, target);
    profile_enter_backward(l->profile);
    t_backward(&s, total);
    profile_enter(l->profile, THAW_PHASE_METRICS);
    *loss = t_item(&s, t_detach(&s, mean));
    double whole = total == mean ? *loss : t_item(&s, t_detach(&s, total));
    read_logits(l, &s, logits, batch->count);
    if (!tscope_failed(&s) && !isfinite(whole))
        tscope_fail(&s, thaw_error(THAW_ERR_NUMERIC, "the loss is %g at step %lld; lower the learning rate",
                                   whole, (long long)step));
    profile_enter(l->profile, THAW_PHASE_OTHER);
    thaw_status status = tscope_end(&s);
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
    pass p = {.scope = &s, .training = false};
    read_logits(l, &s, network(l, &s, &p, batch), batch->count);
    torch_grad_mode(l->model->torch, recording);
    return tscope_end(&s);
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
