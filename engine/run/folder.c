/*
 * folder.c - see folder.h. What is on disk before the first step is written all or nothing; what is appended
 * later may be lost line by line, never in half.
 */
#include "engine/run/folder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/str.h"
#include "engine/run/lock.h"
#include "thaw/run.h"

enum { ID_TRIES = 1000, ID_MODEL_MAX = 40, TAIL_BLOCK = 1 << 16 };

const char run_recipe_name[] = "recipe.json", run_classes_name[] = "classes.json",
           run_events_name[] = "events.jsonl", run_state_name[] = "state.json";

struct run_folder {
    char *id, *path;
    int lock, log; /* descriptors; -1: none */
    off_t end;     /* of the log: bytes of whole lines */
    bool failing;  /* the last line could not be written, and that was said */
    bool torn;     /* half a line is in the log and could not be taken back */
    uint64_t lost;
};

static run_folder *folder_new(const char *path) {
    run_folder *f = xcalloc(1, sizeof *f);
    f->path = xstrdup(path);
    f->id = xstrdup(path_base(path));
    f->lock = f->log = -1;
    return f;
}

void run_folder_close(run_folder *f) {
    if (!f) return;
    if (f->log >= 0) close(f->log);
    if (f->lock >= 0) close(f->lock);
    free(f->id);
    free(f->path);
    free(f);
}

const char *run_folder_id(const run_folder *f) {
    return f->id;
}

const char *run_folder_path(const run_folder *f) {
    return f->path;
}

/* PATH as an absolute path without symbolic links; owned by the caller. */
static thaw_status absolute(const char *path, char **out) {
    *out = realpath(path, NULL);
    return *out ? thaw_ok() : thaw_error_errno(errno, "%s", path);
}

/* ---- the log ---- */

/* Where the last whole line of FD ends. */
static off_t whole_lines_end(int fd, off_t size) {
    char block[TAIL_BLOCK];
    for (off_t end = size; end > 0;) {
        off_t start = end > TAIL_BLOCK ? end - TAIL_BLOCK : 0;
        ssize_t got = pread(fd, block, (size_t)(end - start), start);
        const char *newline = got > 0 ? memrchr(block, '\n', (size_t)got) : NULL;
        if (newline) return start + (newline - block) + 1;
        end = start;
    }
    return 0;
}

static thaw_status open_log(run_folder *f) {
    char *path = path_join(f->path, run_events_name);
    thaw_status status = thaw_ok();
    struct stat info;
    f->log = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (f->log < 0 || fstat(f->log, &info) < 0) {
        status = thaw_error_errno(errno, "cannot write %s", path);
    } else {
        f->end = whole_lines_end(f->log, info.st_size);
        if (f->end < info.st_size && ftruncate(f->log, f->end) < 0)
            status = thaw_error_errno(errno, "cannot repair the end of %s", path);
    }
    free(path);
    return status;
}

/* Write LINE at the end, or leave the log as it was. */
static thaw_status append(run_folder *f, const char *line, size_t length) {
    ssize_t done;
    do
        done = write(f->log, line, length);
    while (done < 0 && errno == EINTR);
    if (done == (ssize_t)length) {
        f->end += done;
        f->torn = false;
        return thaw_ok();
    }
    int error = done < 0 ? errno : ENOSPC; /* a short write to a file means that no more fits */
    if (done > 0 && ftruncate(f->log, f->end) < 0) {
        f->torn = true;
        f->end += done;
    }
    return thaw_error_errno(error, "cannot write %s/%s", f->path, run_events_name);
}

thaw_status run_folder_log(run_folder *f, const thaw_event *e) {
    char *json = thaw_event_json(e);
    str line = {0};
    if (f->torn) str_append(&line, "\n");
    str_append(&line, json);
    str_append(&line, "\n");
    thaw_status status = append(f, line.data, line.length);
    str_clear(&line);
    free(json);
    bool said = f->failing;
    f->failing = thaw_failed(&status);
    if (!f->failing) return status;
    f->lost++;
    return said ? thaw_ok() : status;
}

uint64_t run_folder_lost(const run_folder *f) {
    return f->lost;
}

/* ---- making one ---- */

/* "20261124-231501-resnet18": sorts by time, says what it is, and is easy to type. */
static char *make_id(const char *model) {
    char stamp[32], name[ID_MODEL_MAX + 1];
    time_t now = (time_t)clock_wall_seconds();
    struct tm local;
    localtime_r(&now, &local);
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &local);
    size_t length = 0;
    for (const char *c = model; *c && length < ID_MODEL_MAX; c++)
        name[length++] = isalnum((unsigned char)*c) || *c == '_' ? *c : '-';
    name[length] = '\0';
    return xasprintf("%s-%s", stamp, length ? name : "model");
}

/* Make a folder of a name that is free; owned by the caller. */
static thaw_status make_folder(const char *runs, const char *model, char **out) {
    char *id = make_id(model);
    thaw_status status =
        thaw_error(THAW_ERR_IO, "%s: no name is free for a run like %s; try again", runs, id);
    for (int try = 1; try <= ID_TRIES; try++) {
        char *path = try == 1 ? xasprintf("%s/%s", runs, id) : xasprintf("%s/%s-%d", runs, id, try);
        if (mkdir(path, 0777) == 0) {
            *out = path;
            status = thaw_ok();
            break;
        }
        int error = errno;
        free(path);
        if (error == EEXIST) continue;
        status = thaw_error_errno(error, "cannot make a run in %s", runs);
        break;
    }
    free(id);
    return status;
}

