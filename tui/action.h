/*
 * action.h - what can be done, in tables.
 *
 * One entry gives an action its name for the ':' prompt, its keys, its word in the footer, its line in '?'
 * help, the condition under which it applies, and what it does. Dispatch, footer, help, prompt and completion
 * read the same entry, so they cannot disagree. The application has a table (what works everywhere) and each
 * screen has one; a screen's keys win.
 */
#ifndef TUI_ACTION_H
#define TUI_ACTION_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/str.h"

typedef struct app app;

typedef struct action {
    const char *name;     /* "freeze-below", typed after ':' */
    const char *keys;     /* names separated by spaces: "Up k"; NULL: none */
    const char *word;     /* what the footer says: "freeze below"; NULL: not in the footer */
    const char *help;     /* a line in '?' help */
    const char *argument; /* what may follow the name, for help and prompt: "GLOB"; NULL: nothing */
    /* May it be done now? NULL: always. SELF is the screen's state, or the app for its own table. */
    bool (*valid)(app *a, void *self);
    /* ARGUMENT is NULL when the action came from a key or nothing was typed after its name. */
    void (*run)(app *a, void *self, const char *argument);
} action;

typedef struct action_table {
    const action *item;
    size_t count;
    void *self; /* handed to valid and run */
} action_table;

#define ACTION_TABLE(array, state) ((action_table){(array), sizeof(array) / sizeof(array)[0], (state)})

/* The first valid action that KEY is bound to, or NULL. */
const action *action_for_key(const action_table *table, app *a, int key);
/* The first of the keys that do ITEM now, when an action before it in TABLE has taken others of them; K_NONE:
 * there is none. */
int action_key(const action *item, const action_table *table, app *a);
/* The action NAME stands for: the whole name or a beginning that only one has. *TIES (may be NULL) gets how
 * many names begin with it. */
const action *action_by_name(const action_table *table, const char *name, int *ties);
bool action_valid(const action *item, const action_table *table, app *a);

/* All names in the tables that begin with PREFIX, sorted; the array (not the names) is the caller's. */
const char **action_complete(const action_table *tables, size_t table_count, const char *prefix,
                             size_t *count);
/* Say what is wrong in a table: two actions with one key, an unknown key name, a missing help. "" when
 * nothing is. */
void action_check(const action_table *table, str *problems);

#endif
