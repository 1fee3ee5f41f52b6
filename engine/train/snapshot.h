/*
 * snapshot.h - the bytes that tensors have at one moment, in host memory: for writing them while training
 * goes on, by a thread that may not call libtorch.
 *
 * What training changes is copied into one buffer, which is kept for the next time. What stays as it is until
 * the mask changes (frozen) is not: on the processor it is read where it lies, and of a device the copy made
 * the last time still holds. A copy has its tensor's own order of elements, so that copying is all that the
 * engine thread does; whoever reads gets them in row-major order.
 *
 *     snapshot_begin, snapshot_add..., snapshot_take    the engine thread
 *     snapshot_source, snapshot_not_finite              any one thread, until
 *     snapshot_let_go                                   the engine thread again
 */
#ifndef ENGINE_TRAIN_SNAPSHOT_H
#define ENGINE_TRAIN_SNAPSHOT_H

#include "engine/train/pinned.h"
#include "engine/weights/write.h"

/* Where an item's bytes come from and are. */
typedef struct snapshot_place {
    tensor *of;         /* borrowed until snapshot_take; afterwards only to be compared with */
    int64_t version;    /* of it, when its bytes were taken */
    bool settled;       /* it does not change before snapshot_let_go, nor until the mask changes */
    tensor *held;       /* keeps the memory that is read in place; NULL: copied */
    const void *memory; /* of the elements, where they lie on the host already; NULL: libtorch must copy */
    size_t offset;      /* in the buffer, of what is copied */
    bool taken;         /* the copy was made */
    bool nhwc;          /* the elements lie in the order of channels_last */
} snapshot_place;

/* Zero-initialise, with torch and gather set; the rest is snapshot.c's. */
typedef struct snapshot {
    torch *torch;
    bool gather;        /* tensors are on a device, where many small readings cost more than one large */
    weights_item *item; /* keys owned */
    snapshot_place *place;
    size_t count, item_capacity, place_capacity;
    snapshot_place *before; /* the time before: what of its copies still holds */
    size_t before_count, before_capacity;
    unsigned char *buffer;
    size_t room, copied; /* bytes: of the buffer, and of it in use */
    pinned pinned;       /* where the buffer is; with its torch NULL it is ordinary memory */
    void *scratch;       /* some of an item's elements in row-major order */
    size_t scratch_room;
} snapshot;

/* Forget the items, but not what the buffer holds of them; after a change of the mask that too. */
void snapshot_begin(snapshot *s, bool mask_changed);
/* Takes KEY. X must live until snapshot_take, and with SETTLED until snapshot_let_go stay as it is. */
thaw_status snapshot_add(snapshot *s, char *key, const shape *size, dtype type, tensor *x, bool settled);
/* Bytes that snapshot_take would copy to, and how many of them it would have to find memory for. */
size_t snapshot_bytes(snapshot *s);
size_t snapshot_lacks(snapshot *s);
thaw_status snapshot_take(snapshot *s);

/* The items, to be written; borrowed. */
weights_source snapshot_source(snapshot *s);
/* The key of an item that has an element which is not finite; NULL: none has. */
const char *snapshot_not_finite(const snapshot *s);

void snapshot_let_go(snapshot *s);      /* of tensors that are read in place */
void snapshot_free_buffer(snapshot *s); /* where memory is wanted for something else */
void snapshot_clear(snapshot *s);

#endif
