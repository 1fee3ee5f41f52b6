/*
 * test_memory.c - what training is estimated to take, how much memory there is, and whether the one fits the
 * other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/room.h"
#include "thaw/memory.h"
#include "tui/model_memory.h"

static const int64_t mega = 1 << 20;

/* What training ARCH takes in float32 and channels_last by a recipe with these ASSIGNMENTS (ends with NULL),
 * for 8 classes. */
static thaw_memory estimate(const char *arch, const char *const *assignments) {
    thaw_recipe r;
    thaw_memory use = {0};
    thaw_recipe_init(&r);
    thaw_status status = thaw_recipe_set(&r, "precision=fp32");
    if (!thaw_failed(&status)) status = thaw_recipe_set(&r, "layout=channels_last");
    for (; *assignments && !thaw_failed(&status); assignments++)
        status = thaw_recipe_set(&r, *assignments);
    if (!thaw_failed(&status)) status = thaw_memory_estimate(&r, arch, 224, 8, &use);
    if (thaw_failed(&status)) fail_msg("%s: %s", arch, status.message);
    thaw_recipe_clear(&r);
    return use;
}
#define ESTIMATE(arch, ...) estimate(arch, (const char *const[]){__VA_ARGS__, NULL})

enum {
    RESNET18_FOR_8 = 11180616
}; /* parameters: 11689512 without fc's 513000, and 512 * 8 + 8 for the new */

static void parts_are_what_the_formula_says(void **state) {
    (void)state;
    thaw_memory m = ESTIMATE("resnet18", "freeze=[]", "batch_size=8", "workers=2");
    const int64_t trained = RESNET18_FOR_8 * 4;
    assert_int_equal(m.gradients, trained);
    assert_int_equal(m.optimizer, 2 * trained); /* momentum, and the start */
    assert_int_equal(m.images, 8 * 3 * 224 * 224 * 8);
    assert_true(m.weights > 2 * trained - 2 * mega && m.weights < 2 * trained + 2 * mega);
    assert_int_equal(m.total, m.runtime + m.weights + m.optimizer + m.images + m.gradients + m.activations);
}

static void a_batch_twice_as_large_keeps_twice_as_much(void **state) {
    (void)state;
    thaw_memory one = ESTIMATE("resnet18", "freeze=[]", "batch_size=8"),
                two = ESTIMATE("resnet18", "freeze=[]", "batch_size=16");
    assert_int_equal(two.activations, 2 * one.activations);
    assert_int_equal(two.images, 2 * one.images);
    assert_int_equal(two.weights, one.weights);
}

static void a_mask_saves_what_is_not_trained(void **state) {
    (void)state;
    thaw_memory head = ESTIMATE("resnet50", "freeze=[\"all\"]"), all = ESTIMATE("resnet50", "freeze=[]"),
                part = ESTIMATE("resnet50", "freeze=[\"conv1\",\"bn1\",\"layer1\",\"layer2\"]");
    assert_int_equal(head.gradients, (2048 * 8 + 8) * 4);
    assert_true(head.gradients < part.gradients && part.gradients < all.gradients);
    assert_true(head.activations < part.activations && part.activations < all.activations);
    assert_int_equal(head.weights, all.weights);
}

/* A frozen beginning keeps nothing but what one stage makes. ResNet-18's largest is its max pooling: 64
 * channels of 112 x 112 in and a quarter of that out; norms are folded into the convolutions before them. */
static void a_frozen_network_holds_one_stage_at_a_time(void **state) {
    (void)state;
    thaw_memory head = ESTIMATE("resnet18", "freeze=[\"all\"]", "batch_size=8");
    int64_t pool = 8 * (64 * 112 * 112 + 64 * 56 * 56) * 4;
    assert_true(head.activations >= pool && head.activations < pool + mega);
    thaw_memory moving = ESTIMATE("resnet18", "freeze=[\"all\"]", "moving=[\"all\"]", "batch_size=8");
    assert_true(moving.activations > head.activations); /* those are not */
}

/* A norm's activation, and the sum that it is added to, are made by the norm. */
static void in_channels_last_a_norm_is_one_with_what_follows(void **state) {
    (void)state;
    static const char *const arch[] = {"resnet18", "mobilenet_v2"};
    for (int i = 0; i < 2; i++) {
        thaw_memory last = ESTIMATE(arch[i], "freeze=[]"),
                    rows = ESTIMATE(arch[i], "freeze=[]", "layout=contiguous");
        assert_true(last.activations < rows.activations * 9 / 10);
        assert_int_equal(last.weights, rows.weights);
        last = ESTIMATE(arch[i], "freeze=[]", "device=cuda");
        rows = ESTIMATE(arch[i], "freeze=[]", "device=cuda", "layout=contiguous");
        assert_int_equal(last.activations, rows.activations); /* not on a device */
    }
}

static void optimizers_keep_what_they_need(void **state) {
    (void)state;
    const int64_t trained = RESNET18_FOR_8 * 4;
    assert_int_equal(ESTIMATE("resnet18", "freeze=[]", "optimizer.momentum=0").optimizer, trained);
    assert_int_equal(ESTIMATE("resnet18", "freeze=[]", "optimizer.name=adam").optimizer, 3 * trained);
}

