/*
 * mailbox.c - see mailbox.h.
 */
#include "engine/train/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "engine/base/alloc.h"

struct mailbox {
    pthread_mutex_t lock; /* guards the list */
    pthread_cond_t arrived;
    command *first, *last;
};

static const double nanoseconds = 1e9;

command *command_new(command_kind kind) {
    command *c = xcalloc(1, sizeof *c);
    c->kind = kind;
    return c;
}

void command_free(command *c) {
    if (!c) return;
    if (c->kind == COMMAND_TRAIN) thaw_recipe_clear(&c->recipe);
    if (c->kind == COMMAND_MASK) freeze_mask_clear(&c->mask);
    free(c->run);
    free(c);
}

mailbox *mailbox_new(void) {
    mailbox *m = xcalloc(1, sizeof *m);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->arrived, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return m;
}

void mailbox_free(mailbox *m) {
    if (!m) return;
    for (command *c = m->first, *next; c; c = next) {
        next = c->next;
        command_free(c);
    }
    pthread_cond_destroy(&m->arrived);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

void mailbox_post(mailbox *m, command *c) {
    c->next = NULL;
    pthread_mutex_lock(&m->lock);
    if (m->last)
        m->last->next = c;
    else
        m->first = c;
    m->last = c;
    pthread_cond_signal(&m->arrived);
    pthread_mutex_unlock(&m->lock);
}

/* With the lock held. */
static command *unlink_first(mailbox *m) {
    command *first = m->first;
    if (!first) return NULL;
    m->first = first->next;
    if (!m->first) m->last = NULL;
    first->next = NULL;
    return first;
}

command *mailbox_take(mailbox *m) {
    pthread_mutex_lock(&m->lock);
    command *first = unlink_first(m);
    pthread_mutex_unlock(&m->lock);
    return first;
}

static struct timespec deadline_after(double seconds) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    double whole = (double)(int64_t)seconds;
    at.tv_sec += (time_t)whole;
    at.tv_nsec += (long)((seconds - whole) * nanoseconds);
    if (at.tv_nsec >= (long)nanoseconds) {
        at.tv_sec++;
        at.tv_nsec -= (long)nanoseconds;
    }
    return at;
}

command *mailbox_wait(mailbox *m, double seconds) {
    struct timespec deadline = deadline_after(seconds < 0 ? 0 : seconds);
    int error = 0;
    pthread_mutex_lock(&m->lock);
    while (!m->first && error != ETIMEDOUT)
        error = seconds < 0 ? pthread_cond_wait(&m->arrived, &m->lock)
                            : pthread_cond_timedwait(&m->arrived, &m->lock, &deadline);
    command *first = unlink_first(m);
    pthread_mutex_unlock(&m->lock);
    return first;
}

bool mailbox_stop_waits(mailbox *m) {
    bool found = false;
    pthread_mutex_lock(&m->lock);
    for (const command *c = m->first; c && !found; c = c->next)
        found = c->kind == COMMAND_STOP || c->kind == COMMAND_QUIT;
    pthread_mutex_unlock(&m->lock);
    return found;
}
