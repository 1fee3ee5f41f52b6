/*
 * prefix_cache.c - see prefix_cache.h.
 *
 * Rows are given out in the order of arrival, so that a batch nobody has seen is stored by one copy. A row
 * lies as the model reads it: in a channels_last model as (H, W, C), which a permutation turns back into
 * (C, H, W) without moving anything.
 */
#include "engine/train/prefix_cache.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "engine/base/alloc.h"

enum { NO_ROW = -1, NCHW = 4 };

struct prefix_cache {
    model *model;
    size_t cut, entries, budget;
    size_t rows, filled; /* room for so many; of which are taken */
    size_t row_bytes;    /* 0: nothing was put yet */
    tensor *slab;        /* rows x one activation */
    atomic_int *row;     /* entries: its row, or NO_ROW */
    thaw_status trouble;
};

prefix_cache *prefix_cache_new(model *m, size_t cut, size_t entries, size_t bytes) {
    prefix_cache *c = xcalloc(1, sizeof *c);
    *c = (prefix_cache){.model = m, .cut = cut, .entries = entries, .budget = bytes};
    c->row = xcalloc(entries, sizeof *c->row);
    for (size_t i = 0; i < entries; i++)
        atomic_init(&c->row[i], NO_ROW);
    return c;
}

void prefix_cache_free(prefix_cache *c) {
    if (!c) return;
    tensor_free(c->model->torch, c->slab);
    free(c->row);
    free(c);
}

size_t prefix_cache_cut(const prefix_cache *c) {
    return c->cut;
}

size_t prefix_cache_entries(const prefix_cache *c) {
    return c->entries;
}

size_t prefix_cache_filled(const prefix_cache *c) {
    return c->filled;
}

size_t prefix_cache_bytes(const prefix_cache *c) {
    return c->filled * c->row_bytes;
}

const char *prefix_cache_trouble(const prefix_cache *c) {
    return c->trouble.code == THAW_OK ? NULL : c->trouble.message;
}

bool prefix_cache_has(const prefix_cache *c, size_t entry) {
    return atomic_load_explicit(&c->row[entry], memory_order_acquire) != NO_ROW;
}

/* ---- how an activation lies ---- */

static bool channels_last(const prefix_cache *c, const shape *size) {
    return size->ndim == NCHW && c->model->format == FORMAT_CHANNELS_LAST;
}

static const int64_t to_nhwc[NCHW] = {0, 2, 3, 1}, to_nchw[NCHW] = {0, 3, 1, 2};

static tensor *as_stored(const prefix_cache *c, tscope *s, tensor *x) {
    shape size = t_shape(s, x);
    return channels_last(c, &size) ? t_permute(s, x, to_nhwc, NCHW) : x;
}

static tensor *as_read(const prefix_cache *c, tscope *s, tensor *x) {
    shape size = t_shape(s, x);
    return channels_last(c, &size) ? t_permute(s, x, to_nchw, NCHW) : x;
}

/* ---- putting ---- */

/* Room for rows like those of Y, which is as stored. */
static void make_slab(prefix_cache *c, tscope *outer, tensor *y) {
    shape size = t_shape(outer, y);
    dtype type = t_dtype(outer, y);
    if (tscope_failed(outer)) return;
    c->row_bytes = (size_t)(shape_elements(&size) / size.dim[0]) * dtype_size(type);
    c->rows = c->budget / c->row_bytes;
    if (c->rows > c->entries) c->rows = c->entries;
    if (c->rows > INT32_MAX) c->rows = INT32_MAX;
    if (c->rows == 0) return;
    size.dim[0] = (int64_t)c->rows;
    tscope s;
    tscope_begin(&s, outer->torch);
    c->slab = t_keep(&s, t_empty(&s, size, type, c->model->device, FORMAT_CONTIGUOUS));
    c->trouble = tscope_end(&s);
    if (thaw_failed(&c->trouble)) c->rows = 0; /* it works without, only slower */
}

int prefix_cache_put(prefix_cache *c, tscope *s, tensor *y, const size_t *entry, int count) {
    y = as_stored(c, s, y);
    if (!c->row_bytes) make_slab(c, s, y);
    size_t room = c->rows - c->filled;
    if (tscope_failed(s) || room == 0) return 0;
    int64_t first = (int64_t)c->filled, taken = (size_t)count < room ? count : (int64_t)room;
    t_copy_(s, t_slice(s, c->slab, 0, first, first + taken, 1), t_slice(s, y, 0, 0, taken, 1));
    if (tscope_failed(s)) return 0;
    for (int64_t i = 0; i < taken; i++)
        atomic_store_explicit(&c->row[entry[i]], (int)(first + i), memory_order_release);
    c->filled += (size_t)taken;
    return (int)taken;
}

/* ---- getting ---- */

static tensor *index_tensor(const prefix_cache *c, tscope *s, const int64_t *index, int64_t count) {
    return t_from_data(s, SHAPE_1(count), DTYPE_I64, index, c->model->device);
}

/*
 * Kept rows first, fresh ones behind them, then both put in order. ORDER is count long, and where each
 * activation is found: among those kept, or (from KEPT on) among the fresh.
 */
static tensor *mixed(const prefix_cache *c, tscope *s, const int64_t *row, int64_t kept, tensor *fresh,
                     const int64_t *order, int count) {
    tensor *all = as_stored(c, s, fresh);
    if (kept) {
        tensor *part[] = {t_index_select(s, c->slab, 0, index_tensor(c, s, row, kept)), all};
        all = t_cat(s, part, 2, 0);
    }
    return t_index_select(s, all, 0, index_tensor(c, s, order, count));
}

tensor *prefix_cache_get(prefix_cache *c, tscope *s, const size_t *entry, int count, tensor *fresh) {
    int64_t *row = xcalloc((size_t)count, sizeof *row), *order = xcalloc((size_t)count, sizeof *order);
    int64_t kept = 0, missing = 0;
    for (int i = 0; i < count; i++)
        if (prefix_cache_has(c, entry[i])) row[kept++] = atomic_load(&c->row[entry[i]]);
    for (int64_t i = 0, k = 0; i < count; i++)
        order[i] = prefix_cache_has(c, entry[i]) ? k++ : kept + missing++;
    tensor *x = missing ? mixed(c, s, row, kept, fresh, order, count)
                        : t_index_select(s, c->slab, 0, index_tensor(c, s, row, kept));
    free(row);
    free(order);
    return as_read(c, s, x);
}
