/*
 * slots.c - see slots.h.
 */
#include "engine/data/slots.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

size_t slots_sample_bytes(const loader_params *p) {
    return (size_t)p->transform.crop * (size_t)p->transform.crop * BATCH_CHANNELS;
}

static void slot_init(slot *s, const loader_params *p) {
    size_t images = (size_t)p->batch_size, bytes = images * slots_sample_bytes(p);
    s->batch.pixels = p->take_memory ? p->take_memory(p->memory_user, bytes) : NULL;
    if (!s->batch.pixels) s->batch.pixels = s->own = xmalloc(bytes);
    s->batch.label = xcalloc(images, sizeof *s->batch.label);
    s->batch.index = xcalloc(images, sizeof *s->batch.index);
    s->batch.entry = xcalloc(images, sizeof *s->batch.entry);
    s->batch.loaded = xcalloc(images, sizeof *s->batch.loaded);
    s->good = xcalloc(images, sizeof *s->good);
}

slots slots_make(const loader_params *p) {
    slots s = {.count = p->depth, .sample_bytes = slots_sample_bytes(p)};
    s.item = xcalloc((size_t)s.count, sizeof *s.item);
    for (int i = 0; i < s.count; i++)
        slot_init(&s.item[i], p);
    return s;
}

void slots_clear(slots *s) {
    for (int i = 0; i < s->count; i++) {
        free(s->item[i].own);
        free(s->item[i].batch.label);
        free(s->item[i].batch.index);
        free(s->item[i].batch.entry);
        free(s->item[i].batch.loaded);
        free(s->item[i].good);
    }
    free(s->item);
    *s = (slots){0};
}

slot *slots_find(const slots *s, int number) {
    for (int i = 0; i < s->count; i++) {
        slot *it = &s->item[i];
        if ((it->state == SLOT_FILLING || it->state == SLOT_READY) && it->batch.number == number) return it;
    }
    return NULL;
}

slot *slots_find_free(const slots *s) {
    for (int i = 0; i < s->count; i++)
        if (s->item[i].state == SLOT_FREE) return &s->item[i];
    return NULL;
}

int slots_ready(const slots *s) {
    int ready = 0;
    for (int i = 0; i < s->count; i++)
        ready += s->item[i].state == SLOT_READY;
    return ready;
}

void slots_let_go(slots *s) {
    for (int i = 0; i < s->count; i++)
        if (s->item[i].state != SLOT_HELD) s->item[i].state = SLOT_FREE;
}

void slot_begin(slot *s, int number, int wanted) {
    s->state = SLOT_FILLING;
    s->wanted = wanted;
    s->taken = s->done = 0;
    s->batch.number = number;
    s->batch.count = 0;
}

void slot_close_gaps(slot *s, size_t sample_bytes) {
    int kept = 0;
    batch *b = &s->batch;
    for (int i = 0; i < s->wanted; i++) {
        if (!s->good[i]) continue;
        if (kept != i) {
            if (b->loaded[i])
                memcpy(b->pixels + (size_t)kept * sample_bytes, b->pixels + (size_t)i * sample_bytes,
                       sample_bytes);
            b->label[kept] = b->label[i];
            b->index[kept] = b->index[i];
            b->entry[kept] = b->entry[i];
            b->loaded[kept] = b->loaded[i];
        }
        kept++;
    }
    b->count = kept;
}
