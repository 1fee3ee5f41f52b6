/*
 * test_checkpoint.c - a finished checkpoint survives whatever happens to its successor: a kill before each
 * single system call and at random moments, a full disk, damaged files; and readers never see two mixed.
 *
 * Checkpoint N of these tests holds N in every number: a mixture shows.
 */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/rng.h"
#include "engine/run/card.h"
#include "engine/run/checkpoint.h"

enum { ELEMENTS = 3000 };

static void assert_ok(thaw_status status) {
    assert_string_equal(status.message, "");
}

static void assert_says(thaw_status status, const char *word) {
    if (!thaw_failed(&status)) fail_msg("succeeded; expected a failure about \"%s\"", word);
    if (!strstr(status.message, word)) fail_msg("\"%s\" is not in: %s", word, status.message);
}

/* Every third is the best so far. */
static bool is_best(int number) {
    return number % 3 == 0;
}

static int best_of(int number) {
    return number / 3 * 3;
}

static thaw_status write_number(const char *folder, int number) {
    float *data = xcalloc(ELEMENTS, sizeof *data);
    for (int i = 0; i < ELEMENTS; i++)
        data[i] = (float)number;
    checkpoint_state state;
    checkpoint_state_init(&state);
    state.epoch = state.batch = number;
    state.steps = number;
    state.best_epoch = best_of(number) ? best_of(number) : -1;
    state.base_lr = 0.1 * number;
    freeze_mask_add(&state.mask, is_best(number) ? "layer1" : "layer2", THAW_FROZEN);
    state.extra = cJSON_CreateObject();
    cJSON_AddNumberToObject(state.extra, "number", number);
    weights_item weights[] = {{"conv1.weight", DTYPE_F32, SHAPE_2(ELEMENTS / 2, 2), data},
                              {"fc.bias", DTYPE_F32, SHAPE_1(ELEMENTS), data}};
    weights_item optimizer[] = {{"momentum.conv1.weight", DTYPE_F32, SHAPE_1(ELEMENTS), data}};
    checkpoint_content content = {.model = weights_source_of(weights, 2),
                                  .optimizer = weights_source_of(optimizer, 1),
                                  .state = &state,
                                  .best = is_best(number)};
    thaw_status status = checkpoint_write(folder, &content);
    checkpoint_state_clear(&state);
    free(data);
    return status;
}

static void assert_holds(const weights_file *f, const char *key, int number) {
    float value[ELEMENTS];
    const weights_entry *entry = weights_find(f, key);
    assert_non_null(entry);
    assert_int_equal(shape_elements(&entry->size), ELEMENTS);
    assert_ok(weights_copy(entry, DTYPE_F32, value));
    for (int i = 0; i < ELEMENTS; i++)
        assert_true(value[i] == (float)number);
}

static void assert_best_holds(const char *folder, int number) {
    char *path;
    weights_file *f;
    assert_ok(checkpoint_weights_path(folder, false, &path));
    assert_ok(weights_open(path, &f));
    assert_holds(f, "fc.bias", number);
    weights_close(f);
    free(path);
}

/* The checkpoint in FOLDER is whole; its number. */
static int read_number(const char *folder) {
    checkpoint c;
    assert_ok(checkpoint_read(folder, &c));
    int number = c.state.epoch;
    assert_int_equal(c.state.batch, number);
    assert_int_equal(c.state.steps, number);
    assert_true(c.state.base_lr == 0.1 * number);
    assert_int_equal(c.state.mask.frozen_count, 1);
    assert_string_equal(c.state.mask.frozen[0], is_best(number) ? "layer1" : "layer2");
    assert_int_equal(cJSON_GetObjectItem(c.state.extra, "number")->valueint, number);
    assert_holds(c.model, "conv1.weight", number);
    assert_holds(c.model, "fc.bias", number);
    assert_holds(c.optimizer, "momentum.conv1.weight", number);
    checkpoint_clear(&c);
    return number;
}

