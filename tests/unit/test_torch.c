/*
 * test_torch.c - loading libtorch, what goes wrong with that, and devices.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/torch/plugin.h"
#include "engine/torch/resident.h"
#include "tests/unit/support_torch.h"

/* torch_open with PATH must fail with THAW_ERR_NO_TORCH and say TEXT and MORE. */
static void expect_no_torch(const char *path, const char *text, const char *more) {
    torch *t = (torch *)&t; /* must be overwritten */
    thaw_status status = torch_open(&(torch_params){.plugin_path = path}, &t);
    assert_null(t);
    assert_int_equal(status.code, THAW_ERR_NO_TORCH);
    if (!strstr(status.message, text) || !strstr(status.message, more))
        fail_msg("\"%s\" lacks \"%s\" or \"%s\"", status.message, text, more);
}

static void write_file(const char *path, const void *bytes, size_t count) {
    thaw_status status = file_replace(path, bytes, count);
    if (thaw_failed(&status)) fail_msg("%s", status.message);
}

/* The real plugin's bytes, found the way the program finds it; skips where there is none. */
static char *plugin_bytes(size_t *size) {
    support_torch();
    char *map, *line, *path = NULL, *bytes;
    size_t map_size = 0, capacity = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    map = NULL;
    while (getline(&map, &capacity, maps) > 0)
        if (strstr(map, "/libthaw_torch.so") && (line = strchr(map, '/'))) {
            line[strcspn(line, "\n")] = '\0';
            path = xstrdup(line);
            break;
        }
    fclose(maps);
    free(map);
    assert_non_null(path);
    thaw_status status = file_read(path, 1 << 30, &bytes, &map_size);
    if (thaw_failed(&status)) fail_msg("%s", status.message);
    free(path);
    *size = map_size;
    return bytes;
}

/* ---- loading ---- */

static void a_missing_plugin_says_what_to_install(void **state) {
    (void)state;
    expect_no_torch("/nonexistent/libthaw_torch.so", "/nonexistent/libthaw_torch.so",
                    "apt-get install libtorch-dev libopenblas0-openmp");
    expect_no_torch("not_here.so", "not_here.so", "make LIBTORCH=DIR");
    setenv("THAW_TORCH_PLUGIN", "/nonexistent", 1);
    expect_no_torch(NULL, "/nonexistent", "apt-get install");
    unsetenv("THAW_TORCH_PLUGIN");
}

static void a_file_that_is_no_library_is_refused_with_the_reason(void **state) {
    (void)state;
    write_file("garbage.so", "this is not a library", 21);
    expect_no_torch("garbage.so", "garbage.so is incomplete", "install libtorch");
    char zeros[4096] = {0};
    write_file("zeros.so", zeros, sizeof zeros);
    expect_no_torch("zeros.so", "zeros.so: invalid ELF header", "install");
    write_file("empty.so", "", 0);
    expect_no_torch("./empty.so", "empty.so is incomplete", "install");
    expect_no_torch("/", "/ is a folder", "install");
}

static void a_truncated_plugin_is_refused(void **state) {
    (void)state;
    size_t size;
    char *bytes = plugin_bytes(&size);
    for (size_t part = 1; part <= 100; part += 9) {
        write_file("truncated.so", bytes, size * part / 100 - 1);
        expect_no_torch("truncated.so", "truncated.so is incomplete", "install libtorch");
    }
    free(bytes);
}

static void another_library_is_not_a_plugin(void **state) {
    (void)state;
    Dl_info where;
    double (*function)(double) = cos;
    void *address;
    memcpy(&address, &function, sizeof address);
    assert_true(dladdr(address, &where));
    expect_no_torch(where.dli_fname, "is not a plugin of thaw", "run make");
}

/* Replace the first occurrence of FROM in the plugin by TO, and load that. */
static void expect_patched_plugin_refused(const void *from, const void *to, size_t count) {
    size_t size;
    char *bytes = plugin_bytes(&size);
    char *place = memmem(bytes, size, from, count);
    assert_non_null(place);
    memcpy(place, to, count);
    write_file("patched.so", bytes, size);
    free(bytes);
    expect_no_torch("patched.so", "was built for another version of thaw", "run make");
    unlink("patched.so");
}

