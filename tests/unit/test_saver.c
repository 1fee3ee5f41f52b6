/*
 * test_saver.c - checkpoints that are written beside training: what is written is of one moment, training
 * goes on meanwhile, and a full disk, a stop, a change of the mask or a kill at any point of the writing
 * loses nothing.
 *
 * The system calls that the saving thread makes are this program's own (they come before the library's), so
 * that a test can hold the thread, slow it down or kill the process exactly there. So is the clock, by which
 * the engine decides who writes: how busy the machine is must not decide it.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/rng.h"
#include "engine/base/room.h"
#include "engine/run/checkpoint.h"
#include "engine/train/saver.h"
#include "engine/train/snapshot.h"
#include "tests/unit/support_torch.h"
#include "tests/unit/train_fixture.h"
#include "thaw/run.h"
#include "thaw/session.h"

enum { STEPS_PER_EPOCH = 4, HOLD_SECONDS_MAX = 60 };

/* ---- what the saving thread meets ---- */

static struct {
    atomic_int begun;               /* savings beside training, so far */
    atomic_int hold;                /* the one that waits for RELEASE before it does anything; 0: none */
    atomic_int slow_ms;             /* that one, or each, takes so long before it does anything */
    atomic_bool real_time;          /* else each thread has a clock that goes on when it is read */
    atomic_int sync_readings;       /* that an fsync by other threads takes */
    atomic_int saver_sync_readings; /* and by saving ones */
    atomic_int kill_in;             /* the one that does not survive, 0: none, ... */
    atomic_int kill_at;             /* ... at its so many-eth call, from 1 */
    atomic_bool linkless;           /* the file system has no second names */
    atomic_bool held_too_long;
    sem_t release;
} disk;

static _Thread_local int calls; /* of a saving thread so far; 0 in others */

static void pass_point(void) {
    if (!calls) return;
    if (atomic_load(&disk.kill_in) == atomic_load(&disk.begun) && calls == atomic_load(&disk.kill_at))
        kill(getpid(), SIGKILL);
    calls++;
}

