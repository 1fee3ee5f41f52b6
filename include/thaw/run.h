/*
 * run.h - runs on disk: listing them, and reading their events.
 */
#ifndef THAW_RUN_H
#define THAW_RUN_H

#include "thaw/event.h"
#include "thaw/recipe.h"

typedef struct thaw_run_info {
    char *id, *folder;
    double started;               /* Unix time */
    char *model, *weights, *data; /* from the recipe */
    char *mask_label;             /* of the last mask */
    int epochs, epochs_done;
    double best_val_top1; /* NaN: none */
    int best_epoch;
    double last_train_loss, last_val_loss;
    double phase[THAW_PHASE_COUNT]; /* seconds it took over all its sittings, by what they were for */
    char *reason; /* of the end; "running" while a process has it, "died" when none has and no end was written
                   */
    char *problem; /* why the folder could not be read in full, or NULL */
} thaw_run_info;
void thaw_run_info_clear(thaw_run_info *info);

char *thaw_runs_default_folder(void); /* $XDG_DATA_HOME/thaw/runs; owned by the caller */

/* All runs under FOLDER (NULL: the default), newest first. A broken one is listed with its problem. Caller
 * frees. */
thaw_status thaw_runs_list(const char *folder, thaw_run_info **out, size_t *count);
/* The same within milliseconds, however long the logs are: of those above 16 MB only beginning and end are
 * read. Where there was one, WHOLE is false: its `phase` is 0, a later mask may be missing, and so is the
 * best epoch of a run that has no end. */
thaw_status thaw_runs_list_briefly(const char *folder, thaw_run_info **out, size_t *count, bool *whole);
void thaw_runs_free(thaw_run_info *runs, size_t count);
/* A run by id, unique prefix of an id, or folder; "last" is the newest. */
thaw_status thaw_run_find(const char *folder, const char *name, thaw_run_info *out);

/* Does a process train this run? The kernel knows at once when it has died. */
bool thaw_run_alive(const char *folder);
/* The folder of a run that a process trains, for control.h; owned by the caller. NAME as above, NULL or
 * "last": the newest that is on. Fails when there is none, or that one is not. */
thaw_status thaw_run_find_alive(const char *folder, const char *name, char **out);

/* Reads events.jsonl from the beginning, and again as it grows. */
typedef struct thaw_run_reader thaw_run_reader;
thaw_status thaw_run_reader_open(const char *run_folder, thaw_run_reader **out);
void thaw_run_reader_close(thaw_run_reader *r);
/* The next complete event; false at the present end (call again later). Broken lines are counted and skipped;
   kinds that a later version wrote are skipped. A "begin" with resumed set takes back the events before it
   that have more steps than it (docs/events.md): the caller keeps the curves, so the caller does that. */
bool thaw_run_reader_next(thaw_run_reader *r, thaw_event *out);
/* Many steps at once, which a long log is read by: the events that come next as long as they are steps, as
   many as are at hand, lent until the next call. 0: ask for the next event, which may be one too. */
size_t thaw_run_reader_steps(thaw_run_reader *r, const thaw_step_row **out);
size_t thaw_run_reader_broken(const thaw_run_reader *r);
/* A first look at a long log, in milliseconds: TAKE gets events (lent) of its beginning, its end and a few
   hundred places between, in their order. False, with nothing taken, for one that is read as soon. Does not
   move the reader. */
bool thaw_run_reader_sample(const thaw_run_reader *r, void (*take)(void *user, const thaw_event *e),
                            void *user);

/* The recipe of a run. OUT is uninitialised before, and cleared by the caller after success only. */
thaw_status thaw_run_recipe(const char *run_folder, thaw_recipe *out);

/* The recipe of a file, or of a run in the folder RUNS (NULL: the default) by any name that thaw_run_find
 * takes. OUT as above. */
thaw_status thaw_recipe_named(const char *runs, const char *name, thaw_recipe *out);

/* Delete a run: the files thaw wrote, then the folder when nothing else is left in it. Refused while a
 * process has the run, and when the folder is no run's. */
thaw_status thaw_run_delete(const char *run_folder);

#endif
