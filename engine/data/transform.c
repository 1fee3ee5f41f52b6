/*
 * transform.c - torchvision's transforms in two halves.
 *
 * The base is what never changes from epoch to epoch (the picture itself before RandomResizedCrop, else the
 * resized and cropped square); the loader keeps it in memory. The finish is what the sample's own random
 * numbers decide, and the normalisation. Evaluation is the same path without the numbers, so what a person
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
    BYTE_VALUES = 256,
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

void image_center_crop(const image *im, int side, image *out) {
    resize_and_crop(im, 0, side, INTERPOLATE_BILINEAR, out);
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

static void resized_crop(const transform *t, const image *im, rectangle part, image *out) {
    view whole = view_of(im), cut = view_crop(&whole, part);
    double box[4] = {0, 0, part.width, part.height};
    size_t stride = (size_t)t->crop * CHANNELS;
    *out = (image){.width = t->crop, .height = t->crop};
    out->rgb = xmalloc((size_t)t->crop * stride);
    resize_window(&cut, box, t->crop, t->crop, (rectangle){0, 0, t->crop, t->crop}, t->interpolation,
                  out->rgb, stride);
}

/* Move the square by (dx, dy), filling with zeros: zero-pad and crop again. */
static void shift(const image *in, int dx, int dy, image *out) {
    int side = in->width, columns = side - abs(dx), from_x = dx < 0 ? -dx : 0, to_x = dx > 0 ? dx : 0;
    *out = (image){.width = side, .height = side};
    out->rgb = xcalloc((size_t)side * (size_t)side, CHANNELS);
    for (int y = dy > 0 ? dy : 0; y < side && y - dy < side; y++)
        memcpy(out->rgb + ((size_t)y * (size_t)side + (size_t)to_x) * CHANNELS,
               in->rgb + ((size_t)(y - dy) * (size_t)side + (size_t)from_x) * CHANNELS,
               (size_t)columns * CHANNELS);
}

static void flip(image *im) {
    for (int y = 0; y < im->height; y++) {
        uint8_t *left = im->rgb + (size_t)y * (size_t)im->width * CHANNELS;
        uint8_t *right = left + (size_t)(im->width - 1) * CHANNELS;
        for (; left < right; left += CHANNELS, right -= CHANNELS)
            for (int c = 0; c < CHANNELS; c++) {
                uint8_t held = left[c];
                left[c] = right[c];
                right[c] = held;
            }
    }
}

/* A copy, so that the caller may change it. */
static void duplicate(const image *in, image *out) {
    size_t bytes = (size_t)in->width * (size_t)in->height * CHANNELS;
    *out = (image){.width = in->width, .height = in->height, .rgb = xmalloc(bytes)};
    memcpy(out->rgb, in->rgb, bytes);
}

/* ToTensor and Normalize: (byte / 255 - mean) / std in float, by table; MIRRORED: from right to left. */
static void normalise(const transform *t, const image *im, bool mirrored, float *out) {
    float table[CHANNELS][BYTE_VALUES];
    for (int c = 0; c < CHANNELS; c++)
        for (int v = 0; v < BYTE_VALUES; v++)
            table[c][v] = ((float)v / 255.0f - t->mean[c]) / t->std[c];
    size_t width = (size_t)im->width;
    ptrdiff_t step = mirrored ? -CHANNELS : CHANNELS;
    for (int y = 0; y < im->height; y++) {
        const uint8_t *pixel = im->rgb + ((size_t)y * width + (mirrored ? width - 1 : 0)) * CHANNELS;
        for (size_t x = 0; x < width; x++, pixel += step, out += CHANNELS)
            for (int c = 0; c < CHANNELS; c++)
                out[c] = table[c][pixel[c]];
    }
}

bool transform_base_is_crop(const transform *t, bool train) {
    return !train || t->augment != AUGMENT_BASIC;
}

void transform_base(const transform *t, const image *im, image *out) {
    resize_and_crop(im, t->resize, t->crop, t->interpolation, out);
}

/* Whether the square is taken out of the base by R's numbers, rather than being the base. */
static bool moves(const transform *t, bool train) {
    return train && (t->augment == AUGMENT_BASIC || t->augment == AUGMENT_SHIFT);
}

/* From the base to the 8-bit square, where it moves. */
static void move(const transform *t, const image *base, rng *r, image *out) {
    if (t->augment == AUGMENT_BASIC) {
        resized_crop(t, base, transform_part(t, base->width, base->height, r), out);
        return;
    }
    int pad = t->crop / SHIFT_DIVISOR;
    int dx = (int)rng_below(r, 2 * (uint64_t)pad + 1) - pad;
    int dy = (int)rng_below(r, 2 * (uint64_t)pad + 1) - pad;
    shift(base, dx, dy, out);
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

void transform_finish(const transform *t, const image *base, bool train, rng *r, float *out) {
    image moved = {0};
    bool own = moves(t, train);
    if (own) move(t, base, r, &moved);
    normalise(t, own ? &moved : base, draw_mirrored(t, train, r), out);
    image_clear(&moved);
}

void transform_finish_part(const transform *t, const image *im, rectangle part, rng *r, float *out) {
    image square;
    resized_crop(t, im, part, &square);
    normalise(t, &square, draw_mirrored(t, true, r), out);
    image_clear(&square);
}

/* The 8-bit square of a base that is not used up. */
static void square_of(const transform *t, const image *base, bool train, rng *r, image *out) {
    if (moves(t, train))
        move(t, base, r, out);
    else
        duplicate(base, out);
    if (draw_mirrored(t, train, r)) flip(out);
}

void transform_preview(const transform *t, const image *im, bool train, rng *r, image *out) {
    if (!transform_base_is_crop(t, train)) {
        square_of(t, im, train, r, out);
        return;
    }
    image base;
    transform_base(t, im, &base);
    square_of(t, &base, train, r, out);
    image_clear(&base);
}

/* From pixels to numbers in one go. */
static void whole(const transform *t, const image *im, bool train, rng *r, float *out) {
    image base = {0};
    bool crop = transform_base_is_crop(t, train);
    if (crop) transform_base(t, im, &base);
    transform_finish(t, crop ? &base : im, train, r, out);
    image_clear(&base);
}

void transform_eval(const transform *t, const image *im, float *out) {
    whole(t, im, false, NULL, out);
}

void transform_train(const transform *t, const image *im, rng *r, float *out) {
    whole(t, im, true, r, out);
}
