/*
 * load.c - a file into a model, one tensor at a time through one staging buffer. The whole file is compared
 * first, so a model is either loaded or untouched; pages of the file are let go as soon as they are copied.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/weights/weights_file.h"

typedef struct loading {
    const weights_file *f;
    const model *m;
    weights_head head;
    uint8_t *buffer; /* elements of one tensor in the model's type */
    size_t capacity;
} loading;

/* Tell the system that the whole pages among the entry's bytes will not be needed again. */
static void release_pages(const weights_file *f, const weights_entry *e) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = ((uintptr_t)e->data + page - 1) / page * page;
    uintptr_t end =
        ((uintptr_t)e->data + (uintptr_t)shape_elements(&e->size) * dtype_size(e->type)) / page * page;
    uintptr_t limit = (uintptr_t)f->map.data + f->map.size;
    if (end > limit) end = limit / page * page;
    if (f->owns_map && begin < end) (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
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

static thaw_status load_param(void *user, layer *l, param *p, const char *key) {
    loading *load = user;
    const weights_entry *e = weights_find(load->f, key);
    if (l->aside && e && !(shape_equal(&e->size, &p->size) && weights_convertible(e->type, p->type)))
        return thaw_ok();
    if (!e || (load->head == WEIGHTS_HEAD_SKIP && weights_in_head(load->m, key))) return thaw_ok();
    void *elements = NULL;
    THAW_TRY(load_elements(load, e, p, &elements));
    release_pages(load->f, e);
    tscope s;
    tscope_begin(&s, load->m->torch);
    t_copy_(&s, p->t, t_from_blob(&s, p->size, p->type, elements, FORMAT_CONTIGUOUS));
    return tscope_end(&s);
}

thaw_status weights_load(const weights_file *f, model *m, weights_head head, weights_report *report) {
    loading load = {.f = f, .m = m, .head = head};
    THAW_TRY(weights_compare(f, m, head, report));
    if (!m->torch)
        return thaw_error(THAW_ERR_USAGE, "%s: the model has no tensors yet to load weights into", f->name);
    thaw_status status = model_each_param(m, load_param, &load);
    free(load.buffer);
    return status;
}
