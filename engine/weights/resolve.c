/*
 * resolve.c - from what a person wrote under "weights" to a file: a name of the catalog, or a path.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/str.h"
#include "thaw/catalog.h"

static bool has_weights_extension(const char *name) {
    static const char *const extension[] = {".safetensors", ".pth", ".pt", ".th", ".bin", ".ckpt"};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof extension / sizeof extension[0]; i++) {
        size_t n = strlen(extension[i]);
        if (length > n && strcmp(name + length - n, extension[i]) == 0) return true;
    }
    return false;
}

static bool same(const char *a, const char *b) {
    return a && b && strcmp(a, b) == 0;
}

/* The row whose file PATH is named like, else the default of ARCH, else NULL. */
static const thaw_weights_info *facts_of(const thaw_catalog *c, const char *arch, const char *path) {
    const thaw_weights_info *otherwise = NULL;
    for (int i = 0; i < thaw_catalog_count(c); i++) {
        const thaw_weights_info *info = thaw_catalog_at(c, i);
        if (!same(info->arch, arch)) continue;
        if (same(info->file, path_base(path)) || same(info->older_file, path_base(path))) return info;
        if (info->is_default) otherwise = info;
    }
    return otherwise;
}

static thaw_status resolve_path(const thaw_catalog *c, const char *arch, const char *weights, char **path,
                                const thaw_weights_info **info) {
    char *file = path_expand(weights);
    char *elsewhere = path_exists(file) || strchr(file, '/') ? NULL : thaw_catalog_search(file);
    thaw_status status = thaw_ok();
    if (elsewhere) {
        free(file);
        file = elsewhere;
    }
    if (!path_exists(file))
        status = thaw_error(
            THAW_ERR_NOT_FOUND,
            "there is no weights file %s; check the path, or take weights that `thaw models` names", file);
    else if (path_is_directory(file))
        status = thaw_error(THAW_ERR_USAGE, "%s is a folder; name the weights file in it", file);
    if (thaw_failed(&status)) {
        free(file);
        return status;
    }
    *path = file;
    *info = facts_of(c, arch, file);
    return status;
}

static thaw_status not_here(const thaw_weights_info *info) {
    if (info->bundled)
        return thaw_error(
            THAW_ERR_NOT_FOUND,
            "%s, which comes with thaw, is missing: set THAW_HOME to the folder that has zoo/%s", info->file,
            info->file);
    return thaw_error(THAW_ERR_NOT_FOUND,
                      "the %s weights of %s (%.0f MB) are not on this machine; get them with: thaw get %s:%s",
                      info->name, info->arch, info->file_size_mb, info->arch, info->name);
}

thaw_status thaw_weights_resolve(const thaw_catalog *c, const char *arch, const char *weights, char **path,
                                 const thaw_weights_info **info) {
    const thaw_weights_info *row = NULL;
    *path = NULL;
    bool by_path = strchr(weights, '/') || weights[0] == '~' || has_weights_extension(weights);
    thaw_status status =
        by_path ? resolve_path(c, arch, weights, path, &row) : thaw_catalog_find(c, arch, weights, &row);
    /* A name that the catalog has not may still be a file in this folder. */
    if (!by_path && thaw_failed(&status) && path_exists(weights) && !path_is_directory(weights))
        status = resolve_path(c, arch, weights, path, &row);
    if (!thaw_failed(&status) && !*path) {
        *path = thaw_catalog_locate(row);
        if (!*path) status = not_here(row);
    }
    if (info) *info = row;
    return status;
}
