/*
 * layer_pane.h - the layer tree as a pane: folding, ranges, and what freezes and thaws. Layers and Train
 * share it.
 *
 * A screen that has one puts the layer_pane first in its state, so that the actions below find it.
 */
#ifndef TUI_SCREENS_LAYER_PANE_H
#define TUI_SCREENS_LAYER_PANE_H

#include "tui/app.h"
#include "tui/screens/layer_figures.h"
#include "tui/widgets/list.h"
#include "tui/widgets/tree.h"

typedef struct layer_pane {
    tree tree;
    list list;         /* over tree.row */
    unsigned revision; /* of the layers the tree was made for */
    bool made;
    bool *picked; /* a node each: selected by a glob; NULL: none */
    int picked_count;
    layer_figures figures;
    app *a;
} layer_pane;

void layer_pane_init(layer_pane *p, app *a);
void layer_pane_clear(layer_pane *p);
/* Look at the layers again; false: there are none. Call before anything else. */
bool layer_pane_sync(layer_pane *p);
/* FIGURES: columns of what the run measured, where there is room; else what the layers are. */
void layer_pane_draw(layer_pane *p, canvas *c, const layout *l, bool figures);
bool layer_pane_key(layer_pane *p, int key);
int layer_pane_current(const layer_pane *p); /* index of the layer under the cursor, -1: none */

/* What the next edit is about: what a glob has selected, else the range, else the cursor's. COUNT nodes in
 * ascending order, owned by the caller. */
int *layer_selection(const layer_pane *p, int *count);
/* Give NODES a state; "moving" comes to frozen where there are no statistics. */
void layer_set_nodes(thaw_layers *layers, const int *nodes, int count, thaw_freeze state);
void layer_select_none(layer_pane *p);

/* A glyph and a role for a state, and what it means in words. */
uint32_t layer_state_glyph(thaw_freeze state, bool ascii);
theme_role layer_state_role(thaw_freeze state);
const char *layer_state_text(thaw_freeze state, bool has_norm);
/* What Space makes of it: three states where there are statistics, two elsewhere; a mixed container is frozen
 * first. */
thaw_freeze layer_next_state(const thaw_layers *layers, int node);

/* ---- edits: actions' handlers; SELF is a state that begins with a layer_pane ---- */

void layer_toggle(app *a, void *self, const char *argument);
void layer_freeze(app *a, void *self, const char *argument); /* ARGUMENT: a name or glob, else the cursor's */
void layer_thaw(app *a, void *self, const char *argument);
void layer_moving(app *a, void *self, const char *argument);
void layer_freeze_below(app *a, void *self, const char *argument);
void layer_preset(app *a, void *self, const char *argument);
void layer_select(app *a, void *self, const char *argument);
bool layer_has_range(app *a, void *self);
void layer_other_end(app *a, void *self, const char *argument);
void layer_glob(app *a, void *self, const char *argument);
void layer_undo(app *a, void *self, const char *argument);
void layer_redo(app *a, void *self, const char *argument);
void layer_fold_all(app *a, void *self, const char *argument);
void layer_unfold_all(app *a, void *self, const char *argument);
void layer_hold(app *a, void *self, const char *argument);
void layer_send(app *a, void *self, const char *argument);
bool layer_may_hold(app *a, void *self);
bool layer_is_held(app *a, void *self);
bool layer_some(app *a, void *self);
bool layer_can_undo(app *a, void *self);
bool layer_can_redo(app *a, void *self);

/* The one that a run is steered with most, for a screen to put first; then the others. */
#define LAYER_TOGGLE_ACTION                                                                              \
    {                                                                                                    \
        "toggle", "Space", "freeze/thaw", "next of trainable, weights frozen, frozen", NULL, layer_some, \
            layer_toggle                                                                                 \
    }
#define LAYER_PANE_ACTIONS                                                                                     \
    {"freeze-below", "F",        "all below",       "freeze this layer and all before it",                     \
     NULL,           layer_some, layer_freeze_below},                                                          \
        {"freeze", "f",        NULL,        "freeze the layer, the range, or what a name or glob matches",     \
         "GLOB",   layer_some, layer_freeze},                                                                  \
        {"thaw", "T t",      "thaw",    "let the layer, the range, or what matches train",                     \
         "GLOB", layer_some, layer_thaw},                                                                      \
        {"moving", NULL,       NULL,        "freeze weights only: batch-norm statistics keep moving",          \
         "GLOB",   layer_some, layer_moving},                                                                  \
        {"preset", "P",        "preset",    "head only, last block, last half, norms only, all, linear probe", \
         "NAME",   layer_some, layer_preset},                                                                  \
        {"select", "v",        "range",     "begin or end a range of layers, or select what matches",          \
         "GLOB",   layer_some, layer_select},                                                                  \
        {"other-end", "o", NULL, "go to the other end of the range", NULL, layer_has_range, layer_other_end},  \
        {"glob", "/", "glob", "select what a name or glob matches", "GLOB", layer_some, layer_glob},           \
        {"undo", "u", "undo", "take the last change of the mask back", NULL, layer_can_undo, layer_undo},      \
        {"redo", "Ctrl-R", NULL, "do what was undone again", NULL, layer_can_redo, layer_redo},                \
        {"hold",    "H",                                                                                       \
         NULL,      "hold edits back from the run, to see first what they would cost",                         \
         NULL,      layer_may_hold,                                                                            \
         layer_hold},                                                                                          \
        {"send", "H", "send", "send the run the mask that was held back", NULL, layer_is_held, layer_send},    \
        {"fold-all", "-", NULL, "show the outermost layers only", NULL, layer_some, layer_fold_all}, {         \
        "unfold-all", "+ =", NULL, "show every layer", NULL, layer_some, layer_unfold_all                      \
    }

#endif
