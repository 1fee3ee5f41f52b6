/*
 * write.h - the writers over a source that yields one tensor at a time, so that saving a model needs memory
 * for its largest tensor, not for all of them.
 */
#ifndef ENGINE_WEIGHTS_WRITE_H
#define ENGINE_WEIGHTS_WRITE_H

#include "engine/weights/weights.h"

/* Elements of item INDEX, contiguous; valid until the next call. */
typedef thaw_status (*weights_fetch)(void *user, size_t index, const void **data);
/* The same from byte OFFSET on, which is where the call before ended: *BYTES of them, as many as it likes. */
typedef thaw_status (*weights_part)(void *user, size_t index, size_t offset, size_t *bytes,
                                    const void **data);

typedef struct weights_source {
    const weights_item *item; /* keys, types and sizes; data is not looked at */
    size_t count;
    weights_fetch fetch;
    weights_part part; /* NULL: fetch gives all. Given: fetch may be NULL, and only safetensors be written */
    void *user;
} weights_source;

thaw_status weights_stream_safetensors(const char *path, const weights_source *source,
                                       const weights_pair *metadata, size_t metadata_count);
thaw_status weights_stream_torch(const char *path, const weights_source *source);

/* Bytes of an item's elements. */
size_t weights_item_bytes(const weights_item *item);
/* A source over items that have their data. */
weights_source weights_source_of(const weights_item *item, size_t count);
/* Fail when an item has no key, a key twice, or a size that makes no sense. */
thaw_status weights_check_source(const char *path, const weights_source *source);

#endif
