/*
 * pool.c - see pool.h.
 *
 * Large blocks are cut from segments and grow together again when free, as in any heap; what makes it worth
 * having beside malloc's is that it does not give memory back between two steps, in any thread. Of the free
 * blocks that are large enough the one is taken that needs the fewest pages from the system, of those the
 * smallest: a step uses the same memory again and again instead of all holes there are in turn.
 * In front of each block stands what it is. Free blocks are also in an array, by extent and then address.
 */
#include "engine/torch/pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"

#define MEGABYTE     ((size_t)1024 * 1024)
#define HUGE_PAGE    (2 * MEGABYTE)
#define SEGMENT      (16 * MEGABYTE)  /* of address space: only what is used takes memory */
#define HUGE_SEGMENT (256 * MEGABYTE) /* where memory is used again and again */
#define SPARE        (64 * MEGABYTE)  /* is not worth giving back */
#define HUGE_SLOW    0.5e-3           /* seconds for a huge page: small ones take hardly longer */
#define AHEAD        (MEGABYTE / 4) /* of small pages is cleared, and written while the core's cache has it */

enum { PAGE = 4096, SWEEP_SECONDS = 10 };

/* In front of every block. */
typedef union block block;
union block {
    struct {
        size_t extent; /* bytes with this; 0: cut from WHOLE, or without that malloc's */
        size_t before; /* the extent of the block before this one; 0: it is its segment's first */
        size_t warm;   /* of a free one: bytes from its start that have pages; of the rest nothing is known */
        block *whole;
        size_t cuts; /* from this one: how many are in use, and one while more may come */
        bool free, last;
    };
    char room[POOL_ALIGNMENT];
};

