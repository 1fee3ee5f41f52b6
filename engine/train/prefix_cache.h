/*
 * prefix_cache.h - what the frozen layers make of the images, kept.
 *
 * Before the deepest cut with only frozen layers in front of it (freeze_prefix) a network is a fixed function
 * of the image, so it need not be computed twice. The cache holds one activation an entry (an image, or one
 * view of it: loader_keeping): in one tensor on the model's device as far as its budget goes, and in a file
 * (prefix_disk.h), where a later run finds them. Nothing is thrown out: an epoch visits every entry about as
 * often as any other.
 *
 * When more layers are frozen, what was kept at the shallower cut goes on being of use (prefix_cache_extend):
 * from there it is less far to the new cut than from the pixels.
 *
 * One thread puts and gets; any may ask whether an entry is there.
 */
#ifndef ENGINE_TRAIN_PREFIX_CACHE_H
#define ENGINE_TRAIN_PREFIX_CACHE_H

#include "engine/cache/row_file.h"
#include "engine/nn/model.h"

typedef struct prefix_cache prefix_cache;

/* For activations at CUT of M (borrowed), ENTRIES of them; as many as fit BYTES of memory, which is taken by
   the first put. */
prefix_cache *prefix_cache_new(model *m, size_t cut, size_t entries, size_t bytes);
void prefix_cache_free(prefix_cache *c); /* NULL is fine */

/* Right after making C. Keep activations in bfloat16 whatever they are computed in: half the room, rounded.
 */
void prefix_cache_halve(prefix_cache *c);
/* Right after that: keep them in a file as well, and find what is there. KEY and ID as in prefix_disk_params;
   both are taken. */
void prefix_cache_use_disk(prefix_cache *c, char *key, row_id *id);
/* Entries that BASE (taken) has, at a shallower cut and with the same numbers, are computed from it. */
void prefix_cache_extend(prefix_cache *c, prefix_cache *base);
prefix_cache *prefix_cache_base(const prefix_cache *c); /* or NULL */
void prefix_cache_drop_base(prefix_cache *c);           /* nobody else asks C anything now */

size_t prefix_cache_cut(const prefix_cache *c);
size_t prefix_cache_entries(const prefix_cache *c);
size_t prefix_cache_filled(const prefix_cache *c); /* entries that are there */
size_t prefix_cache_found(const prefix_cache *c);  /* that were in the file from the beginning */
size_t prefix_cache_bytes(const prefix_cache *c);  /* of memory, its base's included */
size_t prefix_cache_stored(const prefix_cache *c); /* bytes of the file */
/* What a person should know of what cannot be kept, each once; NULL: nothing. Owned by the caller. */
char *prefix_cache_trouble(prefix_cache *c);

/* At this cut, or at the base's: the pixels are not needed. Any thread. */
bool prefix_cache_has(const prefix_cache *c, size_t entry);
bool prefix_cache_here(const prefix_cache *c, size_t entry); /* at this cut. Any thread */

/* Keep the first COUNT rows of Y, activations at the cut, for ENTRY, as far as there is room. */
void prefix_cache_put(prefix_cache *c, tscope *s, tensor *y, const size_t *entry, int count);

/* Activations at the cut as they were computed: the first COUNT rows of ROWS, for ENTRY. */
typedef struct prefix_rows {
    tensor *rows;
    const size_t *entry;
    int count;
} prefix_rows;

/*
 * The activations of ENTRY[0..COUNT-1], (COUNT, ...), dense, the scope's: out of FRESH where it is in one of
 * them (FRESH_COUNT), else out of what is kept. Fails when what should be there cannot be read any more; then
 * prefix_cache_lost says so, and the caller has to begin the batch anew with what prefix_cache_has says now.
 */
tensor *prefix_cache_get(prefix_cache *c, tscope *s, const size_t *entry, int count, const prefix_rows *fresh,
                         int fresh_count);
/* An entry of a batch is neither kept nor was it loaded: fail S in the same way. */
void prefix_cache_miss(prefix_cache *c, tscope *s);
bool prefix_cache_lost(prefix_cache *c); /* since it was last asked */

#endif
