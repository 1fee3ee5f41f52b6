/*
 * plugin.h - the C interface between the program and libthaw_torch.so: one exported table of functions.
 *
 * The table below is the only list of operations. From it come the slots of torch_api, the declarations that
 * the plugin's C++ must match, the filled-in table and the regular wrappers in tensor.c. A new operation is a
 * row here, a function in ops_*.cpp and a documented declaration in tensor.h.
 *
 * A function that fails fills in *status and returns NULL (or 0); it touches nothing on success. No exception
 * leaves the plugin. A tensor that comes back is the caller's, to be given to release().
 */
#ifndef ENGINE_TORCH_PLUGIN_H
#define ENGINE_TORCH_PLUGIN_H

#include "engine/torch/types.h"

/* Raised when a struct of types.h or the meaning of an operation changes; rows are compared by themselves. */
enum { TORCH_API_VERSION = 1 };
#define TORCH_API_SYMBOL "thaw_torch_api"

/* What the plugin knows about the libtorch it stands on. */
typedef struct plugin_facts {
    char version[48];
    char library[512]; /* path of libtorch_cpu.so */
    char mkl[96];      /* "oneMKL 2024.2", empty when libtorch has none */
    bool onednn, cuda_built;
    bool openmp;   /* the plugin's own loops run on libtorch's threads */
    bool winograd; /* and those of winograd.hpp are for this processor */
    int cuda_devices;
} plugin_facts;

/* clang-format off */

/* OP(name, parameters, arguments, condition without which nothing happens): operations that make a tensor. */
#define TORCH_MAKERS(OP) \
    OP(empty, (shape size, dtype type, device d, memory_format f), (size, type, d, f), true) \
    OP(full, (shape size, double value, dtype type, device d), (size, value, type, d), true) \
    OP(from_data, (shape size, dtype type, const void *bytes, device d), (size, type, bytes, d), true) \
    OP(from_blob, (shape size, dtype type, void *bytes, memory_format f), (size, type, bytes, f), true) \
    OP(pinned, (size_t bytes), (bytes), true) \
    OP(clone, (tensor *x), (x), x) \
    OP(detach, (tensor *x), (x), x) \
    OP(to, (tensor *x, device d, dtype type, memory_format f), (x, d, type, f), x) \
    OP(conv2d, (tensor *x, tensor *weight, tensor *bias, const conv2d_params *p), (x, weight, bias, p), x && weight) \
    OP(conv2d_weight, (tensor *weight, const conv2d_params *p), (weight, p), weight) \
    OP(conv2d_fused, (tensor *x, tensor *weight, tensor *bias, const conv2d_params *p, const conv2d_fusion *f), \
       (x, weight, bias, p, f), x && weight) \
    OP(conv2d_fused_weight, (tensor *weight, const conv2d_params *p, shape input), (weight, p, input), weight) \
    OP(linear, (tensor *x, tensor *weight, tensor *bias), (x, weight, bias), x && weight) \
    OP(batch_norm, \
       (tensor *x, tensor *weight, tensor *bias, tensor *running_mean, tensor *running_var, bool training, \
        double momentum, double eps), \
       (x, weight, bias, running_mean, running_var, training, momentum, eps), x) \
    OP(batch_norm_fused, (tensor *x, const norm_fusion *f), (x, f), x) \
    OP(layer_norm, (tensor *x, int normalized_dims, tensor *weight, tensor *bias, double eps), \
       (x, normalized_dims, weight, bias, eps), x) \
    OP(attention, (tensor *q, tensor *k, tensor *v, tensor *bias, double scale), (q, k, v, bias, scale), q && k && v) \
    OP(max_pool2d, (tensor *x, const pool2d_params *p), (x, p), x) \
    OP(avg_pool2d, (tensor *x, const pool2d_params *p), (x, p), x) \
    OP(adaptive_avg_pool2d, (tensor *x, int64_t height, int64_t width), (x, height, width), x) \
    OP(adaptive_max_pool2d, (tensor *x, int64_t height, int64_t width), (x, height, width), x) \
    OP(unary, (unary_op op, tensor *x), (op, x), x) \
    OP(softmax, (tensor *x, int64_t dim), (x, dim), x) \
    OP(log_softmax, (tensor *x, int64_t dim), (x, dim), x) \
    OP(cross_entropy, (tensor *logits, tensor *target, double label_smoothing), \
       (logits, target, label_smoothing), logits && target) \
    OP(matmul, (tensor *a, tensor *b), (a, b), a && b) \
    OP(add, (tensor *a, tensor *b), (a, b), a && b) \
    OP(sub, (tensor *a, tensor *b), (a, b), a && b) \
    OP(mul, (tensor *a, tensor *b), (a, b), a && b) \
    OP(div, (tensor *a, tensor *b), (a, b), a && b) \
    OP(scale, (tensor *x, double factor, double offset), (x, factor, offset), x) \
    OP(cat, (tensor *const *items, size_t count, int64_t dim), (items, count, dim), all_given(items, count)) \
    OP(slice, (tensor *x, int64_t dim, int64_t start, int64_t end, int64_t step), (x, dim, start, end, step), x) \
    OP(index_select, (tensor *x, int64_t dim, tensor *index), (x, dim, index), x && index) \
    OP(pad, (tensor *x, const int64_t *pads, int count, double value), (x, pads, count, value), x) \
    OP(reshape, (tensor *x, shape size), (x, size), x) \
    OP(permute, (tensor *x, const int64_t *order, int count), (x, order, count), x) \
    OP(flatten, (tensor *x, int64_t start_dim), (x, start_dim), x) \
    OP(sum, (tensor *x), (x), x) \
    OP(mean, (tensor *x, const int64_t *dims, int count, bool keepdim), (x, dims, count, keepdim), x) \
    OP(grad, (tensor *x), (x), x)

