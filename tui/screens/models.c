/*
 * models.c - the Models tab: the catalog of pretrained weights, sorted and filtered, with details of the one
 * under the cursor. Enter puts it into the recipe.
 *
 * What its keys do is in models_actions.c. Whether a file is on this machine is looked up when the tab is
 * shown, not when it is drawn.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "tui/app.h"
#include "tui/key.h"
#include "tui/screens/model_list.h"
#include "tui/screens/models.h"
#include "tui/widgets/scatter.h"

int models_current(const models *m) {
    return m->list.count ? m->rows.row[m->list.cursor] : -1;
}

void models_rearranged(models *m, int kept) {
    list_set_count(&m->list, m->rows.count);
    for (int i = 0; i < m->rows.count; i++)
        if (m->rows.row[i] == kept) list_move(&m->list, i);
}

static const char *why_empty(const models *m) {
    if (m->rows.problem) return m->rows.problem;
    if (m->rows.catalog) return "No model is like that. Esc shows all of them again.";
    return m->shown ? "The catalog could not be opened; `thaw doctor` says why." : "";
}

static void draw_list(app *a, models *m, canvas *c, const layout *l) {
    if (rect_empty(l->pane[PANE_LIST])) return;
    bool focus = app_focus(a) == PANE_LIST;
    str note = {0};
    if (m->shown) str_appendf(&note, "%d of %d", m->rows.count, m->rows.catalog_count);
    if (model_rows_filtered(&m->rows)) str_appendf(&note, "  / %s", m->rows.filter);
    rect inner = canvas_frame(c, l->pane[PANE_LIST], "Models", str_text(&note),
                              l->flags[PANE_LIST] | (focus ? FRAME_FOCUS : 0));
    str_clear(&note);
    model_list_draw(&m->list, c, inner, &m->rows, focus, why_empty(m));
}

/* Accuracy over operations, the model under the cursor marked. */
static void draw_chart(app *a, const models *m, canvas *c, rect r) {
    scatter_point *point = xcalloc((size_t)m->rows.catalog_count + 1, sizeof *point);
    int at = models_current(m);
    for (int i = 0; i < m->rows.catalog_count; i++)
        point[i] = (scatter_point){.x = model_figure(&m->rows.facts[i], MODEL_BY_OPERATIONS),
                                   .y = model_figure(&m->rows.facts[i], MODEL_BY_ACCURACY),
                                   .chosen = model_rows_lists(&m->rows, i)};
    scatter s = {
        .point = point,
        .count = m->rows.catalog_count,
        .marked = at,
        .name = at >= 0 ? m->rows.facts[at].info->arch : NULL,
        .x_name = model_key_heading(MODEL_BY_OPERATIONS),
        .raster = (raster_kind)app_raster(a),
    };
    scatter_draw(&s, c, r);
    free(point);
}

/* The chart goes below the details where both have room; elsewhere `g` puts it in their place. */
static int chart_rows(const models *m, rect room) {
    enum { BOTH_LEAST = 30, CHART_LEAST = 12, CHART_MOST = 22 };
    if (room.rows < BOTH_LEAST) return m->chart_switched ? room.rows : 0;
    int rows = room.rows * 2 / 5;
    if (m->chart_switched) return 0;
    return rows < CHART_LEAST ? CHART_LEAST : rows > CHART_MOST ? CHART_MOST : rows;
}

static void draw_details(app *a, models *m, canvas *c, const layout *l) {
    rect details = l->pane[PANE_DETAIL], chart = details;
    if (rect_empty(details)) return;
    int focus = app_focus(a) == PANE_DETAIL ? FRAME_FOCUS : 0, flags = l->flags[PANE_DETAIL];
    chart.rows = chart_rows(m, details);
    details.rows -= chart.rows;
    chart.row += details.rows;
    bool both = details.rows && chart.rows;
    if (details.rows) {
        rect inner = canvas_frame(c, details, "Details", NULL, flags | focus | (both ? FRAME_NO_BOTTOM : 0));
        model_details_draw(&m->details, c, inner, &m->rows, &m->estimates, models_current(m));
    }
    if (chart.rows) {
        rect inner = canvas_frame(c, chart, "Accuracy", both ? NULL : "g: details",
                                  flags | focus | (both ? FRAME_JOINED : 0));
        draw_chart(a, m, c, rect_inset(inner, 0, 1, 0, 1));
    }
}

