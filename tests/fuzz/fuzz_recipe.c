/*
 * fuzz_recipe.c - a recipe's JSON. What is read and written out again must read as the same recipe.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "thaw/recipe.h"

bool fuzz_seed(size_t index, str *out) {
    static const char example[] =
        "{\"model\":\"resnet18\",\"weights\":null,\"data\":{\"path\":\"d\",\"val_fraction\":0.2,\"augment\":"
        "\"basic\"},"
        "\"freeze\":[\"conv1\",\"layer?\"],\"norm\":\"eval\",\"head\":{\"hidden\":[64,32],\"dropout\":0.5},"
        "\"optimizer\":{\"name\":\"adamw\",\"lr\":0.001,\"weight_decay\":0.01},\"layer_lr\":{\"layer4\":0.1},"
        "\"schedule\":{\"name\":\"cosine\",\"warmup_epochs\":1},\"epochs\":25,\"batch_size\":32,\"seed\":7}";
    thaw_recipe r;
    if (index > 1) return false;
    if (index == 1) {
        str_append(out, example);
        return true;
    }
    thaw_recipe_init(&r);
    char *json = thaw_recipe_json(&r);
    str_append(out, json);
    free(json);
    thaw_recipe_clear(&r);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    thaw_recipe first, second;
    thaw_recipe_init(&first);
    thaw_status status = thaw_recipe_parse((const char *)data, size, "r.json", &first);
    if (!thaw_failed(&status)) {
        status = thaw_recipe_check(&first);
        char *json = thaw_recipe_json(&first);
        thaw_recipe_init(&second);
        thaw_status again = thaw_recipe_parse(json, strlen(json), "again.json", &second);
        CHECK(!thaw_failed(&again));
        char *same = thaw_recipe_json(&second);
        CHECK(strcmp(json, same) == 0);
        free(json);
        free(same);
        thaw_recipe_clear(&second);
    }
    thaw_recipe_clear(&first);
    return 0;
}
