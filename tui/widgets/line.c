/*
 * line.c - see line.h.
 */
#include "tui/widgets/line.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "tui/key.h"
#include "tui/text.h"

static void reserve(line_edit *l, size_t need) {
    l->text = vec_reserve(l->text, &l->capacity, need + 1, 1);
}

void line_set(line_edit *l, const char *text) {
    size_t length = strlen(text);
    if (length > LINE_MAX_BYTES) length = LINE_MAX_BYTES;
    reserve(l, length);
    memcpy(l->text, text, length);
    l->text[length] = '\0';
    l->length = l->at = length;
    l->scroll = 0;
}

void line_clear(line_edit *l) {
    free(l->text);
    *l = (line_edit){0};
}

const char *line_text(const line_edit *l) {
    return l->text ? l->text : "";
}

static void erase(line_edit *l, size_t from, size_t to) {
    memmove(l->text + from, l->text + to, l->length - to + 1);
    l->length -= to - from;
    l->at = from;
}

static void insert(line_edit *l, int key) {
    char utf8[5];
    size_t bytes = (size_t)text_encode((uint32_t)key, utf8);
    if (l->length + bytes > LINE_MAX_BYTES) return;
    reserve(l, l->length + bytes);
    memmove(l->text + l->at + bytes, l->text + l->at, l->length - l->at + 1);
    memcpy(l->text + l->at, utf8, bytes);
    l->length += bytes;
    l->at += bytes;
}

/* Where the word before the cursor begins. */
static size_t word_start(const line_edit *l) {
    size_t at = l->at;
    while (at > 0 && strchr(" /.,", l->text[at - 1]))
        at--;
    while (at > 0 && !strchr(" /.,", l->text[at - 1]))
        at--;
    return at;
}

bool line_key(line_edit *l, int key) {
    if (!l->text) line_set(l, "");
    switch (key) {
    case K_LEFT:
    case K_CTRL('B'):
        l->at = text_previous(l->text, l->at);
        return true;
    case K_RIGHT:
    case K_CTRL('F'):
        l->at = text_next(l->text, l->at);
        return true;
    case K_HOME:
    case K_CTRL('A'):
        l->at = 0;
        return true;
    case K_END:
    case K_CTRL('E'):
        l->at = l->length;
        return true;
    case K_BACKSPACE:
        erase(l, text_previous(l->text, l->at), l->at);
        return true;
    case K_DELETE:
    case K_CTRL('D'):
        erase(l, l->at, text_next(l->text, l->at));
        return true;
    case K_CTRL('W'):
        erase(l, word_start(l), l->at);
        return true;
    case K_CTRL('U'):
        erase(l, 0, l->at);
        return true;
    case K_CTRL('K'):
        erase(l, l->at, l->length);
        return true;
    default:
        break;
    }
    if (!key_is_text(key)) return false;
    insert(l, key);
    return true;
}

/* Columns of the first BYTES bytes. */
static int columns_before(const line_edit *l, size_t bytes) {
    char *head = xstrndup(line_text(l), bytes);
    int columns = text_columns(head);
    free(head);
    return columns;
}

void line_draw(line_edit *l, canvas *c, int row, int col, int width, theme_role role) {
    if (width <= 0) return;
    int cursor = columns_before(l, l->at);
    if (cursor - l->scroll >= width) l->scroll = cursor - width + 1;
    if (cursor < l->scroll) l->scroll = cursor;
    rect field = {row, col, 1, width};
    canvas_fill(c, field, role);
    rect former = canvas_clip(c, field);
    canvas_text(c, row, col - l->scroll, l->scroll + width + 1, line_text(l), role);
    canvas_unclip(c, former);
    canvas_attributes(c, (rect){row, col + cursor - l->scroll, 1, 1}, ATTR_REVERSE);
}
