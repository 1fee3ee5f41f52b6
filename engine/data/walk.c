/*
 * walk.c - see walk.h. A link may lead back to a folder above it; each folder knows the chain of those it was
 * reached through, and one that is its own ancestor is reported instead of entered.
 */
#include "engine/data/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"

enum { DEPTH_MAX = 32 };

void name_list_add(name_list *list, const char *name) {
    list->item = vec_reserve(list->item, &list->capacity, list->count + 1, sizeof *list->item);
    list->item[list->count++] = xstrdup(name);
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void name_list_sort(name_list *list) {
    size_t kept = 0;
    if (list->count) qsort(list->item, list->count, sizeof *list->item, compare_names);
    for (size_t i = 0; i < list->count; i++) {
        if (kept && strcmp(list->item[kept - 1], list->item[i]) == 0)
            free(list->item[i]);
        else
            list->item[kept++] = list->item[i];
    }
    list->count = kept;
}

void name_list_clear(name_list *list) {
    for (size_t i = 0; i < list->count; i++)
        free(list->item[i]);
    free(list->item);
    *list = (name_list){0};
}

typedef enum entry_kind { ENTRY_FILE, ENTRY_FOLDER, ENTRY_SPECIAL, ENTRY_BROKEN } entry_kind;

/* What an entry is once links are followed; most file systems say so in the listing itself. */
static entry_kind kind_of(DIR *folder, const struct dirent *entry) {
    struct stat info;
    if (entry->d_type == DT_REG) return ENTRY_FILE;
    if (entry->d_type == DT_DIR) return ENTRY_FOLDER;
    if (fstatat(dirfd(folder), entry->d_name, &info, 0) < 0) return ENTRY_BROKEN;
    return S_ISREG(info.st_mode) ? ENTRY_FILE : S_ISDIR(info.st_mode) ? ENTRY_FOLDER : ENTRY_SPECIAL;
}

static thaw_status list(const char *path, bool folders, name_list *out) {
    DIR *folder = opendir(path);
    if (!folder) return thaw_error_errno(errno, "%s", path);
    struct dirent *entry;
    while ((entry = readdir(folder)))
        if (entry->d_name[0] != '.' && (kind_of(folder, entry) == ENTRY_FOLDER) == folders)
            name_list_add(out, entry->d_name);
    closedir(folder);
    name_list_sort(out);
    return thaw_ok();
}

thaw_status walk_folders(const char *path, name_list *out) {
    return list(path, true, out);
}

thaw_status walk_entries(const char *path, name_list *out) {
    return list(path, false, out);
}

/* One folder being walked, and the one it was reached through. */
typedef struct place {
    const struct place *above;
    dev_t device;
    ino_t inode;
    int depth;
} place;

typedef struct walker {
    const char *root;
    walk_visit *visit;
    void *user;
} walker;

static bool is_own_ancestor(const place *here) {
    for (const place *p = here->above; p; p = p->above)
        if (p->device == here->device && p->inode == here->inode) return true;
    return false;
}

static bool walk(const walker *w, const char *folder, const place *above);

/* The entries of an open folder: files at once, folders after them. */
static bool walk_open(const walker *w, DIR *open, const char *folder, const place *here) {
    name_list folders = {0};
    struct dirent *entry;
    bool going = true;
    while (going && (entry = readdir(open))) {
        if (entry->d_name[0] == '.') continue;
        entry_kind kind = kind_of(open, entry);
        if (kind == ENTRY_FOLDER) {
            name_list_add(&folders, entry->d_name);
            continue;
        }
        char *path = path_join(folder, entry->d_name);
        going = w->visit(w->user, path,
                         kind == ENTRY_FILE      ? NULL
                         : kind == ENTRY_SPECIAL ? "a special file"
                                                 : "a link to nothing");
        free(path);
    }
    name_list_sort(&folders);
    for (size_t i = 0; going && i < folders.count; i++) {
        char *path = path_join(folder, folders.item[i]);
        going = walk(w, path, here);
        free(path);
    }
    name_list_clear(&folders);
    return going;
}

static bool walk(const walker *w, const char *folder, const place *above) {
    char *path = path_join(w->root, folder);
    DIR *open = opendir(path);
    int error = errno;
    free(path);
    if (!open) return w->visit(w->user, folder, strerrordesc_np(error));
    struct stat info;
    bool going;
    if (fstat(dirfd(open), &info) < 0) {
        going = w->visit(w->user, folder, strerrordesc_np(errno));
    } else {
        place here = {above, info.st_dev, info.st_ino, above ? above->depth + 1 : 0};
        if (is_own_ancestor(&here))
            going = w->visit(w->user, folder, "a link to a folder that contains it");
        else if (here.depth > DEPTH_MAX)
            going = w->visit(w->user, folder, "too many folders inside one another");
        else
            going = walk_open(w, open, folder, &here);
    }
    closedir(open);
    return going;
}

void walk_files(const char *root, const char *folder, walk_visit *visit, void *user) {
    walker w = {root, visit, user};
    walk(&w, folder, NULL);
}
