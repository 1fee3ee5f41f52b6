/*
 * series.c - see series.h.
 */
#include "tui/series.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "engine/base/alloc.h"

static void absorb(series_bucket *into, const series_bucket *b) {
    if (b->finite && (!into->finite || b->low < into->low)) into->low = b->low;
    if (b->finite && (!into->finite || b->high > into->high)) into->high = b->high;
    into->sum += b->sum;
    into->finite += b->finite;
    into->broken += b->broken;
    into->last = b->last;
}

/* The same of one value, which is frequent. */
static inline void put(series_bucket *into, int64_t x, double y) {
    bool finite = isfinite(y);
    if (finite && (!into->finite || y < into->low)) into->low = y;
    if (finite && (!into->finite || y > into->high)) into->high = y;
    into->sum += finite ? y : 0;
    into->finite += finite;
    into->broken += !finite;
    into->last = x;
}

/* Divisions are slow, and all but the first values of a bucket can do without. */
static void find_end(series *s) {
    int64_t place = s->bucket[s->count - 1].first / s->width;
    s->end = place >= 0 ? (place + 1) * s->width : place * s->width + 1;
}

/* Double the width: buckets that now share a place become one. */
static void halve(series *s) {
    size_t kept = 0;
    s->width *= 2;
    for (size_t i = 1; i < s->count; i++) {
        if (s->bucket[i].first / s->width == s->bucket[kept].first / s->width)
            absorb(&s->bucket[kept], &s->bucket[i]);
        else
            s->bucket[++kept] = s->bucket[i];
    }
    s->count = kept + 1;
    find_end(s);
}

void series_add(series *s, int64_t x, double y) {
    if (!s->width) s->width = 1;
    while (!(s->count && x < s->end) && s->count >= SERIES_BUCKETS_MAX)
        halve(s);
    /* After merging, the value may belong to the last bucket. */
    if (!(s->count && x < s->end)) {
        s->bucket = vec_reserve(s->bucket, &s->capacity, s->count + 1, sizeof *s->bucket);
        s->bucket[s->count++] = (series_bucket){.first = x};
        find_end(s);
    }
    put(&s->bucket[s->count - 1], x, y);
}

void series_cut(series *s, int64_t x) {
    while (s->count && s->bucket[s->count - 1].first >= x)
        s->count--;
    if (s->count) find_end(s);
}

void series_clear(series *s) {
    free(s->bucket);
    *s = (series){0};
}

double series_mean(const series_bucket *b) {
    return b->finite ? b->sum / b->finite : NAN;
}

const series_bucket *series_near(const series *s, int64_t x) {
    size_t low = 0, high = s->count;
    while (low < high) { /* the first bucket that ends at or after X */
        size_t middle = low + (high - low) / 2;
        if (s->bucket[middle].last < x)
            low = middle + 1;
        else
            high = middle;
    }
    if (!s->count) return NULL;
    if (low == s->count) return &s->bucket[low - 1];
    if (low > 0 && s->bucket[low].first > x && x - s->bucket[low - 1].last < s->bucket[low].first - x) low--;
    return &s->bucket[low];
}
