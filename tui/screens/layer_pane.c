/*
 * layer_pane.c - the layer tree on the screen. What its actions do is in layer_edit.c.
 */
#include "tui/screens/layer_pane.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "tui/key.h"
#include "tui/step_rate.h"
#include "tui/text.h"

enum {
    COLUMN_NAME,
    COLUMN_STATE,
    COLUMN_PARAMETERS,
    COLUMN_KIND,
    COLUMN_OUTPUT,
    COLUMN_UPDATE = COLUMN_KIND, /* with figures */
    COLUMN_DRIFT = COLUMN_OUTPUT,
    SPARK_COLUMNS = 6,
};

static const list_column plain_columns[] = {
    {"layer", 0, 16, false, 0}, {"", 1, 0, false, 0},       {"params", 7, 0, true, 0},
    {"kind", 14, 0, false, 2},  {"output", 14, 0, true, 1},
};
static const list_column figure_columns[] = {
    {NULL, 0, 12, false, 0},           {NULL, 1, 0, false, 0}, {NULL, 6, 0, true, 1},
    {NULL, SPARK_COLUMNS, 0, true, 3}, {NULL, 7, 0, true, 2},
};

uint32_t layer_state_glyph(thaw_freeze state, bool ascii) {
    static const uint32_t glyph[] = {[THAW_TRAINABLE] = 0x25cf,
                                     [THAW_STATS_MOVING] = 0x25d0,
                                     [THAW_FROZEN] = 0x2744,
                                     [THAW_MIXED] = 0x25cc};
    static const char plain[] = {
        [THAW_TRAINABLE] = '*', [THAW_STATS_MOVING] = '~', [THAW_FROZEN] = '#', [THAW_MIXED] = '%'};
    return ascii ? (uint32_t)plain[state] : glyph[state];
}

theme_role layer_state_role(thaw_freeze state) {
    static const theme_role role[] = {[THAW_TRAINABLE] = ROLE_TRAINABLE,
                                      [THAW_STATS_MOVING] = ROLE_MOVING,
                                      [THAW_FROZEN] = ROLE_FROZEN,
                                      [THAW_MIXED] = ROLE_MIXED};
    return role[state];
}

const char *layer_state_text(thaw_freeze state, bool has_norm) {
    static const char *const text[][2] = {
        [THAW_TRAINABLE] = {"trainable: its weights move", "trainable: weights and statistics move"},
        [THAW_STATS_MOVING] = {"its weights are frozen", "weights frozen; batch-norm statistics still move"},
        [THAW_FROZEN] = {"frozen: its weights stay bit-identical",
                         "frozen: weights and statistics stay bit-identical"},
        [THAW_MIXED] = {"its layers differ", "its layers differ"},
    };
    return text[state][has_norm];
}

static int subtree_end(const void *user, int index) {
    return thaw_layers_at(user, index)->end;
}

void layer_pane_init(layer_pane *p, app *a) {
    *p = (layer_pane){.a = a, .list = {.anchor = -1}};
}

void layer_pane_clear(layer_pane *p) {
    tree_clear(&p->tree);
}

bool layer_pane_sync(layer_pane *p) {
    thaw_layers *layers = app_layers(p->a);
    if (!layers) {
        tree_clear(&p->tree);
        p->made = false;
        list_set_count(&p->list, 0);
        return false;
    }
    if (!p->made || p->revision != app_layers_revision(p->a)) {
        tree_clear(&p->tree);
        tree_init(&p->tree, thaw_layers_count(layers), subtree_end, layers);
        p->revision = app_layers_revision(p->a);
        p->made = true;
        p->list.anchor = -1;
    }
    list_set_count(&p->list, p->tree.rows);
    return true;
}

int layer_pane_current(const layer_pane *p) {
    return p->list.cursor < p->tree.rows ? p->tree.row[p->list.cursor] : -1;
}

/* ---- drawing ---- */

static void name_text(const layer_pane *p, const thaw_layer_info *info, int node, str *out) {

    bool container = info->end > node + 1;
    str_appendf(out, "%*s%s %s", 2 * info->depth, "",
                !container             ? " "
                : p->tree.folded[node] ? "▸"
                                       : "▾",
                info->name);
}

static void output_text(const thaw_layer_info *info, str *out) {
    for (int i = 0; i < info->output_ndim; i++)
        str_appendf(out, "%s%lld", i ? "×" : "", (long long)info->output[i]);
}

