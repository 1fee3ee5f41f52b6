/*
 * layers.c - the Layers tab: the tree at the left, what the layer under the cursor is at the right.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "tui/key.h"
#include "tui/screens/facts.h"
#include "tui/screens/layer_pane.h"
#include "tui/screens/mask_forecast.h"
#include "tui/screens/phase_text.h"
#include "tui/text.h"
#include "tui/widgets/progress.h"

typedef struct layers_state {
    layer_pane pane; /* first: the actions' */
    facts_scroll details;
} layers_state;

static void *layers_init(app *a) {
    layers_state *s = xcalloc(1, sizeof *s);
    layer_pane_init(&s->pane, a);
    return s;
}

static void layers_free(void *self) {
    layers_state *s = self;
    layer_pane_clear(&s->pane);
    free(s);
}

static void layer_facts(facts *f, const thaw_layers *layers, int node) {
    const thaw_layer_info *info = thaw_layers_at(layers, node);
    thaw_freeze state = thaw_layers_state(layers, node);
    char number[NUMBER_TEXT_MAX];
    str shape = {0};
    for (int i = 0; i < info->output_ndim; i++)
        str_appendf(&shape, "%s%lld", i ? " × " : "", (long long)info->output[i]);
    facts_heading(f, info->path);
    facts_line(f, "kind", "%s", info->kind);
    facts_line(f, "output", "%s", str_text(&shape));
    facts_line(f, "parameters", "%s", text_count((double)info->parameters, number));
    facts_line(f, "work", "%s MACs an image", text_count((double)info->macs, number));
    facts_line(f, "activations", "%s an image", text_bytes((double)info->activation_bytes, number));
    if (info->parameters)
        facts_value(f, "state", layer_state_role(state), "%s", layer_state_text(state, info->has_norm));
    str_clear(&shape);
}

/* What the run has measured of it; of a container, the most that is in it. */
static void moved_facts(facts *f, app *a, const layer_pane *p, int node) {
    enum { STRIP_MOST = 48, LABEL = 13 };
    const thaw_layers *layers = app_layers(a);
    const run_layers *run = &app_live(a)->layers;
    layer_figure m = layer_figures_at(&p->figures, layers, run, node);
    str strip = {0};
    if (!run->count) return;
    facts_gap(f);
    facts_heading(f, "how it moves");
    int columns = f->r.cols - LABEL < STRIP_MOST ? f->r.cols - LABEL : STRIP_MOST;
    layer_figures_strip(&p->figures, layers, run, node, columns, f->c->ascii || f->c->box, &strip);
    facts_value(f, "over the run", layer_heat_role(m.update_ratio), "%s", str_text(&strip));
    str_clear(&strip);
    if (isfinite(m.update_ratio)) facts_line(f, "last update", "%.1e of its weights", m.update_ratio);
    if (isfinite(m.grad_ratio)) facts_line(f, "gradient", "%.1e of its weights", m.grad_ratio);
    if (isfinite(m.drift)) facts_line(f, "drift", "%.3g %% from where its weights started", m.drift * 100);
    if (isfinite(m.norm_drift))
        facts_line(f, "statistics", "%.2f deviations from where they started", m.norm_drift);
    bool none = !isfinite(m.update_ratio) && !isfinite(m.norm_drift);
    if (none) facts_text(f, ROLE_DIM, "Nothing of it has trained in this run.");
}

static void mask_facts(facts *f, app *a, const layer_pane *p) {
    const thaw_layers *layers = app_layers(a);
    enum { LABEL_MAX = 128, BAR_MOST = 24 };
    thaw_cost cost = thaw_layers_cost(layers, app_recipe(a)->batch_size, 0);
    char label[LABEL_MAX], all[NUMBER_TEXT_MAX];
    facts_gap(f);
    facts_heading(f, app_mask_unsent(a) ? "this mask, held back from the run" : "this mask");
    facts_line(f, "trains", "%s", thaw_layers_mask_label(layers, label, sizeof label));
    double part = cost.parameters ? (double)cost.trainable / (double)cost.parameters : 0;
    phase_facts(f, app_recipe(a));
    facts_line(f, "parameters", "%.3g %% of %s", part * 100, text_count((double)cost.parameters, all));
    facts_line(f, "frozen start", "%s", cost.prefix_cut ? cost.prefix_name : "none: the first layers train");
    facts_line(f, "a step", "%.0f %% of training everything", cost.relative_step * 100);
    rect bar = facts_bar(f, BAR_MOST);
    progress_draw(f->c, bar.row, bar.col, bar.cols, cost.relative_step);
    mask_forecast_draw(f, a, p);
}

static void legend(facts *f) {
    static const thaw_freeze states[] = {THAW_TRAINABLE, THAW_STATS_MOVING, THAW_FROZEN};
    facts_gap(f);
    facts_heading(f, "the three states");
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        char glyph[5];
        text_encode(layer_state_glyph(states[i], f->c->ascii), glyph);
        facts_text(f, layer_state_role(states[i]), "%s %s", glyph, layer_state_text(states[i], true));
    }
}

static void layers_draw(app *a, void *self, canvas *c, const layout *l) {
    layers_state *s = self;
    layer_pane_draw(&s->pane, c, l, false);
    rect place = l->pane[PANE_DETAIL];
    if (rect_empty(place)) return;
    int focus = app_focus(a) == PANE_DETAIL ? FRAME_FOCUS : 0;
    rect in = canvas_frame(c, place, "layer", NULL, l->flags[PANE_DETAIL] | focus);
    facts f = facts_begin(c, in, &s->details);
    const thaw_layers *layers = layer_pane_sync(&s->pane) ? app_layers(a) : NULL;
    int node = layers ? layer_pane_current(&s->pane) : -1;
    if (node >= 0) {
        layer_facts(&f, layers, node);
        moved_facts(&f, a, &s->pane, node);
        mask_facts(&f, a, &s->pane);
        legend(&f);
    } else {
        facts_text(
            &f, ROLE_DIM,
            "What a layer is, what it costs and what freezing it saves is said here, as soon as a model "
            "is chosen: 1, then Enter.");
    }
    facts_end(&f);
}

static bool layers_key(app *a, void *self, int key) {
    layers_state *s = self;
    app_mouse m = app_mouse_at(a);
    if (key == K_MOUSE) return list_click(&s->pane.list, m.row, m.col);
    if (app_focus(a) == PANE_DETAIL) return facts_key(&s->details, key);
    return layer_pane_key(&s->pane, key);
}

static const action layers_actions[] = {LAYER_TOGGLE_ACTION, LAYER_PANE_ACTIONS};

const screen screen_layers = {
    .title = "Layers",
    .form = LAYOUT_LIST,
    .actions = layers_actions,
    .action_count = sizeof layers_actions / sizeof *layers_actions,
    .init = layers_init,
    .free = layers_free,
    .draw = layers_draw,
    .key = layers_key,
};
