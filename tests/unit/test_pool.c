/*
 * test_pool.c - the memory of large tensors: nothing overlaps, nothing is lost, and the system is not asked
 * twice.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/rng.h"
#include "engine/torch/pool.h"
#include "tests/unit/support_torch.h"

#define MEGABYTE ((size_t)1 << 20)

static void freed_memory_serves_the_next_taker(void **state) {
    (void)state;
    void *first = pool_take(8 * MEGABYTE);
    assert_non_null(first);
    pool_give(first);
    pool_state before = pool_look();
    void *second = pool_take(8 * MEGABYTE);
    assert_ptr_equal(first, second);
    assert_int_equal(pool_look().mapped, before.mapped);
    assert_int_equal(pool_look().used + pool_look().waiting, before.used + before.waiting);
    pool_give(second);
}

static void every_block_is_aligned(void **state) {
    (void)state;
    for (size_t size = 1; size < 4 * MEGABYTE; size = 3 * size + 1) {
        void *memory = pool_take(size);
        assert_int_equal((uintptr_t)memory % POOL_ALIGNMENT, 0);
        memset(memory, 1, size);
        pool_give(memory);
    }
    pool_give(NULL);
}

static void small_blocks_are_not_counted(void **state) {
    (void)state;
    pool_state before = pool_look();
    void *memory = pool_take(POOL_LARGE - 1);
    assert_int_equal(pool_look().used, before.used);
    pool_give(memory);
    assert_int_equal(pool_look().waiting, before.waiting);
}

static void neighbours_grow_together_again(void **state) {
    (void)state;
    pool_trim();
    pool_expect_reuse(); /* in large segments */
    void *part[3];
    for (int i = 0; i < 3; i++)
        part[i] = pool_take(80 * MEGABYTE);
    pool_give(part[0]);
    pool_give(part[2]);
    pool_give(part[1]);
    pool_state before = pool_look();
    void *whole = pool_take(240 * MEGABYTE);
    assert_ptr_equal(whole, part[0]);
    assert_int_equal(pool_look().mapped, before.mapped);
    pool_give(whole);
}

/* Takes and gives in no order, each block full of its own number; TURNS of them, then all are given. */
static void exercise(uint64_t seed, int turns) {
    enum { SLOTS = 24 };
    unsigned char *memory[SLOTS] = {NULL};
    size_t size[SLOTS];
    rng r = rng_keyed(seed, RNG_TEST, 0, 0);
    for (int turn = 0; turn < turns + SLOTS; turn++) {
        int i = turn < turns ? (int)(rng_unit(&r) * SLOTS) : turn - turns;
        if (memory[i]) {
            for (size_t at = 0; at < size[i]; at += 997)
                if (memory[i][at] != (unsigned char)(i + 1)) abort();
            if (memory[i][size[i] - 1] != (unsigned char)(i + 1)) abort();
            pool_give(memory[i]);
            memory[i] = NULL;
        } else if (turn < turns) {
            size[i] = 1 + (size_t)(rng_unit(&r) * rng_unit(&r) * 3 * (double)MEGABYTE);
            memory[i] = pool_take(size[i]);
            if (!memory[i]) abort();
            memset(memory[i], i + 1, size[i]);
        }
        if (turn % 512 == 511) pool_trim();
    }
}

static void blocks_never_overlap_and_all_come_back(void **state) {
    (void)state;
    pool_state before = pool_look();
    exercise(1, 4000);
    assert_int_equal(pool_look().used, before.used);
}

static void *exercise_thread(void *seed) {
    exercise((uint64_t)(uintptr_t)seed, 1500);
    return NULL;
}

static void two_threads_may_take_and_give(void **state) {
    (void)state;
    pool_state before = pool_look();
    pthread_t thread[2];
    for (uintptr_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, exercise_thread, (void *)(i + 2)), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(pool_look().used, before.used);
}

