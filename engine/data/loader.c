/*
 * loader.c - see loader.h.
 *
 * There are `depth` slots, each one batch: free, filling, ready, or held by the caller. Workers take a run of
 * samples of the oldest batch that still has some, so all of them finish the batch that is needed next rather
 * than one each. One lock guards the slots' states and nothing else; files are read, decoded and transformed
 * outside it, each sample into its own part of the slot. Whoever finishes a batch's last sample closes the
 * gaps that undecodable files left and marks it ready.
 *
 * loader_start and loader_free wait for the runs in progress (a few pictures), never for whole batches.
 */
#include "engine/data/loader.h"

#include <stdlib.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/base/str.h"
#include "engine/base/thread.h"
#include "engine/data/crew.h"
#include "engine/data/sampler.h"
#include "engine/data/slots.h"

enum { WORKERS_MAX = 64, DEPTH_MIN = 2, DEPTH_MAX = 256, RUN_MAX = 16 };
static const double MEMORY_SHARE = 0.5; /* of the machine's memory, at most, for batches */

/* A sample's work, copied out of the shared state. */
typedef struct run {
    slot *slot;
    int first, count, epoch;
    uint32_t index[RUN_MAX];
} run;

struct loader {
    loader_params p; /* p.batch_size, p.workers, p.depth as chosen */
    const split *split;
    sampler sampler; /* its keeping is changed only while nothing runs */
    pthread_t *thread;
    int threads, run_length, batches;

    pthread_mutex_t lock;    /* guards what follows */
    pthread_cond_t work;     /* workers: something may be taken, or stop */
    pthread_cond_t progress; /* the caller: a batch became ready, or a run ended */
    slots slots;
    uint32_t *order; /* split->count: the epoch's permutation */
    int epoch;
    int next_fill, next_take; /* batch numbers: to be given a slot, to be given to the caller */
    int running;              /* runs being worked on */
    crew crew;                /* how many of them there may be */
    bool waiting;             /* the caller, in loader_next */
    bool full;                /* when the caller gave the last batch back, all others were ready */
    bool paused, stopping;
    char **reason; /* split->count: why a file could not be decoded, or NULL; owned */
    size_t skipped_count;
    thaw_skipped *shown; /* the caller's list; strings borrowed */
    size_t shown_count;
};

loader_params loader_default_params(const thaw_dataset *dataset, bool train) {
    return (loader_params){
        .dataset = dataset,
        .train = train,
        .transform = {.resize = 256,
                      .crop = 224,
                      .interpolation = INTERPOLATE_BILINEAR,
                      .augment = train ? AUGMENT_BASIC : AUGMENT_NONE,
                      .scale_min = 0.08,
                      .scale_max = 1.0,
                      .mean = {0.485f, 0.456f, 0.406f},
                      .std = {0.229f, 0.224f, 0.225f}},
        .batch_size = 32,
        .shuffle = train,
    };
}

/* ---- a sample */

static void note_skipped(loader *l, uint32_t index, const char *reason) {
    pthread_mutex_lock(&l->lock);
    if (!l->reason[index]) {
        l->reason[index] = xstrdup(reason);
        l->skipped_count++;
    }
    pthread_mutex_unlock(&l->lock);
}

/* Sample AT of B; false when it has to be left out. */
static bool load_sample(loader *l, batch *b, int at, int epoch, uint32_t index) {
    drawn x = sampler_draw(&l->sampler, epoch, index);
    b->entry[at] = x.entry;
    b->loaded[at] = !x.kept;
    if (x.kept) return true;
    thaw_status status = sampler_load(&l->sampler, &x, b->pixels + (size_t)at * l->slots.sample_bytes);
    if (thaw_failed(&status)) note_skipped(l, index, status.message);
    return !thaw_failed(&status);
}

/* ---- workers */

