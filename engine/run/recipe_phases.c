/*
 * recipe_phases.c - see recipe_phases.h.
 */
#include "engine/run/recipe_phases.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "engine/run/recipe_fields.h"

enum { PHASES_MAX = 1000 };

static const char *const keys[] = {"epoch", "freeze", "moving", "lr"};
enum { KEYS = sizeof keys / sizeof *keys };

/* ---- checking ---- */

/* KEY of a phase has the type and the range of another field, and that field's words for what is wrong. */
static thaw_status check_as(const cJSON *phase, const char *key, const char *field) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(phase, key);
    return item ? recipe_row_check(recipe_row_find(field), item) : thaw_ok();
}

static thaw_status check_keys(const cJSON *phase) {
    bool seen[KEYS] = {false};
    for (const cJSON *item = phase->child; item; item = item->next) {
        int at = 0;
        while (at < KEYS && strcmp(item->string, keys[at]))
            at++;
        if (at == KEYS) {
            const char *near = text_nearest(item->string, keys, KEYS);
            return thaw_error(THAW_ERR_USAGE, "unknown key; %s%s%s",
                              near ? "did you mean \"" : "a phase has ",
                              near ? near : "epoch, freeze, moving and lr", near ? "\"?" : "");
        }
        if (seen[at]) return thaw_error(THAW_ERR_USAGE, "\"%s\" is there twice; remove one", keys[at]);
        seen[at] = true;
    }
    return thaw_ok();
}

static thaw_status check_phase(const cJSON *phase, double *after) {
    if (!cJSON_IsObject(phase))
        return thaw_error(THAW_ERR_USAGE,
                          "a phase is an object, like {\"epoch\": 5, \"freeze\": [], \"lr\": 0.0001}");
    THAW_TRY(check_keys(phase));
    const cJSON *epoch = cJSON_GetObjectItemCaseSensitive(phase, "epoch");
    if (!cJSON_IsNumber(epoch) || epoch->valuedouble != floor(epoch->valuedouble) ||
        !(epoch->valuedouble > *after))
        return thaw_error(
            THAW_ERR_USAGE,
            "\"epoch\" must be a whole number, more than %.0f: how many epochs come before the phase",
            *after);
    THAW_TRY(check_as(phase, "epoch", "epochs"));
    THAW_TRY(check_as(phase, "freeze", "freeze"));
    THAW_TRY(check_as(phase, "moving", "moving"));
    THAW_TRY(check_as(phase, "lr", "optimizer.lr"));
    *after = epoch->valuedouble;
    return thaw_ok();
}

thaw_status recipe_phases_check(const cJSON *item) {
    double after = 0;
    int number = 0;
    if (!cJSON_IsArray(item) || cJSON_GetArraySize(item) > PHASES_MAX)
        return thaw_error(THAW_ERR_USAGE,
                          "\"phases\" must be a list of at most %d objects, like "
                          "[{\"epoch\": 5, \"freeze\": [], \"lr\": 0.0001}]",
                          PHASES_MAX);
    for (const cJSON *phase = item->child; phase; phase = phase->next)
        THAW_TRY(thaw_status_prefix(check_phase(phase, &after), "\"phases\", number %d", ++number));
    return thaw_ok();
}

/* ---- storing and loading ---- */

static char **store_names(const cJSON *list, size_t *count) {
    char **names = xcalloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *names);
    *count = 0;
    for (const cJSON *name = list ? list->child : NULL; name; name = name->next)
        names[(*count)++] = xstrdup(name->valuestring);
    return names;
}

thaw_recipe_phase *recipe_phases_store(const cJSON *item, size_t *count) {
    thaw_recipe_phase *list = xcalloc((size_t)cJSON_GetArraySize(item) + 1, sizeof *list);
    *count = 0;
    for (const cJSON *from = item->child; from; from = from->next) {
        thaw_recipe_phase *phase = &list[(*count)++];
        const cJSON *freeze = cJSON_GetObjectItemCaseSensitive(from, "freeze"),
                    *moving = cJSON_GetObjectItemCaseSensitive(from, "moving"),
                    *lr = cJSON_GetObjectItemCaseSensitive(from, "lr");
        phase->epoch = (int)cJSON_GetObjectItemCaseSensitive(from, "epoch")->valuedouble;
        phase->masks = freeze || moving;
        phase->freeze = store_names(freeze, &phase->freeze_count);
        phase->moving = store_names(moving, &phase->moving_count);
        phase->lr = lr ? lr->valuedouble : 0;
    }
    return list;
}

static void load_names(cJSON *into, const char *key, char *const *names, size_t count) {
    cJSON *list = cJSON_AddArrayToObject(into, key);
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(names[i]));
}

cJSON *recipe_phases_load(const thaw_recipe_phase *phase, size_t count) {
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++, phase++) {
        cJSON *object = cJSON_CreateObject();
        cJSON_AddNumberToObject(object, "epoch", phase->epoch);
        if (phase->masks) load_names(object, "freeze", phase->freeze, phase->freeze_count);
        if (phase->masks && phase->moving_count)
            load_names(object, "moving", phase->moving, phase->moving_count);
        if (phase->lr > 0) cJSON_AddNumberToObject(object, "lr", phase->lr);
        cJSON_AddItemToArray(list, object);
    }
    return list;
}

void recipe_phases_free(thaw_recipe_phase *phase, size_t count) {
    for (size_t i = 0; i < count; i++) {
        thaw_names_free(phase[i].freeze, phase[i].freeze_count);
        thaw_names_free(phase[i].moving, phase[i].moving_count);
    }
    free(phase);
}
