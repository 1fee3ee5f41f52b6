/*
 * rescue.c - see rescue.h.
 */
#include "tui/rescue.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "tui/front.h"

enum {
    RESTORE_MAX = 256,
    RUN_MAX = 1024,
    FRAMES_MAX = 48,
    STACK_BYTES = 64 << 10,
    SIGNALS_TO_FORCE = 3,
    SIGNAL_EXIT = 128
};

/* What gives the terminal back: the worker's and its front's (front.h), in memory that both see. */
typedef struct give_back {
    volatile sig_atomic_t armed;
    struct termios saved;
    bool saved_ok;
    char restore[RESTORE_MAX];
    size_t restore_length;
} give_back;

static give_back alone; /* while it is not shared */

/* Everything a handler may touch. */
static struct {
    volatile sig_atomic_t lost, pending, polite_count;
    give_back *back;
    int fd;        /* the terminal */
    int report_fd; /* what standard error was, before the engine's output was captured */
    int wake[2];
    char run[RUN_MAX]; /* the folder of the run that is on, or "" */
    void *stack;
} rescue = {.back = &alone, .fd = -1, .report_fd = -1, .wake = {-1, -1}};

static const int crash_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
static const int resize_signals[] = {SIGWINCH};
static const int polite_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, FRONT_DIED};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void put(int fd, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t n = write(fd, bytes, count);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return;
        bytes += n;
        count -= (size_t)n;
    }
}

static void say(const char *text) {
    put(rescue.report_fd, text, strlen(text));
}

static void give_terminal_back(int fd) {
    give_back *b = rescue.back;
    if (!b->armed) return;
    b->armed = 0;
    put(fd, b->restore, b->restore_length);
    if (b->saved_ok) tcsetattr(fd, TCSANOW, &b->saved);
}

/* Async-signal-safe. */
static void restore_terminal(void) {
    if (!rescue.lost) give_terminal_back(rescue.fd);
}

static const char *crash_name(int number) {
    switch (number) {
    case SIGSEGV:
        return "a memory access outside what it owns (SIGSEGV)";
    case SIGBUS:
        return "a file or memory that went away (SIGBUS)";
    case SIGFPE:
        return "impossible arithmetic (SIGFPE)";
    case SIGILL:
        return "an instruction this processor does not have (SIGILL)";
    default:
        return "abort()";
    }
}

static void on_crash(int number) {
    restore_terminal();
    say("\nthaw crashed: ");
    say(crash_name(number));
    if (rescue.run[0]) {
        say("\nThe run was in ");
        say(rescue.run);
    }
    say("\nFinished checkpoints are whole; `thaw runs` lists them, `thaw resume last` goes on. It happened "
        "here:\n");
    void *frame[FRAMES_MAX];
    int frames = backtrace(frame, FRAMES_MAX);
    backtrace_symbols_fd(frame, frames, rescue.report_fd);
    say("Please report the lines above.\n");
    raise(number); /* the handler is gone (SA_RESETHAND): this ends the process */
}

static void on_polite(int number) {
    int error = errno;
    rescue.pending = number;
    if (number != SIGHUP && number != FRONT_DIED) rescue.polite_count++;
    if (rescue.polite_count >= SIGNALS_TO_FORCE) {
        restore_terminal();
        _exit(SIGNAL_EXIT + number);
    }
    (void)!write(rescue.wake[1], "s", 1);
    errno = error;
}

/* The event loop asks for the size itself: a change between two looks must not be missed. */
static void on_resize(int number) {
    (void)number;
    int error = errno;
    (void)!write(rescue.wake[1], "w", 1);
    errno = error;
}

static void on_no_memory(void) {
    restore_terminal();
    say("\nthaw: out of memory\n");
}

static void on_exit_somewhere(void) {
    restore_terminal();
}

static void install(const int *signals, size_t count, void (*handler)(int), int flags) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < count; i++)
        sigaction(signals[i], &action, NULL);
}

void rescue_save(int fd) {
    rescue.fd = fd;
    rescue.back->saved_ok = tcgetattr(fd, &rescue.back->saved) == 0;
}

void rescue_arm(const char *restore) {
    give_back *b = rescue.back;
    b->restore_length = strlen(restore);
    if (b->restore_length > sizeof b->restore) b->restore_length = 0;
    memcpy(b->restore, restore, b->restore_length);
    if (rescue.report_fd < 0) {
        rescue.report_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
        if (pipe2(rescue.wake, O_CLOEXEC | O_NONBLOCK)) rescue.wake[0] = rescue.wake[1] = -1;
        rescue.stack = xmalloc(STACK_BYTES);
        atexit(on_exit_somewhere);
    }
    rescue.lost = 0;
    b->armed = 1;
    stack_t stack = {.ss_sp = rescue.stack, .ss_size = STACK_BYTES};
    sigaltstack(&stack, NULL);
    install(crash_signals, COUNT(crash_signals), on_crash, SA_ONSTACK | SA_RESETHAND | SA_NODEFER);
    install(polite_signals, COUNT(polite_signals), on_polite, 0); /* no SA_RESTART: poll is to return */
    install(resize_signals, COUNT(resize_signals), on_resize, 0); /* in place of ncurses' own */
    alloc_set_failure_hook(on_no_memory);
}

void rescue_disarm(void) {
    rescue.back->armed = 0;
    alloc_set_failure_hook(NULL);
    install(crash_signals, COUNT(crash_signals), SIG_DFL, 0);
    install(polite_signals, COUNT(polite_signals), SIG_DFL, 0);
    install(resize_signals, COUNT(resize_signals), SIG_DFL, 0);
}

void rescue_prepare(void) {
    void *frame[1];
    backtrace(frame, 1); /* loads the unwinder */
}

int rescue_wake_fd(void) {
    return rescue.wake[0];
}

int rescue_take(void) {
    char drop[16];
    while (read(rescue.wake[0], drop, sizeof drop) > 0)
        continue;
    int number = rescue.pending;
    rescue.pending = 0;
    return number;
}

void rescue_terminal_lost(void) {
    rescue.lost = 1;
    rescue.back->armed = 0;
}

void rescue_away(bool away) {
    rescue.back->armed = !away && !rescue.lost;
}

void rescue_run(const char *folder) {
    snprintf(rescue.run, sizeof rescue.run, "%s", folder ? folder : "");
}

void rescue_report_to(const char *path) {
    enum { LOG_MODE = 0644 };
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, LOG_MODE);
    if (fd < 0) return;
    if (rescue.report_fd >= 0) close(rescue.report_fd);
    rescue.report_fd = fd;
}

/* ---- the front's ---- */

void rescue_share(void) {
    void *memory = mmap(NULL, sizeof(give_back), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return;
    rescue.back = memory;
    *rescue.back = alone;
}

void rescue_after_worker(void) {
    if (!rescue.back->armed) return;
    int fd = isatty(STDOUT_FILENO) ? STDOUT_FILENO : open("/dev/tty", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) give_terminal_back(fd);
}
