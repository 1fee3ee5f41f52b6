/*
 * loader_probe.c - how fast one thread of the loader makes training batches; for loader.py.
 *
 *   loader_probe FOLDER SECONDS exact|fast
 * prints images per second of processor time: read, decoded, cropped, resized to 224, flipped, normalised.
 * Nothing is kept in memory between epochs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/data/loader.h"

static double processor_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static long epoch_images(loader *l, int epoch) {
    long images = 0;
    batch *b;
    loader_start(l, epoch, 0);
    while ((b = loader_next(l))) {
        images += b->count;
        loader_release(l, b);
    }
    return images;
}

int main(int argc, char **argv) {
    thaw_dataset *dataset = NULL;
    loader *l = NULL;
    if (argc != 4) return 2;
    thaw_dataset_params p = thaw_dataset_default_params();
    p.path = argv[1];
    thaw_status status = thaw_dataset_open(&p, &dataset);
    if (!thaw_failed(&status)) {
        loader_params lp = loader_default_params(dataset, true);
        lp.workers = 1;
        lp.fast_decode = strcmp(argv[3], "fast") == 0;
        status = loader_new(&lp, &l);
    }
    if (thaw_failed(&status)) {
        fprintf(stderr, "loader_probe: %s\n", status.message);
        return 1;
    }
    long images = epoch_images(l, 0) ? 0 : 1; /* once, so that the files are in memory */
    double begin = processor_seconds(), wanted = strtod(argv[2], NULL);
    for (int epoch = 1; processor_seconds() - begin < wanted; epoch++)
        images += epoch_images(l, epoch);
    printf("%.2f\n", (double)images / (processor_seconds() - begin));
    loader_free(l);
    thaw_dataset_free(dataset);
    return 0;
}
