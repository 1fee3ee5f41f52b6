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
    if (x.sum && op == UNARY_RELU) x.sum->fuse.sum_activation = activation;
}

void fuse_candidate_sum(act a, act *y) {
    if (!a.conv) return;
    a.conv->fuse.added = true;
    a.conv->fuse.last = a.from;
    y->sum = a.conv;
}

static void settle_visit(void *user, layer *conv) {
    (void)user;
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
    return m->device.kind == DEVICE_CPU && m->format == FORMAT_CHANNELS_LAST &&
           torch_conv2d_fuses(m->torch, type);
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

static tensor *compute(layer *conv, pass *p, tensor *x, const conv2d_fusion *how) {
    conv2d_params params = kind_conv_params(conv);
    const fold *f = fold_get(conv, p, x, &params);
    return f ? t_conv2d_fused(p->scope, x, f->weight, f->bias, &params, how) : NULL;
}

static unary_op operation_of(const layer *activation) {
    return activation ? activation->spec.activation : UNARY_NONE;
}

act fuse_convolution(layer *conv, pass *p, act x, shape out) {
    x.t = t_to(p->scope, x.t, p->device, p->type, FORMAT_CHANNELS_LAST);
    bool last = gives_last(conv, p);
    if (last && conv->fuse.added) {
        act y = act_result(conv, p, x, out, 0, x.t);
        y.deferred = conv;
        y.fresh = false; /* it is X still */
        p->deferred++;
        return y;
    }
    layer *activation = last ? taking_part(conv->fuse.activation, p) : NULL;
    const conv2d_fusion how = {.activation = operation_of(activation)};
    act y = act_result(conv, p, x, out, 0, compute(conv, p, x.t, &how));
    y.activated = activation;
    return y;
}

/* X's convolution, which is waited for no longer. */
static layer *take_up(pass *p, act *x) {
    layer *conv = x->deferred;
    if (p->deferred > 0) p->deferred--;
    x->deferred = NULL;
    x->fresh = true;
    return conv;
}

act fuse_now(pass *p, act x) {
    if (!x.deferred || pass_failed(p)) return x;
    const conv2d_fusion how = {.activation = UNARY_NONE};
    layer *conv = take_up(p, &x);
    x.t = compute(conv, p, x.t, &how);
    return x;
}

act fuse_add(pass *p, act a, act b) {
    if (t_dtype(p->scope, b.t) != p->type) return act_add(p, fuse_now(p, a), b);
    layer *conv = take_up(p, &a);
    layer *activation = taking_part(conv->fuse.sum_activation, p);
    const conv2d_fusion how = {
        .sum = b.t, .overwrite = fuse_may_overwrite(p, b), .activation = operation_of(activation)};
    act y = act_operation(p, a, a.size, compute(conv, p, a.t, &how));
    y.activated = activation;
    return y;
}
