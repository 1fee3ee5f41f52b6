/*
 * check.c - opening every file of a dataset once, in parallel.
 *
 * Sixty thousand files take seconds of system calls in one thread, and far longer over a network. Threads
 * take runs of files from a shared counter; each writes only to the candidates it took, so nothing is locked.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/thread.h"
#include "engine/data/candidate.h"
#include "engine/data/image.h"

enum { SNIFF_BYTES = 16, SNIFF_RUN = 64, VERIFY_RUN = 4, THREADS_MAX = 16 };

typedef struct check_job {
    const char *root;
    candidate_list *list;
    bool verify;
    bool (*keep_going)(void *user); /* asked in the thread that asked for the check; NULL: to the end */
    void *user;
    atomic_size_t next;
    atomic_bool cancelled;
} check_job;

static char *sniff(candidate *c, int fd) {
    uint8_t head[SNIFF_BYTES];
    struct stat info;
    ssize_t count = read(fd, head, sizeof head);
    if (count < 0 || fstat(fd, &info) < 0) return xstrdup(strerrordesc_np(errno));
    if (count == 0) return xstrdup("an empty file");
    c->bytes = info.st_size;
    c->modified = sample_modified(&info);
    image_format format = image_sniff(head, (size_t)count);
    if (image_format_read(format)) return NULL;
    thaw_status why = image_refuse(format);
    return xstrdup(why.message);
}

void candidate_sniff(candidate *c, const char *path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang us */
    c->reason = fd < 0 ? xstrdup(strerrordesc_np(errno)) : sniff(c, fd);
    if (fd >= 0) close(fd);
}

static bool not_cancelled(void *user) {
    return !atomic_load(&((check_job *)user)->cancelled);
}

/* Ask whoever wants the check, and tell the others. */
static bool ask(void *user) {
    check_job *job = user;
    if (job->keep_going && !job->keep_going(job->user)) atomic_store(&job->cancelled, true);
    return not_cancelled(job);
}

static char *verify(const char *path, const image_asker *asker) {
    image im;
    thaw_status status = image_read_asking(path, 0, asker, &im);
    image_clear(&im);
    return thaw_failed(&status) ? xstrdup(status.message) : NULL;
}

/* Take one run of files; false when none is left. GO_ON is asked while a picture decodes. */
static bool check_run(check_job *job, bool (*go_on)(void *user)) {
    image_asker asker = {go_on, job};
    size_t length = job->verify ? VERIFY_RUN : SNIFF_RUN;
    size_t at = atomic_fetch_add(&job->next, length), end = at + length;
    if (at >= job->list->count || atomic_load(&job->cancelled)) return false;
    for (size_t i = at; i < end && i < job->list->count; i++) {
        candidate *c = &job->list->item[i];
        if (c->reason) continue;
        char *path = path_join(job->root, c->path);
        candidate_sniff(c, path);
        if (!c->reason && job->verify) c->reason = verify(path, &asker);
        free(path);
    }
    return true;
}

static void *check_thread(void *argument) {
    while (check_run(argument, not_cancelled))
        ;
    return NULL;
}

thaw_status candidates_check(const char *root, candidate_list *list, bool verify_all,
                             bool (*keep_going)(void *user), void *user) {
    check_job job = {
        .root = root, .list = list, .verify = verify_all, .keep_going = keep_going, .user = user};
    pthread_t thread[THREADS_MAX];
    int wanted = cpu_count() - 1, started = 0; /* this thread works as well */
    if (list->count <= SNIFF_RUN && !verify_all) wanted = 0;
    if (wanted > THREADS_MAX) wanted = THREADS_MAX;
    for (; started < wanted; started++) {
        thaw_status status = thread_start(&thread[started], "thaw-scan", check_thread, &job);
        if (thaw_failed(&status)) break; /* slower, but it works with fewer */
    }
    do
        (void)ask(&job);
    while (check_run(&job, ask));
    for (int i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
    if (atomic_load(&job.cancelled))
        return thaw_error(THAW_ERR_CANCELLED, "the scan of %s was cancelled", root);
    return thaw_ok();
}
