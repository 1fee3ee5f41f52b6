/*
 * update.h - the arithmetic of the optimizers, over many parameters at once. Private to optimizer.c, which
 * says where the formulas are from.
 */
#ifndef ENGINE_TRAIN_UPDATE_H
#define ENGINE_TRAIN_UPDATE_H

#include "engine/torch/tensor.h"

enum { UPDATE_STATE_MAX = 2, UPDATE_RULES = 3 };

typedef struct update_numbers {
    double momentum, weight_decay, beta1, beta2, eps;
    bool nesterov;
} update_numbers;

/* Parameters whose updates differ in nothing but their tensors: lists of COUNT. */
typedef struct update_group {
    size_t count;
    tensor **weight;
    tensor **grad;                    /* written to: the caller drops them afterwards */
    tensor **state[UPDATE_STATE_MAX]; /* NULL before the first update, which makes them: the caller's */
    tensor **scratch;                 /* room for COUNT */
    double lr;
    int64_t steps; /* updates so far, with this one */
    bool decays;   /* weight decay reaches them */
} update_group;

typedef struct update_rule {
    const char *name;
    const char *state[UPDATE_STATE_MAX]; /* torch's names; NULL past the last */
    void (*update)(tscope *s, const update_numbers *n, update_group *g);
} update_rule;

extern const update_rule update_rules[UPDATE_RULES];

/* A tensor as LIKE with zeros in it, kept. */
tensor *update_zeros(tscope *s, tensor *like);

#endif