/* ---- the screen ---- */

/* Memory is known now, which the order or the filter may go by. */
static void estimates_arrived(void *user) {
    models *m = user;
    int kept = models_current(m);
    model_rows_arrange(&m->rows);
    models_rearranged(m, kept);
}

static void *models_init(app *a) {
    (void)a;
    models *m = xcalloc(1, sizeof *m);
    m->list.anchor = -1;
    model_details_init(&m->details);
    model_estimates_init(&m->estimates, estimates_arrived, m);
    return m;
}

static void models_free(void *self) {
    models *m = self;
    model_estimates_clear(&m->estimates);
    model_rows_clear(&m->rows);
    model_details_clear(&m->details);
    free(m);
}

/* Keys pressed before the catalog was opened may have set a filter. */
static void open_catalog(app *a, models *m) {
    char *filter = xstrdup(m->rows.filter ? m->rows.filter : "");
    model_rows_clear(&m->rows);
    model_rows_init(&m->rows, app_catalog(a));
    model_rows_filter(&m->rows, filter);
    free(filter);
}

static void models_show(app *a, void *self) {
    models *m = self;
    int kept = models_current(m);
    m->shown = true;
    if (!m->rows.catalog) open_catalog(a, m);
    if (!m->rows.catalog) return;
    model_estimates_refresh(&m->estimates, a, &m->rows);
    model_rows_locate(&m->rows);
    models_rearranged(m, kept);
}

/* The recipe may be another; while the tab is not to be seen that can wait. */
static void models_changed(app *a, void *self) {
    models *m = self;
    if (app_current(a) == SCREEN_MODELS && m->rows.catalog)
        model_estimates_refresh(&m->estimates, a, &m->rows);
}

static void models_draw(app *a, void *self, canvas *c, const layout *l) {
    draw_list(a, self, c, l);
    draw_details(a, self, c, l);
}

/* The cursor stays with its model, unless it is at the top: then what comes first now is wanted. */
void models_order_by(app *a, models *m, model_key key, bool reverse) {
    int kept = m->list.cursor ? models_current(m) : -1;
    m->rows.order = key;
    m->rows.reverse = reverse;
    model_rows_arrange(&m->rows);
    models_rearranged(m, kept);
    app_redraw(a);
}

/* On a heading: order by it, or the other way round. False: there is none. */
static bool click_heading(app *a, models *m, app_mouse mouse) {
    model_key key = model_list_heading(&m->list, mouse.row, mouse.col);
    if (mouse.button != 1 || key == MODEL_KEY_COUNT) return false;
    models_order_by(a, m, key, key == m->rows.order && !m->rows.reverse);
    return true;
}

static bool models_key(app *a, void *self, int key) {
    models *m = self;
    if (app_focus(a) == PANE_DETAIL) return facts_key(&m->details.scroll, key);
    int before = models_current(m);
    app_mouse mouse = app_mouse_at(a);
    if (key == K_MOUSE && click_heading(a, m, mouse)) return true;
    bool taken = key == K_MOUSE ? list_click(&m->list, mouse.row, mouse.col) : list_key(&m->list, key);
    if (!taken) return false;
    if (models_current(m) != before) m->details.scroll.skip = 0;
    return true;
}

const screen screen_models = {
    .title = "Models",
    .form = LAYOUT_LIST,
    .actions = models_actions,
    .action_count = MODELS_ACTIONS,
    .init = models_init,
    .free = models_free,
    .show = models_show,
    .draw = models_draw,
    .key = models_key,
    .changed = models_changed,
};
