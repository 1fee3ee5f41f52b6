/*
 * demo_recipe.c - see demo_recipe.h.
 */
#include "tui/demo_recipe.h"

#include <stdlib.h>

#include "engine/base/file.h"

thaw_status demo_recipe_read(thaw_recipe *r) {
    char *path = path_resource("zoo/demo.recipe.json");
    if (!path)
        return thaw_error(THAW_ERR_NOT_FOUND,
                          "zoo/demo.recipe.json is not beside the program nor in share/thaw; "
                          "set THAW_HOME to the folder that has zoo/");
    thaw_status status = thaw_recipe_read(path, r);
    free(path);
    return status;
}

thaw_status demo_recipe_slow_down(thaw_recipe *r) {
    return thaw_recipe_set_text(r, "cache", "off");
}
