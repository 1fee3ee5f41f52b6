/*
 * status.h - how a function says that it failed.
 *
 * A fallible function returns a thaw_status by value: a code, and a message that names the thing, says what
 * was expected and what to do. Nothing has to be freed. A status that is dropped is a compiler warning.
 */
#ifndef THAW_STATUS_H
#define THAW_STATUS_H

#include <stdbool.h>

typedef enum thaw_code {
    THAW_OK = 0,
    THAW_ERR_USAGE,       /* the caller (often: the person) asked for something that makes no sense */
    THAW_ERR_NOT_FOUND,   /* a file, folder, model, layer or run that is not there */
    THAW_ERR_IO,          /* the system refused: permission, full disk, vanished file */
    THAW_ERR_FORMAT,      /* bytes that are not what they claim to be */
    THAW_ERR_SHAPE,       /* tensors or keys that do not fit each other */
    THAW_ERR_UNSUPPORTED, /* valid, but thaw does not do it */
    THAW_ERR_NO_TORCH,    /* libtorch or the plugin is missing; the message says what to install */
    THAW_ERR_TORCH,       /* libtorch threw */
    THAW_ERR_NUMERIC,     /* a loss that is not finite */
    THAW_ERR_CANCELLED,   /* asked to stop */
} thaw_code;

enum { THAW_MESSAGE_MAX = 640 };

typedef struct thaw_status {
    thaw_code code;
    char message[THAW_MESSAGE_MAX]; /* UTF-8, one line, no trailing newline; empty when code is THAW_OK */
} thaw_status;

#define THAW_MUST_CHECK __attribute__((warn_unused_result))

/* Success. */
thaw_status thaw_ok(void);

/* Failure with a formatted message; longer text is cut at a character boundary and ends in "...". */
thaw_status thaw_error(thaw_code code, const char *format, ...)
    __attribute__((format(printf, 2, 3))) THAW_MUST_CHECK;

/* Failure from errno: "<formatted message>: <strerror>; <what can be done>". Chooses THAW_ERR_NOT_FOUND for
 * ENOENT, else THAW_ERR_IO. */
thaw_status thaw_error_errno(int error, const char *format, ...)
    __attribute__((format(printf, 2, 3))) THAW_MUST_CHECK;

/* The same failure with "<prefix>: " in front; success stays success. */
thaw_status thaw_status_prefix(thaw_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3))) THAW_MUST_CHECK;

/* A word for the code: "ok", "not found", ... Static. */
const char *thaw_code_name(thaw_code code);

static inline bool thaw_failed(const thaw_status *status) {
    return status->code != THAW_OK;
}

/* Return from the calling function when EXPR fails. */
#define THAW_TRY(expr)                                       \
    do {                                                     \
        thaw_status try_status_ = (expr);                    \
        if (try_status_.code != THAW_OK) return try_status_; \
    } while (0)

/* Store EXPR in STATUS and jump to LABEL when it fails: one cleanup path a function. */
#define THAW_TRY_GOTO(status, label, expr)        \
    do {                                          \
        (status) = (expr);                        \
        if ((status).code != THAW_OK) goto label; \
    } while (0)

#endif
