/*
 * theme_files.c - where themes are: the person's own first, then those that came with the program.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "tui/theme.h"

static const char suffix[] = ".json";

/* $XDG_CONFIG_HOME/thaw/themes; owned by the caller. */
static char *own_folder(void) {
    return path_xdg("XDG_CONFIG_HOME", ".config", "thaw/themes");
}

char *theme_find(const char *name) {
    if (strchr(name, '/') || path_exists(name)) return path_exists(name) ? path_expand(name) : NULL;
    char *file = xasprintf("%s%s", name, suffix), *folder = own_folder();
    char *path = folder ? path_join(folder, file) : NULL;
    if (!path || !path_exists(path)) {
        free(path);
        char *shipped = xasprintf("themes/%s", file);
        path = path_resource(shipped);
        free(shipped);
    }
    free(folder);
    free(file);
    return path;
}

typedef struct names {
    char **item;
    size_t count, capacity;
} names;

static void add_folder(names *list, const char *folder) {
    DIR *dir = folder ? opendir(folder) : NULL;
    if (!dir) return;
    for (struct dirent *entry; (entry = readdir(dir));) {
        size_t length = strlen(entry->d_name), end = sizeof suffix - 1;
        if (length <= end || strcmp(entry->d_name + length - end, suffix)) continue;
        list->item = vec_reserve(list->item, &list->capacity, list->count + 1, sizeof *list->item);
        list->item[list->count++] = xstrndup(entry->d_name, length - end);
    }
    closedir(dir);
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **theme_names(size_t *count) {
    names list = {0};
    char *own = own_folder(), *shipped = path_resource("themes");
    add_folder(&list, own);
    add_folder(&list, shipped);
    free(own);
    free(shipped);
    if (list.count) qsort(list.item, list.count, sizeof *list.item, by_name);
    size_t kept = 0;
    for (size_t i = 0; i < list.count; i++) {
        if (kept && !strcmp(list.item[kept - 1], list.item[i]))
            free(list.item[i]);
        else
            list.item[kept++] = list.item[i];
    }
    *count = kept;
    return list.item;
}

void theme_names_free(char **list, size_t count) {
    for (size_t i = 0; i < count; i++)
        free(list[i]);
    free(list);
}
