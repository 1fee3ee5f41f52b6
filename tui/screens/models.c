/*
 * models.c - the Models tab: the catalog of pretrained weights, sorted and filtered, with details of the one
 * under the cursor. Enter puts it into the recipe.
 *
 * All that is asked for is in the filter's text and the order (model_rows.h); keys like h only edit that
 * text. Whether a file is on this machine is looked up when the tab is shown, not when it is drawn.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "tui/app.h"
#include "tui/key.h"
#include "tui/screens/model_details.h"
#include "tui/screens/model_rows.h"
#include "tui/widgets/list.h"

typedef struct models {
    model_rows rows;
    list list;
    model_details details;
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

/* ---- the list ---- */

enum {
    COLUMN_MARK,
    COLUMN_MODEL,
    COLUMN_WEIGHTS,
    COLUMN_FAMILY,
    COLUMN_PARAMS,
    COLUMN_GMACS,
    COLUMN_TOP1,
    COLUMN_MB,
    COLUMN_WHERE,
    COLUMNS
};

static const list_column columns[COLUMNS] = {
    [COLUMN_MARK] = {"", 1, 0, false, 0},       [COLUMN_MODEL] = {NULL, 0, 14, false, 0},
    [COLUMN_WEIGHTS] = {NULL, 22, 0, false, 5}, [COLUMN_FAMILY] = {NULL, 12, 0, false, 7},
    [COLUMN_PARAMS] = {NULL, 7, 0, true, 1},    [COLUMN_GMACS] = {NULL, 7, 0, true, 2},
    [COLUMN_TOP1] = {NULL, 6, 0, true, 0},      [COLUMN_MB] = {NULL, 7, 0, true, 4},
    [COLUMN_WHERE] = {NULL, 8, 0, false, 6},
};

/* What each column shows; the mark has no heading. */
static const model_key column_key[COLUMNS] = {
    [COLUMN_MARK] = MODEL_KEY_COUNT,       [COLUMN_MODEL] = MODEL_BY_NAME,
    [COLUMN_WEIGHTS] = MODEL_BY_WEIGHTS,   [COLUMN_FAMILY] = MODEL_BY_FAMILY,
    [COLUMN_PARAMS] = MODEL_BY_PARAMETERS, [COLUMN_GMACS] = MODEL_BY_OPERATIONS,
    [COLUMN_TOP1] = MODEL_BY_ACCURACY,     [COLUMN_MB] = MODEL_BY_SIZE,
    [COLUMN_WHERE] = MODEL_BY_CACHED,
};

static void append_figure(str *out, int decimals, double value) {
    if (isnan(value))
        str_append(out, "-");
    else
        str_appendf(out, "%.*f", decimals, value);
}

/* "V2" of "IMAGENET1K_V2": what tells the weights of one architecture apart. */
static const char *version_of(const char *name) {
    const char *bar = strchr(name, '_');
    return bar ? bar + 1 : name;
}

static void cell(void *user, int row, int column, str *out, theme_role *role) {
    const models *m = user;
    int index = m->rows.row[row];
    const thaw_weights_info *info = thaw_catalog_at(m->rows.catalog, index);
    char buffer[NUMBER_TEXT_MAX];
    if (!info->buildable) *role = ROLE_DIM;
    switch (column) {
    case COLUMN_MARK:
        str_append(out, !info->buildable ? "-" : m->rows.path[index] ? "+" : "");
        break;
    case COLUMN_MODEL:
        str_append(out, info->arch);
        if (model_rows_ambiguous(&m->rows, index)) str_appendf(out, " %s", version_of(info->name));
        break;
    case COLUMN_WEIGHTS:
        str_appendf(out, "%s%s", info->name, info->is_default ? " *" : "");
        break;
    case COLUMN_FAMILY:
        str_append(out, info->family ? info->family : "-");
        break;
    case COLUMN_PARAMS:
        str_append(out, text_count((double)info->parameters, buffer));
        break;
    case COLUMN_GMACS:
        append_figure(out, 2, info->gflops);
        break;
    case COLUMN_TOP1:
        append_figure(out, 1, info->acc1);
        break;
    case COLUMN_MB:
        append_figure(out, 1, info->file_size_mb);
        break;
    case COLUMN_WHERE:
        if (!info->buildable) {
            str_append(out, "not yet");
        } else if (m->rows.path[index]) {
            str_append(out, info->bundled ? "bundled" : "here");
            *role = ROLE_GOOD;
        }
        break;
    }
}

/* The columns with their headings: that of the order has an arrow, and is there however narrow the pane is.
 * HEADING: room for the texts. */
static void head_columns(const models *m, list_column out[COLUMNS], str heading[COLUMNS]) {
    for (int i = 0; i < COLUMNS; i++) {
        out[i] = columns[i];
        if (column_key[i] == MODEL_KEY_COUNT) continue;
        str_append(&heading[i], model_key_heading(column_key[i]));
        if (column_key[i] == m->rows.order) {
            bool falls = model_key_descends(m->rows.order) != m->rows.reverse;
            str_append(&heading[i], falls ? "▼" : "▲");
            out[i].rank = 0;
        }
        out[i].title = str_text(&heading[i]);
    }
}

