/*
 * sampler.c - see sampler.h.
 */
#include "engine/data/sampler.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"

static const double nanoseconds = 1e9;

drawn sampler_draw(const sampler *s, int epoch, uint32_t index) {
    const loader_params *p = s->params;
    int views = s->keeping.views;
    bool countless = transform_views(&p->transform, p->train) == 0;
    int round = countless && views > 0 ? epoch % views : epoch;
    drawn x = {.index = index, .r = rng_keyed(p->seed, RNG_AUGMENT, (uint64_t)round, index), .entry = index};
    if (views > 0) {
        int view = countless ? round : transform_view(&p->transform, p->train, &x.r);
        x.entry = (size_t)index * (size_t)views + (size_t)view;
    }
    x.kept = s->keeping.has && s->keeping.has(s->keeping.user, x.entry);
    return x;
}

static thaw_status without_path(thaw_status status, const char *path) {
    size_t length = strlen(path);
    if (strncmp(status.message, path, length) == 0 && strncmp(status.message + length, ": ", 2) == 0)
        return thaw_error(status.code, "%s", status.message + length + 2);
    return status;
}

/* Read and decode what the transform starts from. */
static thaw_status make_base(const sampler *s, uint32_t index, image *base) {
    const transform *t = &s->params->transform;
    char *path = path_join(s->params->dataset->root, s->split->item[index].path);
    int wanted = !s->params->fast_decode ? 0 : t->resize > t->crop ? t->resize : t->crop;
    thaw_status status = image_read(path, wanted, base);
    if (thaw_failed(&status)) status = without_path(status, path);
    free(path);
    THAW_TRY(status);
    if (transform_base_is_crop(t, s->params->train)) {
        image decoded = *base;
        transform_base(t, &decoded, base);
        image_clear(&decoded);
    }
    return thaw_ok();
}

static void add_time(atomic_llong *total, double seconds) {
    atomic_fetch_add_explicit(total, (long long)(seconds * nanoseconds), memory_order_relaxed);
}

thaw_status sampler_load(sampler *s, drawn *x, float *out) {
    image own = {0};
    double began = clock_seconds(), decoded;
    const image *base = s->cache ? image_cache_get(s->cache, x->index) : NULL;
    if (!base) {
        THAW_TRY(make_base(s, x->index, &own));
        if (s->cache) base = image_cache_put(s->cache, x->index, &own);
        if (!base) base = &own;
    }
    decoded = clock_seconds();
    transform_finish(&s->params->transform, base, s->params->train, &x->r, out);
    image_clear(&own);
    add_time(&s->decode_nanoseconds, decoded - began);
    add_time(&s->transform_nanoseconds, clock_seconds() - decoded);
    return thaw_ok();
}
