/*
 * dataset.h - a folder of images as classes, a training and a validation list.
 *
 * Layouts: DIR/train/CLASS/FILE with DIR/val (or valid, validation, test)/CLASS/FILE; or DIR/CLASS/FILE,
 * split by a hash of each file's path relative to DIR, so that a file keeps its side whatever is added or
 * removed, whatever the seed. Classes are sorted by name (bytes), as ImageFolder does. Symbolic links are
 * followed, hidden files ignored.
 */
#ifndef ENGINE_DATA_DATASET_H
#define ENGINE_DATA_DATASET_H

#include <stdatomic.h>

#include "thaw/dataset.h"

typedef struct sample {
    char *path; /* relative to the root; owned by the dataset */
    int label;
    int64_t bytes, modified; /* when it was opened: its size, and its time in nanoseconds since 1970 */
    bool told;               /* the trainer's: that it is another file by now */
} sample;

typedef struct split {
    sample *item; /* in the order of their labels */
    size_t count, capacity;
} split;

struct thaw_dataset {
    char *root;
    char **class_name;
    int class_count;
    split train, val;
    thaw_skipped *skipped; /* by the scan: not an image by content, unreadable */
    size_t skipped_count, skipped_capacity;
    bool has_split; /* folders named the sides */
    atomic_int owners;
};

/* Every file is opened and its first bytes looked at (sniffing); decoding failures show up later in the
 * loader. */
struct stat;
int64_t sample_modified(const struct stat *info);         /* as in sample.modified */
bool sample_is(const sample *s, const struct stat *info); /* the file is still the one that was opened */
void dataset_skip(thaw_dataset *d, const char *path, const char *reason); /* copies both */

#endif
