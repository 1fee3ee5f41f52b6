/*
 * control.c - see control.h. Clients belong to the listening thread; answers come to it from the engine's
 * through a list under a lock and a byte in an event descriptor.
 */
#include "engine/train/control.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "engine/base/thread.h"
#include "engine/run/control_socket.h"
#include "engine/run/order.h"

enum { CLIENTS_MAX = 16, UNDER_WAY_MAX = 64, CHUNK = 16384, FDS_FIXED = 2, NO_DESCRIPTORS_MS = 1000 };

typedef struct client {
    int fd;
    uint64_t serial;  /* that answers are for; fd numbers are used again */
    uint64_t heard;   /* the newest that was heard has the largest */
    str in;           /* a line so far */
    int under_way;    /* orders not answered yet */
    bool ended, gone; /* it says no more; it is to be dropped */
} client;

typedef struct answer {
    uint64_t who;
    int64_t id;
    char *problem;
    struct answer *next;
} answer;

struct control {
    mailbox *mailbox;
    int wake;             /* readable: answers, or the end */
    pthread_mutex_t lock; /* guards the next three */
    answer *first, *last;
    bool closing;

    char *folder; /* NULL: not open */
    int listener;
    pthread_t thread;

    client client[CLIENTS_MAX]; /* the thread's, as all below */
    int clients;
    uint64_t serials, heard;
    bool starved; /* there was no descriptor for a caller: it is asked again after a while */
};

static void wake(control *c) {
    uint64_t one = 1;
    (void)!write(c->wake, &one, sizeof one);
}

/* ---- answers ---- */

/* On the engine's thread. */
static void take_answer(void *user, uint64_t who, int64_t id, const char *problem) {
    control *c = user;
    answer *a = xcalloc(1, sizeof *a);
    *a = (answer){.who = who, .id = id, .problem = xstrdup(problem)};
    pthread_mutex_lock(&c->lock);
    if (c->last)
        c->last->next = a;
    else
        c->first = a;
    c->last = a;
    pthread_mutex_unlock(&c->lock);
    wake(c);
}

static answer *all_answers(control *c, bool *closing) {
    pthread_mutex_lock(&c->lock);
    answer *all = c->first;
    c->first = c->last = NULL;
    *closing = c->closing;
    pthread_mutex_unlock(&c->lock);
    return all;
}

static void answer_free(answer *a) {
    free(a->problem);
    free(a);
}

/* A client that lets its answers pile up until the socket is full is dropped. */
static void send_answer(client *to, int64_t id, const char *problem) {
    str line = {0};
    order_answer_write(id, problem, &line);
    ssize_t sent;
    do
        sent = send(to->fd, line.data, line.length, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent != (ssize_t)line.length) to->gone = true;
    str_clear(&line);
}

static void pass_on(control *c, const answer *a) {
    for (int i = 0; i < c->clients; i++) {
        client *to = &c->client[i];
        if (to->serial != a->who || to->gone) continue;
        to->under_way--;
        send_answer(to, a->id, a->problem);
    }
}

/* ---- orders ---- */

static void take_line(control *c, client *from, const char *line, size_t length) {
    order_read read;
    thaw_status status = order_parse(line, length, &read);
    if (thaw_failed(&status)) {
        send_answer(from, read.id, status.message);
    } else {
        command *order = command_from_order(&read.order);
        if (order) {
            order->asker = (command_asker){take_answer, c, from->serial, read.id};
            from->under_way++;
            mailbox_post(c->mailbox, order);
        } else {
            send_answer(from, read.id, NULL);
        }
    }
    order_read_clear(&read);
}

/* The whole lines that came, as long as there may be more orders under way. */
static void take_lines(control *c, client *from) {
    size_t used = 0;
    while (!from->gone && from->under_way < UNDER_WAY_MAX && used < from->in.length) {
        const char *start = from->in.data + used;
        const char *end = memchr(start, '\n', from->in.length - used);
        if (!end) break;
        used += (size_t)(end - start) + 1;
        if (end > start) take_line(c, from, start, (size_t)(end - start));
    }
    if (used) {
        memmove(from->in.data, from->in.data + used, from->in.length - used + 1); /* with its NUL */
        from->in.length -= used;
    }
    if (from->gone || from->in.length <= ORDER_LINE_MAX || from->under_way == UNDER_WAY_MAX) return;
    send_answer(from, ORDER_NO_ID, "the line is too long");
    from->gone = true;
}

