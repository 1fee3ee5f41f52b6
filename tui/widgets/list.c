/*
 * list.c - see list.h.
 */
#include "tui/widgets/list.h"

#include <string.h>

#include "tui/key.h"
#include "tui/text.h"
#include "tui/widgets/scrollbar.h"

enum { GAP = 1, MARGIN = 1, SCROLL_LEAST = 3 };

void list_set_count(list *l, int count) {
    l->count = count > 0 ? count : 0;
    list_move(l, l->cursor);
    if (l->anchor >= l->count) l->anchor = -1;
}

void list_move(list *l, int to) {
    if (to >= l->count) to = l->count - 1;
    l->cursor = to > 0 ? to : 0;
}

void list_range(const list *l, int *first, int *last) {
    bool range = l->anchor >= 0;
    *first = range && l->anchor < l->cursor ? l->anchor : l->cursor;
    *last = range && l->anchor > l->cursor ? l->anchor : l->cursor;
}

bool list_key(list *l, int key) {
    int page = l->page > 1 ? l->page - 1 : 1;
    switch (key) {
    case K_UP:
    case 'k':
        list_move(l, l->cursor - 1);
        return true;
    case K_DOWN:
    case 'j':
        list_move(l, l->cursor + 1);
        return true;
    case K_PGUP:
        list_move(l, l->cursor - page);
        return true;
    case K_PGDN:
        list_move(l, l->cursor + page);
        return true;
    case K_CTRL('U'):
        list_move(l, l->cursor - page / 2 - 1);
        return true;
    case K_CTRL('D'):
        list_move(l, l->cursor + page / 2 + 1);
        return true;
    case K_HOME:
        list_move(l, 0);
        return true;
    case K_END:
        list_move(l, l->count - 1);
        return true;
    default:
        return false;
    }
}

/* Keep the cursor on the page, with a little to be seen beyond it. */
static void scroll(list *l, int rows) {
    l->page = rows;
    if (rows <= 0) return;
    int margin = rows >= 3 * SCROLL_LEAST ? SCROLL_LEAST - 1 : 0;
    if (l->cursor < l->top + margin) l->top = l->cursor - margin;
    if (l->cursor >= l->top + rows - margin) l->top = l->cursor - rows + 1 + margin;
    if (l->top > l->count - rows) l->top = l->count - rows;
    if (l->top < 0) l->top = 0;
}

/* Widths of the columns that fit in WIDTH into FITTED; 0 for those that do not. */
static void fit_columns(const list_look *look, int width, int *fitted) {
    int columns = look->columns < LIST_COLUMNS_MAX ? look->columns : LIST_COLUMNS_MAX;
    for (int i = 0; i < columns; i++)
        fitted[i] = look->column[i].width ? look->column[i].width : look->column[i].least;
    for (;;) {
        int used = 0, drop = -1;
        for (int i = 0; i < columns; i++) {
            if (!fitted[i]) continue;
            used += fitted[i] + GAP;
            if (look->column[i].rank && (drop < 0 || look->column[i].rank >= look->column[drop].rank))
                drop = i;
        }
        int spare = width - used + GAP;
        if (spare >= 0 || drop < 0) {
            for (int i = 0; i < columns; i++)
                if (!look->column[i].width && fitted[i])
                    fitted[i] = fitted[i] + spare > 1 ? fitted[i] + spare : 1;
            return;
        }
        fitted[drop] = 0;
    }
}

static void draw_row(canvas *c, int screen_row, rect r, const list_look *look, const int *fitted, int row) {
    int col = r.col;
    str text = {0};
    for (int i = 0; i < look->columns && i < LIST_COLUMNS_MAX; i++) {
        if (!fitted[i]) continue;
        theme_role role = row < 0 ? ROLE_HEADING : ROLE_TEXT;
        str_reset(&text);
        if (row < 0)
            str_append(&text, look->column[i].title ? look->column[i].title : "");
        else
            look->cell(look->user, row, i, &text, &role);
        int room = r.col + r.cols - col < fitted[i] ? r.col + r.cols - col : fitted[i];
        if (look->column[i].right)
            canvas_text_right(c, screen_row, col, room, str_text(&text), role);
        else
            canvas_text(c, screen_row, col, room, str_text(&text), role);
        col += fitted[i] + GAP;
    }
    str_clear(&text);
}

static bool has_heading(const list_look *look) {
    for (int i = 0; i < look->columns; i++)
        if (look->column[i].title) return true;
    return false;
}

void list_draw(list *l, canvas *c, rect r, const list_look *look) {
    rect former = canvas_clip(c, r);
    int *fitted = l->fitted;
    rect inner = rect_inset(r, 0, MARGIN, 0, MARGIN);
    memset(fitted, 0, sizeof l->fitted);
    fit_columns(look, inner.cols, fitted);
    if (l->count == 0) {
        l->page = 0;
        l->area = (rect){0};
        canvas_paragraph(c, rect_inset(inner, r.rows > 2 ? 1 : 0, 0, 0, 0), look->empty ? look->empty : "",
                         ROLE_DIM);
        canvas_unclip(c, former);
        return;
    }
    rect rows = r;
    if (has_heading(look)) {
        draw_row(c, r.row, inner, look, fitted, -1);
        rows = rect_inset(r, 1, 0, 0, 0);
    }
    l->area = rows;
    scroll(l, rows.rows);
    int first, last;
    list_range(l, &first, &last);
    for (int i = 0; i < rows.rows && l->top + i < l->count; i++) {
        int row = l->top + i;
        draw_row(c, rows.row + i, inner, look, fitted, row);
        if (row == l->cursor)
            canvas_ground(c, rect_row(rows, i), look->focus ? ROLE_CURSOR : ROLE_CURSOR_IDLE);
        else if (row >= first && row <= last && l->anchor >= 0)
            canvas_ground(c, rect_row(rows, i), ROLE_SELECTED);
    }
    scrollbar_draw(c, rows, l->top, l->count);
    canvas_unclip(c, former);
}

bool list_click(list *l, int row, int col) {
    int to = l->top + row - l->area.row;
    if (!rect_holds(l->area, row, col) || to >= l->count) return false;
    list_move(l, to);
    return true;
}

int list_heading_at(const list *l, int row, int col) {
    int left = l->area.col + MARGIN;
    if (rect_empty(l->area) || row != l->area.row - 1) return -1;
    for (int i = 0; i < LIST_COLUMNS_MAX; i++) {
        if (!l->fitted[i]) continue;
        if (col >= left && col < left + l->fitted[i]) return i;
        left += l->fitted[i] + GAP;
    }
    return -1;
}
