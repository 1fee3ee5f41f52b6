/*
 * duplicates.c - the same picture more than once.
 *
 * Files of a size of their own have no twin, and of those of one size the beginning nearly always differs: so
 * a set without duplicates is told by a few kilobytes of some of its files. Only what is still alike then is
 * read to its end. Comparing pixels means decoding everything, which threads share: each takes the next image
 * from a counter and writes to that image's entry alone.
 */
#include "engine/data/duplicates.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/thread.h"
#include "engine/data/dataset.h"

enum { HEAD_BYTES = 4096, POLL_FILES = 64, THREADS_MAX = 16 };

static const double FILES_SHARE = 0.1; /* of the time, when pixels are compared as well */

typedef struct entry {
    picture_hash hash; /* of what was compared so far */
    uint64_t file;     /* equal for equal files; another for each that has no twin */
    int64_t bytes;
    uint32_t index;
    int label;
    bool train, read; /* READ: the hash is known */
} entry;

typedef struct search {
    const thaw_dataset *d;
    const thaw_duplicates_params *p;
    entry *item;
    size_t count;
    double done; /* share of the work, for the thread that asked for it */
    atomic_size_t next;
    atomic_bool cancelled;
} search;

/* ---- order ---- */

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_content(const entry *a, const entry *b) {
    int order = COMPARE(a->bytes, b->bytes);
    if (!order) order = COMPARE(b->read, a->read);
    if (!order) order = COMPARE(a->hash.high, b->hash.high);
    return order ? order : COMPARE(a->hash.low, b->hash.low);
}

static int compare_place(const entry *a, const entry *b) {
    int order = COMPARE(b->train, a->train);
    return order ? order : COMPARE(a->index, b->index);
}

static int by_content(const void *a, const void *b) {
    int order = compare_content(a, b);
    return order ? order : compare_place(a, b);
}

/* The end of the run of entries like the one at FIRST. */
static size_t run_end(const search *s, size_t first) {
    size_t end = first + 1;
    while (end < s->count && !compare_content(&s->item[first], &s->item[end]))
        end++;
    return end;
}

/* ---- hashing ---- */

static bool go_on(const search *s, double part) {
    return !s->p->go_on || s->p->go_on(s->p->user, part);
}

static char *entry_path(const search *s, const entry *e) {
    return path_join(s->d->root, thaw_dataset_file(s->d, e->train, e->index, NULL));
}

static thaw_status cancelled(const search *s) {
    return thaw_error(THAW_ERR_CANCELLED, "the search for duplicates in %s was stopped", s->d->root);
}

/* Hash up to MOST bytes of every file that has a like so far. Those of up to KNOWN bytes are hashed already.
 */
static thaw_status hash_alike(search *s, size_t most, int64_t known, double from, double to) {
    for (size_t first = 0, end; first < s->count; first = end) {
        end = run_end(s, first);
        bool alike = end - first > 1 && s->item[first].read && s->item[first].bytes > known;
        for (size_t i = first; alike && i < end; i++) {
            char *path = entry_path(s, &s->item[i]);
            s->item[i].read = picture_hash_file(path, most, &s->item[i].hash);
            free(path);
            double part = from + (to - from) * (double)i / (double)s->count;
            if (i % POLL_FILES == 0 && !go_on(s, part)) return cancelled(s);
        }
    }
    return go_on(s, to) ? thaw_ok() : cancelled(s);
}

static bool not_cancelled(void *user) {
    return !atomic_load(&((search *)user)->cancelled);
}

/* Ask whoever wants the search, and tell the others; the share that is done is then the same as before. */
static bool ask(void *user) {
    search *s = user;
    if (!go_on(s, s->done)) atomic_store(&s->cancelled, true);
    return not_cancelled(s);
}

/* ASKED is asked while a large picture decodes. */
static void hash_picture(search *s, entry *e, bool (*asked)(void *user)) {
    image_asker asker = {asked, s};
    char *path = entry_path(s, e);
    e->read = picture_hash_pixels(path, &asker, &e->hash);
    e->bytes = 0; /* files of different sizes may show the same */
    free(path);
}

static void *pixel_thread(void *user) {
    search *s = user;
    for (size_t i; (i = atomic_fetch_add(&s->next, 1)) < s->count && !atomic_load(&s->cancelled);)
        hash_picture(s, &s->item[i], not_cancelled);
    return NULL;
}

