/*
 * prefix_cache.c - see prefix_cache.h.
 *
 * Rows in memory are given out in the order of arrival, so that a batch nobody has seen is stored by one
 * copy. A row lies as the model reads it: in a channels_last model as (H, W, C), which a permutation turns
 * back into (C, H, W) without moving anything.
 */
#include "engine/train/prefix_cache.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "engine/train/prefix_disk.h"

/* Where an entry is: row R of the slab is R, row R of the file is ON_DISK - R. */
enum { NO_ROW = -1, ON_DISK = -2, NCHW = 4 };

struct prefix_cache {
    model *model;
    size_t cut, entries, budget;
    bool halved;
    shape row;      /* of one activation as stored, without the batch; ndim 0: not known yet */
    dtype type;     /* as stored */
    dtype computed; /* as it is computed with */
    size_t row_bytes;
    size_t rows, taken; /* of the slab: there are so many; of which are taken */
    tensor *slab;       /* rows x one activation */
    atomic_int *place;  /* by entry */
    atomic_size_t filled;
    size_t found;
    prefix_disk *disk; /* NULL: none */
    prefix_cache *base;
    bool lost;
    thaw_status trouble;
};

/* ---- making ---- */

prefix_cache *prefix_cache_new(model *m, size_t cut, size_t entries, size_t bytes) {
    prefix_cache *c = xcalloc(1, sizeof *c);
    *c = (prefix_cache){.model = m, .cut = cut, .entries = entries, .budget = bytes, .computed = DTYPE_F32};
    c->place = xcalloc(entries, sizeof *c->place);
    for (size_t i = 0; i < entries; i++)
        atomic_init(&c->place[i], NO_ROW);
    return c;
}

void prefix_cache_free(prefix_cache *c) {
    if (!c) return;
    prefix_cache_free(c->base);
    prefix_disk_free(c->disk);
    tensor_free(c->model->torch, c->slab);
    free(c->place);
    free(c);
}

void prefix_cache_halve(prefix_cache *c) {
    c->halved = true;
}

/* Called by the thread that writes as well: what is in memory stays there. */
static void written(void *user, size_t entry, int64_t row) {
    prefix_cache *c = user;
    int nowhere = NO_ROW;
    if (atomic_compare_exchange_strong(&c->place[entry], &nowhere, (int)(ON_DISK - row)))
        atomic_fetch_add(&c->filled, 1);
}

static void set_rows(prefix_cache *c, const shape *row, dtype type) {
    c->row = *row;
    c->type = type;
    c->row_bytes = (size_t)shape_elements(row) * dtype_size(type);
}

void prefix_cache_use_disk(prefix_cache *c, char *key, row_id *id) {
    prefix_disk_params p = {.key = key, .id = id, .entries = c->entries, .written = written, .user = c};
    shape row;
    dtype type;
    c->disk = prefix_disk_open(&p);
    if (!prefix_disk_rows(c->disk, &row, &type)) return;
    set_rows(c, &row, type);
    if (!c->halved) c->computed = type;
    for (size_t i = 0; i < c->entries; i++) {
        int64_t at = prefix_disk_find(c->disk, i);
        if (at >= 0) written(c, i, at);
    }
    c->found = c->filled;
}

void prefix_cache_extend(prefix_cache *c, prefix_cache *base) {
    prefix_cache_drop_base(base);
    size_t used = prefix_cache_bytes(base);
    c->base = base;
    c->budget -= used < c->budget ? used : c->budget;
}

prefix_cache *prefix_cache_base(const prefix_cache *c) {
    return c->base;
}

void prefix_cache_drop_base(prefix_cache *c) {
    prefix_cache_free(c->base);
    c->base = NULL;
}

/* ---- looking ---- */

size_t prefix_cache_cut(const prefix_cache *c) {
    return c->cut;
}

size_t prefix_cache_entries(const prefix_cache *c) {
    return c->entries;
}

size_t prefix_cache_filled(const prefix_cache *c) {
    return atomic_load(&c->filled);
}

