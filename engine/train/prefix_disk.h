/*
 * prefix_disk.h - the outputs of frozen layers that are kept in a file, for this run and later ones. Private
 * to prefix_cache.
 *
 * A run that makes the same of the same images finds them there: the folder is named by a hash of everything
 * that decides the bits (KEY), a row stands for an image and a view of it (ID). Nothing here fails a run:
 * with trouble the file is done without, and trouble() says why, once.
 */
#ifndef ENGINE_TRAIN_PREFIX_DISK_H
#define ENGINE_TRAIN_PREFIX_DISK_H

#include "engine/base/shape.h"
#include "engine/cache/row_file.h"

typedef struct prefix_disk prefix_disk;

typedef struct prefix_disk_params {
    char *key;  /* a JSON object: what decides the bits, with "model", "layer", "data", "images"; taken */
    row_id *id; /* by entry; taken */
    size_t entries;
    void (*written)(void *user, size_t entry, int64_t row); /* from now on ENTRY is found; any thread */
    void *user;
} prefix_disk_params;

prefix_disk *prefix_disk_open(const prefix_disk_params *params);
void prefix_disk_free(prefix_disk *d); /* writes what waits; NULL is fine */

/* Of the rows that were there already: extents of one (without the batch) and type. False: there is no file.
 */
bool prefix_disk_rows(const prefix_disk *d, shape *row, dtype *type);
int64_t prefix_disk_find(prefix_disk *d, size_t entry); /* the row that was there when it was opened, or -1 */
/* Rows to come are of this kind: make the file where there is none. */
void prefix_disk_begin(prefix_disk *d, const shape *row, dtype type);
bool prefix_disk_wants(prefix_disk *d); /* more rows */
/* Hand over ENTRY's row, copied; it is found once written() has been called. False: it is not taken. */
bool prefix_disk_add(prefix_disk *d, size_t entry, const void *row);
bool prefix_disk_read(prefix_disk *d, int64_t row, void *out);
/* What there is turned out to be damaged: remove it, and begin anew with the next row. */
void prefix_disk_restart(prefix_disk *d);

int64_t prefix_disk_bytes(prefix_disk *d); /* of the file's rows */
/* What a person should know, once: NULL when there is nothing. Owned by the caller. */
char *prefix_disk_trouble(prefix_disk *d);

#endif
