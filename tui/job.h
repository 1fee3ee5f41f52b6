/*
 * job.h - work that may take longer than a frame, off the UI thread.
 *
 * WORK runs in a thread of its own and touches nothing but DATA; DONE runs later on the UI thread and frees
 * DATA. Each runs exactly once, also when the job was cancelled: WORK looks whether it was. At most a handful
 * run at a time.
 */
#ifndef TUI_JOB_H
#define TUI_JOB_H

#include <stdbool.h>

#include "thaw/status.h"
#include "tui/action.h"

typedef struct job job;

/* Start one. NAME is shown in the footer; NULL: nobody waits for it. The job is the app's until DONE has been
 * called; the pointer is good for job_cancel until then.
 */
job *app_job(app *a, const char *name, void (*work)(job *j, void *data), void (*done)(app *a, void *data),
             void *data);
void job_cancel(job *j);                /* ask; DONE still comes. NULL is fine */
bool job_cancelled(const job *j);       /* for WORK to poll */
bool job_keep_going(void *j);           /* the same as the callback of thaw_dataset_params: user is the job */
void job_wake(job *j);                  /* something to be seen has changed; from WORK */
void job_progress(job *j, double part); /* 0..1, shown in the footer; from WORK */

#endif