/* All of it belongs to whoever holds the lock. */
static struct {
    pthread_mutex_t lock;
    block **free; /* by extent, then address */
    size_t count, capacity;
    size_t used, waiting;  /* bytes */
    size_t most, resident; /* used at once since the last sweep; and since memory was last given back */
    size_t mapped;
    double swept;
    bool huge;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* What this thread's next tensors are cut from; the pages before READY are there. */
static _Thread_local struct {
    block *whole; /* NULL: nothing */
    char *at, *end, *ready;
    bool huge; /* huge pages are found quickly, so far */
} stretch;

static size_t round_up(size_t size, size_t unit) {
    return (size + unit - 1) / unit * unit;
}

/* ---- the free blocks ---- */

/* Where a block of EXTENT at ADDRESS stands in the array, or would. */
static size_t place_of(size_t extent, const block *address) {
    size_t low = 0, high = pool.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const block *b = pool.free[middle];
        if (b->extent < extent || (b->extent == extent && b < address))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void list(block *b) {
    size_t at = place_of(b->extent, b);
    pool.free = vec_reserve(pool.free, &pool.capacity, pool.count + 1, sizeof *pool.free);
    memmove(&pool.free[at + 1], &pool.free[at], (pool.count - at) * sizeof *pool.free);
    pool.free[at] = b;
    pool.count++;
    pool.waiting += b->extent;
    b->free = true;
}

static void unlist(block *b) {
    size_t at = place_of(b->extent, b);
    pool.count--;
    memmove(&pool.free[at], &pool.free[at + 1], (pool.count - at) * sizeof *pool.free);
    pool.waiting -= b->extent;
    b->free = false;
}

/* ---- cutting and joining ---- */

static block *after(block *b) {
    return b->last ? NULL : (block *)((char *)b + b->extent);
}

static void set_extent(block *b, size_t extent) {
    b->extent = extent;
    if (!b->last) after(b)->before = extent;
}

/* B keeps EXTENT bytes; the rest becomes a free block. */
static void split(block *b, size_t extent) {
    if (b->extent - extent < POOL_LARGE) return;
    block *rest = (block *)((char *)b + extent);
    *rest = (block){.before = extent, .last = b->last};
    size_t left = b->extent - extent;
    rest->warm = b->warm > extent ? b->warm - extent : 0;
    b->extent = extent;
    b->last = false;
    set_extent(rest, left);
    list(rest);
}

static void join(block *b, block *next) {
    size_t extent = b->extent + next->extent;
    if (b->warm == b->extent) b->warm += next->warm;
    b->last = next->last;
    set_extent(b, extent);
}

/* ---- the system's side ---- */

/* A new segment of at least EXTENT bytes, as one block; its first HUGE bytes, at least, in huge pages. */
static block *map_segment(size_t extent, size_t huge) {
    size_t least = pool.huge ? HUGE_SEGMENT : SEGMENT;
    extent = round_up(extent < least ? least : extent, HUGE_PAGE);
    char *start = mmap(NULL, extent + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) return NULL;
    size_t before = round_up((size_t)start, HUGE_PAGE) - (size_t)start;
    if (before) munmap(start, before);
    munmap(start + before + extent, HUGE_PAGE - before);
    start += before;
    if (pool.huge) huge = extent;
    if (huge) madvise(start, huge, MADV_HUGEPAGE); /* a wish: without it everything works, slower */
    pool.mapped++;
    block *b = (block *)start;
    *b = (block){.extent = extent, .last = true};
    return b;
}

static void give_back(void) {
    for (size_t i = pool.count; i-- > 0;) {
        block *b = pool.free[i];
        if (b->last && !b->before) {
            unlist(b);
            munmap(b, b->extent);
        } else {
            size_t head = round_up((size_t)(b + 1), PAGE) - (size_t)b;
            madvise((char *)b + head, b->extent - head, MADV_DONTNEED);
            b->warm = 0;
        }
    }
    pool.resident = pool.used;
}

/* When a run needs much less than before, memory goes back. */
static void sweep(void) {
    double now = clock_seconds();
    if (now - pool.swept < SWEEP_SECONDS) return;
    if (pool.resident > 2 * pool.most + SPARE) give_back();
    pool.swept = now;
    pool.most = pool.used;
}

/* ---- the tensors' side ---- */

/* The free block for EXTENT; NULL: there is none. */
static block *find(size_t extent) {
    block *best = NULL;
    size_t least = SIZE_MAX;
    for (size_t at = place_of(extent, NULL); at < pool.count && least > 0; at++) {
        block *b = pool.free[at];
        size_t cold = b->warm < extent ? extent - b->warm : 0;
        if (cold >= least) continue;
        best = b;
        least = cold;
    }
    return best;
}

static block *take_large(size_t extent, size_t huge) {
    sweep();
    block *b = find(extent);
    if (b)
        unlist(b);
    else
        b = map_segment(extent, huge);
    if (!b) return NULL;
    split(b, extent);
    pool.used += b->extent;
    if (pool.used > pool.most) pool.most = pool.used;
    if (pool.used > pool.resident) pool.resident = pool.used;
    return b;
}

static void give_large(block *b) {
    size_t extent = b->extent;
    pool.used -= extent;
    b->warm = extent;
    block *next = after(b);
    if (next && next->free) {
        unlist(next);
        join(b, next);
    }
    block *previous = b->before ? (block *)((char *)b - b->before) : NULL;
    if (previous && previous->free) {
        unlist(previous);
        join(previous, b);
        b = previous;
    }
    list(b);
}

static void drop_cut(block *whole) {
    if (--whole->cuts == 0) give_large(whole);
}

/* A block of SIZE bytes for this thread from what it expected; NULL when that is used up. */
static block *cut(size_t size) {
    size_t extent = pool_cut_size(size);
    if (!stretch.whole || extent > (size_t)(stretch.end - stretch.at)) return NULL;
    block *b = (block *)stretch.at;
    stretch.at += extent;
    pool_ready(b, sizeof *b);
    *b = (block){.whole = stretch.whole};
    pthread_mutex_lock(&pool.lock);
    stretch.whole->cuts++;
    pthread_mutex_unlock(&pool.lock);
    return b;
}

static block *take_small(size_t size) {
    void *memory = NULL;
    if (posix_memalign(&memory, POOL_ALIGNMENT, size + sizeof(block))) return NULL;
    block *b = memory;
    b->extent = 0;
    b->whole = NULL;
    return b;
}

void *pool_take(size_t size) {
    if (size > SIZE_MAX / 2) return NULL;
    block *b = cut(size);
    if (!b && size < POOL_LARGE) {
        b = take_small(size);
    } else if (!b) {
        pthread_mutex_lock(&pool.lock);
        b = take_large(round_up(size + sizeof *b, PAGE), 0);
        pthread_mutex_unlock(&pool.lock);
    }
    return b ? b + 1 : NULL;
}

void pool_give(void *memory) {
    if (!memory) return;
    block *b = (block *)memory - 1;
    if (b->extent == 0 && !b->whole) {
        free(b);
        return;
    }
    pthread_mutex_lock(&pool.lock);
    if (b->whole)
        drop_cut(b->whole);
    else
        give_large(b);
    pthread_mutex_unlock(&pool.lock);
}

/* ---- tensors that are made and filled one after the other ---- */

size_t pool_cut_size(size_t size) {
    return sizeof(block) + round_up(size, POOL_ALIGNMENT);
}

void pool_expect(size_t bytes) {
    size_t extent = round_up(sizeof(block) + bytes, PAGE);
    if (!bytes) return;
    pthread_mutex_lock(&pool.lock);
    block *whole = take_large(extent, extent / HUGE_PAGE * HUGE_PAGE);
    if (whole) whole->cuts = 1;
    pthread_mutex_unlock(&pool.lock);
    stretch.whole = whole;
    if (!whole) return;
    stretch.at = (char *)(whole + 1);
    stretch.end = (char *)whole + extent;
    stretch.ready = (char *)whole;
    stretch.huge = true;
}

void pool_expect_none(void) {
    if (!stretch.whole) return;
    pthread_mutex_lock(&pool.lock);
    drop_cut(stretch.whole);
    pthread_mutex_unlock(&pool.lock);
    stretch.whole = NULL;
}

/* The next huge page, or some small ones, or what is left before the end. Where memory is in pieces the
 * system makes room for a huge page by moving others, which takes longer than small ones do: then no more of
 * them. */
static void ready_next(void) {
#ifdef MADV_POPULATE_WRITE
    double began = clock_seconds();
    size_t unit = stretch.huge ? HUGE_PAGE : AHEAD, left = (size_t)(stretch.end - stretch.ready);
    size_t next = unit - (size_t)stretch.ready % unit, bytes = next < left ? next : left;
    (void)madvise(stretch.ready, bytes, MADV_POPULATE_WRITE);
    stretch.ready += bytes;
    if (!stretch.huge || clock_seconds() - began < HUGE_SLOW || bytes == left) return;
    (void)madvise(stretch.ready, left - bytes, MADV_NOHUGEPAGE);
    stretch.huge = false;
#else
    stretch.ready = stretch.end;
#endif
}

void pool_ready(const void *memory, size_t bytes) {
    const char *end = (const char *)memory + bytes;
    if (!stretch.whole || (const char *)memory < (char *)stretch.whole || end > stretch.end) return;
    while (stretch.ready < end)
        ready_next();
}

void pool_expect_reuse(void) {
    pthread_mutex_lock(&pool.lock);
    give_back();
    pool.huge = true;
    pthread_mutex_unlock(&pool.lock);
}

void pool_let_go(void) {
    pthread_mutex_lock(&pool.lock);
    give_back();
    pthread_mutex_unlock(&pool.lock);
}

void pool_trim(void) {
    pthread_mutex_lock(&pool.lock);
    give_back();
    pool.huge = false;
    pool.most = pool.used;
    pthread_mutex_unlock(&pool.lock);
}

pool_state pool_look(void) {
    pthread_mutex_lock(&pool.lock);
    pool_state state = {.used = pool.used, .waiting = pool.waiting, .mapped = pool.mapped};
    pthread_mutex_unlock(&pool.lock);
    return state;
}
