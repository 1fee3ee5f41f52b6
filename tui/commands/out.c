/*
 * out.c - see out.h. The one piece of state a headless process has: its standard output.
 */
#include "tui/commands/out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "engine/base/str.h"
#include "tui/commands/command.h"

enum { OUT_BUFFER = 1 << 16 };

static struct {
    str pending;
    int fd;
    int error; /* errno of the first write that failed */
} out = {.fd = STDOUT_FILENO};

void out_open(void) {
    int copy = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (copy < 0) return;
    out.fd = copy;
    dup2(STDERR_FILENO, STDOUT_FILENO);
}

void out_release(void) {
    out_flush();
    if (out.fd != STDOUT_FILENO) dup2(out.fd, STDOUT_FILENO);
}

bool out_terminal(void) {
    return isatty(out.fd);
}

int out_width(void) {
    struct winsize size;
    if (!out_terminal()) return 0;
    if (ioctl(out.fd, TIOCGWINSZ, &size) < 0 || !size.ws_col) return 80;
    return size.ws_col;
}

bool out_flush(void) {
    size_t done = 0;
    while (done < out.pending.length && !out.error) {
        ssize_t count = write(out.fd, out.pending.data + done, out.pending.length - done);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0)
            out.error = errno;
        else
            done += (size_t)count;
    }
    str_reset(&out.pending);
    return !out.error;
}

void out_text(const char *text) {
    if (out.error) return;
    str_append(&out.pending, text);
    if (out.pending.length >= OUT_BUFFER) out_flush();
}

void out_format(const char *format, ...) {
    va_list args;
    if (out.error) return;
    va_start(args, format);
    str_vappendf(&out.pending, format, args);
    va_end(args);
    if (out.pending.length >= OUT_BUFFER) out_flush();
}

void out_line(const char *text) {
    out_text(text);
    out_text("\n");
    out_flush();
}

void out_wrapped(const char *text, int indent) {
    int column = 0;
    while (*text) {
        int length = (int)strcspn(text, " \n");
        if (column && indent + column + 1 + length > OUT_COLUMNS) {
            out_text("\n");
            column = 0;
        }
        out_format("%*s%.*s", column ? 1 : indent, "", length, text);
        column += length + (column > 0);
        text += length;
        if (*text == '\n') {
            out_text("\n");
            column = 0;
        }
        text += *text != '\0';
    }
    out_text("\n");
}

bool out_broken(void) {
    return out.error != 0;
}

int out_close(int code) {
    out_flush();
    str_clear(&out.pending);
    /* Some file systems report a full disk only here. */
    if (close(out.fd) < 0 && !out.error && errno != EINTR) out.error = errno;
    if (!out.error) return code;
    if (out.error != EPIPE)
        fprintf(stderr, "thaw: cannot write to standard output: %s\n", strerror(out.error));
    return code == EXIT_DONE ? EXIT_FAILED : code;
}
