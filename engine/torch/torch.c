/*
 * torch.c - opening libtorch, what there is to know about it, its devices and its modes.
 *
 * OPENBLAS_CORETYPE and GOMP_SPINCOUNT are set right before, because OpenBLAS and OpenMP read them in their
 * constructors. setenv() is not safe against a getenv() in another thread; it is called once, before anything
 * else runs, and the UI reads its variables before it starts the engine.
 */
#include "engine/torch/torch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/room.h"
#include "engine/base/thread.h"
#include "engine/torch/pool.h"
#include "engine/torch/resident.h"

/*
 * By default OpenMP's threads spin for milliseconds at the end of every loop, waiting for their peers. On a
 * machine that is busy with anything else a peer may not have a core, and then one step was measured to take
 * 15 s instead of 0.4. So many turns are some tens of microseconds: enough to bridge two operations.
 */
#define OPENMP_SPINS "20000"

static void set_environment(const cpu_facts *cpu) {
    const char *core = cpu_openblas_core(cpu);
    if (core) setenv("OPENBLAS_CORETYPE", core, 0);
    if (!getenv("OMP_WAIT_POLICY")) setenv("GOMP_SPINCOUNT", OPENMP_SPINS, 0);
}

/* ---- facts ---- */

static thaw_status gather_facts(torch *t, void *handle, int threads) {
    plugin_facts says;
    thaw_status status = thaw_ok();
    t->facts.threads = t->api->set_threads(&status, threads);
    THAW_TRY(status);
    t->api->set_memory(&status, pool_take, pool_give);
    THAW_TRY(status);
    t->api->describe(&status, &says);
    THAW_TRY(status);
    snprintf(t->facts.version, sizeof t->facts.version, "%s", says.version);
    t->facts.major = (int)strtol(says.version, NULL, 10);
    snprintf(t->facts.library, sizeof t->facts.library, "%s", says.library);
    t->facts.cuda_devices = says.cuda_devices;
    t->facts.cuda_built = says.cuda_built;
    t->facts.onednn = says.onednn;
    t->norm_fuses = says.openmp;
    t->facts.winograd = says.winograd;
    t->facts.cpu_avx512 = t->cpu.avx512;
    t->facts.cpu_bf16 = says.onednn && cpu_fast_bf16(&t->cpu);
    plugin_find_blas(handle, &says, &t->facts);
    return thaw_ok();
}

thaw_status torch_open(const torch_params *params, torch **out) {
    *out = NULL;
    torch *t = xcalloc(1, sizeof *t);
    t->cpu = cpu_detect();
    set_environment(&t->cpu);

    char *path = NULL;
    void *handle = NULL;
    thaw_status status;
    size_t libraries = resident_libraries();
    THAW_TRY_GOTO(status, out, plugin_locate(params->plugin_path, &path));
    THAW_TRY_GOTO(status, out, plugin_load(path, &handle, &t->api));
    resident_let_go(libraries);
    THAW_TRY_GOTO(status, out, gather_facts(t, handle, params->threads > 0 ? params->threads : cpu_count()));
    *out = t;
    t = NULL;
out:
    free(path);
    free(t);
    return status;
}

void torch_close(torch *t) {
    free(t);
    torch_trim();
}

void torch_expect_steps(void) {
    pool_expect_reuse();
}

void torch_let_go(void) {
    pool_let_go();
}

void torch_trim(void) {
    pool_trim();
}

const torch_facts *torch_about(const torch *t) {
    return &t->facts;
}

int64_t torch_live_tensors(const torch *t) {
    return t->api->live();
}

bool torch_conv2d_fuses(torch *t, dtype type) {
    if (!t->fuses_tried[type] && t->facts.onednn) {
        thaw_status ignored = thaw_ok(); /* a failure is an answer */
        t->fuses[type] = t->api->conv2d_fuses(&ignored, type);
        t->fuses_tried[type] = true;
    }
    return t->facts.onednn && t->fuses[type];
}

bool torch_batch_norm_fuses(const torch *t, device d) {
    return d.kind == DEVICE_CPU && t->norm_fuses;
}

/* ---- devices ---- */

