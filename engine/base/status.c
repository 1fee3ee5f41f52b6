/*
 * status.c - building the messages of thaw/status.h. A message that does not fit is cut between two UTF-8
 * characters, never inside one, and newlines from file names are replaced so that one status stays one line.
 */
#include "thaw/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const code_names[] = {
    [THAW_OK] = "ok",
    [THAW_ERR_USAGE] = "usage",
    [THAW_ERR_NOT_FOUND] = "not found",
    [THAW_ERR_IO] = "input/output",
    [THAW_ERR_FORMAT] = "bad format",
    [THAW_ERR_SHAPE] = "does not fit",
    [THAW_ERR_UNSUPPORTED] = "unsupported",
    [THAW_ERR_NO_TORCH] = "no libtorch",
    [THAW_ERR_TORCH] = "libtorch",
    [THAW_ERR_NUMERIC] = "not finite",
    [THAW_ERR_CANCELLED] = "cancelled",
};

const char *thaw_code_name(thaw_code code) {
    size_t count = sizeof code_names / sizeof code_names[0];
    return (size_t)code < count ? code_names[code] : "unknown";
}

thaw_status thaw_ok(void) {
    thaw_status status;
    status.code = THAW_OK;
    status.message[0] = '\0';
    return status;
}

static void tidy(thaw_status *status, int wanted) {
    if (wanted >= THAW_MESSAGE_MAX) {
        size_t end = THAW_MESSAGE_MAX - 4;
        while (end > 0 && ((unsigned char)status->message[end] & 0xC0) == 0x80)
            end--;
        memcpy(status->message + end, "...", 4);
    }
    for (char *c = status->message; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F) *c = '?';
}

thaw_status thaw_error(thaw_code code, const char *format, ...) {
    thaw_status status;
    status.code = code;
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(status.message, sizeof status.message, format, args);
    va_end(args);
    tidy(&status, wanted);
    return status;
}

/* What can be done about ERROR; NULL: nothing that holds for all of its causes. */
static const char *way_out_of(int error) {
    static const struct {
        int error;
        const char *text;
    } ways[] = {
        {ENOENT, "check the path"},
        {ENOTDIR, "a part of the path is a file; check it"},
        {EISDIR, "name a file"},
        {EACCES, "ls -ld shows who may"},
        {EPERM, "ls -ld shows who may"},
        {EROFS, "choose a place that can be written"},
        {ENOSPC, "make room on that disk"},
        {EDQUOT, "make room: your quota is full"},
        {EFBIG, "raise the limit with ulimit -f"},
        {EMFILE, "raise the limit with ulimit -n"},
        {ENFILE, "close other programs"},
        {ENOMEM, "close other programs"},
        {EAGAIN, "try again; ulimit -u may be too low"},
        {ENAMETOOLONG, "choose a shorter path"},
        {ELOOP, "a symbolic link leads in a circle; remove it"},
        {EIO, "the disk may be failing; dmesg says more"},
        {ESTALE, "the network disk changed; try again"},
    };
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (ways[i].error == error) return ways[i].text;
    return NULL;
}

thaw_status thaw_error_errno(int error, const char *format, ...) {
    char what[THAW_MESSAGE_MAX];
    char reason[128];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    /* The GNU variant returns the text, which need not be in the buffer. */
    const char *text = strerror_r(error, reason, sizeof reason), *way_out = way_out_of(error);
    return thaw_error(error == ENOENT ? THAW_ERR_NOT_FOUND : THAW_ERR_IO, "%s: %s%s%s", what, text,
                      way_out ? "; " : "", way_out ? way_out : "");
}

thaw_status thaw_status_prefix(thaw_status status, const char *format, ...) {
    if (status.code == THAW_OK) return status;
    char what[THAW_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return thaw_error(status.code, "%s: %s", what, status.message);
}
