/*
 * ring.c - see ring.h. A growing circular array under one lock, and a non-blocking pipe that holds one byte
 * exactly while the array is not empty. Both ends of the pipe are only touched under the lock; neither can
 * wait.
 */
#include "engine/train/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"

enum { RING_FIRST_CAPACITY = 64, MILLISECONDS = 1000 };

struct ring {
    pthread_mutex_t lock; /* guards what follows */
    thaw_event *item;     /* capacity of them; the oldest at head */
    size_t head, count, capacity;
    size_t steps; /* step events among them */
    int wake[2];  /* read end, write end */
};

static thaw_event *ring_at(const ring *r, size_t i) {
    return &r->item[(r->head + i) % r->capacity];
}

static void ring_grow(ring *r) {
    size_t capacity = r->capacity ? 2 * r->capacity : RING_FIRST_CAPACITY;
    thaw_event *item = xcalloc(capacity, sizeof *item);
    for (size_t i = 0; i < r->count; i++)
        item[i] = *ring_at(r, i);
    free(r->item);
    r->item = item;
    r->head = 0;
    r->capacity = capacity;
}

/* The one to drop: the lower loss; a loss that is not a number is the last thing to hide. */
static bool first_is_lesser(const thaw_event *a, const thaw_event *b) {
    return isnan(b->step.loss) || a->step.loss <= b->step.loss;
}

/* Halve the step events: neighbours of one epoch with nothing between them become one. */
static void ring_thin(ring *r) {
    size_t kept = 0;
    bool open = false; /* the last kept event is a step without a partner yet */
    for (size_t i = 0; i < r->count; i++) {
        thaw_event event = *ring_at(r, i);
        thaw_event *last = kept ? ring_at(r, kept - 1) : NULL;
        if (event.kind == THAW_EVENT_STEP && open && last->step.epoch == event.step.epoch) {
            if (first_is_lesser(last, &event)) *last = event;
            open = false;
            r->steps--;
            continue;
        }
        open = event.kind == THAW_EVENT_STEP;
        *ring_at(r, kept++) = event;
    }
    r->count = kept;
}

thaw_status ring_new(ring **out) {
    ring *r = xcalloc(1, sizeof *r);
    if (pipe2(r->wake, O_NONBLOCK | O_CLOEXEC) != 0) {
        int error = errno;
        free(r);
        return thaw_error_errno(error, "cannot make the pipe that announces events");
    }
    pthread_mutex_init(&r->lock, NULL);
    *out = r;
    return thaw_ok();
}

void ring_free(ring *r) {
    if (!r) return;
    for (size_t i = 0; i < r->count; i++)
        thaw_event_clear(ring_at(r, i));
    free(r->item);
    close(r->wake[0]);
    close(r->wake[1]);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

void ring_push(ring *r, thaw_event *event) {
    static const char byte = 1;
    pthread_mutex_lock(&r->lock);
    if (event->kind == THAW_EVENT_STEP && ++r->steps > RING_STEP_CEILING) ring_thin(r);
    if (r->count == r->capacity) ring_grow(r);
    *ring_at(r, r->count++) = *event;
    if (r->count == 1) {
        ssize_t written = write(r->wake[1], &byte, 1); /* an empty pipe has room for a byte */
        (void)written;
    }
    pthread_mutex_unlock(&r->lock);
    *event = (thaw_event){0};
}

bool ring_take(ring *r, thaw_event *out) {
    char byte;
    pthread_mutex_lock(&r->lock);
    bool some = r->count > 0;
    if (some) {
        *out = *ring_at(r, 0);
        r->head = (r->head + 1) % r->capacity;
        r->count--;
        if (out->kind == THAW_EVENT_STEP) r->steps--;
        if (r->count == 0) {
            ssize_t got = read(r->wake[0], &byte, 1);
            (void)got;
        }
    }
    pthread_mutex_unlock(&r->lock);
    return some;
}

bool ring_wait(ring *r, double seconds, thaw_event *out) {
    double deadline = clock_seconds() + seconds;
    while (!ring_take(r, out)) {
        double left = seconds < 0 ? -1 : deadline - clock_seconds();
        if (seconds >= 0 && left <= 0) return false;
        struct pollfd poller = {.fd = r->wake[0], .events = POLLIN};
        int timeout = seconds < 0 ? -1 : (int)fmin(ceil(left * MILLISECONDS), MILLISECONDS);
        if (poll(&poller, 1, timeout) < 0 && errno != EINTR && errno != EAGAIN) return false;
    }
    return true;
}

int ring_fd(const ring *r) {
    return r->wake[0];
}
