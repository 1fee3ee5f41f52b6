/*
 * weights.h - reading and writing state dicts: .safetensors, and what Python's torch.save writes.
 *
 * A weights_file is a mapped file and a list of entries that point into it. Nothing is executed: pickles go
 * through a restricted reader (pickle.h) with a fixed allow-list and limits on depth, nodes and sizes;
 * everything else is refused by name. Content decides the format, not the extension.
 */
#ifndef ENGINE_WEIGHTS_WEIGHTS_H
#define ENGINE_WEIGHTS_WEIGHTS_H

#include "engine/base/shape.h"
#include "engine/base/str.h"
#include "engine/nn/model.h"
#include "thaw/status.h"
#include "thaw/weights.h"

typedef enum weights_format {
    WEIGHTS_SAFETENSORS,
    WEIGHTS_TORCH_ZIP,    /* torch.save since 1.6 */
    WEIGHTS_TORCH_LEGACY, /* torch.save before; torchvision's VGG files still are */
} weights_format;

/* One tensor of the file. data is checked to lie inside the mapping for every element that size and stride
 * reach. */
typedef struct weights_entry {
    char *key; /* as in the file, but for what weights_file_note says and a leading "module." */
    dtype type;
    shape size;
    int64_t stride[SHAPE_MAX_DIMS]; /* in elements */
    const uint8_t *data;            /* little-endian; not aligned */
} weights_entry;

typedef struct weights_file weights_file;

/* Open and list. Nested checkpoints ("state_dict", "model", "model_state_dict") are looked into. */
thaw_status weights_open(const char *path, weights_file **out);
/* From bytes in memory, which must outlive the file; NAME stands for the path in messages. Keys stay as they
 * are: not only models have tensors. */
thaw_status weights_open_memory(const char *name, const uint8_t *bytes, size_t size, weights_file **out);
/* Read the keys of a model's file as torchvision would have written them, where they are known under other
 * names; weights_open does. On failure the file is closed and *F is NULL. */
thaw_status weights_understand(weights_file **f);
void weights_close(weights_file *f);                  /* NULL is fine */
const char *weights_file_name(const weights_file *f); /* the path */
/* How keys that are unlike torchvision's were understood ("... read without the \"backbone.\" in front"), or
 * NULL.
 */
const char *weights_file_note(const weights_file *f);
weights_format weights_file_format(const weights_file *f);
size_t weights_count(const weights_file *f);
const weights_entry *weights_at(const weights_file *f, size_t index);
const weights_entry *weights_find(const weights_file *f, const char *key);
/* The safetensors metadata value of KEY, or NULL. */
const char *weights_metadata(const weights_file *f, const char *key);

/* ENTRY as contiguous elements of TYPE (float types convert among themselves, integers to int64): a copy in
   OUT, which has room for shape_elements(size) of them. */
thaw_status weights_copy(const weights_entry *entry, dtype type, void *out);

/* ---- into a model ---- */

/* What did not fit. Keys owned; weights_report_clear. */
typedef struct weights_report {
    size_t loaded;
    char **missing; /* the model has it, the file has not */
    size_t missing_count;
    char **extra; /* the file has it, the model has not */
    size_t extra_count;
    char **misfit; /* "layer4.0.conv1.weight: file [512, 256, 3, 3], model [256, 256, 3, 3]" */
    size_t misfit_count;
    char *note; /* "position embeddings interpolated from 14x14 to 10x10", or NULL: all is taken as it is */
} weights_report;
void weights_report_clear(weights_report *r);

typedef enum weights_head {
    WEIGHTS_HEAD_STRICT, /* every key must fit */
    WEIGHTS_HEAD_SKIP,   /* the head's keys may be missing, extra or of another size: it is being replaced */
} weights_head;

/*
 * Compare a file with a model (tensors not needed) and, in weights_load, copy it in. Missing
 * num_batches_tracked is not an error (old files lack it). Fails with a message naming the first offending
 * key, both shapes, how many more there are, and the likely cause (another architecture, another number of
 * classes). REPORT may be NULL. Tensors that the model has are copied into; a placed model (model_place)
 * gets one for each parameter that the file has. What a person should know of it is left in m->note.
 */
thaw_status weights_compare(const weights_file *f, const model *m, weights_head head, weights_report *report);
thaw_status weights_load(const weights_file *f, model *m, weights_head head, weights_report *report);

/* ---- writing ---- */

/* The name of the architecture whose keys and shapes are F's, or NULL. Static. */
const char *weights_guess_arch(const weights_file *f);

/* The architectures that share most tensors with F, best first; how many there are. */
size_t weights_nearest(const weights_file *f, thaw_weights_match best[THAW_WEIGHTS_NEAREST]);
/* The same in words: "nearest are resnet50 (98 % of the keys, 95 % with their shapes), ...". */
void weights_append_nearest(const weights_file *f, str *text);

/* One tensor to write: host memory, contiguous. */
typedef struct weights_item {
    const char *key;
    dtype type;
    shape size;
    const void *data;
} weights_item;

typedef struct weights_pair {
    const char *key, *value;
} weights_pair;

/* Atomic (file_replace's way). METADATA pairs go into "__metadata__". */
thaw_status weights_write_safetensors(const char *path, const weights_item *items, size_t count,
                                      const weights_pair *metadata, size_t metadata_count);
/* A zip that Python's torch.load(weights_only=True) reads as an OrderedDict of tensors. */
thaw_status weights_write_torch(const char *path, const weights_item *items, size_t count);

/* The model's whole state dict, in order, in the format that PATH's extension names (.safetensors, .pth,
 * .pt). */
thaw_status weights_save_model(const char *path, const model *m, const weights_pair *metadata,
                               size_t metadata_count);

#endif
