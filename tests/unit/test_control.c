/*
 * test_control.c - orders from other processes: their lines, the socket, and that nothing a caller does
 * disturbs whoever trains.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/run/control_socket.h"
#include "engine/run/order.h"
#include "engine/train/control.h"

static const double patience = 20; /* seconds */

static void expect_ok(thaw_status status) {
    assert_string_equal(status.message, "");
}

/* ---- lines ---- */

static void an_order_reads_as_it_was_written(void **state) {
    (void)state;
    const char *const frozen[] = {"conv1", "layer1.*", "a \"quoted\" name"}, *const moving[] = {"bn1"};
    const thaw_order orders[] = {
        {.kind = THAW_ORDER_HELLO},
        {.kind = THAW_ORDER_PAUSE},
        {.kind = THAW_ORDER_CONTINUE},
        {.kind = THAW_ORDER_STEP},
        {.kind = THAW_ORDER_CHECKPOINT},
        {.kind = THAW_ORDER_STOP, .save = true},
        {.kind = THAW_ORDER_STOP},
        {.kind = THAW_ORDER_LR, .lr = 0.1},
        {.kind = THAW_ORDER_PROFILE, .on = true},
        {.kind = THAW_ORDER_MASK, .frozen = frozen, .frozen_count = 3, .moving = moving, .moving_count = 1},
    };
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        str line = {0};
        order_read back;
        order_write(&orders[i], (int64_t)i, &line);
        assert_int_equal(line.data[line.length - 1], '\n');
        expect_ok(order_parse(line.data, line.length - 1, &back));
        assert_int_equal(back.order.kind, orders[i].kind);
        assert_int_equal(back.id, (int64_t)i);
        assert_true(back.order.lr == orders[i].lr);
        assert_int_equal(back.order.save, orders[i].save);
        assert_int_equal(back.order.on, orders[i].on);
        assert_int_equal(back.order.frozen_count, orders[i].frozen_count);
        for (size_t n = 0; n < back.order.frozen_count; n++)
            assert_string_equal(back.order.frozen[n], frozen[n]);
        order_read_clear(&back);
        str_clear(&line);
    }
}

static void a_stop_saves_unless_it_says_otherwise(void **state) {
    (void)state;
    order_read read;
    static const char line[] = "{\"do\": \"stop\"}";
    expect_ok(order_parse(line, strlen(line), &read));
    assert_true(read.order.save);
    assert_int_equal(read.id, ORDER_NO_ID);
    order_read_clear(&read);
}

static void what_is_wrong_with_a_line_is_named(void **state) {
    (void)state;
    static const struct {
        const char *line, *says;
        int64_t id;
    } bad[] = {
        {"", "not JSON", ORDER_NO_ID},
        {"pause", "not JSON", ORDER_NO_ID},
        {"[]", "is a JSON object", ORDER_NO_ID},
        {"{}", "\"do\" is missing", ORDER_NO_ID},
        {"{\"do\": 3}", "do", ORDER_NO_ID},
        {"{\"id\": 7, \"do\": \"pasue\"}", "did you mean pause?", 7},
        {"{\"id\": 7, \"do\": \"pause\", \"save\": true}", "save", 7},
        {"{\"id\": -1, \"do\": \"pause\"}", "id", ORDER_NO_ID},
        {"{\"id\": 0.5, \"do\": \"pause\"}", "id", ORDER_NO_ID},
        {"{\"id\": 1e300, \"do\": \"pause\"}", "id", ORDER_NO_ID},
        {"{\"do\": \"lr\"}", "lr needs \"lr\"", ORDER_NO_ID},
        {"{\"do\": \"lr\", \"lr\": \"much\"}", "lr", ORDER_NO_ID},
        {"{\"do\": \"mask\"}", "mask needs \"frozen\"", ORDER_NO_ID},
        {"{\"do\": \"mask\", \"frozen\": \"layer1\"}", "list", ORDER_NO_ID},
        {"{\"do\": \"mask\", \"frozen\": [1]}", "list", ORDER_NO_ID},
        {"{\"do\": \"profile\"}", "needs", ORDER_NO_ID},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        order_read read;
        thaw_status status = order_parse(bad[i].line, strlen(bad[i].line), &read);
        assert_true(thaw_failed(&status));
        if (!strstr(status.message, bad[i].says)) fail_msg("%s: %s", bad[i].line, status.message);
        assert_int_equal(read.id, bad[i].id);
        order_read_clear(&read);
    }
}

