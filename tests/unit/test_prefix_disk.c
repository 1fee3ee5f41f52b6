/*
 * test_prefix_disk.c - outputs of frozen layers on disk: a later run finds them and takes the same course as
 * one that does not, whatever happened to the files meanwhile.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "tests/unit/support_torch.h"
#include "tests/unit/train_outcome.h"
#include "thaw/cache.h"

enum { IMAGES = 32, VAL = 16, STEPS_PER_EPOCH = 4, OUTPUT = 16 * 16 * 16 * sizeof(float) /* of layer1 */ };
#define STEM   "freeze=[\"conv1\",\"bn1\",\"layer1\"]"
#define DEEPER "freeze=[\"conv1\",\"bn1\",\"layer1\",\"layer2\"]"
#define FIXED  STEM, "data.augment=none", "epochs=2", "cache=auto"

static const char kept_no_more[] = "nothing more is kept on disk";
static bool disk_is_full; /* the one with the cache */

/* This program's own, which comes before the library's. */
int statvfs(const char *path, struct statvfs *out) {
    struct statfs disk;
    if (statfs(path, &disk) < 0) return -1;
    bool full =
        disk_is_full && strncmp(path, getenv("XDG_CACHE_HOME"), strlen(getenv("XDG_CACHE_HOME"))) == 0;
    *out = (struct statvfs){.f_bavail = full ? 0 : disk.f_bavail, .f_frsize = (unsigned long)disk.f_frsize};
    return 0;
}

/* A place of its own for each test. */
static int setup(void **state) {
    char name[] = "cache-XXXXXX";
    char *path = realpath(mkdtemp(name), NULL);
    setenv("XDG_CACHE_HOME", path, 1);
    *state = path;
    return 0;
}

static int teardown(void **state) {
    unsetenv("THAW_CACHE_LIMIT");
    free(*state);
    return 0;
}

/* The only kept folder for IMAGES ("train" or "val"); the caller frees it. */
static char *kept_folder(const char *images) {
    thaw_cache_info *info;
    size_t count;
    char *folder = NULL;
    expect_ok(thaw_cache_list(&info, &count));
    for (size_t i = 0; i < count; i++)
        if (!info[i].problem && strcmp(info[i].images, images) == 0) {
            assert_null(folder);
            folder = xstrdup(info[i].folder);
        }
    thaw_cache_list_free(info, count);
    assert_non_null(folder);
    return folder;
}

/* ---- found again ---- */

static void a_second_run_finds_them(void **state) {
    (void)state;
    outcome first = OUTCOME(NULL, FIXED);
    assert_int_equal(first.found, 0);
    assert_int_equal(first.first_cached, 0);
    assert_int_equal(first.entries, IMAGES + VAL);
    outcome again = OUTCOME(NULL, FIXED);
    assert_int_equal(again.found, IMAGES + VAL);
    assert_int_equal(again.first_cached, IMAGES);
    assert_int_equal(again.bytes, 0); /* of memory */
    expect_same(&again, &first);
    assert_int_equal(first.warnings + again.warnings, 0);
    /* Another rate, another head: the same outputs. */
    outcome other = OUTCOME(NULL, FIXED, "optimizer.lr=0.01", "head.dropout=0.5");
    outcome without = OUTCOME(NULL, FIXED, "optimizer.lr=0.01", "head.dropout=0.5", "cache=off");
    assert_int_equal(other.first_cached, IMAGES);
    expect_same(&other, &without);
}

static void crops_are_found_by_their_seed(void **state) {
    (void)state;
    outcome first = OUTCOME(NULL, STEM, "epochs=2", "cache=auto");
    assert_int_equal(first.first_cached, 0);
    outcome again = OUTCOME(NULL, STEM, "epochs=2", "cache=auto", "optimizer.lr=0.01");
    outcome without = OUTCOME(NULL, STEM, "epochs=2", "cache=off", "optimizer.lr=0.01");
    assert_int_equal(again.first_cached, IMAGES);
    expect_same(&again, &without);
    thaw_cache_info *info;
    size_t before, after;
    expect_ok(thaw_cache_list(&info, &before));
    thaw_cache_list_free(info, before);
    outcome other = OUTCOME(NULL, STEM, "epochs=2", "cache=auto", "seed=4");
    assert_int_equal(other.first_cached, 0);
    expect_ok(thaw_cache_list(&info, &after));
    thaw_cache_list_free(info, after);
    assert_int_equal(before, 2);
    assert_int_equal(after, 4); /* another seed gives random weights other values, too */
}

