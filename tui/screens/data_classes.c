/*
 * data_classes.c - the list of classes, with a bar for each side.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "tui/screens/data_state.h"

void data_classes_count(data *d, const thaw_dataset *set) {
    d->most_train = d->most_val = 0;
    int classes = set ? thaw_dataset_class_count(set) : 0;
    for (int i = 0; i < classes; i++) {
        size_t train = thaw_dataset_class_images(set, i, true),
               val = thaw_dataset_class_images(set, i, false);
        if (train > d->most_train) d->most_train = train;
        if (val > d->most_val) d->most_val = val;
    }
    list_set_count(&d->list, classes);
}

enum { COLUMN_CLASS, COLUMN_TRAIN_BAR, COLUMN_TRAIN, COLUMN_VAL_BAR, COLUMN_VAL };

/* Each side has its bar beside its number, against the fullest class of that side. */
static const list_column columns[] = {
    [COLUMN_CLASS] = {"class", 0, 12, false, 0}, [COLUMN_TRAIN_BAR] = {"", 10, 0, false, 2},
    [COLUMN_TRAIN] = {"train", 7, 0, true, 0},   [COLUMN_VAL_BAR] = {"", 10, 0, false, 3},
    [COLUMN_VAL] = {"val", 7, 0, true, 1},
};

static void append_bar(str *out, size_t images, size_t most, int width) {
    static const char *const eighth[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    int eighths = most ? (int)((double)images / (double)most * width * 8 + 0.5) : 0;
    if (images && !eighths) eighths = 1;
    for (int i = 0; i < eighths / 8; i++)
        str_append(out, "█");
    str_append(out, eighth[eighths % 8]);
}

static void cell(void *user, int row, int column, str *out, theme_role *role) {
    const data *d = user;
    const thaw_dataset *set = app_dataset(d->app);
    if (!set) return;
    size_t train = thaw_dataset_class_images(set, row, true),
           val = thaw_dataset_class_images(set, row, false);
    char *name;
    switch (column) {
    case COLUMN_CLASS:
        name = text_escape(thaw_dataset_class_name(set, row));
        str_append(out, name);
        free(name);
        break;
    case COLUMN_TRAIN_BAR:
        *role = ROLE_TRAIN;
        append_bar(out, train, d->most_train, columns[column].width);
        break;
    case COLUMN_VAL_BAR:
        *role = ROLE_VAL;
        append_bar(out, val, d->most_val, columns[column].width);
        break;
    case COLUMN_TRAIN:
        str_appendf(out, "%zu", train);
        break;
    case COLUMN_VAL:
        str_appendf(out, "%zu", val);
        break;
    }
}

/* What the pane says when there are no classes to list; owned by the caller. */
static char *why_empty(app *a, const data *d) {
    if (d->opening) return xasprintf("Looking into %s ...  Esc stops.", d->opening->path);
    if (d->problem) {
        bool named = strstr(d->problem, d->failed_path) != NULL;
        return xasprintf("%s%s%s\n\no opens another folder, b the bundled shapes.",
                         named ? "" : d->failed_path, named ? "" : ": ", d->problem);
    }
    if (app_recipe(a)->data.path && app_recipe(a)->data.path[0])
        return xasprintf("%s has not been looked into. r does.", app_recipe(a)->data.path);
    return xstrdup(
        "No images are chosen. o opens a folder (train/CLASS and val/CLASS, or CLASS alone); b takes the "
        "bundled set of drawn shapes.");
}

bool data_classes_have_bars(const data *d, const layout *l) {
    return !rect_empty(l->pane[PANE_LIST]) && d->list.fitted[COLUMN_TRAIN_BAR] &&
           d->list.fitted[COLUMN_VAL_BAR];
}

void data_classes_draw(app *a, data *d, canvas *c, const layout *l) {
    if (rect_empty(l->pane[PANE_LIST])) return;
    const thaw_dataset *set = app_dataset(a);
    bool focus = app_focus(a) == PANE_LIST;
    char *note =
        set ? xasprintf("%zu train, %zu val", thaw_dataset_images(set, true), thaw_dataset_images(set, false))
            : NULL;
    rect inner =
        canvas_frame(c, l->pane[PANE_LIST], "Classes", note, l->flags[PANE_LIST] | (focus ? FRAME_FOCUS : 0));
    free(note);
    if (!set || d->opening) {
        char *why = why_empty(a, d);
        canvas_paragraph(c, rect_inset(inner, 1, 1, 0, 1), why, d->problem ? ROLE_WARN : ROLE_DIM);
        free(why);
        return;
    }
    list_look look = {.column = columns,
                      .columns = sizeof columns / sizeof columns[0],
                      .cell = cell,
                      .user = d,
                      .focus = focus,
                      .empty = "No class has any image. o opens another folder."};
    list_draw(&d->list, c, inner, &look);
}