static void bf16_keeps_half(void **state) {
    (void)state;
    thaw_memory full = ESTIMATE("resnet18", "freeze=[]"),
                half = ESTIMATE("resnet18", "freeze=[]", "precision=bf16");
    assert_int_equal(2 * half.activations, full.activations);
    assert_int_equal(half.gradients, full.gradients);
}

static void a_mask_that_does_not_fit_counts_as_none(void **state) {
    (void)state;
    thaw_memory other = ESTIMATE("vgg11", "freeze=[\"layer1\"]"), all = ESTIMATE("vgg11", "freeze=[]");
    assert_int_equal(other.total, all.total);
}

static void a_large_model_with_few_activations_is_largest_when_saved(void **state) {
    (void)state;
    thaw_memory m = ESTIMATE("vgg11", "freeze=[]", "batch_size=2");
    assert_true(m.saving > m.gradients + m.activations);
    assert_int_equal(m.total, m.runtime + m.weights + m.optimizer + m.images + m.saving);
}

static void what_is_frozen_is_not_copied_when_saved(void **state) {
    (void)state;
    thaw_memory frozen = ESTIMATE("vgg11", "freeze=[\"all\"]"),
                moving = ESTIMATE("resnet18", "freeze=[\"all\"]", "moving=[\"all\"]"),
                still = ESTIMATE("resnet18", "freeze=[\"all\"]");
    assert_true(frozen.saving < frozen.weights / 100);
    assert_true(moving.saving > still.saving); /* the statistics */
}

static void on_a_device_images_and_saving_do_not_count(void **state) {
    (void)state;
    thaw_memory m = ESTIMATE("resnet18", "freeze=[\"all\"]", "batch_size=8", "device=cuda");
    assert_int_equal(m.images, 8 * 3 * 224 * 224);
    assert_true(m.saving < mega);
}

static void a_size_that_cannot_be_built_is_an_error(void **state) {
    (void)state;
    thaw_recipe r;
    thaw_memory use;
    thaw_recipe_init(&r);
    thaw_status status = thaw_recipe_set(&r, "data.crop=8");
    assert_false(thaw_failed(&status));
    status = thaw_memory_estimate(&r, "alexnet", 0, 8, &use);
    assert_true(thaw_failed(&status));
    status = thaw_memory_estimate(&r, "nonesuch", 0, 8, &use);
    assert_int_equal(status.code, THAW_ERR_NOT_FOUND);
    thaw_recipe_clear(&r);
}

/* Measured: the most resident memory of an epoch, in MiB (docs/decisions.md). */
static void estimates_are_within_a_quarter_of_what_was_measured(void **state) {
    (void)state;
    static const struct {
        const char *arch, *freeze, *batch;
        int64_t measured;
    } runs[] = {
        {"resnet18", "freeze=[\"all\"]", "batch_size=8", 258},
        {"resnet18", "freeze=[]", "batch_size=8", 471},
        {"resnet50", "freeze=[\"all\"]", "batch_size=8", 394},
        {"resnet50", "freeze=[]", "batch_size=8", 1137},
        {"mobilenet_v2", "freeze=[\"all\"]", "batch_size=16", 245},
        {"mobilenet_v2", "freeze=[]", "batch_size=16", 990},
        {"vgg11", "freeze=[\"all\"]", "batch_size=8", 785},
        {"vgg11", "freeze=[]", "batch_size=8", 4252},
        {"resnet18", "freeze=[\"all\"]", "batch_size=16", 256},
        {"resnet18", "freeze=[]", "batch_size=16", 653},
        {"resnet50", "freeze=[\"conv1\", \"bn1\", \"layer1\", \"layer2\"]", "batch_size=8", 717},
        {"vit_b_16", "freeze=[]", "batch_size=8", 2943},
    };
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        thaw_memory m = ESTIMATE(runs[i].arch, runs[i].freeze, runs[i].batch, "workers=2");
        int64_t total = m.total / mega, quarter = runs[i].measured / 4;
        if (total < runs[i].measured - quarter || total > runs[i].measured + quarter)
            fail_msg("%s %s: %lld MiB, measured %lld", runs[i].arch, runs[i].freeze, (long long)total,
                     (long long)runs[i].measured);
    }
}

/* ---- how much there is ---- */

