/*
 * table.c - see table.h.
 */
#include "tui/commands/table.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "tui/commands/out.h"
#include "tui/text.h"

enum { GAP = 2, SHRINK_MIN = 8 };

struct table {
    const table_column *column;
    int columns;
    char **cell;
    size_t cells, capacity;
    int width[TABLE_COLUMNS_MAX];
    bool hidden[TABLE_COLUMNS_MAX];
};

table *table_new(const table_column *columns, int count) {
    table *t = xcalloc(1, sizeof *t);
    t->column = columns;
    t->columns = count;
    for (int i = 0; i < count; i++)
        t->width[i] = text_columns(columns[i].title);
    return t;
}

void table_cell(table *t, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    int column = (int)(t->cells % (size_t)t->columns), width = text_columns(text);
    if (width > t->width[column]) t->width[column] = width;
    t->cell = vec_reserve(t->cell, &t->capacity, t->cells + 1, sizeof *t->cell);
    t->cell[t->cells++] = text;
}

void table_text(table *t, const char *text) {
    char *safe = text_escape(text ? text : "-");
    table_cell(t, "%s", safe);
    free(safe);
}

static int total_width(const table *t) {
    int total = 0;
    for (int i = 0; i < t->columns; i++)
        if (!t->hidden[i]) total += t->width[i] + (total ? GAP : 0);
    return total;
}

static void fit(table *t, int available) {
    int excess = total_width(t) - available;
    for (int i = t->columns - 1; i >= 0 && excess > 0; i--) {
        if (t->column[i].fit != COLUMN_DROP) continue;
        t->hidden[i] = true;
        excess = total_width(t) - available;
    }
    for (int i = 0; i < t->columns && excess > 0; i++) {
        if (t->column[i].fit != COLUMN_SHRINK) continue;
        int room = t->width[i] - SHRINK_MIN;
        int take = room < excess ? room : excess;
        if (take > 0) t->width[i] -= take;
        excess -= take > 0 ? take : 0;
    }
}

static void append_cell(const table *t, int i, const char *text, str *row) {
    int columns = text_columns(text);
    if (t->hidden[i]) return;
    if (columns > t->width[i]) {
        str_append_n(row, text, text_fit(text, t->width[i] - 1, NULL));
        str_appendf(row, "~%*s", GAP, "");
        return;
    }
    int pad = t->width[i] - columns;
    if (t->column[i].right)
        str_appendf(row, "%*s%s%*s", pad, "", text, GAP, "");
    else
        str_appendf(row, "%s%*s", text, pad + GAP, "");
}

/* Without the blanks at its end. */
static void print_row(str *row) {
    while (row->length && row->data[row->length - 1] == ' ')
        row->data[--row->length] = '\0';
    out_text(str_text(row));
    out_text("\n");
    str_reset(row);
}

void table_print(table *t) {
    str row = {0};
    if (out_width()) fit(t, out_width());
    for (int i = 0; i < t->columns; i++)
        append_cell(t, i, t->column[i].title, &row);
    print_row(&row);
    for (size_t cell = 0; cell < t->cells; cell++) {
        int i = (int)(cell % (size_t)t->columns);
        append_cell(t, i, t->cell[cell], &row);
        if (i == t->columns - 1) print_row(&row);
        free(t->cell[cell]);
    }
    str_clear(&row);
    free(t->cell);
    free(t);
}