/* Give a free slot its batch. */
static void begin_batch(loader *l, slot *s, int number) {
    size_t first = (size_t)number * (size_t)l->p.batch_size, left = l->split->count - first;
    slot_begin(s, number, left < (size_t)l->p.batch_size ? (int)left : l->p.batch_size);
}

/* The slot with samples left to hand out, oldest batch first; NULL when there is nothing to do. */
static slot *find_work(loader *l) {
    for (int number = l->next_take; number < l->next_fill; number++) {
        slot *s = slots_find(&l->slots, number);
        if (s && s->state == SLOT_FILLING && s->taken < s->wanted) return s;
    }
    slot *s = l->next_fill < l->batches ? slots_find_free(&l->slots) : NULL;
    if (s) begin_batch(l, s, l->next_fill++);
    return s;
}

/* Take a run; called with the lock held. */
static bool take_run(loader *l, run *r) {
    bool idle = l->paused || l->running >= crew_limit(&l->crew, l->waiting);
    slot *s = idle ? NULL : find_work(l);
    if (!s) return false;
    int left = s->wanted - s->taken;
    *r = (run){.slot = s,
               .first = s->taken,
               .count = left < l->run_length ? left : l->run_length,
               .epoch = l->epoch};
    for (int i = 0; i < r->count; i++) {
        uint32_t index = l->order[(size_t)s->batch.number * (size_t)l->p.batch_size + (size_t)(r->first + i)];
        r->index[i] = s->batch.index[r->first + i] = index;
        s->batch.label[r->first + i] = l->split->item[index].label;
    }
    s->taken += r->count;
    l->running++;
    return true;
}

static void work_run(loader *l, const run *r) {
    for (int i = 0; i < r->count; i++) {
        int at = r->first + i;
        r->slot->good[at] = load_sample(l, &r->slot->batch, at, r->epoch, r->index[i]);
    }
}

