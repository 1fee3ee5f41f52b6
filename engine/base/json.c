/*
 * json.c - see json.h. cJSON bounds nesting itself (CJSON_NESTING_LIMIT); the size is bounded before it sees
 * a byte.
 */
#include "engine/base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/str.h"

thaw_status json_parse(const char *text, size_t length, const char *where, cJSON **out) {
    const char *end = NULL;
    if (memchr(text, '\0', length))
        return thaw_error(THAW_ERR_FORMAT, "%s: not JSON: it has NUL bytes; write it as plain text", where);
    *out = cJSON_ParseWithLengthOpts(text, length, &end, 0);
    const char *stop = text + length;
    if (*out) {
        while (end < stop && strchr(" \t\r\n", *end))
            end++;
        if (end == stop) return thaw_ok();
        cJSON_Delete(*out);
        *out = NULL;
    }
    int line = 1, column = 1;
    for (const char *p = text; p < stop && p < end; p++) {
        column = *p == '\n' ? 1 : column + 1;
        line += *p == '\n';
    }
    return thaw_error(THAW_ERR_FORMAT, "%s: not JSON; look at line %d, column %d", where, line, column);
}

int json_find_line(const char *text, const char *outer, const char *key) {
    const char *at = text, *const words[] = {outer, key};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!words[i]) continue;
        char *quoted = xasprintf("\"%s\"", words[i]);
        const char *found = strstr(at, quoted);
        free(quoted);
        if (found) at = found + 1;
    }
    int line = 1;
    for (const char *p = text; p < at; p++)
        line += *p == '\n';
    return line;
}

thaw_status json_read_file(const char *path, cJSON **out) {
    char *text;
    size_t size;
    *out = NULL;
    THAW_TRY(file_read(path, JSON_FILE_MAX, &text, &size));
    thaw_status status = json_parse(text, size, path, out);
    free(text);
    return status;
}

thaw_status json_write_file(const char *path, const cJSON *document) {
    char *text = json_print_indented(document);
    size_t length = strlen(text);
    text[length] = '\n'; /* in place of the NUL: file_replace takes a length */
    thaw_status status = file_replace(path, text, length + 1);
    free(text);
    return status;
}

static const char *json_type_name(const cJSON *item) {
    return cJSON_IsString(item)   ? "a string"
           : cJSON_IsNumber(item) ? "a number"
           : cJSON_IsBool(item)   ? "true or false"
           : cJSON_IsNull(item)   ? "null"
           : cJSON_IsArray(item)  ? "a list"
                                  : "an object";
}

static thaw_status wrong_type(const cJSON *item, const char *where, const char *key, const char *expected) {
    return thaw_error(THAW_ERR_USAGE, "\"%s%s%s\" must be %s, not %s", where, where[0] ? "." : "", key,
                      expected, json_type_name(item));
}

thaw_status json_get_string(const cJSON *object, const char *where, const char *key, char **out) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!item) return thaw_ok();
    if (!cJSON_IsString(item)) return wrong_type(item, where, key, "a string");
    free(*out);
    *out = xstrdup(item->valuestring);
    return thaw_ok();
}

thaw_status json_get_double(const cJSON *object, const char *where, const char *key, double *out) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!item) return thaw_ok();
    if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble))
        return wrong_type(item, where, key, "a number");
    *out = item->valuedouble;
    return thaw_ok();
}

thaw_status json_get_int(const cJSON *object, const char *where, const char *key, int *out) {
    double value = *out;
    THAW_TRY(json_get_double(object, where, key, &value));
    if (value != floor(value) || fabs(value) > 2147483647.0)
        return thaw_error(THAW_ERR_USAGE, "\"%s%s%s\" must be a whole number, not %g", where,
                          where[0] ? "." : "", key, value);
    *out = (int)value;
    return thaw_ok();
}

thaw_status json_get_bool(const cJSON *object, const char *where, const char *key, bool *out) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!item) return thaw_ok();
    if (!cJSON_IsBool(item)) return wrong_type(item, where, key, "true or false");
    *out = cJSON_IsTrue(item);
    return thaw_ok();
}

thaw_status json_check_keys(const cJSON *object, const char *where, const char *const *known, size_t count) {
    const char *dot = where[0] ? "." : "";
    for (const cJSON *item = object->child; item; item = item->next) {
        bool found = false;
        for (size_t i = 0; i < count && !found; i++)
            found = strcmp(item->string, known[i]) == 0;
        if (found) continue;
        const char *nearest = text_nearest(item->string, known, count);
        if (nearest)
            return thaw_error(THAW_ERR_USAGE, "unknown key \"%s%s%s\"; did you mean \"%s%s%s\"?", where, dot,
                              item->string, where, dot, nearest);
        return thaw_error(THAW_ERR_USAGE, "unknown key \"%s%s%s\"; leave it out", where, dot, item->string);
    }
    return thaw_ok();
}

void json_add_number(cJSON *object, const char *key, double value) {
    char text[JSON_NUMBER_MAX];
    if (isfinite(value))
        cJSON_AddRawToObject(object, key, json_number_text(value, text));
    else
        cJSON_AddNullToObject(object, key);
}
