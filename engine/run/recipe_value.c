/*
 * recipe_value.c - one field's value between a thaw_recipe and JSON: checking, storing, loading. The type of
 * a row (what a person writes) and its storage (what C holds) are the two tables here.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "engine/run/recipe_fields.h"
#include "engine/run/recipe_phases.h"

static const char *const pool_words[] = {
    [THAW_POOL_DEFAULT] = "default",
    [THAW_POOL_AVG] = "avg",
    [THAW_POOL_MAX] = "max",
    [THAW_POOL_AVG_MAX] = "avg+max",
};

static const char *const type_nouns[] = {
    [THAW_RECIPE_TEXT] = "a string",
    [THAW_RECIPE_WORD] = "a word",
    [THAW_RECIPE_BOOL] = "true or false",
    [THAW_RECIPE_INT] = "a whole number",
    [THAW_RECIPE_NUMBER] = "a number",
    [THAW_RECIPE_NAMES] = "a list of layer names, like [\"conv1\", \"layer1\"]",
    [THAW_RECIPE_SIZES] = "a list of sizes, like [512, 256]",
    [THAW_RECIPE_PHASES] = "a list of phases",
    [THAW_RECIPE_FACTORS] = "an object of layers and factors, like {\"layer4\": 0.1}",
};

enum { SHOWN_MAX = 60, NAMES_MAX = 4096, NAME_LENGTH_MAX = 256, PATH_LENGTH_MAX = 4096 };

/* ---- checking ---- */

/* The value as the document has it, shortened, for "..., not VALUE". */
static char *shown(const cJSON *item) {
    char *line = json_print_line(item);
    char *safe = text_escape(line);
    free(line);
    if (strlen(safe) <= SHOWN_MAX) return safe;
    size_t end = SHOWN_MAX;
    while (end > 0 && ((unsigned char)safe[end] & 0xC0) == 0x80)
        end--;
    char *cut = xasprintf("%.*s...", (int)end, safe);
    free(safe);
    return cut;
}

static thaw_status refuse(const recipe_row *row, const char *expected, const cJSON *item) {
    char *value = shown(item);
    thaw_status status = thaw_error(THAW_ERR_USAGE, "\"%s\" must be %s%s%s, not %s", row->field.key, expected,
                                    row->field.null_means ? " or null: " : "",
                                    row->field.null_means ? row->field.null_means : "", value);
    free(value);
    return status;
}

static bool in_range(const thaw_recipe_field *f, double value) {
    if (!isfinite(value)) return false;
    if (f->above_min ? value <= f->min : value < f->min) return false;
    return f->below_max ? value < f->max : value <= f->max;
}

static thaw_status check_number(const recipe_row *row, const cJSON *item, bool whole) {
    char range[128], expected[192];
    if (cJSON_IsNumber(item) && in_range(&row->field, item->valuedouble) &&
        (!whole || item->valuedouble == floor(item->valuedouble)))
        return thaw_ok();
    snprintf(expected, sizeof expected, "a %snumber, %s", whole ? "whole " : "",
             thaw_recipe_field_range(&row->field, range, sizeof range));
    return refuse(row, expected, item);
}

/* As it will be written: bytes that are not UTF-8 take more room there, and what was read must be read again.
 */
static size_t written_length(const char *text) {
    char *valid = text_utf8(text);
    size_t length = strlen(valid);
    free(valid);
    return length;
}

static thaw_status check_text(const recipe_row *row, const cJSON *item) {
    if (!cJSON_IsString(item)) return refuse(row, type_nouns[row->field.type], item);
    const char *text = item->valuestring;
    if (written_length(text) > PATH_LENGTH_MAX)
        return thaw_error(THAW_ERR_USAGE, "\"%s\" is %zu characters long; at most %d make sense",
                          row->field.key, written_length(text), PATH_LENGTH_MAX);
    if (row->accepts && !row->accepts(text)) return refuse(row, "auto, cpu, cuda or cuda:N", item);
    return thaw_ok();
}

static thaw_status check_word(const recipe_row *row, const cJSON *item) {
    char range[128];
    thaw_recipe_field_range(&row->field, range, sizeof range);
    if (!cJSON_IsString(item)) return refuse(row, range, item);
    size_t count = 0;
    for (; row->field.choices[count]; count++)
        if (strcmp(row->field.choices[count], item->valuestring) == 0) return thaw_ok();
    const char *nearest = text_nearest(item->valuestring, row->field.choices, count);
    thaw_status status = refuse(row, range, item);
    if (!nearest) return status;
    return thaw_error(THAW_ERR_USAGE, "%s; did you mean \"%s\"?", status.message, nearest);
}