static thaw_status write_classes(const char *folder, const char *const *class_name, int class_count) {
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < class_count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(class_name[i]));
    char *path = path_join(folder, run_classes_name);
    thaw_status status = json_write_file(path, list);
    free(path);
    cJSON_Delete(list);
    return status;
}

static thaw_status fill(run_folder *f, const thaw_recipe *recipe, const char *const *class_name,
                        int class_count) {
    THAW_TRY(run_lock_take(f->path, &f->lock));
    THAW_TRY(write_classes(f->path, class_name, class_count));
    char *path = path_join(f->path, run_recipe_name);
    thaw_status status = thaw_recipe_write(recipe, path);
    free(path);
    THAW_TRY(status);
    return open_log(f);
}

static void remove_folder(const char *folder) {
    const char *const names[] = {run_recipe_name, run_classes_name, run_events_name, "lock"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *path = path_join(folder, names[i]);
        unlink(path);
        free(path);
    }
    rmdir(folder);
}

thaw_status run_folder_create(const char *runs, const thaw_recipe *recipe, const char *const *class_name,
                              int class_count, run_folder **out) {
    char *given = runs ? path_expand(runs) : thaw_runs_default_folder(), *home = NULL, *path = NULL;
    thaw_status status = path_make_directory(given);
    if (!thaw_failed(&status)) status = absolute(given, &home);
    if (!thaw_failed(&status)) status = make_folder(home, recipe->model, &path);
    if (!thaw_failed(&status)) {
        run_folder *f = folder_new(path);
        status = fill(f, recipe, class_name, class_count);
        if (thaw_failed(&status)) {
            remove_folder(path);
            run_folder_close(f);
        } else {
            *out = f;
        }
    }
    if (thaw_failed(&status))
        status =
            thaw_error(status.code, "%s; or keep runs in another folder with --runs DIR", status.message);
    free(given);
    free(home);
    free(path);
    return status;
}

/* ---- going on with one ---- */

/* What a kill left of files that were being written: only the holder of the lock writes. */
static void remove_temporaries(const char *folder) {
    DIR *dir = opendir(folder);
    if (!dir) return;
    for (const struct dirent *entry; (entry = readdir(dir));) {
        if (!strstr(entry->d_name, ".tmp-")) continue;
        char *path = path_join(folder, entry->d_name);
        unlink(path);
        free(path);
    }
    closedir(dir);
}

thaw_status run_folder_open(const char *folder, run_folder **out) {
    char *path = NULL, *recipe;
    THAW_TRY(absolute(folder, &path));
    recipe = path_join(path, run_recipe_name);
    run_folder *f = folder_new(path);
    thaw_status status =
        path_exists(recipe)
            ? run_lock_take(path, &f->lock)
            : thaw_error(THAW_ERR_NOT_FOUND, "%s is not a run: it has no recipe.json; `thaw runs` lists runs",
                         path);
    if (!thaw_failed(&status)) status = open_log(f);
    if (thaw_failed(&status)) {
        run_folder_close(f);
    } else {
        remove_temporaries(path);
        *out = f;
    }
    free(recipe);
    free(path);
    return status;
}

thaw_status run_folder_require_space(const run_folder *f, uint64_t bytes) {
    struct statvfs disk;
    if (statvfs(f->path, &disk) < 0) return thaw_error_errno(errno, "%s", f->path);
    uint64_t there = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (there >= bytes) return thaw_ok();
    char have[NUMBER_TEXT_MAX], need[NUMBER_TEXT_MAX];
    return thaw_error(THAW_ERR_IO,
                      "%s: %s are free and the checkpoints need %s; make room, or use --runs DIR", f->path,
                      text_bytes((double)there, have), text_bytes((double)bytes, need));
}

static thaw_status names_of(const cJSON *list, const char *path, char ***names, int *count) {
    if (!cJSON_IsArray(list))
        return thaw_error(THAW_ERR_FORMAT, "%s is not a list of class names, like [\"cat\", \"dog\"]", path);
    for (const cJSON *name = list->child; name; name = name->next)
        if (!cJSON_IsString(name))
            return thaw_error(THAW_ERR_FORMAT, "%s is not a list of class names, like [\"cat\", \"dog\"]",
                              path);
    *names = xcalloc((size_t)cJSON_GetArraySize(list), sizeof **names);
    *count = 0;
    for (const cJSON *name = list->child; name; name = name->next)
        (*names)[(*count)++] = xstrdup(name->valuestring);
    return thaw_ok();
}

thaw_status run_folder_classes(const char *folder, char ***class_name, int *class_count) {
    char *path = path_join(folder, run_classes_name);
    cJSON *list = NULL;
    thaw_status status = json_read_file(path, &list);
    if (!thaw_failed(&status)) status = names_of(list, path, class_name, class_count);
    cJSON_Delete(list);
    free(path);
    return status;
}
