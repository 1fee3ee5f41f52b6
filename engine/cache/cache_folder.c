/*
 * cache_folder.c - see cache.h and cache_folder.h.
 */
#include "engine/cache/cache_folder.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/cache/row_file.h"

static const int64_t limit_default = (int64_t)10 << 30;

char *thaw_cache_folder(void) {
    return path_xdg("XDG_CACHE_HOME", ".cache", "thaw/outputs");
}

/* "20G": what a suffix multiplies by, 0 for one that is none. */
static double unit_of(const char *suffix) {
    static const char units[] = "kmgt";
    if (!suffix[0]) return 1;
    const char *at = strchr(units, suffix[0] | 0x20);
    bool whole = !suffix[1] || ((suffix[1] | 0x20) == 'b' && !suffix[2]);
    return at && whole ? exp2(10.0 * (double)(at - units + 1)) : 0;
}

thaw_status thaw_cache_limit(int64_t *bytes) {
    const double most = 0x1p62;
    const char *text = getenv("THAW_CACHE_LIMIT");
    *bytes = limit_default;
    if (!text || !text[0]) return thaw_ok();
    *bytes = 0;
    char *end;
    double value = strtod(text, &end), unit = unit_of(end);
    if (end == text || unit == 0 || !(value >= 0) || !(value * unit < most))
        return thaw_error(THAW_ERR_USAGE,
                          "THAW_CACHE_LIMIT is \"%s\"; a size such as 20G or 500M is expected, or 0 to keep "
                          "nothing on disk",
                          text);
    *bytes = (int64_t)(value * unit);
    return thaw_ok();
}

/* ---- listing ---- */

static void clear_info(thaw_cache_info *i) {
    char **const owned[] = {&i->name, &i->folder, &i->model, &i->layer, &i->data, &i->images, &i->problem};
    for (size_t k = 0; k < sizeof owned / sizeof *owned; k++)
        free(*owned[k]);
}

void thaw_cache_list_free(thaw_cache_info *infos, size_t count) {
    for (size_t i = 0; i < count; i++)
        clear_info(&infos[i]);
    free(infos);
}

/* Blocks, not length: a file may have holes. */
static int64_t part_bytes(const char *folder, const char *name, double *used) {
    enum { BLOCK = 512 };
    char *path = path_join(folder, name);
    struct stat info;
    bool there = lstat(path, &info) == 0;
    free(path);
    if (!there) return 0;
    double modified = (double)info.st_mtim.tv_sec + 1e-9 * (double)info.st_mtim.tv_nsec;
    if (modified > *used) *used = modified;
    return (int64_t)info.st_blocks * BLOCK;
}

static thaw_status read_about(thaw_cache_info *info, const char *text) {
    cJSON *about = NULL;
    thaw_status status = json_parse(text, strlen(text), row_file_about_name, &about);
    if (!thaw_failed(&status)) status = json_get_string(about, "", "model", &info->model);
    if (!thaw_failed(&status)) status = json_get_string(about, "", "layer", &info->layer);
    if (!thaw_failed(&status)) status = json_get_string(about, "", "data", &info->data);
    if (!thaw_failed(&status)) status = json_get_string(about, "", "images", &info->images);
    cJSON_Delete(about);
    return status;
}

/* Its size, and whether and when it is used: all that is wanted to choose what goes. */
static void measure(const char *root, const char *name, thaw_cache_info *info) {
    const char *const parts[] = {row_file_index_name, row_file_rows_name, row_file_about_name};
    *info = (thaw_cache_info){.name = xstrdup(name), .folder = path_join(root, name)};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        info->bytes += part_bytes(info->folder, parts[i], &info->used);
    info->in_use = row_file_in_use(info->folder);
}

static void look_into(thaw_cache_info *info) {
    row_file_facts facts;
    thaw_status status = row_file_look(info->folder, &facts);
    if (!thaw_failed(&status)) {
        info->outputs = (int64_t)facts.count;
        status = read_about(info, facts.about);
    }
    free(facts.about);
    if (thaw_failed(&status)) info->problem = xstrdup(status.message);
}