static thaw_status check_names(const recipe_row *row, const cJSON *item) {
    if (!cJSON_IsArray(item)) return refuse(row, type_nouns[row->field.type], item);
    if (cJSON_GetArraySize(item) > NAMES_MAX)
        return thaw_error(THAW_ERR_USAGE, "\"%s\" has more than %d entries; leave some out", row->field.key,
                          NAMES_MAX);
    for (const cJSON *name = item->child; name; name = name->next)
        if (!cJSON_IsString(name) || !name->valuestring[0] ||
            written_length(name->valuestring) > NAME_LENGTH_MAX)
            return refuse(row, type_nouns[row->field.type], item);
    return thaw_ok();
}

static thaw_status check_sizes(const recipe_row *row, const cJSON *item) {
    if (!cJSON_IsArray(item)) return refuse(row, type_nouns[row->field.type], item);
    if (cJSON_GetArraySize(item) > THAW_HEAD_HIDDEN_MAX)
        return thaw_error(THAW_ERR_USAGE, "\"%s\" has %d entries; at most %d are possible", row->field.key,
                          cJSON_GetArraySize(item), THAW_HEAD_HIDDEN_MAX);
    for (const cJSON *size = item->child; size; size = size->next)
        THAW_TRY(check_number(row, size, true));
    return thaw_ok();
}

static thaw_status check_factors(const recipe_row *row, const cJSON *item) {
    if (!cJSON_IsObject(item)) return refuse(row, type_nouns[row->field.type], item);
    if (cJSON_GetArraySize(item) > NAMES_MAX)
        return thaw_error(THAW_ERR_USAGE, "\"%s\" has more than %d entries; leave some out", row->field.key,
                          NAMES_MAX);
    for (const cJSON *factor = item->child; factor; factor = factor->next) {
        if (!factor->string[0] || written_length(factor->string) > NAME_LENGTH_MAX)
            return thaw_error(
                THAW_ERR_USAGE,
                "\"%s\" has a layer name that is empty or too long; `thaw layers MODEL` lists them",
                row->field.key);
        if (!cJSON_IsNumber(factor) || !in_range(&row->field, factor->valuedouble)) {
            char range[128];
            return thaw_error(THAW_ERR_USAGE, "\"%s\": the factor of \"%s\" must be a number, %s",
                              row->field.key, factor->string,
                              thaw_recipe_field_range(&row->field, range, sizeof range));
        }
    }
    return thaw_ok();
}

thaw_status recipe_row_check(const recipe_row *row, const cJSON *item) {
    if (cJSON_IsNull(item) && row->field.null_means) return thaw_ok();
    switch (row->field.type) {
    case THAW_RECIPE_TEXT:
        return check_text(row, item);
    case THAW_RECIPE_WORD:
        return check_word(row, item);
    case THAW_RECIPE_BOOL:
        return cJSON_IsBool(item) ? thaw_ok() : refuse(row, "true or false", item);
    case THAW_RECIPE_INT:
        return check_number(row, item, true);
    case THAW_RECIPE_NUMBER:
        return check_number(row, item, false);
    case THAW_RECIPE_NAMES:
        return check_names(row, item);
    case THAW_RECIPE_SIZES:
        return check_sizes(row, item);
    case THAW_RECIPE_FACTORS:
        return check_factors(row, item);
    case THAW_RECIPE_PHASES:
        return recipe_phases_check(item);
    }
    return thaw_ok();
}

/* ---- storing and loading ---- */

#define MEMBER(type, r, at) ((type *)(void *)((char *)(r) + (at)))
#define LOOK(type, r, at)   (*(const type *)(const void *)((const char *)(r) + (at)))

const char *recipe_pool_name(thaw_pool pool) {
    return pool_words[pool];
}

bool recipe_pool_parse(const char *word, thaw_pool *out) {
    for (int i = 0; i < (int)(sizeof pool_words / sizeof pool_words[0]); i++)
        if (strcmp(pool_words[i], word) == 0) {
            *out = (thaw_pool)i;
            return true;
        }
    return false;
}

static void store_names(char ***names, size_t *count, const cJSON *item) {
    *names = xcalloc((size_t)cJSON_GetArraySize(item), sizeof **names);
    *count = 0;
    for (const cJSON *name = item->child; name; name = name->next)
        (*names)[(*count)++] = xstrdup(name->valuestring);
}

static void store_factors(thaw_layer_lr **factors, size_t *count, const cJSON *item) {
    *factors = xcalloc((size_t)cJSON_GetArraySize(item), sizeof **factors);
    *count = 0;
    for (const cJSON *factor = item->child; factor; factor = factor->next)
        (*factors)[(*count)++] =
            (thaw_layer_lr){.pattern = xstrdup(factor->string), .factor = factor->valuedouble};
}

