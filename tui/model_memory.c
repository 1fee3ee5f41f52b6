/*
 * model_memory.c - see model_memory.h.
 */
#include "tui/model_memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/alloc.h"

model_fit model_memory_fit(double total, int64_t available) {
    static const double comfortable = 0.8; /* the estimate itself is no better than that */
    if (!(total > 0) || available < 0) return MODEL_FIT_UNKNOWN;
    if (total <= comfortable * (double)available) return MODEL_FITS;
    return total <= (double)available ? MODEL_TIGHT : MODEL_TOO_BIG;
}

int64_t model_memory_available(const thaw_recipe *r, const run_view *live) {
    if (!thaw_memory_on_device(r)) return thaw_memory_available();
    /* "cuda" is the one that libtorch takes by itself; another one's memory was not asked for. */
    bool same = live && live->device && (!strcmp(r->device, live->device) || !strcmp(r->device, "cuda"));
    bool known = same && !strncmp(live->device, "cuda", strlen("cuda")) && live->device_memory > 0;
    return known ? (int64_t)live->device_memory : -1;
}

double model_memory_resident(void) {
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file) return NAN;
    long all = 0, resident = 0;
    int found = fscanf(file, "%ld %ld", &all, &resident);
    fclose(file);
    return found == 2 ? (double)resident * (double)sysconf(_SC_PAGESIZE) : NAN;
}

void model_memory_settle_device(thaw_recipe *r, const run_view *live) {
    bool on_cuda = live->engine_ok && live->device && !strncmp(live->device, "cuda", strlen("cuda"));
    if (!on_cuda || strcmp(r->device, "auto")) return;
    free(r->device);
    r->device = xstrdup(live->device);
}
