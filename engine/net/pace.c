/*
 * pace.c - see pace.h.
 */
#include "engine/net/pace.h"

#include <math.h>

static const double least = 0.2; /* seconds between two measurements: shorter ones are noise */
static const double memory = 3;  /* seconds after which an old measurement counts 1/e */

pace pace_begin(double now, int64_t bytes) {
    return (pace){.since = now, .bytes = bytes, .rate = (double)NAN};
}

void pace_add(pace *p, double now, int64_t bytes) {
    double passed = now - p->since;
    if (bytes < p->bytes) *p = pace_begin(now, bytes);
    if (now - p->since < least) return;
    double rate = (double)(bytes - p->bytes) / passed, kept = exp(-passed / memory);
    p->rate = isnan(p->rate) ? rate : kept * p->rate + (1 - kept) * rate;
    p->since = now;
    p->bytes = bytes;
}

double pace_left(const pace *p, int64_t total) {
    if (total < p->bytes || !(p->rate > 0)) return (double)NAN;
    return (double)(total - p->bytes) / p->rate;
}
