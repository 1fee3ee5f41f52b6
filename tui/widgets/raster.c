/*
 * raster.c - see raster.h.
 */
#include "tui/widgets/raster.h"

#include <math.h>
#include <stdlib.h>

#include "engine/base/alloc.h"

enum { BRAILLE = 0x2800, HALF_UPPER = 0x2580, HALF_LOWER = 0x2584, FULL = 0x2588 };

typedef struct raster_shape {
    const char *name;
    int high, wide;
} raster_shape;

static const raster_shape shapes[RASTER_COUNT] = {[RASTER_BRAILLE] = {"braille", 4, 2},
                                                  [RASTER_BLOCK] = {"blocks", 2, 1},
                                                  [RASTER_ASCII] = {"ascii", 1, 1}};

const char *raster_name(raster_kind kind) {
    return shapes[kind].name;
}

int raster_dots_wide(raster_kind kind) {
    return shapes[kind].wide;
}

int raster_dots_high(raster_kind kind) {
    return shapes[kind].high;
}

void raster_init(raster *r, raster_kind kind, int rows, int cols) {
    if (rows < 0) rows = 0;
    if (cols < 0) cols = 0;
    *r = (raster){.kind = kind,
                  .rows = rows,
                  .cols = cols,
                  .high = rows * shapes[kind].high,
                  .wide = cols * shapes[kind].wide};
    r->cell = xcalloc((size_t)rows * (size_t)cols, sizeof *r->cell);
}

void raster_clear(raster *r) {
    free(r->cell);
    *r = (raster){0};
}

void raster_dot(raster *r, int x, int y, raster_pen pen) {
    if (x < 0 || y < 0 || x >= r->wide || y >= r->high) return;
    int high = shapes[r->kind].high, wide = shapes[r->kind].wide;
    raster_cell *cell = &r->cell[(size_t)(y / high) * (size_t)r->cols + (size_t)(x / wide)];
    if (cell->dots && cell->level > pen.level) return;
    if (cell->level < pen.level) cell->dots = 0;
    cell->dots |= (uint8_t)(1 << (y % high * wide + x % wide));
    cell->level = (uint8_t)pen.level;
    cell->role = (uint8_t)pen.role;
    cell->attributes = (uint8_t)pen.attributes;
    cell->letter = (uint8_t)pen.letter;
}

/* The part of t in [0, 1] for which from + t*delta lies in [least, most] (Liang and Barsky 1984); false:
 * none. */
static bool clip_span(double from, double delta, double least, double most, double *enter, double *leave) {
    if (delta == 0) return from >= least && from <= most;
    double a = (least - from) / delta, b = (most - from) / delta;
    if (a > b) {
        double swap = a;
        a = b;
        b = swap;
    }
    if (a > *enter) *enter = a;
    if (b < *leave) *leave = b;
    return *enter <= *leave;
}

void raster_line(raster *r, double x0, double y0, double x1, double y1, raster_pen pen) {
    if (!isfinite(x0) || !isfinite(y0) || !isfinite(x1) || !isfinite(y1)) return;
    const double half = 0.49; /* dots lie at whole numbers; as far as rounding still finds the last one */
    double enter = 0, leave = 1, dx = x1 - x0, dy = y1 - y0;
    if (!clip_span(x0, dx, -half, r->wide - 1 + half, &enter, &leave)) return;
    if (!clip_span(y0, dy, -half, r->high - 1 + half, &enter, &leave)) return;
    double ax = x0 + enter * dx, ay = y0 + enter * dy, bx = x0 + leave * dx, by = y0 + leave * dy;
    double longest = fmax(fabs(bx - ax), fabs(by - ay));
    int steps = (int)ceil(longest);
    for (int i = 0; i <= steps; i++) {
        double t = steps ? (double)i / steps : 0;
        raster_dot(r, (int)lround(ax + t * (bx - ax)), (int)lround(ay + t * (by - ay)), pen);
    }
}

bool raster_touched(const raster *r, int row, int col) {
    return row >= 0 && col >= 0 && row < r->rows && col < r->cols &&
           r->cell[(size_t)row * (size_t)r->cols + (size_t)col].dots;
}

static uint32_t glyph(raster_kind kind, const raster_cell *cell) {
    if (kind == RASTER_ASCII) return cell->letter ? cell->letter : '*';
    if (kind == RASTER_BLOCK) return cell->dots == 3 ? FULL : cell->dots == 1 ? HALF_UPPER : HALF_LOWER;
    /* Our bits go row by row; braille numbers its dots down the left column, then the right, then the fourth
     * row. */
    static const uint8_t braille_bit[8] = {0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80};
    uint32_t bits = 0;
    for (int i = 0; i < 8; i++)
        if (cell->dots >> i & 1) bits |= braille_bit[i];
    return BRAILLE + bits;
}

void raster_draw(const raster *r, canvas *c, int row, int col) {
    for (int y = 0; y < r->rows; y++)
        for (int x = 0; x < r->cols; x++) {
            const raster_cell *cell = &r->cell[(size_t)y * (size_t)r->cols + (size_t)x];
            if (!cell->dots) continue;
            canvas_put_attr(c, row + y, col + x, glyph(r->kind, cell), (theme_role)cell->role,
                            cell->attributes);
        }
}
