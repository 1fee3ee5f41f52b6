/*
 * tensor.h - the tensors of libtorch, seen from C.
 *
 * The program is not linked to libtorch. torch_open() loads build/libthaw_torch.so (and with it libtorch)
 * with dlopen; everything else goes through the functions here, which call the plugin's table (plugin.h). No
 * exception leaves the plugin.
 *
 * Ownership: a tensor made by a t_ function belongs to the scope it was made in and dies with it, unless
 * t_keep() takes it out. Errors stick: after the first failure in a scope every further t_ call in it does
 * nothing and returns NULL, and a NULL operand is not an error of its own, so that a forward pass reads like
 * its paper and is checked once (only asking a NULL tensor for its numbers or its shape is):
 *
 *     tscope s;
 *     tscope_begin(&s, torch);
 *     tensor *y = t_relu(&s, t_conv2d(&s, x, w, NULL, params));
 *     tensor *loss = t_cross_entropy(&s, y, target, 0.0);
 *     t_backward(&s, loss);
 *     return tscope_end(&s);        // frees what was made, returns the first failure
 *
 * Scopes nest freely. One thread (the engine's) calls everything here; nothing is locked.
 */
#ifndef ENGINE_TORCH_TENSOR_H
#define ENGINE_TORCH_TENSOR_H

#include "engine/torch/types.h"

typedef struct torch torch; /* the loaded library */

/* ---- the library ---- */

typedef struct torch_params {
    int threads;             /* for libtorch's operations; 0: all cores of cpu_count() */
    const char *plugin_path; /* NULL: $THAW_TORCH_PLUGIN, else libthaw_torch.so beside the program, in its
                                build/, or in ../lib/thaw */
} torch_params;

/*
 * Load the plugin and libtorch: picks OPENBLAS_CORETYPE from CPUID first (unless the user set it), then sets
 * the thread count once. Takes most of a second; call it from the engine's thread. THAW_ERR_NO_TORCH says
 * what to install.
 */
thaw_status torch_open(const torch_params *params, torch **out);
void torch_close(torch *t); /* forgets the handle; the library stays loaded. NULL is fine */
/*
 * Memory that tensors on the host no longer use waits for the next ones, see pool.h. Many steps of the same
 * sizes are about to come (the weights are there already); and after a run: what waits goes back to the
 * system.
 */
void torch_expect_steps(void);
void torch_let_go(void);
void torch_trim(void);

typedef struct torch_facts {
    char version[48];  /* "1.13.0", "2.13.0+cpu": libtorch's own */
    int major;         /* 1, 2: its first number; what is slow or missing differs most between these */
    char library[512]; /* path of libtorch_cpu.so in use */
    int threads;
    int cuda_devices; /* 0 without CUDA */
    bool cuda_built;  /* this libtorch has CUDA code */
    bool onednn;
    char blas[128]; /* "OpenBLAS 0.3.21 (Zen)", "reference BLAS", "MKL" */
    bool winograd;  /* 3x3 convolutions in float32 go through the plugin's own loops, see t_conv2d */
    bool slow_blas; /* the reference BLAS: about 3 GFLOP/s; install libopenblas0-openmp */
    bool cpu_avx512;
    bool cpu_bf16; /* bf16 is fast here: the processor has AMX (or avx512_bf16, see cpu.h) and libtorch uses
                      it */
} torch_facts;
const torch_facts *torch_about(const torch *t);
thaw_status torch_plugin_path(char **out);  /* of the plugin that torch_open loads by default; the caller's */
int64_t torch_live_tensors(const torch *t); /* handles not yet freed, in all scopes: what leak tests count */

/* "NVIDIA H100 80GB" and memory in bytes (free, total). On the CPU: the processor's name, what may still be
 * had (by the system and by the control group), and system memory. */
thaw_status torch_device_describe(torch *t, device d, char *name, size_t name_size, uint64_t *free_bytes,
                                  uint64_t *total_bytes);

/* "cpu", "cuda", "cuda:1", "auto" (CUDA when there is one). Unknown or absent devices fail by name. */
thaw_status torch_parse_device(const torch *t, const char *text, device *out);
enum { DEVICE_TEXT_MAX = 24 };
const char *device_text(device d, char buffer[DEVICE_TEXT_MAX]);

