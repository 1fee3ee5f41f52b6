/*
 * picture_store.c - see picture_store.h.
 *
 * A load is a job with a list of pictures; the UI thread looks into it at each frame, under its lock, and
 * takes what is ready. When a frame wants something that is not in the load, the load is asked to stop, and
 * the next one begins when it has: so there is never more than one decoder at work, however fast somebody
 * scrolls.
 */
#include "tui/picture_store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

enum { SLOTS = 256, BYTES_MAX = 24 << 20 };

typedef enum slot_state { SLOT_MISSING, SLOT_HERE, SLOT_BAD } slot_state;

typedef struct slot {
    picture_key key; /* its path is owned */
    slot_state state;
    thaw_picture picture;
    char *problem;
    unsigned frame; /* in which it was wanted last */
} slot;

/* One picture of a load. Everything but KEY is guarded by the load's lock. */
typedef struct load_item {
    picture_key key; /* its path is owned */
    bool unwanted, ready, taken;
    thaw_picture picture;
    char *problem;
} load_item;

typedef struct load {
    picture_store *store; /* NULL: nobody waits for it any more */
    job *job;
    thaw_recipe recipe;
    pthread_mutex_t lock;
    load_item *item;
    size_t count;
} load;

struct picture_store {
    app *app;
    slot slot[SLOTS];
    int count;
    unsigned frame;
    load *load; /* NULL: none is under way */
    size_t bytes;
};

static bool same_key(const picture_key *a, const picture_key *b) {
    return a->kind == b->kind && a->side == b->side && a->index == b->index && a->epoch == b->epoch &&
           !strcmp(a->path, b->path);
}

/* ---- loading: in the job's thread ---- */

static thaw_status make_picture(job *j, const load_item *item, thaw_viewer *v, thaw_picture *out) {
    const picture_key *k = &item->key;
    if (k->kind == PICTURE_FILE) return thaw_picture_read(k->path, k->side, job_keep_going, j, out);
    return thaw_viewer_show(v, k->path, k->kind == PICTURE_TRAINING, k->index, k->epoch, k->side, out);
}

static bool is_unwanted(load *l, load_item *item) {
    pthread_mutex_lock(&l->lock);
    bool unwanted = item->unwanted;
    pthread_mutex_unlock(&l->lock);
    return unwanted;
}

static void load_one(job *j, load *l, load_item *item, thaw_viewer **v) {
    thaw_picture picture = {0};
    thaw_status status = thaw_ok();
    if (item->key.kind != PICTURE_FILE && !*v) status = thaw_viewer_new(&l->recipe, v);
    if (*v) thaw_viewer_ask(*v, job_keep_going, j);
    if (!thaw_failed(&status)) status = make_picture(j, item, *v, &picture);
    if (status.code == THAW_ERR_CANCELLED) return; /* nobody wants it, so it is no bad one either */
    pthread_mutex_lock(&l->lock);
    item->picture = picture;
    item->problem = thaw_failed(&status) ? xstrdup(status.message) : NULL;
    item->ready = true;
    pthread_mutex_unlock(&l->lock);
}

static void load_work(job *j, void *data) {
    load *l = data;
    thaw_viewer *v = NULL;
    for (size_t i = 0; i < l->count && !job_cancelled(j); i++) {
        if (is_unwanted(l, &l->item[i])) continue;
        load_one(j, l, &l->item[i], &v);
        job_wake(j);
    }
    thaw_viewer_free(v);
}

/* ---- the store: on the UI thread ---- */

static void slot_clear(picture_store *s, slot *x) {
    s->bytes -= (size_t)x->picture.width * (size_t)x->picture.height * 3;
    free((char *)x->key.path);
    free(x->problem);
    thaw_picture_clear(&x->picture);
}

static void drop(picture_store *s, int at) {
    slot_clear(s, &s->slot[at]);
    s->slot[at] = s->slot[--s->count];
}

static slot *find(picture_store *s, const picture_key *key) {
    for (int i = 0; i < s->count; i++)
        if (same_key(&s->slot[i].key, key)) return &s->slot[i];
    return NULL;
}

/* Let go of what was wanted longest ago, as long as there is too much; never of what shows now. */
static void make_room(picture_store *s, int slots) {
    while (s->count > 0 && (s->count + slots > SLOTS || s->bytes > BYTES_MAX)) {
        int oldest = 0;
        for (int i = 1; i < s->count; i++)
            if (s->frame - s->slot[i].frame > s->frame - s->slot[oldest].frame) oldest = i;
        if (s->slot[oldest].frame == s->frame) return;
        drop(s, oldest);
    }
}