/* ... and its best weights are those of its own past. */
static int read_all(const char *folder) {
    int number = read_number(folder);
    assert_best_holds(folder, best_of(number) ? best_of(number) : number);
    return number;
}

static void make(const char *folder) {
    assert_ok(path_make_directory(folder));
}

/* ---- without trouble ---- */

static void what_is_written_is_read_back(void **state) {
    (void)state;
    make("plain");
    for (int number = 1; number <= 7; number++) {
        assert_ok(write_number("plain", number));
        assert_int_equal(read_all("plain"), number);
    }
    assert_false(path_exists("plain/last.safetensors.new"));
    assert_true(path_exists("plain/best.safetensors"));
}

static void numbers_and_unknowns_come_back_exactly(void **state) {
    (void)state;
    make("exact");
    checkpoint_state s, back;
    checkpoint_state_init(&s);
    s.seconds = 0.1 + 0.2;
    s.base_lr = 1.0 / 3;
    s.steps = 9007199254740991;
    s.best_val_loss = (double)NAN;
    float one = 1;
    weights_item item = {"x", DTYPE_F32, SHAPE_1(1), &one};
    checkpoint_content content = {.model = weights_source_of(&item, 1),
                                  .state = &s}; /* SGD without momentum */
    assert_ok(checkpoint_write("exact", &content));
    assert_ok(checkpoint_read_state("exact", &back));
    assert_true(back.seconds == s.seconds);
    assert_true(back.base_lr == s.base_lr);
    assert_true(back.steps == s.steps);
    assert_true(isnan(back.best_val_loss) && isnan(back.best_val_top1));
    assert_int_equal(back.best_epoch, -1);
    checkpoint c;
    assert_ok(checkpoint_read("exact", &c));
    assert_null(c.optimizer);
    checkpoint_clear(&c);
    checkpoint_state_clear(&s);
    checkpoint_state_clear(&back);
}

/* Runs are compared by their files: nothing but the tensors may be in them. */
static void equal_tensors_give_equal_files_whatever_was_before(void **state) {
    (void)state;
    make("short");
    make("long");
    for (int number = 1; number <= 6; number++)
        assert_ok(write_number("long", number));
    assert_ok(write_number("short", 6));
    static const char *const names[] = {"last.safetensors", "state.safetensors", "best.safetensors"};
    for (size_t i = 0; i < 3; i++) {
        char *a = path_join("short", names[i]), *b = path_join("long", names[i]), *bytes_a, *bytes_b;
        size_t size_a, size_b;
        assert_ok(file_read(a, 1 << 20, &bytes_a, &size_a));
        assert_ok(file_read(b, 1 << 20, &bytes_b, &size_b));
        assert_int_equal(size_a, size_b);
        assert_memory_equal(bytes_a, bytes_b, size_a);
        free(a);
        free(b);
        free(bytes_a);
        free(bytes_b);
    }
}

static void a_run_without_a_checkpoint_says_so(void **state) {
    (void)state;
    make("none");
    checkpoint c;
    char *path;
    thaw_status status = checkpoint_read("none", &c);
    assert_int_equal(status.code, THAW_ERR_NOT_FOUND);
    status = checkpoint_weights_path("none", false, &path);
    assert_int_equal(status.code, THAW_ERR_NOT_FOUND);
    assert_says(status, "before the first one");
}

/* ---- kills ---- */

/* A file, without waiting for the disk. */
static void put(const char *path, const char *bytes, size_t size) {
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, size, out), size);
    fclose(out);
}

/* TO becomes a copy of FROM, without the waits of writing it properly. */
static void copy_folder(const char *from, const char *to) {
    static const char *const names[] = {"last.safetensors", "state.safetensors", "best.safetensors",
                                        "state.json"};
    make(to);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *source = path_join(from, names[i]), *target = path_join(to, names[i]), *bytes;
        size_t size;
        assert_ok(file_read(source, 1 << 20, &bytes, &size));
        put(target, bytes, size);
        free(source);
        free(target);
        free(bytes);
    }
}

