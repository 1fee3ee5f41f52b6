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

/* Set the selected rows, or the cursor's, and end the range. */
static void set_rows(app *a, layer_pane *p, thaw_freeze state) {
    thaw_layers *layers = app_layers(a);
    int first, last;
    list_range(&p->list, &first, &last);
    for (int row = first; row <= last && row < p->tree.rows; row++) {
        int node = p->tree.row[row];
        bool norm = thaw_layers_at(layers, node)->has_norm;
        thaw_layers_set(layers, node, state == THAW_STATS_MOVING && !norm ? THAW_FROZEN : state);
    }
    const char *path = thaw_layers_at(layers, p->tree.row[first])->path;
    char *what = last > first ? xasprintf("%s and %d more", path, last - first) : xstrdup(path);
    p->list.anchor = -1;
    changed(a, state, what);
    free(what);
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
        set_rows(a, p, state);
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
    int node = layer_pane_sync(p) ? layer_pane_current(p) : -1;
    if (node >= 0) set_rows(a, p, layer_next_state(app_layers(a), node));
}

void layer_freeze_below(app *a, void *self, const char *argument) {
    (void)argument;
    layer_pane *p = self;
    int node = layer_pane_sync(p) ? layer_pane_current(p) : -1;
    if (node < 0) return;
    thaw_layers *layers = app_layers(a);
    thaw_layers_set_below(layers, node, THAW_FROZEN);
    char *what = xasprintf("%s and all below", thaw_layers_at(layers, node)->path);
    changed(a, THAW_FROZEN, what);
    free(what);
}

void layer_select(app *a, void *self, const char *argument) {
    (void)argument;
    layer_pane *p = self;
    if (!layer_pane_sync(p)) return;
    p->list.anchor = p->list.anchor < 0 ? p->list.cursor : -1;
    if (p->list.anchor >= 0) app_say(a, "move to the other end, then Space, f, T; Esc ends the range");
}

static thaw_status accept_glob(app *a, void *user, const char *text) {
    (void)user;
    thaw_layers *layers = app_layers(a);
    if (!*text || !layers) return thaw_ok();
    int matched = 0;
    THAW_TRY(thaw_layers_set_matching(layers, text, THAW_FROZEN, &matched));
    if (!changed(a, THAW_FROZEN, text)) return thaw_ok();
    app_say(a, "froze %s: %d layer%s", text, matched, matched == 1 ? "" : "s");
    return thaw_ok();
}

static void complete_layer(app *a, void *user, const char *text, str *out) {
    (void)user;
    const thaw_layers *layers = app_layers(a);
    for (int i = 0; layers && i < thaw_layers_count(layers); i++) {
        const char *path = thaw_layers_at(layers, i)->path;
        if (!strncmp(path, text, strlen(text))) str_appendf(out, "%s\n", path);
    }
}

