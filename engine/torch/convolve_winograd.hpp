/*
 * convolve_winograd.hpp - convolutions through winograd.hpp, with tensors, on libtorch's threads.
 */
#ifndef ENGINE_TORCH_CONVOLVE_WINOGRAD_HPP
#define ENGINE_TORCH_CONVOLVE_WINOGRAD_HPP

#include <ATen/core/Tensor.h>

#include "engine/torch/types.h"

/* This processor has the loops. */
bool winograd_possible();

/* A convolution with weights [OUT, IN, KERNEL...] of an input [images, in, height, width] in float32 that
 * these loops compute faster than oneDNN does. */
bool winograd_suits(at::IntArrayRef input, at::IntArrayRef weight, const conv2d_params &p);

/* Weights arranged for winograd_fused: [blocks of 32, 3, 3, in, 32]. */
at::Tensor winograd_arrange(const at::Tensor &weight);

/* X in float32 and channels_last; X + SUM may take SUM's place; ACTIVATION as in norm_fusable(), or none. */
at::Tensor winograd_fused(const at::Tensor &x, const at::Tensor &arranged, const at::Tensor &bias,
                          const conv2d_params &p, const at::Tensor &sum, bool overwrite, unary_op activation);

/* The same as at::conv2d gives, recorded where that would be. */
at::Tensor winograd_conv2d(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias,
                           const conv2d_params &p);

#endif