static void pause_for(int ms) {
    if (ms) nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

static _Thread_local double readings; /* of this thread's clock */

double clock_seconds(void) {
    if (!atomic_load(&disk.real_time)) return 1e-3 * (readings += 1);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double clock_wall_seconds(void) {
    return (double)time(NULL);
}

/* What a saving thread does first. */
int nice(int increment) {
    int number = atomic_fetch_add(&disk.begun, 1) + 1, hold = atomic_load(&disk.hold);
    calls = 1;
    pass_point();
    if (number == hold) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += HOLD_SECONDS_MAX;
        if (sem_timedwait(&disk.release, &until) < 0) atomic_store(&disk.held_too_long, true);
    }
    if (!hold || number == hold) pause_for(atomic_load(&disk.slow_ms));
    int now = getpriority(PRIO_PROCESS, 0);
    return setpriority(PRIO_PROCESS, 0, now + increment);
}

/* What was written outlives a process that is killed, synchronised or not. */
int fsync(int fd) {
    (void)fd;
    readings += atomic_load(calls ? &disk.saver_sync_readings : &disk.sync_readings);
    pass_point();
    return 0;
}

int rename(const char *from, const char *to) {
    pass_point();
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int link(const char *from, const char *to) {
    pass_point();
    if (atomic_load(&disk.linkless)) {
        errno = EPERM;
        return -1;
    }
    return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static int64_t memory_left; /* bytes */

/* In place of engine/base/room.c's. */
int64_t room_available(const char *proc, const char *cgroups) {
    (void)proc, (void)cgroups;
    return memory_left;
}

static int reset_disk(void **state) {
    (void)state;
    atomic_store(&disk.begun, 0);
    atomic_store(&disk.hold, 0);
    atomic_store(&disk.slow_ms, 0);
    atomic_store(&disk.real_time, false);
    atomic_store(&disk.sync_readings, 0);
    atomic_store(&disk.saver_sync_readings, 0);
    memory_left = (int64_t)8 << 30;
    atomic_store(&disk.linkless, false);
    atomic_store(&disk.held_too_long, false);
    return sem_init(&disk.release, 0, 0);
}

static void release(void) {
    sem_post(&disk.release);
}

/* ---- what came out ---- */

static bool is_step(const thaw_event *e, int64_t step) {
    return e->kind == THAW_EVENT_STEP && e->steps == step;
}

static uint64_t file_digest(const char *folder, const char *name) {
    char *path = path_join(folder, name);
    mapped_file map;
    expect_ok(file_map(path, &map));
    uint64_t digest = hash_bytes(map.data, map.size, 1);
    file_unmap(&map);
    free(path);
    return digest;
}

static uint64_t checkpoint_digest(const char *folder) {
    return file_digest(folder, "last.safetensors") ^ 3 * file_digest(folder, "state.safetensors");
}

static int64_t steps_in(const char *folder) {
    checkpoint c;
    expect_ok(checkpoint_read(folder, &c));
    int64_t steps = c.state.steps;
    checkpoint_clear(&c);
    return steps;
}

/* Where in what was said the event of KIND and STEPS stands; fails when it was not said. */
static size_t place_of(const rig *r, thaw_event_kind kind, int64_t steps) {
    for (size_t i = 0; i < r->count; i++)
        if (r->event[i].kind == kind && r->event[i].steps == steps) return i;
    fail_msg("no event of kind %d at step %lld", (int)kind, (long long)steps);
    return 0;
}

static rig train(void (*on_event)(rig *r, const thaw_event *e), void *user, const char *const *assignments) {
    thaw_recipe recipe;
    fixture_recipe(&recipe, assignments);
    rig r = {.on_event = on_event, .user = user, .keep = true};
    rig_train(&r, &recipe);
    expect_ok(r.status);
    assert_false(atomic_load(&disk.held_too_long));
    thaw_recipe_clear(&recipe);
    return r;
}
#define TRAIN(on_event, user, ...) train(on_event, user, (const char *const[]){__VA_ARGS__, NULL})

/* ---- the thread ---- */

typedef struct standing {
    int policy, nice;
} standing;

static thaw_status note_standing(void *user) {
    *(standing *)user = (standing){sched_getscheduler(0), getpriority(PRIO_PROCESS, 0)};
    return thaw_ok();
}

static void the_thread_gives_way_also_where_training_is_real_time(void **state) {
    (void)state;
    saver s = {0};
    standing asking, saving = {-1, 0};
    if (sched_setscheduler(0, SCHED_RR, &(struct sched_param){.sched_priority = 1}) < 0) {
        print_message("no test of real-time training: SCHED_RR: %s\n", strerror(errno));
        skip();
    }
    expect_ok(note_standing(&asking));
    expect_ok(saver_begin(&s, note_standing, &saving));
    expect_ok(saver_end(&s));
    assert_int_equal(sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){0}), 0);
    assert_int_equal(asking.policy, SCHED_RR);
    assert_int_equal(saving.policy, SCHED_OTHER);
    assert_true(saving.nice > asking.nice);
}

/* ---- training goes on ---- */

static void release_after_six(rig *r, const thaw_event *e) {
    if (!is_step(e, 6)) return;
    assert_true(trainer_is_saving(r->trainer));
    assert_int_equal(r->trainer->saved_steps, -1); /* nothing is there yet, and nobody says so */
    assert_int_equal(rig_events(r, THAW_EVENT_CHECKPOINT), 0);
    release();
}

static void training_goes_on_while_a_checkpoint_is_written(void **state) {
    (void)state;
    rig plain = TRAIN(NULL, NULL, "epochs=2");
    reset_disk(NULL);
    atomic_store(&disk.hold, 1);
    rig r = TRAIN(release_after_six, NULL, "epochs=2");
    assert_int_equal(atomic_load(&disk.begun), 1); /* the last one has nothing to go on beside */
    assert_int_equal(rig_events(&r, THAW_EVENT_CHECKPOINT), 2);
    assert_true(place_of(&r, THAW_EVENT_CHECKPOINT, 4) > place_of(&r, THAW_EVENT_STEP, 6));
    const thaw_event *first = rig_event(&r, THAW_EVENT_CHECKPOINT, 0);
    assert_int_equal(first->checkpoint.epoch, 1);
    assert_true(first->checkpoint.best);
    assert_true(first->checkpoint.seconds > 0);
    assert_true(rig_event(&r, THAW_EVENT_PROFILE, 0)->profile.write == 0);
    assert_true(rig_event(&r, THAW_EVENT_PROFILE, 1)->profile.write == first->checkpoint.seconds);
    assert_true(rig_digest(&plain, "", DIGEST_ALL) == rig_digest(&r, "", DIGEST_ALL));
    assert_true(checkpoint_digest(plain.folder) == checkpoint_digest(r.folder));
    assert_int_equal(steps_in(r.folder), 8);
    rig_clear(&plain);
    rig_clear(&r);
}

/* What is in the folder when a checkpoint is said to be there. */
static void note_digest(rig *r, const thaw_event *e) {
    uint64_t *digest = r->user;
    if (e->kind != THAW_EVENT_CHECKPOINT || e->steps != 4) return;
    assert_int_equal(steps_in(r->trainer ? run_folder_path(r->trainer->folder) : r->folder), 4);
    digest[0] = checkpoint_digest(run_folder_path(r->trainer->folder));
}

static void note_digest_late(rig *r, const thaw_event *e) {
    note_digest(r, e);
    if (is_step(e, 6)) release();
}

static void what_is_written_is_of_the_moment_it_was_asked_for(void **state) {
    (void)state;
    uint64_t at_once = 0, late = 1;
    rig plain = TRAIN(note_digest, &at_once, "epochs=1"); /* written by the engine thread itself */
    assert_int_equal(atomic_load(&disk.begun), 0);
    atomic_store(&disk.hold, 1);
    rig r = TRAIN(note_digest_late, &late, "epochs=2");
    assert_true(at_once == late);
    rig_clear(&plain);
    rig_clear(&r);
}

/* The next checkpoint is about to be asked for. */
static void release_at_the_next_epoch(rig *r, const thaw_event *e) {
    (void)r;
    if (e->kind == THAW_EVENT_EPOCH && e->epoch.epoch == 1) release();
}

static void one_is_written_at_a_time_and_waiting_is_counted_and_told(void **state) {
    (void)state;
    enum { SLOW_MS = 2000 };
    atomic_store(&disk.real_time, true);
    atomic_store(&disk.hold, 1);
    atomic_store(&disk.slow_ms, SLOW_MS);
    rig r = TRAIN(release_at_the_next_epoch, NULL, "epochs=3");
    for (int i = 0; i < 3; i++)
        assert_int_equal(rig_event(&r, THAW_EVENT_CHECKPOINT, i)->steps, STEPS_PER_EPOCH * (i + 1));
    assert_true(place_of(&r, THAW_EVENT_CHECKPOINT, 4) > place_of(&r, THAW_EVENT_EPOCH, 8));
    assert_true(rig_event(&r, THAW_EVENT_PROFILE, 1)->profile.phase[THAW_PHASE_CHECKPOINT] >
                0.5e-3 * SLOW_MS);
    size_t told = 0;
    for (size_t i = 0; i < r.count; i++)
        told += r.event[i].kind == THAW_EVENT_LOG && strstr(r.event[i].log.text, "training waited");
    assert_int_equal(told, 1);
    assert_int_equal(steps_in(r.folder), 12);
    rig_clear(&r);
}

/* Larger models take ThreadSanitizer minutes, and their threads meet where small ones' do. */
static void skip_where_threads_are_watched(void) {
#ifdef __SANITIZE_THREAD__
    skip();
#endif
}

/* A large copy takes memory from the steps: only after writing it was seen to take long for such epochs. */
static void a_large_checkpoint_is_written_beside_once_that_is_seen_to_pay(void **state) {
    (void)state;
    skip_where_threads_are_watched();
    atomic_store(&disk.sync_readings, 20); /* six of them a checkpoint; an epoch takes a thousand */
    rig r = TRAIN(NULL, NULL, "epochs=4", "model=resnet18", "data.crop=32");
    assert_int_equal(rig_events(&r, THAW_EVENT_CHECKPOINT), 4);
    assert_int_equal(atomic_load(&disk.begun), 2); /* not the first, nor the last */
    assert_int_equal(steps_in(r.folder), 16);
    rig_clear(&r);
    assert_int_equal(torch_live_tensors(support_torch()), 0);
}

/* Beside epochs that are over at once there is nothing to gain. */
static void what_takes_far_longer_than_the_steps_is_not_written_beside_them_again(void **state) {
    (void)state;
    skip_where_threads_are_watched();
    atomic_store(&disk.saver_sync_readings, 10000);
    rig r = TRAIN(NULL, NULL, "epochs=3");
    assert_int_equal(rig_events(&r, THAW_EVENT_CHECKPOINT), 3);
    assert_int_equal(atomic_load(&disk.begun), 1);
    assert_int_equal(steps_in(r.folder), 12);
    rig_clear(&r);
}

static void without_memory_to_spare_a_large_checkpoint_is_written_at_once(void **state) {
    (void)state;
    skip_where_threads_are_watched();
    memory_left = 100 << 20; /* bytes: more than the copy, of which it may be a quarter */
    atomic_store(&disk.sync_readings, 20);
    rig r = TRAIN(NULL, NULL, "epochs=3", "model=resnet18", "data.crop=32");
    assert_int_equal(rig_events(&r, THAW_EVENT_CHECKPOINT), 3);
    assert_int_equal(atomic_load(&disk.begun), 0);
    rig_clear(&r);
}

/* ---- trouble ---- */

enum { SMALL_FILE = 300000 }; /* less than the weights, more than the log */

static void limit_files(bool on) {
    static struct rlimit before;
    if (on) getrlimit(RLIMIT_FSIZE, &before);
    struct rlimit small = {SMALL_FILE, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, on ? &small : &before), 0);
}

