/*
 * saver.h - one piece of work at a time, done by a thread beside the one that asks for it.
 *
 * A thread lives as long as its work: starting one takes some 50 microseconds, and is asked for once an
 * epoch. It is a little nicer than others (man 2 nice), for whoever it works for computes meanwhile, and
 * leaves a real-time policy that it inherits (of chrt -r 1 thaw train), where being nice means nothing. Other
 * threads keep it: training waits for what loaders and libtorch's threads make.
 */
#ifndef ENGINE_TRAIN_SAVER_H
#define ENGINE_TRAIN_SAVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "thaw/status.h"

typedef thaw_status saver_work(void *user);

/* Zero-initialise. The asking thread's, but for what is marked. */
typedef struct saver {
    pthread_t thread;
    bool busy; /* work was begun and not yet ended */
    saver_work *work;
    void *user;
    thaw_status status; /* the working thread's until DONE */
    atomic_bool done;
} saver;

/* Have WORK(USER) done. Nothing may be at work. A failure is that of starting the thread. */
thaw_status saver_begin(saver *s, saver_work *work, void *user);
bool saver_done(saver *s); /* saver_end would not wait */
/* What became of the work that was begun; waits for it. To be called once each time. */
thaw_status saver_end(saver *s);

#endif