static void an_answer_reads_as_it_was_written(void **state) {
    (void)state;
    static const char *const problem[] = {NULL, "no, because of \"that\"\nand more"};
    for (int i = 0; i < 2; i++) {
        str line = {0};
        thaw_answer back;
        order_answer_write(41 + i, problem[i], &line);
        assert_int_equal(strcspn(line.data, "\n"), line.length - 1);
        expect_ok(order_answer_parse(line.data, line.length - 1, &back));
        assert_int_equal(back.id, 41 + i);
        assert_int_equal(back.done, !problem[i]);
        if (problem[i]) assert_string_equal(back.problem, problem[i]);
        free(back.problem);
        str_clear(&line);
    }
}

/* ---- a run that takes orders, and callers ---- */

typedef struct host {
    mailbox *mailbox;
    control *control;
    char *folder;
} host;

static void make_folder(const char *path) {
    expect_ok(path_make_directory(path));
}

static host open_host(const char *folder) {
    host h = {.mailbox = mailbox_new(), .folder = xstrdup(folder)};
    make_folder(folder);
    h.control = control_new(h.mailbox);
    expect_ok(control_open(h.control, folder));
    return h;
}

static void close_host(host *h) {
    control_close(h->control);
    mailbox_free(h->mailbox);
    control_free(h->control);
    free(h->folder);
}

static thaw_control *call(const host *h) {
    thaw_control *c;
    expect_ok(thaw_control_open(h->folder, &c));
    return c;
}

/* The next command, done, as the trainer would. */
static command_kind obey(const host *h, const char *problem) {
    command *c = mailbox_wait(h->mailbox, patience);
    assert_non_null(c);
    command_kind kind = c->kind;
    thaw_status status = problem ? thaw_error(THAW_ERR_USAGE, "%s", problem) : thaw_ok();
    command_answer(c, &status);
    command_free(c);
    return kind;
}

static thaw_answer await_answer(thaw_control *c) {
    double until = clock_seconds() + patience;
    thaw_answer a;
    while (!thaw_control_next(c, &a)) {
        assert_true(clock_seconds() < until);
        struct pollfd one = {.fd = thaw_control_fd(c), .events = POLLIN};
        poll(&one, 1, 50);
    }
    return a;
}

static void an_order_arrives_and_is_answered_when_it_was_obeyed(void **state) {
    (void)state;
    host h = open_host("obeyed");
    thaw_control *c = call(&h);
    int64_t id;
    thaw_answer a;
    expect_ok(thaw_control_send(c, &(thaw_order){.kind = THAW_ORDER_LR, .lr = 0.25}, &id));
    command *order = mailbox_wait(h.mailbox, patience);
    assert_non_null(order);
    assert_int_equal(order->kind, COMMAND_LR);
    assert_true(order->lr == 0.25);
    assert_false(thaw_control_next(c, &a)); /* not done yet, so not answered */
    thaw_status done = thaw_ok();
    command_answer(order, &done);
    command_free(order);
    a = await_answer(c);
    assert_true(a.done);
    assert_int_equal(a.id, id);
    thaw_control_close(c);
    close_host(&h);
}

