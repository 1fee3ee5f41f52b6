/*
 * test_loader.c - the batches of an epoch: complete, in order, the same however many threads make them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/data/crew.h"
#include "engine/data/loader.h"
#include "image_fixture.h"

enum { IMAGES = 53, CROP = 12, BYTES = CROP * CROP * 3 };

static thaw_dataset *set;

/* All of its images to train on. */
static thaw_dataset *open_folder(const char *name) {
    thaw_dataset *d;
    thaw_dataset_params p = thaw_dataset_default_params();
    p.path = name;
    p.val_fraction = 0;
    thaw_status status = thaw_dataset_open(&p, &d);
    assert_string_equal(status.message, "");
    return d;
}

/* Three classes of pictures that differ; NAME is a fresh folder. */
static thaw_dataset *make_set(const char *name, int images) {
    for (int i = 0; i < images; i++) {
        char *path = xasprintf("%s/%c/%03d.jpg", name, 'a' + i % 3, i);
        fix_write_picture(path, 14 + i % 9, 13 + i % 5, i);
        free(path);
    }
    return open_folder(name);
}

static int open_set(void **state) {
    (void)state;
    set = make_set("set", IMAGES);
    return 0;
}

static int close_set(void **state) {
    (void)state;
    thaw_dataset_free(set);
    return 0;
}

static loader_params params_for(const thaw_dataset *d) {
    loader_params p = loader_default_params(d, true);
    p.transform.resize = 16;
    p.transform.crop = CROP;
    p.batch_size = 8;
    p.workers = 2;
    p.seed = 5;
    return p;
}

static loader *must_make(const loader_params *p) {
    loader *l;
    thaw_status status = loader_new(p, &l);
    assert_string_equal(status.message, "");
    return l;
}

/* Everything an epoch delivers, hashed in order; every picture is marked in SEEN. */
static uint64_t digest(loader *l, int epoch, int first, int *seen) {
    uint64_t hash = 0;
    int number = first;
    batch *b;
    loader_start(l, epoch, first);
    while ((b = loader_next(l))) {
        assert_int_equal(b->number, number++);
        assert_true(b->wait >= 0);
        for (int i = 0; i < b->count; i++) {
            assert_true(b->label[i] >= 0 && b->label[i] < 3);
            if (seen) seen[b->index[i]]++;
        }
        hash = hash_bytes(b->pixels, (size_t)b->count * BYTES, hash);
        hash = hash_bytes(b->label, (size_t)b->count * sizeof *b->label, hash);
        hash = hash_bytes(b->index, (size_t)b->count * sizeof *b->index, hash);
        loader_release(l, b);
    }
    assert_int_equal(number, loader_batches(l));
    assert_null(loader_next(l)); /* and stays at the end */
    return hash;
}

static void an_epoch_delivers_every_picture_once_with_its_label(void **state) {
    (void)state;
    loader_params p = params_for(set);
    loader *l = must_make(&p);
    int seen[IMAGES] = {0};
    batch *b;
    assert_int_equal(loader_batches(l), 7);
    loader_start(l, 0, 0);
    while ((b = loader_next(l))) {
        assert_int_equal(b->count, b->number == 6 ? 5 : 8);
        for (int i = 0; i < b->count; i++) {
            seen[b->index[i]]++;
            assert_int_equal(b->label[i], set->train.item[b->index[i]].label);
        }
        loader_release(l, b);
    }
    for (int i = 0; i < IMAGES; i++)
        assert_int_equal(seen[i], 1);
    loader_free(l);
}

