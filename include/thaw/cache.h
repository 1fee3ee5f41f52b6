/*
 * cache.h - what is kept on disk of the outputs of frozen layers, for later runs:
 * $XDG_CACHE_HOME/thaw/outputs, a folder for each model, cut, transform and dataset (docs/recipe.md, "What is
 * kept"). Nothing there is needed: what is removed is computed again.
 */
#ifndef THAW_CACHE_H
#define THAW_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thaw/status.h"

typedef struct thaw_cache_info {
    char *name, *folder;
    char *model, *layer; /* what is kept is the output of LAYER */
    char *data;          /* the dataset's folder */
    char *images;        /* "train" or "val" */
    int64_t outputs, bytes;
    double used;   /* Unix time it was last opened */
    bool in_use;   /* by a run of the moment */
    char *problem; /* why it cannot be used, or NULL; model, layer, data and images may then be NULL */
} thaw_cache_info;

char *thaw_cache_folder(void); /* owned by the caller */
/*
 * Bytes that all of it may take: $THAW_CACHE_LIMIT ("20G", "500M"; "0": nothing is kept on disk), else 10
 * GiB. A value that is no size fails, and the limit is then 0.
 */
thaw_status thaw_cache_limit(int64_t *bytes);

/* Last used first. Caller frees. */
thaw_status thaw_cache_list(thaw_cache_info **out, size_t *count);
void thaw_cache_list_free(thaw_cache_info *infos, size_t count);

/*
 * Remove what is kept: all of it, or with NAME what has a name beginning so. What a run uses stays, and is
 * counted in KEPT. BYTES: how much was removed. Fails when NAME fits nothing.
 */
thaw_status thaw_cache_clear(const char *name, size_t *removed, size_t *kept, int64_t *bytes);

#endif