void recipe_row_store(const recipe_row *row, thaw_recipe *r, const cJSON *item) {
    recipe_row_clear(row, r);
    switch (row->storage) {
    case STORE_TEXT:
        *MEMBER(char *, r, row->offset) = xstrdup(item->valuestring);
        break;
    case STORE_POOL:
        recipe_pool_parse(item->valuestring, MEMBER(thaw_pool, r, row->offset));
        break;
    case STORE_BOOL:
        *MEMBER(bool, r, row->offset) = cJSON_IsTrue(item);
        break;
    case STORE_INT:
        *MEMBER(int, r, row->offset) = (int)item->valuedouble;
        break;
    case STORE_SEED:
        *MEMBER(uint64_t, r, row->offset) = (uint64_t)item->valuedouble;
        break;
    case STORE_DOUBLE:
        *MEMBER(double, r, row->offset) = item->valuedouble;
        break;
    case STORE_NAMES:
        store_names(MEMBER(char **, r, row->offset), MEMBER(size_t, r, row->count_offset), item);
        break;
    case STORE_SIZES:
        for (const cJSON *size = item->child; size; size = size->next)
            MEMBER(int, r, row->offset)[(*MEMBER(int, r, row->count_offset))++] = (int)size->valuedouble;
        break;
    case STORE_FACTORS:
        store_factors(MEMBER(thaw_layer_lr *, r, row->offset), MEMBER(size_t, r, row->count_offset), item);
        break;
    case STORE_PHASES:
        *MEMBER(thaw_recipe_phase *, r, row->offset) =
            recipe_phases_store(item, MEMBER(size_t, r, row->count_offset));
        break;
    }
}

cJSON *recipe_row_load(const recipe_row *row, const thaw_recipe *r) {
    cJSON *item = NULL;
    const char *text;
    switch (row->storage) {
    case STORE_TEXT:
        text = LOOK(char *, r, row->offset);
        return text ? cJSON_CreateString(text) : cJSON_CreateNull();
    case STORE_POOL:
        return cJSON_CreateString(recipe_pool_name(LOOK(thaw_pool, r, row->offset)));
    case STORE_BOOL:
        return cJSON_CreateBool(LOOK(bool, r, row->offset));
    case STORE_INT:
        return cJSON_CreateNumber(LOOK(int, r, row->offset));
    case STORE_SEED:
        return cJSON_CreateNumber((double)LOOK(uint64_t, r, row->offset));
    case STORE_DOUBLE:
        return cJSON_CreateNumber(LOOK(double, r, row->offset));
    case STORE_NAMES:
        item = cJSON_CreateArray();
        for (size_t i = 0; i < LOOK(size_t, r, row->count_offset); i++)
            cJSON_AddItemToArray(item, cJSON_CreateString(LOOK(char **, r, row->offset)[i]));
        return item;
    case STORE_SIZES:
        item = cJSON_CreateArray();
        for (int i = 0; i < LOOK(int, r, row->count_offset); i++)
            cJSON_AddItemToArray(item, cJSON_CreateNumber((&LOOK(int, r, row->offset))[i]));
        return item;
    case STORE_FACTORS:
        item = cJSON_CreateObject();
        for (size_t i = 0; i < LOOK(size_t, r, row->count_offset); i++) {
            const thaw_layer_lr *factor = &LOOK(thaw_layer_lr *, r, row->offset)[i];
            cJSON_AddNumberToObject(item, factor->pattern, factor->factor);
        }
        return item;
    case STORE_PHASES:
        return recipe_phases_load(LOOK(thaw_recipe_phase *, r, row->offset),
                                  LOOK(size_t, r, row->count_offset));
    }
    return item;
}

void recipe_row_clear(const recipe_row *row, thaw_recipe *r) {
    switch (row->storage) {
    case STORE_TEXT:
        free(*MEMBER(char *, r, row->offset));
        *MEMBER(char *, r, row->offset) = NULL;
        break;
    case STORE_NAMES:
        for (size_t i = 0; i < *MEMBER(size_t, r, row->count_offset); i++)
            free((*MEMBER(char **, r, row->offset))[i]);
        free(*MEMBER(char **, r, row->offset));
        *MEMBER(char **, r, row->offset) = NULL;
        *MEMBER(size_t, r, row->count_offset) = 0;
        break;
    case STORE_SIZES:
        *MEMBER(int, r, row->count_offset) = 0;
        break;
    case STORE_FACTORS:
        for (size_t i = 0; i < *MEMBER(size_t, r, row->count_offset); i++)
            free((*MEMBER(thaw_layer_lr *, r, row->offset))[i].pattern);
        free(*MEMBER(thaw_layer_lr *, r, row->offset));
        *MEMBER(thaw_layer_lr *, r, row->offset) = NULL;
        *MEMBER(size_t, r, row->count_offset) = 0;
        break;
    case STORE_PHASES:
        recipe_phases_free(*MEMBER(thaw_recipe_phase *, r, row->offset),
                           *MEMBER(size_t, r, row->count_offset));
        *MEMBER(thaw_recipe_phase *, r, row->offset) = NULL;
        *MEMBER(size_t, r, row->count_offset) = 0;
        break;
    default:
        break; /* plain values own nothing */
    }
}