static void expected_tensors_lie_in_one_block(void **state) {
    (void)state;
    enum { COUNT = 300 };
    unsigned char *memory[COUNT];
    size_t size[COUNT], bytes = 0;
    rng r = rng_keyed(4, RNG_TEST, 0, 0);
    for (int i = 0; i < COUNT; i++) {
        size[i] = i % 50 == 7 ? 3 * MEGABYTE : (size_t)(rng_unit(&r) * 20000);
        bytes += pool_cut_size(size[i]);
    }
    pool_state before = pool_look();
    pool_expect(bytes);
    const size_t used = pool_look().used;
    assert_true(used >= before.used + bytes);
    for (int i = 0; i < COUNT; i++) {
        memory[i] = pool_take(size[i]);
        assert_int_equal((uintptr_t)memory[i] % POOL_ALIGNMENT, 0);
        pool_ready(memory[i], size[i]);
        memset(memory[i], i, size[i]);
    }
    assert_int_equal(pool_look().used, used);
    void *other = pool_take(MEGABYTE); /* more than was expected comes from elsewhere */
    assert_true(pool_look().used > used);
    pool_give(other);
    pool_expect_none();
    for (int i = 0; i < COUNT; i++) {
        int at = i * 7 % COUNT; /* in no order */
        for (size_t k = 0; k < size[at]; k++)
            assert_int_equal(memory[at][k], (unsigned char)at);
        assert_int_equal(pool_look().used, used);
        pool_give(memory[at]);
    }
    assert_int_equal(pool_look().used, before.used);
}

static void what_was_expected_and_did_not_come_is_free_again(void **state) {
    (void)state;
    pool_state before = pool_look();
    pool_expect_none();
    pool_expect(8 * MEGABYTE);
    pool_expect_none();
    assert_int_equal(pool_look().used, before.used);
    pool_expect(8 * MEGABYTE);
    void *small = pool_take(1);
    pool_expect_none();
    assert_true(pool_look().used > before.used);
    void *not_expected = pool_take(1);
    pool_give(small);
    assert_int_equal(pool_look().used, before.used);
    pool_give(not_expected);
}

static void *take_small(void *user) {
    return pool_take(*(size_t *)user);
}

static void only_the_thread_that_expects_gets_of_it(void **state) {
    (void)state;
    size_t size = 1000;
    void *other;
    pthread_t thread;
    pool_expect(4 * pool_cut_size(size));
    char *first = pool_take(size);
    assert_int_equal(pthread_create(&thread, NULL, take_small, &size), 0);
    assert_int_equal(pthread_join(thread, &other), 0);
    char *second = pool_take(size);
    assert_ptr_equal(second, first + pool_cut_size(size));
    pool_expect_none();
    pool_give(first);
    pool_give(other);
    pool_give(second);
}

/* Pages that this process had to have found for it. */
static long faults(void) {
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_minflt;
}

static void ready_memory_is_written_without_a_page_fault(void **state) {
    (void)state;
    enum { COUNT = 100 };
    const size_t size = 100000, page = (size_t)sysconf(_SC_PAGESIZE);
    char *memory[COUNT];
#ifdef MADV_POPULATE_WRITE
    if (madvise(NULL, 0, MADV_POPULATE_WRITE)) skip(); /* before Linux 5.14 */
#else
    skip();
#endif
    pool_trim();
    pool_expect(COUNT * pool_cut_size(size));
    long found = 0;
    for (int i = 0; i < COUNT; i++) {
        memory[i] = pool_take(size);
        pool_ready(memory[i], size);
        long before = faults();
        for (size_t at = 0; at < size; at += page)
            memory[i][at] = 1;
        found += faults() - before;
    }
    pool_expect_none();
    for (int i = 0; i < COUNT; i++)
        pool_give(memory[i]);
    assert_in_range(found, 0, COUNT * size / page / 4); /* a sanitizer has some of its own */
}

