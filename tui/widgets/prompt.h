/*
 * prompt.h - the line at the bottom that asks for text: a command after ':', a glob, a number, a path.
 */
#ifndef TUI_WIDGETS_PROMPT_H
#define TUI_WIDGETS_PROMPT_H

#include "engine/base/str.h"
#include "thaw/status.h"
#include "tui/action.h"
#include "tui/canvas.h"
#include "tui/widgets/line.h"

/* Everything is copied but USER. */
typedef struct prompt_params {
    const char *label;   /* "learning rate" */
    const char *initial; /* NULL: "" */
    const char *hint;    /* shown dim while the line is empty; NULL: nothing */
    /* Enter. A failure is shown and the prompt stays open with the text; success closes it. */
    thaw_status (*accept)(app *a, void *user, const char *text);
    void (*changed)(app *a, void *user,
                    const char *text);     /* on every edit (to filter a list); NULL: nothing */
    void (*cancelled)(app *a, void *user); /* Escape; NULL: nothing */
    /* Tab: append to OUT what can follow, one a line, whole texts; NULL: nothing completes. */
    void (*complete)(app *a, void *user, const char *text, str *out);
    void *user;
} prompt_params;

typedef struct prompt {
    bool open;
    prompt_params ask; /* strings are ours */
    line_edit line;
    char *problem;    /* what accept said */
    char **candidate; /* what Tab found */
    size_t candidate_count;
    size_t candidate_at; /* which one is in the line; candidate_count: none yet */
    char **history;      /* of this label, oldest first */
    size_t history_count, history_at;
} prompt;

void prompt_open(prompt *p, const prompt_params *params);
void prompt_close(prompt *p);
void prompt_clear(prompt *p); /* frees */
/* On the last row of AREA; a problem that does not fit beside the line goes over the rows above it. */
void prompt_draw(prompt *p, canvas *c, rect area);
/* False when the prompt is not open. May close it, and calls back. */
bool prompt_key(prompt *p, app *a, int key);

/* Completion of paths, for `complete`: folders end in '/'. */
void prompt_complete_path(app *a, void *user, const char *text, str *out);

#endif
