/*
 * saver.c - see saver.h.
 */
#include "engine/train/saver.h"

#include <sched.h>
#include <unistd.h>

#include "engine/base/thread.h"

enum { NICER = 5 }; /* a quarter of a core that is fought over */

/* On Linux both calls are about the calling thread, which ends with its work. */
static void give_way(void) {
    (void)!nice(NICER);
    int policy = sched_getscheduler(0);
    if (policy == SCHED_FIFO || policy == SCHED_RR)
        (void)!sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){0}); /* may always be given up */
}

static void *saver_main(void *user) {
    saver *s = user;
    give_way();
    s->status = s->work(s->user);
    atomic_store(&s->done, true);
    return NULL;
}

thaw_status saver_begin(saver *s, saver_work *work, void *user) {
    s->work = work;
    s->user = user;
    atomic_store(&s->done, false);
    THAW_TRY(thread_start(&s->thread, "thaw-saver", saver_main, s));
    s->busy = true;
    return thaw_ok();
}

bool saver_done(saver *s) {
    return atomic_load(&s->done);
}

thaw_status saver_end(saver *s) {
    pthread_join(s->thread, NULL);
    s->busy = false;
    return s->status;
}
