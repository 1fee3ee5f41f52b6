/*
 * layer.h - a model is a tree of layers; a pass walks it with tensors, or without.
 *
 * One forward function a kind serves twice. With tensors it computes. In a trace (pass.scope NULL) the same
 * function only carries shapes, and every leaf records its output shape, multiply-accumulates and activation
 * bytes. So a family writes its data flow once, and `thaw layers` works where libtorch is not installed.
 *
 * Names are torchvision's: layer.name is the last part ("conv1"), layer.path the whole ("layer1.0.conv1"),
 * and the parameters' keys are path + "." + param.name, in torchvision's state-dict order (tree order,
 * parameters first).
 */
#ifndef ENGINE_NN_LAYER_H
#define ENGINE_NN_LAYER_H

#include "engine/base/rng.h"
#include "engine/base/shape.h"
#include "engine/torch/tensor.h"
#include "thaw/layers.h"

typedef struct layer layer;

/* What flows between layers: always a shape, and a tensor unless tracing. Passed by value; the scope owns t.
 */
typedef struct act {
    shape size;
    tensor *t;
} act;

/* One walk. In a trace scope is NULL; a shape that does not fit is left in status and stops the walk. */
typedef struct pass {
    tscope *scope;
    bool training; /* as nn.Module.train(); a frozen layer behaves as in eval mode whatever this says */
    uint64_t dropout_seed; /* with dropout_step and the layer's index: the dropout masks, see RNG_DROPOUT */
    uint64_t dropout_step;
    thaw_status status;
} pass;

/* One row a kind of layer; families add rows of their own for their blocks. Static, never freed. */
typedef struct layer_kind {
    const char *name;                            /* torch's class name: "Conv2d", "BasicBlock" */
    act (*forward)(layer *self, pass *p, act x); /* may be NULL for a Sequential: children in order */
    void (*init)(layer *self, int index, float *values, size_t count,
                 rng *r); /* fill parameter INDEX; NULL: zeros */
} layer_kind;

typedef struct param {
    const char *name; /* "weight", "running_mean": static */
    shape size;
    dtype type;
    bool buffer; /* state that no optimizer sees: running statistics */
    tensor *t;   /* owned by the model; NULL until model_materialise */
} param;

/* How torchvision initialises a convolution or linear weight. */
typedef enum weight_init {
    INIT_DEFAULT, /* nn.Conv2d / nn.Linear: uniform(-1/sqrt(fan_in), 1/sqrt(fan_in)) for weight and bias */
    INIT_KAIMING_FAN_OUT,  /* normal, std sqrt(2 / fan_out); bias zero */
    INIT_KAIMING_FAN_IN,   /* normal, std sqrt(2 / fan_in); bias zero */
    INIT_NORMAL_001,       /* normal, std 0.01; bias zero */
    INIT_TRUNC_NORMAL_002, /* truncated normal, std 0.02; bias zero */
    INIT_XAVIER_UNIFORM,
} weight_init;

typedef struct conv_spec {
    int64_t in, out;
    int64_t kernel[2], stride[2], padding[2], dilation[2];
    int64_t groups;
    bool bias;
    weight_init init;
} conv_spec;

typedef struct norm_spec {
    int64_t features;
    double eps, momentum;
} norm_spec;

typedef struct linear_spec {
    int64_t in, out;
    bool bias;
    weight_init init;
} linear_spec;

/* The attributes of a leaf; which member counts follows from the kind. */
typedef union layer_spec {
    conv_spec conv;
    norm_spec norm;
    linear_spec linear;
    pool2d_params pool;
    int64_t adaptive[2]; /* output height and width */
    double dropout;      /* probability of dropping */
    unary_op activation;
    int64_t flatten_from; /* first dimension to flatten */
    int64_t family[8];    /* whatever a family's own kind needs */
} layer_spec;

