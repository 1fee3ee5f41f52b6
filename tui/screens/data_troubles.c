/*
 * data_troubles.c - see data_troubles.h. A row is found by its number when it is drawn, so a hundred thousand
 * of them cost nothing: first the groups of duplicates (those across the sides come first in them), then
 * skipped files.
 */
#include "tui/screens/data_troubles.h"

#include <stdlib.h>

enum { COLUMN_FILE, COLUMN_REASON, FILES_SHOWN = 3 };

static const list_column columns[] = {
    [COLUMN_FILE] = {"file", 0, 10, false, 0},
    [COLUMN_REASON] = {"what is wrong", 26, 0, false, 0},
};

size_t data_troubles_count(const thaw_dataset *set, const data_twins *twins) {
    return set ? thaw_dataset_skipped_count(set) + twins->found.count : 0;
}

static void append_twins(const thaw_dataset *set, const thaw_twins *group, str *out) {
    for (size_t i = 0; i < group->count && i < FILES_SHOWN; i++) {
        const char *path = thaw_dataset_file(set, group->item[i].train, group->item[i].index, NULL);
        char *file = text_escape(path ? path : "?");
        str_appendf(out, "%s%s", i ? " = " : "", file);
        free(file);
    }
    if (group->count > FILES_SHOWN) str_appendf(out, " and %zu more", group->count - FILES_SHOWN);
}

static const char *twins_reason(const thaw_twins *group) {
    if (group->across) return group->classes ? "both sides, two classes" : "trained and validated on";
    if (group->classes) return "under two classes";
    return group->pixels ? "equal pixels" : "equal files";
}

static void cell(void *user, int row, int column, str *out, theme_role *role) {
    const data_troubles *t = user;
    size_t at = (size_t)row, groups = t->twins->found.count;
    if (at < groups) {
        const thaw_twins *group = &t->twins->found.group[at];
        if (column == COLUMN_REASON) {
            *role = group->across || group->classes ? ROLE_WARN : ROLE_DIM;
            str_append(out, twins_reason(group));
        } else {
            append_twins(t->set, group, out);
        }
        return;
    }
    const thaw_skipped *s = thaw_dataset_skipped_at(t->set, at - groups);
    if (!s) return;
    char *text = text_escape(column == COLUMN_FILE ? s->file : s->reason);
    if (column == COLUMN_REASON) *role = ROLE_WARN;
    str_append(out, text);
    free(text);
}

static const char *way_out(const data_troubles *t) {
    bool twins = (size_t)t->list.cursor < t->twins->found.count;
    return twins ? "Keep one of them, then r looks again."
                 : "Training goes on without it; mend or remove it, then r looks again.";
}

/* The whole of the row at the cursor, below the list: columns cut it. Then what to do. */
static void draw_whole(data_troubles *t, canvas *c, rect r) {
    str text = {0};
    theme_role role = ROLE_DIM;
    if (t->list.count) {
        cell(t, t->list.cursor, COLUMN_FILE, &text, &role);
        str_append(&text, ": ");
        cell(t, t->list.cursor, COLUMN_REASON, &text, &role);
        str_appendf(&text, ". %s", way_out(t));
    }
    canvas_paragraph(c, r, str_text(&text), ROLE_DIM);
    str_clear(&text);
}

void data_troubles_draw(data_troubles *t, canvas *c, rect r, const thaw_dataset *set, const data_twins *twins,
                        bool focus) {
    enum { WHOLE_ROWS = 5, ROWS_LEAST = 12 };
    t->set = set;
    t->twins = twins;
    list_set_count(&t->list, (int)data_troubles_count(set, twins));
    list_look look = {
        .column = columns,
        .columns = sizeof columns / sizeof columns[0],
        .cell = cell,
        .user = t,
        .focus = focus,
        .empty = twins->search ? "Looking for duplicates ...  Esc stops."
                 : !set        ? "No images are chosen: o opens a folder, b takes the bundled set."
                 : twins->pixels
                     ? "Nothing is wrong: every file can be decoded, and no two show the same."
                     : "Nothing found: no file is skipped, no two are equal. v decodes every image and "
                       "compares pixels."};
    int whole = t->list.count && r.rows >= ROWS_LEAST ? WHOLE_ROWS : 0;
    list_draw(&t->list, c, rect_inset(r, 0, 0, whole, 0), &look);
    if (whole) draw_whole(t, c, (rect){r.row + r.rows - whole, r.col + 1, whole, r.cols - 2});
}