size_t prefix_cache_found(const prefix_cache *c) {
    return c->found;
}

size_t prefix_cache_bytes(const prefix_cache *c) {
    return c->taken * c->row_bytes + (c->base ? prefix_cache_bytes(c->base) : 0);
}

size_t prefix_cache_stored(const prefix_cache *c) {
    return c->disk ? (size_t)prefix_disk_bytes(c->disk) : 0;
}

char *prefix_cache_trouble(prefix_cache *c) {
    char *text = c->disk ? prefix_disk_trouble(c->disk) : NULL;
    if (text || !thaw_failed(&c->trouble)) return text;
    text = xasprintf("the outputs of frozen layers are not kept in memory: %s", c->trouble.message);
    c->trouble = thaw_ok();
    return text;
}

static int place_of(const prefix_cache *c, size_t entry) {
    return atomic_load_explicit(&c->place[entry], memory_order_acquire);
}

bool prefix_cache_here(const prefix_cache *c, size_t entry) {
    return place_of(c, entry) != NO_ROW;
}

bool prefix_cache_has(const prefix_cache *c, size_t entry) {
    return prefix_cache_here(c, entry) || (c->base && prefix_cache_here(c->base, entry));
}

bool prefix_cache_lost(prefix_cache *c) {
    bool lost = c->lost || (c->base && c->base->lost);
    c->lost = false;
    if (c->base) c->base->lost = false;
    return lost;
}

void prefix_cache_miss(prefix_cache *c, tscope *s) {
    c->lost = true;
    tscope_fail(
        s,
        thaw_error(THAW_ERR_IO,
                   "an output of frozen layers that was kept is not there any more; `thaw resume` goes on"));
}

/* ---- how an activation lies ---- */

static const int64_t to_nhwc[NCHW] = {0, 2, 3, 1}, to_nchw[NCHW] = {0, 3, 1, 2};

static tensor *turned(const prefix_cache *c, tscope *s, tensor *x, const int64_t order[NCHW]) {
    shape size = t_shape(s, x);
    bool turn = size.ndim == NCHW && c->model->format == FORMAT_CHANNELS_LAST;
    return turn ? t_permute(s, x, order, NCHW) : x;
}

/* Rounding comes first, so that a fresh activation and a kept one are the same. */
static tensor *as_stored(prefix_cache *c, tscope *s, tensor *x) {
    if (c->halved) x = t_to(s, x, c->model->device, DTYPE_BF16, FORMAT_PRESERVE);
    return turned(c, s, x, to_nhwc);
}

static tensor *as_read(const prefix_cache *c, tscope *s, tensor *x) {
    x = turned(c, s, x, to_nchw);
    return c->halved ? t_to(s, x, c->model->device, c->computed, FORMAT_PRESERVE) : x;
}

/* ---- putting ---- */

static shape batch_of(const prefix_cache *c, int64_t count) {
    shape size = {.ndim = c->row.ndim + 1, .dim = {count}};
    for (int i = 0; i < c->row.ndim; i++)
        size.dim[i + 1] = c->row.dim[i];
    return size;
}

/* What is put from now on is like Y, which is as stored. */
static void learn_rows(prefix_cache *c, tscope *s, tensor *y) {
    shape size = t_shape(s, y), row = {.ndim = size.ndim - 1};
    dtype type = t_dtype(s, y);
    if (tscope_failed(s)) return;
    for (int i = 0; i < row.ndim; i++)
        row.dim[i] = size.dim[i + 1];
    if (c->disk) prefix_disk_begin(c->disk, &row, type);
    if (!c->row.ndim) set_rows(c, &row, type);
}

