/*
 * loader.h - worker threads that turn file names into batches, ahead of the trainer.
 *
 * The order of an epoch, and each sample's randomness, come from (seed, epoch, index) alone: the batches are
 * the same whatever the number of workers. Buffers are recycled. A file that cannot be decoded is left out of
 * its batch, counted and listed once; a batch that loses all its files is delivered with count 0.
 */
#ifndef ENGINE_DATA_LOADER_H
#define ENGINE_DATA_LOADER_H

#include "engine/data/dataset.h"
#include "engine/data/transform.h"

typedef struct loader loader;

typedef struct loader_params {
    const thaw_dataset *dataset; /* borrowed; outlives the loader */
    bool train;                  /* which split; also: augment */
    transform transform;
    int batch_size; /* at most the split's size is used */
    bool shuffle;
    bool drop_last; /* leave out a last batch that is smaller, unless it is the only one */
    uint64_t seed;
    int workers;   /* threads; 0: up to cpu_count(), as many as are needed and do not disturb the caller */
    int computing; /* threads that the caller computes with between two batches; 0: one on each core */
    int depth;     /* batches in flight, those held included; 0: workers + 2 */
    size_t cache_bytes; /* decoded images kept in memory up to this; 0: none */
    /* Memory for the pixels of batches, which outlives the loader; NULL, or an answer of NULL: the loader's
     * own. */
    void *(*take_memory)(void *user, size_t bytes);
    void *memory_user;
    bool fast_decode; /* training may decode large JPEGs at a fraction (see image_decode) */
} loader_params;
loader_params loader_default_params(const thaw_dataset *dataset, bool train);

/*
 * Something is kept of the images, so that not all of them have to be read again. A view is one result of the
 * transform; entry IMAGE x VIEWS + VIEW stands for it.
 */
typedef struct loader_keeping {
    int views; /* an image: transform_views(), or where that is 0 the number at which they start over: epoch E
                  then draws an image as epoch E mod VIEWS did. 0: nothing is kept, every epoch draws anew */
    bool (*has)(void *user, size_t entry); /* the image need not be read. Called by any worker */
    void *user;
} loader_keeping;

/* One batch; pixels stay valid until loader_release. */
typedef struct batch {
    int count;       /* images in it */
    uint8_t *pixels; /* batch_size x crop x crop x 3 (NHWC); of the first count */
    int64_t *label;  /* count */
    uint32_t *index; /* count: place in the split */
    size_t *entry;   /* count: see loader_keeping; the place in the split when nothing is kept */
    bool *loaded;    /* count: the pixels are there; false where the entry was kept */
    int number;      /* 0.. in the epoch */
    double wait;     /* seconds that loader_next blocked for it */
} batch;

/* What the workers have done so far: seconds by the clock, summed over them. */
typedef struct loader_times {
    double decode;    /* reading and decoding files */
    double transform; /* cropping, resizing, augmenting */
    int workers;
} loader_times;

thaw_status loader_new(const loader_params *params, loader **out);
void loader_free(loader *l); /* stops and joins the workers; NULL is fine */

int loader_batches(const loader *l); /* an epoch's */
int loader_batch_size(const loader *l);
int loader_side(const loader *l); /* of its images, pixels */
/* From the next loader_start on, which must follow before the next batch. */
void loader_keep(loader *l, const loader_keeping *keeping);
/* Whether decoded images are kept, as far as cache_bytes go; they are at first. On: what is decoded from now
 * on. Off: none any more, those that were go, and a loader_start must follow before the next batch. */
void loader_keep_images(loader *l, bool on);
size_t loader_image_bytes(const loader *l); /* of decoded images, kept now */
/* Begin EPOCH at batch FIRST (for resuming in the middle). Pending batches are thrown away. */
void loader_start(loader *l, int epoch, int first);
/* The next batch in order, or NULL at the epoch's end. Blocks. Hold at most one while asking for the next:
 * with every buffer held nothing could become ready. */
batch *loader_next(loader *l);
void loader_release(loader *l, batch *b);

loader_times loader_worked(const loader *l); /* any thread */
int loader_queue_depth(loader *l);           /* batches ready now */
/* Files that could not be decoded so far, each once, as (relative path, reason). Valid until the next call on
 * l. */
size_t loader_skipped(loader *l, const thaw_skipped **out);

#endif