/* Full from the second checkpoint on, until that is told. */
static void fill_disk(rig *r, const thaw_event *e) {
    if (e->kind == THAW_EVENT_EPOCH && e->epoch.epoch == 1) {
        trainer_await_save(r->trainer); /* the first one has room */
        limit_files(true);
    }
    if (e->kind != THAW_EVENT_LOG || !strstr(e->log.text, "no checkpoint")) return;
    limit_files(false);
    const char *folder = run_folder_path(r->trainer->folder);
    assert_non_null(strstr(e->log.text, "last.safetensors"));
    assert_int_equal(e->log.level, 2);
    assert_true(thaw_failed(&r->trainer->save_status));
    assert_int_equal(r->trainer->saved_steps, 4);
    assert_int_equal(steps_in(folder), 4);
    char *rubbish = path_join(folder, "last.safetensors.new");
    assert_false(path_exists(rubbish));
    free(rubbish);
}

static void a_full_disk_while_it_is_written_is_told_and_loses_nothing(void **state) {
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    rig plain = TRAIN(NULL, NULL, "epochs=3");
    rig r = TRAIN(fill_disk, NULL, "epochs=3");
    assert_true(rig_logged(&r, "no checkpoint"));
    assert_int_equal(rig_events(&r, THAW_EVENT_CHECKPOINT), 2);
    assert_int_equal(r.trainer->saved_steps, 12);
    assert_false(thaw_failed(&r.trainer->save_status));
    assert_true(checkpoint_digest(plain.folder) == checkpoint_digest(r.folder));
    rig_clear(&plain);
    rig_clear(&r);
}

