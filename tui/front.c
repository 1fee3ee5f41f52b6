/*
 * front.c - see front.h. The front takes its signals with sigwaitinfo, so it has no handlers and nothing to
 * share with them.
 */
#include "tui/front.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tui/rescue.h"

enum { SIGNALLED = 128 };

/* What the shell, or anybody who takes the front for the program, may send it. */
static const int passed_on[] = {SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGTSTP, SIGCONT};
static const int let_go_signal = SIGUSR1; /* from the worker, with the exit code */

/* The worker's: its front, or 0. A process has one, as it has one parent. */
static pid_t front_pid;

static sigset_t front_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof passed_on / sizeof *passed_on; i++)
        sigaddset(&set, passed_on[i]);
    sigaddset(&set, let_go_signal);
    sigaddset(&set, SIGCHLD);
    return set;
}

/* Die as the worker died, so that the shell says the same of us; it has left a core file if one was wanted.
 */
static int die_of(int number) {
    struct rlimit none = {0, 0};
    sigset_t set;
    rescue_after_worker();
    if (number == SIGKILL)
        fputs("thaw: killed; if nobody did that, the memory was not enough. `thaw resume last` goes on from "
              "the last "
              "checkpoint\n",
              stderr);
    setrlimit(RLIMIT_CORE, &none);
    signal(number, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    raise(number);
    return SIGNALLED + number;
}

/* Something happened to the worker; true when it is over. */
static bool look_after(pid_t worker, int *code) {
    int status;
    while (waitpid(worker, &status, WNOHANG | WUNTRACED) == worker) {
        if (WIFEXITED(status)) {
            *code = WEXITSTATUS(status);
            return true;
        }
        if (WIFSIGNALED(status)) {
            *code = die_of(WTERMSIG(status));
            return true;
        }
        raise(SIGSTOP); /* it was stopped, and so are we, which is what the shell sees */
        kill(worker, SIGCONT);
    }
    return false;
}

static int wait_for(pid_t worker, const sigset_t *set) {
    siginfo_t info;
    int code = EXIT_FAILURE;
    for (;;) {
        int number = sigwaitinfo(set, &info);
        if (number < 0) continue;
        if (number == SIGCHLD) {
            if (look_after(worker, &code)) return code;
        } else if (number != let_go_signal) {
            if (info.si_code != SI_KERNEL)
                kill(worker, number); /* the terminal's own reach the worker as well */
        } else if (info.si_pid == worker) {
            return info.si_value.sival_int;
        }
    }
}

static void begin_work(pid_t front, const sigset_t *mask) {
    front_pid = front;
    prctl(PR_SET_PDEATHSIG, FRONT_DIED);
    if (getppid() != front) _exit(EXIT_FAILURE); /* it was killed before that */
    sigprocmask(SIG_SETMASK, mask, NULL);
}

bool front_split(int *code) {
    sigset_t set = front_signals(), before;
    pid_t front = getpid();
    rescue_share();
    fflush(stdout);
    fflush(stderr);
    signal(SIGCHLD, SIG_DFL); /* if it were ignored, there would be nothing to wait for */
    sigprocmask(SIG_BLOCK, &set, &before);
    pid_t worker = fork();
    if (worker == 0) begin_work(front, &before);
    if (worker > 0) *code = wait_for(worker, &set);
    if (worker != 0) sigprocmask(SIG_SETMASK, &before, NULL);
    return worker > 0;
}

bool front_there(void) {
    return front_pid != 0;
}

void front_awaken(void) {
    if (front_pid) kill(front_pid, SIGCONT);
}

void front_let_go(int code) {
    if (!front_pid) return;
    prctl(PR_SET_PDEATHSIG, 0);
    setsid(); /* possible, since a forked process leads no group */
    sigqueue(front_pid, let_go_signal, (union sigval){.sival_int = code});
    front_pid = 0;
}
