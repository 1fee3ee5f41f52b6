/*
 * picture.h - pictures for looking at: a file made small, and what training would see of it.
 *
 * Both read and decode in the calling thread. A viewer is one thread's at a time.
 */
#ifndef THAW_PICTURE_H
#define THAW_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thaw/recipe.h"
#include "thaw/status.h"

typedef struct thaw_picture {
    int width, height;
    uint8_t *rgb; /* height x width x 3, owned */
} thaw_picture;

void thaw_picture_clear(thaw_picture *p);

enum { THAW_PICTURE_SIDE_MAX = 4096 };

/* Decode the file at PATH to at most SIDE pixels on its longer side (1..THAW_PICTURE_SIDE_MAX), never more
 * than it has. An animation gives what training gets: the status says why none can be read. KEEP_GOING is
 * asked now and then while it decodes; false gives it up with THAW_ERR_CANCELLED. NULL: nobody is asked. */
thaw_status thaw_picture_read(const char *path, int side, bool (*keep_going)(void *user), void *user,
                              thaw_picture *out);

/* A recipe's transform, with its seed, and the picture it was last asked for. */
typedef struct thaw_viewer thaw_viewer;
/* Fails when R names no model that thaw knows: how large images are depends on it. Weights that are not on
 * this machine are no reason to fail. */
thaw_status thaw_viewer_new(const thaw_recipe *r, thaw_viewer **out);
/* Give pictures up, as thaw_picture_read does, when KEEP_GOING says so. */
void thaw_viewer_ask(thaw_viewer *v, bool (*keep_going)(void *user), void *user);
void thaw_viewer_free(thaw_viewer *v);                 /* NULL is fine */
const char *thaw_viewer_augment(const thaw_viewer *v); /* "basic"; static */
int thaw_viewer_crop(const thaw_viewer *v);            /* side of what the network sees, pixels */

/*
 * What the network is shown of the file at PATH, before normalisation, made no larger than SIDE. TRAIN: image
 * INDEX of the training split in EPOCH, by the same random numbers as the loader's; else as in validation.
 */
thaw_status thaw_viewer_show(thaw_viewer *v, const char *path, bool train, size_t index, int epoch, int side,
                             thaw_picture *out);

#endif
