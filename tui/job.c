/*
 * job.c - see job.h. A job's thread does its work, marks itself done and writes a byte into a pipe; the UI
 * thread polls the pipe, joins the thread and calls DONE. More jobs than may run wait in the list.
 */
#include "tui/job.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/thread.h"
#include "tui/app_state.h"

enum { JOBS_AT_ONCE = 3 };

struct job {
    char *name;
    void (*work)(job *j, void *data);
    void (*done)(app *a, void *data);
    void *data;
    pthread_t thread;
    bool started; /* the UI thread's */
    atomic_bool cancelled, finished;
    _Atomic double part;
    int wake;
    job *next;
};

struct app_jobs {
    job *first; /* in the order they came */
    int pipe[2];
};

app_jobs *app_jobs_new(void) {
    app_jobs *jobs = xcalloc(1, sizeof *jobs);
    if (pipe2(jobs->pipe, O_CLOEXEC | O_NONBLOCK)) jobs->pipe[0] = jobs->pipe[1] = -1;
    return jobs;
}

int app_jobs_fd(const app *a) {
    return a->jobs->pipe[0];
}

static void *job_main(void *user) {
    job *j = user;
    j->work(j, j->data);
    atomic_store(&j->finished, true);
    (void)!write(j->wake, "j", 1);
    return NULL;
}

static void start_waiting(app_jobs *jobs) {
    int running = 0;
    for (job *j = jobs->first; j; j = j->next)
        running += j->started && !atomic_load(&j->finished);
    for (job *j = jobs->first; j && running < JOBS_AT_ONCE; j = j->next) {
        if (j->started) continue;
        thaw_status status = thread_start(&j->thread, j->name ? j->name : "thaw-job", job_main, j);
        if (thaw_failed(&status)) return; /* tried again when another one ends */
        j->started = true;
        running++;
    }
}

job *app_job(app *a, const char *name, void (*work)(job *j, void *data), void (*done)(app *a, void *data),
             void *data) {
    job *j = xcalloc(1, sizeof *j);
    *j = (job){.name = xstrdup(name), .work = work, .done = done, .data = data, .wake = a->jobs->pipe[1]};
    job **end = &a->jobs->first;
    while (*end)
        end = &(*end)->next;
    *end = j;
    start_waiting(a->jobs);
    a->dirty = true;
    return j;
}

void job_cancel(job *j) {
    if (j) atomic_store(&j->cancelled, true);
}

bool job_cancelled(const job *j) {
    return atomic_load(&((job *)j)->cancelled);
}

bool job_keep_going(void *j) {
    return !job_cancelled(j);
}

void job_wake(job *j) {
    (void)!write(j->wake, "p", 1);
}

void job_progress(job *j, double part) {
    double before = atomic_exchange(&j->part, part);
    if ((int)(before * 100) != (int)(part * 100)) job_wake(j);
}

static void finish(app *a, job *j) {
    if (j->started)
        pthread_join(j->thread, NULL);
    else
        j->work(j, j->data); /* cancelled before its turn came: it sees so at once */
    j->done(a, j->data);
    free(j->name);
    free(j);
}

void app_jobs_finish(app *a) {
    char drop[64];
    while (read(a->jobs->pipe[0], drop, sizeof drop) > 0)
        a->dirty = true;
    for (job **at = &a->jobs->first; *at;) {
        job *j = *at;
        bool never = !j->started && job_cancelled(j);
        if (!never && !(j->started && atomic_load(&j->finished))) {
            at = &j->next;
            continue;
        }
        *at = j->next;
        finish(a, j); /* may start another, at the end of the list */
        a->dirty = true;
        at = &a->jobs->first;
    }
    start_waiting(a->jobs);
}

void app_jobs_free(app *a) {
    for (job *j = a->jobs->first; j; j = j->next)
        job_cancel(j);
    while (a->jobs->first) {
        job *j = a->jobs->first;
        a->jobs->first = j->next;
        finish(a, j);
    }
    close(a->jobs->pipe[0]);
    close(a->jobs->pipe[1]);
    free(a->jobs);
    a->jobs = NULL;
}

const char *app_jobs_running(const app *a, double *part) {
    for (job *j = a->jobs->first; j; j = j->next) {
        if (!j->name || atomic_load(&j->finished)) continue;
        *part = atomic_load(&j->part);
        return j->name;
    }
    return NULL;
}