static int by_use(const void *a, const void *b) {
    double x = ((const thaw_cache_info *)a)->used, y = ((const thaw_cache_info *)b)->used;
    return (x < y) - (x > y);
}

/* Last used first, measured only. */
static thaw_status list_folders(thaw_cache_info **out, size_t *count) {
    char *root = thaw_cache_folder();
    size_t capacity = 0;
    thaw_status status = thaw_ok();
    *out = NULL;
    *count = 0;
    DIR *dir = opendir(root);
    if (!dir && errno != ENOENT) status = thaw_error_errno(errno, "cannot look into %s", root);
    for (const struct dirent *entry; dir && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.' || entry->d_type == DT_REG) continue;
        *out = vec_reserve(*out, &capacity, *count + 1, sizeof **out);
        measure(root, entry->d_name, &(*out)[(*count)++]);
    }
    if (dir) closedir(dir);
    if (*count) qsort(*out, *count, sizeof **out, by_use);
    free(root);
    return status;
}

thaw_status thaw_cache_list(thaw_cache_info **out, size_t *count) {
    thaw_status status = list_folders(out, count);
    for (size_t i = 0; i < *count; i++)
        look_into(&(*out)[i]);
    return status;
}

/* ---- removing ---- */

thaw_status thaw_cache_clear(const char *name, size_t *removed, size_t *kept, int64_t *bytes) {
    thaw_cache_info *info;
    size_t count, fits = 0;
    *removed = *kept = 0;
    *bytes = 0;
    THAW_TRY(list_folders(&info, &count));
    thaw_status status = thaw_ok();
    for (size_t i = 0; i < count; i++) {
        if (name && strncmp(info[i].name, name, strlen(name)) != 0) continue;
        fits++;
        *kept += info[i].in_use;
        if (info[i].in_use) continue;
        thaw_status gone = row_file_remove(info[i].folder);
        if (thaw_failed(&gone)) {
            status = gone; /* the rest goes all the same */
            continue;
        }
        ++*removed;
        *bytes += info[i].bytes;
    }
    if (!thaw_failed(&status) && name && !fits)
        status = thaw_error(THAW_ERR_NOT_FOUND,
                            "nothing is kept under a name that begins with \"%s\"; see `thaw cache`", name);
    thaw_cache_list_free(info, count);
    return status;
}

/* Bytes the disk of ROOT, or of the first folder above it that is there, can still take from us. */
static int64_t disk_room(const char *root) {
    char *path = xstrdup(root);
    struct statvfs disk;
    for (char *slash; statvfs(path, &disk) < 0;) {
        slash = strrchr(path, '/');
        if (errno != ENOENT || !slash || slash == path) {
            free(path);
            return 0;
        }
        *slash = '\0';
    }
    free(path);
    return (int64_t)disk.f_bavail * (int64_t)disk.f_frsize - CACHE_DISK_RESERVE;
}

thaw_status cache_folder_make_room(const char *name, int64_t need, int64_t *allowed) {
    int64_t limit, others = 0, mine = 0;
    thaw_cache_info *info;
    size_t count;
    *allowed = 0;
    THAW_TRY(thaw_cache_limit(&limit));
    THAW_TRY(list_folders(&info, &count));
    char *root = thaw_cache_folder();
    int64_t room = disk_room(root);
    for (size_t i = 0; i < count; i++)
        *(strcmp(info[i].name, name) == 0 ? &mine : &others) += info[i].bytes;
    for (size_t i = count; i-- > 0;) {
        if (others + need <= limit && need <= room + mine) break;
        if (info[i].in_use || strcmp(info[i].name, name) == 0) continue;
        thaw_status gone = row_file_remove(info[i].folder);
        if (thaw_failed(&gone)) continue; /* another user's, or with something else in it: it stays */
        others -= info[i].bytes;
        room += info[i].bytes;
    }
    int64_t most = limit - others < room + mine ? limit - others : room + mine;
    thaw_status status = thaw_ok();
    if (room + mine <= 0)
        status = thaw_error(THAW_ERR_IO, "less than 1 GiB is free on the disk of %s; make room there", root);
    else
        *allowed = need < most ? need : most > 0 ? most : 0;
    free(root);
    thaw_cache_list_free(info, count);
    return status;
}
