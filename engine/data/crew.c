/*
 * crew.c - see crew.h.
 */
#include "engine/data/crew.h"

enum { ABUNDANCE = 8 /* batches in a row before one thread fewer works */ };

crew crew_make(int workers, int cores, int computing) {
    if (workers > 0) return (crew){.threads = workers, .least = workers, .most = workers, .active = workers};
    int left = computing > 0 ? cores - computing : 0;
    return (crew){.threads = cores, .least = 1, .most = left > 1 ? left : 1, .active = 1};
}

int crew_limit(const crew *c, bool waiting) {
    return waiting ? c->threads : c->active;
}

void crew_learn(crew *c, bool waited, bool full) {
    if (waited && c->active < c->most) c->active++;
    c->abundance = full && !waited ? c->abundance + 1 : 0;
    if (c->abundance < ABUNDANCE || c->active == c->least) return;
    c->active--;
    c->abundance = 0;
}