/* Write checkpoint 4 over 3 in a child that is killed before its KILL_AT-th system call. False: it was done.
 */
static bool write_and_kill(const char *folder, int kill_at, bool *possible) {
    pid_t child = fork();
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0) _exit(7);
        raise(SIGSTOP);
        thaw_status status = write_number(folder, 4);
        _exit(thaw_failed(&status) ? 8 : 0);
    }
    int how, calls = 0;
    waitpid(child, &how, 0);
    *possible = WIFSTOPPED(how);
    if (!*possible) return false;
    for (;;) {
        ptrace(PTRACE_SYSCALL, child, NULL, NULL);
        waitpid(child, &how, 0);
        if (WIFEXITED(how)) {
            assert_int_equal(WEXITSTATUS(how), 0);
            return false;
        }
        if (++calls < 2 * kill_at) continue; /* a call stops twice: before and after */
        kill(child, SIGKILL);
        waitpid(child, &how, 0);
        return true;
    }
}

static void a_kill_at_any_system_call_leaves_a_whole_checkpoint(void **state) {
    (void)state;
    bool possible = true, killed = true;
    int olds = 0, news = 0, calls = 0;
    make("three");
    for (int number = 1; number <= 3; number++)
        assert_ok(write_number("three", number));
    for (int kill_at = 1; killed; kill_at++, calls++) {
        char folder[64];
        snprintf(folder, sizeof folder, "kill-%d", kill_at);
        copy_folder("three", folder);
        killed = write_and_kill(folder, kill_at, &possible);
        if (!possible) {
            print_message("SKIPPED: ptrace is not allowed here\n");
            skip();
        }
        int number = read_all(folder);
        assert_true(killed ? number == 3 || number == 4 : number == 4);
        olds += number == 3;
        news += number == 4;
        assert_ok(write_number(folder, 5)); /* what was left undone is no hindrance */
        assert_int_equal(read_all(folder), 5);
        assert_false(path_exists("last.safetensors.new"));
    }
    print_message("%d system calls; killed before the commit %d times, after it %d times\n", calls, olds,
                  news);
    assert_true(olds > 10);
    assert_true(news > 3); /* the windows between the renames were hit too */
}

/* Checkpoints one after the other from FIRST on; each finished one's number goes down the pipe. */
static void write_for_ever(const char *folder, int first, int pipe_fd) {
    for (int number = first;; number++) {
        thaw_status status = write_number(folder, number);
        if (thaw_failed(&status)) _exit(8);
        if (write(pipe_fd, &number, sizeof number) < 0) _exit(9);
    }
}

static int last_reported(int pipe_fd, int before) {
    int number = before, got;
    while ((got = (int)read(pipe_fd, &number, sizeof number)) == (int)sizeof number)
        before = number;
    return before;
}

static void a_kill_at_a_random_moment_loses_no_finished_checkpoint(void **state) {
    (void)state;
    rng r = rng_keyed(5, RNG_TEST, 0, 0);
    int finished = 1;
    make("random");
    assert_ok(write_number("random", 1));
    for (int round = 0; round < 25; round++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) write_for_ever("random", finished + 1, ends[1]);
        close(ends[1]);
        usleep((useconds_t)rng_below(&r, 60000));
        kill(child, SIGKILL);
        int how;
        waitpid(child, &how, 0);
        assert_true(WIFSIGNALED(how)); /* it did not fail by itself */
        int reported = last_reported(ends[0], finished);
        close(ends[0]);
        int number = read_all("random");
        assert_in_range(number, reported, reported + 1);
        finished = number;
    }
}

