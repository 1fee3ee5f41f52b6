/*
 * list.h - rows with columns, a cursor and scrolling.
 *
 * The list holds no rows: it asks for the text of a cell when it draws one, so ten thousand rows cost
 * nothing. When the width is short, columns disappear, those with the highest `rank` first.
 */
#ifndef TUI_WIDGETS_LIST_H
#define TUI_WIDGETS_LIST_H

#include <stdbool.h>

#include "engine/base/str.h"
#include "tui/canvas.h"

typedef struct list_column {
    const char *title; /* NULL in all columns: no heading row */
    int width;         /* columns; 0: shares what is left (give one column 0) */
    int least;         /* for width 0: the least it needs before others disappear */
    bool right;        /* aligned to the right */
    int rank;          /* 0: always there */
} list_column;

enum { LIST_COLUMNS_MAX = 16 };

typedef struct list {
    int count, cursor, top;
    int page;                     /* rows the last draw had room for */
    int anchor;                   /* the other end of a selected range, -1: none */
    rect area;                    /* of the rows, as last drawn */
    int fitted[LIST_COLUMNS_MAX]; /* width of each column, as last drawn; 0: there was no room */
} list;

/* Append the cell's text to OUT; set *ROLE to draw it in another role than ROLE_TEXT. */
typedef void (*list_cell)(void *user, int row, int column, str *out, theme_role *role);

typedef struct list_look {
    const list_column *column;
    int columns;
    list_cell cell;
    void *user;
    bool focus;        /* the pane has the keys */
    const char *empty; /* what to say when there are no rows: what to press */
} list_look;

void list_set_count(list *l, int count); /* keeps the cursor in range */
void list_move(list *l, int to);
void list_draw(list *l, canvas *c, rect r, const list_look *look);
/* Up Down PgUp PgDn Home End j k, Ctrl-U Ctrl-D. True: taken (also when there is nowhere to go). */
bool list_key(list *l, int key);
/* The mouse at a place of the screen: the cursor goes to the row there. False: there is none. */
bool list_click(list *l, int row, int col);
/* The column whose heading is at that place of the screen, or -1. */
int list_heading_at(const list *l, int row, int col);
void list_range(const list *l, int *first,
                int *last); /* the selected rows; the cursor's when there is no range */

#endif