/* The figures of a layer: its own, or for a container the largest among its leaves. */
static const run_layer *figures_of(const layer_pane *p, int node) {
    const thaw_layers *layers = p->tree.user;
    const run_view *v = app_live(p->a);
    const run_layer *most = NULL;
    for (int i = node; i < thaw_layers_at(layers, node)->end; i++) {
        const run_layer *l = run_view_layer(v, thaw_layers_at(layers, i)->path);
        if (l && (!most || !(most->drift >= l->drift))) most = l;
    }
    return most;
}

static void spark_text(const run_layer *l, str *out) {
    static const char *const level[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    const double top = -1, bottom = -5; /* decades of update over weight between which the bars go */
    int first = l->history_count > SPARK_COLUMNS ? l->history_count - SPARK_COLUMNS : 0;
    for (int i = first; i < l->history_count; i++) {
        double value = l->history[i] > 0 ? log10(l->history[i]) : bottom;
        int step = isfinite(value) ? (int)lround((value - bottom) / (top - bottom) * 7) : -1;
        str_append(out, step < 0 ? " " : level[step > 7 ? 7 : step]);
    }
}

static void figure_cell(const layer_pane *p, int node, int column, str *out, theme_role *role) {
    const run_layer *l = figures_of(p, node);
    if (!l) return;
    *role = ROLE_DIM;
    if (column == COLUMN_UPDATE) spark_text(l, out);
    if (column == COLUMN_DRIFT && isfinite(l->drift))
        str_appendf(out, l->drift < 0.1 ? "Δ%.2f %%" : "Δ%.1f %%", l->drift * 100);
}

/* What list_draw hands to cells. */
typedef struct pane_cells {
    const layer_pane *p;
    bool figures, ascii;
} pane_cells;

static void cell(void *user, int row, int column, str *out, theme_role *role) {
    const pane_cells *cells = user;
    const layer_pane *p = cells->p;
    const thaw_layers *layers = p->tree.user;
    int node = p->tree.row[row];
    const thaw_layer_info *info = thaw_layers_at(layers, node);
    thaw_freeze state = thaw_layers_state(layers, node);
    char number[NUMBER_TEXT_MAX], utf8[5];
    switch (column) {
    case COLUMN_NAME:
        name_text(p, info, node, out);
        if (info->parameters == 0) *role = ROLE_DIM;
        break;
    case COLUMN_STATE:
        if (info->parameters == 0) break; /* nothing to freeze */
        text_encode(layer_state_glyph(state, cells->ascii), utf8);
        str_append(out, utf8);
        *role = layer_state_role(state);
        break;
    case COLUMN_PARAMETERS:
        if (info->parameters) str_append(out, text_count((double)info->parameters, number));
        *role = ROLE_DIM;
        break;
    default:
        if (cells->figures) {
            figure_cell(p, node, column, out, role);
            break;
        }
        *role = ROLE_DIM;
        if (column == COLUMN_KIND) str_append(out, info->kind);
        if (column == COLUMN_OUTPUT) output_text(info, out);
    }
}

/* How much of the model trains, in words when there is room for them. */
static char *trainable_note(app *a, int cols) {
    enum { WORDS_COLS = 38 };
    const thaw_layers *layers = app_layers(a);
    char some[NUMBER_TEXT_MAX], all[NUMBER_TEXT_MAX];
    str text = {0};
    if (!layers) return str_take(&text);
    thaw_cost cost = thaw_layers_cost(layers, 1, 1);
    bool words = cols >= WORDS_COLS;
    str_appendf(&text, "%s%s%s%s", text_count((double)cost.trainable, some), words ? " of " : "/",
                text_count((double)cost.parameters, all), words ? " trainable" : "");
    if (app_mask_pending(a)) str_append(&text, " …");
    return str_take(&text);
}

static thaw_cost cost_now(app *a) {
    const thaw_recipe *r = app_recipe(a);
    return thaw_layers_cost(app_layers(a), r->batch_size, step_rate_optimizer_floats(r));
}

/* What it would cost if Space were pressed: tried on the layers, which are then as before. */
static thaw_cost cost_after(app *a, int node) {
    thaw_layers *layers = app_layers(a);
    int end = thaw_layers_at(layers, node)->end;
    thaw_freeze *before = xcalloc((size_t)(end - node), sizeof *before);
    for (int i = node; i < end; i++)
        before[i - node] = thaw_layers_state(layers, i);
    thaw_layers_set(layers, node, layer_next_state(layers, node));
    thaw_cost cost = cost_now(a);
    for (int i = node; i < end; i++)
        if (thaw_layers_at(layers, i)->end == i + 1) thaw_layers_set(layers, i, before[i - node]);
    free(before);
    return cost;
}

/* "step ≈ 5.2 ms  15.6 MB", or the share of training everything while nothing was measured. */
static void cost_line(app *a, canvas *c, rect r, const char *label, const thaw_cost *cost) {
    char time[NUMBER_TEXT_MAX], bytes[NUMBER_TEXT_MAX];
    double seconds = app_step_seconds(a, cost);
    text_bytes((double)cost->memory_bytes, bytes);
    if (isfinite(seconds))
        canvas_textf(c, r.row, r.col, r.cols, ROLE_DIM, "%s ≈ %s  %s", label, text_duration(seconds, time),
                     bytes);
    else
        canvas_textf(c, r.row, r.col, r.cols, ROLE_DIM, "%s %.0f %%  %s", label, cost->relative_step * 100,
                     bytes);
}

/* What the mask costs, and what it would with the layer under the cursor in its next state, in the last rows
 * of the pane. */
static void draw_cost(const layer_pane *p, canvas *c, rect r) {
    thaw_cost cost = cost_now(p->a);
    cost_line(p->a, c, rect_row(r, 0), "step ", &cost);
    int node = layer_pane_current(p);
    bool some = node >= 0 && p->list.anchor < 0 && thaw_layers_at(app_layers(p->a), node)->parameters > 0;
    if (some) {
        thaw_cost after = cost_after(p->a, node);
        cost_line(p->a, c, rect_row(r, 1), "Space", &after);
    }
    if (cost.prefix_cut > 0)
        canvas_textf(c, r.row + 2, r.col, r.cols, ROLE_DIM, "frozen up to %s", cost.prefix_name);
}

void layer_pane_draw(layer_pane *p, canvas *c, const layout *l, bool figures) {
    enum { COST_ROWS = 3, LEAST_ROWS = 10, MARGIN = 1 };
    rect place = l->pane[PANE_LIST];
    if (rect_empty(place)) return;
    bool focus = app_focus(p->a) == PANE_LIST, some = layer_pane_sync(p);
    char *note = trainable_note(p->a, place.cols);
    rect in = canvas_frame(c, place, "layers", note, l->flags[PANE_LIST] | (focus ? FRAME_FOCUS : 0));
    free(note);
    bool cost = some && in.rows >= LEAST_ROWS;
    rect rows = rect_inset(in, 0, 0, cost ? COST_ROWS : 0, 0);
    pane_cells cells = {p, figures, c->ascii};
    const char *problem = app_layers_problem(p->a);
    list_look look = {
        .column = figures ? figure_columns : plain_columns,
        .columns = figures ? (int)(sizeof figure_columns / sizeof *figure_columns)
                           : (int)(sizeof plain_columns / sizeof *plain_columns),
        .cell = cell,
        .user = &cells,
        .focus = focus,
        .empty = *problem ? problem : "No model is chosen yet.\n\nPress 1, pick one, and press Enter.",
    };
    list_draw(&p->list, c, rows, &look);
    if (cost)
        draw_cost(p, c,
                  (rect){in.row + in.rows - COST_ROWS, in.col + MARGIN, COST_ROWS, in.cols - 2 * MARGIN});
}

/* ---- keys ---- */

static void fold_or_leave(layer_pane *p, int node) {
    const thaw_layers *layers = p->tree.user;
    const thaw_layer_info *info = thaw_layers_at(layers, node);
    bool open = info->end > node + 1 && !p->tree.folded[node];
    int to = open ? node : info->parent;
    if (to < 0) return;
    if (open) tree_fold(&p->tree, node, true);
    list_set_count(&p->list, p->tree.rows);
    list_move(&p->list, tree_row_of(&p->tree, to));
}

static void unfold(layer_pane *p, int node) {
    const thaw_layers *layers = p->tree.user;
    if (thaw_layers_at(layers, node)->end == node + 1) return;
    tree_fold(&p->tree, node, false);
    list_set_count(&p->list, p->tree.rows);
}

bool layer_pane_key(layer_pane *p, int key) {
    if (!layer_pane_sync(p)) return false;
    if (list_key(&p->list, key)) return true;
    int node = layer_pane_current(p);
    if (node < 0) return false;
    switch (key) {
    case K_LEFT:
        fold_or_leave(p, node);
        return true;
    case K_RIGHT:
        unfold(p, node);
        return true;
    case K_ENTER:
        if (p->tree.folded[node])
            unfold(p, node);
        else
            fold_or_leave(p, node);
        return true;
    case K_ESC:
        if (p->list.anchor < 0) return false;
        p->list.anchor = -1;
        return true;
    default:
        return false;
    }
}
