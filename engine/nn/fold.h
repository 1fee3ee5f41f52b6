/*
 * fold.h - a convolution and the frozen norm that follows it, as one convolution.
 *
 * Batch norm with running statistics is y = x a + b with a = weight / sqrt(var + eps), b = bias - mean a, so
 * conv then norm is a convolution with weight W a and bias (bias a + b). Which norm follows which convolution
 * is found in the trace (the norm reads the convolution's output and nobody else does), so no family has to
 * say so. The pair is computed once and kept until one of its tensors changes. Where it applies the
 * convolution's layer already returns the normalised value, and the norm's layer returns what it is given.
 */
#ifndef ENGINE_NN_FOLD_H
#define ENGINE_NN_FOLD_H

#include "engine/nn/model.h"

typedef struct fold fold;
enum { FOLD_SOURCES = 6 };
struct fold {
    tensor *weight, *bias;
    tensor *source[FOLD_SOURCES];  /* what it was made of, ... */
    int64_t version[FOLD_SOURCES]; /* ... as it then was */
};

/* In a trace: NORM reads the output of FROM (or of no leaf: NULL). */
void fold_candidate(layer *norm, layer *from);
/* After a trace: keep the pairs in which the norm is the only reader. */
void fold_settle(model *m);

/* CONV computes for both in this walk. */
bool fold_applies(const layer *conv, const pass *p);
/* The pair for an input of X's type, made now when there is none yet. NULL after a failure. */
const fold *fold_get(layer *conv, pass *p, tensor *x);

/* Free all pairs under TOP. */
void fold_drop(model *m, layer *top);

#endif
