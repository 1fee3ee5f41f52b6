/*
 * dialog.h - a question in the middle of the screen with a few answers, each a key.
 */
#ifndef TUI_WIDGETS_DIALOG_H
#define TUI_WIDGETS_DIALOG_H

#include "tui/action.h"
#include "tui/canvas.h"

enum { DIALOG_ANSWERS_MAX = 8 };

typedef struct dialog_answer {
    int key;          /* 's' */
    const char *text; /* "stop and save" */
} dialog_answer;

/* Everything is copied but USER. Escape answers with the last one, which is to be the harmless one. */
typedef struct dialog_params {
    const char *title, *text;
    dialog_answer answer[DIALOG_ANSWERS_MAX]; /* ends at a NULL text */
    void (*answered)(app *a, void *user, int key);
    void *user;
} dialog_params;

typedef struct dialog {
    bool open;
    char *title, *text;
    char *answer_text[DIALOG_ANSWERS_MAX];
    int answer_key[DIALOG_ANSWERS_MAX];
    int answers, cursor;
    rect area; /* of the answers, as last drawn */
    void (*answered)(app *a, void *user, int key);
    void *user;
} dialog;

void dialog_open(dialog *d, const dialog_params *params);
void dialog_close(dialog *d);
void dialog_draw(dialog *d, canvas *c, rect screen);
/* The answer's key when KEY decides it (the caller closes the dialog, then calls answered), else K_NONE. */
int dialog_key(dialog *d, int key);
/* The same for the mouse at a place of the screen. */
int dialog_click(const dialog *d, int row, int col);

#endif
