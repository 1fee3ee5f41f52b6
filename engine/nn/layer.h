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

/*
 * What flows between layers: always a shape, and a tensor unless tracing. Passed by value; the scope owns t.
 * From outside (act){.size = ..., .t = ...} is enough. A block that reads X twice, once through something
 * that may work in place (an activation), passes act_shared(x) there.
 */
typedef struct act {
    shape size;
    tensor *t;
    bool fresh;       /* nobody else, autograd included, needs this value: it may be overwritten */
    bool blocked;     /* t is in FORMAT_BLOCKED: see act_dense */
    bool grad;        /* trace: it depends on a trainable parameter, so backward passes through it */
    layer *from;      /* the leaf that made it, when it is that leaf's output as it is */
    layer *conv;      /* trace: the convolution whose result it is, norm and idle dropout included */
    layer *sum;       /* trace: the convolution to whose result something was added */
    layer *deferred;  /* a convolution or norm that is still to be computed, T is its input: see fuse.h */
    layer *activated; /* this activation was already applied */
} act;

typedef struct pass pass;

/* Who wants to know where a walk with tensors is. */
typedef struct pass_watch {
    /* STAGE begins with X, what the one before gave. */
    void (*stage)(struct pass_watch *self, pass *p, size_t stage, tensor *x);
} pass_watch;

enum { AUXILIARY_MAX = 2 }; /* classifiers that look at the middle of a model: GoogLeNet has two */

/* One walk. In a trace scope is NULL; a shape that does not fit is left in status and stops the walk. */
struct pass {
    tscope *scope;
    bool training; /* as nn.Module.train(); a frozen layer behaves as in eval mode whatever this says */
    uint64_t dropout_seed; /* with dropout_step and the layer's index: the dropout masks, see RNG_DROPOUT */
    uint64_t dropout_step;
    thaw_status status;
    pass_watch *watch; /* borrowed, or NULL */
    struct host_tensors
        *places; /* borrowed: this pass is recorded, or the one before, see host_tensor.h; or NULL */
    /* What a training pass found beside its result: their logits, NULL where one took no part. */
    tensor *auxiliary[AUXILIARY_MAX];
    /* model_forward's and model_trace's own: leave zero. */
    device device;              /* where the model is */
    memory_format format;       /* of activations that are not blocked */
    bool blocked;               /* what is neither changed nor recorded may work in FORMAT_BLOCKED, ... */
    bool fused;                 /* ... or convolutions in one with what follows: see fuse.h */
    bool norms;                 /* norms that are computed as such are in one with what follows */
    dtype type;                 /* what convolutions compute in */
    int deferred;               /* how many wait for an addition */
    bool recording;             /* autograd listens: nothing may be changed in place but what is fresh */
    int stage_begin, stage_end; /* the stages of this walk: begin..end-1 */
    int executed;               /* trace: leaves walked so far */
    int convolutions;           /* trace: of those */
    int64_t macs, saved; /* trace: of a piece's convolutions, and what conv_filtering_saves() of those */
    int conversions;     /* trace: into FORMAT_BLOCKED and back, were all convolutions in it */
    layer *inside;       /* trace: the container being walked, which operations between layers belong to */
};

/* One row a kind of layer; families add rows of their own for their blocks. Static, never freed. */
typedef struct layer_kind {
    const char *name;                            /* torch's class name: "Conv2d", "BasicBlock" */
    act (*forward)(layer *self, pass *p, act x); /* NULL: the children in order, as a Sequential */
    /* Fill float parameter INDEX of COUNT elements; NULL: zeros. */
    void (*init)(layer *self, int index, float *values, size_t count, rng *r);
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
    INIT_NORMAL_01,        /* normal, std 0.1; bias zero */
    INIT_TRUNC_NORMAL_002, /* truncated normal, std 0.02; bias zero */
    INIT_XAVIER_UNIFORM,
    INIT_LECUN, /* normal, std sqrt(1 / fan_in); bias zero */
    INIT_ZERO,
    INIT_KAIMING_UNIFORM, /* uniform, bound sqrt(6 / fan_in); bias zero */
    INIT_UNIFORM_FAN_OUT, /* uniform, bound sqrt(3 / fan_out); bias zero */
    INIT_UNIFORM_OUT,     /* uniform, bound sqrt(1 / fan_out); bias zero */
} weight_init;

/* Zero means torch's default: stride, dilation and groups 1; eps 1e-5 and momentum 0.1. */
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

/* First values: CONSTANT, plus normal noise of DEVIATION. */
typedef struct parameter_spec {
    double constant, deviation;
} parameter_spec;

