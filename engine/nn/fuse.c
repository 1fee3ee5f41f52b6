/*
 * fuse.c - see fuse.h.
 */
#include "engine/nn/fuse.h"

#include "engine/nn/fold.h"
#include "engine/nn/kinds.h"

/* ---- what follows which convolution ---- */

void fuse_candidate_activation(layer *activation, act x) {
    unary_op op = activation->spec.activation;
    if (x.conv && conv2d_fusable(op) && (x.from == x.conv || layer_is_norm(x.from))) {
        x.conv->fuse.activation = activation;
        x.conv->fuse.last = x.from;
    }
    if (x.from && layer_is_norm(x.from) && norm_fusable(op)) x.from->fuse.activation = activation;
    if (x.sum && op == UNARY_RELU) x.sum->fuse.sum_activation = activation;
}

void fuse_candidate_sum(act a, act *y) {
    if (!a.conv) return;
    if (a.from && layer_is_norm(a.from)) a.from->fuse.added = true;
    a.conv->fuse.added = true;
    a.conv->fuse.last = a.from;
    y->sum = a.conv;
}

static void settle_norm(layer *norm) {
    if (norm->readers != 1) norm->fuse = (fusing){0};
}

static void settle_visit(void *user, layer *conv) {
    (void)user;
    if (layer_is_norm(conv)) settle_norm(conv);
    if (conv->kind != &kind_conv2d) return;
    bool alone = conv->readers == 1 && (!conv->fold || conv->fold->readers == 1) && conv->fuse.last &&
                 conv->fuse.last->readers == 1;
    if (!alone) conv->fuse.activation = NULL;
    if (!alone) conv->fuse.added = false;
    if (conv->fuse.sum_readers != 1) conv->fuse.sum_activation = NULL;
}

void fuse_settle(model *m) {
    layer_each(m->root, settle_visit, NULL);
}

/* ---- when ---- */

bool fuse_possible(const model *m, dtype type) {
    if (m->device.kind != DEVICE_CPU || m->format != FORMAT_CHANNELS_LAST) return false;
    if (torch_conv2d_fuses(m->torch, type)) return true;
    return type == DTYPE_F32 && m->filtered && torch_about(m->torch)->winograd;
}

bool fuse_applies(const layer *conv, const pass *p) {
    return p->fused && !p->recording && fold_settled(conv, p);
}

bool fuse_may_overwrite(const pass *p, act x) {
    return x.fresh && !p->deferred;
}

/* CONV gives what its last reader takes: nothing stands between, or a norm that is folded in. */
static bool gives_last(const layer *conv, const pass *p) {
    return !conv->fold || fold_takes_norm(conv, p);
}

static layer *taking_part(layer *activation, const pass *p) {
    return activation && activation->stage < p->stage_end ? activation : NULL;
}

/* ---- computing ---- */

/* What is done to the result of L, which X is the input of. */
typedef struct following {
    tensor *sum; /* NULL: nothing is added */
    bool overwrite;
    layer *activation; /* NULL: none */
} following;

static unary_op operation_of(const layer *activation) {
    return activation ? activation->spec.activation : UNARY_NONE;
}

static tensor *compute_convolution(layer *conv, pass *p, tensor *x, following what) {
    conv2d_params params = kind_conv_params(conv);
    const conv2d_fusion how = {
        .sum = what.sum, .overwrite = what.overwrite, .activation = operation_of(what.activation)};
    const fold *f = fold_get(conv, p, x, &params);
    return f ? t_conv2d_fused(p->scope, x, f->weight, f->bias, &params, &how) : NULL;
}

static tensor *compute(layer *l, pass *p, tensor *x, following what) {
    if (!layer_is_norm(l)) return compute_convolution(l, p, x, what);
    norm_fusion how = kind_norm_params(l, p);
    how.sum = what.sum;
    how.activation = operation_of(what.activation);
    return t_batch_norm_fused(p->scope, x, &how);
}

static act defer(layer *l, pass *p, act x, shape out) {
    act y = act_result(l, p, x, out, 0, x.t);
    y.deferred = l;
    y.fresh = false; /* it is X still */
    p->deferred++;
    return y;
}

static act computed(layer *l, pass *p, act x, shape out, layer *activation) {
    act y = act_result(l, p, x, out, 0, compute(l, p, x.t, (following){.activation = activation}));
    y.activated = activation;
    return y;
}

act fuse_convolution(layer *conv, pass *p, act x, shape out) {
    x.t = t_to(p->scope, x.t, p->device, p->type, FORMAT_CHANNELS_LAST);
    bool last = gives_last(conv, p);
    if (last && conv->fuse.added) return defer(conv, p, x, out);
    return computed(conv, p, x, out, last ? taking_part(conv->fuse.activation, p) : NULL);
}

bool fuse_takes_norm(const pass *p, act x) {
    if (!p->norms || x.blocked) return false;
    dtype type = t_dtype(p->scope, x.t);
    return x.size.ndim == 4 && (type == DTYPE_F32 || type == DTYPE_BF16);
}

act fuse_norm(layer *norm, pass *p, act x) {
    if (norm->fuse.added) return defer(norm, p, x, x.size);
    return computed(norm, p, x, x.size, taking_part(norm->fuse.activation, p));
}

/* What X waits for, and waits no longer. */
static layer *take_up(pass *p, act *x) {
    layer *l = x->deferred;
    if (p->deferred > 0) p->deferred--;
    x->deferred = NULL;
    x->fresh = true;
    return l;
}

act fuse_now(pass *p, act x) {
    if (!x.deferred || pass_failed(p)) return x;
    layer *l = take_up(p, &x);
    x.t = compute(l, p, x.t, (following){0});
    return x;
}

/* The type in which L gives what it computes of X. */
static dtype type_of(const layer *l, const pass *p, act x) {
    return layer_is_norm(l) ? t_dtype(p->scope, x.t) : p->type;
}

act fuse_add(pass *p, act a, act b) {
    if (t_dtype(p->scope, b.t) != type_of(a.deferred, p, a)) return act_add(p, fuse_now(p, a), b);
    layer *l = take_up(p, &a), *conv = layer_is_norm(l) ? l->fold : l;
    layer *activation = conv ? taking_part(conv->fuse.sum_activation, p) : NULL;
    const following what = {.sum = b.t, .overwrite = fuse_may_overwrite(p, b), .activation = activation};
    act y = act_operation(p, a, a.size, compute(l, p, a.t, what));
    y.activated = activation;
    y.fresh = !activation || !p->recording; /* backward looks where the ReLU let something pass */
    return y;
}
