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

static command *mask_command(const thaw_order *order) {
    command *c = command_new(COMMAND_MASK);
    for (size_t i = 0; i < order->frozen_count; i++)
        freeze_mask_add(&c->mask, order->frozen[i], THAW_FROZEN);
    for (size_t i = 0; i < order->moving_count; i++)
        freeze_mask_add(&c->mask, order->moving[i], THAW_STATS_MOVING);
    return c;
}

command *command_from_order(const thaw_order *order) {
    static const command_kind kind[THAW_ORDER_COUNT] = {
        [THAW_ORDER_PAUSE] = COMMAND_PAUSE, [THAW_ORDER_CONTINUE] = COMMAND_CONTINUE,
        [THAW_ORDER_STEP] = COMMAND_STEP,   [THAW_ORDER_CHECKPOINT] = COMMAND_CHECKPOINT,
        [THAW_ORDER_STOP] = COMMAND_STOP,   [THAW_ORDER_LR] = COMMAND_LR,
        [THAW_ORDER_MASK] = COMMAND_MASK,   [THAW_ORDER_PROFILE] = COMMAND_PROFILE,
    };
    if (order->kind == THAW_ORDER_HELLO) return NULL;
    if (order->kind == THAW_ORDER_MASK) return mask_command(order);
    command *c = command_new(kind[order->kind]);
    c->lr = order->lr;
    c->save = order->save;
    c->on = order->on;
    return c;
}

static void tell_asker(command *c, const char *problem) {
    command_asker a = c->asker;
    c->asker = (command_asker){0};
    if (a.answer) a.answer(a.user, a.who, a.id, problem);
}

void command_answer(command *c, const thaw_status *status) {
    tell_asker(c, thaw_failed(status) ? status->message : NULL);
}

void command_free(command *c) {
    if (!c) return;
    tell_asker(c, "the run is over");
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