/* This thread takes part, and asks between two images whether to go on. */
static thaw_status hash_pixels(search *s) {
    pthread_t thread[THREADS_MAX];
    int wanted = cpu_count() - 1, started = 0;
    for (; started < wanted && started < THREADS_MAX; started++) {
        thaw_status status = thread_start(&thread[started], "thaw-pixels", pixel_thread, s);
        if (thaw_failed(&status)) break; /* slower, but it works with fewer */
    }
    for (size_t i; (i = atomic_fetch_add(&s->next, 1)) < s->count;) {
        s->done = FILES_SHARE + (1 - FILES_SHARE) * (double)i / (double)s->count;
        if (!ask(s)) break;
        hash_picture(s, &s->item[i], ask);
    }
    for (int i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
    return atomic_load(&s->cancelled) ? cancelled(s) : thaw_ok();
}

/* Files that are alike to the last byte stand next to each other afterwards, and have one number. */
static thaw_status compare_files(search *s, double whole) {
    qsort(s->item, s->count, sizeof *s->item, by_content);
    THAW_TRY(hash_alike(s, HEAD_BYTES, -1, 0, whole / 2));
    qsort(s->item, s->count, sizeof *s->item, by_content);
    THAW_TRY(hash_alike(s, 0, HEAD_BYTES, whole / 2, whole));
    qsort(s->item, s->count, sizeof *s->item, by_content);
    for (size_t first = 0, end; first < s->count; first = end) {
        end = run_end(s, first);
        for (size_t i = first; i < end; i++)
            s->item[i].file = s->item[i].read ? first : i;
    }
    return thaw_ok();
}

/* ---- what came of it ---- */

static void describe(thaw_twins *group, const entry *item, size_t count) {
    *group = (thaw_twins){.item = xcalloc(count, sizeof *group->item), .count = count};
    for (size_t i = 0; i < count; i++) {
        group->item[i] = (thaw_twin){item[i].index, item[i].train};
        group->pixels |= item[i].file != item[0].file;
        group->across |= item[i].train != item[0].train;
        group->classes |= item[i].label != item[0].label;
    }
}

static int compare_groups(const void *x, const void *y) {
    const thaw_twins *a = x, *b = y;
    int order = COMPARE(b->across, a->across);
    if (!order) order = COMPARE(b->classes, a->classes);
    if (!order) order = COMPARE(b->item[0].train, a->item[0].train);
    return order ? order : COMPARE(a->item[0].index, b->item[0].index);
}

static void gather(const search *s, thaw_duplicates *out) {
    size_t capacity = 0;
    for (size_t first = 0, end; first < s->count; first = end) {
        end = run_end(s, first);
        if (end - first < 2 || !s->item[first].read) continue;
        out->group = vec_reserve(out->group, &capacity, out->count + 1, sizeof *out->group);
        thaw_twins *group = &out->group[out->count++];
        describe(group, &s->item[first], end - first);
        out->across += group->across;
        out->classes += group->classes;
        out->files += group->count - 1;
        for (size_t i = 0; group->across && i < group->count; i++)
            out->across_val += !group->item[i].train;
    }
    if (out->count) qsort(out->group, out->count, sizeof *out->group, compare_groups);
}

static void add_side(search *s, bool train) {
    const split *side = train ? &s->d->train : &s->d->val;
    for (size_t i = 0; i < side->count; i++)
        s->item[s->count++] = (entry){.index = (uint32_t)i,
                                      .bytes = side->item[i].bytes,
                                      .label = side->item[i].label,
                                      .train = train,
                                      .read = true};
}

thaw_status thaw_duplicates_find(const thaw_dataset *d, const thaw_duplicates_params *params,
                                 thaw_duplicates *out) {
    search s = {.d = d, .p = params};
    *out = (thaw_duplicates){0};
    s.item = xcalloc(d->train.count + d->val.count, sizeof *s.item);
    add_side(&s, true);
    add_side(&s, false);
    thaw_status status = compare_files(&s, params->pixels ? FILES_SHARE : 1);
    if (!thaw_failed(&status) && params->pixels) {
        status = hash_pixels(&s);
        qsort(s.item, s.count, sizeof *s.item, by_content);
    }
    if (!thaw_failed(&status)) gather(&s, out);
    free(s.item);
    return status;
}

void thaw_duplicates_clear(thaw_duplicates *d) {
    for (size_t i = 0; i < d->count; i++)
        free(d->group[i].item);
    free(d->group);
    *d = (thaw_duplicates){0};
}