static void a_plugin_of_another_version_is_refused(void **state) {
    (void)state;
    const uint32_t ours[2] = {TORCH_API_VERSION, sizeof(torch_api)};
    const uint32_t newer[2] = {TORCH_API_VERSION + 1, sizeof(torch_api)};
    const uint32_t longer[2] = {TORCH_API_VERSION, sizeof(torch_api) + sizeof(void *)};
    expect_patched_plugin_refused(ours, newer, sizeof ours);
    expect_patched_plugin_refused(ours, longer, sizeof ours);
}

static void a_plugin_with_other_operations_is_refused(void **state) {
    (void)state;
    static const char ours[] = "add_(tensor *x, tensor *y, double alpha)";
    static const char other[] = "add_(tensor *x, tensor *z, double alpha)";
    expect_patched_plugin_refused(ours, other, sizeof ours - 1);
}

static void opening_again_gives_the_same_library(void **state) {
    (void)state;
    torch *first = support_torch(), *second;
    thaw_status status = torch_open(&(torch_params){.threads = 2}, &second);
    assert_false(thaw_failed(&status));
    tscope a, b;
    tscope_begin(&a, first);
    tscope_begin(&b, second);
    int64_t live = torch_live_tensors(first);
    t_full(&b, SHAPE_1(1), 0, DTYPE_F32, (device){DEVICE_CPU, 0});
    assert_int_equal(torch_live_tensors(first), live + 1);
    support_end(&b);
    support_end(&a);
    torch_close(second);
    torch_close(NULL);
}

/* ---- facts and devices ---- */

static void the_facts_are_those_of_the_loaded_library(void **state) {
    (void)state;
    const torch_facts *facts = torch_about(support_torch());
    int major = 0, minor = 0;
    assert_int_equal(sscanf(facts->version, "%d.%d", &major, &minor), 2);
    assert_true(major > 1 || minor >= 13);
    assert_int_equal(facts->major, major);
    assert_non_null(strstr(facts->library, "libtorch_cpu"));
    assert_true(path_exists(facts->library));
    assert_int_equal(facts->threads, 2);
    assert_true(facts->blas[0]);
    assert_int_equal(facts->slow_blas, strncmp(facts->blas, "reference", 9) == 0);
    assert_true(facts->cuda_built || facts->cuda_devices == 0);
}

typedef struct code {
    const char *library;
    const unsigned char *begin; /* of its largest segment that is only read */
    size_t size;
} code;

static int find_code(struct dl_phdr_info *library, size_t size, void *user) {
    code *c = user;
    (void)size;
    if (strcmp(library->dlpi_name, c->library) != 0) return 0;
    for (int i = 0; i < library->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &library->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || segment->p_flags & PF_W || segment->p_memsz <= c->size) continue;
        c->begin = (const unsigned char *)(library->dlpi_addr + segment->p_vaddr);
        c->size = segment->p_memsz;
    }
    return 1;
}