thaw_status torch_synchronize(torch *t, device d); /* wait for the device's queue; nothing to do on the CPU */

/*
 * CUDA graphs: what this thread has D do between begin and end is not done but recorded, as one launch.
 * Between them nothing may wait for the device or be read back, and memory must come from tensors that
 * outlive the graph or were made while it was recorded; those die with it. Libtorch 2.1 and later built with
 * CUDA.
 */
bool torch_graphs(torch *t, device d); /* there are any on D */
thaw_status torch_graph_begin(torch *t, device d, cuda_graph **out);
thaw_status torch_graph_end(torch *t, cuda_graph *g); /* to be called whatever happened since begin */
thaw_status torch_graph_launch(torch *t, cuda_graph *g);
void torch_graph_free(torch *t, cuda_graph *g); /* NULL is fine */

/* Whether t_conv2d_fused is there for TYPE: libtorch 2 and a processor that can. Tried once, then known. */
bool torch_conv2d_fuses(torch *t, dtype type);
/* Whether t_batch_norm_fused is, on D: the plugin's own loops, on libtorch's threads. */
bool torch_batch_norm_fuses(const torch *t, device d);

/* ---- scopes ---- */

typedef struct tscope {
    torch *torch;
    tensor **item;
    size_t count, capacity;
    thaw_status status; /* the first failure */
} tscope;

void tscope_begin(tscope *s, torch *t);
thaw_status tscope_end(tscope *s); /* frees everything still in it */
bool tscope_failed(const tscope *s);
void tscope_fail(tscope *s,
                 thaw_status status);  /* the caller's own failure; ignored when one is already there */
tensor *t_keep(tscope *s, tensor *x);  /* take X out of the scope; the caller tensor_free()s it */
tensor *t_adopt(tscope *s, tensor *x); /* the opposite: X, kept before, dies with S. NULL passes through */
void tensor_free(torch *t, tensor *x); /* NULL is fine */

/* ---- making, moving, reading ---- */

tensor *t_empty(tscope *s, shape size, dtype type, device d, memory_format f);
tensor *t_full(tscope *s, shape size, double value, dtype type, device d);
/* Copies: BYTES holds the elements in row-major order (contiguous) of SIZE. */
tensor *t_from_data(tscope *s, shape size, dtype type, const void *bytes, device d);
/* Borrows host memory, which must outlive the tensor: contiguous, or NHWC bytes seen as an NCHW channels_last
 * tensor. */
tensor *t_from_blob(tscope *s, shape size, dtype type, void *bytes, memory_format f);
/* BYTES of host memory (DTYPE_U8) that a CUDA device reads by itself; fails without one. */
tensor *t_pinned(tscope *s, size_t bytes);
tensor *t_clone(tscope *s, tensor *x);
tensor *t_detach(tscope *s, tensor *x);
/* X itself when nothing changes. From pinned memory to a CUDA device it does not wait for the copy: the
 * memory must stay as it is until something that was computed with it has been read. */
tensor *t_to(tscope *s, tensor *x, device d, dtype type, memory_format f);
void t_copy_(tscope *s, tensor *into, tensor *from); /* no gradient; converts type and device */
/* INTO, float32, is what each byte of X (N, C, H, W) stands for by TABLE (C, 256). On the CPU, which does it
 * with all its threads; nothing is recorded. */
void t_look_up_(tscope *s, tensor *into, tensor *x, tensor *table);
/* The elements, contiguous, in the tensor's own type, to host memory of exactly BYTES bytes. */
void t_read(tscope *s, tensor *x, void *out, size_t bytes);
double t_item(tscope *s, tensor *x); /* the only element; NaN after a failure */
shape t_shape(tscope *s, tensor *x); /* ndim 0 after a failure */
dtype t_dtype(tscope *s, tensor *x);
int64_t t_version(tscope *s, tensor *x);       /* grows with every change in place: has X changed since? */
void t_touch(tscope *s, tensor *x);            /* a change that t_version cannot know of, by a graph */
bool t_equal(tscope *s, tensor *a, tensor *b); /* same type, shape and bits (NaN payloads included) */
/* The host address of X's first element when it is on the CPU and all lie in the order of F (contiguous or
 * channels_last), without gaps; NULL otherwise. */
