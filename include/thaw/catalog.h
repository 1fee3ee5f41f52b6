/*
 * catalog.h - the architectures and pretrained weights thaw knows, and where their files are.
 *
 * Facts come from engine/zoo/: catalog.json (torchvision's 115 weights) and bundled.json (ours, after them).
 * Nothing here needs libtorch.
 */
#ifndef THAW_CATALOG_H
#define THAW_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thaw/status.h"

/* One pretrained file. Strings are owned by the catalog; a NULL string or NaN number is "not known".
   Numbers that are none (resize 0) say that there is no such step. */
typedef struct thaw_weights_info {
    const char *arch;   /* "resnet18" */
    const char *name;   /* "IMAGENET1K_V1" */
    const char *family; /* "resnet" */
    const char *url, *file;
    const char *sha256_prefix;
    const char *older_file; /* another name the same weights had, or NULL */
    bool is_default;        /* what "weights": "DEFAULT" means for the architecture */
    bool buildable;         /* thaw has the architecture */
    bool bundled;           /* comes with thaw (a row of ours, not torchvision's) */
    int64_t parameters;
    double gflops; /* giga multiply-accumulates, as torchvision reports */
    double file_size_mb;
    double acc1, acc5; /* percent, on the set it was trained for */
    int resize, crop, min_size;
    const char *interpolation;
    float mean[3], std[3];
    const char *license, *recipe;
    const char *dataset; /* "ImageNet-1K", "CIFAR-10" */
    int classes;
} thaw_weights_info;

typedef struct thaw_catalog thaw_catalog;

thaw_status thaw_catalog_open(thaw_catalog **out);
void thaw_catalog_free(thaw_catalog *c); /* NULL is fine */
int thaw_catalog_count(const thaw_catalog *c);
const thaw_weights_info *thaw_catalog_at(const thaw_catalog *c, int index);
/* NAME "DEFAULT" or NULL: the architecture's default. Unknown names fail with the nearest. */
thaw_status thaw_catalog_find(const thaw_catalog *c, const char *arch, const char *name,
                              const thaw_weights_info **out);
/* The whole row as compact JSON with the field names of catalog.json and "cached"; free() it. */
char *thaw_catalog_json(const thaw_catalog *c, int index);

/* Where the file of INFO is on this machine, or NULL: bundled, a folder of $THAW_WEIGHTS (colons between
   them), $TORCH_HOME / $XDG_CACHE_HOME/torch / ~/.cache/torch under hub/checkpoints, the Hugging Face cache.
   Owned by the caller. */
char *thaw_catalog_locate(const thaw_weights_info *info);
/* Every place it is in, that one first; free with thaw_names_free of layers.h. */
char **thaw_catalog_locate_all(const thaw_weights_info *info, size_t *count);
/* A file called NAME in a folder of $THAW_WEIGHTS or where PyTorch keeps its own, or NULL. Owned by the
   caller. */
char *thaw_catalog_search(const char *name);
/* Does $THAW_WEIGHTS name FOLDER? */
bool thaw_catalog_searches(const char *folder);

/*
 * What a recipe's "weights" means for ARCH: the path of the file on this machine, owned by the caller.
 * WEIGHTS is a name of the catalog ("IMAGENET1K_V1", "DEFAULT") or the path of a file (it has a '/', a
 * weights file's extension, or there is such a file; one without a '/' may lie where thaw_catalog_search
 * looks). A file that is not there fails with what to type to get it. *INFO, unless INFO is NULL, is the row
 * whose facts (transform, classes) apply: the named one, the one whose file name the path has, else the
 * architecture's default; NULL when the catalog knows none. It is set also when the named row's file is not
 * here.
 */
thaw_status thaw_weights_resolve(const thaw_catalog *c, const char *arch, const char *weights, char **path,
                                 const thaw_weights_info **info);
/* Where the file of INFO is put so that thaw, and PyTorch, find it. Owned by the caller. */
char *thaw_catalog_destination(const thaw_weights_info *info);

/* The name of output LABEL of weights trained on INFO->dataset ("tench", "airplane"), or NULL. */
const char *thaw_catalog_class(const thaw_catalog *c, const char *dataset, int label);

#endif