static void draw_list(app *a, models *m, canvas *c, const layout *l) {
    if (rect_empty(l->pane[PANE_LIST])) return;
    bool focus = app_focus(a) == PANE_LIST;
    str note = {0}, heading[COLUMNS] = {0};
    list_column headed[COLUMNS];
    str_appendf(&note, "%d of %d", m->rows.count, m->rows.catalog_count);
    if (model_rows_filtered(&m->rows)) str_appendf(&note, "  / %s", m->rows.filter);
    rect inner = canvas_frame(c, l->pane[PANE_LIST], "Models", str_text(&note),
                              l->flags[PANE_LIST] | (focus ? FRAME_FOCUS : 0));
    str_clear(&note);
    head_columns(m, headed, heading);
    list_look look = {
        .column = headed,
        .columns = COLUMNS,
        .cell = cell,
        .user = m,
        .focus = focus,
        .empty = m->rows.problem   ? m->rows.problem
                 : m->rows.catalog ? "No model is like that. Esc shows all of them again."
                                   : "The catalog could not be opened; `thaw doctor` says why.",
    };
    list_draw(&m->list, c, inner, &look);
    for (int i = 0; i < COLUMNS; i++)
        str_clear(&heading[i]);
}

static void draw_details(app *a, models *m, canvas *c, const layout *l) {
    if (rect_empty(l->pane[PANE_DETAIL])) return;
    bool focus = app_focus(a) == PANE_DETAIL;
    rect inner = canvas_frame(c, l->pane[PANE_DETAIL], "Details", NULL,
                              l->flags[PANE_DETAIL] | (focus ? FRAME_FOCUS : 0));
    model_details_draw(&m->details, c, inner, &m->rows, current(m));
}

/* ---- the screen ---- */

static void *models_init(app *a) {
    (void)a;
    models *m = xcalloc(1, sizeof *m);
    m->list.anchor = -1;
    model_details_init(&m->details);
    return m;
}

static void models_free(void *self) {
    models *m = self;
    model_rows_clear(&m->rows);
    model_details_clear(&m->details);
    free(m);
}

static void models_show(app *a, void *self) {
    models *m = self;
    int kept = current(m);
    if (!m->rows.catalog) {
        model_rows_clear(&m->rows);
        model_rows_init(&m->rows, app_catalog(a));
    }
    if (!m->rows.catalog) return;
    model_rows_locate(&m->rows);
    rearranged(m, kept);
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
    int column = mouse.button == 1 ? list_heading_at(&m->list, mouse.row, mouse.col) : -1;
    if (column < 0 || column_key[column] == MODEL_KEY_COUNT) return false;
    bool again = column_key[column] == m->rows.order;
    order_by(a, m, column_key[column], again && !m->rows.reverse);
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

static void do_choose(app *a, void *self, const char *argument) {
    models *m = self;
    const thaw_weights_info *info = thaw_catalog_at(m->rows.catalog, current(m));
    (void)argument;
    choose(a, info, info->name);
    if (!info->buildable) return;
    if (m->rows.path[current(m)])
        app_say(a, "%s with %s is chosen. 2: choose images, 3: its layers", info->arch, info->name);
    else
        app_warn(a, "%s is chosen, but %s is not on this machine; r takes random weights instead", info->arch,
                 info->file);
}

static void do_random(app *a, void *self, const char *argument) {
    const models *m = self;
    const thaw_weights_info *info = thaw_catalog_at(m->rows.catalog, current(m));
    (void)argument;
    choose(a, info, "none");
    if (info->buildable) app_say(a, "%s from random weights is chosen", info->arch);
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

static const action actions[] = {
    {"choose-model", "Enter", "choose", "put the model under the cursor into the recipe", NULL, have_model,
     do_choose},
    {"random-weights", "r", "random weights", "choose the model, but begin from random weights", NULL,
     have_model, do_random},
    {"filter", "/", "filter",
     "show the models that meet every term: part of a name, acc>75 params<30M gflops<5 size<100M input<300, "
     "family:resnet, cached, default, bundled; !TERM: those that do not. Tab completes",
     "TERMS", NULL, do_filter},
    {"sort", "s >", "sort", "sort by the next column: its heading gets an arrow", "KEY", NULL, do_sort},
    {"sort-back", "<", NULL, "sort by the column before", NULL, NULL, do_sort_left},
    {"reverse", "S I", NULL, "sort the other way round", NULL, NULL, do_reverse},
    {"here", "h", "here", "add to the filter that the file is on this machine, or take it out", NULL, NULL,
     do_here},
    {"show-all", "Esc", NULL, "show all models again", NULL, is_filtered, do_show_all},
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
};