static void make_slab(prefix_cache *c) {
    bool far = c->model->device.kind != DEVICE_CPU; /* from the file */
    size_t wanted = far ? c->entries : c->entries - prefix_cache_filled(c);
    c->rows = c->budget / c->row_bytes;
    if (c->rows > wanted) c->rows = wanted;
    if (c->rows > INT32_MAX) c->rows = INT32_MAX;
    if (c->rows == 0) return;
    tscope s;
    tscope_begin(&s, c->model->torch);
    shape size = batch_of(c, (int64_t)c->rows);
    c->slab = t_keep(&s, t_empty(&s, size, c->type, c->model->device, FORMAT_CONTIGUOUS));
    c->trouble = tscope_end(&s);
    if (thaw_failed(&c->trouble)) c->rows = 0; /* it works without, only slower */
}

/* In memory, as far as there is room: one copy. */
static void put_in_memory(prefix_cache *c, tscope *s, tensor *y, const size_t *entry, int count) {
    if (!c->slab && !c->rows) make_slab(c);
    size_t room = c->rows - c->taken;
    if (tscope_failed(s) || room == 0) return;
    int64_t first = (int64_t)c->taken, taken = (size_t)count < room ? count : (int64_t)room;
    t_copy_(s, t_slice(s, c->slab, 0, first, first + taken, 1), t_slice(s, y, 0, 0, taken, 1));
    if (tscope_failed(s)) return;
    for (int64_t i = 0; i < taken; i++)
        if (atomic_exchange(&c->place[entry[i]], (int)(first + i)) == NO_ROW) atomic_fetch_add(&c->filled, 1);
    c->taken += (size_t)taken;
}

static void put_on_disk(prefix_cache *c, tscope *s, tensor *y, const size_t *entry, int count) {
    if (!c->disk || !prefix_disk_wants(c->disk)) return;
    device host = {.kind = DEVICE_CPU};
    tensor *rows = t_to(s, t_slice(s, y, 0, 0, count, 1), host, c->type, FORMAT_CONTIGUOUS);
    const char *bytes = t_data(s, rows, FORMAT_CONTIGUOUS);
    for (int i = 0; bytes && i < count; i++)
        prefix_disk_add(c->disk, entry[i], bytes + (size_t)i * c->row_bytes);
}

void prefix_cache_put(prefix_cache *c, tscope *s, tensor *y, const size_t *entry, int count) {
    y = as_stored(c, s, y);
    if (!c->halved) c->computed = t_dtype(s, y);
    learn_rows(c, s, y);
    if (tscope_failed(s)) return;
    put_in_memory(c, s, y, entry, count);
    put_on_disk(c, s, y, entry, count);
}

/* ---- getting ---- */

/* Where a batch's activations are, while it is put together. */
typedef struct gathering {
    const size_t *entry;
    int count;
    int *source;  /* by position: SLAB, DISK or a fresh one's number */
    int64_t *row; /* there */
} gathering;
enum { FROM_SLAB = -1, FROM_DISK = -2, FROM_NOWHERE = -3, FRESH_MAX = 2 };

static tensor *index_tensor(const prefix_cache *c, tscope *s, const int64_t *index, int64_t count) {
    return t_from_data(s, SHAPE_1(count), DTYPE_I64, index, c->model->device);
}

/* The file is damaged: nothing that was there is there any more. */
static void forget_disk(prefix_cache *c, tscope *s) {
    prefix_disk_restart(c->disk);
    for (size_t i = 0; i < c->entries; i++) {
        int place = place_of(c, i);
        if (place > ON_DISK) continue;
        atomic_store(&c->place[i], NO_ROW);
        atomic_fetch_sub(&c->filled, 1);
    }
    prefix_cache_miss(c, s);
}

/* Rows of the file, in this order, on the model's device. */
static tensor *read_rows(prefix_cache *c, tscope *s, const int64_t *row, int64_t count) {
    device host = {.kind = DEVICE_CPU};
    tensor *x = t_empty(s, batch_of(c, count), c->type, host, FORMAT_CONTIGUOUS);
    char *bytes = t_data(s, x, FORMAT_CONTIGUOUS);
    for (int64_t i = 0; bytes && i < count; i++)
        if (!prefix_disk_read(c->disk, row[i], bytes + (size_t)i * c->row_bytes)) {
            forget_disk(c, s);
            return NULL;
        }
    return t_to(s, x, c->model->device, c->type, FORMAT_PRESERVE);
}

