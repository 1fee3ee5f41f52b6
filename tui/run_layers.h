/*
 * run_layers.h - what a run says of each layer: its newest figures, and its update ratio over the run.
 *
 * Included by run_view.h. The heat strip's buckets are the same for all layers: each takes `width`
 * measurements, and when there are too many the width doubles, so that a strip spans the whole run whatever
 * its length.
 */
#ifndef TUI_RUN_LAYERS_H
#define TUI_RUN_LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thaw/event.h"

enum { RUN_LAYERS_MAX = 4096, RUN_HEAT_MAX = 64 };

typedef struct run_layer {
    char *path;
    double update_ratio, grad_ratio, drift, norm_drift; /* the newest; NaN: not known */
    float
        heat[RUN_HEAT_MAX]; /* the largest update ratio of each bucket; NaN: it was frozen, or not measured */
} run_layer;

typedef struct run_layers {
    run_layer *item; /* in the order first seen */
    size_t count, capacity;
    unsigned generation;         /* differs when items were added or begun anew */
    int buckets;                 /* of the heat strip, oldest first; the last one may still be filling */
    int width, filled;           /* measurements a bucket takes, and the last one has */
    int64_t first[RUN_HEAT_MAX]; /* step of the first measurement in each */
} run_layers;

void run_layers_clear(run_layers *l);
void run_layers_take(run_layers *l, const thaw_event *e); /* a LAYERS event */
/* Forget buckets that began after STEPS. */
void run_layers_cut(run_layers *l, int64_t steps);
const run_layer *run_layers_find(const run_layers *l, const char *path); /* or NULL */

/* Which buckets column COLUMN of a strip of COLUMNS shows, the newest at the right: FIRST..LAST; false: none
 * yet. */
bool run_layers_column(const run_layers *l, int column, int columns, int *first, int *last);
/* The largest ratio L has in those buckets; NaN: none. */
double run_layer_heat(const run_layer *l, int first, int last);

#endif
