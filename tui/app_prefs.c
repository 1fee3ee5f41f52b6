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

static const char *const form_name[LAYOUT_FORM_COUNT] = {[LAYOUT_LIST] = "list", [LAYOUT_CHART] = "charts"};
static const char *const edge_name[EDGE_COUNT] = {
    [EDGE_LIST] = "list", [EDGE_CHARTS] = "loss", [EDGE_LOG] = "log"};

/* "splits": {"charts": {"list": 0.4, "loss": 0.5}}; what is not there, or no share, is 0. */
static void load_splits(const cJSON *document, app_prefs *prefs) {
    const cJSON *splits = cJSON_GetObjectItemCaseSensitive(document, "splits");
    for (int form = 0; form < LAYOUT_FORM_COUNT; form++) {
        const cJSON *of = cJSON_GetObjectItemCaseSensitive(splits, form_name[form]);
        for (int e = 0; e < EDGE_COUNT; e++) {
            double share = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(of, edge_name[e]));
            prefs->share[form][e] = share > 0 && share <= 1 ? share : 0;
        }
    }
}

static void save_splits(cJSON *document, const app *a) {
    cJSON *splits = cJSON_AddObjectToObject(document, "splits");
    for (int form = 0; form < LAYOUT_FORM_COUNT; form++) {
        cJSON *of = cJSON_AddObjectToObject(splits, form_name[form]);
        for (int e = 0; e < EDGE_COUNT; e++)
            if (a->share[form][e] > 0) json_add_number(of, edge_name[e], a->share[form][e]);
    }
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
        load_splits(document, &prefs);
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
        save_splits(document, a);
        status = json_write_file(path, document);
        cJSON_Delete(document);
    }
    if (thaw_failed(&status)) app_warn(a, "not saved for next time: %s", status.message);
    free(folder);
    free(path);
}
