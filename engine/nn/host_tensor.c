/*
 * host_tensor.c - see host_tensor.h.
 */
#include "engine/nn/host_tensor.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

static float *make(const host_numbers *of, const shape *size, host_fill *fill) {
    size_t count = (size_t)shape_elements(size);
    float *values = xcalloc(count ? count : 1, sizeof *values);
    fill(of, values, count);
    return values;
}

/* A failure takes the place with it; the pass fails then, too. */
static tensor *fill_place(host_tensor *place, tscope *s, uint64_t seed, uint64_t step) {
    host_numbers of = place->numbers;
    of.seed = seed;
    of.step = step;
    float *values = make(&of, &place->size, place->fill);
    t_copy_(s, place->t, t_from_blob(s, place->size, DTYPE_F32, values, FORMAT_CONTIGUOUS));
    free(values);
    return tscope_failed(s) ? NULL : place->t;
}

static tensor *make_place(pass *p, const host_numbers *of, shape size, host_fill *fill, size_t how_bytes) {
    tensor *t = t_keep(p->scope, t_empty(p->scope, size, DTYPE_F32, p->device, FORMAT_CONTIGUOUS));
    if (!t) return NULL;
    host_tensors *list = p->places;
    list->item = vec_reserve(list->item, &list->capacity, list->count + 1, sizeof *list->item);
    host_tensor *place = &list->item[list->count++];
    *place = (host_tensor){.numbers = *of, .fill = fill, .size = size, .t = t};
    if (how_bytes) {
        void *how = xmalloc(how_bytes);
        memcpy(how, of->how, how_bytes);
        place->numbers.how = how;
    }
    return fill_place(place, p->scope, of->seed, of->step);
}

static tensor *find_place(pass *p, const layer *self, const shape *size) {
    host_tensors *list = p->places;
    const host_tensor *place = list->at < list->count ? &list->item[list->at++] : NULL;
    if (place && place->numbers.layer == self && shape_equal(&place->size, size)) return place->t;
    tscope_fail(p->scope,
                thaw_error(THAW_ERR_USAGE, "%s: no such place was made in the pass before", self->path));
    return NULL;
}

tensor *pass_host_tensor(pass *p, const layer *self, shape size, host_fill *fill, const void *how,
                         size_t how_bytes) {
    host_numbers of = {.layer = self, .how = how, .seed = p->dropout_seed, .step = p->dropout_step};
    if (p->places && p->places->recorded) return find_place(p, self, &size);
    if (p->places) return make_place(p, &of, size, fill, how_bytes);
    float *values = make(&of, &size, fill);
    tensor *t = t_from_data(p->scope, size, DTYPE_F32, values, p->device);
    free(values);
    return t;
}

void host_tensors_fill(host_tensors *list, tscope *s, uint64_t seed, uint64_t step) {
    for (size_t i = 0; i < list->count && !tscope_failed(s); i++)
        if (!list->item[i].numbers.how) fill_place(&list->item[i], s, seed, step);
}

void host_tensors_clear(host_tensors *list, torch *t) {
    for (size_t i = 0; i < list->count; i++) {
        tensor_free(t, list->item[i].t);
        free((void *)list->item[i].numbers.how);
    }
    free(list->item);
    *list = (host_tensors){0};
}
