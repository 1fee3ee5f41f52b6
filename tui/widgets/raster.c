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

typedef struct dot_place {
    double x, y;
} dot_place;

/*
 * Cut the line from *A to *B where V (x or y, chosen by VERTICAL) passes LEAST or MOST. The end that is cut
 * gets exactly the edge's coordinate, so that ends as far away as 1e300 lose no digits. False: nothing of it
 * lies between.
 */
static bool cut(dot_place *a, dot_place *b, bool vertical, double least, double most) {
    dot_place *end[] = {a, b};
    const dot_place from = *a, to = *b;
    double v0 = vertical ? from.y : from.x, v1 = vertical ? to.y : to.x;
    if ((v0 < least && v1 < least) || (v0 > most && v1 > most)) return false;
    for (int i = 0; i < 2; i++) {
        double v = i ? v1 : v0, edge = v < least ? least : v > most ? most : v;
        if (edge == v) continue;
        double part =
            (edge / 2 - v0 / 2) / (v1 / 2 - v0 / 2); /* halves: the difference of two doubles may overflow */
        double across = vertical ? from.x + part * (to.x - from.x) : from.y + part * (to.y - from.y);
        *end[i] = vertical ? (dot_place){across, edge} : (dot_place){edge, across};
    }
    return true;
}

void raster_line(raster *r, double x0, double y0, double x1, double y1, raster_pen pen) {
    if (!isfinite(x0) || !isfinite(y0) || !isfinite(x1) || !isfinite(y1)) return;
    const double half = 0.49; /* dots lie at whole numbers; as far as rounding still finds the last one */
    dot_place a = {x0, y0}, b = {x1, y1};
    if (!cut(&a, &b, true, -half, r->high - 1 + half) || !cut(&a, &b, false, -half, r->wide - 1 + half))
        return;
    if (!(fabs(a.y) < INT16_MAX && fabs(b.y) < INT16_MAX)) return;
    int steps = (int)ceil(fmax(fabs(b.x - a.x), fabs(b.y - a.y)));
    for (int i = 0; i <= steps; i++) {
        double t = steps ? (double)i / steps : 0;
        raster_dot(r, (int)lround(a.x + t * (b.x - a.x)), (int)lround(a.y + t * (b.y - a.y)), pen);
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
