/*
 * recipe.c - whole recipes: defaults, documents, files, and the rules that involve several fields. Single
 * fields are recipe_fields.c's and recipe_value.c's; nothing here names one but the rules.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/run/recipe_fields.h"

enum { RECIPE_BYTES_MAX = 1 << 20, KEY_MAX = 256 };

/* ---- the struct ---- */

void thaw_recipe_init(thaw_recipe *r) {
    memset(r, 0, sizeof *r);
    for (size_t i = 0; i < recipe_row_count(); i++) {
        const recipe_row *row = recipe_row_at(i);
        cJSON *item = recipe_text_item(row, row->field.initial);
        recipe_row_store(row, r, item);
        cJSON_Delete(item);
    }
}

void thaw_recipe_clear(thaw_recipe *r) {
    for (size_t i = 0; i < recipe_row_count(); i++)
        recipe_row_clear(recipe_row_at(i), r);
}

void thaw_recipe_copy(const thaw_recipe *from, thaw_recipe *to) {
    memset(to, 0, sizeof *to);
    for (size_t i = 0; i < recipe_row_count(); i++) {
        cJSON *item = recipe_row_load(recipe_row_at(i), from);
        recipe_row_store(recipe_row_at(i), to, item);
        cJSON_Delete(item);
    }
}

/* ---- documents ---- */

static thaw_status apply_object(thaw_recipe *r, const cJSON *object, const char *section, bool *seen);

static thaw_status apply_row(thaw_recipe *r, const recipe_row *row, const cJSON *item, bool *seen) {
    bool *mark = &seen[recipe_row_index(row)];
    if (*mark) return thaw_error(THAW_ERR_USAGE, "\"%s\" is there twice; remove one", row->field.key);
    *mark = true;
    THAW_TRY(recipe_row_check(row, item));
    recipe_row_store(row, r, item);
    return thaw_ok();
}

static thaw_status apply_item(thaw_recipe *r, const char *key, const cJSON *item, bool *seen) {
    const recipe_row *row = recipe_row_find(key);
    if (row) return apply_row(r, row, item, seen);
    if (!recipe_is_section(key)) return recipe_unknown_key(key);
    if (!cJSON_IsObject(item))
        return thaw_error(THAW_ERR_USAGE, "\"%s\" must be an object, like {\"%s\": ...}", key,
                          recipe_section_example(key));
    return apply_object(r, item, key, seen);
}

static thaw_status apply_object(thaw_recipe *r, const cJSON *object, const char *section, bool *seen) {
    for (const cJSON *item = object->child; item; item = item->next) {
        if (strlen(item->string) > KEY_MAX)
            return thaw_error(THAW_ERR_USAGE,
                              "a key of %zu characters is none of a recipe's; docs/recipe.md lists them",
                              strlen(item->string));
        char *key = xasprintf("%s%s%s", section, section[0] ? "." : "", item->string);
        thaw_status status = apply_item(r, key, item, seen);
        free(key);
        THAW_TRY(status);
    }
    return thaw_ok();
}

thaw_status recipe_apply(thaw_recipe *r, const cJSON *document) {
    if (!cJSON_IsObject(document))
        return thaw_error(THAW_ERR_FORMAT,
                          "a recipe is a JSON object: {\"model\": ..., \"data\": {...}, ...}");
    bool *seen = xcalloc(recipe_row_count(), sizeof *seen);
    thaw_recipe changed;
    thaw_recipe_copy(r, &changed); /* all or nothing */
    thaw_status status = apply_object(&changed, document, "", seen);
    free(seen);
    thaw_recipe *loser = thaw_failed(&status) ? &changed : r;
    thaw_recipe_clear(loser);
    if (loser == r) *r = changed;
    return status;
}

thaw_status thaw_recipe_parse(const char *json, size_t length, const char *where, thaw_recipe *r) {
    cJSON *document = NULL;
    thaw_status status = json_parse(json, length, where, &document);
    if (!thaw_failed(&status)) status = thaw_status_prefix(recipe_apply(r, document), "%s", where);
    cJSON_Delete(document);
    if (thaw_failed(&status)) {
        thaw_recipe_clear(r);
        thaw_recipe_init(r);
    }
    return status;
}

