/*
 * picture.c - see picture.h.
 */
#include "tui/widgets/picture.h"

enum { CHANNELS = 3, HALVES = 2, UPPER_HALF = 0x2580 };

/* From dark to bright, by how much of the cell they fill. */
static const char ramp[] = " .:-=+*#%@";
enum { RAMP = sizeof ramp - 1 };

rect picture_place(rect r, int width, int height) {
    if (rect_empty(r) || width < 1 || height < 1) return (rect){r.row, r.col, 0, 0};
    int64_t high = (int64_t)r.rows * HALVES, cols = r.cols;
    if (cols * height > high * width)
        cols = high * width / height;
    else
        high = cols * height / width;
    rect in = {.rows = (int)((high + 1) / HALVES), .cols = (int)cols};
    if (in.rows < 1) in.rows = 1;
    if (in.cols < 1) in.cols = 1;
    in.row = r.row + (r.rows - in.rows) / 2;
    in.col = r.col + (r.cols - in.cols) / 2;
    return in;
}

/* A part of a picture divided into PARTS: the pixels of number INDEX, one at least. */
typedef struct span {
    int from, to;
} span;

static span span_of(int index, int parts, int pixels) {
    span s = {(int)((int64_t)index * pixels / parts), (int)((int64_t)(index + 1) * pixels / parts)};
    if (s.from >= pixels) s.from = pixels - 1;
    if (s.to <= s.from) s.to = s.from + 1;
    return s;
}

static uint32_t average(const uint8_t *rgb, int width, span x, span y) {
    uint64_t sum[CHANNELS] = {0}, count = (uint64_t)(x.to - x.from) * (uint64_t)(y.to - y.from);
    for (int row = y.from; row < y.to; row++) {
        const uint8_t *pixel = rgb + ((size_t)row * (size_t)width + (size_t)x.from) * CHANNELS;
        for (int col = x.from; col < x.to; col++, pixel += CHANNELS)
            for (int k = 0; k < CHANNELS; k++)
                sum[k] += pixel[k];
    }
    uint32_t out = 0;
    for (int k = 0; k < CHANNELS; k++)
        out = out << 8 | (uint32_t)((sum[k] + count / 2) / count);
    return out;
}

/* 0..255, as bright as it looks (Rec. 601). */
static int luminance(uint32_t rgb) {
    return (int)((299 * (rgb >> 16 & 255) + 587 * (rgb >> 8 & 255) + 114 * (rgb & 255) + 500) / 1000);
}

static void draw_cell(canvas *c, rect in, int row, int col, int width, int height, const uint8_t *rgb) {
    span x = span_of(col, in.cols, width);
    if (!c->colours) {
        int bright = luminance(average(rgb, width, x, span_of(row, in.rows, height)));
        canvas_put(c, in.row + row, in.col + col, (uint32_t)ramp[bright * RAMP / 256], ROLE_TEXT);
        return;
    }
    uint32_t above = average(rgb, width, x, span_of(HALVES * row, HALVES * in.rows, height));
    uint32_t below = average(rgb, width, x, span_of(HALVES * row + 1, HALVES * in.rows, height));
    canvas_put_picture(c, in.row + row, in.col + col, UPPER_HALF, above, below);
}

rect picture_draw(canvas *c, rect r, int width, int height, const uint8_t *rgb) {
    rect in = picture_place(r, width, height);
    for (int row = 0; row < in.rows; row++)
        for (int col = 0; col < in.cols; col++)
            if (rect_holds(c->clip, in.row + row, in.col + col))
                draw_cell(c, in, row, col, width, height, rgb);
    return in;
}
