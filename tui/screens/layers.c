/*
 * layers.c - the Layers tab: the tree at the left, what the layer under the cursor is at the right.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "tui/key.h"
#include "tui/screens/layer_pane.h"
#include "tui/widgets/progress.h"

typedef struct layers_state {
    layer_pane pane; /* first: the actions' */
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

/* Where the next line of the detail goes. */
typedef struct pen {
    canvas *c;
    rect r;
    int row;
} pen;

static void fact(pen *p, const char *label, theme_role role, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void fact(pen *p, const char *label, theme_role role, const char *format, ...) {
    enum { LABEL_COLUMNS = 13 };
    va_list args;
    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    rect line = rect_inset(p->r, p->row, 0, 0, 0), value = rect_inset(line, 0, 0, 0, LABEL_COLUMNS);
    if (!rect_empty(line)) canvas_text(p->c, line.row, line.col, LABEL_COLUMNS - 1, label, ROLE_DIM);
    int rows = canvas_paragraph(p->c, value, text, role);
    p->row += rows > 1 ? rows : 1;
    free(text);
}

static void heading(pen *p, const char *text) {
    if (p->row) p->row++;
    rect line = rect_row(p->r, p->row++);
    if (!rect_empty(line)) canvas_text(p->c, line.row, line.col, line.cols, text, ROLE_ACCENT);
}

static void layer_facts(pen *p, app *a, const thaw_layers *layers, int node) {
    const thaw_layer_info *info = thaw_layers_at(layers, node);
    thaw_freeze state = thaw_layers_state(layers, node);
    char number[NUMBER_TEXT_MAX];
    str shape = {0};
    for (int i = 0; i < info->output_ndim; i++)
        str_appendf(&shape, "%s%lld", i ? " × " : "", (long long)info->output[i]);
    heading(p, info->path);
    fact(p, "kind", ROLE_TEXT, "%s", info->kind);
    fact(p, "output", ROLE_TEXT, "%s", str_text(&shape));
    fact(p, "parameters", ROLE_TEXT, "%s", text_count((double)info->parameters, number));
    fact(p, "work", ROLE_TEXT, "%s MACs an image", text_count((double)info->macs, number));
    fact(p, "activations", ROLE_TEXT, "%s an image", text_bytes((double)info->activation_bytes, number));
    if (info->parameters) fact(p, "state", layer_state_role(state), "%s", layer_state_text(state));
    const run_layer *l = run_view_layer(app_live(a), info->path);
    if (l && isfinite(l->drift)) fact(p, "moved", ROLE_TEXT, "%.3g %% from where it started", l->drift * 100);
    if (l && isfinite(l->update_ratio))
        fact(p, "last update", ROLE_TEXT, "%.2e of its weights", l->update_ratio);
    str_clear(&shape);
}

static void mask_facts(pen *p, app *a, const thaw_layers *layers) {
    enum { LABEL_MAX = 128, BAR_MOST = 24 };
    const thaw_recipe *r = app_recipe(a);
    bool adam = r->optimizer.name && !strncmp(r->optimizer.name, "adam", 4);
    thaw_cost cost = thaw_layers_cost(layers, r->batch_size, adam ? 2 : r->optimizer.momentum > 0);
    char label[LABEL_MAX], some[NUMBER_TEXT_MAX], all[NUMBER_TEXT_MAX];
    heading(p, "this mask");
    fact(p, "trains", ROLE_TEXT, "%s", thaw_layers_mask_label(layers, label, sizeof label));
    double part = cost.parameters ? (double)cost.trainable / (double)cost.parameters : 0;
    fact(p, "parameters", ROLE_TEXT, "%s of %s (%.3g %%)", text_count((double)cost.trainable, some),
         text_count((double)cost.parameters, all), part * 100);
    fact(p, "a step", ROLE_TEXT, "%.0f %% of training everything", cost.relative_step * 100);
    rect bar = rect_row(p->r, p->row);
    if (!rect_empty(bar))
        progress_draw(p->c, bar.row, bar.col + 13, bar.cols - 13 < BAR_MOST ? bar.cols - 13 : BAR_MOST,
                      cost.relative_step);
    p->row++;
    fact(p, "memory", ROLE_TEXT, "about %s at batch %d", text_bytes((double)cost.memory_bytes, some),
         r->batch_size);
    fact(p, "frozen start", ROLE_TEXT, "%s",
         cost.prefix_cut ? cost.prefix_name : "none: the first layers train");
}

static void legend(pen *p) {
    static const thaw_freeze states[] = {THAW_TRAINABLE, THAW_STATS_MOVING, THAW_FROZEN};
    enum { ROWS = 5 };
    if (p->row + ROWS > p->r.rows) return;
    heading(p, "the three states");
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        rect line = rect_inset(p->r, p->row, 0, 0, 0);
        if (rect_empty(line)) return;
        canvas_put(p->c, line.row, line.col, layer_state_glyph(states[i], p->c->ascii),
                   layer_state_role(states[i]));
        p->row += canvas_paragraph(p->c, rect_inset(line, 0, 0, 0, 2), layer_state_text(states[i]), ROLE_DIM);
    }
}

static void layers_draw(app *a, void *self, canvas *c, const layout *l) {
    layers_state *s = self;
    layer_pane_draw(&s->pane, c, l, false);
    rect place = l->pane[PANE_DETAIL];
    if (rect_empty(place)) return;
    int focus = app_focus(a) == PANE_DETAIL ? FRAME_FOCUS : 0;
    rect in = canvas_frame(c, place, "layer", NULL, l->flags[PANE_DETAIL] | focus);
    rect former = canvas_clip(c, in);
    pen p = {c, rect_inset(in, 0, 1, 0, 1), 0};
    const thaw_layers *layers = layer_pane_sync(&s->pane) ? app_layers(a) : NULL;
    int node = layers ? layer_pane_current(&s->pane) : -1;
    if (node >= 0) {
        layer_facts(&p, a, layers, node);
        mask_facts(&p, a, layers);
        legend(&p);
    }
    canvas_unclip(c, former);
}

static bool layers_key(app *a, void *self, int key) {
    layers_state *s = self;
    app_mouse m = app_mouse_at(a);
    if (key == K_MOUSE) return list_click(&s->pane.list, m.row, m.col);
    return layer_pane_key(&s->pane, key);
}

static const action layers_actions[] = {LAYER_PANE_ACTIONS};

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
