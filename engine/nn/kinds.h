/*
 * kinds.h - what the leaf kinds share: checks of what comes in, and the arithmetic of sliding windows.
 */
#ifndef ENGINE_NN_KINDS_H
#define ENGINE_NN_KINDS_H

#include "engine/nn/layer.h"

/* (N, CHANNELS, H, W), CHANNELS 0: any. Otherwise the walk fails. */
bool kind_takes_image(layer *self, pass *p, act x, int64_t channels);

/* How many places a window has over EXTENT (torch's pooling and convolution arithmetic); < 1: none. */
int64_t kind_window(int64_t extent, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation,
                    bool ceil);

/* Fails the walk: X is smaller than the layer's window. */
act kind_too_small(layer *self, pass *p, act x);

/* A Conv2d's attributes as tensor.h takes them. */
conv2d_params kind_conv_params(const layer *conv);

/* A norm's tensors and attributes, and whether it uses the batch's statistics in this walk; nothing added. */
norm_fusion kind_norm_params(const layer *norm, const pass *p);

#endif
