/*
 * grid.h - tiles beside and below each other, with a cursor and scrolling: a sheet of pictures with captions.
 *
 * The grid holds no tiles: it says where each of those that show goes, and whoever draws asks it again the
 * next time.
 */
#ifndef TUI_WIDGETS_GRID_H
#define TUI_WIDGETS_GRID_H

#include "tui/canvas.h"

typedef struct grid {
    int count, cursor;
    int top;          /* row of tiles that is shown first */
    int across, down; /* tiles, as last laid out */
    rect area;
    int tile_rows, tile_cols; /* with the captions, without the gap */
    int caption;              /* rows of a caption */
} grid;

void grid_set_count(grid *g, int count); /* keeps the cursor in range */
/* Tiles for R: squares about WANTED columns wide, with CAPTION rows below each. The cursor comes into view.
 */
void grid_lay_out(grid *g, rect r, int wanted, int caption);
/* The tiles that show: the first, and one past the last. */
void grid_shown(const grid *g, int *first, int *end);
rect grid_picture(const grid *g, int item); /* where tile ITEM's picture goes */
rect grid_caption(const grid *g, int item);
/* Arrows, h j k l, PgUp PgDn, Home End. True: taken. */
bool grid_key(grid *g, int key);
bool grid_click(grid *g, int row, int col); /* the cursor goes to the tile there. False: there is none */

#endif
