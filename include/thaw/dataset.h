/*
 * dataset.h - looking into a folder of images.
 */
#ifndef THAW_DATASET_H
#define THAW_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thaw/status.h"

typedef struct thaw_skipped {
    char *file;   /* relative to the dataset's folder */
    char *reason; /* "a GIF; JPEG, PNG and WebP are read" */
} thaw_skipped;

typedef struct thaw_dataset thaw_dataset;

typedef struct thaw_dataset_params {
    const char *path;    /* the folder; "~" is understood; "shapes" with no such folder: the bundled set, made
                            when absent */
    double val_fraction; /* 0..1, when folders name no split; 0.2 by default */
    bool verify; /* decode every file now, so that all broken ones are listed (slow); else only sniff */
    bool (*keep_going)(void *user); /* polled; false cancels; NULL: never */
    void *user;
} thaw_dataset_params;
thaw_dataset_params thaw_dataset_default_params(void);

thaw_status thaw_dataset_open(const thaw_dataset_params *params, thaw_dataset **out);
/* One more owner: a thread that reads while the first may let go. Each calls thaw_dataset_free; NULL is fine.
 */
thaw_dataset *thaw_dataset_share(thaw_dataset *d);
void thaw_dataset_free(thaw_dataset *d); /* NULL is fine */

const char *thaw_dataset_root(const thaw_dataset *d);
int thaw_dataset_class_count(const thaw_dataset *d);
const char *thaw_dataset_class_name(const thaw_dataset *d, int label);
size_t thaw_dataset_class_images(const thaw_dataset *d, int label, bool train);
size_t thaw_dataset_images(const thaw_dataset *d, bool train);
bool thaw_dataset_has_split(const thaw_dataset *d);
size_t thaw_dataset_skipped_count(const thaw_dataset *d);
const thaw_skipped *thaw_dataset_skipped_at(const thaw_dataset *d, size_t index);
/* Path (relative) and label of one image, and its size in pixels read from the header now. */
thaw_status thaw_dataset_image(const thaw_dataset *d, bool train, size_t index, const char **path, int *label,
                               int *width, int *height);

/* The same without opening the file: path (relative to the root; the dataset's) and label; NULL when there is
 * no such image. *LABEL may be NULL. */
const char *thaw_dataset_file(const thaw_dataset *d, bool train, size_t index, int *label);
/* Where the images of LABEL begin among those of a side; thaw_dataset_class_images of them follow. */
size_t thaw_dataset_class_first(const thaw_dataset *d, int label, bool train);

/* Decode one image to RGB bytes at most SIDE pixels on its longer side, for showing. *rgb is owned by the
 * caller. */
thaw_status thaw_dataset_thumbnail(const thaw_dataset *d, bool train, size_t index, int side, int *width,
                                   int *height, uint8_t **rgb);

/* ---- the same picture more than once ---- */

typedef struct thaw_twin {
    size_t index; /* among the images of its side */
    bool train;
} thaw_twin;

/* Two or more files of one picture: training images first, each side in order. */
typedef struct thaw_twins {
    thaw_twin *item;
    size_t count;
    bool pixels;  /* the files differ, what they show does not */
    bool across;  /* on both sides: what is validated on was trained on */
    bool classes; /* under more than one class: one of them must be wrong */
} thaw_twins;

typedef struct thaw_duplicates {
    thaw_twins *group;             /* those across the sides first, then those across classes */
    size_t count, across, classes; /* groups: all, and of them those */
    size_t files;                  /* in all groups, one of each left out: what could go */
    size_t across_val;             /* validation images that are also trained on */
} thaw_duplicates;

typedef struct thaw_duplicates_params {
    bool pixels; /* decode every image and compare pixels too (slow); else files, byte for byte */
    bool (*go_on)(void *user, double part); /* asked now and then by the calling thread; false cancels */
    void *user;
} thaw_duplicates_params;

/* Find them by hashes of 128 bits. Memory: about 60 bytes an image and, with PIXELS, one decoded image a
 * thread. Files that cannot be read are nobody's twin. */
thaw_status thaw_duplicates_find(const thaw_dataset *d, const thaw_duplicates_params *params,
                                 thaw_duplicates *out);
void thaw_duplicates_clear(thaw_duplicates *d);

typedef struct thaw_shapes_params {
    const char *path;    /* folder to make; must be absent or empty */
    int train_per_class; /* 20 */
    int val_per_class;   /* 50 */
    int side;            /* pixels, 32 */
    uint64_t seed;       /* 0 */
} thaw_shapes_params;
thaw_shapes_params thaw_shapes_default_params(void);
/* Draw the `shapes` set: 8 classes of shapes on cluttered, noisy backgrounds, as JPEG files in train/ and
 * val/. */
thaw_status thaw_shapes_draw(const thaw_shapes_params *params);

#endif
