/*
 * list.c - what runs there are and how they went, for tables: from recipe.json, the lock, and what the events
 * come to (summary.h).
 */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/str.h"
#include "engine/run/folder.h"
#include "engine/run/lock.h"
#include "engine/run/summary.h"
#include "thaw/run.h"

char *thaw_runs_default_folder(void) {
    return path_xdg("XDG_DATA_HOME", ".local/share", "thaw/runs");
}

void thaw_run_info_clear(thaw_run_info *info) {
    char **const owned[] = {&info->id,   &info->folder,     &info->model,  &info->weights,
                            &info->data, &info->mask_label, &info->reason, &info->problem};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
        free(*owned[i]);
    *info = (thaw_run_info){0};
}

void thaw_runs_free(thaw_run_info *runs, size_t count) {
    for (size_t i = 0; i < count; i++)
        thaw_run_info_clear(&runs[i]);
    free(runs);
}

/* ---- one run ---- */

static void note_problem(thaw_run_info *info, const thaw_status *status) {
    if (thaw_failed(status) && !info->problem) info->problem = xstrdup(status->message);
}

static double modified(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 ? (double)info.st_mtime : (double)NAN;
}

static void read_recipe(const char *folder, thaw_run_info *info) {
    thaw_recipe recipe;
    thaw_status status = thaw_run_recipe(folder, &recipe);
    note_problem(info, &status);
    if (thaw_failed(&status)) return;
    info->model = xstrdup(recipe.model);
    info->weights = xstrdup(recipe.weights);
    info->data = xstrdup(recipe.data.path);
    info->epochs = recipe.epochs;
    thaw_recipe_clear(&recipe);
}

/* Of a long log only the ends, when BRIEF; whether all of it was read. */
static bool read_run(const char *folder, bool brief, thaw_run_info *info) {
    run_owner owner;
    bool whole = true;
    *info = (thaw_run_info){0};
    info->id = xstrdup(path_base(folder));
    info->folder = xstrdup(folder);
    read_recipe(folder, info);
    thaw_status status = run_summary_read(folder, brief, info, &whole);
    note_problem(info, &status);
    run_lock_owner(folder, &owner);
    char *recipe = path_join(folder, run_recipe_name);
    info->started = isnan(owner.started) ? modified(recipe) : owner.started;
    if (isnan(info->started)) info->started = modified(folder);
    free(recipe);
    if (!info->reason) info->reason = xstrdup(run_lock_held(folder) ? "running" : "died");
    return whole;
}

/* A folder of ours, whole or not: it has at least one of our files. */
bool run_folder_is_one(const char *folder) {
    const char *const names[] = {run_recipe_name, run_events_name, run_classes_name, run_state_name};
    bool found = false;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !found; i++) {
        char *path = path_join(folder, names[i]);
        found = path_exists(path);
        free(path);
    }
    return found;
}

/* ---- all of them ---- */

static int newest_first(const void *a, const void *b) {
    const thaw_run_info *x = a, *y = b;
    if (x->started != y->started) return x->started < y->started ? 1 : -1;
    return -strcmp(x->id, y->id);
}

static char *runs_folder(const char *given) {
    char *folder = given ? path_expand(given) : thaw_runs_default_folder();
    char *whole = realpath(folder, NULL);
    if (!whole) return folder;
    free(folder);
    return whole;
}

/* Every run's folder under RUNS, unsorted. A folder of runs that is not there yet has none. */
static thaw_status each_run(const char *runs, void (*take)(void *user, const char *folder), void *user) {
    DIR *dir = opendir(runs);
    if (!dir) return errno == ENOENT ? thaw_ok() : thaw_error_errno(errno, "%s", runs);
    for (const struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.') continue;
        char *folder = path_join(runs, entry->d_name);
        if (path_is_directory(folder) && run_folder_is_one(folder)) take(user, folder);
        free(folder);
    }
    closedir(dir);
    return thaw_ok();
}

typedef struct listing {
    thaw_run_info *run;
    size_t count, capacity;
    bool brief, whole;
} listing;

static void add_run(void *user, const char *folder) {
    listing *l = user;
    l->run = vec_reserve(l->run, &l->capacity, l->count + 1, sizeof *l->run);
    l->whole &= read_run(folder, l->brief, &l->run[l->count++]);
}

static thaw_status list_runs(const char *folder, listing *out) {
    char *runs = runs_folder(folder);
    listing l = *out;
    thaw_status status = each_run(runs, add_run, &l);
    if (l.count) qsort(l.run, l.count, sizeof *l.run, newest_first);
    *out = l;
    free(runs);
    return status;
}

thaw_status thaw_runs_list(const char *folder, thaw_run_info **out, size_t *count) {
    listing l = {0};
    thaw_status status = list_runs(folder, &l);
    *out = l.run;
    *count = l.count;
    return status;
}

