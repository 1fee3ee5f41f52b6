/*
 * test_picture_store.c - pictures come in by jobs: those that show, once, in bounded memory, however fast
 * somebody scrolls, and whatever the files are.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "image_fixture.h"
#include "tests/unit/app_fixture.h"
#include "tui/picture_store.h"

enum { FILES = 40, SIDE = 32, PATIENCE_MS = 20000 };

static app *bench;
static picture_store *store;

static int open_store(void **state) {
    (void)state;
    bench = open_app(NULL);
    store = picture_store_new(bench);
    return 0;
}

static int close_store(void **state) {
    (void)state;
    picture_store_free(store);
    app_free(bench);
    return 0;
}

static char *path_of(int i) {
    return xasprintf("%03d.jpg", i);
}

static picture_state want(const char *path, int side) {
    picture_key key = {.kind = PICTURE_FILE, .path = path, .side = side};
    return picture_store_want(store, &key);
}

/* One frame with files FIRST..END; returns how many of them are there. */
static int frame(int first, int end) {
    int here = 0;
    picture_store_begin(store);
    for (int i = first; i < end; i++) {
        char *path = path_of(i);
        picture_state now = want(path, SIDE);
        here += now.picture != NULL;
        if (now.picture)
            assert_int_equal(now.picture->width > now.picture->height ? now.picture->width
                                                                      : now.picture->height,
                             20 + i % 10);
        free(path);
    }
    picture_store_end(store);
    return here;
}

static void wait_for_jobs(void) {
    struct pollfd fd = {.fd = app_jobs_fd(bench), .events = POLLIN};
    assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
    app_jobs_finish(bench);
}

static void files_that_show_are_loaded(void **state) {
    (void)state;
    assert_int_equal(frame(0, 10), 0);
    while (frame(0, 10) < 10)
        wait_for_jobs();
    assert_int_equal(frame(0, 10), 10);
    assert_true(picture_store_bytes(store) > 0);
}

static void scrolling_past_loads_only_what_stays(void **state) {
    (void)state;
    for (int i = 0; i + 5 < FILES; i++)
        frame(i, i + 5);
    while (frame(FILES - 5, FILES) < 5)
        wait_for_jobs();
    size_t bytes = picture_store_bytes(store);
    assert_true(bytes <= 10u * 29 * 29 * 3); /* the first few, and the last: not all forty */
    assert_int_equal(frame(FILES - 5, FILES), 5);
}

static void what_cannot_be_read_says_why(void **state) {
    (void)state;
    fix_write("text.jpg", "no picture", 10);
    for (const char *problem = NULL; !problem;) {
        picture_store_begin(store);
        problem = want("text.jpg", SIDE).problem;
        want("nowhere.jpg", SIDE);
        picture_store_end(store);
        if (!problem) wait_for_jobs();
        if (problem) assert_non_null(strstr(problem, "not a picture by its content"));
    }
}

static void a_view_without_a_model_says_so(void **state) {
    (void)state;
    picture_key key = {.kind = PICTURE_TRAINING, .path = "000.jpg", .side = SIDE};
    for (const char *problem = NULL; !problem;) {
        picture_store_begin(store);
        problem = picture_store_want(store, &key).problem;
        picture_store_end(store);
        if (!problem) wait_for_jobs();
        if (problem) assert_non_null(strstr(problem, "no model is chosen"));
    }
}

static void memory_is_bounded(void **state) {
    (void)state;
    enum { LARGE = 512, MANY = 30, BOUND = 24 << 20, TILE = LARGE * LARGE * 3 };
    fix_write_picture("large.jpg", LARGE, LARGE, 1);
    for (int i = 0; i < MANY; i++) {
        char *path = xasprintf("large-%d.jpg", i);
        if (symlink("large.jpg", path)) fail();
        for (bool here = false; !here;) {
            picture_store_begin(store);
            here = want(path, LARGE).picture != NULL;
            picture_store_end(store);
            if (!here) wait_for_jobs();
        }
        assert_true(picture_store_bytes(store) <= BOUND + TILE);
        free(path);
    }
    assert_true(picture_store_bytes(store) > BOUND / 2);
    picture_store_forget(store);
    assert_int_equal(picture_store_bytes(store), 0);
}

static void it_may_be_freed_while_it_loads(void **state) {
    (void)state;
    frame(0, FILES);
    picture_store_forget(store);
    frame(0, FILES);
    frame(3, 4);
}

int main(void) {
    app_fixture_home();
    for (int i = 0; i < FILES; i++) {
        char *path = path_of(i);
        fix_write_picture(path, 20 + i % 10, 12, i);
        free(path);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_that_show_are_loaded, open_store, close_store),
        cmocka_unit_test_setup_teardown(scrolling_past_loads_only_what_stays, open_store, close_store),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_says_why, open_store, close_store),
        cmocka_unit_test_setup_teardown(a_view_without_a_model_says_so, open_store, close_store),
        cmocka_unit_test_setup_teardown(memory_is_bounded, open_store, close_store),
        cmocka_unit_test_setup_teardown(it_may_be_freed_while_it_loads, open_store, close_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