/* What would make other outputs has another name. */
static void what_makes_a_difference_is_in_the_name(void **state) {
    (void)state;
    OUTCOME(NULL, FIXED);
    static const char *const change[] = {"data.augment=flip",
                                         "precision=bf16",
                                         "data.interpolation=bicubic",
                                         "cache_precision=bf16",
                                         "batch_size=4",
                                         "seed=9",
                                         DEEPER};
    for (size_t i = 0; i < sizeof change / sizeof *change; i++) {
        outcome o = OUTCOME(NULL, FIXED, change[i]);
        bool val_alike = i == 0; /* images to validate on are not augmented */
        assert_int_equal(o.found, val_alike ? VAL : 0);
        assert_int_equal(o.first_cached, 0);
        free(o.warning);
    }
}

static void a_changed_file_is_computed_again(void **state) {
    (void)state;
    OUTCOME(NULL, FIXED);
    char *file = NULL;
    const char *images = fixture_images(4, 2);
    char *train = path_join(images, "train"), *folder = NULL;
    DIR *dir = opendir(train);
    for (const struct dirent *e; !folder && (e = readdir(dir));)
        if (e->d_name[0] != '.') folder = path_join(train, e->d_name);
    closedir(dir);
    assert_non_null(folder);
    dir = opendir(folder);
    for (const struct dirent *e; !file && (e = readdir(dir));)
        if (e->d_name[0] != '.') file = path_join(folder, e->d_name);
    closedir(dir);
    assert_non_null(file);
    struct timespec when[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    assert_int_equal(utimensat(AT_FDCWD, file, when, 0), 0);
    outcome o = OUTCOME(NULL, FIXED);
    assert_int_equal(o.found, IMAGES + VAL - 1);
    assert_int_equal(o.first_cached, IMAGES - 1);
    free(file);
    free(folder);
    free(train);
}

/* ---- more frozen ---- */

static void freeze_layer2_after_six(rig *r, const thaw_event *e) {
    if (e->kind != THAW_EVENT_STEP || e->steps != 6) return;
    command *c = command_new(COMMAND_MASK);
    static const char *const path[] = {"conv1", "bn1", "layer1", "layer2"};
    for (size_t i = 0; i < sizeof path / sizeof *path; i++)
        freeze_mask_add(&c->mask, path[i], THAW_FROZEN);
    mailbox_post(r->mailbox, c);
}

static int steps_cached_from(const rig *r, int64_t first, int64_t last) {
    int count = 0;
    for (size_t i = 0; i < r->count; i++)
        if (r->event[i].kind == THAW_EVENT_STEP && r->event[i].steps >= first && r->event[i].steps <= last)
            count += r->event[i].step.cached;
    return count;
}

/* Not one image is read again: the way goes on from the earlier cut. And what was kept there is let go. */
static void a_longer_prefix_is_computed_from_the_shorter(void **state) {
    (void)state;
    static const char *const cache[] = {"cache=memory", "cache=auto"};
    for (int i = 0; i < 2; i++) {
        thaw_recipe recipe;
        FIXTURE_RECIPE(&recipe, STEM, "data.augment=none", "epochs=4", cache[i]);
        rig r = {.on_event = freeze_layer2_after_six, .keep = true};
        rig_train(&r, &recipe);
        expect_ok(r.status);
        outcome with = {0};
        with = outcome_of(&r);
        assert_int_equal(steps_cached_from(&r, 1, STEPS_PER_EPOCH), 0);
        assert_int_equal(steps_cached_from(&r, STEPS_PER_EPOCH + 1, 4 * STEPS_PER_EPOCH), 3 * IMAGES);
        const thaw_event *last = rig_event(&r, THAW_EVENT_CACHE, -1);
        assert_string_equal(last->cache.layer, "layer2.2");
        assert_int_equal(last->cache.bytes, (IMAGES + VAL) * OUTPUT / 2); /* and nothing of layer1 any more */
        assert_null(prefix_cache_base(r.trainer->train_cache));
        rig_clear(&r);
        thaw_recipe_clear(&recipe);
        outcome without =
            OUTCOME(freeze_layer2_after_six, STEM, "data.augment=none", "epochs=4", "cache=off");
        expect_same(&with, &without);
    }
}

/* ---- damage and bounds ---- */

static void damage(const char *folder, const char *name, off_t at) {
    char *path = path_join(folder, name);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "damaged", 7, at), 7);
    close(fd);
    free(path);
}