void *t_data(tscope *s, tensor *x, memory_format f);

/* ---- layers: NCHW, or (N, features) ---- */

/* In float32 and channels_last on the CPU by Winograd's filtering where that gains (conv_cost.h) and
 * torch_about()->winograd. */
tensor *t_conv2d(tscope *s, tensor *x, tensor *weight, tensor *bias_or_null, const conv2d_params *p);
/*
 * WEIGHT as t_conv2d takes it for an X in FORMAT_BLOCKED, where it is reordered once instead of at every
 * call. Of the operations here only conv2d, relu, add, add_, relu_, max_pool2d (dilation 1) and
 * adaptive_avg_pool2d (to 1x1) take FORMAT_BLOCKED; nothing of it is recorded. t_to goes there (on the CPU,
 * with torch_about()->onednn) and back.
 */
tensor *t_conv2d_weight(tscope *s, tensor *weight, const conv2d_params *p);
/*
 * The convolution of a dense channels_last X on the CPU, F's addition and activation in the same pass over
 * memory, where torch_conv2d_fuses(X's type) or, in float32, the convolution goes by Winograd's filtering; in
 * float32 one after the other elsewhere. WEIGHT is from t_conv2d_fused_weight, reordered once for an X of
 * INPUT (others are computed too, slower). Nothing of it is recorded.
 */
tensor *t_conv2d_fused(tscope *s, tensor *x, tensor *weight, tensor *bias_or_null, const conv2d_params *p,
                       const conv2d_fusion *f);
tensor *t_conv2d_fused_weight(tscope *s, tensor *weight, const conv2d_params *p, shape input);
tensor *t_linear(tscope *s, tensor *x, tensor *weight, tensor *bias_or_null);
/* training: batch statistics, running ones updated in place; otherwise running statistics. momentum as in
 * torch. */
tensor *t_batch_norm(tscope *s, tensor *x, tensor *weight, tensor *bias, tensor *running_mean,
                     tensor *running_var, bool training, double momentum, double eps);
/*
 * The batch norm of images (N, C, H, W) in float32 or bf16 on the CPU, F's addition and activation in the
 * same pass over memory, and the same backward; recorded. Computes in float32 and gives X's type, in
 * channels_last. Where F adds and activates, backward needs the result: it must not be changed in place.
 */
tensor *t_batch_norm_fused(tscope *s, tensor *x, const norm_fusion *f);
tensor *t_layer_norm(tscope *s, tensor *x, int normalized_dims, tensor *weight, tensor *bias, double eps);
/* softmax(Q K' scale + bias) V over the last two dimensions, (..., length, width); BIAS (or NULL) broadcasts
 * to (..., length, length). */
tensor *t_attention(tscope *s, tensor *q, tensor *k, tensor *v, tensor *bias_or_null, double scale);
tensor *t_max_pool2d(tscope *s, tensor *x, const pool2d_params *p);
tensor *t_avg_pool2d(tscope *s, tensor *x, const pool2d_params *p);
tensor *t_adaptive_avg_pool2d(tscope *s, tensor *x, int64_t height, int64_t width);
tensor *t_adaptive_max_pool2d(tscope *s, tensor *x, int64_t height, int64_t width);

tensor *t_unary(tscope *s, unary_op op, tensor *x);
void t_relu_(tscope *s, tensor *x); /* in place; for results nobody else needs */
static inline tensor *t_relu(tscope *s, tensor *x) {
    return t_unary(s, UNARY_RELU, x);
}

tensor *t_softmax(tscope *s, tensor *x, int64_t dim);
tensor *t_log_softmax(tscope *s, tensor *x, int64_t dim);
/* Mean over the batch. logits (N, C) float, target (N) int64; label_smoothing as in torch. */
tensor *t_cross_entropy(tscope *s, tensor *logits, tensor *target, double label_smoothing);
tensor *t_matmul(tscope *s, tensor *a, tensor *b);