/* The attributes of a leaf; which member counts follows from the kind. */
typedef union layer_spec {
    conv_spec conv;
    norm_spec norm;
    linear_spec linear;
    pool2d_params pool;
    int64_t adaptive[2]; /* output height and width */
    double dropout;      /* probability of dropping: a value, or (StochasticDepth) all of an image */
    unary_op activation;
    parameter_spec parameter;
    int64_t flatten_from; /* first dimension to flatten */
    int64_t family[8];    /* whatever a family's own kind needs */
} layer_spec;

enum { LAYER_PARAMS_MAX = 6 };

/* What is done to a convolution's or a norm's result, see fuse.h; from the last trace. */
typedef struct fusing {
    layer *last;           /* its norm's, or what else handed it on: what the following reads */
    layer *activation;     /* that alone reads it, or NULL */
    bool added;            /* an addition alone reads it, as its first operand */
    layer *sum_activation; /* the ReLU that alone reads the sum, or NULL */
    int sum_readers;
} fusing;

struct layer {
    char *name, *path;
    const layer_kind *kind;
    layer *parent;
    layer **child;
    size_t child_count, child_capacity;
    layer_spec spec;
    param param[LAYER_PARAMS_MAX];
    int param_count;
    int index;          /* place in the model's tree order, root 0; set by model_finish */
    int depth;          /* root 0 */
    int stage;          /* the stage it is or lies in, -1 for one that holds several; set by model_finish */
    thaw_freeze freeze; /* of what it holds itself; a container's is derived, see freeze.h */
    bool functional;    /* not a module in torchvision (a flatten): lists for people leave it out */
    bool head;          /* belongs to the replaceable head */
    bool of_parent;     /* what it holds is its parent's own in torch: keys leave its name out */
    bool auxiliary;     /* belongs to an auxiliary classifier, which files may lack: see auxiliary.h */
    bool aside;         /* to one that is not asked for: loaded and saved, but in no pass and never trained */
    /* From the last trace, for one image (batch dimension 1). */
    shape output;
    int64_t macs;             /* its own; layer_macs() adds what lies below */
    int64_t activation_bytes; /* fp32 bytes it makes itself; nothing when it works in place */
    int64_t input_bytes;      /* of what it was last given */
    int executed;             /* its place in execution order, leaves only; -1: not reached */
    int readers;              /* how many layers and operations read its output */
    bool input_grad;          /* backward has to give it the gradient of its input */
    bool output_grad;         /* backward passes through its output */
    layer *fold; /* a convolution: the norm that alone reads it; a norm: that convolution. See fold.h */
    struct fold *folded; /* a convolution: it and its norm as one, made when first used; owned by the model */
    fusing fuse;         /* a convolution, a norm */
};

/* ---- building (families) ---- */

/* Add a child. The parent owns it; NAME is copied. Everything is torch's default unless the argument says
 * otherwise. */
layer *layer_add(layer *parent, const char *name, const layer_kind *kind);
layer *layer_root(const layer_kind *kind);
void layer_free(layer *root); /* with everything below; tensors must have been released by the model */
void layer_insert(layer *parent, size_t at, layer *child); /* a layer_root() becomes PARENT's child AT */
layer *layer_remove(layer *child);                         /* out of its parent: a root again, to be freed */
int layer_add_param(layer *l, const char *name, shape size, dtype type, bool buffer); /* its index */

/* "layer1", "0": a name into BUFFER, for loops. */
enum { NN_NAME_MAX = 48 };
const char *nn_name(char buffer[NN_NAME_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));

layer *nn_sequential(layer *parent, const char *name);
/* Square kernel, no bias; the _with form takes everything:
       nn_conv2d_with(l, "conv", (conv_spec){.in = 64, .out = 64, .kernel = {3, 3}, .padding = {1, 1}, .groups
   = 64})
 */
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
layer *nn_stochastic_depth(layer *parent, const char *name, double probability); /* by image: mode "row" */
layer *nn_flatten(layer *parent, const char *name, int64_t from);                /* functional */

/* A parameter that PARENT holds itself in torch, as a leaf; its key is PARENT's path and NAME. */
layer *nn_parameter(layer *parent, const char *name, shape size, double constant, double deviation);
layer *nn_layer_norm(layer *parent, const char *name, int64_t features, double eps); /* of (..., features) */
layer *nn_layer_norm2d(layer *parent, const char *name, int64_t features, double eps);
layer *nn_channels_last(layer *parent, const char *name);  /* (N, C, H, W) to (N, H, W, C): a Permute */
layer *nn_channels_first(layer *parent, const char *name); /* and back */
layer *nn_multihead_attention(layer *parent, const char *name, int64_t features, int64_t heads);

