/*
 * row_writer.h - adds rows to a row file from a thread of its own, so that training never waits for a disk.
 *
 * What is handed over waits in a queue of limited size. A disk that is slower than the computing makes the
 * queue full, and rows that come then are refused: they are not on disk, and nothing else is lost.
 */
#ifndef ENGINE_CACHE_ROW_WRITER_H
#define ENGINE_CACHE_ROW_WRITER_H

#include "engine/cache/row_file.h"

typedef struct row_writer row_writer;

typedef struct row_writer_params {
    row_file *file;     /* borrowed */
    size_t queue_bytes; /* at least one row's worth is taken */
    int64_t most_bytes; /* of rows that this writer may add; then it refuses */
    /* ENTRY, as given to row_writer_add, is in the file as ROW. Called on the writer's thread. */
    void (*written)(void *user, size_t entry, int64_t row);
    void *user;
} row_writer_params;

thaw_status row_writer_new(const row_writer_params *params, row_writer **out);
void row_writer_free(row_writer *w); /* writes what waits first; NULL is fine */

/* Copies the row's bytes. False: refused. One thread. */
bool row_writer_add(row_writer *w, size_t entry, row_id id, const void *bytes);
/* Whether the next row would be refused for good: after a failure, or with most_bytes reached. */
bool row_writer_done(row_writer *w);
/* The failure that ended it (a full disk), into *OUT; false when there was none. */
bool row_writer_trouble(row_writer *w, thaw_status *out);

#endif