static void write_file(const char *path, const char *text) {
    char *folder = xstrdup(path);
    for (char *slash = strchr(folder, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(folder, 0777);
        *slash = '/';
    }
    free(folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void a_machine_without_limits_has_what_it_says(void **state) {
    (void)state;
    write_file("a/proc/meminfo", "MemTotal:       2000 kB\nMemFree:  10 kB\nMemAvailable:    1000 kB\n");
    write_file("a/proc/self/cgroup", "0::/user/me\n");
    assert_int_equal(room_available("a/proc", "a/cgroup"), 1000 * 1024);
    write_file("a/cgroup/user/me/memory.max", "max\n");
    write_file("a/cgroup/user/me/memory.current", "500\n");
    assert_int_equal(room_available("a/proc", "a/cgroup"), 1000 * 1024);
    assert_int_equal(room_available("nowhere", "nowhere"), -1);
}

static void the_tightest_limit_above_counts(void **state) {
    (void)state;
    write_file("b/proc/meminfo", "MemAvailable: 1000 kB\n");
    write_file("b/proc/self/cgroup", "0::/user/me\n");
    write_file("b/cgroup/user/me/memory.max", "900000\n");
    write_file("b/cgroup/user/me/memory.current", "100000\n");
    assert_int_equal(room_available("b/proc", "b/cgroup"), 800000);
    write_file("b/cgroup/user/memory.max", "400000\n");
    write_file("b/cgroup/user/memory.current", "300000\n");
    assert_int_equal(room_available("b/proc", "b/cgroup"), 100000);
    write_file("b/cgroup/user/memory.stat", "anon 5\ninactive_file 50000\nactive_file 9\n");
    assert_int_equal(room_available("b/proc", "b/cgroup"), 150000); /* can be let go of */
    write_file("b/cgroup/memory.max", "70000\n");
    write_file("b/cgroup/memory.current", "90000\n");
    assert_int_equal(room_available("b/proc", "b/cgroup"), 0);
}

static void the_first_version_of_control_groups_counts_too(void **state) {
    (void)state;
    write_file("c/proc/meminfo", "MemAvailable: 1000 kB\n");
    write_file("c/proc/self/cgroup", "3:cpu,cpuacct:/x\n2:memory:/docker/1\n1:name=systemd:/y\n");
    write_file("c/cgroup/memory/docker/1/memory.limit_in_bytes", "600000\n");
    write_file("c/cgroup/memory/docker/1/memory.usage_in_bytes", "250000\n");
    assert_int_equal(room_available("c/proc", "c/cgroup"), 350000);
}

static void fits_leaves_a_fifth_free(void **state) {
    (void)state;
    assert_int_equal(model_memory_fit(800, 1000), MODEL_FITS);
    assert_int_equal(model_memory_fit(801, 1000), MODEL_TIGHT);
    assert_int_equal(model_memory_fit(1000, 1000), MODEL_TIGHT);
    assert_int_equal(model_memory_fit(1001, 1000), MODEL_TOO_BIG);
    assert_int_equal(model_memory_fit(1, 0), MODEL_TOO_BIG);
    assert_int_equal(model_memory_fit(800, -1), MODEL_FIT_UNKNOWN);
    assert_int_equal(model_memory_fit(0.0 / 0.0, 1000), MODEL_FIT_UNKNOWN);
}

static void a_cuda_devices_memory_is_known_once_libtorch_is_loaded_for_it(void **state) {
    (void)state;
    thaw_recipe r;
    run_view v;
    thaw_recipe_init(&r);
    run_view_init(&v);
    thaw_status status = thaw_recipe_set_text(&r, "device", "cuda");
    assert_string_equal(status.message, "");
    assert_true(model_memory_available(&r, &v) == -1);
    assert_true(model_memory_available(&r, NULL) == -1);
    thaw_event e = {.kind = THAW_EVENT_ENGINE,
                    .engine = {.ok = true, .device = (char *)"cuda:0", .memory = 5e9}};
    run_view_apply(&v, &e);
    assert_true(model_memory_available(&r, &v) == 5000000000);
    status = thaw_recipe_set_text(&r, "device", "cuda:1");
    assert_string_equal(status.message, "");
    assert_true(model_memory_available(&r, &v) == -1); /* not the one that was asked */
    status = thaw_recipe_set_text(&r, "device", "auto");
    assert_string_equal(status.message, "");
    model_memory_settle_device(&r, &v);
    assert_string_equal(r.device, "cuda:0");
    run_view_clear(&v);
    thaw_recipe_clear(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_what_the_formula_says),
        cmocka_unit_test(a_batch_twice_as_large_keeps_twice_as_much),
        cmocka_unit_test(a_mask_saves_what_is_not_trained),
        cmocka_unit_test(a_frozen_network_holds_one_stage_at_a_time),
        cmocka_unit_test(in_channels_last_a_norm_is_one_with_what_follows),
        cmocka_unit_test(optimizers_keep_what_they_need),
        cmocka_unit_test(bf16_keeps_half),
        cmocka_unit_test(a_mask_that_does_not_fit_counts_as_none),
        cmocka_unit_test(a_large_model_with_few_activations_is_largest_when_saved),
        cmocka_unit_test(what_is_frozen_is_not_copied_when_saved),
        cmocka_unit_test(on_a_device_images_and_saving_do_not_count),
        cmocka_unit_test(a_size_that_cannot_be_built_is_an_error),
        cmocka_unit_test(estimates_are_within_a_quarter_of_what_was_measured),
        cmocka_unit_test(a_machine_without_limits_has_what_it_says),
        cmocka_unit_test(the_tightest_limit_above_counts),
        cmocka_unit_test(the_first_version_of_control_groups_counts_too),
        cmocka_unit_test(fits_leaves_a_fifth_free),
        cmocka_unit_test(a_cuda_devices_memory_is_known_once_libtorch_is_loaded_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