typedef struct stopping {
    bool save;
    bool asked;
} stopping;

static void stop_while_saving(rig *r, const thaw_event *e) {
    stopping *s = r->user;
    if (!is_step(e, 6) || s->asked) return;
    s->asked = true;
    assert_true(trainer_is_saving(r->trainer));
    command *c = command_new(COMMAND_STOP);
    c->save = s->save;
    mailbox_post(r->mailbox, c);
    release();
}

static void a_stop_while_saving_waits_for_it(void **state) {
    (void)state;
    rig whole = TRAIN(NULL, NULL, "epochs=3");
    for (int save = 0; save < 2; save++) {
        reset_disk(NULL);
        atomic_store(&disk.hold, 1);
        stopping how = {.save = save};
        rig r = TRAIN(stop_while_saving, &how, "epochs=3"), rest = {0};
        assert_int_equal(r.how, TRAINER_STOPPED);
        assert_int_equal(rig_events(&r, THAW_EVENT_CHECKPOINT), save ? 2 : 1);
        assert_int_equal(rig_event(&r, THAW_EVENT_CHECKPOINT, 0)->steps, 4);
        assert_int_equal(steps_in(r.folder), save ? 6 : 4);
        assert_int_equal(r.trainer->saved_steps, save ? 6 : 4);
        char *folder = xstrdup(r.folder);
        rig_clear(&r);
        rig_resume(&rest, folder); /* by the same process */
        expect_ok(rest.status);
        assert_int_equal(rig_event(&rest, THAW_EVENT_BEGIN, 0)->steps, save ? 6 : 4);
        assert_true(checkpoint_digest(whole.folder) == checkpoint_digest(folder));
        rig_clear(&rest);
        free(folder);
    }
    rig_clear(&whole);
}