void layer_glob(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    prompt_params params = {.label = "freeze",
                            .hint = "a name or glob: layer2, layer*.0, *.bn?",
                            .accept = accept_glob,
                            .complete = complete_layer};
    app_prompt(a, &params);
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

/* ---- presets ---- */

static void set_all(thaw_layers *layers, thaw_freeze state) {
    for (int i = 0; i < thaw_layers_count(layers); i = thaw_layers_at(layers, i)->end)
        thaw_layers_set(layers, i, state);
}

static void thaw_the_head(thaw_layers *layers) {
    for (int i = 0; i < thaw_layers_count(layers); i++)
        if (thaw_layers_at(layers, i)->is_head) thaw_layers_set(layers, i, THAW_TRAINABLE);
}

static bool holds_head(const thaw_layers *layers, int node) {
    for (int i = node; i < thaw_layers_at(layers, node)->end; i++)
        if (thaw_layers_at(layers, i)->is_head) return true;
    return false;
}

/*
 * The blocks of the trunk, in order: the outermost layers with parameters; where one of them is nearly
 * everything
 * ("features", "encoder"), its children in its place. UNITS has room for all layers; how many.
 */
static int trunk_blocks(const thaw_layers *layers, int *units) {
    const double nearly_all = 0.8;
    int count = 0, all = thaw_layers_count(layers);
    for (int i = 0; i < all; i = thaw_layers_at(layers, i)->end)
        if (thaw_layers_at(layers, i)->parameters && !holds_head(layers, i)) units[count++] = i;
    int64_t trunk = 0;
    for (int i = 0; i < count; i++)
        trunk += thaw_layers_at(layers, units[i])->parameters;
    for (int i = 0; i < count; i++) {
        const thaw_layer_info *info = thaw_layers_at(layers, units[i]);
        if (info->end == units[i] + 1 || (double)info->parameters < nearly_all * (double)trunk || count > 3)
            continue;
        int inside = 0, top = units[i];
        for (int k = top + 1; k < info->end; k = thaw_layers_at(layers, k)->end)
            if (thaw_layers_at(layers, k)->parameters) units[inside++] = k;
        return inside;
    }
    return count;
}

static void thaw_last_blocks(thaw_layers *layers, bool half) {
    set_all(layers, THAW_FROZEN);
    thaw_the_head(layers);
    int *units = xcalloc((size_t)thaw_layers_count(layers) + 1, sizeof *units);
    int count = trunk_blocks(layers, units);
    for (int i = half ? (count + 1) / 2 : count - 1; i >= 0 && i < count; i++)
        thaw_layers_set(layers, units[i], THAW_TRAINABLE);
    free(units);
}

static void preset_all(thaw_layers *layers) {
    set_all(layers, THAW_TRAINABLE);
}

static void preset_head(thaw_layers *layers) {
    set_all(layers, THAW_FROZEN);
    thaw_the_head(layers);
}

static void preset_last_block(thaw_layers *layers) {
    thaw_last_blocks(layers, false);
}

static void preset_last_half(thaw_layers *layers) {
    thaw_last_blocks(layers, true);
}

static void preset_norms(thaw_layers *layers) {
    set_all(layers, THAW_FROZEN);
    thaw_the_head(layers);
    for (int i = 0; i < thaw_layers_count(layers); i++) {
        const thaw_layer_info *info = thaw_layers_at(layers, i);
        if (info->end == i + 1 && strstr(info->kind, "Norm")) thaw_layers_set(layers, i, THAW_TRAINABLE);
    }
}

typedef struct preset {
    int key;
    const char *name, *text;
    void (*apply)(thaw_layers *layers);
} preset;

static const preset presets[] = {
    {'h', "head only", "the head only, as the tutorials begin", preset_head},
    {'b', "last block", "the head and the last block", preset_last_block},
    {'l', "last half", "the head and the last half of the blocks", preset_last_half},
    {'n', "norms only", "the head and every norm", preset_norms},
    {'a', "all", "everything", preset_all},
};

enum { PRESETS = sizeof presets / sizeof *presets, PRESET_NONE = 'c' };

static void apply_preset(app *a, const preset *chosen) {
    thaw_layers *layers = app_layers(a);
    if (!layers) return;
    chosen->apply(layers);
    char *what = xasprintf("preset %s", chosen->name);
    char some[NUMBER_TEXT_MAX];
    if (app_mask_changed(a, what))
        app_say(a, "%s: %s parameters train", chosen->name,
                text_count((double)thaw_layers_cost(layers, 1, 1).trainable, some));
    free(what);
}

static void preset_answered(app *a, void *user, int key) {
    (void)user;
    for (int i = 0; i < PRESETS; i++)
        if (presets[i].key == key) apply_preset(a, &presets[i]);
}

void layer_preset(app *a, void *self, const char *argument) {
    (void)self;
    for (int i = 0; argument && i < PRESETS; i++)
        if (!strncmp(presets[i].name, argument, strlen(argument))) {
            apply_preset(a, &presets[i]);
            return;
        }
    dialog_params params = {
        .title = "preset", .text = "What is to be trained? The rest is frozen.", .answered = preset_answered};
    for (int i = 0; i < PRESETS; i++)
        params.answer[i] = (dialog_answer){presets[i].key, presets[i].text};
    params.answer[PRESETS] = (dialog_answer){PRESET_NONE, "leave it as it is"};
    app_ask(a, &params);
}