static void a_refusal_says_why(void **state) {
    (void)state;
    host h = open_host("refused");
    thaw_control *c = call(&h);
    expect_ok(thaw_control_send(c, &(thaw_order){.kind = THAW_ORDER_STEP}, NULL));
    assert_int_equal(obey(&h, "not now"), COMMAND_STEP);
    thaw_answer a = await_answer(c);
    assert_false(a.done);
    assert_string_equal(a.problem, "not now");
    free(a.problem);
    /* one that nobody acts on before the run ends */
    expect_ok(thaw_control_send(c, &(thaw_order){.kind = THAW_ORDER_PAUSE}, NULL));
    command_free(mailbox_wait(h.mailbox, patience));
    a = await_answer(c);
    assert_string_equal(a.problem, "the run is over");
    free(a.problem);
    thaw_control_close(c);
    close_host(&h);
}

static void a_mask_arrives_whole(void **state) {
    (void)state;
    host h = open_host("masks");
    thaw_control *c = call(&h);
    enum { NAMES = 3000 };
    char *names[NAMES];
    for (int i = 0; i < NAMES; i++)
        names[i] = xasprintf("features.%d.block.0.layer_scale", i);
    const char *const moving[] = {"bn1"};
    thaw_order mask = {.kind = THAW_ORDER_MASK, .frozen = (const char *const *)names, .frozen_count = NAMES};
    mask.moving = moving;
    mask.moving_count = 1;
    expect_ok(thaw_control_send(c, &mask, NULL));
    command *order = mailbox_wait(h.mailbox, patience);
    assert_non_null(order);
    assert_int_equal(order->mask.frozen_count, NAMES);
    assert_string_equal(order->mask.frozen[NAMES - 1], names[NAMES - 1]);
    assert_int_equal(order->mask.moving_count, 1);
    command_free(order);
    for (int i = 0; i < NAMES; i++)
        free(names[i]);
    thaw_control_close(c);
    close_host(&h);
}

static void two_callers_get_their_own_answers(void **state) {
    (void)state;
    host h = open_host("two");
    thaw_control *a = call(&h), *b = call(&h);
    int64_t ids[2];
    expect_ok(thaw_control_send(a, &(thaw_order){.kind = THAW_ORDER_PAUSE}, &ids[0]));
    assert_int_equal(obey(&h, NULL), COMMAND_PAUSE);
    expect_ok(thaw_control_send(b, &(thaw_order){.kind = THAW_ORDER_CHECKPOINT}, &ids[1]));
    assert_int_equal(obey(&h, "no room"), COMMAND_CHECKPOINT);
    thaw_answer of_a = await_answer(a), of_b = await_answer(b);
    assert_true(of_a.done);
    assert_string_equal(of_b.problem, "no room");
    assert_false(thaw_control_next(a, &of_a));
    free(of_b.problem);
    thaw_control_close(a);
    thaw_control_close(b);
    close_host(&h);
}

/* ---- the socket ---- */

static mode_t mode_of(const char *path) {
    struct stat info;
    assert_int_equal(lstat(path, &info), 0);
    return info.st_mode;
}

static void the_socket_is_its_users_alone_and_goes_with_the_run(void **state) {
    (void)state;
    umask(0);
    host h = open_host("mode");
    umask(022);
    assert_true(S_ISSOCK(mode_of("mode/control.sock")));
    assert_int_equal(mode_of("mode/control.sock") & 07777, 0600);
    close_host(&h);
    assert_int_equal(access("mode/control.sock", F_OK), -1);
}

static void a_folder_whose_path_is_too_long_for_an_address_will_do(void **state) {
    (void)state;
    str long_path = {0};
    str_append(&long_path, "long");
    while (long_path.length <= 2 * sizeof((struct sockaddr_un *)NULL)->sun_path)
        str_append(&long_path, "/a-folder-with-a-rather-long-name");
    host h = open_host(long_path.data);
    char *path = path_join(long_path.data, "control.sock");
    str_clear(&long_path);
    assert_int_equal(mode_of(path) & 07777, 0600);
    thaw_control *c = call(&h);
    expect_ok(thaw_control_send(c, &(thaw_order){.kind = THAW_ORDER_PAUSE}, NULL));
    assert_int_equal(obey(&h, NULL), COMMAND_PAUSE);
    thaw_control_close(c);
    close_host(&h);
    assert_int_equal(access(path, F_OK), -1);
    free(path);
}