static void batches_do_not_depend_on_workers_depth_or_cache(void **state) {
    (void)state;
    loader_params p = params_for(set);
    loader *l = must_make(&p);
    uint64_t want[2] = {digest(l, 0, 0, NULL), digest(l, 1, 0, NULL)};
    assert_true(want[0] != want[1]);
    loader_free(l);
    static const int ways[][3] = {/* workers, depth, cache */
                                  {1, 0, 0},    {7, 2, 0}, {3, 9, 1 << 24},
                                  {1, 2, 9000}, {5, 1, 1}, {0, 0, 9000}};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        p.workers = ways[i][0];
        p.depth = ways[i][1];
        p.cache_bytes = (size_t)ways[i][2];
        l = must_make(&p);
        for (int turn = 0; turn < 2; turn++) /* the second time from the cache */
            for (int epoch = 0; epoch < 2; epoch++)
                assert_true(digest(l, epoch, 0, NULL) == want[epoch]);
        loader_free(l);
    }
    p.seed++;
    l = must_make(&p);
    assert_true(digest(l, 0, 0, NULL) != want[0]);
    loader_free(l);
}

/* Room for two batches; there is no more after that. */
typedef struct lent {
    uint8_t pixels[2][8 * BYTES];
    int count;
} lent;

static void *lend(void *user, size_t bytes) {
    lent *from = user;
    assert_int_equal(bytes, sizeof from->pixels[0]);
    return from->count < 2 ? from->pixels[from->count++] : NULL;
}

static void batches_lie_in_the_memory_that_is_lent(void **state) {
    (void)state;
    loader_params p = params_for(set);
    loader *l = must_make(&p);
    uint64_t want = digest(l, 0, 0, NULL);
    loader_free(l);
    lent *memory = xcalloc(1, sizeof *memory);
    p.depth = 3;
    p.take_memory = lend;
    p.memory_user = memory;
    l = must_make(&p);
    assert_int_equal(memory->count, 2);
    assert_true(digest(l, 0, 0, NULL) == want);
    loader_start(l, 0, 0);
    int inside = 0;
    batch *b;
    while ((b = loader_next(l))) {
        inside += b->pixels == memory->pixels[0] || b->pixels == memory->pixels[1];
        loader_release(l, b);
    }
    assert_in_range(inside, 2, loader_batches(l));
    loader_free(l); /* and does not free what it was lent */
    free(memory);
}

static void every_augmentation_is_the_same_from_the_cache(void **state) {
    (void)state;
    for (int a = AUGMENT_NONE; a <= AUGMENT_SHIFT; a++) {
        loader_params p = params_for(set);
        p.transform.augment = (augment)a;
        loader *plain = must_make(&p);
        p.cache_bytes = 1 << 24;
        loader *cached = must_make(&p);
        assert_true(digest(cached, 0, 0, NULL) == digest(plain, 0, 0, NULL));
        assert_true(digest(cached, 1, 0, NULL) == digest(plain, 1, 0, NULL));
        loader_free(plain);
        loader_free(cached);
    }
}

static void decoded_images_go_and_come_without_a_difference(void **state) {
    (void)state;
    enum { TURNS = 4 };
    static const bool on[TURNS] = {true, false, true, true};
    loader_params p = params_for(set);
    loader *plain = must_make(&p);
    p.cache_bytes = 1 << 24;
    loader *l = must_make(&p);
    for (int turn = 0; turn < TURNS; turn++) {
        loader_keep_images(l, on[turn]);
        assert_true(digest(l, turn, 0, NULL) == digest(plain, turn, 0, NULL));
        assert_true((loader_image_bytes(l) > 0) == on[turn]);
    }
    /* In the middle of an epoch as well. */
    loader_start(l, 0, 0);
    loader_release(l, loader_next(l));
    loader_keep_images(l, false);
    assert_int_equal(loader_image_bytes(l), 0);
    assert_true(digest(l, 0, 1, NULL) == digest(plain, 0, 1, NULL));
    loader_keep_images(plain, true); /* it has no room for any */
    assert_int_equal(loader_image_bytes(plain), 0);
    loader_free(plain);
    loader_free(l);
}

