/*
 * control_client.c - the viewer's side of thaw/control.h. The trainer's side may hang up on whoever was
 * silent for long (engine/train/control.h), so a lost connection is made anew at the next order.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/run/control_socket.h"
#include "engine/run/order.h"

enum { CHUNK = 4096 };

struct thaw_control {
    char *folder;
    int fd; /* -1: lost */
    int64_t next_id;
    str in; /* what came and is not a whole line yet */
};

static void disconnect(thaw_control *c) {
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
    str_reset(&c->in);
}

/* To a process of ours only: the socket of another's run, or one put in its place, is none of our business.
 */
static thaw_status connect_again(thaw_control *c) {
    THAW_TRY(control_socket_connect(c->folder, &c->fd));
    if (control_socket_same_user(c->fd)) return thaw_ok();
    disconnect(c);
    return thaw_error(THAW_ERR_USAGE, "the run in %s is another user's, and only they can steer it",
                      c->folder);
}

thaw_status thaw_control_open(const char *run_folder, thaw_control **out) {
    thaw_control *c = xcalloc(1, sizeof *c);
    c->folder = xstrdup(run_folder);
    c->fd = -1;
    thaw_status status = connect_again(c);
    if (thaw_failed(&status))
        thaw_control_close(c);
    else
        *out = c;
    return status;
}

void thaw_control_close(thaw_control *c) {
    if (!c) return;
    disconnect(c);
    str_clear(&c->in);
    free(c->folder);
    free(c);
}

int thaw_control_fd(const thaw_control *c) {
    return c->fd;
}

bool thaw_control_lost(const thaw_control *c) {
    return c->fd < 0;
}

/* All of it or a failure: a run that does not empty its socket has more orders than it can act on. */
static thaw_status send_line(thaw_control *c, const char *text, size_t length) {
    while (length > 0) {
        ssize_t sent = send(c->fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) {
            int error = errno;
            disconnect(c); /* part of the line may have gone */
            return error == EAGAIN
                       ? thaw_error(THAW_ERR_IO, "the run is busy and takes no more orders now; try again")
                       : thaw_error_errno(error, "cannot reach the run in %s", c->folder);
        }
        text += sent;
        length -= (size_t)sent;
    }
    return thaw_ok();
}

thaw_status thaw_control_send(thaw_control *c, const thaw_order *order, int64_t *id) {
    str line = {0};
    bool old = c->fd >= 0; /* it may have been hung up on without our knowing */
    int64_t number = c->next_id++;
    thaw_status status = old ? thaw_ok() : connect_again(c);
    order_write(order, number, &line);
    if (!thaw_failed(&status)) status = send_line(c, line.data, line.length);
    if (thaw_failed(&status) && old) {
        status = connect_again(c);
        if (!thaw_failed(&status)) status = send_line(c, line.data, line.length);
    }
    str_clear(&line);
    if (id) *id = number;
    return status;
}

static bool receive(thaw_control *c) {
    char bytes[CHUNK];
    ssize_t got = -1;
    while (c->fd >= 0 && (got = recv(c->fd, bytes, sizeof bytes, MSG_DONTWAIT)) < 0 && errno == EINTR)
        continue;
    if (got > 0) str_append_n(&c->in, bytes, (size_t)got);
    bool gone = got == 0 || (got < 0 && errno != EAGAIN) || c->in.length > ORDER_LINE_MAX;
    if (c->fd >= 0 && gone) disconnect(c);
    return got > 0 && c->fd >= 0;
}

bool thaw_control_next(thaw_control *c, thaw_answer *out) {
    for (;;) {
        char *end = c->in.length ? memchr(c->in.data, '\n', c->in.length) : NULL;
        if (!end) {
            if (!receive(c)) return false;
            continue;
        }
        size_t length = (size_t)(end - c->in.data);
        thaw_status status = order_answer_parse(c->in.data, length, out);
        memmove(c->in.data, end + 1, c->in.length - length); /* with the NUL after it */
        c->in.length -= length + 1;
        if (!thaw_failed(&status)) return true;
        free(out->problem); /* no answer that we know: a later version's */
    }
}