/* ---- arithmetic and shape ---- */

tensor *t_add(tscope *s, tensor *a, tensor *b);
tensor *t_sub(tscope *s, tensor *a, tensor *b);
tensor *t_mul(tscope *s, tensor *a, tensor *b);
tensor *t_div(tscope *s, tensor *a, tensor *b);
tensor *t_scale(tscope *s, tensor *x, double factor, double offset); /* x * factor + offset */
tensor *t_cat(tscope *s, tensor *const *items, size_t count, int64_t dim);
tensor *t_slice(tscope *s, tensor *x, int64_t dim, int64_t start, int64_t end, int64_t step);
tensor *t_index_select(tscope *s, tensor *x, int64_t dim, tensor *index);
tensor *t_pad(tscope *s, tensor *x, const int64_t *pads, int count,
              double value); /* torch order: last dim first */
tensor *t_reshape(tscope *s, tensor *x, shape size);
tensor *t_permute(tscope *s, tensor *x, const int64_t *order, int count);
tensor *t_flatten(tscope *s, tensor *x, int64_t start_dim);
tensor *t_sum(tscope *s, tensor *x);
tensor *t_mean(tscope *s, tensor *x, const int64_t *dims, int count,
               bool keepdim);        /* count 0: over everything */
double t_norm(tscope *s, tensor *x); /* Euclidean, over everything */
/* The norms of COUNT tensors into OUT, which takes one waiting for the device and not COUNT of them. */
void t_norms(tscope *s, tensor *const *x, size_t count, double *out);

/* In place, never recorded by autograd. */
void t_fill_(tscope *s, tensor *x, double value);
void t_add_(tscope *s, tensor *x, tensor *y, double alpha); /* x += alpha y */

/*
 * The same of COUNT (at least one) tensors at once: what optimizers are made of. An operand has the shape of
 * the x it goes with. On CUDA a list of one type and device takes a launch or two, not one for each tensor.
 */
void t_foreach_scale_(tscope *s, tensor *const *x, size_t count, double factor,
                      double offset); /* x = x * factor + offset */
void t_foreach_add_(tscope *s, tensor *const *x, tensor *const *y, size_t count,
                    double alpha); /* x += alpha y */
void t_foreach_addcmul_(tscope *s, tensor *const *x, tensor *const *a, tensor *const *b, size_t count,
                        double v); /* x += v a b */
void t_foreach_addcdiv_(tscope *s, tensor *const *x, tensor *const *a, tensor *const *b, size_t count,
                        double v); /* x += v a / b */
void t_foreach_lerp_(tscope *s, tensor *const *x, tensor *const *y, size_t count,
                     double weight); /* x += weight (y - x) */
/* New tensors, into OUT: the square roots of X; NULLs after a failure. */
void t_foreach_sqrt(tscope *s, tensor *const *x, size_t count, tensor **out);

/* ---- autograd ---- */

void t_requires_grad_(tscope *s, tensor *x, bool on);
tensor *t_grad(tscope *s, tensor *x);   /* the gradient, or NULL without a failure when there is none */
void t_drop_grad(tscope *s, tensor *x); /* no gradient at all, not a zero one */
void t_set_grad(tscope *s, tensor *x, tensor *grad); /* GRAD itself, no copy */
void t_backward(tscope *s, tensor *loss);            /* accumulates into the leaves' gradients */
/* While X's graph lives: CALL(USER, TAG) when its gradient is known, from whatever thread autograd works in.
 * False, and nothing, when no gradient comes by. */
bool t_on_gradient(tscope *s, tensor *x, gradient_call *call, void *user, int64_t tag);
/* Turn recording off (or on) in this thread; returns what it was, to be put back. */
bool torch_grad_mode(torch *t, bool on);
/* Mixed precision in this thread: operations libtorch considers safe run in TYPE on D's kind. Drops cached
   casts when turned off. */
thaw_status torch_autocast(torch *t, device d, bool on, dtype type);
bool torch_autocasting(const torch *t); /* it is on, on any kind of device */
/* What convolutions compute in: autocast's type, without it TYPE. */
dtype torch_computes_in(const torch *t, dtype type);

#endif