static void an_epoch_can_be_resumed_in_the_middle(void **state) {
    (void)state;
    loader_params p = params_for(set);
    loader *l = must_make(&p);
    uint8_t *want = xmalloc(8 * BYTES);
    loader_start(l, 2, 0);
    for (int i = 0; i < 4; i++) {
        batch *b = loader_next(l);
        if (i == 3) memcpy(want, b->pixels, 8 * BYTES);
        loader_release(l, b);
    }
    for (int turn = 0; turn < 20; turn++) { /* at any moment, with batches on their way */
        loader_start(l, 2, 3);
        batch *b = loader_next(l);
        assert_int_equal(b->number, 3);
        assert_memory_equal(b->pixels, want, 8 * BYTES);
        loader_release(l, b);
    }
    loader_start(l, 2, 7);
    assert_null(loader_next(l));
    loader_start(l, 2, 1000);
    assert_null(loader_next(l));
    free(want);
    loader_free(l);
}

static void a_batch_held_across_a_restart_stays_as_it_was(void **state) {
    (void)state;
    loader_params p = params_for(set);
    p.depth = 2;
    loader *l = must_make(&p);
    loader_start(l, 0, 0);
    batch *held = loader_next(l);
    uint64_t before = hash_bytes(held->pixels, (size_t)held->count * BYTES, 0);
    uint64_t rest = digest(l, 1, 0, NULL);
    assert_true(before == hash_bytes(held->pixels, (size_t)held->count * BYTES, 0));
    loader_release(l, held);
    assert_true(digest(l, 1, 0, NULL) == rest);
    loader_free(l);
}

static void a_loader_can_be_freed_at_any_moment(void **state) {
    (void)state;
    loader_params p = params_for(set);
    for (int i = 0; i < 30; i++) {
        p.workers = i % 5;
        loader *l = must_make(&p);
        if (i % 3) loader_start(l, i, 0);
        for (int k = 0; k < i % 5 && i % 3; k++) {
            loader_release(l, loader_next(l));
        }
        if (i % 3 == 2) (void)loader_next(l); /* still held when it goes */
        loader_free(l);
    }
    loader_free(NULL);
}

static void without_a_start_there_is_no_batch(void **state) {
    (void)state;
    loader_params p = params_for(set);
    loader *l = must_make(&p);
    assert_null(loader_next(l));
    assert_int_equal(loader_queue_depth(l), 0);
    loader_free(l);
}

static void a_slow_consumer_finds_the_queue_full(void **state) {
    (void)state;
    loader_params p = params_for(set);
    p.depth = 3;
    loader *l = must_make(&p);
    loader_start(l, 0, 0);
    double give_up = clock_seconds() + 20;
    while (loader_queue_depth(l) < 3 && clock_seconds() < give_up)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_int_equal(loader_queue_depth(l), 3);
    batch *b = loader_next(l);
    assert_true(b->wait < 1); /* it was there already */
    assert_int_equal(b->number, 0);
    loader_release(l, b);
    loader_free(l);
}

static void order_is_the_folders_without_shuffling(void **state) {
    (void)state;
    loader_params p = params_for(set);
    p.shuffle = false;
    loader *l = must_make(&p);
    uint32_t next = 0;
    batch *b;
    loader_start(l, 3, 0);
    while ((b = loader_next(l))) {
        for (int i = 0; i < b->count; i++)
            assert_int_equal(b->index[i], next++);
        loader_release(l, b);
    }
    assert_int_equal(next, IMAGES);
    loader_free(l);
}

static void the_last_small_batch_can_be_left_out(void **state) {
    (void)state;
    loader_params p = params_for(set);
    p.drop_last = true;
    loader *l = must_make(&p);
    assert_int_equal(loader_batches(l), 6);
    digest(l, 0, 0, NULL);
    loader_free(l);
    p.batch_size = 1000; /* but an epoch is never empty */
    l = must_make(&p);
    assert_int_equal(loader_batches(l), 1);
    loader_start(l, 0, 0);
    batch *b = loader_next(l);
    assert_int_equal(b->count, IMAGES);
    loader_release(l, b);
    loader_free(l);
}

static void a_split_without_pictures_has_no_batches(void **state) {
    (void)state;
    loader_params p = loader_default_params(set, false);
    loader *l = must_make(&p);
    assert_int_equal(loader_batches(l), 0);
    loader_start(l, 0, 0);
    assert_null(loader_next(l));
    loader_free(l);
}

