/*
 * key.c - see key.h.
 */
#include "tui/key.h"

#include <stdio.h>
#include <string.h>

#include "tui/text.h"

typedef struct named_key {
    const char *name;
    int key;
} named_key;

/* The first name of a key is the one shown. */
static const named_key names[] = {
    {"Tab", K_TAB},
    {"Enter", K_ENTER},
    {"Esc", K_ESC},
    {"Space", K_SPACE},
    {"Backspace", K_BACKSPACE},
    {"Up", K_UP},
    {"Down", K_DOWN},
    {"Left", K_LEFT},
    {"Right", K_RIGHT},
    {"Home", K_HOME},
    {"End", K_END},
    {"PgUp", K_PGUP},
    {"PgDn", K_PGDN},
    {"Ins", K_INSERT},
    {"Del", K_DELETE},
    {"Delete", K_DELETE},
    {"Escape", K_ESC},
    {"Insert", K_INSERT},
    {"Shift-Tab", K_BACKTAB},
    {"F1", K_F1},
    {"F2", K_F2},
    {"F3", K_F3},
    {"F4", K_F4},
    {"F5", K_F5},
    {"F6", K_F6},
    {"F7", K_F7},
    {"F8", K_F8},
    {"F9", K_F9},
    {"F10", K_F10},
    {"F11", K_F11},
    {"F12", K_F12},
    {"Mouse", K_MOUSE},
};

static const char control[] = "Ctrl-";

int key_parse(const char *name, int length) {
    if (length <= 0 || length >= KEY_NAME_MAX) return K_NONE;
    char word[KEY_NAME_MAX];
    memcpy(word, name, (size_t)length);
    word[length] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(word, names[i].name)) return names[i].key;
    size_t prefix = sizeof control - 1;
    if (!strncmp(word, control, prefix)) {
        char letter = word[prefix];
        bool letter_ok = (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z');
        return letter_ok && !word[prefix + 1] ? K_CTRL(letter) : K_NONE;
    }
    const char *at = word;
    int point = (int)text_decode(&at);
    return *at ? K_NONE : point;
}

const char *key_text(int key, char buffer[KEY_NAME_MAX]) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].key != key) continue;
        snprintf(buffer, KEY_NAME_MAX, "%s", names[i].name);
        return buffer;
    }
    if (key > 0 && key < ' ')
        snprintf(buffer, KEY_NAME_MAX, "%s%c", control, key + '@');
    else if (key > 0 && key < K_BASE)
        text_encode((uint32_t)key, buffer);
    else
        buffer[0] = '\0';
    return buffer;
}

bool key_is_text(int key) {
    return key >= ' ' && key < K_BASE && key != K_BACKSPACE && text_point_columns((uint32_t)key) >= 0;
}

bool key_next(const char **at, key_word *out) {
    if (!*at) return false;
    const char *name = *at + strspn(*at, " ");
    int length = (int)strcspn(name, " ");
    *at = name + length;
    *out = (key_word){name, length, key_parse(name, length)};
    return length > 0;
}

const char *key_first(const char *keys, char buffer[KEY_NAME_MAX]) {
    key_word first = {.name = ""};
    (void)key_next(&keys, &first);
    snprintf(buffer, KEY_NAME_MAX, "%.*s", first.length, first.name);
    return buffer;
}

bool key_in(int key, const char *keys) {
    for (key_word word; key_next(&keys, &word);)
        if (key != K_NONE && word.key == key) return true;
    return false;
}
