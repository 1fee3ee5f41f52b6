/*
 * form.h - named fields with values: choices, numbers, texts, paths, switches.
 *
 * Values are text at this boundary: GET appends a field's value, SET takes a new one and may refuse it with a
 * message, which is shown below the field. So a recipe's own parser is the only validator.
 *
 * Keys: Up/Down move; Left/Right (or h/l) step a choice, a switch or a number; Enter edits (a choice: the
 * next one); while editing, Enter takes the text and Escape leaves it.
 */
#ifndef TUI_WIDGETS_FORM_H
#define TUI_WIDGETS_FORM_H

#include <stdbool.h>

#include "engine/base/str.h"
#include "thaw/status.h"
#include "tui/canvas.h"
#include "tui/widgets/line.h"

typedef enum field_kind {
    FIELD_HEADING, /* no value */
    FIELD_CHOICE,
    FIELD_TOGGLE,  /* "true" or "false" */
    FIELD_INTEGER, /* Left/Right step by `step` */
    FIELD_NUMBER,  /* Left/Right step through 1, 2, 5, 10, ... or by `step` when it is not 0 */
    FIELD_TEXT,
    FIELD_PATH, /* Tab completes */
} field_kind;

typedef struct form_field {
    const char *name;  /* for GET and SET: "optimizer.lr" */
    const char *label; /* "learning rate" */
    const char *help;  /* one line */
    field_kind kind;
    const char *const *choice; /* FIELD_CHOICE: NULL-terminated */
    double least, most, step;  /* numbers; least == most: unbounded */
} form_field;

typedef struct form {
    const form_field *field;
    int count, cursor, top;
    bool editing;
    line_edit line;
    char *problem; /* of the field at problem_at */
    int problem_at;
    rect area; /* as last drawn */
    thaw_status (*set)(void *user, const form_field *f, const char *text);
    void (*get)(void *user, const form_field *f, str *out);
    bool (*hidden)(void *user, const form_field *f); /* NULL: none is */
    void *user;
} form;

void form_init(form *f, const form_field *fields, int count);
void form_clear(form *f);
void form_draw(form *f, canvas *c, rect r, bool focus);
bool form_key(form *f, int key);            /* true: taken */
bool form_click(form *f, int row, int col); /* the mouse at a place of the screen; true: a field is there */
const form_field *form_current(const form *f); /* NULL when there are no fields */
void form_edit(form *f);                       /* start editing the current field */

#endif
