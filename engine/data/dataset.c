/*
 * dataset.c - opening a dataset and answering questions about it.
 *
 * A dataset does not change once it is open; any thread may read it.
 */
#include "engine/data/dataset.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/str.h"
#include "engine/data/scan.h"
#include "engine/data/shapes.h"

static const char bundled_name[] = "shapes";

thaw_dataset_params thaw_dataset_default_params(void) {
    return (thaw_dataset_params){.val_fraction = 0.2};
}

int64_t sample_modified(const struct stat *info) {
    enum { NANOSECONDS = 1000000000 };
    return (int64_t)info->st_mtim.tv_sec * NANOSECONDS + info->st_mtim.tv_nsec;
}

bool sample_is(const sample *s, const struct stat *info) {
    return s->bytes == info->st_size && s->modified == sample_modified(info);
}

void dataset_skip(thaw_dataset *d, const char *path, const char *reason) {
    d->skipped = vec_reserve(d->skipped, &d->skipped_capacity, d->skipped_count + 1, sizeof *d->skipped);
    d->skipped[d->skipped_count++] = (thaw_skipped){.file = xstrdup(path), .reason = xstrdup(reason)};
}

/* The error for a folder that is not there, with the nearest name that is. */
static thaw_status explain_absence(const char *path) {
    const char *base = path_base(path);
    char *above = base > path ? xstrndup(path, (size_t)(base - path)) : xstrdup(".");
    name_list names = {0};
    thaw_status listed = walk_folders(above, &names);
    const char *nearest = thaw_failed(&listed) || !base[0]
                              ? NULL
                              : text_nearest(base, (const char *const *)names.item, names.count);
    thaw_status status;
    if (nearest)
        status = thaw_error(THAW_ERR_NOT_FOUND, "there is no folder %s; did you mean %s%s?", path,
                            base > path ? above : "", nearest);
    else
        status = thaw_error(
            THAW_ERR_NOT_FOUND,
            "there is no folder %s; give a folder with one folder of pictures a class, or \"%s\" for "
            "the bundled set",
            path, bundled_name);
    name_list_clear(&names);
    free(above);
    return status;
}

/* The folder to scan, owned by the caller. */
static thaw_status find_root(const char *wanted, char **root) {
    if (!wanted || !wanted[0])
        return thaw_error(THAW_ERR_USAGE,
                          "no dataset was named; give a folder, or \"%s\" for the bundled set", bundled_name);
    if (strcmp(wanted, bundled_name) == 0 && !path_exists(wanted)) return shapes_cached(root);
    char *path = path_expand(wanted);
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
        path[n - 1] = '\0';
    thaw_status status = thaw_ok();
    if (!path_exists(path))
        status = explain_absence(path);
    else if (!path_is_directory(path))
        status = thaw_error(THAW_ERR_USAGE,
                            "%s is a file; a dataset is a folder with one folder of pictures a class", path);
    if (thaw_failed(&status))
        free(path);
    else
        *root = path;
    return status;
}

/* Names go into JSON and come back from it: what is not UTF-8 in them would not be the same then. */
static void name_classes(thaw_dataset *d) {
    for (int i = 0; i < d->class_count; i++) {
        char *name = text_utf8(d->class_name[i]);
        free(d->class_name[i]);
        d->class_name[i] = name;
    }
}

thaw_status thaw_dataset_open(const thaw_dataset_params *params, thaw_dataset **out) {
    *out = NULL;
    if (!(params->val_fraction >= 0 && params->val_fraction <= 1))
        return thaw_error(THAW_ERR_USAGE, "val_fraction is %g; a number from 0 to 1 is expected",
                          params->val_fraction);
    char *root;
    THAW_TRY(find_root(params->path, &root));
    thaw_dataset *d = xcalloc(1, sizeof *d);
    d->root = root;
    atomic_init(&d->owners, 1);
    thaw_status status = dataset_scan(d, params);
    if (thaw_failed(&status)) {
        thaw_dataset_free(d);
        return status;
    }
    name_classes(d);
    *out = d;
    return status;
}

static void split_clear(split *s) {
    for (size_t i = 0; i < s->count; i++)
        free(s->item[i].path);
    free(s->item);
}

thaw_dataset *thaw_dataset_share(thaw_dataset *d) {
    if (d) atomic_fetch_add(&d->owners, 1);
    return d;
}

void thaw_dataset_free(thaw_dataset *d) {
    if (!d || atomic_fetch_sub(&d->owners, 1) > 1) return;
    split_clear(&d->train);
    split_clear(&d->val);
    for (int i = 0; i < d->class_count; i++)
        free(d->class_name[i]);
    free(d->class_name);
    for (size_t i = 0; i < d->skipped_count; i++) {
        free(d->skipped[i].file);
        free(d->skipped[i].reason);
    }
    free(d->skipped);
    free(d->root);
    free(d);
}

const char *thaw_dataset_root(const thaw_dataset *d) {
    return d->root;
}

int thaw_dataset_class_count(const thaw_dataset *d) {
    return d->class_count;
}

const char *thaw_dataset_class_name(const thaw_dataset *d, int label) {
    return label >= 0 && label < d->class_count ? d->class_name[label] : "?";
}

/* Where LABEL's samples begin; the scan leaves them in the order of their labels. */
static size_t first_of(const split *s, int label) {
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->item[middle].label < label)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t thaw_dataset_class_images(const thaw_dataset *d, int label, bool train) {
    const split *side = train ? &d->train : &d->val;
    return first_of(side, label + 1) - first_of(side, label);
}

size_t thaw_dataset_class_first(const thaw_dataset *d, int label, bool train) {
    return first_of(train ? &d->train : &d->val, label);
}

const char *thaw_dataset_file(const thaw_dataset *d, bool train, size_t index, int *label) {
    const split *side = train ? &d->train : &d->val;
    if (index >= side->count) return NULL;
    if (label) *label = side->item[index].label;
    return side->item[index].path;
}

size_t thaw_dataset_images(const thaw_dataset *d, bool train) {
    return train ? d->train.count : d->val.count;
}

bool thaw_dataset_has_split(const thaw_dataset *d) {
    return d->has_split;
}

size_t thaw_dataset_skipped_count(const thaw_dataset *d) {
    return d->skipped_count;
}

const thaw_skipped *thaw_dataset_skipped_at(const thaw_dataset *d, size_t index) {
    return index < d->skipped_count ? &d->skipped[index] : NULL;
}
