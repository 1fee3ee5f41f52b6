/*
 * app_help.c - what `?` shows: the actions of this tab and those that work everywhere, from their tables.
 */
#include "tui/app_state.h"
#include "tui/key.h"
#include "tui/widgets/scrollbar.h"

enum {
    WIDTH_MOST = 96,
    EDGE = 6,         /* what would look out at the sides of the box must be worth it */
    KEYS = 11,        /* columns of an action's keys */
    NAME = 16,        /* and of its name */
    WORDS_LEAST = 26, /* columns its explanation wants; else it goes below */
    ROWS_MANY = 10000
};

/* Where the next line goes: rows above or below what is shown are counted but not drawn. */
typedef struct page {
    canvas *c;
    rect in;
    int row;
} page;

static rect line_at(const page *p, int indent) {
    return (rect){p->in.row + p->row, p->in.col + indent, ROWS_MANY, p->in.cols - indent};
}

static void add_action(page *p, const action *item, theme_role role) {
    rect keys = line_at(p, 1), name = line_at(p, KEYS + 1);
    canvas_text(p->c, keys.row, keys.col, KEYS - 1, item->keys ? item->keys : "", ROLE_FOOTER_KEY);
    int used = canvas_textf(p->c, name.row, name.col, name.cols, role, ":%s%s%s", item->name,
                            item->argument ? " " : "", item->argument ? item->argument : "");
    bool wide = p->in.cols - (KEYS + NAME + 2) >= WORDS_LEAST;
    if (!wide || used > NAME) p->row++;
    int rows = canvas_paragraph(p->c, line_at(p, wide ? KEYS + NAME + 2 : KEYS + 1), item->help, role);
    p->row += rows > 1 ? rows : 1;
}

static void add_table(page *p, app *a, const action_table *table, const char *title) {
    rect line = line_at(p, 0);
    canvas_text(p->c, line.row, line.col, line.cols, title, ROLE_ACCENT);
    p->row++;
    for (size_t i = 0; i < table->count; i++)
        add_action(p, &table->item[i], action_valid(&table->item[i], table, a) ? ROLE_TEXT : ROLE_DIM);
    p->row++;
}

const char *app_help_note(void) {
    return "In lists: arrows, j k, PgUp PgDn, Ctrl-U Ctrl-D, Home End. The mouse chooses tabs, panes, rows "
           "and "
           "answers; its wheel scrolls; edges between panes can be dragged. With Shift, most terminals "
           "select text as without thaw.";
}

/* All of it into IN from row SKIP on; returns its rows. */
static int draw_all(app *a, canvas *c, rect in, int skip) {
    rect former = canvas_clip(c, in);
    page p = {c, in, -skip};
    action_table own = app_screen_table(a), general = app_table(a);
    add_table(&p, a, &own, app_screens[a->current]->title);
    add_table(&p, a, &general, "everywhere");
    p.row += canvas_paragraph(c, line_at(&p, 0), app_help_note(), ROLE_DIM);
    canvas_unclip(c, former);
    return p.row + skip;
}

void app_help_draw(app *a, canvas *c) {
    rect whole = a->lay.screen;
    int width = WIDTH_MOST;
    if (width > whole.cols - 2 * EDGE) width = whole.cols;
    int all = draw_all(a, c, (rect){0, 0, 0, width - 4}, 0), rows = all + 2;
    if (rows > whole.rows - 2) rows = whole.rows > 4 ? whole.rows - 2 : whole.rows;
    rect box = {(whole.rows - rows) / 2, (whole.cols - width) / 2, rows, width};
    canvas_fill(c, box, ROLE_TEXT);
    rect frame = canvas_frame(c, box, "help", "t: a tour, Esc closes, arrows scroll", FRAME_FOCUS);
    rect in = rect_inset(frame, 0, 1, 0, 1);
    int most = all > in.rows ? all - in.rows : 0;
    a->help_page = in.rows;
    if (a->help_top > most) a->help_top = most;
    draw_all(a, c, in, a->help_top);
    scrollbar_draw(c, frame, a->help_top, all);
}

void app_help_key(app *a, int key) {
    int step = a->help_page > 1 ? a->help_page - 1 : 1;
    switch (key) {
    case K_DOWN:
    case 'j':
        a->help_top++;
        break;
    case K_UP:
    case 'k':
        a->help_top--;
        break;
    case K_PGDN:
    case K_SPACE:
        a->help_top += step;
        break;
    case K_PGUP:
        a->help_top -= step;
        break;
    case K_HOME:
        a->help_top = 0;
        break;
    case K_END:
        a->help_top = ROWS_MANY; /* drawing stops at the last page */
        break;
    case 't':
        a->help_open = false;
        app_tour_start(a);
        break;
    default:
        a->help_open = false;
        break;
    }
    if (a->help_top < 0) a->help_top = 0;
}
