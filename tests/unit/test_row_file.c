/*
 * test_row_file.c - rows on disk: found again, shared, damaged in every way, and bounded.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/cache/cache_folder.h"
#include "engine/cache/row_file.h"
#include "engine/cache/row_writer.h"

enum { ROW = 256, ROWS = 40 };
static const char folder[] = "rows-of-a-test", about[] = "{\"model\": \"m\", \"layer\": \"l\"}";

static void expect_ok(thaw_status status) {
    if (thaw_failed(&status)) fail_msg("%s", status.message);
}

static row_id id_of(int number) {
    return row_id_of(&number, sizeof number);
}

static void fill(unsigned char row[ROW], int number) {
    for (int i = 0; i < ROW; i++)
        row[i] = (unsigned char)(number * 31 + i);
}

static thaw_status add(row_file *f, int number, int64_t *row) {
    unsigned char bytes[ROW];
    row_id id = id_of(number);
    fill(bytes, number);
    return row_file_add(f, &id, bytes, 1, row);
}

static void add_all(row_file *f, int count) {
    for (int i = 0; i < count; i++) {
        int64_t row;
        expect_ok(add(f, i, &row));
        assert_true(row >= 0);
    }
}

static bool reads_well(row_file *f, int number) {
    unsigned char bytes[ROW], wanted[ROW];
    int64_t row = row_file_find(f, id_of(number));
    fill(wanted, number);
    return row >= 0 && row_file_read(f, row, bytes) && memcmp(bytes, wanted, ROW) == 0;
}

static row_file *made(int count) {
    row_file *f;
    expect_ok(row_file_remove(folder));
    expect_ok(row_file_create(folder, about, ROW, &f));
    add_all(f, count);
    return f;
}

static void rows_are_found_again(void **state) {
    (void)state;
    row_file *f = made(ROWS);
    int64_t row;
    expect_ok(add(f, 7, &row)); /* it is there */
    assert_int_equal(row, 7);
    row_file_close(f);
    expect_ok(row_file_open(folder, &f));
    assert_int_equal(row_file_count(f), ROWS);
    assert_int_equal(row_file_row_bytes(f), ROW);
    assert_string_equal(row_file_about(f), about);
    for (int i = 0; i < ROWS; i++)
        assert_true(reads_well(f, i) && reads_well(f, i));
    assert_int_equal(row_file_find(f, id_of(ROWS)), -1);
    struct stat info;
    assert_int_equal(stat(folder, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    row_file_close(f);
}

static void a_folder_that_is_not_there_is_told(void **state) {
    (void)state;
    row_file *f;
    thaw_status status = row_file_open("no-such-folder", &f);
    assert_int_equal(status.code, THAW_ERR_NOT_FOUND);
    assert_null(f);
}

/* ---- damage ---- */

static void damage(const char *name, off_t at, const void *bytes, size_t count) {
    char *path = path_join(folder, name);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, count, at), count);
    close(fd);
    free(path);
}

static void cut(const char *name, off_t length) {
    char *path = path_join(folder, name);
    assert_int_equal(truncate(path, length), 0);
    free(path);
}

static off_t length_of(const char *name) {
    char *path = path_join(folder, name);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    free(path);
    return info.st_size;
}