thaw_status torch_device_describe(torch *t, device d, char *name, size_t name_size, uint64_t *free_bytes,
                                  uint64_t *total_bytes) {
    thaw_status status = thaw_ok();
    if (d.kind == DEVICE_CUDA) {
        t->api->describe_device(&status, d, name, name_size, free_bytes, total_bytes);
        return status;
    }
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    snprintf(name, name_size, "%s", t->cpu.name[0] ? t->cpu.name : "CPU");
    int64_t room = room_available("/proc", "/sys/fs/cgroup"); /* a container's limit counts */
    *free_bytes = room < 0 ? page * (uint64_t)sysconf(_SC_AVPHYS_PAGES) : (uint64_t)room;
    *total_bytes = page * (uint64_t)sysconf(_SC_PHYS_PAGES);
    return thaw_ok();
}

thaw_status torch_parse_device(const torch *t, const char *text, device *out) {
    const int count = t->facts.cuda_devices;
    *out = (device){DEVICE_CPU, 0};
    if (!strcmp(text, "cpu")) return thaw_ok();
    if (!strcmp(text, "auto")) {
        if (count) out->kind = DEVICE_CUDA;
        return thaw_ok();
    }
    bool cuda = !strncmp(text, "cuda", 4), indexed = cuda && text[4] == ':';
    char *end = NULL;
    long index = indexed && text[5] >= '0' && text[5] <= '9' ? strtol(text + 5, &end, 10) : 0;
    if (!cuda || (indexed ? !end || *end : text[4] != '\0'))
        return thaw_error(THAW_ERR_USAGE, "there is no device \"%s\"; it is cpu, cuda, cuda:N or auto", text);
    if (!t->facts.cuda_built)
        return thaw_error(THAW_ERR_UNSUPPORTED,
                          "device %s: libtorch %s has no CUDA in it; use cpu, or a CUDA build (make "
                          "LIBTORCH=DIR)",
                          text, t->facts.version);
    if (!count)
        return thaw_error(THAW_ERR_NOT_FOUND, "device %s: no CUDA device or driver was found; use cpu", text);
    if (index >= count)
        return thaw_error(THAW_ERR_NOT_FOUND, "device %s: there %s %d, the last is cuda:%d", text,
                          count == 1 ? "is only" : "are only", count, count - 1);
    *out = (device){DEVICE_CUDA, (int)index};
    return thaw_ok();
}

const char *device_text(device d, char buffer[DEVICE_TEXT_MAX]) {
    if (d.kind == DEVICE_CPU)
        snprintf(buffer, DEVICE_TEXT_MAX, "cpu");
    else if (d.index == 0)
        snprintf(buffer, DEVICE_TEXT_MAX, "cuda");
    else
        snprintf(buffer, DEVICE_TEXT_MAX, "cuda:%d", d.index);
    return buffer;
}

thaw_status torch_synchronize(torch *t, device d) {
    thaw_status status = thaw_ok();
    t->api->synchronize(&status, d);
    return status;
}

/* ---- CUDA graphs ---- */

bool torch_graphs(torch *t, device d) {
    thaw_status status = thaw_ok();
    return d.kind == DEVICE_CUDA && t->api->graphs(&status, d);
}

thaw_status torch_graph_begin(torch *t, device d, cuda_graph **out) {
    thaw_status status = thaw_ok();
    *out = t->api->graph_begin(&status, d);
    return status;
}

thaw_status torch_graph_end(torch *t, cuda_graph *g) {
    thaw_status status = thaw_ok();
    t->api->graph_end(&status, g);
    return status;
}

thaw_status torch_graph_launch(torch *t, cuda_graph *g) {
    thaw_status status = thaw_ok();
    t->api->graph_launch(&status, g);
    return status;
}

void torch_graph_free(torch *t, cuda_graph *g) {
    thaw_status ignored = thaw_ok();
    if (g) t->api->graph_free(&ignored, g);
}

/* ---- the thread's modes ---- */

bool torch_grad_mode(torch *t, bool on) {
    thaw_status ignored = thaw_ok(); /* cannot fail: it sets a thread-local flag */
    return t->api->grad_mode(&ignored, on);
}

thaw_status torch_autocast(torch *t, device d, bool on, dtype type) {
    thaw_status status = thaw_ok();
    t->api->autocast(&status, d, on, type);
    if (!thaw_failed(&status)) t->autocasting = on;
    t->autocast_type = type;
    return status;
}

bool torch_autocasting(const torch *t) {
    return t->autocasting;
}

dtype torch_computes_in(const torch *t, dtype type) {
    return t->autocasting ? t->autocast_type : type;
}
