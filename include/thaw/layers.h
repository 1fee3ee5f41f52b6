/*
 * layers.h - a model as the workbench sees it: a flat list of layers with what each costs, and masks over it.
 *
 * Nothing here needs libtorch. All of it is plain data on the caller's thread.
 */
#ifndef THAW_LAYERS_H
#define THAW_LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thaw/status.h"

typedef enum thaw_freeze {
    THAW_TRAINABLE = 0,
    THAW_STATS_MOVING, /* weights frozen, batch-norm statistics still moving */
    THAW_FROZEN,
    THAW_MIXED, /* a container whose layers differ */
} thaw_freeze;

enum { THAW_HEAD_HIDDEN_MAX = 8 };

typedef enum thaw_pool { THAW_POOL_DEFAULT, THAW_POOL_AVG, THAW_POOL_MAX, THAW_POOL_AVG_MAX } thaw_pool;

/* The classifier put in place of the pretrained one. */
typedef struct thaw_head {
    int hidden[THAW_HEAD_HIDDEN_MAX]; /* sizes of the hidden layers; none: linear */
    int hidden_count;
    double dropout; /* 0..1, exclusive of 1 */
    bool batch_norm;
    bool auxiliary; /* the family's auxiliary classifiers are trained as well, for the new classes */
    thaw_pool pool; /* what pools before the head where the family pools; DEFAULT is the family's own */
} thaw_head;

typedef struct thaw_layer_info {
    const char *path; /* "layer1.0.conv1"; owned by the thaw_layers */
    const char *name; /* its last part */
    const char *kind; /* "Conv2d" */
    int depth;        /* 0: a child of the model */
    int parent;       /* index, or -1 */
    int end;          /* one past the last index of its subtree: index+1 for a leaf */
    int stage;        /* which stage of the chain it is or belongs to, -1 when none */
    int64_t output[5];
    int output_ndim;    /* without the batch dimension */
    int64_t parameters; /* of the subtree, buffers not counted */
    int64_t macs;       /* multiply-accumulates of the subtree for one image */
    int64_t activation_bytes;
    bool has_norm; /* the subtree has running statistics: the three states differ */
    bool is_head;
    bool is_aside; /* an auxiliary classifier that nobody asked for: kept and saved, but in no pass, untrained
                    */
} thaw_layer_info;

typedef struct thaw_layers thaw_layers;

/* Build ARCH with HEAD for CLASSES outputs (head NULL, classes 0: as pretrained), traced at INPUT pixels (0:
 * usual). */
thaw_status thaw_layers_new(const char *arch, const thaw_head *head, int classes, int input,
                            thaw_layers **out);
void thaw_layers_free(thaw_layers *layers); /* NULL is fine */

int thaw_layers_count(const thaw_layers *layers);
const thaw_layer_info *thaw_layers_at(const thaw_layers *layers, int index);
int thaw_layers_find(const thaw_layers *layers, const char *path); /* index or -1 */
int64_t thaw_layers_parameters(const thaw_layers *layers);

int thaw_layers_input(const thaw_layers *layers); /* side of the square input it was traced at, pixels */

/* What its state dict holds: parameters and buffers under torchvision's keys, in torchvision's order. */
typedef struct thaw_layers_tensor {
    const char *key; /* "layer1.0.conv1.weight"; owned by the thaw_layers */
    int64_t shape[5];
    int ndim;
    bool buffer; /* running statistics: no parameter */
} thaw_layers_tensor;
size_t thaw_layers_tensor_count(const thaw_layers *layers);
thaw_layers_tensor thaw_layers_tensor_at(const thaw_layers *layers, size_t index);

/* The cuts between stages, in execution order: "input", then the last layer before each. */
size_t thaw_layers_cut_count(const thaw_layers *layers);
const char *thaw_layers_cut_name(const thaw_layers *layers, size_t index);

/* ---- masks: the state of each layer, by index. All start trainable but for what is set. ---- */

thaw_freeze thaw_layers_state(const thaw_layers *layers,
                              int index); /* THAW_MIXED for a container that differs */
void thaw_layers_set(thaw_layers *layers, int index, thaw_freeze state); /* with its subtree */
/* Everything executed before INDEX gets STATE, and INDEX itself too. The head is left alone. */
void thaw_layers_set_below(thaw_layers *layers, int index, thaw_freeze state);
/* The layers matching a name or glob; how many matched, or an error naming the nearest. */
thaw_status thaw_layers_set_matching(thaw_layers *layers, const char *pattern, thaw_freeze state,
                                     int *matched);
/* Replace the whole mask. Names and globs; "all" is everything but the head. */
thaw_status thaw_layers_set_mask(thaw_layers *layers, const char *const *frozen, size_t frozen_count,
                                 const char *const *moving, size_t moving_count);
/* The shortest lists that describe the mask. Arrays of strings, owned by the caller: thaw_names_free. */
void thaw_layers_get_mask(const thaw_layers *layers, char ***frozen, size_t *frozen_count, char ***moving,
                          size_t *moving_count);
void thaw_names_free(char **names, size_t count);
/* A short label: "head only", "layer3+", "everything", "3 of 9 groups". Into BUFFER. */
const char *thaw_layers_mask_label(const thaw_layers *layers, char *buffer, size_t size);

/* ---- what a mask costs ---- */

typedef struct thaw_cost {
    int64_t trainable; /* parameters */
    int64_t parameters;
    double forward_macs;     /* per image */
    double backward_macs;    /* per image: gradients of inputs and of weights where needed */
    double relative_step;    /* (forward + backward) over that of training everything, 0..1 */
    int64_t memory_bytes;    /* what training takes in float32 at the batch size (thaw/memory.h), but for the
                                runtime and waiting images */
    size_t prefix_cut;       /* stages before it are entirely frozen */
    const char *prefix_name; /* "input", or the last layer of the frozen prefix */
} thaw_cost;

/* STATE_PER_PARAMETER: optimizer floats a trainable parameter (SGD with momentum 1, Adam 2). */
thaw_cost thaw_layers_cost(const thaw_layers *layers, int batch_size, int state_per_parameter);

#endif