static void pause_while_saving(rig *r, const thaw_event *e) {
    if (is_step(e, 6)) {
        rig_post(r, COMMAND_PAUSE);
        release();
    }
    if (e->kind == THAW_EVENT_CHECKPOINT && e->steps == 4) rig_post(r, COMMAND_CONTINUE);
}

static void a_paused_run_says_that_its_checkpoint_is_there(void **state) {
    (void)state;
    atomic_store(&disk.hold, 1);
    rig r = TRAIN(pause_while_saving, NULL, "epochs=2"); /* would wait for ever: nobody else continues it */
    assert_int_equal(rig_events(&r, THAW_EVENT_CHECKPOINT), 2);
    rig_clear(&r);
}

/* Frozen tensors are read where they lie, so thawing them waits until they have been. */
static void thaw_while_saving(rig *r, const thaw_event *e) {
    note_digest(r, e);
    if (is_step(e, 5)) rig_post_mask(r, NULL, NULL);
}

static void thawing_while_saving_does_not_reach_the_file(void **state) {
    (void)state;
    enum { SLOW_MS = 500 };
    uint64_t before = 0, after = 1;
    rig plain = TRAIN(note_digest, &before, "epochs=1", "freeze=[\"conv1\",\"bn1\",\"layer1\",\"layer2\"]");
    atomic_store(&disk.slow_ms, SLOW_MS); /* long enough for steps that would train what is read */
    rig r = TRAIN(thaw_while_saving, &after, "epochs=2", "freeze=[\"conv1\",\"bn1\",\"layer1\",\"layer2\"]");
    assert_true(before == after);
    assert_int_equal(rig_event(&r, THAW_EVENT_MASK, -1)->mask.frozen_count, 0);
    assert_true(rig_digest(&plain, "layer1", DIGEST_WEIGHTS) != rig_digest(&r, "layer1", DIGEST_WEIGHTS));
    rig_clear(&plain);
    rig_clear(&r);
}

static void without_links_best_is_written_as_last_is(void **state) {
    (void)state;
    rig linked = TRAIN(NULL, NULL, "epochs=1");
    struct stat last, best;
    char *last_path = path_join(linked.folder, "last.safetensors");
    char *best_path = path_join(linked.folder, "best.safetensors");
    assert_int_equal(stat(last_path, &last) | stat(best_path, &best), 0);
    assert_int_equal(last.st_ino, best.st_ino);
    free(last_path);
    free(best_path);
    atomic_store(&disk.linkless, true);
    rig r = TRAIN(NULL, NULL, "epochs=1");
    char *found;
    assert_true(file_digest(r.folder, "best.safetensors") == file_digest(linked.folder, "best.safetensors"));
    expect_ok(
        checkpoint_weights_path(r.folder, false, &found)); /* it is the file that state.json describes */
    assert_non_null(strstr(found, "best.safetensors"));
    free(found);
    rig_clear(&linked);
    rig_clear(&r);
}

/* ---- kills ---- */

enum { KILL_SAVE = 2, KILL_POINTS_MAX = 40 };

/* Outside cmocka: trains and does not survive, or does. */
static int train_as_child(const char *recipe_path, const char *runs, const char *point) {
    atomic_store(&disk.kill_in, KILL_SAVE);
    atomic_store(&disk.kill_at, (int)strtol(point, NULL, 10));
    return fixture_train_as_child(recipe_path, runs);
}

/* True: the child was killed at POINT of its second saving. */
static bool train_and_kill(const char *recipe_path, const char *runs, int point) {
    char text[16];
    (void)snprintf(text, sizeof text, "%d", point);
    char *const argv[] = {
        (char *)"test_saver", (char *)"--child", (char *)recipe_path, (char *)runs, text, NULL};
    pid_t pid;
    int how = 0, error = posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ);
    if (error) fail_msg("cannot start the child: %s", strerror(error));
    while (waitpid(pid, &how, 0) < 0 && errno == EINTR)
        continue;
    if (WIFSIGNALED(how)) return true;
    assert_int_equal(WEXITSTATUS(how), 0);
    return false;
}

