/*
 * model_list.c - see model_list.h. The column of the order is there however narrow the pane is.
 */
#include "tui/screens/model_list.h"

#include <math.h>
#include <string.h>

enum {
    COLUMN_MARK,
    COLUMN_MODEL,
    COLUMN_WEIGHTS,
    COLUMN_FAMILY,
    COLUMN_PARAMS,
    COLUMN_GMACS,
    COLUMN_TOP1,
    COLUMN_MB,
    COLUMN_MEMORY,
    COLUMN_WHERE,
    COLUMNS
};

static const list_column columns[COLUMNS] = {
    [COLUMN_MARK] = {"", 2, 0, false, 0},       [COLUMN_MODEL] = {NULL, 0, 14, false, 0},
    [COLUMN_WEIGHTS] = {NULL, 22, 0, false, 5}, [COLUMN_FAMILY] = {NULL, 12, 0, false, 7},
    [COLUMN_PARAMS] = {NULL, 7, 0, true, 1},    [COLUMN_GMACS] = {NULL, 7, 0, true, 2},
    [COLUMN_TOP1] = {NULL, 6, 0, true, 0},      [COLUMN_MB] = {NULL, 7, 0, true, 4},
    [COLUMN_MEMORY] = {NULL, 8, 0, true, 3},    [COLUMN_WHERE] = {NULL, 8, 0, false, 6},
};

/* What each column shows; the mark has no heading. */
static const model_key column_key[COLUMNS] = {
    [COLUMN_MARK] = MODEL_KEY_COUNT,       [COLUMN_MODEL] = MODEL_BY_NAME,
    [COLUMN_WEIGHTS] = MODEL_BY_WEIGHTS,   [COLUMN_FAMILY] = MODEL_BY_FAMILY,
    [COLUMN_PARAMS] = MODEL_BY_PARAMETERS, [COLUMN_GMACS] = MODEL_BY_OPERATIONS,
    [COLUMN_TOP1] = MODEL_BY_ACCURACY,     [COLUMN_MB] = MODEL_BY_SIZE,
    [COLUMN_MEMORY] = MODEL_BY_MEMORY,     [COLUMN_WHERE] = MODEL_BY_CACHED,
};

static void append_figure(str *out, int decimals, double value) {
    if (isnan(value))
        str_append(out, "-");
    else
        str_appendf(out, "%.*f", decimals, value);
}

/* "V2" of "IMAGENET1K_V2": what tells the weights of one architecture apart. */
static const char *version_of(const char *name) {
    const char *bar = strchr(name, '_');
    return bar ? bar + 1 : name;
}

static theme_role fit_role(model_fit fit) {
    return fit == MODEL_TOO_BIG ? ROLE_BAD : fit == MODEL_TIGHT ? ROLE_WARN : ROLE_TEXT;
}

static void cell(void *user, int row, int column, str *out, theme_role *role) {
    const model_rows *m = user;
    int index = m->row[row];
    const thaw_weights_info *info = thaw_catalog_at(m->catalog, index);
    const model_facts *known = &m->facts[index];
    char buffer[NUMBER_TEXT_MAX];
    if (!info->buildable) *role = ROLE_DIM;
    switch (column) {
    case COLUMN_MARK:
        str_append(out, !info->buildable ? "-" : m->facts[index].here ? "+" : " ");
        str_append(out, known->fit == MODEL_TOO_BIG ? "!" : known->fit == MODEL_TIGHT ? "~" : "");
        break;
    case COLUMN_MODEL:
        str_append(out, info->arch);
        if (model_rows_ambiguous(m, index)) str_appendf(out, " %s", version_of(info->name));
        break;
    case COLUMN_WEIGHTS:
        str_appendf(out, "%s%s", info->name, info->is_default ? " *" : "");
        break;
    case COLUMN_FAMILY:
        str_append(out, info->family ? info->family : "-");
        break;
    case COLUMN_PARAMS:
        str_append(out, text_count((double)info->parameters, buffer));
        break;
    case COLUMN_GMACS:
        append_figure(out, 2, info->gflops);
        break;
    case COLUMN_TOP1:
        append_figure(out, 1, info->acc1);
        break;
    case COLUMN_MB:
        append_figure(out, 1, info->file_size_mb);
        break;
    case COLUMN_MEMORY:
        str_append(out, isnan(known->memory) ? "" : text_bytes(known->memory, buffer));
        *role = fit_role(known->fit);
        break;
    case COLUMN_WHERE:
        if (!info->buildable) {
            str_append(out, "not yet");
        } else if (m->facts[index].here) {
            str_append(out, info->bundled ? "bundled" : "here");
            *role = ROLE_GOOD;
        }
        break;
    }
}

/* The columns with their headings: that of the order has an arrow, and is there however narrow the pane is.
 * HEADING: room for the texts. */
static void head_columns(const model_rows *m, list_column out[COLUMNS], str heading[COLUMNS]) {
    for (int i = 0; i < COLUMNS; i++) {
        out[i] = columns[i];
        if (column_key[i] == MODEL_KEY_COUNT) continue;
        str_append(&heading[i], model_key_heading(column_key[i]));
        if (column_key[i] == m->order) {
            bool falls = model_key_descends(m->order) != m->reverse;
            str_append(&heading[i], falls ? "▼" : "▲");
            out[i].rank = 0;
        }
        out[i].title = str_text(&heading[i]);
    }
}

void model_list_draw(list *l, canvas *c, rect r, const model_rows *rows, bool focus, const char *empty) {
    str heading[COLUMNS] = {0};
    list_column headed[COLUMNS];
    head_columns(rows, headed, heading);
    list_look look = {
        .column = headed,
        .columns = COLUMNS,
        .cell = cell,
        .user = (void *)rows,
        .focus = focus,
        .empty = empty,
    };
    list_draw(l, c, r, &look);
    for (int i = 0; i < COLUMNS; i++)
        str_clear(&heading[i]);
}

model_key model_list_heading(const list *l, int row, int col) {
    int column = list_heading_at(l, row, col);
    return column < 0 ? MODEL_KEY_COUNT : column_key[column];
}
