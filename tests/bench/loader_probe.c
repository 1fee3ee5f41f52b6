/*
 * loader_probe.c - how fast one thread of the loader makes training batches; for loader.py.
 *
 *   loader_probe FOLDER SECONDS exact|fast
 * prints images per second of processor time: read, decoded, cropped, resized to 224, flipped; and, as a step
 * does it with the batch, normalised, by libtorch with one thread. Nothing is kept in memory between epochs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/data/loader.h"
#include "engine/nn/pixel_scale.h"

enum { PIECE = 8 /* images; as model_forward takes them */ };

static void must(thaw_status status) {
    if (!thaw_failed(&status)) return;
    fprintf(stderr, "loader_probe: %s\n", status.message);
    exit(1);
}

static double processor_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

typedef struct work {
    loader *loader;
    torch *torch;
    pixel_scale scale;
} work;

static thaw_status normalise(work *w, const batch *b) {
    const int64_t side = loader_side(w->loader);
    tscope s;
    tscope_begin(&s, w->torch);
    shape size = SHAPE_4(b->count, PIXEL_CHANNELS, side, side);
    tensor *x = t_from_blob(&s, size, DTYPE_U8, b->pixels, FORMAT_CHANNELS_LAST);
    for (int i = 0; i < b->count; i += PIECE) {
        int end = i + PIECE < b->count ? i + PIECE : b->count;
        tensor *part = t_slice(&s, x, 0, i, end, 1);
        tensor_free(w->torch,
                    t_keep(&s, pixel_scale_apply(&w->scale, &s, part, FORMAT_CHANNELS_LAST, false)));
    }
    return tscope_end(&s);
}

static long epoch_images(work *w, int epoch) {
    loader *l = w->loader;
    long images = 0;
    batch *b;
    loader_start(l, epoch, 0);
    while ((b = loader_next(l))) {
        must(normalise(w, b));
        images += b->count;
        loader_release(l, b);
    }
    return images;
}

int main(int argc, char **argv) {
    thaw_dataset *dataset = NULL;
    work w = {0};
    if (argc != 4) return 2;
    thaw_dataset_params p = thaw_dataset_default_params();
    p.path = argv[1];
    must(thaw_dataset_open(&p, &dataset));
    loader_params lp = loader_default_params(dataset, true);
    lp.workers = 1;
    lp.fast_decode = strcmp(argv[3], "fast") == 0;
    must(loader_new(&lp, &w.loader));
    must(torch_open(&(torch_params){.threads = 1}, &w.torch));
    const device cpu = {.kind = DEVICE_CPU};
    must(pixel_scale_make(w.torch, cpu, true, lp.transform.mean, lp.transform.std, &w.scale));
    long images = epoch_images(&w, 0) ? 0 : 1; /* once, so that the files are in memory */
    double begin = processor_seconds(), wanted = strtod(argv[2], NULL);
    for (int epoch = 1; processor_seconds() - begin < wanted; epoch++)
        images += epoch_images(&w, epoch);
    printf("%.2f\n", (double)images / (processor_seconds() - begin));
    pixel_scale_free(&w.scale, w.torch);
    torch_close(w.torch);
    loader_free(w.loader);
    thaw_dataset_free(dataset);
    return 0;
}