static char *only_run(const char *runs) {
    thaw_run_info info;
    expect_ok(thaw_run_find(runs, "last", &info));
    char *folder = xstrdup(info.folder);
    thaw_run_info_clear(&info);
    return folder;
}

static void a_kill_at_any_point_of_the_writing_loses_no_finished_checkpoint(void **state) {
    (void)state;
    support_torch();
    thaw_recipe recipe;
    FIXTURE_RECIPE(&recipe, "epochs=3", "schedule.name=cosine");
    expect_ok(thaw_recipe_write(&recipe, "kill.json"));
    rig whole = TRAIN(NULL, NULL, "epochs=3", "schedule.name=cosine");
    uint64_t wanted = checkpoint_digest(whole.folder);
    int olds = 0, news = 0;
    for (int point = 1; point <= KILL_POINTS_MAX; point++) {
        char runs[32];
        (void)snprintf(runs, sizeof runs, "kill-%d", point);
        bool killed = train_and_kill("kill.json", runs, point);
        char *folder = only_run(runs);
        int64_t steps = steps_in(folder);
        if (!killed) {
            assert_int_equal(steps, 12);
            free(folder);
            break;
        }
        assert_true(steps == 4 || steps == 8);
        olds += steps == 4;
        news += steps == 8;
        rig rest = {0};
        rig_resume(&rest, folder);
        expect_ok(rest.status);
        assert_int_equal(rig_event(&rest, THAW_EVENT_BEGIN, 0)->steps, steps);
        assert_true(checkpoint_digest(folder) == wanted);
        rig_clear(&rest);
        free(folder);
    }
    print_message("killed before the commit at %d points, after it at %d\n", olds, news);
    assert_true(olds >= 6);
    assert_true(news >= 2);
    assert_true(olds + news < KILL_POINTS_MAX);
    rig_clear(&whole);
    thaw_recipe_clear(&recipe);
}

/* ---- snapshots ---- */

enum { ROWS = 6, CHANNELS = 5, SIDE = 3, IMAGE = ROWS * CHANNELS * SIDE * SIDE };

/* A snapshot of three tensors: a settled one in channels_last, a number, and a trained one. */
typedef struct shelf {
    snapshot s;
    tscope scope;
    tensor *image, *number, *trained;
    float rows[IMAGE];
} shelf;

static shelf *shelf_new(bool gather, bool settled_image) {
    shelf *h = xcalloc(1, sizeof *h);
    float trained[4] = {1, 2, 3, 4};
    int64_t seven = 7;
    h->s = (snapshot){.torch = support_torch(), .gather = gather};
    for (int i = 0; i < IMAGE; i++)
        h->rows[i] = (float)i;
    tscope_begin(&h->scope, support_torch());
    device cpu = {.kind = DEVICE_CPU};
    tensor *rows = t_from_data(&h->scope, SHAPE_4(ROWS, CHANNELS, SIDE, SIDE), DTYPE_F32, h->rows, cpu);
    h->image =
        t_to(&h->scope, rows, cpu, DTYPE_F32, settled_image ? FORMAT_CHANNELS_LAST : FORMAT_CONTIGUOUS);
    h->number = t_from_data(&h->scope, (shape){.ndim = 0}, DTYPE_I64, &seven, cpu);
    h->trained = t_from_data(&h->scope, SHAPE_1(4), DTYPE_F32, trained, cpu);
    return h;
}

static void shelf_take(shelf *h, bool mask_changed) {
    shape square = SHAPE_4(ROWS, CHANNELS, SIDE, SIDE), one = {.ndim = 0}, four = SHAPE_1(4);
    snapshot_begin(&h->s, mask_changed);
    expect_ok(snapshot_add(&h->s, xstrdup("image"), &square, DTYPE_F32, h->image, true));
    expect_ok(snapshot_add(&h->s, xstrdup("number"), &one, DTYPE_I64, h->number, false));
    expect_ok(snapshot_add(&h->s, xstrdup("trained"), &four, DTYPE_F32, h->trained, false));
    expect_ok(snapshot_take(&h->s));
}

