/*
 * load.c - a file into a model, one tensor at a time. The whole file is compared first, so a model is either
 * loaded or untouched; pages of the file are let go as soon as they are copied.
 *
 * A tensor is written straight from the file's pages; only what is of another type there, or does not lie as
 * an array does, passes a buffer. So no second copy of a large tensor comes to be.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/torch/pool.h"
#include "engine/weights/weights_file.h"

typedef struct loading {
    const weights_file *f;
    const model *m;
    weights_head head;
    uint8_t *buffer; /* elements of one tensor in the model's type */
    size_t capacity;
} loading;

/* So many are mapped when one is touched: to release fewer is of no use. */
enum { PAGES_AROUND = 16 };

/* Tell the system that the whole pages among the entry's bytes will not be needed again. */
static void release_pages(const weights_file *f, const weights_entry *e) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = ((uintptr_t)e->data + page - 1) / page * page;
    uintptr_t end =
        ((uintptr_t)e->data + (uintptr_t)shape_elements(&e->size) * dtype_size(e->type)) / page * page;
    uintptr_t limit = (uintptr_t)f->map.data + f->map.size;
    if (end > limit) end = limit / page * page;
    if (f->owns_map && begin + PAGES_AROUND * page <= end)
        (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
}

/* E's elements in P's type, in the buffer; after them, when they are positions of another grid, the
 * interpolated ones. Returns which. */
static thaw_status load_elements(loading *load, const weights_entry *e, const param *p, void **out) {
    bool same = shape_equal(&e->size, &p->size);
    size_t own = (size_t)shape_elements(&e->size) * dtype_size(p->type);
    size_t wanted = (size_t)shape_elements(&p->size) * dtype_size(p->type);
    load->buffer = vec_reserve(load->buffer, &load->capacity, own + (same ? 0 : wanted), 1);
    THAW_TRY(weights_copy(e, p->type, load->buffer));
    const void *read = load->buffer;
    *out = load->buffer + (same ? 0 : own);
    if (!same) weights_positions_resize(read, &e->size, *out, &p->size);
    return thaw_ok();
}

/* A tensor for P, and where the host can write its elements, in the order of *FORMAT: NULL when it cannot. */
static void *make_tensor(const model *m, tscope *s, param *p, memory_format *format) {
    *format = p->size.ndim == 4 ? m->format : FORMAT_CONTIGUOUS;
    tensor *made = t_empty(s, p->size, p->type, m->device, *format);
    if (tscope_failed(s)) return NULL;
    p->t = t_keep(s, made);
    return m->device.kind == DEVICE_CPU ? t_data(s, p->t, *format) : NULL;
}

/* (rows, columns) to (columns, rows), for elements of SIZE bytes. Sixteen rows at a time: what is read twice
 * is still in the nearest cache, and what is written lies together. */
static inline void transpose(uint8_t *out, const uint8_t *in, int64_t rows, int64_t columns, size_t size) {
    enum { BLOCK = 16 };
    for (int64_t from = 0; from < rows; from += BLOCK) {
        int64_t end = rows - from < BLOCK ? rows : from + BLOCK;
        for (int64_t column = 0; column < columns; column++)
            for (int64_t row = from; row < end; row++)
                memcpy(out + (size_t)(column * rows + row) * size,
                       in + (size_t)(row * columns + column) * size, size);
    }
}

/* E's elements to OUT as channels_last has them: in each outer row, the channels of a place beside each
 * other. */
static thaw_status copy_channels_last(loading *load, const weights_entry *e, dtype type, uint8_t *out) {
    int64_t outer = e->size.dim[0], channels = e->size.dim[1], places = e->size.dim[2] * e->size.dim[3];
    size_t size = dtype_size(type), row = (size_t)(channels * places) * size;
    if (channels == 1 || places == 1) return weights_copy(e, type, out);
    const uint8_t *in = weights_plain(e, type);
    if (!in) {
        load->buffer = vec_reserve(load->buffer, &load->capacity, (size_t)outer * row, 1);
        THAW_TRY(weights_copy(e, type, load->buffer));
        in = load->buffer;
    }
    for (int64_t i = 0; i < outer; i++, out += row, in += row)
        if (size == sizeof(float))
            transpose(out, in, channels, places, sizeof(float));
        else
            transpose(out, in, channels, places, size);
    return thaw_ok();
}

