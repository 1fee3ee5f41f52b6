/*
 * layer_edit.c - what freezes and thaws: the actions of the layer pane.
 *
 * Every edit ends in one call of app_mask_changed, so that it can be undone and reaches the run.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "tui/screens/layer_pane.h"

bool layer_some(app *a, void *self) {
    (void)self;
    return app_layers(a) != NULL;
}

bool layer_can_undo(app *a, void *self) {
    (void)self;
    return app_mask_can_undo(a);
}

bool layer_can_redo(app *a, void *self) {
    (void)self;
    return app_mask_can_redo(a);
}

static const char *verb(thaw_freeze state) {
    return state == THAW_TRAINABLE ? "thaw" : state == THAW_FROZEN ? "freeze" : "freeze the weights of";
}

static bool changed(app *a, thaw_freeze state, const char *what) {
    char *text = xasprintf("%s %s", verb(state), what);
    bool done = app_mask_changed(a, text);
    free(text);
    return done;
}

void layer_set_nodes(thaw_layers *layers, const int *nodes, int count, thaw_freeze state) {
    for (int i = 0; i < count; i++) {
        bool norm = thaw_layers_at(layers, nodes[i])->has_norm;
        thaw_layers_set(layers, nodes[i], state == THAW_STATS_MOVING && !norm ? THAW_FROZEN : state);
    }
}

/* Set what is selected, or else the cursor's row, and end the selection. STATE THAW_MIXED: what Space makes
 * of the first. */
static void set_selected(app *a, layer_pane *p, thaw_freeze state) {
    thaw_layers *layers = app_layers(a);
    int count, *nodes = layer_selection(p, &count);
    if (count) {
        if (state == THAW_MIXED) state = layer_next_state(layers, nodes[0]);
        layer_set_nodes(layers, nodes, count, state);
        const char *path = thaw_layers_at(layers, nodes[0])->path;
        char *what = count > 1 ? xasprintf("%s and %d more", path, count - 1) : xstrdup(path);
        layer_select_none(p);
        changed(a, state, what);
        free(what);
    }
    free(nodes);
}

static void set_matching(app *a, const char *pattern, thaw_freeze state) {
    thaw_layers *layers = app_layers(a);
    int matched = 0;
    thaw_status status = thaw_layers_set_matching(layers, pattern, state, &matched);
    if (thaw_failed(&status)) {
        app_fail(a, &status);
        return;
    }
    if (!changed(a, state, pattern)) return;
    app_say(a, "%s %s: %d layer%s", verb(state), pattern, matched, matched == 1 ? "" : "s");
}

static void set(app *a, void *self, thaw_freeze state, const char *pattern) {
    layer_pane *p = self;
    if (!layer_pane_sync(p) || layer_pane_current(p) < 0) return;
    if (pattern)
        set_matching(a, pattern, state);
    else
        set_selected(a, p, state);
}

void layer_freeze(app *a, void *self, const char *argument) {
    set(a, self, THAW_FROZEN, argument);
}

void layer_thaw(app *a, void *self, const char *argument) {
    set(a, self, THAW_TRAINABLE, argument);
}

void layer_moving(app *a, void *self, const char *argument) {
    set(a, self, THAW_STATS_MOVING, argument);
}

thaw_freeze layer_next_state(const thaw_layers *layers, int node) {
    switch (thaw_layers_state(layers, node)) {
    case THAW_TRAINABLE:
        return thaw_layers_at(layers, node)->has_norm ? THAW_STATS_MOVING : THAW_FROZEN;
    case THAW_FROZEN:
        return THAW_TRAINABLE;
    default:
        return THAW_FROZEN;
    }
}

void layer_toggle(app *a, void *self, const char *argument) {
    (void)argument;
    layer_pane *p = self;
    if (layer_pane_sync(p)) set_selected(a, p, THAW_MIXED);
}

void layer_freeze_below(app *a, void *self, const char *argument) {
    (void)argument;
    layer_pane *p = self;
    int node = layer_pane_sync(p) ? layer_pane_current(p) : -1;
    if (node < 0) return;
    thaw_layers *layers = app_layers(a);
    thaw_layers_set_below(layers, node, THAW_FROZEN);
    char *what = xasprintf("%s and all below", thaw_layers_at(layers, node)->path);
    bool done = changed(a, THAW_FROZEN, what);
    if (done && thaw_layers_at(layers, node)->is_head)
        app_say(a, "all below the head is frozen, and the head goes on training");
    free(what);
}

void layer_undo(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    app_mask_undo(a);
}

void layer_redo(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    app_mask_redo(a);
}

bool layer_may_hold(app *a, void *self) {
    return layer_some(a, self) && app_busy(a) && !app_mask_held(a);
}

bool layer_is_held(app *a, void *self) {
    (void)self;
    return app_mask_held(a);
}

void layer_hold(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    app_mask_hold(a, true);
    app_say(a, "edits wait now: H sends what has come of them to the run");
}

void layer_send(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    bool news = app_mask_unsent(a);
    app_mask_hold(a, false);
    if (app_mask_held(a)) return; /* refused, and said so */
    app_say(a, news ? "sent: it takes effect between two steps" : "edits reach the run at once again");
}

static void fold_all(layer_pane *p, bool folded) {
    if (!layer_pane_sync(p)) return;
    int node = layer_pane_current(p);
    tree_fold_all(&p->tree, folded);
    list_set_count(&p->list, p->tree.rows);
    if (node >= 0) list_move(&p->list, tree_row_of(&p->tree, node));
}

void layer_fold_all(app *a, void *self, const char *argument) {
    (void)a;
    (void)argument;
    fold_all(self, true);
}

void layer_unfold_all(app *a, void *self, const char *argument) {
    (void)a;
    (void)argument;
    fold_all(self, false);
}