/* What L has ready becomes the store's. */
static void take_ready(picture_store *s, load *l) {
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < l->count; i++) {
        load_item *item = &l->item[i];
        slot *x = item->ready && !item->taken ? find(s, &item->key) : NULL;
        if (!x || x->state != SLOT_MISSING) continue;
        x->picture = item->picture;
        x->problem = item->problem;
        x->state = item->problem ? SLOT_BAD : SLOT_HERE;
        s->bytes += (size_t)x->picture.width * (size_t)x->picture.height * 3;
        item->picture = (thaw_picture){0};
        item->problem = NULL;
        item->taken = true;
    }
    pthread_mutex_unlock(&l->lock);
}

static void load_done(app *a, void *data) {
    load *l = data;
    if (l->store) {
        take_ready(l->store, l);
        l->store->load = NULL;
        app_redraw(a);
    }
    for (size_t i = 0; i < l->count; i++) {
        free((char *)l->item[i].key.path);
        free(l->item[i].problem);
        thaw_picture_clear(&l->item[i].picture);
    }
    free(l->item);
    thaw_recipe_clear(&l->recipe);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static picture_key copy_key(const picture_key *key) {
    picture_key copy = *key;
    copy.path = xstrdup(key->path);
    return copy;
}

static bool is_missing(const picture_store *s, const slot *x) {
    return x->state == SLOT_MISSING && x->frame == s->frame;
}

static void start_load(picture_store *s) {
    load *l = xcalloc(1, sizeof *l);
    l->item = xcalloc((size_t)s->count, sizeof *l->item);
    for (int i = 0; i < s->count; i++)
        if (is_missing(s, &s->slot[i])) l->item[l->count++].key = copy_key(&s->slot[i].key);
    l->store = s;
    thaw_recipe_copy(app_recipe(s->app), &l->recipe);
    pthread_mutex_init(&l->lock, NULL);
    s->load = l;
    l->job = app_job(s->app, "pictures", load_work, load_done, l);
}

/* Tell the load what does not show any more. True: it has all that is missing. */
static bool revise_load(picture_store *s, load *l) {
    int missing = 0, coming = 0;
    for (int i = 0; i < s->count; i++)
        missing += is_missing(s, &s->slot[i]);
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < l->count; i++) {
        slot *x = find(s, &l->item[i].key);
        l->item[i].unwanted = !x || !is_missing(s, x);
        coming += !l->item[i].unwanted && !l->item[i].ready;
    }
    pthread_mutex_unlock(&l->lock);
    return coming >= missing;
}

picture_store *picture_store_new(app *a) {
    picture_store *s = xcalloc(1, sizeof *s);
    s->app = a;
    return s;
}

static void abandon_load(picture_store *s) {
    if (!s->load) return;
    s->load->store = NULL;
    job_cancel(s->load->job);
    s->load = NULL;
}

void picture_store_forget(picture_store *s) {
    abandon_load(s);
    while (s->count)
        drop(s, s->count - 1);
}

void picture_store_forget_views(picture_store *s) {
    bool any = false;
    for (int i = s->count - 1; i >= 0; i--) {
        if (s->slot[i].key.kind == PICTURE_FILE) continue;
        drop(s, i);
        any = true;
    }
    if (any) abandon_load(s);
}

void picture_store_free(picture_store *s) {
    picture_store_forget(s);
    free(s);
}

void picture_store_begin(picture_store *s) {
    s->frame++;
    if (s->load) take_ready(s, s->load);
}

picture_state picture_store_want(picture_store *s, const picture_key *key) {
    slot *x = find(s, key);
    if (!x) {
        make_room(s, 1);
        if (s->count == SLOTS) return (picture_state){0};
        x = &s->slot[s->count++];
        *x = (slot){.key = copy_key(key)};
    }
    x->frame = s->frame;
    return (picture_state){.picture = x->state == SLOT_HERE ? &x->picture : NULL, .problem = x->problem};
}

void picture_store_end(picture_store *s) {
    bool missing = false;
    make_room(s, 0);
    for (int i = s->count - 1; i >= 0; i--) {
        if (s->slot[i].state == SLOT_MISSING && s->slot[i].frame != s->frame) drop(s, i);
    }
    for (int i = 0; i < s->count; i++)
        missing |= is_missing(s, &s->slot[i]);
    if (s->load && !revise_load(s, s->load)) job_cancel(s->load->job);
    if (!s->load && missing) start_load(s);
}

size_t picture_store_bytes(const picture_store *s) {
    return s->bytes;
}
