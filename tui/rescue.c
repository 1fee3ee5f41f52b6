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
#include <termios.h>
#include <unistd.h>

#include "engine/base/alloc.h"

enum { RESTORE_MAX = 256, FRAMES_MAX = 48, STACK_BYTES = 64 << 10, SIGNALS_TO_FORCE = 3, SIGNAL_EXIT = 128 };

/* Everything a handler may touch. */
static struct {
    volatile sig_atomic_t armed, lost, pending, polite_count;
    int fd;        /* the terminal */
    int report_fd; /* what standard error was, before the engine's output was captured */
    int wake[2];
    struct termios saved;
    bool saved_ok;
    char restore[RESTORE_MAX];
    size_t restore_length;
    void *stack;
} rescue = {.fd = -1, .report_fd = -1, .wake = {-1, -1}};

static const int crash_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
static const int resize_signals[] = {SIGWINCH};
static const int polite_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

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

/* Async-signal-safe. */
static void restore_terminal(void) {
    if (!rescue.armed || rescue.lost) return;
    rescue.armed = 0;
    put(rescue.fd, rescue.restore, rescue.restore_length);
    if (rescue.saved_ok) tcsetattr(rescue.fd, TCSANOW, &rescue.saved);
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
    rescue.polite_count++;
    if (rescue.polite_count >= SIGNALS_TO_FORCE && number != SIGHUP) {
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
    rescue.saved_ok = tcgetattr(fd, &rescue.saved) == 0;
}

void rescue_arm(const char *restore) {
    rescue.restore_length = strlen(restore);
    if (rescue.restore_length > sizeof rescue.restore) rescue.restore_length = 0;
    memcpy(rescue.restore, restore, rescue.restore_length);
    if (rescue.report_fd < 0) {
        rescue.report_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
        if (pipe2(rescue.wake, O_CLOEXEC | O_NONBLOCK)) rescue.wake[0] = rescue.wake[1] = -1;
        rescue.stack = xmalloc(STACK_BYTES);
        atexit(on_exit_somewhere);
    }
    rescue.lost = 0;
    rescue.armed = 1;
    stack_t stack = {.ss_sp = rescue.stack, .ss_size = STACK_BYTES};
    sigaltstack(&stack, NULL);
    install(crash_signals, COUNT(crash_signals), on_crash, SA_ONSTACK | SA_RESETHAND | SA_NODEFER);
    install(polite_signals, COUNT(polite_signals), on_polite, 0); /* no SA_RESTART: poll is to return */
    install(resize_signals, COUNT(resize_signals), on_resize, 0); /* in place of ncurses' own */
    alloc_set_failure_hook(on_no_memory);
}

void rescue_disarm(void) {
    rescue.armed = 0;
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
}