static bool no_sockets; /* the file system of the runs holds none */

/* In the place of the C library's: like a FAT disk where a run's folder is, when a test says so. */
int bind(int fd, const struct sockaddr *address, socklen_t length) {
    const char *path = ((const struct sockaddr_un *)address)->sun_path;
    if (no_sockets && !strstr(path, "/thaw-")) {
        errno = EPERM;
        return -1;
    }
    return (int)syscall(SYS_bind, fd, address, length);
}

/* The path that the note in FOLDER has; owned by the caller. */
static char *noted(const char *folder) {
    char *note = path_join(folder, "control.path"), *text = NULL;
    expect_ok(file_read(note, 1 << 12, &text, NULL));
    assert_non_null(strchr(text, '\n'));
    *strchr(text, '\n') = '\0';
    free(note);
    return text;
}

/* The socket is in a folder of its own in HOME, whoever looks for the run finds it, and nothing is left. */
static void serve_elsewhere(const char *folder, const char *home) {
    no_sockets = true;
    host h = open_host(folder);
    no_sockets = false;
    char *path = noted(folder), *private = xstrndup(path, strlen(path) - strlen("/control.sock"));
    assert_int_equal(strncmp(path, home, strlen(home)), 0);
    assert_int_equal(mode_of(path) & 07777, 0600);
    assert_int_equal(mode_of(private) & 07777, 0700);
    thaw_control *c = call(&h);
    expect_ok(thaw_control_send(c, &(thaw_order){.kind = THAW_ORDER_PAUSE}, NULL));
    assert_int_equal(obey(&h, NULL), COMMAND_PAUSE);
    thaw_control_close(c);
    close_host(&h);
    assert_int_equal(access(private, F_OK), -1);
    free(private);
    free(path);
    path = path_join(folder, "control.path");
    assert_int_equal(access(path, F_OK), -1);
    free(path);
}

static void where_files_cannot_be_sockets_the_socket_is_elsewhere(void **state) {
    (void)state;
    char *here = realpath(".", NULL), *runtime = path_join(here, "runtime");
    assert_int_equal(mkdir(runtime, 0700), 0);
    setenv("XDG_RUNTIME_DIR", runtime, 1);
    serve_elsewhere("fat", runtime);
    assert_int_equal(chmod(runtime, 0755), 0); /* not ours alone: whoever may look in could take the name */
    serve_elsewhere("fat2", "/tmp/thaw-");
    unsetenv("XDG_RUNTIME_DIR");
    serve_elsewhere("fat3", "/tmp/thaw-");
    free(runtime);
    free(here);
}

static void a_socket_elsewhere_that_was_left_over_is_replaced(void **state) {
    (void)state;
    int fd;
    thaw_control *c = NULL;
    make_folder("fat-stale");
    no_sockets = true;
    expect_ok(control_socket_listen("fat-stale", &fd));
    no_sockets = false;
    close(fd); /* as a process that was killed leaves it */
    char *left = noted("fat-stale");
    assert_int_equal(access(left, F_OK), 0);
    thaw_status status = thaw_control_open("fat-stale", &c);
    assert_non_null(strstr(status.message, "is gone"));
    host h = open_host("fat-stale");
    assert_int_equal(access(left, F_OK), -1);
    assert_true(S_ISSOCK(mode_of("fat-stale/control.sock")));
    thaw_control_close(call(&h));
    close_host(&h);
    free(left);
}

/* What a note names is removed only when it is a socket of ours where we put such. */
static void a_note_that_names_something_else_removes_nothing(void **state) {
    (void)state;
    make_folder("note");
    int fd;
    make_folder("precious");
    expect_ok(control_socket_listen("precious", &fd));
    char *here = realpath("precious", NULL), *line = xasprintf("%s/control.sock\n", here);
    expect_ok(file_replace("note/control.path", line, strlen(line)));
    control_socket_remove("note");
    assert_int_equal(access("precious/control.sock", F_OK), 0);
    assert_int_equal(access("note/control.path", F_OK), -1);
    close(fd);
    free(line);
    free(here);
}

