/*
 * thread.c - see thread.h.
 */
#include "engine/base/thread.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* Signals that a thread causes itself: were they blocked, the kernel would end the process unannounced. */
static const int own_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};

thaw_status thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *argument) {
    sigset_t all, before;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof own_signals / sizeof *own_signals; i++)
        sigdelset(&all, own_signals[i]);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* the new thread inherits the mask */
    int error = pthread_create(thread, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) return thaw_error_errno(error, "cannot start the thread \"%s\"", name);
    pthread_setname_np(*thread, name);
    return thaw_ok();
}

/* CPUs granted by the cgroup's quota (version 2), rounded up; 0 when there is none. */
static int cgroup_cpus(void) {
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (!file) return 0;
    long quota = 0, period = 0;
    int found = fscanf(file, "%ld %ld", &quota, &period);
    fclose(file);
    return found == 2 && period > 0 && quota > 0 ? (int)((quota + period - 1) / period) : 0;
}

int cpu_count(void) {
    cpu_set_t set;
    int count =
        sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
    int quota = cgroup_cpus();
    if (quota && quota < count) count = quota;
    return count > 0 ? count : 1;
}
