/*
 * types.h - what the tensor interface and the plugin both name: no libtorch, and nothing called "torch",
 * which is a namespace on the plugin's side.
 */
#ifndef ENGINE_TORCH_TYPES_H
#define ENGINE_TORCH_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/shape.h"
#include "thaw/status.h"

typedef struct tensor tensor; /* an at::Tensor */
typedef struct cuda_graph cuda_graph;

/* Called by autograd, see t_on_gradient. */
typedef void gradient_call(void *user, int64_t tag);

typedef enum device_kind { DEVICE_CPU, DEVICE_CUDA } device_kind;

/* Where a tensor lives: index is ignored for the CPU. */
typedef struct device {
    device_kind kind;
    int index;
} device;

typedef enum memory_format {
    FORMAT_PRESERVE,
    FORMAT_CONTIGUOUS,
    FORMAT_CHANNELS_LAST,
    FORMAT_BLOCKED, /* oneDNN's own layout: t_to only, see tensor.h */
} memory_format;

typedef struct conv2d_params {
    int64_t stride[2], padding[2], dilation[2];
    int64_t groups;
    bool as_given; /* t_conv2d: in the type of its operands, whatever autocast would make of them */
} conv2d_params;

typedef struct pool2d_params {
    int64_t kernel[2], stride[2], padding[2], dilation[2]; /* dilation: max pooling only */
    bool ceil_mode;
    bool count_include_pad; /* average pooling only */
} pool2d_params;

typedef enum unary_op {
    UNARY_RELU,
    UNARY_RELU6,
    UNARY_SIGMOID,
    UNARY_SILU,
    UNARY_HARDSWISH,
    UNARY_HARDSIGMOID,
    UNARY_GELU,
    UNARY_TANH,
    UNARY_SQRT,
    UNARY_EXP,
    UNARY_LOG,
    UNARY_ABS,
    UNARY_NEG,
    UNARY_COUNT,
    UNARY_NONE = UNARY_COUNT, /* where there need not be one */
} unary_op;

/* What a convolution does besides on its way out: see t_conv2d_fused. */
typedef struct conv2d_fusion {
    tensor *sum;         /* is added, of the result's size and type; NULL: nothing is */
    bool overwrite;      /* the result may take SUM's place */
    unary_op activation; /* comes last: UNARY_NONE or one that conv2d_fusable() names; after SUM only ReLU */
} conv2d_fusion;

/* A batch norm with what comes after it: see t_batch_norm_fused. */
typedef struct norm_fusion {
    tensor *weight, *bias, *running_mean, *running_var;
    bool training; /* the batch's statistics, the running ones updated in place; else the running ones */
    double momentum, eps;
    tensor *sum;         /* is added to the normalised value, of its size; NULL: nothing is */
    unary_op activation; /* comes last: UNARY_NONE or one that norm_fusable() names */
} norm_fusion;

static inline bool norm_fusable(unary_op op) {
    return op == UNARY_RELU || op == UNARY_RELU6;
}

static inline bool conv2d_fusable(unary_op op) {
    return op == UNARY_RELU || op == UNARY_RELU6 || op == UNARY_SILU || op == UNARY_HARDSWISH;
}

#endif
