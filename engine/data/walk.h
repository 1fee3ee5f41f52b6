/*
 * walk.h - listing folders, following links, surviving loops. Private to engine/data.
 */
#ifndef ENGINE_DATA_WALK_H
#define ENGINE_DATA_WALK_H

#include <stddef.h>

#include "thaw/status.h"

typedef struct name_list {
    char **item; /* owned */
    size_t count, capacity;
} name_list;

void name_list_add(name_list *list, const char *name); /* copies */
void name_list_sort(name_list *list);                  /* by bytes; duplicates are removed */
void name_list_clear(name_list *list);

/* Names of the folders (or of the other entries) directly in PATH, sorted, hidden ones left out. */
thaw_status walk_folders(const char *path, name_list *out);
thaw_status walk_entries(const char *path, name_list *out);

/*
 * Call VISIT for each file below ROOT/FOLDER, with its path relative to ROOT; PROBLEM is NULL, or says why
 * the entry cannot be looked at. VISIT returns false to stop the walk.
 */
typedef bool walk_visit(void *user, const char *path, const char *problem);
void walk_files(const char *root, const char *folder, walk_visit *visit, void *user);

#endif