thaw_status thaw_runs_list_briefly(const char *folder, thaw_run_info **out, size_t *count, bool *whole) {
    listing l = {.brief = true, .whole = true};
    thaw_status status = list_runs(folder, &l);
    *out = l.run;
    *count = l.count;
    *whole = l.whole;
    return status;
}

/* ---- one of them by name ---- */

typedef struct search {
    const char *name; /* NULL: the newest */
    bool alive;       /* of those that a process has */
    char *found;
    double started;
    int matches;
    char **id; /* of all, for a suggestion */
    size_t count, capacity;
} search;

static void look_at(void *user, const char *folder) {
    search *s = user;
    const char *id = path_base(folder);
    s->id = vec_reserve(s->id, &s->capacity, s->count + 1, sizeof *s->id);
    s->id[s->count++] = xstrdup(id);
    if (s->name) {
        if (strncmp(id, s->name, strlen(s->name)) != 0) return;
        s->matches++;
    } else {
        run_owner owner;
        if (s->alive && !run_lock_held(folder)) return;
        run_lock_owner(folder, &owner);
        double started = isnan(owner.started) ? modified(folder) : owner.started;
        bool newer = !s->found || started > s->started ||
                     (started == s->started && strcmp(id, path_base(s->found)) > 0);
        if (!newer) return;
        s->started = started;
        s->matches = 1;
    }
    free(s->found);
    s->found = xstrdup(folder);
}

static thaw_status not_found(const char *runs, const char *name, const search *s) {
    if (!s->count)
        return thaw_error(THAW_ERR_NOT_FOUND, "there are no runs in %s; `thaw train RECIPE.json` makes one",
                          runs);
    const char *nearest = text_nearest(name, (const char *const *)s->id, s->count);
    return thaw_error(THAW_ERR_NOT_FOUND, "there is no run \"%s\" in %s%s%s%s; `thaw runs` lists them", name,
                      runs, nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

static thaw_status find_in(const char *runs, const char *name, search *s) {
    THAW_TRY(each_run(runs, look_at, s));
    if (s->matches > 1)
        return thaw_error(THAW_ERR_USAGE, "%d runs in %s begin with \"%s\"; give more of the name",
                          s->matches, runs, name);
    return s->matches ? thaw_ok() : not_found(runs, name, s);
}

/* NAME as a folder: as it stands, when it looks like a path or holds a run; or the run of exactly that id. */
static char *exact_folder(const char *runs, const char *name) {
    char *expanded = path_expand(name), *inside = path_join(runs, name), *found = NULL;
    if (!strchr(name, '/') && name[0] != '.' && run_folder_is_one(inside))
        found = realpath(inside, NULL);
    else if (path_is_directory(expanded) && run_folder_is_one(expanded))
        found = realpath(expanded, NULL);
    free(expanded);
    free(inside);
    return found;
}

thaw_status thaw_run_find(const char *folder, const char *name, thaw_run_info *out) {
    *out = (thaw_run_info){0};
    if (!name || !name[0])
        return thaw_error(THAW_ERR_USAGE, "no run is named: give an id, a folder, or last");
    char *runs = runs_folder(folder), *found = exact_folder(runs, name);
    search s = {.name = strcmp(name, "last") == 0 ? NULL : name};
    thaw_status status = thaw_ok();
    if (!found && strchr(name, '/'))
        status =
            thaw_error(THAW_ERR_NOT_FOUND, "%s is not the folder of a run; `thaw runs` lists them", name);
    else if (!found)
        status = find_in(runs, name, &s);
    if (!thaw_failed(&status)) read_run(found ? found : s.found, false, out);
    thaw_names_free(s.id, s.count);
    free(s.found);
    free(found);
    free(runs);
    return status;
}

/* ---- those that are on ---- */

bool thaw_run_alive(const char *folder) {
    return run_lock_held(folder);
}

static thaw_status newest_alive(const char *folder, char **out) {
    char *runs = runs_folder(folder);
    search s = {.alive = true};
    thaw_status status = each_run(runs, look_at, &s);
    if (!thaw_failed(&status) && !s.found)
        status = thaw_error(THAW_ERR_NOT_FOUND, "no run is on in %s%s", runs,
                            s.count ? "; `thaw runs` lists those that were"
                                    : ", and none was there before; `thaw train RECIPE.json` begins one");
    if (thaw_failed(&status))
        free(s.found);
    else
        *out = s.found;
    thaw_names_free(s.id, s.count);
    free(runs);
    return status;
}

thaw_status thaw_run_find_alive(const char *folder, const char *name, char **out) {
    thaw_run_info info;
    if (!name || !strcmp(name, "last")) return newest_alive(folder, out);
    THAW_TRY(thaw_run_find(folder, name, &info));
    thaw_status status = thaw_ok();
    if (run_lock_held(info.folder))
        *out = xstrdup(info.folder);
    else
        status =
            thaw_error(THAW_ERR_USAGE, "no process is training %s (%s); `thaw resume %s` goes on with it",
                       info.id, info.reason ? info.reason : "died", info.id);
    thaw_run_info_clear(&info);
    return status;
}
