/*
 * room.c - see room.h. Pages of files count as used by a control group although they can be let go of; those
 * not lately used are added back.
 */
#include "engine/base/room.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

enum { LINE_BYTES = 512 };

/* The number after KEY (with what separates them) at the beginning of a line of PATH; -1: there is none. */
static int64_t read_field(const char *path, const char *key) {
    char line[LINE_BYTES];
    int64_t value = -1;
    FILE *file = fopen(path, "re");
    while (file && value < 0 && fgets(line, sizeof line, file))
        if (!strncmp(line, key, strlen(key)) && sscanf(line + strlen(key), "%" SCNd64, &value) != 1)
            value = -1;
    if (file) fclose(file);
    return value;
}

static int64_t read_field_in(const char *folder, const char *name, const char *key) {
    char *path = xasprintf("%s/%s", folder, name);
    int64_t value = read_field(path, key);
    free(path);
    return value;
}

static int64_t at_least_zero(int64_t value) {
    return value > 0 ? value : 0;
}

/* What FOLDER's limit leaves, INT64_MAX when it sets none ("max" is no number). */
static int64_t left_in(const char *folder, bool first_version) {
    int64_t limit = read_field_in(folder, first_version ? "memory.limit_in_bytes" : "memory.max", "");
    int64_t used = read_field_in(folder, first_version ? "memory.usage_in_bytes" : "memory.current", "");
    int64_t files =
        read_field_in(folder, "memory.stat", first_version ? "total_inactive_file " : "inactive_file ");
    if (limit < 0 || used < 0) return INT64_MAX;
    return at_least_zero(limit - at_least_zero(used - at_least_zero(files)));
}

/* The least that is left from GROUP ("/a/b") up to the root of HIERARCHY. */
static int64_t left_up(const char *hierarchy, const char *group, bool first_version) {
    int64_t least = INT64_MAX;
    char *folder = xasprintf("%s%s", hierarchy, strcmp(group, "/") ? group : "");
    for (;;) {
        int64_t left = left_in(folder, first_version);
        if (left < least) least = left;
        char *slash = strrchr(folder, '/');
        if (!slash || (size_t)(slash - folder) < strlen(hierarchy)) break;
        *slash = '\0';
    }
    free(folder);
    return least;
}

/* A line of PROC/self/cgroup: "0::/a/b" (version 2), "4:memory:/a/b" (version 1, where memory is one of the
 * controllers). */
static int64_t left_by(const char *cgroups, char *line) {
    line[strcspn(line, "\n")] = '\0';
    char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group) return INT64_MAX;
    *group++ = '\0';
    if (!controllers[1]) return left_up(cgroups, group, false);
    if (strcmp(controllers + 1, "memory")) return INT64_MAX;
    char *hierarchy = xasprintf("%s/memory", cgroups);
    int64_t left = left_up(hierarchy, group, true);
    free(hierarchy);
    return left;
}

int64_t room_available(const char *proc, const char *cgroups) {
    const int64_t kilo = 1024;
    char line[LINE_BYTES];
    int64_t least = read_field_in(proc, "meminfo", "MemAvailable:");
    least = least < 0 ? INT64_MAX : least * kilo;
    char *path = xasprintf("%s/self/cgroup", proc);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        int64_t left = left_by(cgroups, line);
        if (left < least) least = left;
    }
    if (file) fclose(file);
    free(path);
    return least == INT64_MAX ? -1 : least;
}
