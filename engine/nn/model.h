/*
 * model.h - a tree of layers as a chain of stages, with the tensors that belong to it.
 *
 * A stage maps one activation to one, in execution order; between two stages lies a cut. Cut I is before
 * stage I, so cut 0 is the input. The last stage is the head (with whatever pooling and flattening stands
 * before it as stages of their own).
 *
 * model_build makes the tree and traces it; no libtorch is needed until model_materialise.
 */
#ifndef ENGINE_NN_MODEL_H
#define ENGINE_NN_MODEL_H

#include "engine/nn/layer.h"
#include "engine/nn/pixel_scale.h"

typedef struct model model;

/* What a family registers for each architecture: one row, see models/registry.h. */
typedef struct arch {
    const char *name;   /* torchvision's: "resnet18"; ours: "cifar_resnet20" */
    const char *family; /* "resnet", "cifar_resnet" */
    const char *head;   /* path of the layer that torchvision replaces: "fc", "classifier.6", "heads.head" */
    int input;          /* the usual side of the square input, pixels */
    int classes;        /* of the pretrained head: 1000, 10 */
    /* Add layers and stages; m->input is what the model is built for. */
    thaw_status (*build)(model *m, const struct arch *self, int classes);
    const void *params; /* the paper's table row, the family's own struct */
} arch;

/* A classifier that looks at what a stage in the middle gives; see auxiliary.h. */
typedef struct auxiliary {
    layer *top;
    const char *after; /* the stage's path; static */
    size_t stage;      /* its number */
    double weight;     /* what its loss counts beside the head's */
} auxiliary;

struct model {
    const arch *arch;
    layer *root;
    layer **stage; /* in execution order; not owned */
    size_t stage_count, stage_capacity;
    layer *head; /* the replaceable classifier: a stage, or inside one */
    layer *pool; /* what pools to 1x1 right before the head and may be exchanged; NULL where nothing does */
    bool head_conv;      /* the head is of 1x1 convolutions: the family classifies before it pools */
    bool head_bias;      /* the family's own head has a bias: so has a linear one in its place */
    layer *head_dropout; /* put before a linear head by model_replace_head, or NULL */
    auxiliary auxiliary[AUXILIARY_MAX];
    int auxiliary_count;
    bool auxiliary_used; /* they take part in training */
    int64_t features;    /* what the family's own pooling hands to the head */
    layer **order;       /* every layer in tree order, root first: order[l->index] == l */
    size_t order_count;
    int classes;
    shape input;  /* of one image with batch 1: (1, 3, H, W) */
    char *note;   /* what a person should know of the weights that were loaded, or NULL */
    torch *torch; /* NULL until materialised */
    device device;
    memory_format format;
    bool blocked;  /* from the last trace: FORMAT_BLOCKED pays where nothing is recorded, ... */
    bool filtered; /* ... or convolutions by Winograd's filtering do, in channels_last: see fuse_possible */
    pixel_scale pixels; /* what bytes stand for, once it has been said */
};

/* ---- building ---- */

/* The pretrained architecture as torchvision builds it, with CLASSES outputs (0: the pretrained count),
   traced at HEIGHT x WIDTH (0: the usual). Unknown names fail with the nearest known one. */
thaw_status model_build(const char *arch_name, int classes, int height, int width, model **out);
void model_free(model *m); /* NULL is fine */

/* After the tree or the stages changed: index, stage, head and order anew. A trace must follow. */
void model_number(model *m);
/* Free the tensors of TOP and everything below. */
void model_release(model *m, layer *top);

enum { MODEL_INPUT_MAX = 16384, MODEL_CLASSES_MAX = 1000000, MODEL_HIDDEN_MAX = 65536 };

/* For families, while building. The head is the layer at arch->head. */
void model_stage(model *m, layer *l);
void model_stage_each(model *m, layer *container); /* every child of CONTAINER is a stage of its own */

/*
 * Replace the head. Hidden sizes empty and dropout 0: a linear layer under torchvision's name. An MLP is a
 * Sequential under that name: Linear, [BatchNorm1d], ReLU, [Dropout], ..., Linear, as one would write it in
 * torch (1x1 Conv2d and BatchNorm2d where the family's own head is a convolution). Dropout before a plain
 * linear head is a stage of its own with no key. With head.auxiliary the auxiliary classifiers take part from
 * now on, their last layers replaced like the head. Materialised models get the new tensors at once from
 * SEED.
 */
thaw_status model_replace_head(model *m, const thaw_head *head, int classes, uint64_t seed);

/* Retrace for another input size; fails naming the first layer that does not fit (an image too small for it).
 */
thaw_status model_trace(model *m, int height, int width);

/* ---- looking ---- */

layer *model_find(const model *m, const char *path); /* NULL when absent */
/* Calls VISIT for every parameter and buffer in state-dict order with its key. */
typedef thaw_status (*model_visit)(void *user, layer *l, param *p, const char *key);
thaw_status model_each_param(const model *m, model_visit visit, void *user);
int64_t model_parameter_count(const model *m);
int64_t model_macs(const model *m);
const char *model_cut_name(const model *m,
                           size_t cut); /* "input", or the path of the stage before it. Static with m */

/* ---- with tensors ---- */

/*
 * Give every parameter a tensor on D, initialised as torchvision does, from SEED (our generator).
 * channels_last asks for that layout of 4-d weights. Who has weights to load does it in two steps, so that no
 * first value is drawn in vain: model_place says where tensors will be (and lets go of those there are),
 * weights_load makes those that the file has, and model_fill makes the rest.
 */
void model_place(model *m, torch *t, device d, bool channels_last);
thaw_status model_fill(model *m, uint64_t seed);
thaw_status model_materialise(model *m, torch *t, device d, bool channels_last, uint64_t seed);

/* What the bytes of images stand for, see pixel_scale.h; after model_place. */
thaw_status model_set_pixels(model *m, const float mean[PIXEL_CHANNELS], const float std[PIXEL_CHANNELS]);

/* Stages FROM..TO-1. X is (N, 3, H, W) at cut FROM: at cut 0 numbers, or bytes where model_set_pixels was
   called; bytes that stage 0 trains on must be done with, backward too, before the next such pass. Layers
   that are frozen run as in eval mode; see freeze.h. The stages before the first one that needs a gradient or
   moves statistics run with recording off, so cut PREFIX of freeze_prefix() costs no autograd. A failure is
   left in P's scope (and in P). */
act model_forward(model *m, pass *p, act x, size_t from, size_t to);

/* On the CPU, where nothing is recorded, model_forward takes so many images at a time. With one thread
   libtorch has a fast 1x1 convolution for 16 and more only. */
enum { MODEL_PIECE = 8, MODEL_PIECE_ONE_THREAD = 16 };
int model_piece(const model *m); /* which of them; the model has tensors */

#endif
