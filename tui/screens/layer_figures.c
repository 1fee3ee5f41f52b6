/*
 * layer_figures.c - see layer_figures.h.
 */
#include "tui/screens/layer_figures.h"

#include <math.h>
#include <stdlib.h>

#include "engine/base/alloc.h"

void layer_figures_clear(layer_figures *f) {
    free(f->item);
    *f = (layer_figures){0};
}

void layer_figures_sync(layer_figures *f, const thaw_layers *layers, unsigned revision,
                        const run_layers *run) {
    int nodes = thaw_layers_count(layers);
    if (f->item && f->nodes == nodes && f->revision == revision && f->generation == run->generation) return;
    f->item = xreallocarray(f->item, (size_t)nodes + 1, sizeof *f->item);
    f->nodes = nodes;
    f->revision = revision;
    f->generation = run->generation;
    for (int i = 0; i < nodes; i++) {
        const run_layer *l = run_layers_find(run, thaw_layers_at(layers, i)->path);
        f->item[i] = l ? (int)(l - run->item) : -1;
    }
}

/* ---- figures ---- */

static void take_larger(double *most, double value) {
    if (isfinite(value) && !(*most >= value)) *most = value;
}

layer_figure layer_figures_at(const layer_figures *f, const thaw_layers *layers, const run_layers *run,
                              int node) {
    layer_figure most = {NAN, NAN, NAN, NAN};
    for (int i = node; i < thaw_layers_at(layers, node)->end && i < f->nodes; i++) {
        if (f->item[i] < 0) continue;
        const run_layer *l = &run->item[f->item[i]];
        take_larger(&most.update_ratio, l->update_ratio);
        take_larger(&most.grad_ratio, l->grad_ratio);
        take_larger(&most.drift, l->drift);
        take_larger(&most.norm_drift, l->norm_drift);
    }
    return most;
}

/* ---- heat ---- */

int layer_heat_level(double ratio) {
    const double coldest = -5, levels_a_decade = 2;
    if (!isfinite(ratio)) return -1;
    double level = ratio > 0 ? floor((log10(ratio) - coldest) * levels_a_decade) : 0;
    return level < 0 ? 0 : level >= LAYER_HEAT_LEVELS ? LAYER_HEAT_LEVELS - 1 : (int)level;
}

const char *layer_heat_glyph(int level, bool ascii) {
    static const char *const glyph[2][LAYER_HEAT_LEVELS] = {{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"},
                                                            {"_", ".", ":", "-", "=", "+", "*", "#"}};
    return level < 0 || level >= LAYER_HEAT_LEVELS ? " " : glyph[ascii][level];
}

theme_role layer_heat_role(double ratio) {
    const double tepid = 1e-4, hot = 3e-2;
    if (!(ratio >= tepid)) return ROLE_DIM;
    return ratio >= hot ? ROLE_WARN : ROLE_TRAINABLE;
}

void layer_figures_strip(const layer_figures *f, const thaw_layers *layers, const run_layers *run, int node,
                         int columns, bool ascii, str *out) {
    for (int column = 0; column < columns; column++) {
        int first, last;
        double most = NAN;
        bool some = run_layers_column(run, column, columns, &first, &last);
        for (int i = node; some && i < thaw_layers_at(layers, node)->end && i < f->nodes; i++)
            if (f->item[i] >= 0) take_larger(&most, run_layer_heat(&run->item[f->item[i]], first, last));
        str_append(out, layer_heat_glyph(layer_heat_level(most), ascii));
    }
}
