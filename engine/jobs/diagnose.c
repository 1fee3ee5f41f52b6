/*
 * diagnose.c - what `thaw doctor` says about the machine: one function a topic, in a table. A topic looks,
 * and adds a finding with what to type when something could be better; none of them can fail the whole.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/str.h"
#include "engine/base/thread.h"
#include "engine/net/curl.h"
#include "engine/torch/tensor.h"
#include "thaw/catalog.h"
#include "thaw/jobs.h"
#include "thaw/run.h"

enum { GOOD, POOR, WRONG, DEVICE_NAME_MAX = 128 };
static const double low_memory = 1u << 30,
                    low_disk = 1u << 30; /* bytes: a ResNet-50 run needs about as much */

typedef struct diagnosis {
    thaw_finding *finding;
    size_t count, capacity;
    torch *torch; /* NULL when it could not be loaded */
    thaw_status torch_status;
} diagnosis;

/* TEXT is taken over; ADVICE (or NULL) is copied. */
static void add(diagnosis *d, const char *topic, int level, char *text, const char *advice) {
    d->finding = vec_reserve(d->finding, &d->capacity, d->count + 1, sizeof *d->finding);
    d->finding[d->count++] =
        (thaw_finding){.topic = xstrdup(topic), .level = level, .text = text, .advice = xstrdup(advice)};
}

/* ---- libtorch ---- */

static void look_at_plugin(diagnosis *d) {
    char *path = NULL;
    thaw_status status = torch_plugin_path(&path);
    if (thaw_failed(&status))
        add(d, "plugin", WRONG, xstrdup(status.message), "make, after installing libtorch-dev");
    else
        add(d, "plugin", GOOD, xstrdup(path), NULL);
    free(path);
}

static void look_at_libtorch(diagnosis *d) {
    if (!d->torch) {
        add(d, "libtorch", WRONG, xstrdup(d->torch_status.message),
            "apt install libtorch-dev libopenblas0-openmp && make, or make LIBTORCH=DIR");
        return;
    }
    const torch_facts *facts = torch_about(d->torch);
    int cores = cpu_count();
    add(d, "libtorch", GOOD,
        xasprintf("%s, %d thread%s on %d core%s; %s", facts->version, facts->threads,
                  facts->threads == 1 ? "" : "s", cores, cores == 1 ? "" : "s", facts->library),
        NULL);
    if (!facts->onednn)
        add(d, "oneDNN", POOR, xstrdup("this libtorch was built without oneDNN: convolutions are slow"),
            "install another libtorch, and make LIBTORCH=DIR");
}

static void look_at_blas(diagnosis *d) {
    if (!d->torch) return;
    const torch_facts *facts = torch_about(d->torch);
    const char *core = getenv("OPENBLAS_CORETYPE");
    if (facts->slow_blas)
        add(d, "BLAS", POOR, xasprintf("%s: ten times slower than need be", facts->blas),
            "apt install libopenblas0-openmp");
    else
        add(d, "BLAS", GOOD,
            xasprintf("%s%s%s", facts->blas, core ? ", OPENBLAS_CORETYPE=" : "", core ? core : ""), NULL);
}

static void look_at_precision(diagnosis *d) {
    if (!d->torch) return;
    bool fast = torch_about(d->torch)->cpu_bf16;
    add(d, "bf16", GOOD,
        xstrdup(fast ? "fast on this processor: \"precision\": \"auto\" takes it"
                     : "not fast on this processor: \"precision\": \"auto\" takes fp32"),
        NULL);
}

/* ---- devices ---- */

static void add_device(diagnosis *d, device which, const char *topic) {
    char name[DEVICE_NAME_MAX], available[NUMBER_TEXT_MAX], total[NUMBER_TEXT_MAX];
    uint64_t free_bytes = 0, total_bytes = 0;
    thaw_status status = torch_device_describe(d->torch, which, name, sizeof name, &free_bytes, &total_bytes);
    if (thaw_failed(&status)) {
        add(d, topic, WRONG, xstrdup(status.message), "nvidia-smi");
        return;
    }
    bool low = (double)free_bytes < low_memory;
    add(d, topic, low ? POOR : GOOD,
        xasprintf("%s, %s of %s free", name, text_bytes((double)free_bytes, available),
                  text_bytes((double)total_bytes, total)),
        low ? "end other programs, or take a smaller batch_size" : NULL);
}

