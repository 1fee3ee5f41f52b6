/*
 * slots.h - the batches that a loader has memory for: each free, being filled, ready, or held by the caller.
 * Private to engine/data; the loader's lock guards the states, and who fills a batch has it to himself.
 */
#ifndef ENGINE_DATA_SLOTS_H
#define ENGINE_DATA_SLOTS_H

#include "engine/data/loader.h"

enum { BATCH_CHANNELS = 3 };

typedef enum slot_state { SLOT_FREE, SLOT_FILLING, SLOT_READY, SLOT_HELD } slot_state;

typedef struct slot {
    batch batch; /* first, so that a batch handed back finds its slot */
    slot_state state;
    int wanted;   /* samples in the batch before any is left out */
    int taken;    /* handed to workers */
    int done;     /* finished by workers */
    bool *good;   /* wanted: decoded */
    uint8_t *own; /* batch.pixels, or NULL when that memory was taken from elsewhere */
} slot;

typedef struct slots {
    slot *item;
    int count;
    size_t sample_bytes; /* of one image: crop x crop x 3 */
} slots;

size_t slots_sample_bytes(const loader_params *p);
slots slots_make(const loader_params *p); /* p->depth of them, each of p->batch_size images */
void slots_clear(slots *s);

slot *slots_find(const slots *s, int number); /* batch NUMBER, being filled or ready; or NULL */
slot *slots_find_free(const slots *s);        /* or NULL */
int slots_ready(const slots *s);              /* how many are */
void slots_let_go(slots *s);                  /* all but the held ones are free */
/* S, which was free, is filled with batch NUMBER, of WANTED samples. */
void slot_begin(slot *s, int number, int wanted);
/* Close the gaps that samples left which are not good, keeping the order. */
void slot_close_gaps(slot *s, size_t sample_bytes);

#endif