/* Bytes of files in memory, as this process has them mapped. */
static size_t mapped_bytes(void) {
    long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    assert_non_null(statm);
    assert_int_equal(fscanf(statm, "%*d %*d %ld", &pages), 1);
    fclose(statm);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

static unsigned sum_of(const code *c, size_t bytes) {
    unsigned sum = 0;
    for (size_t i = 0; i < bytes; i += 512)
        sum = sum * 31 + ((const volatile unsigned char *)c->begin)[i];
    return sum;
}

/* Nothing changes but what is counted: code, constants and what the library keeps are as they were. */
static void pages_that_loading_needed_are_let_go(void **state) {
    (void)state;
    const size_t most = (size_t)32 << 20;
    code c = {.library = torch_about(support_torch())->library};
    if (!dl_iterate_phdr(find_code, &c) || !c.begin) skip();
    size_t bytes = c.size < most ? c.size : most;
    unsigned sum = sum_of(&c, bytes);
    size_t before = mapped_bytes();
    assert_true(before >= bytes);
    resident_let_go(resident_libraries());
    assert_true(mapped_bytes() + bytes / 8 > before); /* of none of them */
    resident_let_go(0);
    assert_true(mapped_bytes() + bytes * 3 / 4 < before);
    assert_int_equal(sum_of(&c, bytes), sum);
    tscope s;
    tscope_begin(&s, support_torch());
    tensor *two = t_full(&s, SHAPE_1(3), 2, DTYPE_F32, (device){.kind = DEVICE_CPU});
    assert_true(t_norm(&s, t_mul(&s, two, two)) > 6.9);
    thaw_status status = tscope_end(&s);
    assert_string_equal(status.message, "");
}

static void the_cpu_has_a_name_and_memory(void **state) {
    (void)state;
    char name[64];
    uint64_t free_bytes, total_bytes;
    thaw_status status = torch_device_describe(support_torch(), (device){DEVICE_CPU, 0}, name, sizeof name,
                                               &free_bytes, &total_bytes);
    assert_false(thaw_failed(&status));
    assert_true(name[0]);
    assert_true(free_bytes > 0 && free_bytes < total_bytes);
    status = torch_synchronize(support_torch(), (device){DEVICE_CPU, 0});
    assert_false(thaw_failed(&status));
}

static void devices_are_parsed_and_written_alike(void **state) {
    (void)state;
    torch *t = support_torch();
    char text[DEVICE_TEXT_MAX];
    device d = {DEVICE_CUDA, 7};
    thaw_status status = torch_parse_device(t, "cpu", &d);
    assert_false(thaw_failed(&status));
    assert_int_equal(d.kind, DEVICE_CPU);
    assert_string_equal(device_text(d, text), "cpu");
    assert_string_equal(device_text((device){DEVICE_CUDA, 0}, text), "cuda");
    assert_string_equal(device_text((device){DEVICE_CUDA, 3}, text), "cuda:3");
    assert_string_equal(device_text((device){DEVICE_CUDA, INT32_MIN}, text), "cuda:-2147483648");
    status = torch_parse_device(t, "auto", &d);
    assert_false(thaw_failed(&status));
    assert_int_equal(d.kind, torch_about(t)->cuda_devices ? DEVICE_CUDA : DEVICE_CPU);
}

static void nonsense_devices_are_refused_by_name(void **state) {
    (void)state;
    static const char *const text[] = {"",        "gpu",     "cpu:0", "cuda:", "cuda:x",
                                       "cuda:-1", "cuda:1x", "cuda1", "CUDA",  "cuda: 1"};
    for (size_t i = 0; i < sizeof text / sizeof text[0]; i++) {
        device d;
        thaw_status status = torch_parse_device(support_torch(), text[i], &d);
        assert_int_equal(status.code, THAW_ERR_USAGE);
        assert_non_null(strstr(status.message, text[i]));
    }
}

static void an_absent_device_is_refused_with_what_there_is(void **state) {
    (void)state;
    static const char *const text[] = {"cuda:99", "cuda:2147483648", "cuda:99999999999999999999"};
    for (size_t i = 0; i < sizeof text / sizeof text[0]; i++) {
        device d;
        thaw_status status = torch_parse_device(support_torch(), text[i], &d);
        assert_int_equal(status.code, torch_about(support_torch())->cuda_built ? THAW_ERR_NOT_FOUND
                                                                               : THAW_ERR_UNSUPPORTED);
        assert_non_null(strstr(status.message, text[i]));
    }
}

static void a_tensor_on_an_absent_device_is_an_error(void **state) {
    (void)state;
    if (torch_about(support_torch())->cuda_devices) skip();
    tscope s = support_begin();
    assert_null(t_full(&s, SHAPE_1(1), 0, DTYPE_F32, (device){DEVICE_CUDA, 0}));
    support_fails(&s, THAW_ERR_TORCH, "full: ");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_plugin_says_what_to_install),
        cmocka_unit_test(a_file_that_is_no_library_is_refused_with_the_reason),
        cmocka_unit_test(a_truncated_plugin_is_refused),
        cmocka_unit_test(another_library_is_not_a_plugin),
        cmocka_unit_test(a_plugin_of_another_version_is_refused),
        cmocka_unit_test(a_plugin_with_other_operations_is_refused),
        cmocka_unit_test(opening_again_gives_the_same_library),
        cmocka_unit_test(the_facts_are_those_of_the_loaded_library),
        cmocka_unit_test(pages_that_loading_needed_are_let_go),
        cmocka_unit_test(the_cpu_has_a_name_and_memory),
        cmocka_unit_test(devices_are_parsed_and_written_alike),
        cmocka_unit_test(nonsense_devices_are_refused_by_name),
        cmocka_unit_test(an_absent_device_is_refused_with_what_there_is),
        cmocka_unit_test(a_tensor_on_an_absent_device_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
