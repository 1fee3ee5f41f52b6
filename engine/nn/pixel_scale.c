/*
 * pixel_scale.c - see pixel_scale.h. The formula stands here twice, and tests/unit/test_pixel_scale.c holds
 * one against the other.
 */
#include "engine/nn/pixel_scale.h"

#include <stdlib.h>

#include "engine/base/alloc.h"

static const float white = 255;

void pixel_scale_table(const float mean[PIXEL_CHANNELS], const float std[PIXEL_CHANNELS],
                       float table[PIXEL_CHANNELS][PIXEL_VALUES]) {
    for (int c = 0; c < PIXEL_CHANNELS; c++)
        for (int v = 0; v < PIXEL_VALUES; v++)
            table[c][v] = ((float)v / white - mean[c]) / std[c];
}

thaw_status pixel_scale_make(torch *t, device d, bool by_table, const float mean[PIXEL_CHANNELS],
                             const float std[PIXEL_CHANNELS], pixel_scale *out) {
    tscope s;
    *out = (pixel_scale){.device = d};
    tscope_begin(&s, t);
    if (by_table) {
        float table[PIXEL_CHANNELS][PIXEL_VALUES];
        pixel_scale_table(mean, std, table);
        shape size = SHAPE_2(PIXEL_CHANNELS, PIXEL_VALUES);
        out->table = t_keep(&s, t_from_data(&s, size, DTYPE_F32, table, d));
    } else {
        shape one = SHAPE_4(1, 1, 1, 1), each = SHAPE_4(1, PIXEL_CHANNELS, 1, 1);
        out->white = t_keep(&s, t_from_data(&s, one, DTYPE_F32, &white, d));
        out->mean = t_keep(&s, t_from_data(&s, each, DTYPE_F32, mean, d));
        out->std = t_keep(&s, t_from_data(&s, each, DTYPE_F32, std, d));
    }
    return tscope_end(&s);
}

void pixel_scale_free(pixel_scale *p, torch *t) {
    tensor *const own[] = {p->table, p->white, p->mean, p->std};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        tensor_free(t, own[i]);
    free(p->place);
    *p = (pixel_scale){0};
}

/* White is a tensor of its own: to divide by a number, CUDA multiplies by its inverse. */
static tensor *compute(const pixel_scale *p, tscope *outer, tensor *x, memory_format f) {
    tscope s;
    tscope_begin(&s, outer->torch);
    tensor *y = t_div(&s, t_sub(&s, t_div(&s, x, p->white), p->mean), p->std);
    y = t_keep(&s, t_to(&s, y, p->device, DTYPE_F32, f));
    tscope_fail(outer, tscope_end(&s));
    return t_adopt(outer, y);
}

/* A tensor of SIZE in P's own memory, which grows when it must. */
static tensor *own_place(pixel_scale *p, tscope *s, shape size, memory_format f) {
    size_t bytes = (size_t)shape_elements(&size) * sizeof(float);
    if (bytes > p->place_bytes) {
        free(p->place);
        p->place = xmalloc(bytes);
        p->place_bytes = bytes;
    }
    return t_from_blob(s, size, DTYPE_F32, p->place, f);
}

static tensor *look_up(pixel_scale *p, tscope *s, tensor *x, memory_format f, bool for_backward) {
    shape size = t_shape(s, x);
    tensor *y = for_backward ? own_place(p, s, size, f) : t_empty(s, size, DTYPE_F32, p->device, f);
    t_look_up_(s, y, x, p->table);
    return y;
}

tensor *pixel_scale_apply(pixel_scale *p, tscope *s, tensor *x, memory_format f, bool for_backward) {
    if (!x || tscope_failed(s)) return NULL;
    if (!p->table && !p->white)
        tscope_fail(s,
                    thaw_error(THAW_ERR_USAGE, "images came as bytes, and what they stand for was not said: "
                                               "model_set_pixels comes first"));
    return p->table ? look_up(p, s, x, f, for_backward) : compute(p, s, x, f);
}
