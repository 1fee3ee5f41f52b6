/*
 * fuse.h - a convolution that nothing changes, or a norm that is computed as such (it trains, or what is
 * before it does), with what is done to its result in the same pass over memory: the activation that follows,
 * or the residual addition and the ReLU after that.
 *
 * Which activation and which addition those are is found in the trace, like the norms of fold.h: they have to
 * be the only ones who read the result. In a walk it then gives the activated value already, marked as
 * such, and the activation's layer returns what it is given. What an addition waits for is deferred instead:
 * the act says so and holds the convolution's (or the norm's) input, the folded norm passes it on, and
 * act_add computes all of it at once. What else may meet such an act has it computed first (act_dense).
 *
 * Where a model computes so (pass.fused) its weights, norms folded in, are reordered once, and activations
 * stay dense in channels_last, so that what is not fused takes them as they are.
 */
#ifndef ENGINE_NN_FUSE_H
#define ENGINE_NN_FUSE_H

#include "engine/nn/model.h"

/* In a trace: ACTIVATION reads X; Y is the sum of A and something else. */
void fuse_candidate_activation(layer *activation, act x);
void fuse_candidate_sum(act a, act *y);
/* After a trace, and after fold_settle: keep what has one reader. */
void fuse_settle(model *m);

/* M computes so in TYPE, in what is not recorded: on the CPU, in channels_last, where libtorch can; or where
 * the plugin's own convolutions gain more than oneDNN's layout. */
bool fuse_possible(const model *m, dtype type);
/* In this walk CONV computes with what follows it. */
bool fuse_applies(const layer *conv, const pass *p);

/* Its result, of extents OUT, or one deferred. */
act fuse_convolution(layer *conv, pass *p, act x, shape out);
/* The same of a norm: in this walk X is what t_batch_norm_fused takes. */
bool fuse_takes_norm(const pass *p, act x);
act fuse_norm(layer *norm, pass *p, act x);
/* X, computed if that was deferred. */
act fuse_now(pass *p, act x);
/* A, which is deferred, and B, which is not. */
act fuse_add(pass *p, act a, act b);

/* X may be changed in place: nobody else needs it, no deferred convolution either. */
bool fuse_may_overwrite(const pass *p, act x);

#endif
