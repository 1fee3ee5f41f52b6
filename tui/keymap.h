/*
 * keymap.h - a person's own keys: $XDG_CONFIG_HOME/thaw/keys.json over the keys in the action tables.
 *
 *   {"quit": "Q Ctrl-C", "train.pause": "F5", "models.sort": null}
 *
 * A name is an action's, of every tab that has it, or TAB.ACTION. The value lists its keys; null: none. A key
 * given here is taken from the actions that have it by default, so that it always does what the file says.
 */
#ifndef TUI_KEYMAP_H
#define TUI_KEYMAP_H

#include "thaw/status.h"
#include "tui/action.h"
#include "tui/screen.h"

enum { KEYMAP_EVERYWHERE = SCREEN_COUNT, KEYMAP_TABLES };

/* Copies of the tables with other keys. Zero: none were made, the tables are as they are compiled in. */
typedef struct keymap {
    action *table[KEYMAP_TABLES];
    size_t count[KEYMAP_TABLES];
    char **text; /* the key lists that were written for them */
    size_t text_count, text_capacity;
} keymap;

/*
 * TEXT, LENGTH bytes called WHERE in messages, over the tables: one for each tab and, last, what works
 * everywhere. An entry that is wrong (no such action, no such key, two actions for one key) is left out; the
 * first such is told with its line, and what is right still counts. A file that is no JSON object changes
 * nothing. keymap_clear M afterwards in every case.
 */
thaw_status keymap_parse(keymap *m, const action_table table[KEYMAP_TABLES], const char *text, size_t length,
                         const char *where) THAW_MUST_CHECK;
/* The person's file over the app's tables; no file is fine. */
thaw_status keymap_load(keymap *m) THAW_MUST_CHECK;
void keymap_clear(keymap *m);

#endif