/* X, just read for ENTRY, into a device's own memory. */
static void promote(prefix_cache *c, tscope *s, tensor *x, const gathering *g, int64_t count) {
    if (c->model->device.kind == DEVICE_CPU || tscope_failed(s)) return;
    size_t *entry = xcalloc((size_t)count, sizeof *entry), k = 0;
    for (int i = 0; i < g->count; i++)
        if (g->source[i] == FROM_DISK) entry[k++] = g->entry[i];
    put_in_memory(c, s, x, entry, (int)count);
    free(entry);
}

/* False: one of them is nowhere. */
static bool locate(const prefix_cache *c, gathering *g, const prefix_rows *fresh, int fresh_count) {
    for (int i = 0; i < g->count; i++) {
        int place = place_of(c, g->entry[i]);
        g->source[i] = place >= 0 ? FROM_SLAB : place == NO_ROW ? FROM_NOWHERE : FROM_DISK;
        g->row[i] = place >= 0 ? place : ON_DISK - place;
    }
    for (int f = 0; f < fresh_count; f++)
        for (int i = 0, k = 0; i < g->count && k < fresh[f].count; i++)
            if (g->entry[i] == fresh[f].entry[k]) {
                g->source[i] = f;
                g->row[i] = k++;
            }
    bool all = true;
    for (int i = 0; i < g->count; i++)
        all = all && g->source[i] != FROM_NOWHERE;
    return all;
}

/* The rows that come from SOURCE, in the order of their positions; how many. */
static int64_t rows_from(const gathering *g, int source, int64_t *row) {
    int64_t count = 0;
    for (int i = 0; i < g->count; i++)
        if (g->source[i] == source) row[count++] = g->row[i];
    return count;
}

/* One source after the other, then all of it put in order. */
static tensor *gather(prefix_cache *c, tscope *s, const gathering *g, const prefix_rows *fresh,
                      int fresh_count) {
    tensor *part[FRESH_MAX + 2];
    size_t parts = 0;
    int64_t *row = xcalloc((size_t)g->count, sizeof *row), *order = xcalloc((size_t)g->count, sizeof *order);
    int64_t done = 0;
    bool sorted = true;
    for (int source = FROM_DISK; source < fresh_count; source++) {
        int64_t some = rows_from(g, source, row);
        if (some == 0) continue;
        part[parts] = source == FROM_DISK   ? read_rows(c, s, row, some)
                      : source == FROM_SLAB ? c->slab
                                            : as_stored(c, s, fresh[source].rows);
        if (source == FROM_DISK)
            promote(c, s, part[parts], g, some);
        else
            part[parts] = t_index_select(s, part[parts], 0, index_tensor(c, s, row, some));
        parts++;
        for (int64_t i = 0, k = done; i < g->count; i++)
            if (g->source[i] == source) order[i] = k++;
        done += some;
    }
    for (int64_t i = 0; i < g->count; i++)
        sorted = sorted && order[i] == i;
    tensor *x = parts == 1 ? part[0] : t_cat(s, part, parts, 0);
    if (!sorted) x = t_index_select(s, x, 0, index_tensor(c, s, order, g->count));
    free(row);
    free(order);
    return x;
}

tensor *prefix_cache_get(prefix_cache *c, tscope *s, const size_t *entry, int count, const prefix_rows *fresh,
                         int fresh_count) {
    gathering g = {.entry = entry,
                   .count = count,
                   .source = xcalloc((size_t)count, sizeof *g.source),
                   .row = xcalloc((size_t)count, sizeof *g.row)};
    tensor *x = NULL;
    if (locate(c, &g, fresh, fresh_count))
        x = gather(c, s, &g, fresh, fresh_count);
    else
        prefix_cache_miss(c, s);
    free(g.source);
    free(g.row);
    return as_read(c, s, x);
}