static void undecodable_files_are_left_out_and_listed_once(void **state) {
    (void)state;
    thaw_dataset *d = make_set("damaged", 30);
    fix_write("damaged/a/003.jpg", "\xFF\xD8\xFF broken", 10);
    fix_write("damaged/b/016.jpg", "GIF89a", 6);
    remove("damaged/c/029.jpg");
    for (int cache = 0; cache < 2; cache++) {
        loader_params p = params_for(d);
        p.cache_bytes = cache ? 1 << 24 : 0;
        loader *l = must_make(&p);
        int seen[30] = {0}, total = 0;
        for (int epoch = 0; epoch < 3; epoch++)
            digest(l, epoch, 0, seen);
        for (size_t i = 0; i < 30; i++) {
            bool broken = strstr(d->train.item[i].path, "003") || strstr(d->train.item[i].path, "016") ||
                          strstr(d->train.item[i].path, "029");
            assert_int_equal(seen[i], broken ? 0 : 3);
            total += seen[i];
        }
        assert_int_equal(total, 27 * 3);
        const thaw_skipped *skipped;
        assert_int_equal(loader_skipped(l, &skipped), 3);
        assert_string_equal(skipped[0].file, "a/003.jpg");
        assert_string_equal(skipped[1].file, "b/016.jpg");
        assert_non_null(strstr(skipped[1].reason, "a GIF"));
        assert_string_equal(skipped[2].file, "c/029.jpg");
        assert_string_equal(skipped[2].reason, "No such file or directory; check the path");
        loader_free(l);
    }
    thaw_dataset_free(d);
}

static void the_gaps_of_lost_files_are_closed(void **state) {
    (void)state;
    thaw_dataset *d = make_set("gaps", 6);
    loader_params p = params_for(d);
    p.shuffle = false;
    p.batch_size = 6;
    loader *l = must_make(&p);
    loader_start(l, 0, 0);
    batch *b = loader_next(l);
    uint8_t *whole = xmalloc(6 * BYTES);
    memcpy(whole, b->pixels, 6 * BYTES);
    loader_release(l, b);
    for (int i = 0; i < 2; i++) { /* the first and the fourth in the folders' order */
        char *path = xasprintf("gaps/%s", d->train.item[i * 3].path);
        fix_write(path, "no", 2);
        free(path);
    }
    loader_start(l, 0, 0);
    b = loader_next(l);
    static const uint32_t left[] = {1, 2, 4, 5};
    assert_int_equal(b->count, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(b->index[i], left[i]);
        assert_int_equal(b->label[i], d->train.item[left[i]].label);
        assert_memory_equal(b->pixels + i * BYTES, whole + left[i] * BYTES, BYTES);
    }
    loader_release(l, b);
    loader_free(l);
    free(whole);
    thaw_dataset_free(d);
}

/* ---- how many threads work */

static void as_many_threads_work_as_were_asked_for(void **state) {
    (void)state;
    crew c = crew_make(3, 8, 8);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(c.threads, 3);
        assert_int_equal(crew_limit(&c, false), 3);
        assert_int_equal(crew_limit(&c, true), 3);
        crew_learn(&c, i % 2, !(i % 2));
    }
}