/* Looking counts and reads what is said of the rows, and leaves the time of the last use. */
static void looking_is_not_using(void **state) {
    (void)state;
    row_file_close(made(ROWS));
    cut("rows", (ROWS - 2) * ROW + 1);
    struct timespec old[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    assert_int_equal(utimensat(AT_FDCWD, "rows-of-a-test/index", old, 0), 0);
    row_file_facts facts;
    expect_ok(row_file_look(folder, &facts));
    assert_int_equal(facts.count, ROWS - 2);
    assert_int_equal(facts.row_bytes, ROW);
    assert_string_equal(facts.about, about);
    free(facts.about);
    struct stat info;
    assert_int_equal(stat("rows-of-a-test/index", &info), 0);
    assert_int_equal(info.st_mtim.tv_sec, 1000000000);
    assert_false(row_file_in_use(folder));
    cut("about.json", 9);
    assert_int_equal(row_file_look(folder, &facts).code, THAW_ERR_FORMAT);
    assert_null(facts.about);
}

static void a_damaged_row_is_missing_and_can_be_added_again(void **state) {
    (void)state;
    row_file_close(made(ROWS));
    damage("rows", 5 * ROW + 9, "x", 1);
    row_file *f;
    expect_ok(row_file_open(folder, &f));
    assert_true(reads_well(f, 4));
    assert_false(reads_well(f, 5));
    assert_int_equal(row_file_find(f, id_of(5)), -1);
    assert_int_equal(row_file_lost(f), 1);
    int64_t row;
    expect_ok(add(f, 5, &row));
    assert_int_equal(row, ROWS);
    assert_true(reads_well(f, 5));
    row_file_close(f);
    expect_ok(row_file_open(folder, &f)); /* the later record holds */
    assert_true(reads_well(f, 5));
    row_file_close(f);
}

static void a_damaged_record_is_one_row_less(void **state) {
    (void)state;
    row_file_close(made(ROWS));
    off_t record = (length_of("index") - 32) / ROWS;
    damage("index", 32 + 3 * record + 1, "xyz", 3);
    row_file *f;
    expect_ok(row_file_open(folder, &f));
    assert_int_equal(row_file_lost(f), 1);
    for (int i = 0; i < ROWS; i++)
        assert_int_equal(reads_well(f, i), i != 3);
    row_file_close(f);
}

/* Wherever it is cut: what is whole is found, and rows that come later are not confused with what was there.
 */
static void a_file_that_was_cut_keeps_what_is_whole(void **state) {
    (void)state;
    static const char *const name[] = {"rows", "index"};
    for (int which = 0; which < 2; which++)
        for (int quarter = 1; quarter < 4; quarter++) {
            row_file_close(made(ROWS));
            cut(name[which], length_of(name[which]) * quarter / 4 + 5);
            row_file *f;
            expect_ok(row_file_open(folder, &f));
            int whole = (int)row_file_count(f);
            assert_in_range(whole, ROWS * quarter / 4 - 2, ROWS * quarter / 4 + 1);
            if (which == 0) assert_int_equal(row_file_lost(f), ROWS - whole);
            for (int i = 0; i < ROWS; i++)
                assert_int_equal(reads_well(f, i), i < whole);
            for (int i = ROWS - 1; i >= 0; i--) {
                int64_t row;
                expect_ok(add(f, i, &row));
            }
            row_file_close(f);
            expect_ok(row_file_open(folder, &f));
            for (int i = 0; i < ROWS; i++)
                assert_true(reads_well(f, i));
            row_file_close(f);
        }
}

static void a_file_cut_under_a_reader_is_no_crash(void **state) {
    (void)state;
    row_file *f = made(ROWS);
    assert_true(reads_well(f, 30));
    cut("rows", 10 * ROW);
    assert_true(reads_well(f, 3));
    assert_false(reads_well(f, 30));
    int64_t row;
    thaw_status status = add(f, ROWS + 1, &row);
    assert_int_equal(status.code, THAW_ERR_FORMAT);
    assert_int_equal(row, -1);
    row_file_close(f);
}

static void expect_damaged(const char *part) {
    row_file *f;
    thaw_status status = row_file_open(folder, &f);
    if (status.code != THAW_ERR_FORMAT) fail_msg("%d: %s", (int)status.code, status.message);
    assert_non_null(strstr(status.message, part));
    assert_null(f);
}

static void a_damaged_folder_is_told_by_name(void **state) {
    (void)state;
    row_file_close(made(3));
    damage("index", 0, "x", 1);
    expect_damaged("index is damaged");
    row_file_close(made(3));
    damage("index", 8, "\2", 1);
    expect_damaged("another version");
    row_file_close(made(3));
    damage("index", 16, "\xff", 1); /* bytes a row */
    expect_damaged("index is damaged");
    row_file_close(made(3));
    cut("index", 7);
    expect_damaged("index is damaged");
    row_file_close(made(3));
    cut("about.json", 9);
    expect_damaged("about.json is damaged");
    row_file_close(made(3));
    assert_int_equal(unlink("rows-of-a-test/rows"), 0);
    expect_damaged("\"rows\"");
    row_file_close(made(3));
    assert_int_equal(unlink("rows-of-a-test/rows"), 0);
    assert_int_equal(mkdir("rows-of-a-test/rows", 0700), 0);
    expect_damaged("not an ordinary file");
    row_file_close(made(3));
    assert_int_equal(unlink("rows-of-a-test/rows"), 0);
    assert_int_equal(symlink("/etc/passwd", "rows-of-a-test/rows"), 0);
    expect_damaged("not an ordinary file");
    row_file_close(made(3));
    expect_ok(row_file_remove(folder));
    assert_int_equal(symlink("/etc", "rows-of-a-test"), 0);
    expect_damaged("not a folder");
    assert_int_equal(access("/etc/passwd", F_OK), 0);
}

/* A file of another user's in our folder goes; a folder of another user's stays. */
static void what_another_user_made_is_not_taken(void **state) {
    (void)state;
    enum { SOMEBODY = 12345 };
    if (geteuid() != 0) skip();
    row_file_close(made(3));
    assert_int_equal(chown("rows-of-a-test/index", SOMEBODY, SOMEBODY), 0);
    expect_damaged("belongs to another user");
    row_file_close(made(3));
    assert_int_equal(chown(folder, SOMEBODY, SOMEBODY), 0);
    row_file *f;
    thaw_status status = row_file_open(folder, &f);
    assert_int_equal(status.code, THAW_ERR_USAGE);
    assert_non_null(strstr(status.message, "belongs to another user"));
    expect_ok(row_file_remove(folder));
}

/* A disk that takes no more: what was added stays, the rest is told. */
static void a_full_disk_is_an_error(void **state) {
    (void)state;
    row_file *f = made(10);
    struct rlimit old, tight;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    tight = old;
    tight.rlim_cur = 12 * ROW + ROW / 2;
    setrlimit(RLIMIT_FSIZE, &tight);
    int64_t row[3];
    thaw_status status[3];
    for (int i = 0; i < 3; i++)
        status[i] = add(f, 10 + i, &row[i]);
    setrlimit(RLIMIT_FSIZE, &old);
    expect_ok(status[0]);
    expect_ok(status[1]);
    assert_int_equal(status[2].code, THAW_ERR_IO);
    assert_int_equal(row[2], -1);
    row_file_close(f);
    expect_ok(row_file_open(folder, &f));
    for (int i = 0; i < 13; i++)
        assert_int_equal(reads_well(f, i), i < 12);
    row_file_close(f);
}

/* ---- together ---- */

enum { SHARED_ROWS = 400 };

/* As another process would: a handle of its own. Odd ones begin at the other end. */
static void *add_for_everybody(void *argument) {
    int which = *(int *)argument;
    row_file *f = NULL;
    thaw_status status = row_file_create(folder, about, ROW, &f);
    for (int i = 0; i < SHARED_ROWS && !thaw_failed(&status); i++) {
        int64_t row;
        status = add(f, which % 2 ? SHARED_ROWS - 1 - i : i, &row);
    }
    row_file_close(f);
    return thaw_failed(&status) ? xstrdup(status.message) : NULL;
}

/* Stopped in the middle of adding, say: nobody waits for it for ever. */
static void a_process_that_does_not_let_go_is_not_waited_for_long(void **state) {
    (void)state;
    row_file *f = made(3);
    int held = open("rows-of-a-test/index", O_RDWR | O_CLOEXEC);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    assert_int_equal(fcntl(held, F_OFD_SETLK, &lock), 0);
    int64_t row;
    thaw_status status = add(f, 3, &row);
    assert_int_equal(status.code, THAW_ERR_IO);
    assert_non_null(strstr(status.message, "cannot lock"));
    assert_int_equal(row, -1);
    close(held);
    expect_ok(add(f, 3, &row));
    assert_int_equal(row, 3);
    row_file_close(f);
}

static void several_add_at_a_time(void **state) {
    (void)state;
    enum { THREADS = 4 };
    pthread_t thread[THREADS];
    int which[THREADS];
    expect_ok(row_file_remove(folder));
    for (int i = 0; i < THREADS; i++) {
        which[i] = i;
        assert_int_equal(pthread_create(&thread[i], NULL, add_for_everybody, &which[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *message;
        pthread_join(thread[i], &message);
        if (message) fail_msg("%s", (char *)message);
    }
    row_file *f;
    expect_ok(row_file_open(folder, &f));
    assert_int_equal(row_file_count(f), SHARED_ROWS); /* each once */
    for (int i = 0; i < SHARED_ROWS; i++)
        assert_true(reads_well(f, i));
    row_file_close(f);
}

/* ---- the thread that writes ---- */

static void note_written(void *user, size_t entry, int64_t row) {
    ((int64_t *)user)[entry] = row;
}

static void a_writer_writes_what_it_took(void **state) {
    (void)state;
    row_file *f = made(0);
    int64_t at[ROWS];
    memset(at, -1, sizeof at);
    row_writer *w;
    row_writer_params p = {
        .file = f, .queue_bytes = 4 * ROW, .most_bytes = 30 * ROW, .written = note_written, .user = at};
    expect_ok(row_writer_new(&p, &w));
    bool taken[ROWS];
    for (int i = 0; i < ROWS; i++) {
        unsigned char bytes[ROW];
        fill(bytes, i);
        taken[i] = row_writer_add(w, (size_t)i, id_of(i), bytes);
        if (!taken[i]) usleep(1000); /* the queue may be full */
    }
    thaw_status trouble;
    assert_false(row_writer_trouble(w, &trouble));
    row_writer_free(w);
    int count = 0;
    for (int i = 0; i < ROWS; i++) {
        count += taken[i];
        assert_int_equal(at[i] >= 0, taken[i]);
        assert_int_equal(reads_well(f, i), taken[i]);
    }
    assert_in_range(count, 4, 30); /* its queue at least, and no more than it may */
    row_file_close(f);
}

/* ---- the folder of all of them ---- */

static void age(const char *path, int seconds_ago) {
    static const char *const parts[] = {"index", "rows", "about.json"};
    struct timespec when[2];
    clock_gettime(CLOCK_REALTIME, &when[0]);
    when[0].tv_sec -= seconds_ago;
    when[1] = when[0];
    for (int i = 0; i < 3; i++) {
        char *part = path_join(path, parts[i]);
        utimensat(AT_FDCWD, part, when, 0);
        free(part);
    }
}

static void keep(const char *name, int rows, int seconds_ago) {
    char *root = thaw_cache_folder(), *path = path_join(root, name);
    row_file *f;
    expect_ok(row_file_create(path, about, 4096, &f));
    unsigned char *bytes = xcalloc(1, 4096);
    for (int i = 0; i < rows; i++) {
        int64_t row;
        row_id id = id_of(i);
        expect_ok(row_file_add(f, &id, bytes, 1, &row));
    }
    row_file_close(f);
    age(path, seconds_ago);
    free(bytes);
    free(path);
    free(root);
}

static size_t kept_caches(void) {
    thaw_cache_info *info;
    size_t count;
    expect_ok(thaw_cache_list(&info, &count));
    thaw_cache_list_free(info, count);
    return count;
}

static void limits_are_sizes(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes; /* -1: refused */
    } row[] = {{"20G", (int64_t)20 << 30}, {"500m", 500 << 20},     {"1.5k", 1536}, {"7", 7},   {"0", 0},
               {"2TB", (int64_t)2 << 40},  {"", (int64_t)10 << 30}, {"lots", -1},   {"5X", -1}, {"-1", -1}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        int64_t bytes;
        setenv("THAW_CACHE_LIMIT", row[i].text, 1);
        thaw_status status = thaw_cache_limit(&bytes);
        assert_int_equal(thaw_failed(&status), row[i].bytes < 0);
        assert_int_equal(bytes, row[i].bytes < 0 ? 0 : row[i].bytes);
    }
    unsetenv("THAW_CACHE_LIMIT");
}

static void the_least_recently_used_goes_first(void **state) {
    (void)state;
    enum { KILO = 1024 };
    int64_t allowed;
    setenv("XDG_CACHE_HOME", "/tmp", 1);
    char *home = realpath(".", NULL);
    setenv("XDG_CACHE_HOME", home, 1);
    assert_int_equal(kept_caches(), 0);
    keep("newest", 100, 0);
    keep("oldest", 100, 300);
    keep("middle", 100, 200);
    char *root = thaw_cache_folder(), *path = path_join(root, "middle");
    row_file *used;
    expect_ok(row_file_open(path, &used)); /* somebody works with it */
    age(path, 200);
    thaw_cache_info *info;
    size_t count;
    expect_ok(thaw_cache_list(&info, &count));
    assert_int_equal(count, 3);
    assert_string_equal(info[0].name, "newest");
    assert_string_equal(info[2].name, "oldest");
    assert_int_equal(info[0].outputs, 100);
    assert_in_range(info[0].bytes, 400 * KILO, 440 * KILO);
    assert_true(info[1].in_use && !info[0].in_use);
    assert_null(info[0].problem);
    assert_string_equal(info[0].model, "m");
    thaw_cache_list_free(info, count);

    setenv("THAW_CACHE_LIMIT", "1600K", 1); /* three of a bit more than 400K, and 300K more */
    expect_ok(cache_folder_make_room("mine", 300 * KILO, &allowed));
    assert_int_equal(allowed, 300 * KILO);
    assert_int_equal(kept_caches(), 3);
    expect_ok(cache_folder_make_room("mine", 700 * KILO, &allowed));
    assert_int_equal(allowed, 700 * KILO);
    assert_int_equal(kept_caches(), 2);
    expect_ok(cache_folder_make_room("mine", 1500 * KILO, &allowed)); /* the one in use stays */
    assert_in_range(allowed, 1100 * KILO, 1200 * KILO);
    assert_int_equal(kept_caches(), 1);
    setenv("THAW_CACHE_LIMIT", "0", 1);
    expect_ok(cache_folder_make_room("mine", 1, &allowed));
    assert_int_equal(allowed, 0);
    unsetenv("THAW_CACHE_LIMIT");

    size_t removed, kept;
    int64_t bytes;
    keep("newest", 10, 0);
    expect_ok(thaw_cache_clear(NULL, &removed, &kept, &bytes));
    assert_int_equal(removed, 1);
    assert_int_equal(kept, 1);
    row_file_close(used);
    thaw_status status = thaw_cache_clear("nothing", &removed, &kept, &bytes);
    assert_int_equal(status.code, THAW_ERR_NOT_FOUND);
    expect_ok(thaw_cache_clear("mid", &removed, &kept, &bytes));
    assert_int_equal(removed, 1);
    assert_int_equal(kept_caches(), 0);
    unsetenv("XDG_CACHE_HOME");
    free(path);
    free(root);
    free(home);
}

/* Somebody's file in the folder that should go first, say. */
static void what_cannot_be_removed_stands_in_nobodys_way(void **state) {
    (void)state;
    enum { KILO = 1024 };
    char *home = realpath(".", NULL);
    setenv("XDG_CACHE_HOME", home, 1);
    keep("newer", 100, 100);
    keep("stubborn", 100, 300);
    char *root = thaw_cache_folder(), *path = path_join(root, "stubborn"), *note = path_join(path, "note");
    FILE *f = fopen(note, "w");
    assert_non_null(f);
    (void)fclose(f);
    int64_t allowed, bytes;
    setenv("THAW_CACHE_LIMIT", "1000K", 1);
    expect_ok(cache_folder_make_room("mine", 500 * KILO, &allowed));
    assert_int_equal(allowed, 500 * KILO);
    assert_int_equal(kept_caches(), 1);
    unsetenv("THAW_CACHE_LIMIT");
    keep("newer", 100, 400);
    size_t removed, kept;
    thaw_status status = thaw_cache_clear(NULL, &removed, &kept, &bytes);
    assert_true(thaw_failed(&status));
    assert_non_null(strstr(status.message, "stubborn"));
    assert_int_equal(removed, 1);
    assert_int_equal(unlink(note), 0);
    expect_ok(thaw_cache_clear(NULL, &removed, &kept, &bytes));
    assert_int_equal(kept_caches(), 0);
    unsetenv("XDG_CACHE_HOME");
    free(note);
    free(path);
    free(root);
    free(home);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_found_again),
        cmocka_unit_test(a_folder_that_is_not_there_is_told),
        cmocka_unit_test(looking_is_not_using),
        cmocka_unit_test(a_damaged_row_is_missing_and_can_be_added_again),
        cmocka_unit_test(a_damaged_record_is_one_row_less),
        cmocka_unit_test(a_file_that_was_cut_keeps_what_is_whole),
        cmocka_unit_test(a_file_cut_under_a_reader_is_no_crash),
        cmocka_unit_test(a_damaged_folder_is_told_by_name),
        cmocka_unit_test(what_another_user_made_is_not_taken),
        cmocka_unit_test(a_full_disk_is_an_error),
        cmocka_unit_test(a_process_that_does_not_let_go_is_not_waited_for_long),
        cmocka_unit_test(several_add_at_a_time),
        cmocka_unit_test(a_writer_writes_what_it_took),
        cmocka_unit_test(limits_are_sizes),
        cmocka_unit_test(the_least_recently_used_goes_first),
        cmocka_unit_test(what_cannot_be_removed_stands_in_nobodys_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
