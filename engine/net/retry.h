/*
 * retry.h - which failures are worth another try, and when. Plain functions, no clock and no network.
 */
#ifndef ENGINE_NET_RETRY_H
#define ENGINE_NET_RETRY_H

#include <stdbool.h>

/* An HTTP status that may be different a little later: 408, 425, 429, and most of 5xx. */
bool retry_status(int status);

/*
 * Seconds to wait after the FAILURES-th failure in a row (1, 2, ...): FIRST, doubled each time, 30 at most,
 * and of that a share between a half and all by UNIT (0..1, random), so that many who failed together do not
 * come back together. ASKED is the server's Retry-After in seconds; it is waited for when it is longer.
 */
double retry_wait(int failures, double first, double unit, double asked);

/* A server that asks for more than this many seconds is not waited for. */
extern const double retry_asked_most;

#endif