static void a_socket_that_was_left_over_is_said_to_be_and_is_replaced(void **state) {
    (void)state;
    int fd;
    thaw_control *c = NULL;
    make_folder("stale");
    thaw_status status = thaw_control_open("stale", &c);
    assert_int_equal(status.code, THAW_ERR_NOT_FOUND);
    assert_non_null(strstr(status.message, "no process is training"));
    expect_ok(control_socket_listen("stale", &fd));
    close(fd); /* as a process that was killed leaves it */
    assert_int_equal(access("stale/control.sock", F_OK), 0);
    status = thaw_control_open("stale", &c);
    assert_int_equal(status.code, THAW_ERR_NOT_FOUND);
    assert_non_null(strstr(status.message, "is gone"));
    host h = open_host("stale");
    thaw_control_close(call(&h));
    close_host(&h);
}

static void what_is_no_socket_is_not_replaced(void **state) {
    (void)state;
    int fd;
    make_folder("occupied");
    expect_ok(file_replace("occupied/control.sock", "mine", 4));
    thaw_status status = control_socket_listen("occupied", &fd);
    assert_true(thaw_failed(&status));
    assert_non_null(strstr(status.message, "occupied/control.sock"));
    assert_true(S_ISREG(mode_of("occupied/control.sock")));
}

/* ---- callers that misbehave ---- */

static int raw_call(const host *h) {
    int fd;
    expect_ok(control_socket_connect(h->folder, &fd));
    return fd;
}

static void send_all(int fd, const char *bytes, size_t count) {
    while (count) {
        ssize_t n = send(fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && (errno == EPIPE || errno == ECONNRESET)) return; /* hung up on, as it should be */
        if (n < 0) {
            assert_int_equal(errno, EAGAIN);
            struct pollfd one = {.fd = fd, .events = POLLOUT};
            assert_int_equal(poll(&one, 1, (int)(patience * 1000)), 1);
            continue;
        }
        bytes += n;
        count -= (size_t)n;
    }
}

/* What comes until the other side hangs up, or until there is MARK in it. */
static void expect_reply(int fd, const char *mark) {
    char text[4096] = "";
    size_t length = 0;
    while (!strstr(text, mark)) {
        struct pollfd one = {.fd = fd, .events = POLLIN};
        if (poll(&one, 1, (int)(patience * 1000)) != 1) fail_msg("no \"%s\" in \"%s\"", mark, text);
        ssize_t n = recv(fd, text + length, sizeof text - 1 - length, MSG_DONTWAIT);
        if (n <= 0) fail_msg("hung up before \"%s\": \"%s\"", mark, text);
        length += (size_t)n;
        text[length] = '\0';
    }
}

/* Everything that comes may be thrown away, but the other side must hang up. */
static void expect_hung_up(int fd) {
    char drop[4096];
    for (;;) {
        struct pollfd one = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&one, 1, (int)(patience * 1000)), 1);
        if (recv(fd, drop, sizeof drop, MSG_DONTWAIT) <= 0) return;
    }
}

/* A caller that behaves is still served. */
static void expect_served(const host *h) {
    thaw_control *c = call(h);
    expect_ok(thaw_control_send(c, &(thaw_order){.kind = THAW_ORDER_CHECKPOINT}, NULL));
    assert_int_equal(obey(h, NULL), COMMAND_CHECKPOINT);
    thaw_answer a = await_answer(c);
    assert_true(a.done);
    thaw_control_close(c);
}

