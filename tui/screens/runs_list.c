/*
 * runs_list.c - see runs_list.h. Whether a process lives is one look at a lock, and whether there is another
 * run one at the folder's time, so both can be done every second; reading the logs of all runs cannot.
 */
#include "tui/screens/runs_list.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/alloc.h"

typedef struct runs_reading {
    runs_list *list; /* NULL: it has gone */
    char *folder;    /* NULL: the default */
    thaw_run_info *run;
    size_t count;
    bool brief;
    thaw_status status;
} runs_reading;

static void work(job *j, void *data) {
    runs_reading *r = data;
    (void)j;
    bool whole = true;
    if (r->brief)
        r->status = thaw_runs_list_briefly(r->folder, &r->run, &r->count, &whole);
    else
        r->status = thaw_runs_list(r->folder, &r->run, &r->count);
    r->brief = !whole;
}

static void take(runs_list *l, runs_reading *r, app *a) {
    l->leaving(a, l->user);
    thaw_runs_free(l->run, l->count);
    l->run = r->run;
    l->count = r->count;
    l->brief = r->brief;
    r->run = NULL;
    r->count = 0;
}

static void done(app *a, void *data) {
    runs_reading *r = data;
    runs_list *l = r->list;
    if (l) {
        l->reading = NULL;
        l->known = true;
        free(l->problem);
        l->problem = thaw_failed(&r->status) ? xstrdup(r->status.message) : NULL;
        if (!l->problem) take(l, r, a);
        l->changed(a, l->user);
    }
    thaw_runs_free(r->run, r->count);
    free(r->folder);
    free(r);
}

static void start(runs_list *l, app *a, const char *name, bool brief) {
    if (l->reading) return;
    runs_reading *r = xcalloc(1, sizeof *r);
    r->list = l;
    r->brief = brief;
    r->status = thaw_error(THAW_ERR_CANCELLED, "the list of runs was not read"); /* until it is */
    r->folder = xstrdup(app_runs_folder(a));
    l->reading = r;
    app_job(a, name, work, done, r);
}

void runs_list_read(runs_list *l, app *a) {
    start(l, a, "runs", !l->known);
}

void runs_list_complete(runs_list *l, app *a) {
    if (l->brief) start(l, a, NULL, false);
}

void runs_list_clear(runs_list *l) {
    if (l->reading) l->reading->list = NULL;
    thaw_runs_free(l->run, l->count);
    free(l->problem);
    *l = (runs_list){0};
}

bool runs_list_is_on(const thaw_run_info *run) {
    return run->reason && !strcmp(run->reason, "running");
}

static double changed_at(const app *a) {
    static const double billion = 1e9;
    char *folder = app_runs_folder(a) ? xstrdup(app_runs_folder(a)) : thaw_runs_default_folder();
    struct stat info;
    bool there = stat(folder, &info) == 0;
    free(folder);
    return there ? (double)info.st_mtim.tv_sec + (double)info.st_mtim.tv_nsec / billion : 0;
}

void runs_list_look(runs_list *l, app *a) {
    double changed = changed_at(a);
    bool old = changed != l->folder_changed;
    l->folder_changed = changed;
    for (size_t i = 0; i < l->count && !old; i++)
        old = runs_list_is_on(&l->run[i]) && !thaw_run_alive(l->run[i].folder);
    if (old) runs_list_read(l, a);
}
