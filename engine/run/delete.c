/*
 * delete.c - deleting a run: only files that thaw writes, and only while nobody has the run.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/run/checkpoint_files.h"
#include "engine/run/control_place.h"
#include "engine/run/folder.h"
#include "engine/run/lock.h"
#include "thaw/run.h"

static bool is_ours(const char *name) {
    const char *const exact[] = {run_recipe_name, run_classes_name, run_events_name, "lock",
                                 run_state_name,  "stderr.log",     "control.sock",  control_note_name};
    if (strstr(name, ".tmp-")) return true;
    for (size_t i = 0; i < sizeof exact / sizeof exact[0]; i++)
        if (strcmp(name, exact[i]) == 0) return true;
    for (int i = 0; i < CHECKPOINT_FILES; i++) {
        size_t length = strlen(checkpoint_file_names[i]);
        if (strncmp(name, checkpoint_file_names[i], length) == 0 &&
            (!name[length] || strcmp(name + length, ".new") == 0))
            return true;
    }
    return false;
}

static thaw_status remove_files(const char *folder) {
    DIR *dir = opendir(folder);
    if (!dir) return thaw_error_errno(errno, "%s", folder);
    thaw_status status = thaw_ok();
    for (const struct dirent *entry; !thaw_failed(&status) && (entry = readdir(dir));) {
        if (!is_ours(entry->d_name)) continue;
        char *path = path_join(folder, entry->d_name);
        if (unlink(path) < 0) status = thaw_error_errno(errno, "cannot delete %s", path);
        free(path);
    }
    closedir(dir);
    return status;
}

thaw_status thaw_run_delete(const char *folder) {
    int lock = -1;
    if (!run_folder_is_one(folder))
        return thaw_error(THAW_ERR_NOT_FOUND, "%s is not the folder of a run; `thaw runs` lists them",
                          folder);
    THAW_TRY(run_lock_take(folder, &lock));
    control_place_remove(folder); /* a killed run's socket, if it was elsewhere */
    thaw_status status = remove_files(folder);
    if (!thaw_failed(&status) && rmdir(folder) < 0 && errno != ENOTEMPTY && errno != EEXIST)
        status = thaw_error_errno(errno, "cannot delete %s", folder);
    close(lock);
    return status;
}
