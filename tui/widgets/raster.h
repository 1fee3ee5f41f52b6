/*
 * raster.h - dots smaller than a cell: braille (2×4 a cell), half blocks (1×2), or ASCII (1×1).
 *
 * A raster is a grid of dots with one role a cell. What is drawn later on a higher level replaces what lies
 * beneath in the same cell; dots of the same level are united. Lines are clipped at the edge, never dropped.
 */
#ifndef TUI_WIDGETS_RASTER_H
#define TUI_WIDGETS_RASTER_H

#include <stdbool.h>
#include <stdint.h>

#include "tui/canvas.h"

typedef enum raster_kind { RASTER_BRAILLE, RASTER_BLOCK, RASTER_ASCII, RASTER_COUNT } raster_kind;

typedef struct raster_cell {
    uint8_t dots; /* bit row*columns+column, 0: nothing */
    uint8_t role, attributes, level;
    uint8_t letter; /* ASCII: what a dot of this series looks like; 0: '*' */
} raster_cell;

typedef struct raster {
    raster_kind kind;
    int rows, cols; /* cells */
    int high, wide; /* dots: rows × raster_dots_high, cols × raster_dots_wide */
    raster_cell *cell;
} raster;

typedef struct raster_pen {
    theme_role role;
    int attributes;
    int level;
    char letter;
} raster_pen;

const char *raster_name(raster_kind kind); /* "braille"; static */
int raster_dots_wide(raster_kind kind);
int raster_dots_high(raster_kind kind);

void raster_init(raster *r, raster_kind kind, int rows, int cols);
void raster_clear(raster *r);
/* x from the left, y from the top, in dots. Outside: nothing. */
void raster_dot(raster *r, int x, int y, raster_pen pen);
/* Coordinates may lie anywhere, also far outside. */
void raster_line(raster *r, double x0, double y0, double x1, double y1, raster_pen pen);
bool raster_touched(const raster *r, int row, int col); /* cells */
void raster_draw(const raster *r, canvas *c, int row, int col);

#endif
