/*
 * row_table.h - the records of a row file in memory, found by identity. Private to engine/cache.
 */
#ifndef ENGINE_CACHE_ROW_TABLE_H
#define ENGINE_CACHE_ROW_TABLE_H

#include "engine/cache/row_file.h"

typedef struct row_entry {
    row_id id;
    uint64_t sum;
    bool present; /* there is such a row, as far as is known */
    bool checked; /* its bytes agreed with SUM */
} row_entry;

/* Zero-initialise. */
typedef struct row_table {
    row_entry *item; /* by row */
    size_t count, capacity;
    uint32_t *slot; /* open addressing: row + 1, or 0 */
    size_t slots;   /* a power of two */
} row_table;

void row_table_clear(row_table *t);
/* The next row; ID NULL: nothing that can be found. It takes the place of an earlier one of the same ID. */
void row_table_push(row_table *t, const row_id *id, uint64_t sum);
int64_t row_table_find(const row_table *t, row_id id); /* -1: none */
void row_table_drop(row_table *t, size_t row);         /* it is not found any more */

#endif
