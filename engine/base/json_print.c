/*
 * json_print.c - the printing half of json.h: exact numbers, valid UTF-8, and two layouts of the same walk.
 */
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/json.h"
#include "engine/base/str.h"

enum { LINE_WIDTH = 100, INDENT = 2 };

const char *json_number_text(double value, char buffer[JSON_NUMBER_MAX]) {
    static const int digits[] = {9, 15, 16};
    if (value == floor(value) && fabs(value) < JSON_WHOLE_MAX && !(value == 0 && signbit(value))) {
        snprintf(buffer, JSON_NUMBER_MAX, "%" PRId64, (int64_t)value);
        return buffer;
    }
    for (size_t i = 0; i < sizeof digits / sizeof digits[0]; i++) {
        snprintf(buffer, JSON_NUMBER_MAX, "%.*g", digits[i], value);
        if (strtod(buffer, NULL) == value) return buffer;
    }
    snprintf(buffer, JSON_NUMBER_MAX, "%.17g", value);
    return buffer;
}

static void print_string(str *out, const char *text) {
    static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */
    str_append(out, "\"");
    for (const char *p = text; *p;) {
        size_t length = text_utf8_length(p);
        unsigned char c = (unsigned char)*p;
        if (!length)
            str_append(out, replacement);
        else if (c == '"' || c == '\\')
            str_appendf(out, "\\%c", c);
        else if (c == '\n')
            str_append(out, "\\n");
        else if (c < 0x20 || c == 0x7F)
            str_appendf(out, "\\u%04x", c);
        else
            str_append_n(out, p, length);
        p += length ? length : 1;
    }
    str_append(out, "\"");
}

static void print_plain(str *out, const cJSON *item) {
    char number[JSON_NUMBER_MAX];
    if (cJSON_IsString(item))
        print_string(out, item->valuestring);
    else if (cJSON_IsNumber(item) && isfinite(item->valuedouble))
        str_append(out, json_number_text(item->valuedouble, number));
    else if (cJSON_IsRaw(item) && item->valuestring)
        str_append(out, item->valuestring);
    else if (cJSON_IsBool(item))
        str_append(out, cJSON_IsTrue(item) ? "true" : "false");
    else
        str_append(out, cJSON_IsArray(item) ? "[]" : cJSON_IsObject(item) ? "{}" : "null");
}

/* Everything on one line; ITEM's commas and colons with a blank after them when SPACED. */
static void print_flat(str *out, const cJSON *item, bool spaced) {
    if (!item->child) {
        print_plain(out, item);
        return;
    }
    const char *brackets = cJSON_IsObject(item) ? "{}" : "[]";
    str_append_n(out, brackets, 1);
    for (const cJSON *member = item->child; member; member = member->next) {
        if (member != item->child) str_append(out, spaced ? ", " : ",");
        if (cJSON_IsObject(item)) {
            print_string(out, member->string);
            str_append(out, spaced ? ": " : ":");
        }
        print_flat(out, member, spaced);
    }
    str_append_n(out, brackets + 1, 1);
}

static bool has_nested(const cJSON *item) {
    for (const cJSON *member = item->child; member; member = member->next)
        if (member->child) return true;
    return false;
}

/* KEY_WIDTH: characters that stand before ITEM on its line. */
static void print_indented(str *out, const cJSON *item, int depth, size_t key_width) {
    if (!has_nested(item)) {
        size_t start = out->length;
        print_flat(out, item, true);
        if (!item->child || out->length - start + key_width + (size_t)depth * INDENT < LINE_WIDTH) return;
        out->length = start; /* too long for a line after all */
        out->data[start] = '\0';
    }
    const char *brackets = cJSON_IsObject(item) ? "{}" : "[]";
    str_append_n(out, brackets, 1);
    for (const cJSON *member = item->child; member; member = member->next) {
        str_appendf(out, "%s\n%*s", member != item->child ? "," : "", (depth + 1) * INDENT, "");
        size_t before = out->length;
        if (cJSON_IsObject(item)) {
            print_string(out, member->string);
            str_append(out, ": ");
        }
        print_indented(out, member, depth + 1, out->length - before);
    }
    str_appendf(out, "\n%*s%c", depth * INDENT, "", brackets[1]);
}

char *json_print_line(const cJSON *document) {
    str out = {0};
    print_flat(&out, document, false);
    return str_take(&out);
}

char *json_print_indented(const cJSON *document) {
    str out = {0};
    print_indented(&out, document, 0, 0);
    return str_take(&out);
}
