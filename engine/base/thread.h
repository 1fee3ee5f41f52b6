/*
 * thread.h - threads with every signal blocked, so that only the UI thread sees them. A crash of their own
 * (SIGSEGV, SIGABRT, ...) still reaches the handler that restores the terminal.
 */
#ifndef ENGINE_BASE_THREAD_H
#define ENGINE_BASE_THREAD_H

#include <pthread.h>

#include "thaw/status.h"

/* Start RUN(argument) in a joinable thread named NAME (15 characters at most show in top). */
thaw_status thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *argument);

int cpu_count(void); /* cores this process may use (affinity and cgroup quota respected), at least 1 */

#endif
