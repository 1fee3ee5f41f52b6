/*
 * picture_store.h - pictures for the screen, decoded by a job and kept for a while.
 *
 * Whoever draws says with each frame which pictures show. Those that are there come back; the others are
 * loaded, in the order asked for, and a frame follows when one is ready. What no longer shows when its turn
 * comes is not loaded. Only one file is decoded at a time, and memory is bounded whatever is looked at.
 */
#ifndef TUI_PICTURE_STORE_H
#define TUI_PICTURE_STORE_H

#include "thaw/picture.h"
#include "tui/app.h"

typedef enum picture_kind {
    PICTURE_FILE,       /* as it is */
    PICTURE_VALIDATION, /* as the network sees it in validation */
    PICTURE_TRAINING,   /* ... in an epoch of training */
} picture_kind;

typedef struct picture_key {
    picture_kind kind;
    const char *path; /* of the file; copied by the store */
    size_t index;     /* PICTURE_TRAINING: of the training image */
    int epoch;        /* the same: 0-based */
    int side;         /* pixels of the longer side wanted */
} picture_key;

/* What is known of a picture. Good until the next call on the store. */
typedef struct picture_state {
    const thaw_picture *picture; /* NULL: not there */
    const char *problem;         /* why it cannot be shown; NULL: it is being loaded */
} picture_state;

typedef struct picture_store picture_store;

picture_store *picture_store_new(app *a);
void picture_store_free(picture_store *s);
void picture_store_begin(picture_store *s); /* a frame */
picture_state picture_store_want(picture_store *s, const picture_key *key);
void picture_store_end(picture_store *s);    /* loads what is missing */
void picture_store_forget(picture_store *s); /* all of it: files may have changed */
/* Views are of another recipe from now on. */
void picture_store_forget_views(picture_store *s);
size_t picture_store_bytes(const picture_store *s); /* of pictures held */

#endif