static void rubbish_is_answered_and_changes_nothing(void **state) {
    (void)state;
    host h = open_host("rubbish");
    int fd = raw_call(&h);
    static const char lines[] = "GET / HTTP/1.1\r\n\n\0\x01\xff\xfe\n{\"id\": 3, \"do\": \"explode\"}\n";
    send_all(fd, lines, sizeof lines - 1);
    expect_reply(fd, "\"id\":3,\"ok\":false,\"error\":\"there is no order");
    assert_null(mailbox_take(h.mailbox));
    static const char after[] = "{\"do\": \"pause\"}\n";
    send_all(fd, after, sizeof after - 1);
    assert_int_equal(obey(&h, NULL), COMMAND_PAUSE);
    expect_reply(fd, "{\"ok\":true}");
    close(fd);
    expect_served(&h);
    close_host(&h);
}

static void a_line_without_end_is_not_kept_for_ever(void **state) {
    (void)state;
    host h = open_host("endless");
    int fd = raw_call(&h);
    size_t size = 4 * ORDER_LINE_MAX;
    char *bytes = xmalloc(size);
    memset(bytes, 'x', size);
    send_all(fd, bytes, size);
    expect_hung_up(fd);
    close(fd);
    free(bytes);
    expect_served(&h);
    close_host(&h);
}

static void a_last_line_without_its_end_counts(void **state) {
    (void)state;
    host h = open_host("last-line");
    int fd = raw_call(&h);
    static const char line[] = "{\"do\": \"pause\"}";
    send_all(fd, line, sizeof line - 1);
    shutdown(fd, SHUT_WR);
    assert_int_equal(obey(&h, NULL), COMMAND_PAUSE);
    expect_reply(fd, "\"ok\":true");
    expect_hung_up(fd);
    close(fd);
    close_host(&h);
}

static void many_who_say_nothing_keep_nobody_out(void **state) {
    (void)state;
    enum { SILENT = 100 };
    host h = open_host("silent");
    int fd[SILENT];
    for (int i = 0; i < SILENT; i++) {
        fd[i] = raw_call(&h);
        if (i % 8 == 0) expect_served(&h);
    }
    expect_served(&h);
    for (int i = 0; i < SILENT; i++)
        close(fd[i]);
    expect_served(&h);
    close_host(&h);
}

/* A viewer that was hung up on because others came does not notice. */
static void a_caller_that_was_dropped_calls_again(void **state) {
    (void)state;
    enum { OTHERS = 40 };
    host h = open_host("again");
    thaw_control *c = call(&h);
    int fd[OTHERS];
    for (int i = 0; i < OTHERS; i++) {
        fd[i] = raw_call(&h);
        if (i % 8 == 0) expect_served(&h);
    }
    expect_served(&h);
    expect_ok(thaw_control_send(c, &(thaw_order){.kind = THAW_ORDER_PAUSE}, NULL));
    assert_int_equal(obey(&h, NULL), COMMAND_PAUSE);
    thaw_answer a = await_answer(c);
    assert_true(a.done);
    for (int i = 0; i < OTHERS; i++)
        close(fd[i]);
    thaw_control_close(c);
    close_host(&h);
}

/* However many orders are sent, only some are under way at a time; all of them are obeyed in the end. */
static void a_flood_does_not_fill_the_mailbox(void **state) {
    (void)state;
    enum { FLOOD = 2000, MOST = 64 };
    static const char line[] = "{\"do\": \"pause\"}\n";
    host h = open_host("flood-2");
    int fd = raw_call(&h);
    str all = {0};
    for (int i = 0; i < FLOOD; i++)
        str_append(&all, line);
    send_all(fd, all.data, all.length);
    str_clear(&all);
    poll(NULL, 0, 100);
    command *held[MOST + 1];
    int count = 0;
    while (count <= MOST && (held[count] = mailbox_take(h.mailbox)))
        count++;
    assert_int_equal(count, MOST);
    thaw_status done = thaw_ok();
    for (int i = 0; i < count; i++) {
        command_answer(held[i], &done);
        command_free(held[i]);
    }
    for (int i = count; i < FLOOD; i++) {
        char drop[4096];
        while (recv(fd, drop, sizeof drop, MSG_DONTWAIT) > 0)
            continue; /* who does not read is dropped, see below */
        assert_int_equal(obey(&h, NULL), COMMAND_PAUSE);
    }
    close(fd);
    close_host(&h);
}

