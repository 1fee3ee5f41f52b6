/*
 * row_table.c - see row_table.h.
 */
#include "engine/cache/row_table.h"

#include <stdlib.h>

#include "engine/base/alloc.h"

enum { SLOTS_LEAST = 64 };

void row_table_clear(row_table *t) {
    free(t->item);
    free(t->slot);
    *t = (row_table){0};
}

static bool same(const row_id *a, const row_id *b) {
    return a->low == b->low && a->high == b->high;
}

/* Where ID is, or the free slot where it belongs. */
static size_t slot_of(const row_table *t, const row_id *id) {
    size_t at = id->low & (t->slots - 1);
    while (t->slot[at] && !same(&t->item[t->slot[at] - 1].id, id))
        at = (at + 1) & (t->slots - 1);
    return at;
}

/* At most half full. */
static void make_room(row_table *t) {
    if (2 * (t->count + 1) <= t->slots) return;
    t->slots = t->slots ? 2 * t->slots : SLOTS_LEAST;
    free(t->slot);
    t->slot = xcalloc(t->slots, sizeof *t->slot);
    for (size_t i = 0; i < t->count; i++)
        if (t->item[i].present) t->slot[slot_of(t, &t->item[i].id)] = (uint32_t)(i + 1);
}

void row_table_push(row_table *t, const row_id *id, uint64_t sum) {
    make_room(t);
    t->item = vec_reserve(t->item, &t->capacity, t->count + 1, sizeof *t->item);
    t->item[t->count] = (row_entry){.sum = sum, .present = id != NULL};
    if (id) {
        t->item[t->count].id = *id;
        t->slot[slot_of(t, id)] = (uint32_t)(t->count + 1);
    }
    t->count++;
}

int64_t row_table_find(const row_table *t, row_id id) {
    if (!t->slots) return -1;
    uint32_t row = t->slot[slot_of(t, &id)];
    return row && t->item[row - 1].present ? (int64_t)row - 1 : -1;
}

/* The slot stays: it still leads on to those behind it. */
void row_table_drop(row_table *t, size_t row) {
    t->item[row].present = false;
}
