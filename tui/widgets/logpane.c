/*
 * logpane.c - see logpane.h.
 */
#include "tui/widgets/logpane.h"

#include <stdlib.h>

#include "engine/base/str.h"
#include "tui/key.h"

enum { TIME_COLUMNS = 8 };

void logpane_draw(logpane *p, canvas *c, rect r, const run_log_line *log, size_t count) {
    static const theme_role level_role[] = {ROLE_TEXT, ROLE_WARN, ROLE_BAD};
    rect in = rect_inset(r, 0, 1, 0, 1);
    p->page = in.rows;
    int most = (int)count - in.rows;
    if (p->back > most) p->back = most;
    if (p->back < 0) p->back = 0;
    if (count == 0)
        canvas_text(c, in.row, in.col, in.cols, "nothing yet: what the engine says comes here", ROLE_DIM);
    int first = (int)count - in.rows - p->back;
    if (first < 0) first = 0;
    for (int i = 0; i < in.rows && (size_t)(first + i) < count; i++) {
        const run_log_line *entry = &log[first + i];
        char time[NUMBER_TEXT_MAX];
        text_seconds(entry->time, time);
        int used = canvas_text_right(c, in.row + i, in.col, TIME_COLUMNS - 2, time, ROLE_DIM) + 2;
        char *safe = text_escape(entry->text ? entry->text : "");
        canvas_text(c, in.row + i, in.col + used, in.cols - used, safe,
                    level_role[entry->level < 0   ? 0
                               : entry->level > 2 ? 2
                                                  : entry->level]);
        free(safe);
    }
}

bool logpane_key(logpane *p, int key, size_t count) {
    int page = p->page > 1 ? p->page - 1 : 1;
    int most = (int)count - p->page;
    switch (key) {
    case K_UP:
    case 'k':
        p->back++;
        break;
    case K_DOWN:
    case 'j':
        p->back--;
        break;
    case K_PGUP:
        p->back += page;
        break;
    case K_PGDN:
        p->back -= page;
        break;
    case K_HOME:
        p->back = most;
        break;
    case K_END:
        p->back = 0;
        break;
    default:
        return false;
    }
    if (p->back > most) p->back = most;
    if (p->back < 0) p->back = 0;
    return true;
}
