/*
 * app_prefs.c - what a person chose with a key and wants again next time:
 * $XDG_CONFIG_HOME/thaw/workbench.json.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "tui/app_state.h"

static char *prefs_path(void) {
    return path_xdg("XDG_CONFIG_HOME", ".config", "thaw/workbench.json");
}

/* A file that is missing or broken means the defaults: a preference is never a reason not to start. */
app_prefs app_prefs_load(void) {
    app_prefs prefs = {.raster = RASTER_COUNT};
    char *path = prefs_path(), *dots = NULL;
    cJSON *document = NULL;
    thaw_status status = path ? json_read_file(path, &document) : thaw_ok();
    if (!thaw_failed(&status) && document) {
        thaw_status each[] = {json_get_string(document, "", "theme", &prefs.theme),
                              json_get_string(document, "", "dots", &dots)};
        (void)each;
    }
    for (int i = 0; dots && i < RASTER_COUNT; i++)
        if (!strcmp(dots, raster_name((raster_kind)i))) prefs.raster = (raster_kind)i;
    cJSON_Delete(document);
    free(dots);
    free(path);
    return prefs;
}

void app_prefs_save(app *a) {
    char *path = prefs_path();
    if (!path) return;
    char *slash = strrchr(path, '/'), *folder = slash ? xstrndup(path, (size_t)(slash - path)) : NULL;
    thaw_status status = folder ? path_make_directory(folder) : thaw_ok();
    if (!thaw_failed(&status)) {
        cJSON *document = cJSON_CreateObject();
        if (a->theme_name) cJSON_AddStringToObject(document, "theme", a->theme_name);
        cJSON_AddStringToObject(document, "dots", raster_name(a->raster));
        status = json_write_file(path, document);
        cJSON_Delete(document);
    }
    if (thaw_failed(&status)) app_warn(a, "not saved for next time: %s", status.message);
    free(folder);
    free(path);
}
