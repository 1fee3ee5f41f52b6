/*
 * tensor.c - scopes, and the wrappers that give the plugin's functions their scope. The regular ones come
 * from the table in plugin.h; what answers with something other than a tensor is written out.
 */
#include "engine/torch/tensor.h"

#include <math.h>
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "engine/torch/plugin.h"
#include "engine/torch/torch.h"

/* ---- scopes ---- */

void tscope_begin(tscope *s, torch *t) {
    s->torch = t;
    s->item = NULL;
    s->count = s->capacity = 0;
    s->status.code = THAW_OK;
    s->status.message[0] = '\0';
}

thaw_status tscope_end(tscope *s) {
    while (s->count)
        s->torch->api->release(s->item[--s->count]);
    free(s->item);
    s->item = NULL;
    s->capacity = 0;
    return s->status;
}

bool tscope_failed(const tscope *s) {
    return s->status.code != THAW_OK;
}

void tscope_fail(tscope *s, thaw_status status) {
    if (!tscope_failed(s)) s->status = status;
}

tensor *t_adopt(tscope *s, tensor *x) {
    if (!x) return NULL;
    s->item = vec_reserve(s->item, &s->capacity, s->count + 1, sizeof *s->item);
    s->item[s->count++] = x;
    return x;
}

tensor *t_keep(tscope *s, tensor *x) {
    if (tscope_failed(s) || !x) return NULL;
    for (size_t i = s->count; i-- > 0;) {
        if (s->item[i] != x) continue;
        s->item[i] = s->item[--s->count];
        return x;
    }
    tscope_fail(s, thaw_error(THAW_ERR_USAGE, "t_keep: the tensor was not made in this scope"));
    return NULL;
}

void tensor_free(torch *t, tensor *x) {
    if (x) t->api->release(x);
}

/* ---- the regular wrappers ---- */

static bool all_given(tensor *const *items, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!items[i]) return false;
    return true;
}

#define DEFINE_MAKER(name, params, args, given)                                 \
    tensor *t_##name(tscope *s, TORCH_UNPAREN params) {                         \
        if (tscope_failed(s) || !(given)) return NULL;                          \
        return t_adopt(s, s->torch->api->name(&s->status, TORCH_UNPAREN args)); \
    }
#define DEFINE_CHANGER(name, params, args, given)            \
    void t_##name(tscope *s, TORCH_UNPAREN params) {         \
        if (tscope_failed(s) || !(given)) return;            \
        s->torch->api->name(&s->status, TORCH_UNPAREN args); \
    }
TORCH_MAKERS(DEFINE_MAKER)
TORCH_CHANGERS(DEFINE_CHANGER)

/* ---- questions ---- */

/* Whether WHAT may be asked of X. Numbers that nobody computed must not pass for an answer, so this is a
 * failure. */
static bool can_ask(tscope *s, const tensor *x, const char *what) {
    if (tscope_failed(s)) return false;
    if (!x) s->status = thaw_error(THAW_ERR_USAGE, "%s: there is no tensor", what);
    return x;
}

void t_read(tscope *s, tensor *x, void *out, size_t bytes) {
    if (can_ask(s, x, __func__)) s->torch->api->read(&s->status, x, out, bytes);
}

double t_item(tscope *s, tensor *x) {
    return can_ask(s, x, __func__) ? s->torch->api->item(&s->status, x) : NAN;
}

double t_norm(tscope *s, tensor *x) {
    return can_ask(s, x, __func__) ? s->torch->api->norm(&s->status, x) : NAN;
}

void t_norms(tscope *s, tensor *const *x, size_t count, double *out) {
    for (size_t i = 0; i < count; i++)
        out[i] = NAN;
    if (!tscope_failed(s) && all_given(x, count)) s->torch->api->norms(&s->status, x, count, out);
}

shape t_shape(tscope *s, tensor *x) {
    return can_ask(s, x, __func__) ? s->torch->api->shape_of(&s->status, x) : SHAPE_0();
}

dtype t_dtype(tscope *s, tensor *x) {
    return can_ask(s, x, __func__) ? s->torch->api->dtype_of(&s->status, x) : DTYPE_F32;
}

int64_t t_version(tscope *s, tensor *x) {
    return can_ask(s, x, __func__) ? s->torch->api->version_of(&s->status, x) : 0;
}

bool t_equal(tscope *s, tensor *a, tensor *b) {
    return can_ask(s, a, __func__) && can_ask(s, b, __func__) && s->torch->api->equal(&s->status, a, b);
}

void *t_data(tscope *s, tensor *x, memory_format f) {
    return tscope_failed(s) || !x ? NULL : s->torch->api->data(&s->status, x, f);
}

bool t_on_gradient(tscope *s, tensor *x, gradient_call *call, void *user, int64_t tag) {
    return !tscope_failed(s) && x && s->torch->api->on_gradient(&s->status, x, call, user, tag);
}

void t_foreach_sqrt(tscope *s, tensor *const *x, size_t count, tensor **out) {
    for (size_t i = 0; i < count; i++)
        out[i] = NULL;
    if (tscope_failed(s) || !all_given(x, count)) return;
    s->torch->api->foreach_sqrt(&s->status, x, count, out);
    for (size_t i = 0; i < count; i++)
        t_adopt(s, out[i]); /* those that there are, also after a failure */
}

void t_backward(tscope *s, tensor *loss) {
    if (can_ask(s, loss, __func__)) s->torch->api->backward(&s->status, loss);
}
