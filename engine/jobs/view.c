/*
 * view.c - what training sees of an image, by the loader's own transform and random numbers. The picture last
 * read stays decoded, since a sheet of views is of one file.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/data/sampler.h"
#include "engine/run/resolve.h"
#include "thaw/picture.h"

struct thaw_viewer {
    transform transform;
    uint64_t seed;
    bool fast_decode;
    image_asker asker; /* go_on NULL: nobody */
    char *path;        /* of `whole`; NULL: none */
    int wanted;        /* that it was decoded for */
    image whole;
};

thaw_status thaw_viewer_new(const thaw_recipe *r, thaw_viewer **out) {
    *out = NULL;
    if (!r->model || !r->model[0])
        return thaw_error(
            THAW_ERR_USAGE,
            "no model is chosen, and how large its images are depends on it; choose one on tab 1");
    thaw_catalog *catalog;
    transform t;
    THAW_TRY(thaw_catalog_open(&catalog));
    thaw_status status = recipe_transform(r, catalog, &t);
    thaw_catalog_free(catalog);
    THAW_TRY(status);
    thaw_viewer *v = xcalloc(1, sizeof *v);
    *v = (thaw_viewer){.transform = t, .seed = r->seed, .fast_decode = r->data.fast_decode};
    *out = v;
    return thaw_ok();
}

void thaw_viewer_ask(thaw_viewer *v, bool (*keep_going)(void *user), void *user) {
    v->asker = (image_asker){keep_going, user};
}

static void forget(thaw_viewer *v) {
    image_clear(&v->whole);
    free(v->path);
    v->path = NULL;
}

void thaw_viewer_free(thaw_viewer *v) {
    if (!v) return;
    forget(v);
    free(v);
}

static thaw_status read_whole(thaw_viewer *v, const char *path, int wanted) {
    if (v->path && v->wanted == wanted && !strcmp(v->path, path)) return thaw_ok();
    forget(v);
    THAW_TRY(image_read_asking(path, wanted, v->asker.go_on ? &v->asker : NULL, &v->whole));
    v->path = xstrdup(path);
    v->wanted = wanted;
    return thaw_ok();
}

const char *thaw_viewer_augment(const thaw_viewer *v) {
    return augment_name(v->transform.augment);
}

int thaw_viewer_crop(const thaw_viewer *v) {
    return v->transform.crop;
}

static void shrink(image *square, int side, thaw_picture *out) {
    image small = *square;
    double box[4] = {0, 0, square->width, square->height};
    if (side < square->width) {
        image_resize(square, box, side, side, INTERPOLATE_BILINEAR, &small);
        image_clear(square);
    }
    *out = (thaw_picture){small.width, small.height, small.rgb};
}

thaw_status thaw_viewer_show(thaw_viewer *v, const char *path, bool train, size_t index, int epoch, int side,
                             thaw_picture *out) {
    const transform *t = &v->transform;
    image square;
    *out = (thaw_picture){0};
    if (side < 1) return thaw_error(THAW_ERR_USAGE, "a picture of %d pixels; 1 or more are possible", side);
    THAW_TRY(read_whole(v, path, sampler_wanted_side(t, train, v->fast_decode)));
    rng numbers = sampler_numbers(v->seed, epoch, (uint32_t)index);
    transform_preview(t, &v->whole, train, &numbers, &square);
    shrink(&square, side, out);
    return thaw_ok();
}
