/*
 * fold.h - a convolution that nothing changes, made ready once: with the norm that follows it, and in the
 * layout in which the processor computes.
 *
 * Batch norm with running statistics is y = x a + b with a = weight / sqrt(var + eps), b = bias - mean a, so
 * conv then norm is a convolution with weight W a and bias (bias a + b). Which norm follows which convolution
 * is found in the trace (the norm reads the convolution's output and nobody else does), so no family has to
 * say so. Where that applies the convolution's layer already returns the normalised value, and the norm's
 * layer returns what it is given.
 *
 * On the CPU, where nothing is recorded, activations moreover stay in oneDNN's blocked layout from one
 * convolution to the next, and the weights are reordered once instead of at every step. Most other operations
 * do not know that layout; a trace counts how often a model would go back and forth, and where that is often
 * (after each convolution of MobileNet) all of it stays dense: see model.blocked.
 *
 * What was made is kept until one of the tensors it was made of has changed.
 */
#ifndef ENGINE_NN_FOLD_H
#define ENGINE_NN_FOLD_H

#include "engine/nn/model.h"

typedef struct fold fold;
typedef enum fold_layout { FOLD_DENSE, FOLD_BLOCKED, FOLD_FUSED } fold_layout; /* the last: see fuse.h */
enum { FOLD_SOURCES = 6 };
struct fold {
    tensor *weight, *bias; /* bias NULL: none */
    uint64_t made;         /* the how manieth of this process: no two are the same */
    dtype type;
    fold_layout layout;
    shape input;                   /* FOLD_FUSED: reordered for an input of these extents */
    tensor *source[FOLD_SOURCES];  /* what it was made of, ... */
    int64_t version[FOLD_SOURCES]; /* ... as it then was */
};

/* In a trace: NORM reads the output of FROM (or of no leaf: NULL). */
void fold_candidate(layer *norm, layer *from);
/* After a trace: keep the pairs in which the norm is the only reader. */
void fold_settle(model *m);

/* In this walk L neither changes nor has to be differentiated by its weights. */
bool fold_settled(const layer *l, const pass *p);
/* In this walk CONV computes with weights made ready; and for its norm as well. */
bool fold_applies(const layer *conv, const pass *p);
bool fold_takes_norm(const layer *conv, const pass *p);

/* X as such a convolution takes it. In a trace: what that would be, counted. */
act fold_input(pass *p, act x);
/* The weights for X's type, made now when there are none yet. NULL after a failure. */
const fold *fold_get(layer *conv, pass *p, tensor *x, const conv2d_params *params);

/* Free what was made under TOP. */
void fold_drop(model *m, layer *top);

#endif