static void readers_beside_a_writer_always_see_one_moment(void **state) {
    (void)state;
    int ends[2], how, before = 0;
    make("beside");
    assert_ok(write_number("beside", 1));
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        signal(SIGPIPE, SIG_DFL);
        write_for_ever("beside", 2, ends[1]);
    }
    close(ends[1]);
    /* On a busy machine the writer may take its time to get to its first one. */
    for (int round = 0; round < 100 || (before < 2 && round < 1000000); round++) {
        int number = read_number("beside");
        assert_true(number >= before);
        before = number;
    }
    close(ends[0]);
    kill(child, SIGKILL);
    waitpid(child, &how, 0);
    assert_true(WIFSIGNALED(how));
    assert_true(before > 1);
}

/* ---- a full disk ---- */

static void a_full_disk_leaves_the_old_checkpoint(void **state) {
    (void)state;
    make("full");
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    for (int number = 1; number <= 3; number++)
        assert_ok(write_number("full", number));
    static const rlim_t room[] = {0, 100, 5000, 20000}; /* the last: only state.json and one file fit */
    for (size_t i = 0; i < sizeof room / sizeof room[0]; i++) {
        struct rlimit small = {room[i], limit.rlim_max};
        setrlimit(RLIMIT_FSIZE, &small);
        thaw_status status = write_number("full", 4);
        setrlimit(RLIMIT_FSIZE, &limit);
        assert_says(status, "full/");
        assert_int_equal(read_all("full"), 3);
        assert_false(path_exists("full/last.safetensors.new"));
    }
    assert_ok(write_number("full", 4));
    assert_int_equal(read_all("full"), 4);
}

static void a_folder_that_is_gone_is_an_error(void **state) {
    (void)state;
    assert_says(write_number("never-made", 1), "never-made");
}

/* ---- damage ---- */

/* Change the byte at AT of PATH, or cut the file there. */
static void damage(const char *path, size_t at, bool cut) {
    char *bytes;
    size_t size;
    assert_ok(file_read(path, 1 << 20, &bytes, &size));
    if (at >= size) at = size - 1;
    bytes[at] ^= 0x40;
    put(path, bytes, cut ? at : size);
    free(bytes);
}

static void damaged_tensors_are_noticed(void **state) {
    (void)state;
    static const char *const files[] = {"damaged/last.safetensors", "damaged/state.safetensors"};
    static const size_t places[] = {0, 9, 300, 12000, 1u << 30};
    make("whole");
    for (int number = 1; number <= 3; number++)
        assert_ok(write_number("whole", number));
    for (size_t f = 0; f < 2; f++)
        for (size_t p = 0; p < sizeof places / sizeof places[0]; p++)
            for (int cut = 0; cut < 2; cut++) {
                checkpoint c;
                copy_folder("whole", "damaged");
                damage(files[f], places[p], cut);
                assert_says(checkpoint_read("damaged", &c), "changed or damaged");
                checkpoint_state s;
                assert_ok(checkpoint_read_state("damaged", &s));
                checkpoint_state_clear(&s);
            }
    unlink("damaged/last.safetensors");
    checkpoint c;
    assert_says(checkpoint_read("damaged", &c), "missing");
}

/* state.json cut anywhere or with any byte changed is refused, or still describes the files that are there.
 */
static void a_damaged_state_is_refused(void **state) {
    (void)state;
    rng r = rng_keyed(6, RNG_TEST, 0, 0);
    char *text;
    size_t size;
    make("broken");
    assert_ok(write_number("broken", 3));
    assert_ok(file_read("broken/state.json", 1 << 20, &text, &size));
    for (size_t round = 0; round < size + 500; round++) {
        char *copy = xstrndup(text, size);
        size_t length = round < size ? round : size;
        if (length == size) copy[rng_below(&r, size)] = (char)rng_below(&r, 256);
        put("broken/state.json", copy, length);
        checkpoint c;
        thaw_status status = checkpoint_read("broken", &c);
        if (!thaw_failed(&status)) {
            assert_true(length + 2 >= size);
            assert_holds(c.model, "fc.bias", 3);
            checkpoint_clear(&c);
        }
        free(copy);
    }
    free(text);
    assert_ok(write_number("broken", 6)); /* a new one can still be written */
    assert_int_equal(read_all("broken"), 6);
}