static void look_at_devices(diagnosis *d) {
    if (!d->torch) return;
    const torch_facts *facts = torch_about(d->torch);
    add_device(d, (device){.kind = DEVICE_CPU}, "processor");
    if (!facts->cuda_built)
        add(d, "CUDA", GOOD, xstrdup("not in this libtorch; training is on the processor"),
            path_exists("/proc/driver/nvidia") ? "pip install torch, then make: its libtorch can use the GPU"
                                               : NULL);
    else if (!facts->cuda_devices)
        add(d, "CUDA", POOR, xstrdup("this libtorch could use it, but no device or driver was found"),
            "nvidia-smi");
    for (int i = 0; i < facts->cuda_devices; i++) {
        char topic[DEVICE_TEXT_MAX];
        device cuda = {.kind = DEVICE_CUDA, .index = i};
        add_device(d, cuda, device_text(cuda, topic));
    }
}

/* ---- files ---- */

/* The nearest folder above PATH that exists; owned by the caller. */
static char *existing_part(const char *path) {
    char *part = xstrdup(path);
    for (char *slash; !path_exists(part) && (slash = strrchr(part, '/'));)
        part[slash == part ? 1 : slash - part] = '\0';
    return part;
}

static void look_at_runs(diagnosis *d) {
    char *runs = thaw_runs_default_folder(), *part = existing_part(runs), available[NUMBER_TEXT_MAX];
    struct statvfs disk;
    if (access(part, W_OK) < 0 || !path_is_directory(part)) {
        add(d, "runs", WRONG, xasprintf("%s cannot be written: %s", runs, strerror(errno)),
            "give a folder with --runs DIR, or set XDG_DATA_HOME");
    } else if (statvfs(part, &disk) == 0) {
        double bytes = (double)disk.f_bavail * (double)disk.f_frsize;
        add(d, "runs", bytes < low_disk ? POOR : GOOD,
            xasprintf("%s, %s free", runs, text_bytes(bytes, available)),
            bytes < low_disk ? "make room, or give another folder with --runs DIR" : NULL);
    }
    free(part);
    free(runs);
}

static void look_at_weights(diagnosis *d) {
    thaw_catalog *c;
    thaw_status status = thaw_catalog_open(&c);
    if (thaw_failed(&status)) {
        add(d, "catalog", WRONG, xstrdup(status.message), "make install again, or set THAW_HOME");
        return;
    }
    int here = 0, buildable = 0, count = thaw_catalog_count(c);
    char *folder = NULL;
    for (int i = 0; i < count; i++) {
        const thaw_weights_info *info = thaw_catalog_at(c, i);
        if (!info->buildable) continue;
        char *path = thaw_catalog_locate(info);
        buildable++;
        here += path != NULL;
        free(path);
        if (!folder && !info->bundled) folder = thaw_catalog_destination(info);
    }
    char *slash = folder ? strrchr(folder, '/') : NULL;
    if (slash) *slash = '\0';
    add(d, "weights", here ? GOOD : POOR,
        xasprintf("%d of %d pretrained files are here; others are looked for in %s", here, buildable,
                  folder ? folder : "no folder"),
        here ? NULL : "thaw get MODEL fetches one; thaw models lists them");
    free(folder);
    thaw_catalog_free(c);
}

static void look_at_downloads(diagnosis *d) {
    const curl_library *curl;
    thaw_status status = curl_open(&curl);
    if (thaw_failed(&status))
        add(d, "downloads", POOR, xstrdup(status.message), "thaw get needs it; nothing else does");
    else
        add(d, "downloads", GOOD, xstrdup(curl->version()), NULL);
}

/* ---- all ---- */

static void (*const topics[])(diagnosis *d) = {
    look_at_libtorch, look_at_plugin, look_at_blas,    look_at_precision,
    look_at_devices,  look_at_runs,   look_at_weights, look_at_downloads,
};

thaw_status thaw_diagnose(thaw_finding **out, size_t *count) {
    diagnosis d = {0};
    torch_params params = {0};
    d.torch_status = torch_open(&params, &d.torch);
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++)
        topics[i](&d);
    torch_close(d.torch);
    *out = d.finding;
    *count = d.count;
    return thaw_ok();
}

void thaw_findings_free(thaw_finding *f, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(f[i].topic);
        free(f[i].text);
        free(f[i].advice);
    }
    free(f);
}
