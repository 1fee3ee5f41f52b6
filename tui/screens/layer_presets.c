/*
 * layer_presets.c - masks by a name, and a plan of two: what is usually tried, for any model.
 */
#include <limits.h>
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

enum { PRESETS = sizeof presets / sizeof *presets, PRESET_PLAN = 'p', PRESET_NONE = 'c' };

/* ---- a plan: linear probing, then fine-tuning (Kumar et al. 2022, arXiv 2202.10054) ---- */

static const char plan_name[] = "linear probe";

static void drop_plan(app *a) {
    if (!app_recipe(a)->phase_count) return;
    thaw_status status = app_recipe_set(a, "phases=");
    if (thaw_failed(&status)) app_fail(a, &status);
}

/* The head alone for EPOCHS epochs, then everything at a tenth of the rate. */
static thaw_status set_plan(app *a, int epochs) {
    const double lower = 0.1;
    const thaw_recipe *r = app_recipe(a);
    if (epochs < 1 || epochs >= r->epochs)
        return thaw_error(THAW_ERR_USAGE,
                          "the head alone takes at least 1 of the %d epochs, and leaves at least 1",
                          r->epochs);
    char *plan =
        xasprintf("phases=[{\"epoch\": %d, \"freeze\": [], \"lr\": %.6g}]", epochs, r->optimizer.lr * lower);
    thaw_status status = app_recipe_set(a, plan);
    free(plan);
    THAW_TRY(status);
    preset_head(app_layers(a));
    if (app_mask_changed(a, "preset linear probe, then fine-tune"))
        app_say(a, "the head alone for %d epoch%s, then everything with lr %g", epochs,
                epochs == 1 ? "" : "s", r->phase[0].lr);
    return thaw_ok();
}

static thaw_status accept_epochs(app *a, void *user, const char *text) {
    (void)user;
    char *end;
    long epochs = strtol(text, &end, 10);
    if (end == text || *end || epochs < 0 || epochs > INT_MAX)
        return thaw_error(THAW_ERR_USAGE, "\"%s\" is no number of epochs; a whole number is expected, like 2",
                          text);
    return app_layers(a) ? set_plan(a, (int)epochs) : thaw_ok();
}

static void ask_plan(app *a) {
    enum { USUAL_SHARE = 5 };
    int usual = app_recipe(a)->epochs / USUAL_SHARE;
    if (app_busy(a)) {
        app_warn(a, "a run's plan is fixed when it begins; thaw the rest by hand, or stop it with s first");
        return;
    }
    char *initial = xasprintf("%d", usual > 0 ? usual : 1);
    prompt_params params = {.label = "epochs of the head alone", .initial = initial, .accept = accept_epochs};
    app_prompt(a, &params);
    free(initial);
}

/* ---- choosing ---- */

static void apply_preset(app *a, const preset *chosen) {
    thaw_layers *layers = app_layers(a);
    if (!layers) return;
    if (!app_busy(a)) drop_plan(a);
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
    if (key == PRESET_PLAN) ask_plan(a);
}

static void preset_by_name(app *a, const char *name) {
    const char *names[PRESETS + 1] = {[PRESETS] = plan_name};
    for (int i = 0; i < PRESETS; i++) {
        names[i] = presets[i].name;
        if (strncmp(names[i], name, strlen(name))) continue;
        apply_preset(a, &presets[i]);
        return;
    }
    if (!strncmp(plan_name, name, strlen(name))) {
        ask_plan(a);
        return;
    }
    const char *near = text_nearest(name, names, PRESETS + 1);
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
    params.answer[PRESETS] =
        (dialog_answer){PRESET_PLAN, "the head first, then everything with a lower rate"};
    params.answer[PRESETS + 1] = (dialog_answer){PRESET_NONE, "leave it as it is"};
    app_ask(a, &params);
}