static void hostile_states_are_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"v\":1}",
        "{\"v\":9,\"generation\":1}",
        "{\"v\":1,\"generation\":1e99}",
        "{\"v\":1,\"generation\":1,\"files\":{\"last.safetensors\":{\"bytes\":-1,\"checksum\":"
        "\"0123456789abcdef\"}}}",
        "{\"v\":1,\"generation\":1,\"files\":{\"last.safetensors\":{\"bytes\":9,\"checksum\":\"xyz\"}}}",
        "{\"v\":1,\"generation\":1,\"files\":{\"last.safetensors\":3}}",
    };
    make("hostile");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        checkpoint c;
        assert_ok(file_replace("hostile/state.json", texts[i], strlen(texts[i])));
        assert_says(checkpoint_read("hostile", &c), "hostile/state.json");
    }
    unlink("hostile/state.json");
    assert_int_equal(mkdir("hostile/state.json", 0777), 0);
    checkpoint c;
    assert_says(checkpoint_read("hostile", &c), "folder");
}

static void weights_put_in_a_folder_by_hand_are_found(void **state) {
    (void)state;
    char *path;
    make("hand");
    float one = 1;
    weights_item item = {"x", DTYPE_F32, SHAPE_1(1), &one};
    assert_ok(weights_write_safetensors("hand/best.safetensors", &item, 1, NULL, 0));
    assert_ok(checkpoint_weights_path("hand", false, &path));
    assert_string_equal(path, "hand/best.safetensors");
    free(path);
    assert_says(checkpoint_weights_path("hand", true, &path), "no checkpoint");
}

/* ---- what a file says about itself ---- */

static model_card some_card(void) {
    model_card card = {
        .model = xstrdup("resnet18"), .has_head = true, .has_transform = true, .class_count = 2};
    card.head = (thaw_head){.hidden = {64, 32}, .hidden_count = 2, .dropout = 0.1, .pool = THAW_POOL_AVG_MAX};
    card.class_name = xcalloc(2, sizeof *card.class_name);
    card.class_name[0] = xstrdup("ants");
    card.class_name[1] = xstrdup("\"b\"\n\xc3\xa4");
    freeze_mask_add(&card.mask, "layer1", THAW_FROZEN);
    card.transform = (transform){.resize = 256, .crop = 224, .interpolation = INTERPOLATE_BICUBIC};
    for (int i = 0; i < 3; i++) {
        card.transform.mean[i] = 0.485f + (float)i;
        card.transform.std[i] = 0.229f;
    }
    return card;
}

static void a_file_says_what_model_it_is(void **state) {
    (void)state;
    model_card card = some_card(), back;
    size_t count;
    weights_pair *pairs = model_card_pairs(&card, &count);
    float one = 1;
    weights_item item = {"x", DTYPE_F32, SHAPE_1(1), &one};
    weights_file *f;
    assert_ok(weights_write_safetensors("card.safetensors", &item, 1, pairs, count));
    model_card_pairs_free(pairs, count);
    assert_ok(weights_open("card.safetensors", &f));
    assert_ok(model_card_read(f, &back));
    assert_string_equal(back.model, "resnet18");
    assert_int_equal(back.head.hidden_count, 2);
    assert_int_equal(back.head.hidden[1], 32);
    assert_true(back.head.dropout == 0.1);
    assert_int_equal(back.head.pool, THAW_POOL_AVG_MAX);
    assert_int_equal(back.class_count, 2);
    assert_string_equal(back.class_name[1], card.class_name[1]);
    assert_string_equal(back.mask.frozen[0], "layer1");
    assert_int_equal(back.transform.interpolation, INTERPOLATE_BICUBIC);
    assert_memory_equal(back.transform.mean, card.transform.mean, sizeof back.transform.mean);
    assert_memory_equal(back.transform.std, card.transform.std, sizeof back.transform.std);
    weights_close(f);
    model_card_clear(&card);
    model_card_clear(&back);
}

