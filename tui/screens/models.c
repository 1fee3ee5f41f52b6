/*
 * models.c - the Models tab: the catalog of pretrained weights, sorted and filtered, with details of the one
 * under the cursor. Enter puts it into the recipe.
 *
 * All that is asked for is in the filter's text and the order (model_rows.h); keys like h only edit that
 * text. Whether a file is on this machine is looked up when the tab is shown, not when it is drawn.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "tui/app.h"
#include "tui/key.h"
#include "tui/screens/model_details.h"
#include "tui/screens/model_estimates.h"
#include "tui/screens/model_list.h"
#include "tui/screens/model_rows.h"
#include "tui/widgets/scatter.h"

typedef struct models {
    model_rows rows;
    list list;
    model_details details;
    model_estimates estimates;
    bool shown;          /* once: until then nothing has been opened */
    bool chart_switched; /* the chart is where it is not by default: see chart_rows */
} models;

/* The catalog row under the cursor, or -1. */
static int current(const models *m) {
    return m->list.count ? m->rows.row[m->list.cursor] : -1;
}

/* The rows have changed: KEPT is what the cursor was on. */
static void rearranged(models *m, int kept) {
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
    int at = current(m);
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
        model_details_draw(&m->details, c, inner, &m->rows, &m->estimates, current(m));
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
    int kept = current(m);
    model_rows_arrange(&m->rows);
    rearranged(m, kept);
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
    int kept = current(m);
    m->shown = true;
    if (!m->rows.catalog) open_catalog(a, m);
    if (!m->rows.catalog) return;
    model_estimates_refresh(&m->estimates, a, &m->rows);
    model_rows_locate(&m->rows);
    rearranged(m, kept);
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
static void order_by(app *a, models *m, model_key key, bool reverse) {
    int kept = m->list.cursor ? current(m) : -1;
    m->rows.order = key;
    m->rows.reverse = reverse;
    model_rows_arrange(&m->rows);
    rearranged(m, kept);
    app_redraw(a);
}

/* On a heading: order by it, or the other way round. False: there is none. */
static bool click_heading(app *a, models *m, app_mouse mouse) {
    model_key key = model_list_heading(&m->list, mouse.row, mouse.col);
    if (mouse.button != 1 || key == MODEL_KEY_COUNT) return false;
    order_by(a, m, key, key == m->rows.order && !m->rows.reverse);
    return true;
}

static bool models_key(app *a, void *self, int key) {
    models *m = self;
    if (app_focus(a) == PANE_DETAIL) return facts_key(&m->details.scroll, key);
    int before = current(m);
    app_mouse mouse = app_mouse_at(a);
    if (key == K_MOUSE && click_heading(a, m, mouse)) return true;
    bool taken = key == K_MOUSE ? list_click(&m->list, mouse.row, mouse.col) : list_key(&m->list, key);
    if (!taken) return false;
    if (current(m) != before) m->details.scroll.skip = 0;
    return true;
}

/* ---- actions ---- */

static bool have_model(app *a, void *self) {
    (void)a;
    return current(self) >= 0;
}

/* Put the model under the cursor into the recipe. WEIGHTS: an assignment's value. */
static void choose(app *a, const thaw_weights_info *info, const char *weights) {
    thaw_recipe r;
    if (!info->buildable) {
        app_warn(a, "thaw cannot build %s yet", info->arch);
        return;
    }
    thaw_recipe_copy(app_recipe(a), &r);
    thaw_status status = thaw_recipe_set_text(&r, "model", info->arch);
    if (!thaw_failed(&status)) status = thaw_recipe_set_text(&r, "weights", weights);
    if (thaw_failed(&status))
        app_fail(a, &status);
    else
        app_recipe_replace(a, &r);
    thaw_recipe_clear(&r);
}

static void choose_pretrained(app *a, const thaw_weights_info *info) {
    choose(a, info, info->name);
    app_say(a, "%s with %s is chosen. 2: choose images, 3: its layers", info->arch, info->name);
}

static void choose_random(app *a, const thaw_weights_info *info) {
    choose(a, info, "none");
    if (info->buildable) app_say(a, "%s from random weights is chosen", info->arch);
}

static void do_choose(app *a, void *self, const char *argument) {
    models *m = self;
    const thaw_weights_info *info = thaw_catalog_at(m->rows.catalog, current(m));
    app_get_params get = {.info = info, .fetched = choose_pretrained, .instead = choose_random};
    (void)argument;
    if (info->buildable && m->rows.facts[current(m)].here) {
        choose_pretrained(a, info);
        return;
    }
    if (info->buildable && app_get(a, &get)) return;
    choose(a, info, info->name);
    if (info->buildable)
        app_warn(a, "%s is chosen, but %s is not on this machine; r takes random weights instead", info->arch,
                 info->file);
}

static void do_random(app *a, void *self, const char *argument) {
    const models *m = self;
    const thaw_weights_info *info = thaw_catalog_at(m->rows.catalog, current(m));
    (void)argument;
    choose_random(a, info);
}

static void filter_changed(app *a, void *user, const char *text) {
    models *m = user;
    int kept = current(m);
    model_rows_filter(&m->rows, text);
    rearranged(m, kept);
    app_redraw(a);
}

static thaw_status filter_accepted(app *a, void *user, const char *text) {
    models *m = user;
    filter_changed(a, user, text);
    return m->rows.problem ? thaw_error(THAW_ERR_USAGE, "%s", m->rows.problem) : thaw_ok();
}

static void filter_cancelled(app *a, void *user) {
    filter_changed(a, user, "");
}

/* Words for the last term, each after what stands before it. */
static void filter_complete(app *a, void *user, const char *text, str *out) {
    (void)a;
    (void)user;
    str words = {0};
    size_t before = strlen(text);
    while (before && text[before - 1] != ' ' && text[before - 1] != '!')
        before--;
    if (text[before]) model_filter_complete(text + before, &words);
    for (const char *word = str_text(&words); *word; word += strcspn(word, "\n") + 1) {
        str_append_n(out, text, before);
        str_append_n(out, word, strcspn(word, "\n") + 1);
    }
    str_clear(&words);
}

static void do_filter(app *a, void *self, const char *argument) {
    models *m = self;
    if (argument) {
        filter_changed(a, m, argument);
        if (m->rows.problem) app_warn(a, "%s", m->rows.problem);
        return;
    }
    prompt_params ask = {
        .label = "show",
        .initial = m->rows.filter,
        .hint = "acc>75 params<30M cached, part of a name",
        .accept = filter_accepted,
        .changed = filter_changed,
        .cancelled = filter_cancelled,
        .complete = filter_complete,
        .user = m,
    };
    app_prompt(a, &ask);
}

static bool is_filtered(app *a, void *self) {
    (void)a;
    return model_rows_filtered(&((models *)self)->rows);
}

static void do_show_all(app *a, void *self, const char *argument) {
    (void)argument;
    filter_changed(a, self, "");
}

static void next_order(app *a, models *m, int step) {
    order_by(a, m, model_rows_next_order(&m->rows, step), false);
}

static void do_sort(app *a, void *self, const char *argument) {
    models *m = self;
    model_key key = MODEL_BY_NAME;
    thaw_status status = argument ? model_key_parse(argument, &key) : thaw_ok();
    if (thaw_failed(&status))
        app_fail(a, &status);
    else if (argument)
        order_by(a, m, key, false);
    else
        next_order(a, m, 1);
}

static void do_sort_left(app *a, void *self, const char *argument) {
    (void)argument;
    next_order(a, self, -1);
}

static void do_reverse(app *a, void *self, const char *argument) {
    models *m = self;
    (void)argument;
    order_by(a, m, m->rows.order, !m->rows.reverse);
}

static void toggle_term(app *a, models *m, const char *word) {
    char *text = model_filter_toggle(m->rows.filter ? m->rows.filter : "", word);
    filter_changed(a, m, text);
    free(text);
}

static void do_here(app *a, void *self, const char *argument) {
    (void)argument;
    toggle_term(a, self, "cached");
}

static void do_chart(app *a, void *self, const char *argument) {
    models *m = self;
    (void)argument;
    m->chart_switched = !m->chart_switched;
    app_redraw(a);
}

static void do_fits(app *a, void *self, const char *argument) {
    (void)argument;
    toggle_term(a, self, "fits");
}

static bool is_getting(app *a, void *self) {
    (void)self;
    return app_getting(a);
}

static void do_stop_getting(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    app_get_stop(a);
}

static const action actions[] = {
    {"choose-model", "Enter", "choose",
     "put the model under the cursor into the recipe; fetch its weights first when they are not here", NULL,
     have_model, do_choose},
    {"random-weights", "r", "random weights", "choose the model, but begin from random weights", NULL,
     have_model, do_random},
    {"filter", "/", "filter",
     "show the models that meet every term: part of a name, acc>75 params<30M gflops<5 size<100M input<300, "
     "memory<4G, family:resnet, cached, default, fits, tight, toobig; !TERM: those that do not. Tab "
     "completes",
     "TERMS", NULL, do_filter},
    {"sort", "s >", "sort", "sort by the next column: its heading gets an arrow", "KEY", NULL, do_sort},
    {"sort-back", "<", NULL, "sort by the column before", NULL, NULL, do_sort_left},
    {"reverse", "S I", NULL, "sort the other way round", NULL, NULL, do_reverse},
    {"here", "h", "here", "add to the filter that the file is on this machine, or take it out", NULL, NULL,
     do_here},
    {"fits", "f", "fits",
     "add to the filter that training it by the recipe fits the memory, or take it out; ~ in the list is "
     "tight, ! too big",
     NULL, NULL, do_fits},
    {"chart", "g", "chart",
     "show accuracy over operations, or take it away; what the filter leaves out is dim", NULL, NULL,
     do_chart},
    {"show-all", "Esc", NULL, "show all models again", NULL, is_filtered, do_show_all},
    {"stop-fetching", "Esc", NULL, "stop fetching weights; what has come is kept", NULL, is_getting,
     do_stop_getting},
};

const screen screen_models = {
    .title = "Models",
    .form = LAYOUT_LIST,
    .actions = actions,
    .action_count = sizeof actions / sizeof actions[0],
    .init = models_init,
    .free = models_free,
    .show = models_show,
    .draw = models_draw,
    .key = models_key,
    .changed = models_changed,
};
