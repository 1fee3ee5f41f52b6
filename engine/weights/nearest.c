/*
 * nearest.c - which architectures a file that fits none is most like. Keys and shapes both count: a ResNet
 * with another first layer shares all its keys with every ResNet of its depth and most of its shapes with
 * one.
 */
#include <string.h>

#include "engine/base/str.h"
#include "engine/models/registry.h"
#include "engine/weights/weights_file.h"

typedef struct counting {
    const weights_file *f;
    size_t model, keys, shapes;
} counting;

/* Every file may lack this counter, so it counts for nothing. */
static bool is_counter(const char *key) {
    const char *last = strrchr(key, '.');
    return last && !strcmp(last, ".num_batches_tracked");
}

static thaw_status count_param(void *user, layer *l, param *p, const char *key) {
    (void)l;
    counting *c = user;
    if (is_counter(key)) return thaw_ok();
    const weights_entry *e = weights_find(c->f, key);
    c->model++;
    c->keys += e != NULL;
    c->shapes += e && shape_equal(&e->size, &p->size);
    return thaw_ok();
}

static size_t count_entries(const weights_file *f) {
    size_t count = 0;
    for (size_t i = 0; i < f->count; i++)
        count += !is_counter(f->entry[i].key);
    return count;
}

/* The share of all tensors, the file's and the model's together, that both have. */
static bool measure(const weights_file *f, size_t entries, const arch *candidate, thaw_weights_match *out) {
    model *m = NULL;
    counting c = {.f = f};
    thaw_status status = model_build(candidate->name, 0, 0, 0, &m);
    if (!thaw_failed(&status)) status = model_each_param(m, count_param, &c);
    model_free(m);
    if (thaw_failed(&status) || !c.keys) return false;
    double all = (double)(c.model + entries - c.keys);
    *out = (thaw_weights_match){candidate->name, (double)c.keys / all, (double)c.shapes / all};
    return true;
}

static bool is_nearer(const thaw_weights_match *a, const thaw_weights_match *b) {
    return a->shapes != b->shapes ? a->shapes > b->shapes : a->keys > b->keys;
}

/* MATCH into its place among the COUNT best in BEST; the new count. */
static size_t insert(thaw_weights_match best[THAW_WEIGHTS_NEAREST], size_t count, thaw_weights_match match) {
    size_t at = count;
    while (at && is_nearer(&match, &best[at - 1]))
        at--;
    if (at == THAW_WEIGHTS_NEAREST) return count;
    if (count < THAW_WEIGHTS_NEAREST) count++;
    for (size_t i = count - 1; i > at; i--)
        best[i] = best[i - 1];
    best[at] = match;
    return count;
}

size_t weights_nearest(const weights_file *f, thaw_weights_match best[THAW_WEIGHTS_NEAREST]) {
    size_t count = 0, entries = count_entries(f);
    const arch *candidate;
    for (size_t i = 0; (candidate = arch_at(i)); i++) {
        thaw_weights_match match;
        if (measure(f, entries, candidate, &match)) count = insert(best, count, match);
    }
    return count;
}

void weights_append_nearest(const weights_file *f, str *text) {
    thaw_weights_match best[THAW_WEIGHTS_NEAREST];
    size_t count = weights_nearest(f, best);
    if (!count) {
        str_append(text, "thaw knows no architecture with even one of its keys");
        return;
    }
    str_append(text, count > 1 ? "nearest are " : "nearest is ");
    for (size_t i = 0; i < count; i++)
        str_appendf(text, "%s%s (%.0f %% of the keys, %.0f %% with their shapes)", i ? ", " : "",
                    best[i].arch, 100 * best[i].keys, 100 * best[i].shapes);
}
