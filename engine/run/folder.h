/*
 * folder.h - the run folder, as the process that trains sees it.
 *
 *     <runs>/20261124-231501-resnet18/
 *         recipe.json      complete, defaults written out; never changes
 *         classes.json     class names in label order
 *         events.jsonl     one event a line, appended
 *         lock             held while a process has the run; says which process (lock.h)
 *         last.safetensors, state.safetensors, state.json, best.safetensors    see checkpoint.h
 *
 * A run is "running" exactly as long as somebody holds the lock, and the kernel lets go of it however the
 * process ends; so nothing has to be cleaned up after kill -9. An append is one write(2) to an O_APPEND
 * descriptor. A line that did not fit on the disk is taken back and counted: losing log lines never stops a
 * run.
 *
 * One thread (the engine's) uses a run_folder. Reading runs is thaw/run.h's business and needs none of this.
 */
#ifndef ENGINE_RUN_FOLDER_H
#define ENGINE_RUN_FOLDER_H

#include <stdint.h>

#include "thaw/event.h"
#include "thaw/recipe.h"

typedef struct run_folder run_folder;

/*
 * Make a new run under RUNS (NULL: the default folder; made when absent) and hold it. RECIPE is written as it
 * is: resolve it first (resolve.h). Read-only and full folders fail here, before anything is trained, and
 * leave nothing behind.
 */
thaw_status run_folder_create(const char *runs, const thaw_recipe *recipe, const char *const *class_name,
                              int class_count, run_folder **out);
/*
 * Hold an existing run to go on with it: fails naming the process when another one has it. A line that was
 * cut in half by a crash is removed from the end of the log.
 */
thaw_status run_folder_open(const char *folder, run_folder **out);
void run_folder_close(run_folder *f); /* lets go of the lock; NULL is fine */

const char *run_folder_id(const run_folder *f);
const char *run_folder_path(const run_folder *f); /* absolute */

/*
 * Append an event. Fails with the reason the first time a line cannot be written, and again only after lines
 * could be written in between: report it as a log event, and go on.
 */
thaw_status run_folder_log(run_folder *f, const thaw_event *e);
uint64_t run_folder_lost(const run_folder *f); /* lines that could not be written */

/* Fails, saying how much there is, unless BYTES more fit on the run's disk. */
thaw_status run_folder_require_space(const run_folder *f, uint64_t bytes);

/* The class names of a run folder, in label order: names owned by the caller (thaw_names_free). */
thaw_status run_folder_classes(const char *folder, char ***class_name, int *class_count);

/* Is FOLDER a run's, whole or not: has it one of the files? */
bool run_folder_is_one(const char *folder);

extern const char run_recipe_name[], run_classes_name[], run_events_name[], run_state_name[];

#endif
