/*
 * pinned.c - see pinned.h. Pinned pages cannot be swapped out, so there is a limit to them.
 */
#include "engine/train/pinned.h"

#include <stdlib.h>

#include "engine/base/alloc.h"

static const size_t bytes_max = (size_t)1 << 30;

void *pinned_take(void *user, size_t bytes) {
    pinned *p = user;
    if (!p->torch || bytes > bytes_max - p->bytes) return NULL;
    tscope s;
    tscope_begin(&s, p->torch);
    tensor *block = t_pinned(&s, bytes);
    void *data = t_data(&s, block, FORMAT_CONTIGUOUS);
    if (data) {
        p->block = vec_reserve(p->block, &p->capacity, p->count + 1, sizeof(tensor *));
        p->block[p->count++] = t_keep(&s, block);
        p->bytes += bytes;
    }
    thaw_status status = tscope_end(&s);
    return thaw_failed(&status) ? NULL : data;
}

void pinned_clear(pinned *p) {
    for (size_t i = 0; i < p->count; i++)
        tensor_free(p->torch, p->block[i]);
    free(p->block);
    *p = (pinned){0};
}
