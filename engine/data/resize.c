/*
 * resize.c - Pillow's antialiased resampling, byte for byte.
 *
 * The algorithm is that of Pillow's Image.resize (its Resample.c defines what pretrained networks were
 * evaluated with): a separable filter whose support grows with the reduction, weights normalised in double
 * and rounded to 22 bits after the point, the horizontal pass first, its result rounded to 8 bits. The box is
 * kept in float because Pillow keeps it so.
 *
 * Speed comes from layout. The horizontal pass takes sixteen rows at a time and transposes them, so that the
 * sixteen pixels of a column lie side by side and one weight multiplies them all; the vertical pass needs no
 * such help. Both are plain loops that compilers turn into vector code.
 */
#include "engine/data/resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/data/hot.h"

enum {
    PRECISION_BITS = 32 - 8 - 2,
    LANES = 16, /* rows that the horizontal pass takes at a time */
    RUN = 64,   /* bytes of a row that the vertical pass takes at a time */
    CHANNELS = 3,
};

static double bilinear(double x) {
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

static double bicubic(double x) {
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
    return 0.0;
}

typedef struct filter {
    double (*weight)(double);
    double support;
} filter;

static const filter filters[] = {
    [INTERPOLATE_BILINEAR] = {bilinear, 1.0},
    [INTERPOLATE_BICUBIC] = {bicubic, 2.0},
};

/* One direction: output i is the sum over count[i] inputs from first[i] on, with weights from i * taps on. */
typedef struct axis {
    int outputs, taps;
    int *first, *count;
    int32_t *weight;
} axis;

static void axis_clear(axis *a) {
    free(a->first);
    free(a->count);
    free(a->weight);
}

static int32_t to_fixed(double weight) {
    return (int32_t)((weight < 0 ? -0.5 : 0.5) + weight * (1 << PRECISION_BITS));
}

/* Weights for outputs START.. of an axis that maps [low, high) of SIZE inputs to FULL outputs. */
static axis axis_make(int size, float low, float high, int full, int start, int outputs, const filter *f) {
    double scale = (double)(high - low) / full, stretch = scale < 1.0 ? 1.0 : scale;
    double support = f->support * stretch, inverse = 1.0 / stretch;
    axis a = {.outputs = outputs, .taps = (int)ceil(support) * 2 + 1};
    a.first = xcalloc((size_t)outputs, sizeof *a.first);
    a.count = xcalloc((size_t)outputs, sizeof *a.count);
    a.weight = xcalloc((size_t)outputs * (size_t)a.taps, sizeof *a.weight);
    double *exact = xcalloc((size_t)a.taps, sizeof *exact);
    for (int i = 0; i < outputs; i++) {
        double center = low + (start + i + 0.5) * scale, sum = 0.0;
        int first = (int)(center - support + 0.5), end = (int)(center + support + 0.5);
        if (first < 0) first = 0;
        if (end > size) end = size;
        for (int k = 0; k < end - first; k++) {
            exact[k] = f->weight((k + first - center + 0.5) * inverse);
            sum += exact[k];
        }
        for (int k = 0; k < end - first; k++)
            a.weight[(size_t)i * (size_t)a.taps + (size_t)k] =
                to_fixed(sum != 0.0 ? exact[k] / sum : exact[k]);
        a.first[i] = first;
        a.count[i] = end - first;
    }
    free(exact);
    return a;
}

static inline uint8_t to_byte(int32_t sum) {
    sum >>= PRECISION_BITS;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

/*
 * Transpose a square of LANES x LANES bytes. Dealing the two halves out alternately, as cards, rotates the
 * bits of every byte's index by one; after four deals row and column have changed places.
 */
static inline void transpose(uint8_t *restrict square) {
    uint8_t dealt[LANES * LANES];
    for (int pair = 0; pair < 2; pair++) {
        for (int i = 0; i < LANES * LANES / 2; i++) {
            dealt[2 * i] = square[i];
            dealt[2 * i + 1] = square[i + LANES * LANES / 2];
        }
        for (int i = 0; i < LANES * LANES / 2; i++) {
            square[2 * i] = dealt[i];
            square[2 * i + 1] = dealt[i + LANES * LANES / 2];
        }
    }
}

/* in: LANES rows (pointers may repeat) of COUNT bytes. out: COUNT x LANES. */
HOT_LOOP static void interleave(const uint8_t *const *restrict in, size_t count, uint8_t *restrict out) {
    uint8_t square[LANES * LANES];
    size_t at = 0;
    for (; at + LANES <= count; at += LANES) {
        for (int lane = 0; lane < LANES; lane++)
            memcpy(square + lane * LANES, in[lane] + at, LANES);
        transpose(square);
        memcpy(out + at * LANES, square, sizeof square);
    }
    for (; at < count; at++)
        for (int lane = 0; lane < LANES; lane++)
            out[at * LANES + (size_t)lane] = in[lane][at];
}

/* in: COUNT x LANES. out: the first ROWS of LANES rows of COUNT bytes, packed. */
HOT_LOOP static void separate(const uint8_t *restrict in, size_t count, int rows, uint8_t *restrict out) {
    uint8_t square[LANES * LANES];
    size_t at = 0;
    for (; at + LANES <= count; at += LANES) {
        memcpy(square, in + at * LANES, sizeof square);
        transpose(square);
        for (int lane = 0; lane < rows; lane++)
            memcpy(out + (size_t)lane * count + at, square + lane * LANES, LANES);
    }
    for (; at < count; at++)
        for (int lane = 0; lane < rows; lane++)
            out[(size_t)lane * count + at] = in[at * LANES + (size_t)lane];
}

/* in: COLUMNS x CHANNELS x LANES. out: a->outputs x CHANNELS x LANES. */
HOT_LOOP static void filter_lanes(const axis *a, const uint8_t *restrict in, int offset,
                                  uint8_t *restrict out) {
    for (int i = 0; i < a->outputs; i++) {
        const int32_t *restrict weight = a->weight + (size_t)i * (size_t)a->taps;
        const uint8_t *restrict from = in + (size_t)(a->first[i] - offset) * CHANNELS * LANES;
        int32_t sum[CHANNELS * LANES];
        for (int j = 0; j < CHANNELS * LANES; j++)
            sum[j] = 1 << (PRECISION_BITS - 1);
        for (int k = 0; k < a->count[i]; k++, from += CHANNELS * LANES)
            for (int j = 0; j < CHANNELS * LANES; j++)
                sum[j] += from[j] * weight[k];
        for (int j = 0; j < CHANNELS * LANES; j++)
            out[(size_t)i * CHANNELS * LANES + (size_t)j] = to_byte(sum[j]);
    }
}

/* Rows TOP.. of IN through A; out: ROWS x a->outputs x CHANNELS, packed. */
static void horizontal(const view *in, const axis *a, int top, int rows, uint8_t *out) {
    int low = a->first[0], high = a->first[a->outputs - 1] + a->count[a->outputs - 1];
    size_t in_bytes = (size_t)(high - low) * CHANNELS, out_bytes = (size_t)a->outputs * CHANNELS;
    uint8_t *gathered = xmalloc((in_bytes + out_bytes) * LANES), *filtered = gathered + in_bytes * LANES;
    for (int y = 0; y < rows; y += LANES) {
        const uint8_t *lane[LANES];
        for (int i = 0; i < LANES; i++) {
            int row = top + (y + i < rows ? y + i : rows - 1);
            lane[i] = in->rgb + (size_t)row * in->stride + (size_t)low * CHANNELS;
        }
        interleave(lane, in_bytes, gathered);
        filter_lanes(a, gathered, low, filtered);
        separate(filtered, out_bytes, rows - y < LANES ? rows - y : LANES, out + (size_t)y * out_bytes);
    }
    free(gathered);
}

/* One output row of COUNT bytes from TAPS input rows STRIDE bytes apart. */
HOT_LOOP static void filter_row(const uint8_t *restrict in, size_t stride, const int32_t *restrict weight,
                                int taps, size_t count, uint8_t *restrict out) {
    size_t x = 0;
    for (; x + RUN <= count; x += RUN) {
        int32_t sum[RUN];
        for (int j = 0; j < RUN; j++)
            sum[j] = 1 << (PRECISION_BITS - 1);
        for (int k = 0; k < taps; k++)
            for (int j = 0; j < RUN; j++)
                sum[j] += in[(size_t)k * stride + x + (size_t)j] * weight[k];
        for (int j = 0; j < RUN; j++)
            out[x + (size_t)j] = to_byte(sum[j]);
    }
    for (; x < count; x++) {
        int32_t sum = 1 << (PRECISION_BITS - 1);
        for (int k = 0; k < taps; k++)
            sum += in[(size_t)k * stride + x] * weight[k];
        out[x] = to_byte(sum);
    }
}

static void vertical(const view *in, const axis *a, int offset, uint8_t *out, size_t out_stride) {
    for (int y = 0; y < a->outputs; y++)
        filter_row(in->rgb + (size_t)(a->first[y] - offset) * in->stride, in->stride,
                   a->weight + (size_t)y * (size_t)a->taps, a->count[y], (size_t)in->width * CHANNELS,
                   out + (size_t)y * out_stride);
}

static void copy_rows(const view *in, uint8_t *out, size_t out_stride) {
    for (int y = 0; y < in->height; y++)
        memcpy(out + (size_t)y * out_stride, in->rgb + (size_t)y * in->stride, (size_t)in->width * CHANNELS);
}

/*
 * Which input each output takes: the position is summed up step by step, as Pillow does. The list covers
 * outputs START.. only.
 */
static int *nearest_positions(int size, float low, float high, int full, int start, int outputs) {
    int *position = xcalloc((size_t)outputs, sizeof *position);
    double step = (double)(high - low) / full, at = low + step * 0.5;
    for (int i = 0; i < start + outputs; i++, at += step) {
        int p = at < 0 ? 0 : (int)at;
        if (i >= start) position[i - start] = p < size ? p : size - 1;
    }
    return position;
}

static void nearest(const view *in, const float box[4], int width, int height, rectangle w, uint8_t *out,
                    size_t out_stride) {
    int *column = nearest_positions(in->width, box[0], box[2], width, w.left, w.width);
    int *row = nearest_positions(in->height, box[1], box[3], height, w.top, w.height);
    for (int y = 0; y < w.height; y++)
        for (int x = 0; x < w.width; x++)
            memcpy(out + (size_t)y * out_stride + (size_t)x * CHANNELS,
                   in->rgb + (size_t)row[y] * in->stride + (size_t)column[x] * CHANNELS, CHANNELS);
    free(column);
    free(row);
}

static void smooth(const view *in, const float box[4], int width, int height, rectangle w, const filter *f,
                   uint8_t *out, size_t out_stride) {
    bool across = width != in->width || box[0] != 0 || box[2] != (float)width;
    bool down = height != in->height || box[1] != 0 || box[3] != (float)height;
    axis columns = {0}, rows = {0};
    int top = w.top, bottom = w.top + w.height; /* input rows that matter */
    if (down) {
        rows = axis_make(in->height, box[1], box[3], height, w.top, w.height, f);
        top = rows.first[0];
        bottom = rows.first[w.height - 1] + rows.count[w.height - 1];
    }
    view middle =
        view_crop(in, (rectangle){across ? 0 : w.left, top, across ? in->width : w.width, bottom - top});
    uint8_t *packed = NULL;
    if (across) {
        columns = axis_make(in->width, box[0], box[2], width, w.left, w.width, f);
        packed = xmalloc((size_t)(bottom - top) * (size_t)w.width * CHANNELS);
        horizontal(in, &columns, top, bottom - top, packed);
        middle = (view){packed, (size_t)w.width * CHANNELS, w.width, bottom - top};
    }
    if (down)
        vertical(&middle, &rows, top, out, out_stride);
    else
        copy_rows(&middle, out, out_stride);
    free(packed);
    axis_clear(&columns);
    axis_clear(&rows);
}

view view_of(const image *im) {
    return (view){im->rgb, (size_t)im->width * CHANNELS, im->width, im->height};
}

view view_crop(const view *v, rectangle part) {
    const uint8_t *corner = v->rgb + (size_t)part.top * v->stride + (size_t)part.left * CHANNELS;
    return (view){corner, v->stride, part.width, part.height};
}

void resize_window(const view *in, const double box[4], int width, int height, rectangle window,
                   interpolation how, uint8_t *out, size_t out_stride) {
    float edge[4] = {(float)box[0], (float)box[1], (float)box[2], (float)box[3]};
    if (window.width <= 0 || window.height <= 0) return;
    if (how == INTERPOLATE_NEAREST)
        nearest(in, edge, width, height, window, out, out_stride);
    else
        smooth(in, edge, width, height, window, &filters[how], out, out_stride);
}

void image_resize(const image *in, const double box[4], int width, int height, interpolation how,
                  image *out) {
    view whole = view_of(in);
    *out = (image){.width = width, .height = height};
    out->rgb = xmalloc((size_t)width * (size_t)height * CHANNELS);
    resize_window(&whole, box, width, height, (rectangle){0, 0, width, height}, how, out->rgb,
                  (size_t)width * CHANNELS);
}
