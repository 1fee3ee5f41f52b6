/*
 * layer_presets.c - masks by a name: what is usually tried, for any model.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "tui/screens/layer_pane.h"

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

static void preset_by_name(app *a, const char *name) {
    const char *names[PRESETS];
    for (int i = 0; i < PRESETS; i++) {
        names[i] = presets[i].name;
        if (strncmp(names[i], name, strlen(name))) continue;
        apply_preset(a, &presets[i]);
        return;
    }
    const char *near = text_nearest(name, names, PRESETS);
    app_warn(a, "there is no preset \"%s\"%s%s%s; P lists them", name, near ? "; did you mean \"" : "",
             near ? near : "", near ? "\"?" : "");
}

void layer_preset(app *a, void *self, const char *argument) {
    (void)self;
    if (argument) {
        preset_by_name(a, argument);
        return;
    }
    dialog_params params = {
        .title = "preset", .text = "What is to be trained? The rest is frozen.", .answered = preset_answered};
    for (int i = 0; i < PRESETS; i++)
        params.answer[i] = (dialog_answer){presets[i].key, presets[i].text};
    params.answer[PRESETS] = (dialog_answer){PRESET_NONE, "leave it as it is"};
    app_ask(a, &params);
}