static const void *fetched(shelf *h, size_t index) {
    const void *data;
    size_t bytes;
    weights_source source = snapshot_source(&h->s);
    expect_ok(source.part(source.user, index, 0, &bytes, &data));
    assert_int_equal(bytes, weights_item_bytes(&source.item[index]));
    return data;
}

static void shelf_free(shelf *h) {
    snapshot_clear(&h->s);
    expect_ok(tscope_end(&h->scope));
    free(h);
}

static void a_snapshot_gives_rows_whatever_the_layout(void **state) {
    (void)state;
    for (int gather = 0; gather < 2; gather++)
        for (int last = 0; last < 2; last++) {
            shelf *h = shelf_new(gather, last);
            shelf_take(h, false);
            assert_memory_equal(fetched(h, 0), h->rows, sizeof h->rows);
            assert_int_equal(*(const int64_t *)fetched(h, 1), 7);
            assert_true(((const float *)fetched(h, 2))[3] == 4);
            shelf_free(h);
        }
}

/* A tensor that is brought in order a few rows at a time: none of its rows fits, or many do and some are left
 * over. */
static void a_snapshot_gives_large_tensors_in_parts(void **state) {
    (void)state;
    const shape sizes[] = {SHAPE_4(300, 64, 3, 3), SHAPE_4(3, 8000, 3, 3)};
    const device cpu = {.kind = DEVICE_CPU};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        tscope scope;
        size_t count = (size_t)shape_elements(&sizes[i]), at = 0, some = 0, parts = 0;
        float *rows = xcalloc(count, sizeof *rows);
        for (size_t n = 0; n < count; n++)
            rows[n] = (float)n;
        tscope_begin(&scope, support_torch());
        tensor *x = t_from_data(&scope, sizes[i], DTYPE_F32, rows, cpu);
        x = t_to(&scope, x, cpu, DTYPE_F32, FORMAT_CHANNELS_LAST);
        snapshot s = {.torch = support_torch()};
        snapshot_begin(&s, false);
        expect_ok(snapshot_add(&s, xstrdup("large"), &sizes[i], DTYPE_F32, x, true));
        expect_ok(snapshot_take(&s));
        weights_source source = snapshot_source(&s);
        for (; at < count * sizeof *rows; at += some, parts++) {
            const void *data;
            expect_ok(source.part(source.user, 0, at, &some, &data));
            assert_in_range(some, 1, count * sizeof *rows - at);
            assert_memory_equal(data, (const char *)rows + at, some);
        }
        assert_int_equal(at, count * sizeof *rows);
        assert_int_equal(parts, 3);
        free(rows);
        snapshot_clear(&s);
        expect_ok(tscope_end(&scope));
    }
}

/* What is trained afterwards is not in it; what is settled is not copied on the processor. */
static void a_snapshot_is_of_one_moment(void **state) {
    (void)state;
    for (int gather = 0; gather < 2; gather++) {
        shelf *h = shelf_new(gather, true);
        shelf_take(h, false);
        t_fill_(&h->scope, h->trained, 9);
        assert_true(((const float *)fetched(h, 2))[3] == 4);
        assert_int_equal(h->s.place[0].held != NULL, !gather);
        if (!gather) assert_true(snapshot_bytes(&h->s) < sizeof h->rows);
        snapshot_let_go(&h->s);
        shelf_take(h, false);
        assert_true(((const float *)fetched(h, 2))[3] == 9);
        shelf_free(h);
    }
}

/* From a device what is settled is read once, and again after a change of the mask or of itself. */
static void a_copy_that_still_holds_is_not_made_again(void **state) {
    (void)state;
    shelf *h = shelf_new(true, true);
    float *there = t_data(&h->scope, h->image, FORMAT_CHANNELS_LAST);
    shelf_take(h, false);
    there[0] = -1; /* behind libtorch's back */
    shelf_take(h, false);
    assert_true(*(const float *)fetched(h, 0) == 0);
    shelf_take(h, true);
    assert_true(*(const float *)fetched(h, 0) == -1);
    t_fill_(&h->scope, h->image, 5);
    shelf_take(h, false);
    assert_true(*(const float *)fetched(h, 0) == 5);
    snapshot_free_buffer(&h->s);
    there[0] = -2;
    shelf_take(h, false);
    assert_true(*(const float *)fetched(h, 0) == -2);
    shelf_free(h);
}