static void hear(control *c, client *from) {
    char bytes[CHUNK];
    ssize_t got = recv(from->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    from->gone = from->gone || got < 0;
    from->ended = got == 0;
    if (got < 0) return;
    from->heard = ++c->heard;
    if (got)
        str_append_n(&from->in, bytes, (size_t)got);
    else if (from->in.length) /* a last line without its end is one all the same */
        str_append(&from->in, "\n");
    take_lines(c, from);
}

/* ---- clients ---- */

static void drop(control *c, int index) {
    client *gone = &c->client[index];
    close(gone->fd);
    str_clear(&gone->in);
    c->client[index] = c->client[--c->clients];
}

static void drop_the_gone(control *c) {
    for (int i = c->clients - 1; i >= 0; i--) {
        const client *one = &c->client[i];
        if (one->gone || (one->ended && !one->under_way)) drop(c, i);
    }
}

static void make_room(control *c) {
    int longest = 0;
    if (c->clients < CLIENTS_MAX) return;
    for (int i = 1; i < c->clients; i++)
        if (c->client[i].heard < c->client[longest].heard) longest = i;
    drop(c, longest);
}

static void admit(control *c) {
    int fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    c->starved = fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS);
    if (fd < 0) return;
    client one = {.fd = fd, .serial = ++c->serials, .heard = ++c->heard};
    if (!control_socket_same_user(fd)) {
        send_answer(&one, ORDER_NO_ID, "this run is another user's");
        close(fd);
        return;
    }
    make_room(c);
    c->client[c->clients++] = one;
}

/* ---- the thread ---- */

static void look_at_clients(control *c, const struct pollfd *fds, int count) {
    for (int i = 0; i < count; i++) {
        client *one = &c->client[i];
        if (fds[i].revents & POLLIN)
            hear(c, one);
        else if (fds[i].revents & (POLLHUP | POLLERR | POLLNVAL))
            one->gone = true;
    }
}

/* Answers make room for orders that wait. */
static void pass_on_all(control *c, answer *all) {
    for (answer *a = all, *next; a; a = next) {
        next = a->next;
        pass_on(c, a);
        answer_free(a);
    }
    for (int i = 0; all && i < c->clients; i++)
        take_lines(c, &c->client[i]);
}

static void *listen_main(void *user) {
    control *c = user;
    struct pollfd fds[FDS_FIXED + CLIENTS_MAX];
    bool closing = false;
    while (!closing) {
        int count = c->clients;
        fds[0] = (struct pollfd){.fd = c->wake, .events = POLLIN};
        fds[1] = (struct pollfd){.fd = c->starved ? -1 : c->listener, .events = POLLIN};
        for (int i = 0; i < count; i++) {
            bool listening = !c->client[i].ended && c->client[i].under_way < UNDER_WAY_MAX;
            fds[FDS_FIXED + i] = (struct pollfd){.fd = c->client[i].fd, .events = listening ? POLLIN : 0};
        }
        int ready = poll(fds, (nfds_t)(FDS_FIXED + count), c->starved ? NO_DESCRIPTORS_MS : -1);
        if (ready == 0) c->starved = false;
        if (ready <= 0) continue;
        uint64_t drop_count;
        if (fds[0].revents) (void)!read(c->wake, &drop_count, sizeof drop_count);
        look_at_clients(c, fds + FDS_FIXED, count);
        pass_on_all(c, all_answers(c, &closing));
        drop_the_gone(c);
        if (fds[1].revents & POLLIN) admit(c);
    }
    return NULL;
}

/* ---- the engine's side ---- */

control *control_new(mailbox *m) {
    control *c = xcalloc(1, sizeof *c);
    c->mailbox = m;
    c->listener = c->wake = -1;
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

static void close_descriptors(control *c) {
    if (c->listener >= 0) close(c->listener);
    if (c->wake >= 0) close(c->wake);
    c->listener = c->wake = -1;
}

thaw_status control_open(control *c, const char *folder) {
    c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    thaw_status status = c->wake < 0 ? thaw_error_errno(errno, "cannot make an event descriptor")
                                     : control_socket_listen(folder, &c->listener);
    c->closing = c->starved = false;
    if (!thaw_failed(&status)) status = thread_start(&c->thread, "thaw-control", listen_main, c);
    if (thaw_failed(&status))
        close_descriptors(c);
    else
        c->folder = xstrdup(folder);
    return status;
}

void control_close(control *c) {
    if (!c->folder) return;
    pthread_mutex_lock(&c->lock);
    c->closing = true;
    pthread_mutex_unlock(&c->lock);
    wake(c);
    pthread_join(c->thread, NULL);
    control_socket_remove(c->folder); /* before anybody else may have the run */
    while (c->clients)
        drop(c, c->clients - 1);
    close_descriptors(c);
    free(c->folder);
    c->folder = NULL;
}

void control_free(control *c) {
    if (!c) return;
    bool closing;
    for (answer *a = all_answers(c, &closing), *next; a; a = next) {
        next = a->next;
        answer_free(a);
    }
    pthread_mutex_destroy(&c->lock);
    free(c);
}
