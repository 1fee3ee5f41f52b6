/*
 * sampler.c - see sampler.h.
 */
#include "engine/data/sampler.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"

static const double nanoseconds = 1e9;

rng sampler_numbers(uint64_t seed, int round, uint32_t index) {
    return rng_keyed(seed, RNG_AUGMENT, (uint64_t)round, index);
}

int sampler_wanted_side(const transform *t, bool train, bool fast_decode) {
    if (!train || !fast_decode) return 0;
    return t->resize > t->crop ? t->resize : t->crop;
}

drawn sampler_draw(const sampler *s, int epoch, uint32_t index) {
    const loader_params *p = s->params;
    int views = s->keeping.views;
    bool countless = transform_views(&p->transform, p->train) == 0;
    int round = countless && views > 0 ? epoch % views : epoch;
    drawn x = {.index = index, .r = sampler_numbers(p->seed, round, index), .entry = index};
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

/* Add what has passed since BEGAN. */
static void add_time(atomic_llong *total, double began) {
    atomic_fetch_add_explicit(total, (long long)((clock_seconds() - began) * nanoseconds),
                              memory_order_relaxed);
}

/* Read what is wanted of an image; OUT holds it at *PART. */
static thaw_status read_image(sampler *s, uint32_t index, image_wish wish, image *out, rectangle *part) {
    const transform *t = &s->params->transform;
    char *path = path_join(s->params->dataset->root, s->split->item[index].path);
    double began = clock_seconds();
    wish.wanted_side = sampler_wanted_side(t, s->params->train, s->params->fast_decode);
    thaw_status status = image_read_part(path, &wish, out, part);
    if (thaw_failed(&status)) status = without_path(status, path);
    free(path);
    add_time(&s->decode_nanoseconds, began);
    return status;
}

/* A random crop: which, and whether it is cut out of a picture that is to be kept whole. */
typedef struct cut {
    const sampler *s;
    drawn *x;
    rectangle crop;
    bool keep;
} cut;

static rectangle choose_cut(void *user, int width, int height) {
    cut *c = user;
    c->crop = transform_part(&c->s->params->transform, width, height, &c->x->r);
    c->keep = c->s->cache && image_cache_has_room(c->s->cache, width, height);
    return c->keep ? (rectangle){0, 0, width, height} : c->crop;
}

/* Where the picture itself is the base. With no room to keep it, only the crop is decoded: the same pixels.
 */
static thaw_status load_cut(sampler *s, drawn *x, uint8_t *out) {
    cut c = {.s = s, .x = x};
    image own;
    rectangle part;
    THAW_TRY(read_image(s, x->index, (image_wish){.choose = choose_cut, .user = &c}, &own, &part));
    double began = clock_seconds();
    const image *kept = c.keep ? image_cache_put(s->cache, x->index, &own) : NULL;
    transform_finish_part(&s->params->transform, kept ? kept : &own, c.keep ? c.crop : part, &x->r, out);
    image_clear(&own);
    add_time(&s->transform_nanoseconds, began);
    return thaw_ok();
}

/* Where the base is a square made of the picture. */
static thaw_status load_base(sampler *s, drawn *x, uint8_t *out) {
    image own, base;
    rectangle all;
    THAW_TRY(read_image(s, x->index, (image_wish){0}, &own, &all));
    double began = clock_seconds();
    transform_base(&s->params->transform, &own, &base);
    image_clear(&own);
    const image *kept = s->cache ? image_cache_put(s->cache, x->index, &base) : NULL;
    transform_finish(&s->params->transform, kept ? kept : &base, s->params->train, &x->r, out);
    image_clear(&base);
    add_time(&s->transform_nanoseconds, began);
    return thaw_ok();
}

thaw_status sampler_load(sampler *s, drawn *x, uint8_t *out) {
    const transform *t = &s->params->transform;
    const image *base = s->cache ? image_cache_get(s->cache, x->index) : NULL;
    if (!base)
        return transform_base_is_crop(t, s->params->train) ? load_base(s, x, out) : load_cut(s, x, out);
    double began = clock_seconds();
    transform_finish(t, base, s->params->train, &x->r, out);
    add_time(&s->transform_nanoseconds, began);
    return thaw_ok();
}