struct layer {
    char *name, *path;
    const layer_kind *kind;
    layer *parent;
    layer **child;
    size_t child_count, child_capacity;
    layer_spec spec;
    param param[6];
    int param_count;
    int index;          /* place in the model's tree order, root 0; set by model_finish */
    int depth;          /* root 0 */
    thaw_freeze freeze; /* of a leaf; a container's is derived, see freeze.h */
    bool stateless_key; /* not a module in torchvision (a flatten, a head's extra dropout): absent from
                           `layers` keys */
    /* From the last trace, for one image (batch dimension 1). */
    shape output;
    int64_t macs;
    int64_t activation_bytes; /* fp32 bytes of what this leaf itself produces */
};

/* ---- building (families) ---- */

/* Add a child. The parent owns it; NAME is copied. Everything is torch's default unless the argument says
 * otherwise. */
layer *layer_add(layer *parent, const char *name, const layer_kind *kind);
layer *layer_root(const layer_kind *kind);
void layer_free(layer *root); /* with everything below; tensors must have been released by the model */
int layer_add_param(layer *l, const char *name, shape size, dtype type, bool buffer); /* its index */

layer *nn_sequential(layer *parent, const char *name);
/* Square kernel; padding as given, dilation 1, groups 1, no bias, INIT_DEFAULT. Change l->spec.conv before
   adding more only through the _with form, which takes everything. */
layer *nn_conv2d(layer *parent, const char *name, int64_t in, int64_t out, int64_t kernel, int64_t stride,
                 int64_t padding);
layer *nn_conv2d_with(layer *parent, const char *name, conv_spec spec);
layer *nn_batch_norm2d(layer *parent, const char *name, int64_t features); /* eps 1e-5, momentum 0.1 */
layer *nn_batch_norm2d_with(layer *parent, const char *name, norm_spec spec);
layer *nn_batch_norm1d(layer *parent, const char *name, int64_t features);
layer *nn_linear(layer *parent, const char *name, linear_spec spec);
layer *nn_activation(layer *parent, const char *name, unary_op op);
layer *nn_max_pool2d(layer *parent, const char *name, pool2d_params pool);
layer *nn_avg_pool2d(layer *parent, const char *name, pool2d_params pool);
layer *nn_adaptive_avg_pool2d(layer *parent, const char *name, int64_t height, int64_t width);
layer *nn_adaptive_max_pool2d(layer *parent, const char *name, int64_t height, int64_t width);
layer *nn_dropout(layer *parent, const char *name, double probability);
layer *nn_flatten(layer *parent, const char *name, int64_t from); /* stateless_key */

layer *layer_child(const layer *parent, const char *name); /* direct child by name, NULL when absent */
bool layer_is_leaf(const layer *l);                        /* computes itself: no children */
bool layer_is_norm(const layer *l);                        /* has running statistics */

/* ---- forward (kinds and families) ---- */

act layer_forward(layer *l, pass *p, act x);

/* Data flow between layers, in both modes. */
act act_add(pass *p, act a, act b); /* same shapes */
act act_mul(pass *p, act a, act b); /* broadcasting */
act act_cat(pass *p, const act *items, size_t count, int64_t dim);
act act_unary(pass *p, unary_op op, act x);
act act_relu_inplace(pass *p, act x); /* for a result nobody else reads */
act act_flatten(pass *p, act x, int64_t from);
act act_slice(pass *p, act x, int64_t dim, int64_t start, int64_t end, int64_t step);
act act_pad(pass *p, act x, const int64_t *pads, int count); /* zeros, torch order: last dimension first */
act act_reshape(pass *p, act x, shape size);
act act_permute(pass *p, act x, const int64_t *order, int count);
act act_mean(pass *p, act x, const int64_t *dims, int count);

/* For kinds: fail the walk with a message naming the layer; returns an empty act. */
act pass_fail(pass *p, const layer *l, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool pass_failed(const pass *p);
bool pass_tracing(const pass *p);

extern const layer_kind kind_sequential, kind_conv2d, kind_batch_norm2d, kind_batch_norm1d, kind_linear,
    kind_relu, kind_max_pool2d, kind_avg_pool2d, kind_adaptive_avg_pool2d, kind_adaptive_max_pool2d,
    kind_dropout, kind_flatten;

#endif