thaw_status thaw_recipe_read(const char *path, thaw_recipe *r) {
    char *text = NULL;
    size_t size = 0;
    thaw_status status = file_read(path, RECIPE_BYTES_MAX, &text, &size);
    if (thaw_failed(&status)) {
        thaw_recipe_clear(r);
        thaw_recipe_init(r);
        if (status.code != THAW_ERR_NOT_FOUND) return status;
        return thaw_error(
            THAW_ERR_NOT_FOUND,
            "%s: %s; a recipe is a JSON file: docs/recipe.md has every key, and w on the workbench's Recipe "
            "tab writes one",
            path, strerrordesc_np(ENOENT));
    }
    status = thaw_recipe_parse(text, size, path, r);
    free(text);
    return status;
}

static cJSON *recipe_document(const thaw_recipe *r) {
    cJSON *document = cJSON_CreateObject();
    for (size_t i = 0; i < recipe_row_count(); i++) {
        const recipe_row *row = recipe_row_at(i);
        const char *dot = strchr(row->field.key, '.'), *name = dot ? dot + 1 : row->field.key;
        cJSON *object = document;
        if (dot) {
            char *section = xstrndup(row->field.key, (size_t)(dot - row->field.key));
            object = cJSON_GetObjectItemCaseSensitive(document, section);
            if (!object) object = cJSON_AddObjectToObject(document, section);
            free(section);
        }
        cJSON_AddItemToObject(object, name, recipe_row_load(row, r));
    }
    return document;
}

char *thaw_recipe_json(const thaw_recipe *r) {
    cJSON *document = recipe_document(r);
    char *text = json_print_indented(document);
    cJSON_Delete(document);
    return text;
}

thaw_status thaw_recipe_write(const thaw_recipe *r, const char *path) {
    cJSON *document = recipe_document(r);
    thaw_status status = json_write_file(path, document);
    cJSON_Delete(document);
    return status;
}

/* ---- what fields say together ---- */

static bool no_model(const thaw_recipe *r) {
    return !r->model[0];
}

static bool no_data(const thaw_recipe *r) {
    return !r->data.path[0];
}

static bool nesterov_without_momentum(const thaw_recipe *r) {
    return r->optimizer.nesterov && strcmp(r->optimizer.name, "sgd") == 0 && r->optimizer.momentum == 0;
}

static bool crop_beyond_resize(const thaw_recipe *r) {
    return r->data.resize && r->data.crop > r->data.resize;
}

static bool warmup_beyond_run(const thaw_recipe *r) {
    return r->schedule.warmup_epochs > r->epochs;
}

static bool cosine_upwards(const thaw_recipe *r) {
    return strcmp(r->schedule.name, "cosine") == 0 && r->schedule.min_lr > r->optimizer.lr;
}

static bool phase_beyond_run(const thaw_recipe *r) {
    return r->phase_count && r->phase[r->phase_count - 1].epoch >= r->epochs;
}

static bool empty_weights(const thaw_recipe *r) {
    return r->weights && !r->weights[0];
}

static const struct rule {
    bool (*broken)(const thaw_recipe *r);
    const char *message;
} rules[] = {
    {no_model, "no model is chosen: set \"model\", like resnet18 (`thaw models` lists them)"},
    {no_data, "no data is chosen: set \"data.path\" to a folder of images, or to shapes for the bundled set"},
    {empty_weights, "\"weights\" is empty: name some, say DEFAULT, or null for random initialisation"},
    {nesterov_without_momentum, "\"optimizer.nesterov\" needs \"optimizer.momentum\" to be more than 0"},
    {crop_beyond_resize, "\"data.crop\" must not be larger than \"data.resize\": it is cut out of that"},
    {warmup_beyond_run, "\"schedule.warmup_epochs\" must not be more than \"epochs\""},
    {phase_beyond_run,
     "\"phases\": the last one begins when the run is over; its \"epoch\" must be less than \"epochs\""},
    {cosine_upwards, "\"schedule.min_lr\" must not be more than \"optimizer.lr\""},
};

thaw_status thaw_recipe_check(const thaw_recipe *r) {
    for (size_t i = 0; i < recipe_row_count(); i++) {
        cJSON *item = recipe_row_load(recipe_row_at(i), r);
        thaw_status status = recipe_row_check(recipe_row_at(i), item);
        cJSON_Delete(item);
        THAW_TRY(status);
    }
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].broken(r)) return thaw_error(THAW_ERR_USAGE, "%s", rules[i].message);
    return thaw_ok();
}
