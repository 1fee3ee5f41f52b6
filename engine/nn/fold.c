/*
 * fold.c - see fold.h.
 */
#include "engine/nn/fold.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "engine/nn/fuse.h"

/* ---- which norm follows which convolution ---- */

void fold_candidate(layer *norm, layer *from) {
    norm->fold = from && from->kind == &kind_conv2d && norm->kind == &kind_batch_norm2d ? from : NULL;
}

static void settle_visit(void *user, layer *norm) {
    (void)user;
    if (!layer_is_norm(norm) || !norm->fold) return;
    if (norm->fold->readers == 1)
        norm->fold->fold = norm;
    else
        norm->fold = NULL;
}

void fold_settle(model *m) {
    layer_each(m->root, settle_visit, NULL);
}

/* ---- when ---- */

bool fold_settled(const layer *l, const pass *p) {
    if (l->freeze == THAW_FROZEN) return true;
    return !p->training && (!p->recording || l->freeze != THAW_TRAINABLE);
}

bool fold_takes_norm(const layer *conv, const pass *p) {
    const layer *norm = conv->fold;
    if (!norm || !fold_settled(conv, p) || !fold_settled(norm, p)) return false;
    return conv->stage >= p->stage_begin && norm->stage < p->stage_end; /* both take part */
}

bool fold_applies(const layer *conv, const pass *p) {
    return fold_takes_norm(conv, p) || (p->blocked && fold_settled(conv, p));
}

act fold_input(pass *p, act x) {
    if (pass_tracing(p)) {
        p->convolutions++;
        p->conversions += !x.blocked;
        x.blocked = true;
        return x;
    }
    if (!p->blocked || x.blocked) return x;
    x.t = t_to(p->scope, x.t, p->device, DTYPE_F32, FORMAT_BLOCKED);
    x.blocked = true;
    return x;
}

/* ---- making ---- */

enum { NORM_WEIGHT, NORM_BIAS, NORM_MEAN, NORM_VAR };

/* What it is made of, NULL for what there is not. */
static void fold_sources(const layer *conv, const layer *norm, tensor *source[FOLD_SOURCES]) {
    source[0] = conv->param[0].t;
    source[1] = conv->param_count > 1 ? conv->param[1].t : NULL;
    for (int i = 0; i <= NORM_VAR; i++)
        source[2 + i] = norm ? norm->param[i].t : NULL;
}

/* There is one, made as WANTED is to be, of tensors that are still the same. */
static bool fold_current(tscope *s, const fold *f, const fold *wanted) {
    if (!f || f->type != wanted->type || f->layout != wanted->layout) return false;
    if (!shape_equal(&f->input, &wanted->input)) return false;
    for (int i = 0; i < FOLD_SOURCES; i++) {
        tensor *source = wanted->source[i];
        if (f->source[i] != source || (source && f->version[i] != t_version(s, source))) return false;
    }
    return true;
}

static void fold_free(torch *t, layer *conv) {
    fold *f = conv->folded;
    if (!f) return;
    tensor_free(t, f->weight);
    tensor_free(t, f->bias);
    free(f);
    conv->folded = NULL;
}

/* Weight and bias of CONV and NORM together, in float32. */
static void fold_norm(tscope *s, const layer *conv, const layer *norm, tensor **weight, tensor **bias) {
    tensor *deviation = t_unary(s, UNARY_SQRT, t_scale(s, norm->param[NORM_VAR].t, 1, norm->spec.norm.eps));
    tensor *a = t_div(s, norm->param[NORM_WEIGHT].t, deviation);
    tensor *center = norm->param[NORM_MEAN].t;
    if (*bias) center = t_sub(s, center, *bias);
    *weight = t_mul(s, *weight, t_reshape(s, a, SHAPE_4(conv->spec.conv.out, 1, 1, 1)));
    *bias = t_sub(s, norm->param[NORM_BIAS].t, t_mul(s, center, a));
}

static thaw_status fold_make(layer *conv, const layer *norm, pass *p, fold *f, const conv2d_params *params) {
    tscope s;
    tscope_begin(&s, p->scope->torch);
    for (int i = 0; i < FOLD_SOURCES; i++)
        if (f->source[i]) f->version[i] = t_version(&s, f->source[i]);
    tensor *weight = t_detach(&s, f->source[0]), *bias = t_detach(&s, f->source[1]);
    if (norm) fold_norm(&s, conv, norm, &weight, &bias);
    weight = t_to(&s, weight, p->device, f->type, FORMAT_PRESERVE);
    bool blocked = f->layout == FOLD_BLOCKED;
    bias = t_to(&s, bias, p->device, f->type, blocked ? FORMAT_BLOCKED : FORMAT_PRESERVE);
    if (blocked) weight = t_conv2d_weight(&s, weight, params);
    if (f->layout == FOLD_FUSED) weight = t_conv2d_fused_weight(&s, weight, params, f->input);
    f->weight = t_keep(&s, weight);
    f->bias = t_keep(&s, bias);
    return tscope_end(&s);
}

static fold_layout layout_of(const layer *conv, const pass *p) {
    if (fuse_applies(conv, p)) return FOLD_FUSED;
    return p->blocked ? FOLD_BLOCKED : FOLD_DENSE;
}

const fold *fold_get(layer *conv, pass *p, tensor *x, const conv2d_params *params) {
    const layer *norm = fold_takes_norm(conv, p) ? conv->fold : NULL;
    fold wanted = {.type = p->blocked ? DTYPE_F32 : t_dtype(p->scope, x), .layout = layout_of(conv, p)};
    if (wanted.layout == FOLD_FUSED) wanted.input = t_shape(p->scope, x);
    fold_sources(conv, norm, wanted.source);
    if (fold_current(p->scope, conv->folded, &wanted)) return conv->folded;
    fold_free(p->scope->torch, conv);
    static atomic_ullong made;
    wanted.made = atomic_fetch_add(&made, 1);
    conv->folded = xcalloc(1, sizeof *conv->folded);
    *conv->folded = wanted;
    thaw_status status = fold_make(conv, norm, p, conv->folded, params);
    if (thaw_failed(&status)) {
        fold_free(p->scope->torch, conv);
        tscope_fail(p->scope, status);
    }
    return conv->folded;
}

static void drop_visit(void *user, layer *l) {
    fold_free(user, l);
}

void fold_drop(model *m, layer *top) {
    if (m->torch) layer_each(top, drop_visit, m->torch);
}
