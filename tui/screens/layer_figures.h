/*
 * layer_figures.h - what a run measured of the rows of a layer tree: a container shows the most of what is in
 * it.
 */
#ifndef TUI_SCREENS_LAYER_FIGURES_H
#define TUI_SCREENS_LAYER_FIGURES_H

#include "engine/base/str.h"
#include "thaw/layers.h"
#include "tui/run_layers.h"
#include "tui/theme.h"

/* Which of a run's layers each node is; found once for as long as neither changes. Zero-initialise. */
typedef struct layer_figures {
    int *item; /* a node each: index in the run's layers, -1: not measured */
    int nodes;
    unsigned generation, revision; /* of the run's layers, of the tree's */
} layer_figures;

void layer_figures_clear(layer_figures *f);
/* Before anything else is asked; REVISION differs when LAYERS were built anew. */
void layer_figures_sync(layer_figures *f, const thaw_layers *layers, unsigned revision,
                        const run_layers *run);

/* The largest of each figure in NODE's subtree; NaN where none is known. */
typedef struct layer_figure {
    double update_ratio, grad_ratio, drift, norm_drift;
} layer_figure;
layer_figure layer_figures_at(const layer_figures *f, const thaw_layers *layers, const run_layers *run,
                              int node);

/* NODE's update ratio over the run in COLUMNS glyphs, the newest at the right; a blank where nothing was
 * measured. */
void layer_figures_strip(const layer_figures *f, const thaw_layers *layers, const run_layers *run, int node,
                         int columns, bool ascii, str *out);

enum { LAYER_HEAT_LEVELS = 8 };
/* Half a decade a level, from 10^-5 up to 10^-1 and beyond; -1: no ratio. */
int layer_heat_level(double ratio);
const char *layer_heat_glyph(int level, bool ascii); /* " " for -1 */
/* In which colour a ratio is shown: cold, as usual, or so large that training may break. */
theme_role layer_heat_role(double ratio);

#endif
