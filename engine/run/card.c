/*
 * card.c - see card.h. What is read comes from files of strangers, so every number is bounded here.
 */
#include "engine/run/card.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/json.h"
#include "engine/run/mask_json.h"
#include "engine/run/recipe_fields.h"

enum { PAIRS_MAX = 6, CHANNELS = 3 };

static const char key_format[] = "format", key_model[] = "thaw.model", key_head[] = "thaw.head",
                  key_classes[] = "thaw.classes", key_mask[] = "thaw.mask",
                  key_transform[] = "thaw.transform";

void model_card_clear(model_card *card) {
    free(card->model);
    thaw_names_free(card->class_name, (size_t)card->class_count);
    freeze_mask_clear(&card->mask);
    *card = (model_card){0};
}

/* ---- writing ---- */

static void add_pair(weights_pair *pairs, size_t *count, const char *key, char *value) {
    pairs[(*count)++] = (weights_pair){.key = key, .value = value};
}

/* ITEM as text; takes ITEM over. */
static char *printed(cJSON *item) {
    char *text = json_print_line(item);
    cJSON_Delete(item);
    return text;
}

static cJSON *head_item(const thaw_head *head) {
    cJSON *object = cJSON_CreateObject(), *hidden = cJSON_AddArrayToObject(object, "hidden");
    for (int i = 0; i < head->hidden_count; i++)
        cJSON_AddItemToArray(hidden, cJSON_CreateNumber(head->hidden[i]));
    json_add_number(object, "dropout", head->dropout);
    cJSON_AddBoolToObject(object, "batch_norm", head->batch_norm);
    cJSON_AddStringToObject(object, "pool", recipe_pool_name(head->pool));
    return object;
}

static cJSON *channels_item(const float value[CHANNELS]) {
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < CHANNELS; i++) {
        char text[JSON_NUMBER_MAX];
        cJSON_AddItemToArray(list, cJSON_CreateRaw(json_number_text((double)value[i], text)));
    }
    return list;
}

static cJSON *transform_item(const transform *t) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddNumberToObject(object, "resize", t->resize);
    cJSON_AddNumberToObject(object, "crop", t->crop);
    cJSON_AddStringToObject(object, "interpolation", interpolation_name(t->interpolation));
    cJSON_AddItemToObject(object, "mean", channels_item(t->mean));
    cJSON_AddItemToObject(object, "std", channels_item(t->std));
    return object;
}

static cJSON *classes_item(char *const *name, int count) {
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(name[i]));
    return list;
}

weights_pair *model_card_pairs(const model_card *card, size_t *count) {
    weights_pair *pairs = xcalloc(PAIRS_MAX, sizeof *pairs);
    *count = 0;
    add_pair(pairs, count, key_format, xstrdup("pt"));
    if (card->model) add_pair(pairs, count, key_model, xstrdup(card->model));
    if (card->has_head) add_pair(pairs, count, key_head, printed(head_item(&card->head)));
    if (card->class_name)
        add_pair(pairs, count, key_classes, printed(classes_item(card->class_name, card->class_count)));
    add_pair(pairs, count, key_mask, printed(mask_to_json(&card->mask)));
    if (card->has_transform) add_pair(pairs, count, key_transform, printed(transform_item(&card->transform)));
    return pairs;
}

void model_card_pairs_free(weights_pair *pairs, size_t count) {
    for (size_t i = 0; i < count; i++)
        free((char *)pairs[i].value);
    free(pairs);
}

/* ---- reading ---- */

static bool whole_between(const cJSON *item, double min, double max, int *out) {
    if (!cJSON_IsNumber(item) || item->valuedouble != floor(item->valuedouble)) return false;
    if (item->valuedouble < min || item->valuedouble > max) return false;
    *out = (int)item->valuedouble;
    return true;
}