static void cut(const char *folder, const char *name, off_t length) {
    char *path = path_join(folder, name);
    assert_int_equal(truncate(path, length), 0);
    free(path);
}

/* Every way: one warning, the same end, and the next run finds everything again. */
static void damaged_files_are_made_anew(void **state) {
    (void)state;
    outcome sound = OUTCOME(NULL, FIXED);
    for (int way = 0; way < 8; way++) {
        char *folder = kept_folder(way % 2 ? "train" : "val");
        switch (way) {
        case 0:
        case 1:
            damage(folder, "rows", 7 * OUTPUT + 100);
            break;
        case 2:
            cut(folder, "rows", 5 * OUTPUT + 1);
            break;
        case 3:
            cut(folder, "index", 10);
            break;
        case 4:
            damage(folder, "index", 8); /* the version */
            break;
        case 5:
            cut(folder, "about.json", 30);
            break;
        case 6:
            damage(folder, "index", 100);
            break;
        default:
            damage(folder, "about.json", 20); /* still a text, perhaps, but not ours */
            break;
        }
        outcome hurt = OUTCOME(NULL, FIXED);
        expect_same(&hurt, &sound);
        if (hurt.warnings != 1) fail_msg("way %d: %d warnings: %s", way, hurt.warnings, hurt.warning);
        assert_true(strstr(hurt.warning, "damaged") || strstr(hurt.warning, "version"));
        assert_int_equal(hurt.filled, IMAGES + VAL);
        free(hurt.warning);
        outcome after = OUTCOME(NULL, FIXED);
        assert_int_equal(after.found, IMAGES + VAL);
        assert_int_equal(after.warnings, 0);
        expect_same(&after, &sound);
        free(folder);
    }
}

static void cut_rows_after_three(rig *r, const thaw_event *e) {
    if (e->kind != THAW_EVENT_STEP || e->steps != 3) return;
    (void)r;
    char *folder = kept_folder("train");
    cut(folder, "rows", OUTPUT);
    free(folder);
}

/* In the middle of a run that reads from it: the batch is begun anew, with the pixels. */
static void a_file_cut_during_a_run_costs_a_batch(void **state) {
    (void)state;
    outcome sound = OUTCOME(NULL, FIXED), hurt = OUTCOME(cut_rows_after_three, FIXED);
    expect_same(&hurt, &sound);
    assert_int_equal(hurt.warnings, 1);
    assert_non_null(strstr(hurt.warning, "is damaged; what was kept there is computed again"));
    free(hurt.warning);
    outcome after = OUTCOME(NULL, FIXED);
    if (support_device().kind ==
        DEVICE_CPU) /* a device's memory has what it read, which is not written again */
        assert_int_equal(after.found, IMAGES + VAL);
    expect_same(&after, &sound);
}

static void a_full_disk_is_told_once(void **state) {
    (void)state;
    struct rlimit old, tight;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    tight = old;
    tight.rlim_cur = 10 * OUTPUT;
    setrlimit(RLIMIT_FSIZE, &tight);
    outcome full = OUTCOME(NULL, FIXED, "checkpoint_seconds=0");
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(full.filled, IMAGES + VAL);           /* in memory */
    const char *told = strstr(full.warning, kept_no_more); /* beside checkpoints that there is no room for */
    assert_non_null(told);
    assert_null(strstr(told + 1, kept_no_more));
    free(full.warning);
    outcome after = OUTCOME(NULL, FIXED);
    assert_in_range(after.found, 10, IMAGES + VAL - 1);
    expect_same(&after, &full);
}

