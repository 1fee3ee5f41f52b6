/*
 * row_writer.c - see row_writer.h. The queue is a ring of rows.
 */
#include "engine/cache/row_writer.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/thread.h"

typedef struct waiting {
    size_t entry;
    row_id id;
} waiting;

struct row_writer {
    row_writer_params params;
    size_t row_bytes, room; /* rows that the ring holds */
    waiting *item;
    char *bytes;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    size_t first, count; /* waiting */
    int64_t taken;       /* bytes of rows, ever */
    bool closing;
    thaw_status trouble;
};

/* Write the row at the ring's head, which stays in its place meanwhile. */
static void write_first(row_writer *w, size_t at) {
    int64_t row;
    thaw_status status = row_file_add(w->params.file, &w->item[at].id, w->bytes + at * w->row_bytes, 1, &row);
    if (row >= 0) w->params.written(w->params.user, w->item[at].entry, row);
    pthread_mutex_lock(&w->mutex);
    w->first = (w->first + 1) % w->room;
    w->count--;
    if (thaw_failed(&status)) {
        w->trouble = status;
        w->count = 0;
    }
    pthread_mutex_unlock(&w->mutex);
}

static void *work(void *argument) {
    row_writer *w = argument;
    pthread_mutex_lock(&w->mutex);
    while (w->count || !w->closing) {
        if (!w->count) {
            pthread_cond_wait(&w->changed, &w->mutex);
            continue;
        }
        size_t at = w->first;
        pthread_mutex_unlock(&w->mutex);
        write_first(w, at);
        pthread_mutex_lock(&w->mutex);
    }
    pthread_mutex_unlock(&w->mutex);
    return NULL;
}

thaw_status row_writer_new(const row_writer_params *params, row_writer **out) {
    row_writer *w = xcalloc(1, sizeof *w);
    *out = NULL;
    w->params = *params;
    w->row_bytes = row_file_row_bytes(params->file);
    w->room = params->queue_bytes / w->row_bytes;
    if (w->room == 0) w->room = 1;
    w->item = xcalloc(w->room, sizeof *w->item);
    w->bytes = xreallocarray(NULL, w->room, w->row_bytes);
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->changed, NULL);
    thaw_status status = thread_start(&w->thread, "thaw-keep", work, w);
    if (thaw_failed(&status)) {
        free(w->bytes);
        free(w->item);
        free(w);
        return status;
    }
    *out = w;
    return status;
}

void row_writer_free(row_writer *w) {
    if (!w) return;
    pthread_mutex_lock(&w->mutex);
    w->closing = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->mutex);
    pthread_join(w->thread, NULL);
    pthread_mutex_destroy(&w->mutex);
    pthread_cond_destroy(&w->changed);
    free(w->bytes);
    free(w->item);
    free(w);
}

static bool refuses(const row_writer *w) {
    return thaw_failed(&w->trouble) || w->taken + (int64_t)w->row_bytes > w->params.most_bytes;
}

bool row_writer_add(row_writer *w, size_t entry, row_id id, const void *bytes) {
    pthread_mutex_lock(&w->mutex);
    bool taken = !refuses(w) && w->count < w->room;
    size_t at = (w->first + w->count) % w->room;
    pthread_mutex_unlock(&w->mutex);
    if (!taken) return false;
    /* Nobody else touches a free place of the ring. */
    w->item[at] = (waiting){entry, id};
    memcpy(w->bytes + at * w->row_bytes, bytes, w->row_bytes);
    pthread_mutex_lock(&w->mutex);
    taken = !thaw_failed(&w->trouble);
    if (taken) {
        w->count++;
        w->taken += (int64_t)w->row_bytes;
        pthread_cond_signal(&w->changed);
    }
    pthread_mutex_unlock(&w->mutex);
    return taken;
}

bool row_writer_done(row_writer *w) {
    pthread_mutex_lock(&w->mutex);
    bool done = refuses(w);
    pthread_mutex_unlock(&w->mutex);
    return done;
}

bool row_writer_trouble(row_writer *w, thaw_status *out) {
    pthread_mutex_lock(&w->mutex);
    *out = w->trouble;
    pthread_mutex_unlock(&w->mutex);
    return thaw_failed(out);
}
