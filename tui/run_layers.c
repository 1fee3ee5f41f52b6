/*
 * run_layers.c - see run_layers.h.
 */
#include "tui/run_layers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

void run_layers_clear(run_layers *l) {
    for (size_t i = 0; i < l->count; i++)
        free(l->item[i].path);
    free(l->item);
    *l = (run_layers){.generation = l->generation + 1};
}

/* ---- the strip's buckets ---- */

static float larger(float a, float b) {
    return isnan(a) || b > a ? b : a;
}

static void halve(run_layers *l) {
    for (int i = 0; i < RUN_HEAT_MAX / 2; i++) {
        l->first[i] = l->first[2 * i];
        for (size_t k = 0; k < l->count; k++) {
            float *heat = l->item[k].heat;
            heat[i] = larger(heat[2 * i], heat[2 * i + 1]);
        }
    }
    l->buckets = RUN_HEAT_MAX / 2;
    l->width *= 2;
}

/* A measurement at STEPS: the last bucket takes it, or a new one. */
static void advance(run_layers *l, int64_t steps) {
    if (l->buckets && l->filled < l->width) {
        l->filled++;
        return;
    }
    if (!l->width) l->width = 1;
    if (l->buckets == RUN_HEAT_MAX) halve(l);
    for (size_t k = 0; k < l->count; k++)
        l->item[k].heat[l->buckets] = NAN;
    l->first[l->buckets++] = steps;
    l->filled = 1;
}

void run_layers_cut(run_layers *l, int64_t steps) {
    while (l->buckets && l->first[l->buckets - 1] > steps) {
        l->buckets--;
        l->filled = l->width;
    }
}

bool run_layers_column(const run_layers *l, int column, int columns, int *first, int *last) {
    if (columns <= 0 || !l->buckets) return false;
    int each = (l->buckets + columns - 1) / columns, used = (l->buckets + each - 1) / each;
    int group = column - (columns - used);
    *first = group * each;
    *last = *first + each - 1 < l->buckets ? *first + each - 1 : l->buckets - 1;
    return group >= 0;
}

double run_layer_heat(const run_layer *l, int first, int last) {
    float most = NAN;
    for (int i = first; i <= last; i++)
        most = larger(most, l->heat[i]);
    return most;
}

/* ---- the layers ---- */

/* Layers come in the same order each time, so HINT is nearly always right. */
static run_layer *slot(run_layers *l, const char *path, size_t hint) {
    if (hint < l->count && !strcmp(l->item[hint].path, path)) return &l->item[hint];
    for (size_t i = 0; i < l->count; i++)
        if (!strcmp(l->item[i].path, path)) return &l->item[i];
    if (l->count == RUN_LAYERS_MAX) return NULL;
    l->item = vec_reserve(l->item, &l->capacity, l->count + 1, sizeof *l->item);
    run_layer *fresh = &l->item[l->count++];
    *fresh = (run_layer){.path = xstrdup(path)};
    for (int i = 0; i < RUN_HEAT_MAX; i++)
        fresh->heat[i] = NAN;
    l->generation++;
    return fresh;
}

void run_layers_take(run_layers *l, const thaw_event *e) {
    advance(l, e->steps);
    for (size_t i = 0; i < e->layers.count; i++) {
        const thaw_layer_stat *stat = &e->layers.item[i];
        run_layer *layer = stat->path ? slot(l, stat->path, i) : NULL;
        if (!layer) continue;
        layer->update_ratio = stat->update_ratio;
        layer->grad_ratio = stat->grad_ratio;
        layer->drift = stat->drift;
        layer->norm_drift = stat->norm_drift;
        float *now = &layer->heat[l->buckets - 1];
        *now = larger(*now, (float)stat->update_ratio);
    }
}

const run_layer *run_layers_find(const run_layers *l, const char *path) {
    for (size_t i = 0; i < l->count; i++)
        if (!strcmp(l->item[i].path, path)) return &l->item[i];
    return NULL;
}
