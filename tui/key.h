/*
 * key.h - keys as numbers and as names.
 *
 * A key is the code point of its character, or one of the constants below, which lie beyond Unicode. Names
 * ("Ctrl-L", "PgDn", "Space", "x") are what action tables, help and the configuration use.
 */
#ifndef TUI_KEY_H
#define TUI_KEY_H

#include <stdbool.h>

enum {
    K_NONE = 0,
    K_TAB = 9,
    K_ENTER = 13,
    K_ESC = 27,
    K_SPACE = 32,
    K_BACKSPACE = 127,
    K_BASE = 0x110000, /* one past the last code point */
    K_UP,
    K_DOWN,
    K_LEFT,
    K_RIGHT,
    K_HOME,
    K_END,
    K_PGUP,
    K_PGDN,
    K_INSERT,
    K_DELETE,
    K_BACKTAB,
    K_F1,
    K_F2,
    K_F3,
    K_F4,
    K_F5,
    K_F6,
    K_F7,
    K_F8,
    K_F9,
    K_F10,
    K_F11,
    K_F12,
    K_MOUSE,  /* app.h says where */
    K_RESIZE, /* the terminal has another size */
    K_LOST,   /* the terminal is gone */
};

#define K_CTRL(letter) ((letter)&31)

enum { KEY_NAME_MAX = 16 };

int key_parse(const char *name, int length);              /* K_NONE when it is no key's name */
const char *key_text(int key, char buffer[KEY_NAME_MAX]); /* returns buffer */
bool key_is_text(int key);                                /* a character one can type into a field */
/* One of the names in a list like "Q Ctrl-C". */
typedef struct key_word {
    const char *name; /* in the list, LENGTH bytes */
    int length;
    int key; /* K_NONE: no key is called so */
} key_word;
/* The next name from *AT (NULL: an empty list) on, which is then behind it; false when there is none. */
bool key_next(const char **at, key_word *out);
/* The first of the space-separated names in KEYS, for the footer: "Up k" gives "Up"; "" when there is none.
 */
const char *key_first(const char *keys, char buffer[KEY_NAME_MAX]);
bool key_in(int key, const char *keys); /* KEY is one of the names in KEYS */

#endif
