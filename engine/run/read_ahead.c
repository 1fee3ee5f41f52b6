/*
 * read_ahead.c - see read_ahead.h.
 *
 * The file is cut into blocks of one size, and a block's lines are those that begin in it. Threads take
 * blocks in their order and parse them into a ring; the caller takes what is parsed, and parses a block
 * itself when none is ready. A block says from where to where in the file its lines go, and it is given only
 * where it joins on to what was given before: so nothing is left out or read twice, whatever happens to the
 * file.
 *
 * Block BEGUN and all before are taken by some thread, block GIVEN is the caller's. The lock is for these,
 * and for READY; a block itself belongs to the thread that parses it until READY is set, then to the caller.
 */
#include "engine/run/read_ahead.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/alloc.h"
#include "engine/base/file_part.h"
#include "engine/base/thread.h"
#include "engine/run/event_step.h"

enum {
    BLOCK = 256 << 10,
    LEAST = 4 << 20,
    THREADS_MAX = 4,
    RING = 8,
    MORE = 64 << 10,   /* read at a time where a line goes on behind its block */
    LINE_MAX = 1 << 20 /* behind its block; longer ones are left to the caller */
};

/* A block's steps lie apart from its few other events, each of which knows how many of them come before. */
typedef struct other {
    size_t steps;
    thaw_event event;
} other;

typedef struct block {
    off_t from, to; /* its whole lines in the file; the same: there are none */
    thaw_step_row *step;
    size_t steps, steps_used, steps_capacity;
    other *other;
    size_t others, others_used, others_capacity;
    size_t broken;
    char *text;
    size_t filled, text_capacity;
    bool ready;
} block;

struct read_ahead {
    int fd;
    bool (*skip)(const char *line, size_t length);
    size_t size, count; /* of a block; blocks */
    off_t at;           /* lines before are given */
    size_t broken;
    block *now; /* being given, or NULL */
    pthread_t helper[THREADS_MAX - 1];
    int helpers;
    pthread_mutex_t lock;
    pthread_cond_t room, ready;
    size_t begun, given; /* blocks */
    bool stop;
    block ring[RING];
};

read_ahead_params read_ahead_default_params(void) {
    return (read_ahead_params){.block = BLOCK, .least = LEAST};
}

/* ---- one block ---- */

/* Read up to SIZE bytes more, which are at PLACE in the file; how many came. */
static size_t read_more(int fd, block *b, off_t place, size_t size) {
    b->text = vec_reserve(b->text, &b->text_capacity, b->filled + size + EVENT_STEP_ROOM, 1);
    size_t came = file_part_read_some(fd, b->text + b->filled, size, place);
    b->filled += came;
    memset(b->text + b->filled, 0, EVENT_STEP_ROOM);
    return came;
}

/* Where the line that begins at START ends, reading on while it does not; NULL: nowhere. */
static const char *line_end(int fd, block *b, off_t place, size_t start) {
    for (size_t looked = start;;) {
        const char *newline = memchr(b->text + looked, '\n', b->filled - looked);
        looked = b->filled;
        if (newline) return newline;
        if (looked - start > LINE_MAX || !read_more(fd, b, place + (off_t)looked, MORE)) return NULL;
    }
}

static void take_line(const read_ahead *r, block *b, const char *line, size_t length) {
    if (r->skip && r->skip(line, length)) return;
    b->step = vec_reserve(b->step, &b->steps_capacity, b->steps + 1, sizeof *b->step);
    if (event_read_step_line(line, length, &b->step[b->steps])) {
        b->steps++;
        return;
    }
    b->other = vec_reserve(b->other, &b->others_capacity, b->others + 1, sizeof *b->other);
    other *o = &b->other[b->others];
    o->steps = b->steps;
    thaw_status status = thaw_event_parse(line, length, &o->event);
    if (!thaw_failed(&status))
        b->others++;
    else
        b->broken += status.code != THAW_ERR_UNSUPPORTED;
}

static void parse(const read_ahead *r, block *b, size_t index) {
    off_t begin = (off_t)(index * r->size),
          place = begin ? begin - 1 : 0; /* one before: does a line end there? */
    size_t past = (size_t)(begin - place) + r->size, start = 0;
    b->steps = b->steps_used = b->others = b->others_used = b->broken = b->filled = 0;
    b->from = b->to = begin;
    read_more(r->fd, b, place, past);
    if (begin) {
        const char *newline = b->filled ? memchr(b->text, '\n', b->filled) : NULL;
        if (!newline) return;
        start = (size_t)(newline - b->text) + 1;
    }
    b->from = b->to = place + (off_t)start;
    while (start < past && start < b->filled) {
        const char *newline = line_end(r->fd, b, place, start);
        if (!newline) return;
        take_line(r, b, b->text + start, (size_t)(newline - b->text) - start);
        start = (size_t)(newline - b->text) + 1;
        b->to = place + (off_t)start;
    }
}

