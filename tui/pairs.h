/*
 * pairs.h - numbers of colour pairs: ncurses knows a fixed number of them, and pictures want many.
 *
 * A pair is made when it is first asked for and kept until pairs_reset. Roles come first: pictures leave some
 * pairs to them, and when theirs are used up get the nearest that there is.
 */
#ifndef TUI_PAIRS_H
#define TUI_PAIRS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct pairs pairs;

/* MOST: pairs that the terminal can have, numbered from 1. MAKE tells it of one. */
pairs *pairs_new(int most, void (*make)(int number, int foreground, int background));
void pairs_free(pairs *p); /* NULL is fine */
void pairs_reset(pairs *p);
int pairs_count(const pairs *p);

/* Indices into the palette of 256, or COLOUR_DEFAULT. 0 (the terminal's own colours) when there are no more.
 */
int pairs_role(pairs *p, int foreground, int background);
/* The same for a picture's cell; the nearest pair of a picture when there are no more, and 0 when there is
 * none. */
int pairs_picture(pairs *p, int foreground, int background);

#endif