static void threads_grow_into_the_cores_that_computing_leaves(void **state) {
    (void)state;
    static const int cases[][3] = {/* cores, computing, most beside it */
                                   {8, 4, 4}, {8, 1, 7}, {8, 8, 1}, {8, 0, 1}, {1, 1, 1}, {2, 9, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int cores = cases[i][0], most = cases[i][2];
        crew c = crew_make(0, cores, cases[i][1]);
        assert_int_equal(c.threads, cores);
        assert_int_equal(crew_limit(&c, false), 1);
        for (int taken = 0; taken < 20; taken++) { /* the caller starves */
            crew_learn(&c, true, false);
            assert_int_equal(crew_limit(&c, false), taken + 2 < most ? taken + 2 : most);
            assert_int_equal(crew_limit(&c, true), cores);
        }
        for (int taken = 0; taken < 20; taken++) /* neither */
            crew_learn(&c, false, false);
        assert_int_equal(crew_limit(&c, false), most);
        for (int taken = 0; taken < 200; taken++) { /* more than it can use */
            int before = crew_limit(&c, false);
            crew_learn(&c, false, true);
            assert_in_range(crew_limit(&c, false), before > 1 ? before - 1 : 1, before);
            if (taken == 5) assert_int_equal(crew_limit(&c, false), most); /* not at the first sign */
        }
        assert_int_equal(crew_limit(&c, false), 1);
    }
}

/* ---- what is kept */

enum { ENTRIES_MAX = IMAGES * 3 };

/* Keeps every entry whose place in the split is even. */
static bool even_images(void *user, size_t entry) {
    return entry / *(size_t *)user % 2 == 0;
}

static void kept_images_are_not_read(void **state) {
    (void)state;
    thaw_dataset *d = make_set("kept", 6);
    size_t views = 1;
    loader_params p = params_for(d);
    p.shuffle = false;
    p.batch_size = 6;
    p.transform.augment = AUGMENT_NONE;
    for (int i = 0; i < 6; i += 2) { /* would be left out, if they were read */
        char *path = xasprintf("kept/%s", d->train.item[i].path);
        remove(path);
        free(path);
    }
    loader *l = must_make(&p);
    loader_keep(l, &(loader_keeping){.views = 1, .has = even_images, .user = &views});
    loader_start(l, 0, 0);
    batch *b = loader_next(l);
    assert_int_equal(b->count, 6);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(b->entry[i], b->index[i]);
        assert_int_equal(b->loaded[i], i % 2);
        assert_int_equal(b->label[i], d->train.item[i].label);
    }
    loader_release(l, b);
    loader_keep(l, &(loader_keeping){0});
    loader_start(l, 0, 0);
    b = loader_next(l);
    assert_int_equal(b->count, 3);
    loader_release(l, b);
    loader_free(l);
    thaw_dataset_free(d);
}

/* The pixels of every entry that EPOCH shows, hashed; 0 for the others. */
static void look_at_views(loader *l, int epoch, uint64_t seen[ENTRIES_MAX]) {
    batch *b;
    memset(seen, 0, ENTRIES_MAX * sizeof *seen);
    loader_start(l, epoch, 0);
    while ((b = loader_next(l))) {
        for (int i = 0; i < b->count; i++)
            seen[b->entry[i]] = hash_bytes(b->pixels + (size_t)i * BYTES, BYTES, b->index[i] + 1);
        loader_release(l, b);
    }
}

/* An entry is one picture, whichever epoch shows it; without views random crops are new in every epoch. */
static void views_start_over(void **state) {
    (void)state;
    static const augment ways[] = {AUGMENT_BASIC, AUGMENT_SHIFT, AUGMENT_FLIP, AUGMENT_NONE};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        enum { EPOCHS = 7 };
        loader_params p = params_for(set);
        p.transform.augment = ways[i];
        int countable = transform_views(&p.transform, true), views = countable ? countable : 3, shown = 0;
        loader *l = must_make(&p);
        uint64_t first[ENTRIES_MAX] = {0}, now[ENTRIES_MAX];
        loader_keep(l, &(loader_keeping){.views = views});
        for (int epoch = 0; epoch < EPOCHS; epoch++) {
            look_at_views(l, epoch, now);
            for (int entry = 0; entry < IMAGES * views; entry++) {
                if (!now[entry]) continue;
                if (!first[entry]) shown++;
                if (!first[entry]) first[entry] = now[entry];
                assert_true(now[entry] == first[entry]);
            }
        }
        if (!countable) assert_int_equal(shown, IMAGES * views);
        assert_in_range(shown, IMAGES * (views - 1) + 1, IMAGES * views);
        loader_keep(l, &(loader_keeping){0});
        look_at_views(l, EPOCHS - 1, now);
        loader_free(l);
        if (!countable) assert_true(now[0] != first[0] && now[0] != first[1] && now[0] != first[2]);
    }
}

