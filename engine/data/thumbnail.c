/*
 * thumbnail.c - looking at one picture of a dataset: its size, and a small copy to show.
 */
#include <stdlib.h>

#include "engine/base/file.h"
#include "engine/data/dataset.h"
#include "engine/data/transform.h"
#include "thaw/picture.h"

static thaw_status find(const thaw_dataset *d, bool train, size_t index, const sample **out) {
    const split *side = train ? &d->train : &d->val;
    if (index >= side->count)
        return thaw_error(THAW_ERR_NOT_FOUND, "there is no %s picture %zu; %s has %zu",
                          train ? "training" : "validation", index, d->root, side->count);
    *out = &side->item[index];
    return thaw_ok();
}

thaw_status thaw_dataset_image(const thaw_dataset *d, bool train, size_t index, const char **path, int *label,
                               int *width, int *height) {
    const sample *s;
    THAW_TRY(find(d, train, index, &s));
    *path = s->path;
    *label = s->label;
    char *full = path_join(d->root, s->path);
    thaw_status status = thaw_status_prefix(image_read_size(full, width, height), "%s", s->path);
    free(full);
    return status;
}

/* The longer side to SIDE, the shorter in proportion; never larger than the picture. */
static void fit(const image *im, int side, int *width, int *height) {
    int64_t w = im->width, h = im->height, longer = w > h ? w : h;
    if (side >= longer) side = (int)longer;
    *width = (int)(w * side / longer);
    *height = (int)(h * side / longer);
    if (*width < 1) *width = 1;
    if (*height < 1) *height = 1;
}

void thaw_picture_clear(thaw_picture *p) {
    free(p->rgb);
    *p = (thaw_picture){0};
}

static void shrink(const image *im, int side, thaw_picture *out) {
    image small;
    double box[4] = {0, 0, im->width, im->height};
    fit(im, side, &out->width, &out->height);
    image_resize(im, box, out->width, out->height, INTERPOLATE_BILINEAR, &small);
    out->rgb = small.rgb;
}

thaw_status thaw_picture_read(const char *path, int side, bool (*keep_going)(void *user), void *user,
                              thaw_picture *out) {
    *out = (thaw_picture){0};
    if (side < 1 || side > THAW_PICTURE_SIDE_MAX)
        return thaw_error(THAW_ERR_USAGE, "a thumbnail of %d pixels; 1 to %d are possible", side,
                          THAW_PICTURE_SIDE_MAX);
    image im;
    image_asker asker = {keep_going, user};
    THAW_TRY(image_read_asking(path, side, keep_going ? &asker : NULL, &im));
    shrink(&im, side, out);
    image_clear(&im);
    return thaw_ok();
}

thaw_status thaw_dataset_thumbnail(const thaw_dataset *d, bool train, size_t index, int side, int *width,
                                   int *height, uint8_t **rgb) {
    const sample *s;
    thaw_picture small;
    THAW_TRY(find(d, train, index, &s));
    char *full = path_join(d->root, s->path);
    thaw_status status = thaw_status_prefix(thaw_picture_read(full, side, NULL, NULL, &small), "%s", s->path);
    free(full);
    if (thaw_failed(&status)) return status;
    *width = small.width;
    *height = small.height;
    *rgb = small.rgb;
    return status;
}