static void answers_that_nobody_reads_cost_the_caller_its_connection(void **state) {
    (void)state;
    static const char line[] = "{\"do\": \"hello\"}\n";
    host h = open_host("deaf");
    int fd = raw_call(&h);
    bool hung_up = false;
    for (int i = 0; i < 1000000 && !hung_up; i++) {
        ssize_t n = send(fd, line, sizeof line - 1, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            struct pollfd one = {.fd = fd, .events = POLLOUT};
            poll(&one, 1, 100);
            hung_up = one.revents & POLLHUP;
            continue;
        }
        hung_up = n < 0;
    }
    assert_true(hung_up);
    close(fd);
    expect_served(&h);
    close_host(&h);
}

static void closing_waits_for_no_caller(void **state) {
    (void)state;
    host h = open_host("closing");
    int silent = raw_call(&h), half = raw_call(&h);
    send_all(half, "{\"do\":", 6);
    thaw_control *c = call(&h);
    expect_ok(thaw_control_send(c, &(thaw_order){.kind = THAW_ORDER_PAUSE}, NULL));
    double before = clock_seconds();
    close_host(&h);
    assert_true(clock_seconds() - before < 5);
    thaw_answer a;
    while (thaw_control_next(c, &a))
        free(a.problem);
    thaw_status status = thaw_control_send(c, &(thaw_order){.kind = THAW_ORDER_PAUSE}, NULL);
    assert_int_equal(status.code, THAW_ERR_NOT_FOUND);
    assert_true(thaw_control_lost(c));
    thaw_control_close(c);
    close(silent);
    close(half);
}

static void it_opens_again_for_the_next_run(void **state) {
    (void)state;
    host h = open_host("first-run");
    control_close(h.control);
    make_folder("second-run");
    expect_ok(control_open(h.control, "second-run"));
    free(h.folder);
    h.folder = xstrdup("second-run");
    expect_served(&h);
    close_host(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_reads_as_it_was_written),
        cmocka_unit_test(a_stop_saves_unless_it_says_otherwise),
        cmocka_unit_test(what_is_wrong_with_a_line_is_named),
        cmocka_unit_test(an_answer_reads_as_it_was_written),
        cmocka_unit_test(an_order_arrives_and_is_answered_when_it_was_obeyed),
        cmocka_unit_test(a_refusal_says_why),
        cmocka_unit_test(a_mask_arrives_whole),
        cmocka_unit_test(two_callers_get_their_own_answers),
        cmocka_unit_test(the_socket_is_its_users_alone_and_goes_with_the_run),
        cmocka_unit_test(a_folder_whose_path_is_too_long_for_an_address_will_do),
        cmocka_unit_test(where_files_cannot_be_sockets_the_socket_is_elsewhere),
        cmocka_unit_test(a_socket_elsewhere_that_was_left_over_is_replaced),
        cmocka_unit_test(a_note_that_names_something_else_removes_nothing),
        cmocka_unit_test(a_socket_that_was_left_over_is_said_to_be_and_is_replaced),
        cmocka_unit_test(what_is_no_socket_is_not_replaced),
        cmocka_unit_test(rubbish_is_answered_and_changes_nothing),
        cmocka_unit_test(a_line_without_end_is_not_kept_for_ever),
        cmocka_unit_test(a_last_line_without_its_end_counts),
        cmocka_unit_test(many_who_say_nothing_keep_nobody_out),
        cmocka_unit_test(a_caller_that_was_dropped_calls_again),
        cmocka_unit_test(a_flood_does_not_fill_the_mailbox),
        cmocka_unit_test(answers_that_nobody_reads_cost_the_caller_its_connection),
        cmocka_unit_test(closing_waits_for_no_caller),
        cmocka_unit_test(it_opens_again_for_the_next_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