static void *worker(void *argument) {
    loader *l = argument;
    run r;
    pthread_mutex_lock(&l->lock);
    while (!l->stopping) {
        if (!take_run(l, &r)) {
            pthread_cond_wait(&l->work, &l->lock);
            continue;
        }
        pthread_mutex_unlock(&l->lock);
        work_run(l, &r);
        pthread_mutex_lock(&l->lock);
        slot *s = r.slot;
        s->done += r.count;
        if (s->done == s->wanted) {
            pthread_mutex_unlock(&l->lock);
            slot_close_gaps(s, l->slots.sample_bytes); /* only this thread has the slot by now */
            pthread_mutex_lock(&l->lock);
            s->state = SLOT_READY;
        }
        l->running--;
        pthread_cond_broadcast(&l->progress);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

/* ---- making and ending */

static thaw_status check_params(const loader_params *p) {
    if (p->batch_size < 1)
        return thaw_error(THAW_ERR_USAGE, "the batch size is %d; at least 1 is expected", p->batch_size);
    if (p->transform.crop < 1)
        return thaw_error(THAW_ERR_USAGE, "the crop is %d pixels; at least 1 is expected", p->transform.crop);
    if (p->transform.resize < 0)
        return thaw_error(THAW_ERR_USAGE, "the resize is %d pixels; 0 (none) or more is expected",
                          p->transform.resize);
    return thaw_ok();
}

static void choose_sizes(loader *l) {
    loader_params *p = &l->p;
    int cores = cpu_count();
    if ((size_t)p->batch_size > l->split->count && l->split->count) p->batch_size = (int)l->split->count;
    l->crew = crew_make(p->workers < WORKERS_MAX ? p->workers : WORKERS_MAX,
                        cores < WORKERS_MAX ? cores : WORKERS_MAX, p->computing);
    p->workers = l->crew.threads;
    if (p->depth <= 0) p->depth = p->workers + 2;
    if (p->depth > DEPTH_MAX) p->depth = DEPTH_MAX;
    size_t size = (size_t)p->batch_size;
    l->batches = (int)(p->drop_last ? l->split->count / size : (l->split->count + size - 1) / size);
    if (p->depth > l->batches) p->depth = l->batches;
    if (p->depth < DEPTH_MIN) p->depth = DEPTH_MIN;
    /* Short runs spread a batch over all workers; long ones take the lock less often. */
    l->run_length = p->batch_size / (4 * p->workers);
    if (l->run_length < 1) l->run_length = 1;
    if (l->run_length > RUN_MAX) l->run_length = RUN_MAX;
}

/* Buffers for a batch must leave room for the network; fewer batches ahead come before giving up. */
static thaw_status check_memory(loader *l) {
    double batch_bytes = (double)l->p.batch_size * (double)slots_sample_bytes(&l->p);
    double machine = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    double affordable = machine * MEMORY_SHARE / batch_bytes;
    if (affordable < l->p.depth) l->p.depth = (int)affordable;
    if (l->p.depth >= DEPTH_MIN) return thaw_ok();
    char one[NUMBER_TEXT_MAX], all[NUMBER_TEXT_MAX];
    return thaw_error(THAW_ERR_USAGE,
                      "a batch of %d images of %d pixels takes %s, and this machine has %s; choose a "
                      "smaller batch size",
                      l->p.batch_size, l->p.transform.crop, text_bytes(batch_bytes, one),
                      text_bytes(machine, all));
}

thaw_status loader_new(const loader_params *params, loader **out) {
    *out = NULL;
    THAW_TRY(check_params(params));
    loader *l = xcalloc(1, sizeof *l);
    l->p = *params;
    l->split = params->train ? &params->dataset->train : &params->dataset->val;
    choose_sizes(l);
    thaw_status fits = check_memory(l);
    if (thaw_failed(&fits)) {
        free(l);
        return fits;
    }
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->work, NULL);
    pthread_cond_init(&l->progress, NULL);
    l->paused = true; /* until loader_start */
    l->order = xcalloc(l->split->count, sizeof *l->order);
    l->reason = xcalloc(l->split->count, sizeof *l->reason);
    l->sampler = (sampler){.params = &l->p, .split = l->split};
    if (l->p.cache_bytes) l->sampler.cache = image_cache_new(l->split->count, l->p.cache_bytes);
    l->slots = slots_make(&l->p);
    l->thread = xcalloc((size_t)l->p.workers, sizeof *l->thread);
    for (; l->threads < l->p.workers; l->threads++) {
        thaw_status status = thread_start(&l->thread[l->threads], "thaw-loader", worker, l);
        if (!thaw_failed(&status)) continue;
        if (l->threads > 0) break; /* fewer are slower, not wrong */
        loader_free(l);
        return status;
    }
    *out = l;
    return thaw_ok();
}

void loader_free(loader *l) {
    if (!l) return;
    pthread_mutex_lock(&l->lock);
    l->stopping = true;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    for (int i = 0; i < l->threads; i++)
        pthread_join(l->thread[i], NULL);
    slots_clear(&l->slots);
    for (size_t i = 0; i < l->split->count; i++)
        free(l->reason[i]);
    image_cache_free(l->sampler.cache);
    pthread_cond_destroy(&l->work);
    pthread_cond_destroy(&l->progress);
    pthread_mutex_destroy(&l->lock);
    free(l->thread);
    free(l->order);
    free(l->reason);
    free(l->shown);
    free(l);
}

/* ---- the caller's side */

int loader_batches(const loader *l) {
    return l->batches;
}

int loader_batch_size(const loader *l) {
    return l->p.batch_size;
}

int loader_side(const loader *l) {
    return l->p.transform.crop;
}

/* Until loader_start: no worker takes anything more, and what they had is done. Called with the lock held. */
static void halt(loader *l) {
    l->paused = true;
    while (l->running)
        pthread_cond_wait(&l->progress, &l->lock);
}

void loader_keep(loader *l, const loader_keeping *keeping) {
    pthread_mutex_lock(&l->lock);
    halt(l);
    l->sampler.keeping = *keeping;
    pthread_mutex_unlock(&l->lock);
}

void loader_keep_images(loader *l, bool on) {
    image_cache *c = l->sampler.cache;
    if (!c) return;
    image_cache_limit(c, on ? l->p.cache_bytes : 0);
    if (on) return;
    pthread_mutex_lock(&l->lock);
    halt(l);
    image_cache_empty(c);
    pthread_mutex_unlock(&l->lock);
}

size_t loader_image_bytes(const loader *l) {
    return l->sampler.cache ? image_cache_bytes(l->sampler.cache) : 0;
}

static void make_order(loader *l, int epoch) {
    for (size_t i = 0; i < l->split->count; i++)
        l->order[i] = (uint32_t)i;
    if (!l->p.shuffle) return;
    rng r = rng_keyed(l->p.seed, RNG_SHUFFLE, (uint64_t)epoch, 0);
    rng_shuffle(&r, l->order, l->split->count);
}

void loader_start(loader *l, int epoch, int first) {
    pthread_mutex_lock(&l->lock);
    halt(l);
    slots_let_go(&l->slots);
    make_order(l, epoch);
    l->epoch = epoch;
    l->next_fill = l->next_take = first < 0 ? 0 : first;
    l->paused = false;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
}

/* Until batch NUMBER is ready. Called with the lock held. */
static slot *await_batch(loader *l, int number) {
    slot *s;
    bool waited = false;
    while (!(s = slots_find(&l->slots, number)) || s->state != SLOT_READY) {
        if (!waited) pthread_cond_broadcast(&l->work); /* all may work now */
        l->waiting = waited = true;
        pthread_cond_wait(&l->progress, &l->lock);
    }
    l->waiting = false;
    crew_learn(&l->crew, waited, l->full);
    return s;
}

batch *loader_next(loader *l) {
    double begin = clock_seconds();
    batch *ready = NULL;
    pthread_mutex_lock(&l->lock);
    if (!l->paused && l->next_take < l->batches) {
        slot *s = await_batch(l, l->next_take);
        l->next_take++;
        s->state = SLOT_HELD;
        ready = &s->batch;
    }
    pthread_mutex_unlock(&l->lock);
    if (ready) ready->wait = clock_seconds() - begin;
    return ready;
}

void loader_release(loader *l, batch *b) {
    slot *s = (slot *)b;
    pthread_mutex_lock(&l->lock);
    l->full = slots_ready(&l->slots) == l->p.depth - 1;
    s->state = SLOT_FREE;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
}

loader_times loader_worked(const loader *l) {
    static const double nanosecond = 1e-9;
    const sampler *s = &l->sampler;
    return (loader_times){
        .decode = nanosecond * (double)atomic_load_explicit(&s->decode_nanoseconds, memory_order_relaxed),
        .transform =
            nanosecond * (double)atomic_load_explicit(&s->transform_nanoseconds, memory_order_relaxed),
        .workers = l->p.workers,
    };
}

int loader_queue_depth(loader *l) {
    pthread_mutex_lock(&l->lock);
    int ready = slots_ready(&l->slots);
    pthread_mutex_unlock(&l->lock);
    return ready;
}

size_t loader_skipped(loader *l, const thaw_skipped **out) {
    pthread_mutex_lock(&l->lock);
    if (l->shown_count != l->skipped_count) {
        l->shown = xreallocarray(l->shown, l->skipped_count, sizeof *l->shown);
        l->shown_count = 0;
        for (size_t i = 0; i < l->split->count; i++)
            if (l->reason[i])
                l->shown[l->shown_count++] =
                    (thaw_skipped){.file = l->split->item[i].path, .reason = l->reason[i]};
    }
    pthread_mutex_unlock(&l->lock);
    *out = l->shown;
    return l->shown_count;
}
