/*
 * lock.h - who has a run: an open-file-description lock on the file `lock` of its folder, which also says
 * which process took it and when the run was started.
 *
 * The kernel releases the lock however its holder ends, and asking about it does not take it, so a listing
 * can never get in the way of a start. On a file system without locks everybody is let in and no run looks
 * alive.
 */
#ifndef ENGINE_RUN_LOCK_H
#define ENGINE_RUN_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "thaw/status.h"

typedef struct run_owner {
    int64_t pid;
    char host[64];
    double started; /* Unix time of the run's first start; NaN: not known */
} run_owner;

/* Take the lock of FOLDER, creating it; fails with THAW_ERR_USAGE naming the process that has it. *FD keeps
   it until it is closed. The file keeps the first start's time. */
thaw_status run_lock_take(const char *folder, int *fd);
bool run_lock_held(const char *folder);                  /* by anybody, this process included */
bool run_lock_owner(const char *folder, run_owner *out); /* what the file says; false when it says nothing */

#endif
