/*
 * row_file.h - rows of one size in a folder on disk, each found by what it stands for.
 *
 *     about.json   what the rows are: the caller's text, and the bytes of a row
 *     index        a header, then a record a row: its identity and its checksum
 *     rows         one behind the other
 *
 * Rows are only ever added. A row goes in before its record, so whatever stops a process leaves at worst a
 * row that nobody knows of. Several processes may read and add at a time: adding holds a lock, and takes in
 * what others have added. A row is checked against its checksum when it is first read; one that is damaged
 * counts as missing, may be added again, and the later record is then the one that holds. Rows are read and
 * not mapped: a file that is cut short under a reader, or a disk that fails, must be an error here and not a
 * signal.
 *
 * Any thread may call; a lock inside takes turns.
 */
#ifndef ENGINE_CACHE_ROW_FILE_H
#define ENGINE_CACHE_ROW_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thaw/status.h"

/* What a row stands for: 128 bits of a hash. */
typedef struct row_id {
    uint64_t low, high;
} row_id;

row_id row_id_of(const void *bytes, size_t count);

typedef struct row_file row_file;

/*
 * Open FOLDER. THAW_ERR_NOT_FOUND: there is none. THAW_ERR_FORMAT: what is there is damaged, of another
 * version, or no such files of this user's; row_file_remove it and create it anew. THAW_ERR_USAGE: the folder
 * itself is another user's; leave it alone.
 */
thaw_status row_file_open(const char *folder, row_file **out);
/* Make FOLDER for rows of ROW_BYTES, with ABOUT, one JSON object; where another process was quicker its
   folder is opened. Permissions are for the user alone. */
thaw_status row_file_create(const char *folder, const char *about, size_t row_bytes, row_file **out);
/* What is in FOLDER, without reading the records or counting as use. Fails as opening does. */
typedef struct row_file_facts {
    char *about;             /* the caller's */
    size_t row_bytes, count; /* count: as row_file_count */
} row_file_facts;
thaw_status row_file_look(const char *folder, row_file_facts *out);
void row_file_close(row_file *f); /* NULL is fine */

const char *row_file_about(const row_file *f);
size_t row_file_row_bytes(const row_file *f);
size_t row_file_count(row_file *f); /* rows with a record, duplicates and damaged ones included */
/* Rows that were found damaged or missing so far. */
size_t row_file_lost(row_file *f);

/* The row that stands for ID, or -1. */
int64_t row_file_find(row_file *f, row_id id);
/* Its bytes. False: it cannot be read or is damaged, and is not found any more. */
bool row_file_read(row_file *f, int64_t row, void *out);
/*
 * Add COUNT rows, one behind the other in ROWS, or find that they are there by now; ROW[i] is where. On
 * failure (a full disk) those that were added are told by ROW, the others are -1.
 */
thaw_status row_file_add(row_file *f, const row_id *id, const void *rows, size_t count, int64_t *row);

/* Remove FOLDER with what is ours in it; a process that has it open goes on with what it has. */
thaw_status row_file_remove(const char *folder);
/* Somebody has it open, this process included. */
bool row_file_in_use(const char *folder);

extern const char row_file_about_name[], row_file_index_name[], row_file_rows_name[];

#endif
