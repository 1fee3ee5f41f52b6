/*
 * facts.c - see facts.h.
 */
#include "tui/screens/facts.h"

#include <stdlib.h>

#include "engine/base/alloc.h"
#include "tui/key.h"
#include "tui/widgets/scrollbar.h"

enum { LABEL_COLUMNS = 13, ROWS_MANY = 10000, MARGIN = 1 };

facts facts_begin(canvas *c, rect r, facts_scroll *scroll) {
    int last = scroll->rows > r.rows ? scroll->rows - r.rows : 0; /* the terminal may have grown */
    if (scroll->skip > last) scroll->skip = last;
    scroll->page = r.rows;
    rect within = rect_inset(r, 0, MARGIN, 0, MARGIN);
    return (facts){.c = c, .r = within, .scroll = scroll, .former = canvas_clip(c, r)};
}

static rect below(const facts *f, int indent) {
    return (rect){f->r.row + f->row - f->scroll->skip, f->r.col + indent, ROWS_MANY, f->r.cols - indent};
}

void facts_heading(facts *f, const char *text) {
    rect place = below(f, 0);
    canvas_text(f->c, place.row, place.col, place.cols, text, ROLE_ACCENT);
    f->row++;
}

/* Returns the rows TEXT took. */
static int paragraph(facts *f, int indent, theme_role role, const char *text) {
    rect place = below(f, indent);
    if (rect_empty(place)) return 1;
    int rows = canvas_paragraph(f->c, place, text, role);
    return rows > 0 ? rows : 1;
}

static void __attribute__((format(printf, 4, 0)))
value(facts *f, const char *label, theme_role role, const char *format, va_list args) {
    char *text = xvasprintf(format, args);
    rect place = below(f, 0);
    canvas_text(f->c, place.row, place.col, LABEL_COLUMNS - 1, label, ROLE_DIM);
    f->row += paragraph(f, LABEL_COLUMNS, role, text);
    free(text);
}

void facts_line(facts *f, const char *label, const char *format, ...) {
    va_list args;
    va_start(args, format);
    value(f, label, ROLE_TEXT, format, args);
    va_end(args);
}

void facts_value(facts *f, const char *label, theme_role role, const char *format, ...) {
    va_list args;
    va_start(args, format);
    value(f, label, role, format, args);
    va_end(args);
}

void facts_text(facts *f, theme_role role, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    f->row += paragraph(f, 0, role, text);
    free(text);
}

void facts_gap(facts *f) {
    f->row++;
}

rect facts_bar(facts *f, int most) {
    rect place = below(f, LABEL_COLUMNS);
    place.rows = 1;
    if (place.cols > most) place.cols = most;
    f->row++;
    return place;
}

rect facts_room(facts *f, int rows) {
    rect place = below(f, 0);
    place.rows = rows;
    f->row += rows;
    return place;
}

void facts_end(facts *f) {
    f->scroll->rows = f->row;
    scrollbar_draw(f->c, rect_inset(f->r, 0, -MARGIN, 0, 0), f->scroll->skip, f->row);
    canvas_unclip(f->c, f->former);
}

bool facts_key(facts_scroll *scroll, int key) {
    int last = scroll->rows > scroll->page ? scroll->rows - scroll->page : 0, page = scroll->page;
    int skip = scroll->skip;
    switch (key) {
    case K_UP:
    case 'k':
        skip--;
        break;
    case K_DOWN:
    case 'j':
        skip++;
        break;
    case K_PGUP:
        skip -= page > 1 ? page - 1 : 1;
        break;
    case K_PGDN:
        skip += page > 1 ? page - 1 : 1;
        break;
    case K_HOME:
        skip = 0;
        break;
    case K_END:
        skip = last;
        break;
    default:
        return false;
    }
    scroll->skip = skip < 0 ? 0 : skip > last ? last : skip;
    return true;
}
