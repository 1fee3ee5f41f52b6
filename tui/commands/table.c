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

static void print_cell(const table *t, int i, const char *text, bool last) {
    int columns = text_columns(text), bytes = (int)strlen(text);
    if (columns > t->width[i]) {
        bytes = (int)text_fit(text, t->width[i] - 1, NULL);
        out_format("%.*s~%*s", bytes, text, last ? 0 : GAP, "");
        return;
    }
    int pad = t->width[i] - columns;
    if (t->column[i].right)
        out_format("%*s%s%*s", pad, "", text, last ? 0 : GAP, "");
    else
        out_format("%s%*s", text, last ? 0 : pad + GAP, "");
}

void table_print(table *t) {
    int last = t->columns - 1;
    if (out_width()) fit(t, out_width());
    while (last > 0 && t->hidden[last])
        last--;
    for (int i = 0; i < t->columns; i++)
        if (!t->hidden[i]) print_cell(t, i, t->column[i].title, i == last);
    out_text("\n");
    for (size_t cell = 0; cell < t->cells; cell++) {
        int i = (int)(cell % (size_t)t->columns);
        if (!t->hidden[i]) print_cell(t, i, t->cell[cell], i == last);
        if (i == t->columns - 1) out_text("\n");
        free(t->cell[cell]);
    }
    free(t->cell);
    free(t);
}
