/*
 * mask_forecast.c - see mask_forecast.h. Rows are figures and columns are masks: the one in force, as
 * measured; the one under edit; and that with the next press of Space.
 */
#include "tui/screens/mask_forecast.h"

#include <math.h>
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "thaw/memory.h"
#include "tui/step_rate.h"

mask_forecast mask_forecast_now(app *a) {
    const thaw_recipe *r = app_recipe(a);
    mask_forecast f = {.cost = thaw_layers_cost(app_layers(a), r->batch_size, step_rate_optimizer_floats(r))};
    f.seconds = app_step_seconds(a, &f.cost);
    f.memory = (double)thaw_memory_of(app_layers(a), r).total;
    return f;
}

static bool any_parameters(const thaw_layers *layers, const int *nodes, int count) {
    bool any = false;
    for (int i = 0; i < count && !any; i++)
        any = thaw_layers_at(layers, nodes[i])->parameters > 0;
    return any;
}

bool mask_forecast_after(app *a, const layer_pane *p, mask_forecast *out) {
    thaw_layers *layers = app_layers(a);
    int all = thaw_layers_count(layers), count, *nodes = layer_selection(p, &count);
    bool some = any_parameters(layers, nodes, count);
    if (some) {
        thaw_freeze *before = xcalloc((size_t)all, sizeof *before);
        for (int i = 0; i < all; i++)
            before[i] = thaw_layers_state(layers, i);
        layer_set_nodes(layers, nodes, count, layer_next_state(layers, nodes[0]));
        *out = mask_forecast_now(a);
        for (int i = 0; i < all; i++)
            if (thaw_layers_at(layers, i)->end == i + 1) thaw_layers_set(layers, i, before[i]);
        free(before);
    }
    free(nodes);
    return some;
}

/* ---- the table ---- */

enum { LABEL_COLUMNS = 9, CELL_LEAST = 8, CELL_MOST = 12, CELLS_MAX = 3 };

typedef struct cells {
    char *text[CELLS_MAX];
    int count;
} cells;

static void add(cells *row, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(cells *row, const char *format, ...) {
    va_list args;
    va_start(args, format);
    row->text[row->count++] = xvasprintf(format, args);
    va_end(args);
}

/* Columns of a cell where COUNT of them share the pane. */
static int cell_columns(const facts *f, int count) {
    int each = (f->r.cols - LABEL_COLUMNS) / count - 1;
    return each < CELL_LEAST ? CELL_LEAST : each > CELL_MOST ? CELL_MOST : each;
}

/* The row, freed; the columns that there is room for. */
static void draw_row(facts *f, const char *label, theme_role role, cells *row) {
    rect r = facts_room(f, 1);
    int width = cell_columns(f, row->count);
    canvas_text(f->c, r.row, r.col, LABEL_COLUMNS, label, ROLE_DIM);
    for (int i = 0; i < row->count; i++) {
        int col = LABEL_COLUMNS + i * (width + 1) + 1;
        if (col + width <= r.cols) canvas_text_right(f->c, r.row, r.col + col, width, row->text[i], role);
        free(row->text[i]);
    }
}

static void add_step(cells *row, const mask_forecast *m, const char *about) {
    char text[NUMBER_TEXT_MAX];
    if (isfinite(m->seconds))
        add(row, "%s%s", about, text_duration(m->seconds, text));
    else
        add(row, "%.0f %%", m->cost.relative_step * 100);
}

static void add_memory(cells *row, double bytes, const char *about) {
    char text[NUMBER_TEXT_MAX];
    if (isfinite(bytes))
        add(row, "%s%s", about, text_bytes(bytes, text));
    else
        add(row, "?");
}

static void add_count(cells *row, int64_t parameters) {
    char text[NUMBER_TEXT_MAX];
    add(row, "%s", text_count((double)parameters, text));
}

void mask_forecast_draw(facts *f, app *a, const layer_pane *p) {
    enum { ROOMY = 10 };
    const run_view *v = app_live(a);
    bool on = app_busy(a) && v->begun && v->step_seconds > 0;
    mask_forecast now = mask_forecast_now(a), after;
    bool some = mask_forecast_after(a, p, &after);
    char text[NUMBER_TEXT_MAX];
    int count = 1 + on + some;
    bool roomy = cell_columns(f, count) >= ROOMY;
    const char *about = roomy ? "≈ " : "", *mask = app_mask_unsent(a) ? "held back" : "this mask";
    cells head = {0}, step = {0}, memory = {0}, trains = {0};
    if (on) {
        add(&head, "measured");
        add(&step, "%s", text_duration(v->step_seconds * (1 - v->data_wait), text));
        add_memory(&memory, app_run_memory(a), "");
        add_count(&trains, v->trainable);
    }
    add(&head, "%s", roomy ? mask : app_mask_unsent(a) ? "held" : "this");
    add_step(&step, &now, about);
    add_memory(&memory, now.memory, about);
    add_count(&trains, now.cost.trainable);
    if (some) {
        add(&head, roomy ? "with Space" : "Space");
        add_step(&step, &after, about);
        add_memory(&memory, after.memory, about);
        add_count(&trains, after.cost.trainable);
    }
    draw_row(f, "", ROLE_HEADING, &head);
    draw_row(f, "a step", ROLE_TEXT, &step);
    draw_row(f, "memory", ROLE_TEXT, &memory);
    draw_row(f, "trainable", ROLE_TEXT, &trains);
}
