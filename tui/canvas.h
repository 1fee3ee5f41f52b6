/*
 * canvas.h - a grid of cells that everything is drawn into.
 *
 * Widgets draw characters and roles here, and only term.c knows ncurses: so every widget can be tested
 * without a terminal, nothing can be drawn outside its rectangle, and a frame that equals the last one sends
 * no byte. On an ASCII canvas, characters are replaced by their nearest ASCII as they are put.
 */
#ifndef TUI_CANVAS_H
#define TUI_CANVAS_H

#include <stdbool.h>
#include <stdint.h>

#include "tui/rect.h"
#include "tui/theme.h"

typedef struct canvas_cell {
    uint32_t point;     /* 0: the right half of the wide character before it */
    uint32_t mark[2];   /* combining marks, 0: none */
    uint8_t role;       /* theme_role */
    uint8_t attributes; /* ATTR_ bits on top of the role's */
    uint8_t ground;     /* a role whose background is used instead of the role's own; ROLE_COUNT: none */
    bool picture;       /* the colours are ink and paper, 0xRRGGBB, and not the role's */
    uint32_t ink, paper;
} canvas_cell;

typedef struct canvas {
    int rows, cols;
    canvas_cell *cell; /* rows × cols */
    rect clip;         /* nothing outside it is touched */
    bool ascii;
    bool box;     /* of what is not a letter, only lines and blocks that every console font has */
    bool colours; /* of pictures: ink and paper of a cell can be (nearly) any; else they are drawn with
                     characters */
    bool mono;    /* widgets that tell things apart by colour must use glyphs as well */
} canvas;

void canvas_init(canvas *c, int rows, int cols);
void canvas_clear(canvas *c); /* frees */
void canvas_resize(canvas *c, int rows, int cols);
void canvas_erase(canvas *c); /* spaces in ROLE_TEXT, clip is everything again */

/* Limit drawing to R within the present clip; returns the former clip for canvas_unclip. */
rect canvas_clip(canvas *c, rect r);
void canvas_unclip(canvas *c, rect former);

void canvas_fill(canvas *c, rect r, theme_role role);
void canvas_put(canvas *c, int row, int col, uint32_t point, theme_role role);
void canvas_put_attr(canvas *c, int row, int col, uint32_t point, theme_role role, int attributes);
/* Part of a picture: POINT in the colours INK on PAPER, 0xRRGGBB, whatever the theme. */
void canvas_put_picture(canvas *c, int row, int col, uint32_t point, uint32_t ink, uint32_t paper);
/* Draw TEXT from COL on in at most WIDTH columns (cut with "…"); returns the columns it took. */
int canvas_text(canvas *c, int row, int col, int width, const char *text, theme_role role);
int canvas_text_right(canvas *c, int row, int col, int width, const char *text, theme_role role);
int canvas_text_centre(canvas *c, int row, int col, int width, const char *text, theme_role role);
int canvas_textf(canvas *c, int row, int col, int width, theme_role role, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
/* Draw TEXT wrapped at spaces into R; returns the rows it took (more than R has when it did not fit). */
int canvas_paragraph(canvas *c, rect r, const char *text, theme_role role);
/* Give the cells of R the background of ROLE and keep what is in them: a cursor row. */
void canvas_ground(canvas *c, rect r, theme_role role);
/* Add ATTR_ bits to the cells of R. */
void canvas_attributes(canvas *c, rect r, int attributes);

/* Row as UTF-8, trailing spaces removed; owned by the caller. For tests and for writing a screen to a file.
 */
char *canvas_row_text(const canvas *c, int row);

/* A pane's border. TITLE at the left and NOTE at the right of the top edge, each may be NULL. */
enum {
    FRAME_FOCUS = 1,     /* the pane that has the keys */
    FRAME_JOINED = 2,    /* the top edge is shared with the pane above: ├──┤ */
    FRAME_NO_BOTTOM = 4, /* the pane below draws it */
};
/* Returns the rectangle within the border. */
rect canvas_frame(canvas *c, rect r, const char *title, const char *note, int flags);

#endif
