/*
 * recipe_named.c - the recipe that a person means by a word: a file's, or else a run's.
 */
#include <string.h>
#include <sys/stat.h>

#include "thaw/run.h"

static bool is_file(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static bool looks_like_file(const char *name) {
    size_t length = strlen(name);
    return length > 5 && !strcmp(name + length - 5, ".json");
}

thaw_status thaw_recipe_named(const char *runs, const char *name, thaw_recipe *out) {
    if (is_file(name) || looks_like_file(name)) {
        thaw_recipe_init(out);
        thaw_status status = thaw_recipe_read(name, out);
        if (thaw_failed(&status)) thaw_recipe_clear(out);
        return status;
    }
    thaw_run_info info;
    THAW_TRY(thaw_run_find(runs, name, &info));
    thaw_status status = thaw_run_recipe(info.folder, out);
    thaw_run_info_clear(&info);
    return status;
}
