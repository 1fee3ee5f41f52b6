/*
 * table.h - a table as text, fitted to the terminal.
 *
 * Cells are gathered, widths follow from them. On a terminal that is too narrow the columns that may go are
 * left out, last first, and the rest of the excess is taken from the column that may shrink. Into a pipe
 * everything is written in full.
 */
#ifndef TUI_COMMANDS_TABLE_H
#define TUI_COMMANDS_TABLE_H

#include <stdbool.h>

typedef enum column_fit { COLUMN_KEEP, COLUMN_SHRINK, COLUMN_DROP } column_fit;

typedef struct table_column {
    const char *title;
    bool right; /* numbers */
    column_fit fit;
} table_column;

enum { TABLE_COLUMNS_MAX = 16 };

typedef struct table table;

table *table_new(const table_column *columns, int count); /* COLUMNS must outlive it */
/* The next cell, row by row. Control characters must have been escaped. */
void table_cell(table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for text from outside: escaped here; NULL: "-". */
void table_text(table *t, const char *text);
void table_print(table *t); /* and free it */

#endif
