/*
 * retry.c - see retry.h.
 */
#include "engine/net/retry.h"

#include <math.h>

const double retry_asked_most = 120;
static const double most = 30; /* seconds */
enum { DOUBLINGS_MAX = 16 };

bool retry_status(int status) {
    if (status == 408 || status == 425 || status == 429) return true;
    return status >= 500 && status <= 599 && status != 501 && status != 505;
}

double retry_wait(int failures, double first, double unit, double asked) {
    int doublings = failures < 1 ? 0 : failures - 1;
    double wait = ldexp(first, doublings < DOUBLINGS_MAX ? doublings : DOUBLINGS_MAX);
    if (wait > most) wait = most;
    wait *= 0.5 + 0.5 * unit;
    return asked > wait ? asked : wait;
}
