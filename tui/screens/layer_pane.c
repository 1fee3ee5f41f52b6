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
#include "tui/screens/mask_forecast.h"
#include "tui/text.h"

typedef enum pane_column {
    COLUMN_NAME,
    COLUMN_STATE,
    COLUMN_PARAMETERS,
    COLUMN_UPDATE, /* this and the next three: what the run measured */
    COLUMN_DRIFT,
    COLUMN_GRADIENT,
    COLUMN_STATISTICS,
    COLUMN_KIND,
    COLUMN_OUTPUT,
    COLUMN_COUNT
} pane_column;

enum { STRIP_LEAST = 6, STRIP_MOST = 32, HEADING_ROWS = 16, RANK_LATER = 4 };

/* Indices into it are pane_column; the strip's width follows from the pane's. */
static const list_column columns_of_pane[COLUMN_COUNT] = {
    [COLUMN_NAME] = {"layer", 0, 12, false, 0},      [COLUMN_STATE] = {"", 1, 0, false, 0},
    [COLUMN_PARAMETERS] = {"params", 6, 0, true, 1}, [COLUMN_UPDATE] = {"update", STRIP_LEAST, 0, true, 1},
    [COLUMN_DRIFT] = {"drift", 7, 0, true, 2},       [COLUMN_GRADIENT] = {"grad", 7, 0, true, 7},
    [COLUMN_STATISTICS] = {"stats", 6, 0, true, 8},  [COLUMN_KIND] = {"kind", 14, 0, false, 6},
    [COLUMN_OUTPUT] = {"output", 14, 0, true, 5},
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
    layer_figures_clear(&p->figures);
    layer_select_none(p);
}

bool layer_pane_sync(layer_pane *p) {
    thaw_layers *layers = app_layers(p->a);
    if (!layers) {
        tree_clear(&p->tree);
        p->made = false;
        layer_select_none(p);
        list_set_count(&p->list, 0);
        return false;
    }
    if (!p->made || p->revision != app_layers_revision(p->a)) {
        tree_clear(&p->tree);
        tree_init(&p->tree, thaw_layers_count(layers), subtree_end, layers);
        p->revision = app_layers_revision(p->a);
        p->made = true;
        layer_select_none(p);
    }
    list_set_count(&p->list, p->tree.rows);
    return true;
}

int layer_pane_current(const layer_pane *p) {
    return p->list.cursor < p->tree.rows ? p->tree.row[p->list.cursor] : -1;
}

