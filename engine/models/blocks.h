/*
 * blocks.h - what several families are made of, under the names and numbers torchvision gives the parts.
 */
#ifndef ENGINE_MODELS_BLOCKS_H
#define ENGINE_MODELS_BLOCKS_H

#include "engine/nn/layer.h"
#include "engine/nn/model.h"

enum { BLOCK_LINEAR = -1 }; /* no activation */

/* Convolution "0" without bias and padded to keep the size, norm "1", activation "2". Zero: one. */
typedef struct conv_norm {
    int64_t in, out, kernel, stride, groups;
    int activation; /* a unary_op, or BLOCK_LINEAR */
    norm_spec norm; /* eps and momentum; the features follow */
} conv_norm;
layer *block_conv_norm(layer *parent, const char *name, conv_norm spec);

/* A convolution without bias "conv", its norm "bn" with epsilon 0.001, and ReLU: the Inceptions' only layer.
 */
layer *block_basic_conv(layer *parent, const char *name, conv_spec spec);

/*
 * The Inceptions were trained on images in -1..1, and torchvision converts to that from what its other
 * models take, (x - mean) / deviation of ImageNet. Here too every image comes so. A layer without keys.
 */
layer *block_transform_input(layer *root);

/* Hu et al. 2018 (arXiv:1709.01507): each channel scaled by what GATE says of all channels' averages. */
layer *block_squeeze_excitation(layer *parent, const char *name, int64_t channels, int64_t squeezed,
                                unary_op activation, unary_op gate);

/*
 * x + f(x), where f is the layer's first child, or f(x) alone where the sizes differ. Optionally a child
 * "stochastic_depth" drops f in training.
 */
layer *block_residual(layer *parent, const char *name, const layer_kind *kind, bool residual);
act block_residual_forward(layer *self, pass *p, act x); /* for the kind's row */

/* "avgpool" to 1x1, which a head may replace, and "flatten", a stage each. FUNCTIONAL: that pool is no module
 * in torchvision. */
void block_pool_flatten(model *m, bool functional);

/* X rounded to a multiple of DIVISOR, but by no more than a tenth down: the mobile networks' widths. */
int64_t block_divisible(double x, int64_t divisor);

#endif
