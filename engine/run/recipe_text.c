/*
 * recipe_text.c - a field's value as a person types it. What is typed is turned into the JSON that it stands
 * for and goes the way of a document from there, so that both are checked by the same rules.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "engine/run/recipe_fields.h"

static const char null_word[] = "none";

/* TEXT without blanks around it, owned by the caller. */
static char *trimmed(const char *text, size_t length) {
    while (length && isspace((unsigned char)text[0]))
        text++, length--;
    while (length && isspace((unsigned char)text[length - 1]))
        length--;
    return xstrndup(text, length);
}

/* TEXT as JSON, or NULL when it is none. */
static cJSON *json_or_null(const char *text) {
    cJSON *item = NULL;
    thaw_status status = json_parse(text, strlen(text), "value", &item);
    return thaw_failed(&status) ? NULL : item;
}

static cJSON *scalar_item(const char *text) {
    cJSON *item = json_or_null(text);
    return item ? item : cJSON_CreateString(text); /* a string here is refused with its text in the message */
}

static cJSON *bool_item(const char *text) {
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"yes", true}, {"on", true}, {"no", false}, {"off", false}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(text, words[i].word) == 0) return cJSON_CreateBool(words[i].value);
    return scalar_item(text);
}

/* Only a quoted string is JSON here: "123" without quotes is a name like any other. */
static cJSON *text_item(const char *text) {
    cJSON *item = text[0] == '"' ? json_or_null(text) : NULL;
    return item ? item : cJSON_CreateString(text);
}

static cJSON *list_item(const char *text, cJSON *(*make)(const char *text)) {
    if (text[0] == '[') return scalar_item(text);
    cJSON *list = cJSON_CreateArray();
    for (const char *start = text; *start;) {
        size_t length = strcspn(start, ",");
        char *part = trimmed(start, length);
        if (part[0] || start[length]) cJSON_AddItemToArray(list, make(part));
        free(part);
        start += length + (start[length] == ',');
    }
    return list;
}

static cJSON *factors_item(const char *text) {
    if (text[0] == '{') return scalar_item(text);
    cJSON *object = cJSON_CreateObject();
    for (const char *start = text; *start;) {
        size_t length = strcspn(start, ",");
        char *part = trimmed(start, length);
        char *equals = strchr(part, '=');
        char *name = equals ? trimmed(part, (size_t)(equals - part)) : xstrdup(part);
        char *value = trimmed(equals ? equals + 1 : "", equals ? strlen(equals + 1) : 0);
        cJSON_AddItemToObject(object, name, scalar_item(value));
        free(value);
        free(name);
        free(part);
        start += length + (start[length] == ',');
    }
    return object;
}

/* The objects with commas between, with or without the brackets around them. */
static cJSON *phases_item(const char *text) {
    if (text[0] == '[') return scalar_item(text);
    char *list = xasprintf("[%s]", text);
    cJSON *item = scalar_item(list);
    free(list);
    return item;
}

cJSON *recipe_text_item(const recipe_row *row, const char *typed) {
    char *text = trimmed(typed, strlen(typed));
    cJSON *item = NULL;
    if (row->field.null_means && (strcmp(text, null_word) == 0 || strcmp(text, "null") == 0)) {
        free(text);
        return cJSON_CreateNull();
    }
    switch (row->field.type) {
    case THAW_RECIPE_TEXT:
    case THAW_RECIPE_WORD:
        item = text_item(text);
        break;
    case THAW_RECIPE_BOOL:
        item = bool_item(text);
        break;
    case THAW_RECIPE_INT:
    case THAW_RECIPE_NUMBER:
        item = scalar_item(text);
        break;
    case THAW_RECIPE_NAMES:
        item = list_item(text, text_item);
        break;
    case THAW_RECIPE_SIZES:
        item = list_item(text, scalar_item);
        break;
    case THAW_RECIPE_FACTORS:
        item = factors_item(text);
        break;
    case THAW_RECIPE_PHASES:
        item = phases_item(text);
        break;
    }
    free(text);
    return item;
}

/* A number, a word or a name the way it is typed. */
static void append_plain(str *out, const cJSON *item) {
    if (cJSON_IsString(item)) {
        str_append(out, item->valuestring);
        return;
    }
    char *line = json_print_line(item);
    str_append(out, line);
    free(line);
}

char *thaw_recipe_get_text(const thaw_recipe *r, const char *key) {
    const recipe_row *row = recipe_row_find(key);
    if (!row) return NULL;
    cJSON *item = recipe_row_load(row, r);
    str out = {0};
    if (cJSON_IsNull(item))
        str_append(&out, null_word);
    else if (cJSON_IsArray(item) || cJSON_IsObject(item))
        for (const cJSON *part = item->child; part; part = part->next) {
            if (part != item->child) str_append(&out, ", ");
            if (cJSON_IsObject(item)) str_appendf(&out, "%s = ", part->string);
            append_plain(&out, part);
        }
    else
        append_plain(&out, item);
    cJSON_Delete(item);
    return str_take(&out);
}

thaw_status thaw_recipe_set_text(thaw_recipe *r, const char *key, const char *text) {
    const recipe_row *row = recipe_row_find(key);
    if (!row) return recipe_unknown_key(key);
    cJSON *item = recipe_text_item(row, text);
    thaw_status status = recipe_row_check(row, item);
    if (!thaw_failed(&status)) recipe_row_store(row, r, item);
    cJSON_Delete(item);
    return status;
}

/* "optimizer={...}": a whole section at once. */
static thaw_status set_section(thaw_recipe *r, const char *section, const char *text) {
    cJSON *document = cJSON_CreateObject(), *value = NULL;
    thaw_status status = json_parse(text, strlen(text), section, &value);
    if (!thaw_failed(&status)) {
        cJSON_AddItemToObject(document, section, value);
        status = recipe_apply(r, document);
    }
    cJSON_Delete(document);
    return status;
}

thaw_status thaw_recipe_set(thaw_recipe *r, const char *assignment) {
    const char *equals = strchr(assignment, '=');
    if (!equals || equals == assignment)
        return thaw_error(THAW_ERR_USAGE, "\"%s\": expected KEY=VALUE, like optimizer.lr=0.01", assignment);
    char *key = trimmed(assignment, (size_t)(equals - assignment));
    thaw_status status =
        recipe_is_section(key) ? set_section(r, key, equals + 1) : thaw_recipe_set_text(r, key, equals + 1);
    free(key);
    return status;
}
