/*
 * capture.c - see capture.h. The reader ends by itself when both descriptors are put back: they, and nothing
 * else, hold the pipe's write end. (A forked child would hold it too; capture_stop therefore also asks
 * through a flag.)
 */
#include "engine/train/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/thread.h"

enum { LINE_MAX_BYTES = 1024, POLL_MILLISECONDS = 50, LOG_MODE = 0644 };

struct capture {
    void (*line)(void *user, const char *text);
    void *user;
    int saved[2]; /* duplicates of the real 1 and 2 */
    int read_end;
    pthread_t reader;
    atomic_bool stopping;
    pthread_mutex_t lock;      /* guards copy */
    int copy;                  /* -1: none */
    char text[LINE_MAX_BYTES]; /* the reader's: a line so far */
    size_t length;
};

static void flush_line(capture *c) {
    if (!c->length) return;
    c->text[c->length] = '\0';
    c->line(c->user, c->text);
    c->length = 0;
}

static void take_bytes(capture *c, const char *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] == '\n' || bytes[i] == '\r') {
            flush_line(c);
            continue;
        }
        if (c->length == LINE_MAX_BYTES - 1) flush_line(c);
        c->text[c->length++] = bytes[i];
    }
}

static void copy_bytes(capture *c, const char *bytes, size_t count) {
    pthread_mutex_lock(&c->lock);
    if (c->copy >= 0) {
        ssize_t written = write(c->copy, bytes, count); /* a full disk loses this and nothing else */
        (void)written;
    }
    pthread_mutex_unlock(&c->lock);
}

static void *read_output(void *user) {
    capture *c = user;
    char bytes[LINE_MAX_BYTES];
    for (;;) {
        struct pollfd poller = {.fd = c->read_end, .events = POLLIN};
        int ready = poll(&poller, 1, POLL_MILLISECONDS);
        if (ready == 0 && atomic_load(&c->stopping)) break;
        if (ready <= 0) continue;
        ssize_t got = read(c->read_end, bytes, sizeof bytes);
        if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) break;
        if (got < 0) continue;
        copy_bytes(c, bytes, (size_t)got);
        take_bytes(c, bytes, (size_t)got);
    }
    flush_line(c);
    return NULL;
}

static void put_back(capture *c) {
    fflush(stdout);
    fflush(stderr);
    for (int i = 0; i < 2; i++) {
        if (c->saved[i] >= 0) dup2(c->saved[i], STDOUT_FILENO + i);
        close(c->saved[i] >= 0 ? c->saved[i] : STDOUT_FILENO + i); /* it was closed before: so it is again */
    }
}

static void capture_free(capture *c) {
    if (c->read_end >= 0) close(c->read_end);
    if (c->copy >= 0) close(c->copy);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

thaw_status capture_start(void (*line)(void *user, const char *text), void *user, capture **out) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return thaw_error_errno(errno, "cannot make the pipe that captures output");
    capture *c = xcalloc(1, sizeof *c);
    c->line = line;
    c->user = user;
    c->read_end = ends[0];
    c->copy = -1;
    pthread_mutex_init(&c->lock, NULL);
    fflush(stdout);
    fflush(stderr);
    for (int i = 0; i < 2; i++)
        c->saved[i] = fcntl(STDOUT_FILENO + i, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    thaw_status status = thread_start(&c->reader, "thaw-output", read_output, c);
    if (thaw_failed(&status)) {
        for (int i = 0; i < 2; i++)
            if (c->saved[i] >= 0) close(c->saved[i]);
        close(ends[1]);
        capture_free(c);
        return status;
    }
    for (int i = 0; i < 2; i++)
        dup2(ends[1], STDOUT_FILENO + i);
    close(ends[1]);
    *out = c;
    return thaw_ok();
}

void capture_stop(capture *c) {
    if (!c) return;
    put_back(c);
    atomic_store(&c->stopping, true);
    pthread_join(c->reader, NULL);
    capture_free(c);
}

void capture_copy_to(capture *c, const char *path) {
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, LOG_MODE) : -1;
    pthread_mutex_lock(&c->lock);
    int old = c->copy;
    c->copy = fd;
    pthread_mutex_unlock(&c->lock);
    if (old >= 0) close(old);
}
