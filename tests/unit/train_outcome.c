/*
 * train_outcome.c - see train_outcome.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "tests/unit/train_outcome.h"

static void look_at_cache(const rig *r, outcome *o) {
    const thaw_event *cache = rig_event(r, THAW_EVENT_CACHE, -1);
    if (!cache) return;
    o->found = cache->cache.found;
    o->filled = cache->cache.filled;
    o->entries = cache->cache.entries;
    o->bytes = cache->cache.bytes;
}

static void add_warning(outcome *o, const char *text) {
    char *before = o->warning;
    o->warning = xasprintf("%s%s\n", before ? before : "", text);
    o->warnings++;
    free(before);
}

/* Said of a machine whose disk is busy: nothing that a run comes to. */
static bool is_of_the_disk(const char *text) {
    return strncmp(text, "training waited", strlen("training waited")) == 0;
}

outcome outcome_of(const rig *r) {
    const thaw_event *epoch = rig_event(r, THAW_EVENT_EPOCH, -1);
    outcome o = {.digest = rig_digest(r, "", DIGEST_ALL),
                 .loss = epoch->epoch.train_loss,
                 .val_loss = epoch->epoch.val_loss};
    look_at_cache(r, &o);
    for (size_t i = 0; i < r->count; i++) {
        const thaw_event *e = &r->event[i];
        if (e->kind == THAW_EVENT_STEP && e->step.epoch == 0) o.first_cached += e->step.cached;
        if (e->kind == THAW_EVENT_STEP && e->step.epoch == epoch->epoch.epoch)
            o.last_cached += e->step.cached;
        bool warns = e->kind == THAW_EVENT_LOG && e->log.level >= 1;
        if (warns && !is_of_the_disk(e->log.text)) add_warning(&o, e->log.text);
    }
    return o;
}

outcome outcome_with(void (*on_event)(rig *r, const thaw_event *e), const char *const *assignments) {
    rig r;
    rig_train_with(&r, on_event, assignments);
    outcome o = outcome_of(&r);
    rig_clear(&r);
    return o;
}

void expect_same(const outcome *a, const outcome *b) {
    assert_true(a->digest == b->digest);
    assert_true(a->loss == b->loss);
    assert_true(a->val_loss == b->val_loss);
}
