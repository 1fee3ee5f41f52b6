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

/* ---- folding ---- */

bool fold_applies(const layer *conv, const pass *p) {
    (void)conv;
    (void)p;
    return false;
}

const fold *fold_get(layer *conv, pass *p, tensor *x) {
    (void)p;
    (void)x;
    return conv->folded;
}

void fold_drop(model *m, layer *top) {
    (void)m;
    (void)top;
}
