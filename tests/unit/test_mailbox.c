/*
 * test_mailbox.c - what crosses between threads: commands one way, events the other.
 */
#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/base/thread.h"
#include "engine/train/mailbox.h"
#include "engine/train/ring.h"

/* ---- mailbox ---- */

static void commands_come_out_in_order(void **state) {
    (void)state;
    mailbox *m = mailbox_new();
    mailbox_post(m, command_new(COMMAND_PAUSE));
    mailbox_post(m, command_new(COMMAND_STEP));
    mailbox_post(m, command_new(COMMAND_CONTINUE));
    static const command_kind expected[] = {COMMAND_PAUSE, COMMAND_STEP, COMMAND_CONTINUE};
    for (size_t i = 0; i < 3; i++) {
        command *c = mailbox_take(m);
        assert_int_equal(c->kind, expected[i]);
        command_free(c);
    }
    assert_null(mailbox_take(m));
    mailbox_free(m);
}

static void waiting_ends_after_its_time(void **state) {
    (void)state;
    mailbox *m = mailbox_new();
    double before = clock_seconds();
    assert_null(mailbox_wait(m, 0.03));
    double waited = clock_seconds() - before;
    assert_true(waited >= 0.025 && waited < 5);
    mailbox_free(m);
}

static void *post_late(void *user) {
    poll(NULL, 0, 20);
    mailbox_post(user, command_new(COMMAND_STOP));
    return NULL;
}

static void waiting_ends_with_a_command(void **state) {
    (void)state;
    mailbox *m = mailbox_new();
    pthread_t thread;
    thaw_status status = thread_start(&thread, "post", post_late, m);
    assert_string_equal(status.message, "");
    command *c = mailbox_wait(m, -1);
    assert_non_null(c);
    assert_int_equal(c->kind, COMMAND_STOP);
    command_free(c);
    pthread_join(thread, NULL);
    mailbox_free(m);
}

static void a_stop_is_seen_behind_other_commands(void **state) {
    (void)state;
    mailbox *m = mailbox_new();
    command *train = command_new(COMMAND_TRAIN);
    thaw_recipe_init(&train->recipe);
    mailbox_post(m, train);
    assert_false(mailbox_stop_waits(m));
    mailbox_post(m, command_new(COMMAND_STOP));
    assert_true(mailbox_stop_waits(m));
    mailbox_free(m); /* with commands in it: the leak checker watches */
}

/* ---- ring ---- */

static bool readable(const ring *r) {
    struct pollfd poller = {.fd = ring_fd(r), .events = POLLIN};
    return poll(&poller, 1, 0) == 1;
}

static void push_step(ring *r, int epoch, int64_t steps, double loss) {
    thaw_event e = {.kind = THAW_EVENT_STEP, .steps = steps};
    e.step.epoch = epoch;
    e.step.loss = loss;
    ring_push(r, &e);
}

static void push_log(ring *r, const char *text) {
    thaw_event e = {.kind = THAW_EVENT_LOG};
    e.log.text = xstrdup(text);
    ring_push(r, &e);
    assert_null(e.log.text); /* it is the ring's now */
}

static ring *make_ring(void) {
    ring *r;
    thaw_status status = ring_new(&r);
    assert_string_equal(status.message, "");
    return r;
}

static void the_descriptor_is_readable_exactly_while_events_wait(void **state) {
    (void)state;
    ring *r = make_ring();
    thaw_event e;
    assert_false(readable(r));
    push_log(r, "a");
    push_log(r, "b");
    assert_true(readable(r));
    assert_true(ring_take(r, &e));
    assert_string_equal(e.log.text, "a");
    thaw_event_clear(&e);
    assert_true(readable(r));
    assert_true(ring_take(r, &e));
    thaw_event_clear(&e);
    assert_false(readable(r));
    assert_false(ring_take(r, &e));
    push_log(r, "left in the ring: the leak checker watches");
    ring_free(r);
}

/* A reader that sleeps through a long run: memory is bounded, the spike is there, nothing but steps is lost.
 */
static void a_sleeping_reader_loses_neither_spikes_nor_other_events(void **state) {
    (void)state;
    enum { STEPS = 100000, SPIKE = 43210, HOLE = 77777, LOG_EVERY = 1000 };
    ring *r = make_ring();
    for (int64_t step = 1; step <= STEPS; step++) {
        push_step(r, (int)(step / 5000), step, step == SPIKE ? 99 : step == HOLE ? NAN : 1.0 / (double)step);
        if (step % LOG_EVERY == 0) push_log(r, "note");
    }
    int64_t steps = 0, logs = 0, last = 0;
    bool spike = false, hole = false;
    thaw_event e;
    while (ring_take(r, &e)) {
        if (e.kind == THAW_EVENT_STEP) {
            assert_true(e.steps > last);
            last = e.steps;
            steps++;
            spike = spike || e.step.loss == 99;
            hole = hole || isnan(e.step.loss);
        } else {
            logs++;
        }
        thaw_event_clear(&e);
    }
    assert_true(steps <= RING_STEP_CEILING && steps >= RING_STEP_CEILING / 4);
    assert_int_equal(logs, STEPS / LOG_EVERY);
    assert_true(spike && hole);
    assert_true(last > STEPS - 64);
    ring_free(r);
}

enum { WRITERS = 3, EACH = 2000 };

static void *push_many(void *user) {
    for (int i = 0; i < EACH; i++)
        push_log(user, "line");
    return NULL;
}

static void many_writers_and_a_reader_lose_nothing(void **state) {
    (void)state;
    ring *r = make_ring();
    pthread_t thread[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        thaw_status status = thread_start(&thread[i], "push", push_many, r);
        assert_string_equal(status.message, "");
    }
    for (int got = 0; got < WRITERS * EACH; got++) {
        thaw_event e;
        assert_true(ring_wait(r, 30, &e));
        thaw_event_clear(&e);
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(thread[i], NULL);
    assert_false(readable(r));
    thaw_event e;
    assert_false(ring_wait(r, 0.01, &e));
    ring_free(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_come_out_in_order),
        cmocka_unit_test(waiting_ends_after_its_time),
        cmocka_unit_test(waiting_ends_with_a_command),
        cmocka_unit_test(a_stop_is_seen_behind_other_commands),
        cmocka_unit_test(the_descriptor_is_readable_exactly_while_events_wait),
        cmocka_unit_test(a_sleeping_reader_loses_neither_spikes_nor_other_events),
        cmocka_unit_test(many_writers_and_a_reader_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