static void cards_that_make_no_sense_are_refused_by_key(void **state) {
    (void)state;
    static const weights_pair cases[] = {
        {"thaw.head", "{"},
        {"thaw.head", "3"},
        {"thaw.head", "{\"hidden\":[0],\"dropout\":0,\"batch_norm\":false,\"pool\":\"avg\"}"},
        {"thaw.head", "{\"hidden\":[1,1,1,1,1,1,1,1,1],\"dropout\":0,\"batch_norm\":false,\"pool\":\"avg\"}"},
        {"thaw.head", "{\"hidden\":[],\"dropout\":1,\"batch_norm\":false,\"pool\":\"avg\"}"},
        {"thaw.head", "{\"hidden\":[],\"dropout\":0,\"batch_norm\":false,\"pool\":\"sum\"}"},
        {"thaw.classes", "[]"},
        {"thaw.classes", "[1]"},
        {"thaw.classes", "{\"a\":\"b\"}"},
        {"thaw.mask", "{\"frozen\":[1],\"moving\":[]}"},
        {"thaw.mask", "[]"},
        {"thaw.transform",
         "{\"resize\":256,\"crop\":0,\"interpolation\":\"bilinear\",\"mean\":[0,0,0],\"std\":[1,1,1]}"},
        {"thaw.transform",
         "{\"resize\":256,\"crop\":224,\"interpolation\":\"x\",\"mean\":[0,0,0],\"std\":[1,1,1]}"},
        {"thaw.transform",
         "{\"resize\":256,\"crop\":224,\"interpolation\":\"bilinear\",\"mean\":[0,0],\"std\":[1,1,1]}"},
        {"thaw.transform",
         "{\"resize\":256,\"crop\":224,\"interpolation\":\"bilinear\",\"mean\":[0,0,0],\"std\":[1,0,1]}"},
        {"thaw.transform",
         "{\"resize\":1e9,\"crop\":224,\"interpolation\":\"bilinear\",\"mean\":[0,0,0],\"std\":[1,1,1]}"},
    };
    float one = 1;
    weights_item item = {"x", DTYPE_F32, SHAPE_1(1), &one};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        weights_file *f;
        model_card card;
        assert_ok(weights_write_safetensors("bad.safetensors", &item, 1, &cases[i], 1));
        assert_ok(weights_open("bad.safetensors", &f));
        assert_says(model_card_read(f, &card), cases[i].key);
        weights_close(f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(numbers_and_unknowns_come_back_exactly),
        cmocka_unit_test(equal_tensors_give_equal_files_whatever_was_before),
        cmocka_unit_test(a_run_without_a_checkpoint_says_so),
        cmocka_unit_test(a_kill_at_any_system_call_leaves_a_whole_checkpoint),
        cmocka_unit_test(a_kill_at_a_random_moment_loses_no_finished_checkpoint),
        cmocka_unit_test(readers_beside_a_writer_always_see_one_moment),
        cmocka_unit_test(a_full_disk_leaves_the_old_checkpoint),
        cmocka_unit_test(a_folder_that_is_gone_is_an_error),
        cmocka_unit_test(damaged_tensors_are_noticed),
        cmocka_unit_test(a_damaged_state_is_refused),
        cmocka_unit_test(hostile_states_are_refused),
        cmocka_unit_test(weights_put_in_a_folder_by_hand_are_found),
        cmocka_unit_test(a_file_says_what_model_it_is),
        cmocka_unit_test(cards_that_make_no_sense_are_refused_by_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