/* A device that is nearly full cannot, and the checkpoint must be written all the same. */
static void what_cannot_be_put_together_is_read_one_by_one(void **state) {
    (void)state;
    shelf *h = shelf_new(true, false);
    tensor *plain = h->trained;
    h->trained = t_to(&h->scope, plain, (device){.kind = DEVICE_CPU}, DTYPE_F32, FORMAT_BLOCKED);
    tscope scope;
    tscope_begin(&scope, support_torch());
    t_cat(&scope, (tensor *[]){plain, h->trained}, 2, 0);
    thaw_status refused = tscope_end(&scope);
    assert_true(thaw_failed(&refused)); /* else this test shows nothing */
    shelf_take(h, false);
    assert_memory_equal(fetched(h, 0), h->rows, sizeof h->rows);
    assert_int_equal(*(const int64_t *)fetched(h, 1), 7);
    assert_true(((const float *)fetched(h, 2))[3] == 4);
    shelf_free(h);
}

static void one_element_that_is_not_finite_is_found(void **state) {
    (void)state;
    enum { MANY = 10000 };
    static const int places[] = {0, 4095, 4096, 8191, MANY - 1};
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    tscope scope;
    tscope_begin(&scope, support_torch());
    tensor *x = t_full(&scope, SHAPE_1(MANY), 3e38, DTYPE_F32, (device){.kind = DEVICE_CPU});
    float *value = t_data(&scope, x, FORMAT_CONTIGUOUS);
    shape size = SHAPE_1(MANY);
    for (size_t i = 0; i < sizeof places / sizeof *places * 3; i++) {
        snapshot s = {.torch = support_torch()};
        value[places[i / 3]] = bad[i % 3];
        expect_ok(snapshot_add(&s, xstrdup("x"), &size, DTYPE_F32, x, i % 2));
        expect_ok(snapshot_take(&s));
        assert_string_equal(snapshot_not_finite(&s), "x");
        snapshot_clear(&s);
        value[places[i / 3]] = 1e-42f;
        expect_ok(snapshot_add(&s, xstrdup("x"), &size, DTYPE_F32, x, i % 2));
        expect_ok(snapshot_take(&s));
        assert_null(snapshot_not_finite(&s));
        snapshot_clear(&s);
    }
    expect_ok(tscope_end(&scope));
}

int main(int argc, char **argv) {
    if (argc == 5 && strcmp(argv[1], "--child") == 0) return train_as_child(argv[2], argv[3], argv[4]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_gives_rows_whatever_the_layout),
        cmocka_unit_test(a_snapshot_gives_large_tensors_in_parts),
        cmocka_unit_test(a_snapshot_is_of_one_moment),
        cmocka_unit_test(a_copy_that_still_holds_is_not_made_again),
        cmocka_unit_test(what_cannot_be_put_together_is_read_one_by_one),
        cmocka_unit_test(one_element_that_is_not_finite_is_found),
        cmocka_unit_test_setup(the_thread_gives_way_also_where_training_is_real_time, reset_disk),
        cmocka_unit_test_setup(training_goes_on_while_a_checkpoint_is_written, reset_disk),
        cmocka_unit_test_setup(what_is_written_is_of_the_moment_it_was_asked_for, reset_disk),
        cmocka_unit_test_setup(one_is_written_at_a_time_and_waiting_is_counted_and_told, reset_disk),
        cmocka_unit_test_setup(a_large_checkpoint_is_written_beside_once_that_is_seen_to_pay, reset_disk),
        cmocka_unit_test_setup(what_takes_far_longer_than_the_steps_is_not_written_beside_them_again,
                               reset_disk),
        cmocka_unit_test_setup(without_memory_to_spare_a_large_checkpoint_is_written_at_once, reset_disk),
        cmocka_unit_test_setup(a_full_disk_while_it_is_written_is_told_and_loses_nothing, reset_disk),
        cmocka_unit_test_setup(a_stop_while_saving_waits_for_it, reset_disk),
        cmocka_unit_test_setup(a_paused_run_says_that_its_checkpoint_is_there, reset_disk),
        cmocka_unit_test_setup(thawing_while_saving_does_not_reach_the_file, reset_disk),
        cmocka_unit_test_setup(without_links_best_is_written_as_last_is, reset_disk),
        cmocka_unit_test_setup(a_kill_at_any_point_of_the_writing_loses_no_finished_checkpoint, reset_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