/* ---- the threads ---- */

static bool may_begin(const read_ahead *r) {
    return r->begun < r->count && r->begun < r->given + RING;
}

/* With the lock held, which is given up meanwhile. */
static void parse_next(read_ahead *r) {
    size_t index = r->begun++;
    block *b = &r->ring[index % RING];
    pthread_mutex_unlock(&r->lock);
    parse(r, b, index);
    pthread_mutex_lock(&r->lock);
    b->ready = true;
    pthread_cond_signal(&r->ready);
}

static void *help(void *user) {
    read_ahead *r = user;
    pthread_mutex_lock(&r->lock);
    while (!r->stop && r->begun < r->count) {
        if (may_begin(r))
            parse_next(r);
        else
            pthread_cond_wait(&r->room, &r->lock);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

static void start_helpers(read_ahead *r, int threads) {
    if (!threads) threads = cpu_count();
    if (threads > THREADS_MAX) threads = THREADS_MAX;
    for (; r->helpers < threads - 1; r->helpers++) {
        thaw_status status = thread_start(&r->helper[r->helpers], "thaw-read", help, r);
        if (thaw_failed(&status)) return; /* the caller does their work */
    }
}

read_ahead *read_ahead_new(int fd, const read_ahead_params *params) {
    struct stat info;
    if (fstat(fd, &info) < 0 || info.st_size < params->least) return NULL;
    read_ahead *r = xcalloc(1, sizeof *r);
    r->fd = fd;
    r->skip = params->skip;
    r->size = params->block;
    r->count = ((size_t)info.st_size + r->size - 1) / r->size;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->room, NULL);
    pthread_cond_init(&r->ready, NULL);
    start_helpers(r, params->threads);
    return r;
}

static void clear_block(block *b) {
    for (size_t i = b->others_used; i < b->others; i++)
        thaw_event_clear(&b->other[i].event);
    free(b->other);
    free(b->step);
    free(b->text);
}

static void stop_helpers(read_ahead *r) {
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    pthread_cond_broadcast(&r->room);
    pthread_mutex_unlock(&r->lock);
    for (int i = 0; i < r->helpers; i++)
        pthread_join(r->helper[i], NULL);
    r->helpers = 0;
}

void read_ahead_free(read_ahead *r) {
    if (!r) return;
    stop_helpers(r);
    for (int i = 0; i < RING; i++)
        clear_block(&r->ring[i]);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->room);
    pthread_cond_destroy(&r->ready);
    free(r);
}

/* ---- the caller ---- */

/* The block in its turn, parsed; NULL: there is none. */
static block *next_block(read_ahead *r) {
    block *b = NULL;
    pthread_mutex_lock(&r->lock);
    if (r->now) {
        r->now->ready = false;
        r->given++;
        pthread_cond_signal(&r->room);
    }
    if (r->given < r->count) b = &r->ring[r->given % RING];
    while (b && !b->ready) {
        if (may_begin(r))
            parse_next(r);
        else
            pthread_cond_wait(&r->ready, &r->lock);
    }
    pthread_mutex_unlock(&r->lock);
    return b;
}

/* The steps of B that come before another event, or all that are left. */
static size_t steps_at_hand(const block *b) {
    return (b->others_used < b->others ? b->other[b->others_used].steps : b->steps) - b->steps_used;
}

static bool is_given(const block *b) {
    return b->steps_used == b->steps && b->others_used == b->others;
}

/* The block that what comes next is in, or NULL: at the end, or where a block does not join on. */
static block *current(read_ahead *r) {
    while (!r->stop) {
        if (r->now && !is_given(r->now)) return r->now;
        r->now = next_block(r);
        if (r->now && (r->now->from == r->now->to || r->now->from == r->at)) {
            r->broken += r->now->broken;
            if (r->now->from != r->now->to) r->at = r->now->to;
            continue;
        }
        stop_helpers(r);
        r->now = NULL;
    }
    return NULL;
}

size_t read_ahead_steps(read_ahead *r, const thaw_step_row **out) {
    block *b = current(r);
    size_t count = b ? steps_at_hand(b) : 0;
    if (!count) return 0;
    *out = &b->step[b->steps_used];
    b->steps_used += count;
    return count;
}

bool read_ahead_next(read_ahead *r, thaw_event *out) {
    block *b = current(r);
    if (!b) return false;
    if (steps_at_hand(b))
        thaw_event_of_step(&b->step[b->steps_used++], out);
    else
        *out = b->other[b->others_used++].event;
    return true;
}

off_t read_ahead_at(const read_ahead *r) {
    return r->at;
}

size_t read_ahead_broken(const read_ahead *r) {
    return r->broken;
}
