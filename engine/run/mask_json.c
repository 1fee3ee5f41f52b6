/*
 * mask_json.c - see mask_json.h.
 */
#include "engine/run/mask_json.h"

static cJSON *names_item(char *const *names, size_t count) {
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(names[i]));
    return list;
}

cJSON *mask_to_json(const freeze_mask *mask) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddItemToObject(object, "frozen", names_item(mask->frozen, mask->frozen_count));
    cJSON_AddItemToObject(object, "moving", names_item(mask->moving, mask->moving_count));
    return object;
}

static bool add_names(const cJSON *list, thaw_freeze state, freeze_mask *mask) {
    if (!cJSON_IsArray(list)) return false;
    for (const cJSON *name = list->child; name; name = name->next) {
        if (!cJSON_IsString(name)) return false;
        freeze_mask_add(mask, name->valuestring, state);
    }
    return true;
}

thaw_status mask_from_json(const cJSON *object, const char *where, freeze_mask *mask) {
    if (add_names(cJSON_GetObjectItemCaseSensitive(object, "frozen"), THAW_FROZEN, mask) &&
        add_names(cJSON_GetObjectItemCaseSensitive(object, "moving"), THAW_STATS_MOVING, mask))
        return thaw_ok();
    freeze_mask_clear(mask);
    return thaw_error(THAW_ERR_FORMAT, "%s must be {\"frozen\": [names], \"moving\": [names]}", where);
}