static bool read_head(const cJSON *object, model_card *card) {
    const cJSON *hidden = cJSON_GetObjectItemCaseSensitive(object, "hidden");
    const cJSON *dropout = cJSON_GetObjectItemCaseSensitive(object, "dropout");
    const cJSON *batch_norm = cJSON_GetObjectItemCaseSensitive(object, "batch_norm");
    const cJSON *pool = cJSON_GetObjectItemCaseSensitive(object, "pool");
    thaw_head *head = &card->head;
    if (!cJSON_IsArray(hidden) || cJSON_GetArraySize(hidden) > THAW_HEAD_HIDDEN_MAX) return false;
    for (const cJSON *size = hidden->child; size; size = size->next)
        if (!whole_between(size, 1, MODEL_HIDDEN_MAX, &head->hidden[head->hidden_count++])) return false;
    if (!cJSON_IsNumber(dropout) || !(dropout->valuedouble >= 0 && dropout->valuedouble < 1)) return false;
    if (!cJSON_IsBool(batch_norm) || !cJSON_IsString(pool)) return false;
    head->dropout = dropout->valuedouble;
    head->batch_norm = cJSON_IsTrue(batch_norm);
    card->has_head = true;
    return recipe_pool_parse(pool->valuestring, &head->pool);
}

static bool read_classes(const cJSON *list, model_card *card) {
    if (!cJSON_IsArray(list) || !list->child || cJSON_GetArraySize(list) > MODEL_CLASSES_MAX) return false;
    card->class_name = xcalloc((size_t)cJSON_GetArraySize(list), sizeof *card->class_name);
    for (const cJSON *name = list->child; name; name = name->next) {
        if (!cJSON_IsString(name)) return false;
        card->class_name[card->class_count++] = xstrdup(name->valuestring);
    }
    return true;
}

static bool read_channels(const cJSON *list, bool positive, float out[CHANNELS]) {
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) != CHANNELS) return false;
    int i = 0;
    for (const cJSON *value = list->child; value; value = value->next) {
        out[i] = (float)value->valuedouble;
        if (!cJSON_IsNumber(value) || !isfinite(out[i]) || (positive && out[i] <= 0)) return false;
        i++;
    }
    return true;
}

static bool read_transform(const cJSON *object, model_card *card) {
    transform *t = &card->transform;
    const cJSON *how = cJSON_GetObjectItemCaseSensitive(object, "interpolation");
    card->has_transform = true;
    *t = (transform){.scale_min = 0.08, .scale_max = 1};
    return whole_between(cJSON_GetObjectItemCaseSensitive(object, "resize"), 0, MODEL_INPUT_MAX,
                         &t->resize) &&
           whole_between(cJSON_GetObjectItemCaseSensitive(object, "crop"), 1, MODEL_INPUT_MAX, &t->crop) &&
           cJSON_IsString(how) && interpolation_parse(how->valuestring, &t->interpolation) &&
           read_channels(cJSON_GetObjectItemCaseSensitive(object, "mean"), false, t->mean) &&
           read_channels(cJSON_GetObjectItemCaseSensitive(object, "std"), true, t->std);
}

static bool read_mask(const cJSON *object, model_card *card) {
    thaw_status status = mask_from_json(object, key_mask, &card->mask);
    return !thaw_failed(&status);
}

static thaw_status read_pair(const weights_file *f, const char *key,
                             bool (*read)(const cJSON *, model_card *), model_card *card) {
    const char *text = weights_metadata(f, key);
    cJSON *item = NULL;
    if (!text) return thaw_ok();
    thaw_status status = json_parse(text, strlen(text), key, &item);
    bool good = !thaw_failed(&status) && read(item, card);
    cJSON_Delete(item);
    if (good) return thaw_ok();
    return thaw_error(THAW_ERR_FORMAT, "%s: its metadata \"%s\" makes no sense; export it again",
                      weights_file_name(f), key);
}

thaw_status model_card_read(const weights_file *f, model_card *out) {
    thaw_status status;
    *out = (model_card){.model = xstrdup(weights_metadata(f, key_model))};
    THAW_TRY_GOTO(status, out, read_pair(f, key_head, read_head, out));
    THAW_TRY_GOTO(status, out, read_pair(f, key_classes, read_classes, out));
    THAW_TRY_GOTO(status, out, read_pair(f, key_mask, read_mask, out));
    THAW_TRY_GOTO(status, out, read_pair(f, key_transform, read_transform, out));
out:
    if (thaw_failed(&status)) model_card_clear(out);
    return status;
}
