/*
 * transform.c - torchvision's transforms in two halves.
 *
 * The base is what never changes from epoch to epoch (the picture itself before RandomResizedCrop, else the
 * resized and cropped square); the loader keeps it in memory. The finish is what the sample's own random
 * numbers decide. Evaluation is the same path without the numbers, so what a person
 * previews, what is trained on and what is evaluated cannot drift apart.
 */
#include "engine/data/transform.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/data/resize.h"

enum {
    CHANNELS = 3,
    CROP_TRIES = 10,   /* torchvision's */
    SHIFT_DIVISOR = 8, /* CIFAR pads 32 pixels by 4 */
    LONGER_MAX = 1 << 30,
};
static const double RATIO_MIN = 3.0 / 4.0, RATIO_MAX = 4.0 / 3.0;

static const char *const augment_names[] = {
    [AUGMENT_NONE] = "none", [AUGMENT_FLIP] = "flip", [AUGMENT_BASIC] = "basic", [AUGMENT_SHIFT] = "shift"};
static const char *const interpolation_names[] = {[INTERPOLATE_NEAREST] = "nearest",
                                                  [INTERPOLATE_BILINEAR] = "bilinear",
                                                  [INTERPOLATE_BICUBIC] = "bicubic"};

/* The place of TEXT in NAMES, or -1. */
static int find_name(const char *text, const char *const *names, int count) {
    for (int i = 0; i < count; i++)
        if (text && strcmp(text, names[i]) == 0) return i;
    return -1;
}

const char *augment_name(augment a) {
    return augment_names[a];
}

bool augment_parse(const char *text, augment *out) {
    int at = find_name(text, augment_names, (int)(sizeof augment_names / sizeof augment_names[0]));
    if (at >= 0) *out = (augment)at;
    return at >= 0;
}

const char *interpolation_name(interpolation i) {
    return interpolation_names[i];
}

bool interpolation_parse(const char *text, interpolation *out) {
    int count = (int)(sizeof interpolation_names / sizeof interpolation_names[0]);
    int at = find_name(text, interpolation_names, count);
    if (at >= 0) *out = (interpolation)at;
    return at >= 0;
}

/* Python's round(n / 2): halves go to the even neighbour. */
static int half_to_even(int n) {
    int half = n / 2;
    return n % 2 && half % 2 ? half + 1 : half;
}

/* One direction of a centre crop: which pixels are taken, and where the first of them lands. */
typedef struct span {
    int from, count, to;
} span;

static span center_span(int size, int crop) {
    if (size < crop) return (span){0, size, (crop - size) / 2};
    return (span){half_to_even(size - crop), crop, 0};
}

/* Resize's result: the shorter side is SHORTER, the longer keeps the ratio, cut to whole pixels. */
static void resized_size(const image *im, int shorter, int *width, int *height) {
    int64_t w = im->width, h = im->height;
    int64_t longer = shorter * (w <= h ? h : w) / (w <= h ? w : h);
    if (longer > LONGER_MAX) longer = LONGER_MAX;
    *width = w <= h ? shorter : (int)longer;
    *height = w <= h ? (int)longer : shorter;
}

void image_resize_shorter(const image *in, int shorter, interpolation how, image *out) {
    int width, height;
    double box[4] = {0, 0, in->width, in->height};
    resized_size(in, shorter, &width, &height);
    image_resize(in, box, width, height, how, out);
}

/* Resize (unless RESIZE is 0) and centre crop in one go: only pixels that stay are computed. */
static void resize_and_crop(const image *im, int resize, int side, interpolation how, image *out) {
    int width = im->width, height = im->height;
    view whole = view_of(im);
    double box[4] = {0, 0, im->width, im->height};
    if (resize > 0) resized_size(im, resize, &width, &height);
    span x = center_span(width, side), y = center_span(height, side);
    size_t stride = (size_t)side * CHANNELS;
    *out = (image){.width = side, .height = side};
    out->rgb = xcalloc((size_t)side, stride);
    resize_window(&whole, box, width, height, (rectangle){x.from, y.from, x.count, y.count}, how,
                  out->rgb + (size_t)y.to * stride + (size_t)x.to * CHANNELS, stride);
}

void image_center_crop(const image *in, int side, image *out) {
    resize_and_crop(in, 0, side, INTERPOLATE_BILINEAR, out);
}

/* Inception's crop (Szegedy et al. 2014), with torchvision's ten tries and its central fallback. */
rectangle transform_part(const transform *t, int width, int height, rng *r) {
    double area = (double)width * height;
    for (int i = 0; i < CROP_TRIES; i++) {
        double target = area * rng_range(r, t->scale_min, t->scale_max);
        double ratio = exp(rng_range(r, log(RATIO_MIN), log(RATIO_MAX)));
        double w = nearbyint(sqrt(target * ratio)), h = nearbyint(sqrt(target / ratio));
        if (w < 1 || w > width || h < 1 || h > height) continue;
        int top = (int)rng_below(r, (uint64_t)(height - (int)h) + 1);
        int left = (int)rng_below(r, (uint64_t)(width - (int)w) + 1);
        return (rectangle){left, top, (int)w, (int)h};
    }
    double ratio = (double)width / height;
    int w = ratio > RATIO_MAX ? (int)nearbyint(height * RATIO_MAX) : width;
    int h = ratio < RATIO_MIN ? (int)nearbyint(width / RATIO_MIN) : height;
    return (rectangle){(width - w) / 2, (height - h) / 2, w, h};
}