static void a_limit_bounds_the_disk(void **state) {
    (void)state;
    setenv("THAW_CACHE_LIMIT", "0", 1);
    outcome none = OUTCOME(NULL, FIXED);
    thaw_cache_info *info;
    size_t count;
    expect_ok(thaw_cache_list(&info, &count));
    assert_int_equal(count, 0);
    thaw_cache_list_free(info, count);
    setenv("THAW_CACHE_LIMIT", "1200K", 1); /* 16 KiB each: less than for all 48 and the records */
    outcome some = OUTCOME(NULL, FIXED);
    expect_ok(thaw_cache_list(&info, &count));
    int64_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += info[i].bytes;
    thaw_cache_list_free(info, count);
    assert_in_range(bytes, OUTPUT, 1300 * 1024);
    setenv("THAW_CACHE_LIMIT", "a lot", 1);
    outcome odd = OUTCOME(NULL, FIXED);
    assert_non_null(strstr(odd.warning, "THAW_CACHE_LIMIT"));
    free(odd.warning);
    expect_same(&some, &none);
    expect_same(&odd, &none);
}

static void no_memory_for_outputs(rig *r, const thaw_event *e) {
    if (e->kind == THAW_EVENT_BEGIN) r->trainer->cache_bytes = 0;
}

static void without_memory_the_file_does(void **state) {
    (void)state;
    outcome disk = OUTCOME(no_memory_for_outputs, STEM, "data.augment=none", "epochs=5", "cache=auto");
    outcome without = OUTCOME(NULL, STEM, "data.augment=none", "epochs=5", "cache=off");
    assert_int_equal(disk.bytes, 0);
    assert_int_equal(disk.filled, IMAGES + VAL);
    expect_same(&disk, &without);
}

/* A folder that cannot be written to: told, and done without. */
static void a_cache_that_cannot_be_written_is_told(void **state) {
    char *file = path_join(*state, "thaw");
    int fd = open(file, O_WRONLY | O_CREAT, 0600);
    close(fd);
    outcome o = OUTCOME(NULL, FIXED), without = OUTCOME(NULL, FIXED, "cache=memory");
    assert_int_equal(o.warnings, 1); /* of two caches */
    assert_non_null(strstr(o.warning, kept_no_more));
    assert_int_equal(o.filled, IMAGES + VAL);
    expect_same(&o, &without);
    free(o.warning);
    free(file);
}

static void a_disk_that_is_full_from_the_start_is_told_once(void **state) {
    (void)state;
    disk_is_full = true;
    outcome full = OUTCOME(NULL, FIXED);
    disk_is_full = false;
    assert_int_equal(full.warnings, 1);
    assert_non_null(strstr(full.warning, "less than 1 GiB is free"));
    assert_int_equal(full.filled, IMAGES + VAL);
    free(full.warning);
    outcome room = OUTCOME(NULL, FIXED);
    expect_same(&room, &full);
    assert_int_equal(room.found + room.warnings, 0);
    disk_is_full = true;
    outcome found = OUTCOME(NULL, FIXED); /* there is nothing to be written */
    disk_is_full = false;
    assert_int_equal(found.found, IMAGES + VAL);
    assert_int_equal(found.warnings, 0);
    expect_same(&found, &full);
}

static void another_users_folder_is_left_alone(void **state) {
    (void)state;
    enum { SOMEBODY = 12345 };
    if (geteuid() != 0) skip();
    outcome first = OUTCOME(NULL, FIXED);
    char *folder = kept_folder("train");
    assert_int_equal(chown(folder, SOMEBODY, SOMEBODY), 0);
    outcome beside = OUTCOME(NULL, FIXED);
    assert_int_equal(beside.found, VAL);
    assert_int_equal(beside.warnings, 1);
    assert_non_null(strstr(beside.warning, "belongs to another user"));
    expect_same(&beside, &first);
    free(beside.warning);
    char *ours = kept_folder("train");
    assert_string_not_equal(ours, folder);
    outcome again = OUTCOME(NULL, FIXED);
    assert_int_equal(again.found, IMAGES + VAL);
    expect_same(&again, &first);
    free(again.warning);
    free(folder);
    free(ours);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_second_run_finds_them),
        TEST(crops_are_found_by_their_seed),
        TEST(what_makes_a_difference_is_in_the_name),
        TEST(a_changed_file_is_computed_again),
        TEST(a_longer_prefix_is_computed_from_the_shorter),
        TEST(damaged_files_are_made_anew),
        TEST(a_file_cut_during_a_run_costs_a_batch),
        TEST(a_full_disk_is_told_once),
        TEST(a_limit_bounds_the_disk),
        TEST(without_memory_the_file_does),
        TEST(a_cache_that_cannot_be_written_is_told),
        TEST(a_disk_that_is_full_from_the_start_is_told_once),
        TEST(another_users_folder_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
