/*
 * clock.c - see clock.h.
 */
#include "engine/base/clock.h"

#include <time.h>

static double read_clock(clockid_t id) {
    struct timespec now;
    clock_gettime(id, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double clock_seconds(void) {
    return read_clock(CLOCK_MONOTONIC);
}

double clock_wall_seconds(void) {
    return read_clock(CLOCK_REALTIME);
}
