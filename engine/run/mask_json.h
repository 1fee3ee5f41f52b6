/*
 * mask_json.h - a freeze mask as {"frozen": [names], "moving": [names]}.
 */
#ifndef ENGINE_RUN_MASK_JSON_H
#define ENGINE_RUN_MASK_JSON_H

#include "engine/base/json.h"
#include "engine/nn/freeze.h"

cJSON *mask_to_json(const freeze_mask *mask); /* owned by the caller */
/* WHERE names the object in messages. MASK is empty before and after a failure. */
thaw_status mask_from_json(const cJSON *object, const char *where, freeze_mask *mask);

#endif