/* Operations that change a tensor they are given. */
#define TORCH_CHANGERS(OP) \
    OP(copy_, (tensor *into, tensor *from), (into, from), into && from) \
    OP(look_up_, (tensor *into, tensor *x, tensor *table), (into, x, table), into && x && table) \
    OP(relu_, (tensor *x), (x), x) \
    OP(fill_, (tensor *x, double value), (x, value), x) \
    OP(add_, (tensor *x, tensor *y, double alpha), (x, y, alpha), x && y) \
    OP(foreach_scale_, (tensor *const *x, size_t count, double factor, double offset), \
       (x, count, factor, offset), all_given(x, count)) \
    OP(foreach_add_, (tensor *const *x, tensor *const *y, size_t count, double alpha), (x, y, count, alpha), \
       all_given(x, count) && all_given(y, count)) \
    OP(foreach_addcmul_, (tensor *const *x, tensor *const *a, tensor *const *b, size_t count, double v), \
       (x, a, b, count, v), all_given(x, count) && all_given(a, count) && all_given(b, count)) \
    OP(foreach_addcdiv_, (tensor *const *x, tensor *const *a, tensor *const *b, size_t count, double v), \
       (x, a, b, count, v), all_given(x, count) && all_given(a, count) && all_given(b, count)) \
    OP(foreach_lerp_, (tensor *const *x, tensor *const *y, size_t count, double weight), (x, y, count, weight), \
       all_given(x, count) && all_given(y, count)) \
    OP(requires_grad_, (tensor *x, bool on), (x, on), x) \
    OP(drop_grad, (tensor *x), (x), x) \
    OP(set_grad, (tensor *x, tensor *grad), (x, grad), x && grad) \
    OP(touch, (tensor *x), (x), x)

/* OP(result, name, parameters): everything that answers with something else; tensor.c wraps each by hand. */
#define TORCH_QUERIES(OP) \
    OP(bool, read, (tensor *x, void *out, size_t bytes)) \
    OP(double, item, (tensor *x)) \
    OP(double, norm, (tensor *x)) \
    OP(bool, norms, (tensor *const *x, size_t count, double *out)) \
    OP(shape, shape_of, (tensor *x)) \
    OP(dtype, dtype_of, (tensor *x)) \
    OP(int64_t, version_of, (tensor *x)) \
    OP(bool, equal, (tensor *a, tensor *b)) \
    OP(void *, data, (tensor *x, memory_format f)) \
    OP(bool, foreach_sqrt, (tensor *const *x, size_t count, tensor **out)) \
    OP(bool, backward, (tensor *loss)) \
    OP(bool, on_gradient, (tensor *x, gradient_call *call, void *user, int64_t tag)) \
    OP(bool, grad_mode, (bool on)) \
    OP(bool, autocast, (device d, bool on, dtype type)) \
    OP(bool, describe, (plugin_facts *out)) \
    OP(bool, conv2d_fuses, (dtype type)) \
    OP(int, set_threads, (int threads)) \
    OP(bool, set_memory, (void *(*take)(size_t bytes), void (*give)(void *memory))) \
    OP(bool, describe_device, (device d, char *name, size_t name_size, uint64_t *free_bytes, uint64_t *total_bytes)) \
    OP(bool, synchronize, (device d)) \
    OP(bool, graphs, (device d)) \
    OP(cuda_graph *, graph_begin, (device d)) \
    OP(bool, graph_end, (cuda_graph *g)) \
    OP(bool, graph_launch, (cuda_graph *g)) \
    OP(bool, graph_free, (cuda_graph *g))

#define TORCH_UNPAREN(...) __VA_ARGS__
#define TORCH_SLOT_MAKER(name, params, args, given)   tensor *(*name)(thaw_status *status, TORCH_UNPAREN params);
#define TORCH_SLOT_CHANGER(name, params, args, given) void (*name)(thaw_status *status, TORCH_UNPAREN params);
#define TORCH_SLOT_QUERY(result, name, params)        result (*name)(thaw_status *status, TORCH_UNPAREN params);

/* The rows as text. Both sides keep a copy, so that a plugin built from other rows is refused, not called. */
#define TORCH_TEXT(name, params, args, given) #name #params
#define TORCH_TEXT_QUERY(result, name, params) #result #name #params
#define TORCH_CONTRACT TORCH_MAKERS(TORCH_TEXT) TORCH_CHANGERS(TORCH_TEXT) TORCH_QUERIES(TORCH_TEXT_QUERY)

typedef struct torch_api {
    uint32_t version;     /* TORCH_API_VERSION; these three never move */
    uint32_t size;        /* sizeof(torch_api) */
    const char *contract; /* TORCH_CONTRACT */
    void (*release)(tensor *x);
    int64_t (*live)(void); /* tensors made and not yet released */
    TORCH_MAKERS(TORCH_SLOT_MAKER)
    TORCH_CHANGERS(TORCH_SLOT_CHANGER)
    TORCH_QUERIES(TORCH_SLOT_QUERY)
} torch_api;

/* clang-format on */

#endif