static void a_batch_that_loses_all_its_files_is_empty_not_missing(void **state) {
    (void)state;
    thaw_dataset *d = make_set("lost", 9);
    for (int i = 0; i < 9; i++) {
        char *path = xasprintf("lost/%s", d->train.item[i].path);
        if (i / 3 == 1) fix_write(path, "no", 2);
        free(path);
    }
    loader_params p = params_for(d);
    p.shuffle = false;
    p.batch_size = 3;
    loader *l = must_make(&p);
    loader_start(l, 0, 0);
    static const int counts[] = {3, 0, 3};
    for (int i = 0; i < 3; i++) {
        batch *b = loader_next(l);
        assert_non_null(b);
        assert_int_equal(b->count, counts[i]);
        loader_release(l, b);
    }
    assert_null(loader_next(l));
    loader_free(l);
    thaw_dataset_free(d);
}

static void fast_decoding_comes_close(void **state) {
    (void)state;
    thaw_dataset *d;
    for (int i = 0; i < 4; i++) {
        char *path = xasprintf("large/a/%d.jpg", i);
        image small, large;
        str bytes = {0};
        fix_picture(&small, 12, 9, i);
        image_resize(&small, (double[]){0, 0, 12, 9}, 640, 480, INTERPOLATE_BICUBIC, &large);
        fix_jpeg(&bytes, &large, (fix_jpeg_options){0});
        fix_write(path, bytes.data, bytes.length);
        image_clear(&small);
        image_clear(&large);
        str_clear(&bytes);
        free(path);
    }
    thaw_dataset_params dp = thaw_dataset_default_params();
    dp.path = "large";
    dp.val_fraction = 0.5;
    thaw_status status = thaw_dataset_open(&dp, &d);
    assert_string_equal(status.message, "");
    loader_params p = params_for(d);
    p.transform.augment = AUGMENT_NONE;
    p.shuffle = false;
    for (int train = 0; train < 2; train++) {
        p.train = train;
        p.fast_decode = false;
        loader *exact = must_make(&p);
        p.fast_decode = true;
        loader *fast = must_make(&p);
        loader_start(exact, 0, 0);
        loader_start(fast, 0, 0);
        batch *a = loader_next(exact), *b = loader_next(fast);
        int different = 0;
        assert_int_equal(a->count, 2);
        for (int i = 0; i < 2 * BYTES; i++) {
            assert_true(abs(a->pixels[i] - b->pixels[i]) < 12);
            different += a->pixels[i] != b->pixels[i];
        }
        assert_int_equal(different > 0, train); /* what is validated on is decoded exactly */
        loader_free(exact);
        loader_free(fast);
    }
    thaw_dataset_free(d);
}

/* Photographs as they come: subsampled, turned, progressive; and one cut short, far below where most crops
 * end. */
static thaw_dataset *make_photographs(const char *name) {
    static const fix_jpeg_options kinds[] = {{.subsampled = true},
                                             {.subsampled = true, .rows_kept = true, .orientation = 6},
                                             {.progressive = true},
                                             {.subsampled = true, .orientation = 3, .restart = 4},
                                             {.components = 1}};
    enum { KINDS = sizeof kinds / sizeof kinds[0] };
    for (int i = 0; i < 2 * KINDS; i++) {
        image im;
        str bytes = {0};
        fix_picture(&im, 150 + 9 * i, 131 + 5 * i, i);
        fix_jpeg(&bytes, &im, kinds[i % KINDS]);
        char *path = xasprintf("%s/%c/%d.jpg", name, 'a' + i % 3, i);
        fix_write(path, bytes.data, i == KINDS ? bytes.length - 9 : bytes.length);
        free(path);
        str_clear(&bytes);
        image_clear(&im);
    }
    return open_folder(name);
}

/* What is kept is decoded whole and what is not only in part: a run must not depend on how much memory there
 * is. */
