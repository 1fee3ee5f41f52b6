/*
 * path_complete.c - see path_complete.h.
 */
#include "tui/widgets/path_complete.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in FOLDER that begin with START (hidden ones only when it begins with a dot), sorted. */
static char **list_names(const char *folder, const char *start, size_t *count) {
    char **names = NULL;
    size_t capacity = 0, length = strlen(start);
    *count = 0;
    DIR *dir = opendir(*folder ? folder : ".");
    if (!dir) return NULL;
    for (struct dirent *entry; *count < PATH_CANDIDATES_MAX && (entry = readdir(dir));) {
        const char *name = entry->d_name;
        bool dots = !strcmp(name, ".") || !strcmp(name, "..");
        if (dots || strncmp(name, start, length) || (name[0] == '.' && start[0] != '.') || strchr(name, '\n'))
            continue;
        names = vec_reserve(names, &capacity, *count + 1, sizeof *names);
        names[(*count)++] = xstrdup(name);
    }
    closedir(dir);
    if (*count) qsort(names, *count, sizeof *names, by_name);
    return names;
}

void path_complete(const char *text, str *out) {
    const char *slash = strrchr(text, '/');
    size_t head = slash ? (size_t)(slash - text) + 1 : 0;
    char *typed = xstrndup(text, head), *folder = path_expand(typed);
    size_t count;
    char **names = list_names(folder, text + head, &count);
    for (size_t i = 0; i < count; i++) {
        char *full = path_join(*folder ? folder : ".", names[i]);
        str_appendf(out, "%s%s%s\n", typed, names[i], path_is_directory(full) ? "/" : "");
        free(full);
        free(names[i]);
    }
    free(names);
    free(folder);
    free(typed);
}

char *path_complete_longest(const char *text) {
    str all = {0};
    path_complete(text, &all);
    const char *first = str_text(&all);
    size_t common = strcspn(first, "\n");
    for (const char *line = first; *line; line += strcspn(line, "\n") + 1) {
        size_t same = 0;
        while (same < common && line[same] == first[same] && line[same] != '\n')
            same++;
        common = same;
    }
    while (common > 0 && ((unsigned char)first[common] & 0xc0) == 0x80)
        common--; /* no half character */
    char *longest = common > strlen(text) ? xstrndup(first, common) : xstrdup(text);
    str_clear(&all);
    return longest;
}