/* Every convolution (or linear layer, by KIND) from here down starts as INIT says: torchvision's "for m in
 * modules()". */
void nn_set_init(layer *top, const layer_kind *kind, weight_init init);

layer *layer_child(const layer *parent, const char *name); /* direct child by name, NULL when absent */
bool layer_is_leaf(const layer *l);                        /* computes itself: no children */
bool layer_is_norm(const layer *l);                        /* has running statistics */
char *param_key(const layer *l, const param *p);           /* "layer1.0.bn1.weight"; owned by the caller */
bool layer_inside(const layer *l, const layer *top);       /* TOP itself, or somewhere below it */
int64_t layer_parameters(const layer *l);                  /* of the subtree, buffers not counted */
int64_t layer_macs(const layer *l);                        /* of the subtree */

/* Walk L and everything below in tree order. */
typedef void (*layer_visit)(void *user, layer *l);
void layer_each(layer *l, layer_visit visit, void *user);

/* ---- forward (kinds and families) ---- */

act layer_forward(layer *l, pass *p, act x);

/* X through the named children of SELF, one after the other; NULL ends the list. So a block reads
       act y = layer_through(self, p, x, "conv1", "bn1", "relu", "conv2", "bn2", NULL); */
act layer_through(layer *self, pass *p, act x, ...) __attribute__((sentinel));
/* X through a child that may be absent (a shortcut's projection): then X itself. */
act layer_through_if(layer *self, pass *p, act x, const char *name);

/* The parameter that is SELF's child NAME, to compute with: shared, never overwritten. */
act layer_parameter(layer *self, pass *p, const char *name);

/* softmax(Q K' scale + bias) V of QKV (N, S, 3 * heads * width), giving (N, S, heads * width). Zeros: scale
 * 1/sqrt(width), no bias. SELF, a container, is charged the multiply-accumulates. */
typedef struct attention_params {
    double scale;
    tensor *bias;    /* broadcasts to (N, heads, S, S) */
    int64_t windows; /* not 0: N is images times this many, and the bias is (1, windows, heads, S, S) */
    bool grad;       /* trace: the bias, or what PREPARE uses, is trained */
    void (*prepare)(pass *p, void *user, tensor **q, tensor **k); /* may replace them; (N, heads, S, width) */
    void *user;
} attention_params;
act nn_attention(layer *self, pass *p, act qkv, int64_t heads, attention_params how);

/* Data flow between layers, in both modes. */
act act_add(pass *p, act a, act b); /* same shapes */
act act_mul(pass *p, act a, act b); /* broadcasting */
act act_cat(pass *p, const act *items, size_t count, int64_t dim);
act act_unary(pass *p, unary_op op, act x);
act act_shared(act x);         /* X, also read elsewhere: never overwritten */
act act_dense(pass *p, act x); /* X as other operations take it: not in FORMAT_BLOCKED */
act act_flatten(pass *p, act x, int64_t from);
act act_slice(pass *p, act x, int64_t dim, int64_t start, int64_t end, int64_t step);
act act_pad(pass *p, act x, const int64_t *pads, int count); /* zeros, torch order: last dimension first */
act act_reshape(pass *p, act x, shape size);
act act_permute(pass *p, act x, const int64_t *order, int count);
act act_mean(pass *p, act x, const int64_t *dims, int count);

/*
 * For kinds: what a leaf returns. act_result is something new: a trace (T is NULL then) records shape,
 * multiply-accumulates and bytes. act_same is X itself, untouched or overwritten. act_operation is what an
 * operation between layers returns.
 */
act act_result(layer *self, pass *p, act x, shape out, int64_t macs, tensor *t);
act act_same(layer *self, pass *p, act x);
act act_operation(pass *p, act x, shape out, tensor *t);
void act_read(pass *p, act x);                    /* a further operand: the trace counts readers */
bool layer_trains(const layer *l, const pass *p); /* a training pass in which L is not frozen */

/* For kinds: fail the walk with a message naming the layer; returns an empty act. */
act pass_fail(pass *p, const layer *l, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool pass_failed(const pass *p);
bool pass_tracing(const pass *p);

extern const layer_kind kind_sequential, kind_conv2d, kind_batch_norm2d, kind_batch_norm1d, kind_linear,
    kind_max_pool2d, kind_avg_pool2d, kind_adaptive_avg_pool2d, kind_adaptive_max_pool2d,
    kind_adaptive_avg_max_pool2d, kind_dropout, kind_stochastic_depth, kind_flatten, kind_parameter,
    kind_layer_norm, kind_layer_norm2d, kind_permute, kind_multihead_attention;
extern const layer_kind
    kind_activation[UNARY_COUNT]; /* by operation; the name is NULL where torch has no module */

#endif
