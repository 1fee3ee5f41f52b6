/*
 * freeze.c - see freeze.h. The one place that writes layer.freeze.
 *
 * A layer has a state of its own when that changes what it does: it holds parameters, or it is a dropout. The
 * state of a ReLU is kept (it shows what was asked for) but counts for nothing, so a group whose convolutions
 * and norms are frozen is frozen.
 */
#include "engine/nn/freeze.h"

#include "engine/nn/auxiliary.h"
#include "engine/nn/fold.h"

static bool dropout_active(const layer *l) {
    return (l->kind == &kind_dropout || l->kind == &kind_stochastic_depth) && l->spec.dropout > 0;
}

bool freeze_counts(const layer *l) {
    if (l->aside) return false;
    return l->param_count > 0 || dropout_active(l);
}

static void freeze_visit(void *user, layer *l) {
    l->freeze = *(const thaw_freeze *)user;
}

void freeze_layer(layer *l, thaw_freeze state) {
    layer_each(l, freeze_visit, &state);
}

thaw_freeze freeze_summary(const layer *l, bool *counts) {
    if (l->aside) {
        if (counts) *counts = false;
        return THAW_FROZEN;
    }
    bool any = freeze_counts(l);
    thaw_freeze state = l->freeze;
    for (size_t i = 0; i < l->child_count; i++) {
        bool child_counts;
        thaw_freeze child = freeze_summary(l->child[i], &child_counts);
        if (!child_counts) continue;
        if (any && child != state) state = THAW_MIXED;
        if (!any) state = child;
        any = true;
    }
    if (counts) *counts = any;
    return state;
}

bool layer_trainable(const layer *l) {
    if (l->freeze != THAW_TRAINABLE || l->aside) return false;
    for (int i = 0; i < l->param_count; i++)
        if (!l->param[i].buffer) return true;
    return false;
}

/* ---- prefixes ---- */

/* What a training pass through L itself always gives the same for the same input, and leaves L as it was. */
static bool layer_fixed(const layer *l) {
    if (!freeze_counts(l) || l->freeze == THAW_FROZEN) return true;
    return l->freeze == THAW_STATS_MOVING && !layer_is_norm(l) && !dropout_active(l);
}

static bool layer_quiet(const layer *l) {
    return !layer_trainable(l);
}

static bool subtree_all(const layer *l, bool (*test)(const layer *)) {
    bool all = test(l);
    for (size_t i = 0; i < l->child_count && all; i++)
        all = subtree_all(l->child[i], test);
    return all;
}

static size_t prefix_while(const model *m, bool (*test)(const layer *)) {
    size_t cut = 0;
    while (cut < m->stage_count && subtree_all(m->stage[cut], test))
        cut++;
    return cut;
}

size_t freeze_prefix(const model *m) {
    return auxiliary_limit(m, prefix_while(m, layer_fixed));
}

size_t freeze_no_grad_prefix(const model *m) {
    return prefix_while(m, layer_quiet);
}

int64_t freeze_trainable_count(const model *m) {
    int64_t total = 0;
    for (size_t i = 0; i < m->order_count; i++) {
        const layer *l = m->order[i];
        for (int k = 0; k < l->param_count && layer_trainable(l); k++)
            if (!l->param[k].buffer) total += shape_elements(&l->param[k].size);
    }
    return total;
}

/* ---- the tensors ---- */

/* Dropping the gradient matters as much as refusing new ones: momentum and weight decay move a weight whose
 * gradient is merely zero. */
static void commit_visit(void *user, layer *l) {
    tscope *s = user;
    bool on = layer_trainable(l);
    for (int i = 0; i < l->param_count; i++) {
        param *p = &l->param[i];
        if (p->buffer || !p->t) continue;
        t_requires_grad_(s, p->t, on);
        if (!on) t_drop_grad(s, p->t);
    }
}

thaw_status freeze_commit(model *m) {
    if (!m->torch) return thaw_ok();
    tscope s;
    tscope_begin(&s, m->torch);
    layer_each(m->root, commit_visit, &s);
    thaw_status status = tscope_end(&s);
    fold_drop(m, m->root);
    return status;
}
