/*
 * pace.h - how fast bytes come: an average over the last few seconds, not over the whole time.
 */
#ifndef ENGINE_NET_PACE_H
#define ENGINE_NET_PACE_H

#include <stdint.h>

typedef struct pace {
    double since; /* when `bytes` was counted */
    int64_t bytes;
    double rate; /* bytes a second; NaN: not known yet */
} pace;

/* At BYTES of the file at time NOW (seconds). Also after a restart, which has taken bytes away. */
pace pace_begin(double now, int64_t bytes);
void pace_add(pace *p, double now, int64_t bytes);
/* Seconds until TOTAL (-1: not known) is reached; NaN when nobody can say. */
double pace_left(const pace *p, int64_t total);

#endif