static void a_crop_is_the_same_with_and_without_room_for_the_picture(void **state) {
    (void)state;
    enum { EPOCHS = 4, PHOTOGRAPHS = 10 };
    thaw_dataset *d = make_photographs("photographs");
    for (int fast = 0; fast < 2; fast++) {
        static const size_t room[] = {0, 150000, 1 << 24}; /* of none, of some, of all */
        uint64_t want[EPOCHS] = {0};
        for (size_t i = 0; i < sizeof room / sizeof room[0]; i++) {
            loader_params p = params_for(d);
            p.cache_bytes = room[i];
            p.fast_decode = fast;
            loader *l = must_make(&p);
            int seen[PHOTOGRAPHS] = {0}, lost = 0;
            for (int epoch = 0; epoch < EPOCHS; epoch++) {
                uint64_t got = digest(l, epoch, 0, seen);
                if (i == 0) want[epoch] = got;
                assert_true(got == want[epoch]);
            }
            for (int k = 0; k < PHOTOGRAPHS; k++)
                lost += seen[k] == 0;
            assert_int_equal(lost, 1);
            const thaw_skipped *skipped;
            assert_int_equal(loader_skipped(l, &skipped), 1);
            assert_non_null(strstr(skipped[0].reason, "truncated"));
            loader_free(l);
        }
    }
    thaw_dataset_free(d);
}

static void senseless_sizes_are_refused(void **state) {
    (void)state;
    loader *l;
    loader_params p = params_for(set);
    p.batch_size = 0;
    thaw_status status = loader_new(&p, &l);
    assert_non_null(strstr(status.message, "batch size is 0"));
    assert_null(l);
    p = params_for(set);
    p.transform.crop = 0;
    status = loader_new(&p, &l);
    assert_non_null(strstr(status.message, "crop is 0"));
    p = params_for(set);
    p.transform.resize = -1;
    status = loader_new(&p, &l);
    assert_non_null(strstr(status.message, "resize is -1"));
    p = params_for(set);
    p.batch_size = 2147483647;
    p.transform.crop = 60000; /* terabytes */
    status = loader_new(&p, &l);
    assert_int_equal(status.code, THAW_ERR_USAGE);
    assert_non_null(strstr(status.message, "smaller batch size"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_epoch_delivers_every_picture_once_with_its_label),
        cmocka_unit_test(batches_do_not_depend_on_workers_depth_or_cache),
        cmocka_unit_test(batches_lie_in_the_memory_that_is_lent),
        cmocka_unit_test(every_augmentation_is_the_same_from_the_cache),
        cmocka_unit_test(decoded_images_go_and_come_without_a_difference),
        cmocka_unit_test(an_epoch_can_be_resumed_in_the_middle),
        cmocka_unit_test(a_batch_held_across_a_restart_stays_as_it_was),
        cmocka_unit_test(a_loader_can_be_freed_at_any_moment),
        cmocka_unit_test(without_a_start_there_is_no_batch),
        cmocka_unit_test(a_slow_consumer_finds_the_queue_full),
        cmocka_unit_test(order_is_the_folders_without_shuffling),
        cmocka_unit_test(the_last_small_batch_can_be_left_out),
        cmocka_unit_test(a_split_without_pictures_has_no_batches),
        cmocka_unit_test(undecodable_files_are_left_out_and_listed_once),
        cmocka_unit_test(the_gaps_of_lost_files_are_closed),
        cmocka_unit_test(as_many_threads_work_as_were_asked_for),
        cmocka_unit_test(threads_grow_into_the_cores_that_computing_leaves),
        cmocka_unit_test(kept_images_are_not_read),
        cmocka_unit_test(views_start_over),
        cmocka_unit_test(a_batch_that_loses_all_its_files_is_empty_not_missing),
        cmocka_unit_test(fast_decoding_comes_close),
        cmocka_unit_test(a_crop_is_the_same_with_and_without_room_for_the_picture),
        cmocka_unit_test(senseless_sizes_are_refused),
    };
    return cmocka_run_group_tests_name("loader", tests, open_set, close_set);
}