enum { AT_ONCE = 1 << 19 /* bytes of the file */ };

/* E's elements to OUT a piece at a time, each let go of before the next: together they may be hundreds of
 * megabytes, which would be in memory twice for a while. */
static thaw_status copy_by_pieces(loading *load, const weights_entry *e, dtype type, memory_format format,
                                  uint8_t *out) {
    if (e->size.ndim == 0 || e->size.dim[0] == 0) return weights_copy(e, type, out);
    int64_t rows = e->size.dim[0], row = shape_elements(&e->size) / rows;
    int64_t many = row ? AT_ONCE / (row * (int64_t)dtype_size(e->type)) : rows;
    if (many < 1) many = 1;
    for (int64_t at = 0; at < rows; at += many) {
        weights_entry piece = *e;
        uint8_t *to = out + (size_t)(at * row) * dtype_size(type);
        piece.size.dim[0] = rows - at < many ? rows - at : many;
        piece.data += at * e->stride[0] * (int64_t)dtype_size(e->type);
        pool_ready(to, (size_t)(piece.size.dim[0] * row) * dtype_size(type));
        THAW_TRY(format == FORMAT_CHANNELS_LAST ? copy_channels_last(load, &piece, type, to)
                                                : weights_copy(&piece, type, to));
        release_pages(load->f, &piece);
    }
    return thaw_ok();
}

static thaw_status load_tensor(loading *load, tscope *s, const weights_entry *e, param *p) {
    bool same = shape_equal(&e->size, &p->size);
    memory_format format;
    void *elements = /* what others may have seen changes by copy_ */
        p->t ? NULL : make_tensor(load->m, s, p, &format);
    if (elements && same) return copy_by_pieces(load, e, p->type, format, elements);
    elements = same ? (void *)(uintptr_t)weights_plain(e, p->type) : NULL; /* is only read */
    if (!elements) THAW_TRY(load_elements(load, e, p, &elements));
    t_copy_(s, p->t, t_from_blob(s, p->size, p->type, elements, FORMAT_CONTIGUOUS));
    release_pages(load->f, e);
    return thaw_ok();
}

static thaw_status load_param(void *user, layer *l, param *p, const char *key) {
    loading *load = user;
    const weights_entry *e = weights_find(load->f, key);
    if (l->auxiliary && e && !(shape_equal(&e->size, &p->size) && weights_convertible(e->type, p->type)))
        return thaw_ok();
    if (!e || (load->head == WEIGHTS_HEAD_SKIP && weights_replaced(load->m, key))) return thaw_ok();
    tscope s;
    tscope_begin(&s, load->m->torch);
    tscope_fail(&s, load_tensor(load, &s, e, p));
    return tscope_end(&s);
}

/* Bytes of memory for all tensors that M has not yet. */
static size_t missing_bytes(const model *m) {
    size_t bytes = 0;
    for (size_t i = 0; i < m->order_count; i++)
        for (int j = 0; j < m->order[i]->param_count; j++) {
            const param *p = &m->order[i]->param[j];
            if (!p->t) bytes += pool_cut_size((size_t)shape_elements(&p->size) * dtype_size(p->type));
        }
    return bytes;
}

thaw_status weights_load(const weights_file *f, model *m, weights_head head, weights_report *report) {
    loading load = {.f = f, .m = m, .head = head};
    weights_report own = {0};
    if (!report) report = &own;
    thaw_status status = weights_compare(f, m, head, report);
    if (!thaw_failed(&status) && !m->torch)
        status = thaw_error(THAW_ERR_USAGE, "%s: the model has no tensors yet to load weights into", f->name);
    if (!thaw_failed(&status)) {
        free(m->note);
        m->note = report->note ? xstrdup(report->note) : NULL;
        if (m->device.kind == DEVICE_CPU) pool_expect(missing_bytes(m));
        status = model_each_param(m, load_param, &load);
        pool_expect_none();
    }
    free(load.buffer);
    weights_report_clear(&own);
    return status;
}