static void resized_crop(const transform *t, const image *im, rectangle part, uint8_t *out) {
    view whole = view_of(im), cut = view_crop(&whole, part);
    double box[4] = {0, 0, part.width, part.height};
    resize_window(&cut, box, t->crop, t->crop, (rectangle){0, 0, t->crop, t->crop}, t->interpolation, out,
                  (size_t)t->crop * CHANNELS);
}

static size_t square_bytes(const transform *t) {
    return (size_t)t->crop * (size_t)t->crop * CHANNELS;
}

/* Move the square by (dx, dy), filling with zeros: zero-pad and crop again. */
static void shift(const image *in, int dx, int dy, uint8_t *out) {
    int side = in->width, columns = side - abs(dx), from_x = dx < 0 ? -dx : 0, to_x = dx > 0 ? dx : 0;
    memset(out, 0, (size_t)side * (size_t)side * CHANNELS);
    for (int y = dy > 0 ? dy : 0; y < side && y - dy < side; y++)
        memcpy(out + ((size_t)y * (size_t)side + (size_t)to_x) * CHANNELS,
               in->rgb + ((size_t)(y - dy) * (size_t)side + (size_t)from_x) * CHANNELS,
               (size_t)columns * CHANNELS);
}

static void flip(uint8_t *square, int side) {
    for (int y = 0; y < side; y++) {
        uint8_t *left = square + (size_t)y * (size_t)side * CHANNELS;
        uint8_t *right = left + (size_t)(side - 1) * CHANNELS;
        for (; left < right; left += CHANNELS, right -= CHANNELS)
            for (int c = 0; c < CHANNELS; c++) {
                uint8_t held = left[c];
                left[c] = right[c];
                right[c] = held;
            }
    }
}

bool transform_base_is_crop(const transform *t, bool train) {
    return !train || t->augment != AUGMENT_BASIC;
}

void transform_base(const transform *t, const image *im, image *out) {
    resize_and_crop(im, t->resize, t->crop, t->interpolation, out);
}

/* From the base to the square that it is, or that is taken out of it by R's numbers. */
static void place(const transform *t, const image *base, bool train, rng *r, uint8_t *out) {
    if (train && t->augment == AUGMENT_BASIC) {
        resized_crop(t, base, transform_part(t, base->width, base->height, r), out);
    } else if (train && t->augment == AUGMENT_SHIFT) {
        int pad = t->crop / SHIFT_DIVISOR;
        int dx = (int)rng_below(r, 2 * (uint64_t)pad + 1) - pad;
        int dy = (int)rng_below(r, 2 * (uint64_t)pad + 1) - pad;
        shift(base, dx, dy, out);
    } else {
        memcpy(out, base->rgb, square_bytes(t));
    }
}

static bool draw_mirrored(const transform *t, bool train, rng *r) {
    return train && t->augment != AUGMENT_NONE && rng_unit(r) < 0.5;
}

int transform_views(const transform *t, bool train) {
    if (!train || t->augment == AUGMENT_NONE) return 1;
    return t->augment == AUGMENT_FLIP ? 2 : 0;
}

int transform_view(const transform *t, bool train, const rng *r) {
    rng copy = *r;
    return transform_views(t, train) == 2 && rng_unit(&copy) < 0.5;
}

void transform_finish(const transform *t, const image *base, bool train, rng *r, uint8_t *out) {
    place(t, base, train, r, out);
    if (draw_mirrored(t, train, r)) flip(out, t->crop);
}

void transform_finish_part(const transform *t, const image *im, rectangle part, rng *r, uint8_t *out) {
    resized_crop(t, im, part, out);
    if (draw_mirrored(t, true, r)) flip(out, t->crop);
}

/* Both halves in one go. */
static void whole(const transform *t, const image *im, bool train, rng *r, uint8_t *out) {
    image base = {0};
    bool crop = transform_base_is_crop(t, train);
    if (crop) transform_base(t, im, &base);
    transform_finish(t, crop ? &base : im, train, r, out);
    image_clear(&base);
}

void transform_eval(const transform *t, const image *im, uint8_t *out) {
    whole(t, im, false, NULL, out);
}

void transform_train(const transform *t, const image *im, rng *r, uint8_t *out) {
    whole(t, im, true, r, out);
}

void transform_preview(const transform *t, const image *im, bool train, rng *r, image *out) {
    *out = (image){.width = t->crop, .height = t->crop, .rgb = xmalloc(square_bytes(t))};
    whole(t, im, train, r, out->rgb);
}