/* A share of the pretrained weights' size, in seven columns: a head from random ones goes far beyond 1. */
static void write_drift(str *out, double drift) {
    if (drift < 10)
        str_appendf(out, drift < 0.1 ? "Δ%.2f %%" : drift < 1 ? "Δ%.1f %%" : "Δ%.0f %%", drift * 100);
    else
        str_appendf(out, "Δ%.0f×", drift);
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

static void figure_cell(const layer_pane *p, int node, pane_column column, int width, bool ascii, str *out,
                        theme_role *role) {
    const thaw_layers *layers = p->tree.user;
    const run_layers *run = &app_live(p->a)->layers;
    layer_figure f = layer_figures_at(&p->figures, layers, run, node);
    *role = ROLE_DIM;
    switch (column) {
    case COLUMN_UPDATE:
        if (thaw_layers_state(layers, node) != THAW_FROZEN) *role = layer_heat_role(f.update_ratio);
        layer_figures_strip(&p->figures, layers, run, node, width, ascii, out);
        break;
    case COLUMN_DRIFT:
        if (isfinite(f.drift)) write_drift(out, f.drift);
        break;
    case COLUMN_GRADIENT:
        if (isfinite(f.grad_ratio)) str_appendf(out, "%.1e", f.grad_ratio);
        break;
    default:
        if (isfinite(f.norm_drift)) str_appendf(out, "%.2fσ", f.norm_drift);
    }
}

/* What list_draw hands to cells. */
typedef struct pane_cells {
    const layer_pane *p;
    pane_column column[COLUMN_COUNT]; /* of the list's */
    list_column look[COLUMN_COUNT];
    int columns;
    bool ascii, plain; /* nothing else; no glyphs but those for boxes */
} pane_cells;

static void add_column(pane_cells *cells, pane_column column) {
    cells->look[cells->columns] = columns_of_pane[column];
    cells->column[cells->columns++] = column;
}

/* Columns that do not fit are left out by the list. */
static void choose_columns(pane_cells *cells, rect r, bool run_first) {
    bool measured = app_live(cells->p->a)->layers.count > 0;
    int strip = r.cols / 5;
    for (pane_column c = COLUMN_NAME; c < (run_first ? COLUMN_KIND : COLUMN_COUNT); c++)
        if (measured || run_first || c < COLUMN_UPDATE || c > COLUMN_STATISTICS) add_column(cells, c);
    for (int i = 0; i < cells->columns; i++) {
        if (cells->column[i] == COLUMN_UPDATE && strip > STRIP_LEAST)
            cells->look[i].width = strip < STRIP_MOST ? strip : STRIP_MOST;
        if (cells->column[i] == COLUMN_PARAMETERS && measured) cells->look[i].rank = RANK_LATER;
        if (r.rows < HEADING_ROWS) cells->look[i].title = NULL;
    }
}

static void cell(void *user, int row, int column, str *out, theme_role *role) {
    const pane_cells *cells = user;
    const layer_pane *p = cells->p;
    const thaw_layers *layers = p->tree.user;
    int node = p->tree.row[row];
    const thaw_layer_info *info = thaw_layers_at(layers, node);
    thaw_freeze state = thaw_layers_state(layers, node);
    char number[NUMBER_TEXT_MAX], utf8[5];
    switch (cells->column[column]) {
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
    case COLUMN_KIND:
        str_append(out, info->kind);
        *role = ROLE_DIM;
        break;
    case COLUMN_OUTPUT:
        output_text(info, out);
        *role = ROLE_DIM;
        break;
    default:
        figure_cell(p, node, cells->column[column], p->list.fitted[column], cells->plain, out, role);
    }
}

/* How much of the model trains, in words when there is room for them. */
static char *trainable_note(const layer_pane *p, int cols) {
    enum { WORDS_COLS = 38 };
    app *a = p->a;
    const thaw_layers *layers = app_layers(a);
    char some[NUMBER_TEXT_MAX], all[NUMBER_TEXT_MAX];
    str text = {0};
    if (!layers) return str_take(&text);
    if (p->picked_count) { /* while it lasts, that is what one looks at */
        str_appendf(&text, "%d selected", p->picked_count);
        return str_take(&text);
    }
    thaw_cost cost = thaw_layers_cost(layers, 1, 1);
    bool words = cols >= WORDS_COLS;
    str_appendf(&text, "%s%s%s%s", text_count((double)cost.trainable, some), words ? " of " : "/",
                text_count((double)cost.parameters, all), words ? " trainable" : "");
    if (app_mask_pending(a)) str_append(&text, " …");
    return str_take(&text);
}

/* "step ≈ 5.2 ms  215 MB", or the share of training everything while nothing was measured. */
static void cost_line(canvas *c, rect r, const char *label, const mask_forecast *m) {
    char time[NUMBER_TEXT_MAX], bytes[NUMBER_TEXT_MAX];
    text_bytes(m->memory, bytes);
    if (isfinite(m->seconds))
        canvas_textf(c, r.row, r.col, r.cols, ROLE_DIM, "%s ≈ %s  %s", label, text_duration(m->seconds, time),
                     bytes);
    else
        canvas_textf(c, r.row, r.col, r.cols, ROLE_DIM, "%s %.0f %%  %s", label, m->cost.relative_step * 100,
                     bytes);
}

/* What the mask costs, and what it would with the layer under the cursor in its next state, in the last rows
 * of the pane. */
static void draw_cost(const layer_pane *p, canvas *c, rect r) {
    mask_forecast now = mask_forecast_now(p->a);
    cost_line(c, rect_row(r, 0), "step ", &now);
    mask_forecast after;
    if (mask_forecast_after(p->a, p, &after)) cost_line(c, rect_row(r, 1), "Space", &after);
    if (app_mask_unsent(p->a))
        canvas_text(c, r.row + 2, r.col, r.cols, "held back: H sends it to the run", ROLE_WARN);
    else if (app_mask_held(p->a))
        canvas_text(c, r.row + 2, r.col, r.cols, "edits are held back from the run", ROLE_DIM);
    else if (now.cost.prefix_cut > 0)
        canvas_textf(c, r.row + 2, r.col, r.cols, ROLE_DIM, "frozen up to %s", now.cost.prefix_name);
}

/* Has NODE been selected by a glob, or what is folded away in it? */
static bool shows_picked(const layer_pane *p, int node) {
    int end = p->tree.folded[node] ? subtree_end(p->tree.user, node) : node + 1;
    bool picked = false;
    for (int i = node; i < end && !picked; i++)
        picked = p->picked[i];
    return picked;
}

/* What a glob has selected looks as a range does. */
static void ground_picked(const layer_pane *p, canvas *c) {
    rect area = p->list.area;
    for (int i = 0; p->picked_count && i < area.rows && p->list.top + i < p->tree.rows; i++) {
        int row = p->list.top + i;
        if (row != p->list.cursor && shows_picked(p, p->tree.row[row]))
            canvas_ground(c, rect_row(area, i), ROLE_SELECTED);
    }
}

void layer_pane_draw(layer_pane *p, canvas *c, const layout *l, bool figures) {
    enum { COST_ROWS = 3, LEAST_ROWS = 10, MARGIN = 1 };
    rect place = l->pane[PANE_LIST];
    if (rect_empty(place)) return;
    bool focus = app_focus(p->a) == PANE_LIST, some = layer_pane_sync(p);
    char *note = trainable_note(p, place.cols);
    rect in = canvas_frame(c, place, "layers", note, l->flags[PANE_LIST] | (focus ? FRAME_FOCUS : 0));
    free(note);
    bool cost = some && in.rows >= LEAST_ROWS;
    rect rows = rect_inset(in, 0, 0, cost ? COST_ROWS : 0, 0);
    pane_cells cells = {.p = p, .ascii = c->ascii, .plain = c->ascii || c->box};
    choose_columns(&cells, rows, figures);
    if (some) layer_figures_sync(&p->figures, app_layers(p->a), p->revision, &app_live(p->a)->layers);
    const char *problem = app_layers_problem(p->a);
    list_look look = {
        .column = cells.look,
        .columns = cells.columns,
        .cell = cell,
        .user = &cells,
        .focus = focus,
        .empty =
            *problem
                ? problem
                : "No model is chosen yet.\n\nPress 1, pick one, and press Enter; or B for the bundled demo.",
    };
    list_draw(&p->list, c, rows, &look);
    ground_picked(p, c);
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
        if (p->list.anchor < 0 && !p->picked_count) return false;
        layer_select_none(p);
        return true;
    default:
        return false;
    }
}