static size_t resident_bytes(void) {
    long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    assert_non_null(statm);
    assert_int_equal(fscanf(statm, "%*d %ld", &pages), 1);
    fclose(statm);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void trimming_gives_the_memory_back_and_spares_what_is_used(void **state) {
    (void)state;
    char *kept = pool_take(MEGABYTE), *big = pool_take(100 * MEGABYTE);
    memset(kept, 7, MEGABYTE);
    memset(big, 7, 100 * MEGABYTE);
    pool_give(big);
    size_t before = resident_bytes();
    pool_trim();
    assert_true(resident_bytes() + 90 * MEGABYTE < before);
    for (size_t i = 0; i < MEGABYTE; i += 4096)
        assert_int_equal(kept[i], 7);
    pool_give(kept);
}

/* What loading let go of lies between what it keeps, in other sizes than steps need. */
static void what_waits_goes_back_before_steps_begin(void **state) {
    (void)state;
    pool_trim();
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = 4 * MEGABYTE;
    char *kept = pool_take(size), *gone = pool_take(size), *behind = pool_take(size);
    memset(kept, 1, size);
    memset(gone, 2, size);
    memset(behind, 3, size);
    char *middle = gone + size / 2 / page * page - (uintptr_t)gone % page;
    unsigned char there = 0;
    assert_int_equal(mincore(middle, page, &there), 0);
    assert_true(there & 1);
    pool_give(gone);
    pool_expect_reuse();
    assert_int_equal(mincore(middle, page, &there), 0);
    assert_false(there & 1);
    assert_true(kept[size - 1] == 1 && behind[0] == 3);
    pool_give(kept);
    pool_give(behind);
    pool_trim();
}

/* Both holes are large enough. The smaller one would need its pages anew, so the larger one is cut. */
static void memory_that_has_its_pages_comes_first(void **state) {
    (void)state;
    pool_trim();
    pool_expect_reuse(); /* one segment */
    void *small = pool_take(3 * MEGABYTE), *fence = pool_take(MEGABYTE), *large = pool_take(6 * MEGABYTE),
         *end = pool_take(MEGABYTE);
    pool_give(small);
    pool_give(large);
    void *first = pool_take(2 * MEGABYTE);
    assert_ptr_equal(first, small); /* both have been used: the smallest */
    pool_give(first);
    memset(large, 1, 6 * MEGABYTE);
    pool_let_go();
    unsigned char there = 0;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *inside = (char *)large + 4 * MEGABYTE;
    assert_int_equal(mincore(inside - (uintptr_t)inside % page, page, &there), 0);
    assert_false(there & 1);
    void *whole = pool_take(6 * MEGABYTE);
    assert_ptr_equal(whole, large);
    pool_give(whole);
    first = pool_take(2 * MEGABYTE);
    assert_ptr_equal(first, large);
    void *second = pool_take(3 * MEGABYTE); /* what is left of it has its pages too */
    assert_true((char *)second > (char *)first && second < end);
    pool_give(first);
    pool_give(second);
    pool_give(fence);
    pool_give(end);
    pool_trim();
}

static void what_the_system_does_not_have_is_refused(void **state) {
    (void)state;
    pool_state before = pool_look();
    assert_null(pool_take(SIZE_MAX));
    assert_null(pool_take(SIZE_MAX / 4));
    assert_int_equal(pool_look().used, before.used);
    void *memory = pool_take(300 * MEGABYTE); /* more than a segment */
    assert_non_null(memory);
    pool_give(memory);
}

static void tensors_live_in_the_pool(void **state) {
    (void)state;
    torch *t = support_torch();
    tscope s;
    size_t before = pool_look().used;
    tscope_begin(&s, t);
    t_full(&s, SHAPE_1(1 << 20), 1, DTYPE_F32, (device){DEVICE_CPU, 0});
    assert_true(pool_look().used >= before + 4 * MEGABYTE);
    thaw_status status = tscope_end(&s);
    assert_false(thaw_failed(&status));
    assert_int_equal(pool_look().used, before);
    tscope_begin(&s, t);
    t_empty(&s, SHAPE_1((int64_t)1 << 60), DTYPE_U8, (device){DEVICE_CPU, 0}, FORMAT_CONTIGUOUS);
    status = tscope_end(&s);
    assert_int_equal(status.code, THAW_ERR_TORCH);
    assert_non_null(strstr(status.message, "out of memory"));
    assert_non_null(strstr(status.message, "batch_size"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(freed_memory_serves_the_next_taker),
        cmocka_unit_test(every_block_is_aligned),
        cmocka_unit_test(small_blocks_are_not_counted),
        cmocka_unit_test(neighbours_grow_together_again),
        cmocka_unit_test(blocks_never_overlap_and_all_come_back),
        cmocka_unit_test(two_threads_may_take_and_give),
        cmocka_unit_test(expected_tensors_lie_in_one_block),
        cmocka_unit_test(what_was_expected_and_did_not_come_is_free_again),
        cmocka_unit_test(only_the_thread_that_expects_gets_of_it),
        cmocka_unit_test(ready_memory_is_written_without_a_page_fault),
        cmocka_unit_test(trimming_gives_the_memory_back_and_spares_what_is_used),
        cmocka_unit_test(what_waits_goes_back_before_steps_begin),
        cmocka_unit_test(memory_that_has_its_pages_comes_first),
        cmocka_unit_test(what_the_system_does_not_have_is_refused),
        cmocka_unit_test(tensors_live_in_the_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
