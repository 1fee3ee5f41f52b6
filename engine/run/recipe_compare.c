/*
 * recipe_compare.c - what two recipes differ in, and one as the command that trains it. Both go through the
 * table of fields: a new field needs nothing here.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "engine/run/recipe_fields.h"

/* ---- two ---- */

/* ROW's value in R as JSON, owned by the caller. */
static char *value_line(const recipe_row *row, const thaw_recipe *r) {
    cJSON *item = recipe_row_load(row, r);
    char *line = json_print_line(item);
    cJSON_Delete(item);
    return line;
}

static bool same_value(const recipe_row *row, const thaw_recipe *a, const thaw_recipe *b) {
    char *in_a = value_line(row, a), *in_b = value_line(row, b);
    bool same = strcmp(in_a, in_b) == 0;
    free(in_a);
    free(in_b);
    return same;
}

thaw_recipe_difference *thaw_recipe_compare(const thaw_recipe *a, const thaw_recipe *b, size_t *count) {
    thaw_recipe_difference *list = xcalloc(recipe_row_count(), sizeof *list);
    thaw_recipe fresh;
    thaw_recipe_init(&fresh);
    *count = 0;
    for (size_t i = 0; i < recipe_row_count(); i++) {
        const recipe_row *row = recipe_row_at(i);
        if (same_value(row, a, b)) continue;
        bool open = same_value(row, a, &fresh) || same_value(row, b, &fresh);
        list[(*count)++] = (thaw_recipe_difference){
            .field = &row->field,
            .a = thaw_recipe_get_text(a, row->field.key),
            .b = thaw_recipe_get_text(b, row->field.key),
            .decided = row->field.decided && open,
        };
    }
    thaw_recipe_clear(&fresh);
    return list;
}

void thaw_recipe_differences_free(thaw_recipe_difference *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(list[i].a);
        free(list[i].b);
    }
    free(list);
}

/* ---- as a command ---- */

/* ROW's value as `--set` takes it: as a person would type it where that reads back the same (a name with a
 * comma in it does not), else as JSON. */
static char *value_word(const recipe_row *row, const thaw_recipe *r) {
    char *line = value_line(row, r), *typed = thaw_recipe_get_text(r, row->field.key);
    cJSON *item = recipe_text_item(row, typed);
    char *back = json_print_line(item);
    bool same = strcmp(line, back) == 0;
    cJSON_Delete(item);
    free(back);
    free(same ? line : typed);
    return same ? typed : line;
}

static bool is_plain(const char *word) {
    for (const char *c = word; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("_-./:@%+,=", *c)) return false;
    return *word != '\0';
}

/* WORD for a POSIX shell. */
static void append_quoted(str *out, const char *word) {
    if (is_plain(word)) {
        str_append(out, word);
        return;
    }
    str_append(out, "'");
    for (const char *c = word; *c; c++)
        if (*c == '\'')
            str_append(out, "'\\''");
        else
            str_append_n(out, c, 1);
    str_append(out, "'");
}

char *thaw_recipe_command_line(const thaw_recipe *r) {
    str out = {0};
    thaw_recipe fresh;
    thaw_recipe_init(&fresh);
    str_append(&out, "thaw train");
    for (size_t i = 0; i < recipe_row_count(); i++) {
        const recipe_row *row = recipe_row_at(i);
        if (same_value(row, r, &fresh)) continue;
        char *value = value_word(row, r);
        char *word = xasprintf("%s=%s", row->field.key, value);
        str_append(&out, " --set ");
        append_quoted(&out, word);
        free(word);
        free(value);
    }
    thaw_recipe_clear(&fresh);
    return str_take(&out);
}
