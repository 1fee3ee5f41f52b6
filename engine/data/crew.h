/*
 * crew.h - how many of a loader's threads may work at once. Private to engine/data; the loader's lock guards
 * it.
 *
 * A thread for each core is there, and whoever takes the batches computes on the same cores. So while he
 * computes only as many work as there are cores left (one at least), fewer if the batches are there anyway;
 * while he waits for a batch all of them do. Batches do not depend on any of it.
 */
#ifndef ENGINE_DATA_CREW_H
#define ENGINE_DATA_CREW_H

#include <stdbool.h>

typedef struct crew {
    int threads;     /* there are */
    int least, most; /* that may work beside the computing */
    int active;      /* that may now, least..most */
    int abundance;   /* batches taken in a row while all others were ready */
} crew;

/* WORKERS > 0: as many, always. 0: a thread for each of CORES, of which the caller uses COMPUTING (0: all).
 */
crew crew_make(int workers, int cores, int computing);
/* How many may work now; WAITING: the caller waits for a batch. */
int crew_limit(const crew *c, bool waiting);
/* A batch was taken. WAITED: it was not ready; FULL: so were all the others. */
void crew_learn(crew *c, bool waited, bool full);

#endif
