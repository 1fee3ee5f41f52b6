/*
 * fold.c - see fold.h.
 */
#include "engine/nn/fold.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

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

/* In this walk L neither changes nor has to be differentiated by its weights. */
static bool settled(const layer *l, const pass *p) {
    if (l->freeze == THAW_FROZEN) return true;
    return !p->training && (!p->recording || l->freeze != THAW_TRAINABLE);
}

bool fold_applies(const layer *conv, const pass *p) {
    const layer *norm = conv->fold;
    if (!norm || !settled(conv, p) || !settled(norm, p)) return false;
    return conv->stage >= p->stage_begin && norm->stage < p->stage_end; /* both take part */
}

/* ---- making ---- */

enum { NORM_WEIGHT, NORM_BIAS, NORM_MEAN, NORM_VAR };

/* What the pair is made of; NULL for a convolution without bias. */
static void fold_sources(const layer *conv, tensor *source[FOLD_SOURCES]) {
    const layer *norm = conv->fold;
    source[0] = conv->param[0].t;
    source[1] = conv->param_count > 1 ? conv->param[1].t : NULL;
    for (int i = 0; i < NORM_VAR + 1; i++)
        source[2 + i] = norm->param[i].t;
}

static bool fold_current(tscope *s, const layer *conv, tensor *const source[FOLD_SOURCES], dtype type) {
    const fold *f = conv->folded;
    if (!f || t_dtype(s, f->weight) != type) return false;
    for (int i = 0; i < FOLD_SOURCES; i++)
        if (f->source[i] != source[i] || (source[i] && f->version[i] != t_version(s, source[i])))
            return false;
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

static thaw_status fold_make(layer *conv, pass *p, tensor *const source[FOLD_SOURCES], dtype type) {
    const layer *norm = conv->fold;
    tscope s;
    tscope_begin(&s, p->scope->torch);
    tensor *deviation = t_unary(&s, UNARY_SQRT, t_scale(&s, norm->param[NORM_VAR].t, 1, norm->spec.norm.eps));
    tensor *a = t_div(&s, norm->param[NORM_WEIGHT].t, deviation);
    tensor *center = norm->param[NORM_MEAN].t;
    if (source[1]) center = t_sub(&s, center, source[1]);
    tensor *weight = t_mul(&s, source[0], t_reshape(&s, a, SHAPE_4(conv->spec.conv.out, 1, 1, 1)));
    tensor *bias = t_sub(&s, norm->param[NORM_BIAS].t, t_mul(&s, center, a));
    weight = t_keep(&s, t_to(&s, t_detach(&s, weight), p->device, type, FORMAT_PRESERVE));
    bias = t_keep(&s, t_to(&s, t_detach(&s, bias), p->device, type, FORMAT_PRESERVE));
    fold *f = xcalloc(1, sizeof *f);
    f->weight = weight;
    f->bias = bias;
    for (int i = 0; i < FOLD_SOURCES; i++) {
        f->source[i] = source[i];
        f->version[i] = source[i] ? t_version(&s, source[i]) : 0;
    }
    conv->folded = f;
    return tscope_end(&s);
}

const fold *fold_get(layer *conv, pass *p, tensor *x) {
    tensor *source[FOLD_SOURCES];
    dtype type = t_dtype(p->scope, x);
    fold_sources(conv, source);
    if (!fold_current(p->scope, conv, source, type)) {
        fold_free(p->scope->torch, conv);
        thaw_status status = fold_make(conv, p, source, type);
        if (thaw_failed(&status)) {
            fold_free(p->scope->torch, conv);
            tscope_fail(p->scope, status);
        }
    }
    return conv->folded;
}

static void drop_visit(void *user, layer *l) {
    fold_free(user, l);
}

void fold_drop(model *m, layer *top) {
    if (m->torch) layer_each(top, drop_visit, m->torch);
}
