/*
 * interrupt.c - see interrupt.h.
 */
#include "tui/commands/interrupt.h"

#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "tui/commands/command.h"

static const int watched[] = {SIGINT, SIGTERM, SIGHUP};
enum { WATCHED = sizeof watched / sizeof watched[0], AT_ONCE = 3 };

/* The process's count, not a program's state: a signal handler has nothing else to write to. */
static volatile sig_atomic_t interrupts;

static void on_signal(int number) {
    (void)number;
    interrupts = interrupts + 1;
    if (interrupts >= AT_ONCE) _exit(EXIT_INTERRUPTED);
}

static void mask_watched(int how) {
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < WATCHED; i++)
        sigaddset(&set, watched[i]);
    pthread_sigmask(how, &set, NULL);
}

void interrupt_watch(void) {
    mask_watched(SIG_BLOCK);
    for (int i = 0; i < WATCHED; i++) {
        struct sigaction before, now = {.sa_handler = on_signal};
        sigaction(watched[i], NULL, &before);
        if (before.sa_handler != SIG_IGN) sigaction(watched[i], &now, NULL);
    }
}

void interrupt_allow(void) {
    mask_watched(SIG_UNBLOCK);
}

int interrupt_count(void) {
    return interrupts;
}

void interrupt_wait(int fd, double timeout) {
    struct pollfd one = {.fd = fd, .events = POLLIN};
    struct timespec limit = {.tv_sec = (time_t)timeout,
                             .tv_nsec = (long)((timeout - (double)(time_t)timeout) * 1e9)};
    sigset_t set;
    pthread_sigmask(SIG_BLOCK, NULL, &set);
    for (int i = 0; i < WATCHED; i++)
        sigdelset(&set, watched[i]);
    (void)!ppoll(&one, 1, &limit, &set);
}
