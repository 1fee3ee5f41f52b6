/*
 * series.h - one figure over the steps of a run, in bounded memory however long the run is.
 *
 * Values are gathered in buckets of a whole number of steps. When there are too many buckets, neighbours are
 * merged and the width doubles; a bucket keeps the lowest, the highest and the mean of its values and how
 * many were not finite, so that a spike of one step among a million stays on the chart.
 */
#ifndef TUI_SERIES_H
#define TUI_SERIES_H

#include <stddef.h>
#include <stdint.h>

enum { SERIES_BUCKETS_MAX = 4096 };

typedef struct series_bucket {
    int64_t first, last;     /* steps of the first and the last value in it */
    double low, high;        /* of the finite values; meaningless when there are none */
    double sum;              /* of the finite values */
    uint32_t finite, broken; /* how many values are finite, and how many are NaN or infinite */
} series_bucket;

/* Zero-initialise; series_clear frees. Buckets are in ascending order of steps. */
typedef struct series {
    series_bucket *bucket;
    size_t count, capacity;
    int64_t width; /* steps a bucket covers; 0 before the first value */
    int64_t end;   /* of the last bucket: what is before it is not a new one's */
} series;

/* X at or after the last one added. */
void series_add(series *s, int64_t x, double y);
/* Forget what is at or after X (a bucket that began before X stays whole). */
void series_cut(series *s, int64_t x);
void series_clear(series *s);

double series_mean(const series_bucket *b); /* NaN when it has no finite value */
/* The bucket nearest to X, or NULL when there is none. */
const series_bucket *series_near(const series *s, int64_t x);

#endif
