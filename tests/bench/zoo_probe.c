/*
 * zoo_probe.c - the C side of zoo.py: what it takes to read a file, to build and load a model, and to
 * classify.
 *
 *   zoo_probe read FILE            seconds of reading FILE once, into memory of its own
 *   zoo_probe load ARCH FILE       seconds of building and loading; megabytes resident before, at most, and
 * of these not mapped from the file zoo_probe forward ARCH FILE COUNT SIDE THREADS then for each line of
 * standard input: seconds of classifying COUNT images
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/clock.h"
#include "engine/nn/freeze.h"
#include "engine/train/learner.h"
#include "engine/weights/weights.h"

static void must(thaw_status status) {
    if (!thaw_failed(&status)) return;
    fprintf(stderr, "zoo_probe: %s\n", status.message);
    exit(1);
}

static void say(double value) {
    printf("%.9g\n", value);
    fflush(stdout);
}

static void read_file(const char *path) {
    struct stat about;
    double began = clock_seconds();
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &about)) exit(1);
    size_t size = (size_t)about.st_size, done = 0;
    char *bytes = xmalloc(size);
    for (ssize_t got; done < size && (got = read(fd, bytes + done, size - done)) > 0;)
        done += (size_t)got;
    double seconds = clock_seconds() - began;
    close(fd);
    free(bytes);
    if (done < size) exit(1);
    say(seconds);
}

/* A line of /proc/self/status, in megabytes. */
static double resident(const char *name) {
    char line[256];
    double kilobytes = 0;
    FILE *status = fopen("/proc/self/status", "re");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, name, strlen(name)) == 0) kilobytes = strtod(line + strlen(name) + 1, NULL);
    if (status) fclose(status);
    return kilobytes / 1024;
}

/* As `thaw eval` does it. */
static model *load(torch *t, const char *arch, const char *path, int side) {
    model *m;
    weights_file *f;
    must(weights_open(path, &f));
    must(model_build(arch, 0, side, side, &m));
    freeze_layer(m->root, THAW_FROZEN);
    model_place(m, t, (device){DEVICE_CPU, 0}, true);
    must(weights_load(f, m, WEIGHTS_HEAD_STRICT, NULL));
    must(model_fill(m, 0));
    weights_close(f);
    return m;
}

static void time_load(const char *arch, const char *path) {
    torch *t;
    must(torch_open(&(torch_params){0}, &t));
    double before = resident("VmRSS"), began = clock_seconds();
    model *m = load(t, arch, path, 0);
    say(clock_seconds() - began);
    say(before);
    say(resident("VmHWM"));
    say(resident("RssAnon"));
    model_free(m);
    torch_close(t);
}

static void time_forward(const char *arch, const char *path, int count, int side, int threads) {
    torch *t;
    char line[16];
    must(torch_open(&(torch_params){.threads = threads}, &t));
    learner l = {.model = load(t, arch, path, side)};
    size_t values = (size_t)count * (size_t)side * (size_t)side * 3;
    float *pixels = xcalloc(values, sizeof *pixels);
    rng r = rng_keyed(1, RNG_TEST, 0, 0);
    for (size_t i = 0; i < values; i++)
        pixels[i] = (float)rng_range(&r, -1, 1);
    const image_batch batch = {.count = count, .height = side, .width = side, .numbers = pixels};
    while (fgets(line, sizeof line, stdin)) {
        double began = clock_seconds();
        must(learner_infer(&l, &batch));
        say(clock_seconds() - began);
    }
    free(pixels);
    model *m = l.model;
    learner_clear(&l);
    model_free(m);
    torch_close(t);
}

static int number(const char *text) {
    return (int)strtol(text, NULL, 10);
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "read") == 0)
        read_file(argv[2]);
    else if (argc == 4 && strcmp(argv[1], "load") == 0)
        time_load(argv[2], argv[3]);
    else if (argc == 7 && strcmp(argv[1], "forward") == 0)
        time_forward(argv[2], argv[3], number(argv[4]), number(argv[5]), number(argv[6]));
    else
        return 2;
    return 0;
}
