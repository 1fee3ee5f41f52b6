/*
 * models.c - the Models tab: the catalog of pretrained weights, sorted and filtered, with details of the one
 * under the cursor. Enter puts it into the recipe.
 *
 * Whether a file is on this machine is looked up when the tab is shown, not when it is drawn (model_rows.h).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "tui/app.h"
#include "tui/key.h"
#include "tui/screens/facts.h"
#include "tui/screens/model_rows.h"
#include "tui/widgets/list.h"

typedef struct models {
    model_rows rows;
    list list;
    facts_scroll details;
    thaw_layers *layers; /* of the model under the cursor, for its groups */
    int layers_of;       /* its catalog row; -1: none tried */
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
    COLUMN_PARAMS,
    COLUMN_GMACS,
    COLUMN_TOP1,
    COLUMN_MB,
    COLUMN_WHERE
};

static const list_column columns[] = {
    [COLUMN_MARK] = {"", 1, 0, false, 0},
    [COLUMN_MODEL] = {"model", 0, 14, false, 0},
    [COLUMN_WEIGHTS] = {"weights", 22, 0, false, 4},
    [COLUMN_PARAMS] = {"params", 7, 0, true, 1},
    [COLUMN_GMACS] = {"GMACs", 6, 0, true, 3},
    [COLUMN_TOP1] = {"top-1", 6, 0, true, 0},
    [COLUMN_MB] = {"MB", 7, 0, true, 5},
    [COLUMN_WHERE] = {"", 8, 0, false, 2},
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

static void draw_list(app *a, models *m, canvas *c, const layout *l) {
    if (rect_empty(l->pane[PANE_LIST])) return;
    bool focus = app_focus(a) == PANE_LIST;
    str note = {0};
    str_appendf(&note, "%d of %d by %s%s", m->rows.count, m->rows.catalog_count,
                model_order_word(m->rows.order), m->rows.reverse ? ", reversed" : "");
    if (m->rows.filter && m->rows.filter[0]) str_appendf(&note, " /%s", m->rows.filter);
    rect inner = canvas_frame(c, l->pane[PANE_LIST], "Models", str_text(&note),
                              l->flags[PANE_LIST] | (focus ? FRAME_FOCUS : 0));
    str_clear(&note);
    list_look look = {
        .column = columns,
        .columns = sizeof columns / sizeof columns[0],
        .cell = cell,
        .user = m,
        .focus = focus,
        .empty = m->rows.catalog ? "No model is like that. Esc shows all of them again."
                                 : "The catalog could not be opened; `thaw doctor` says why.",
    };
    list_draw(&m->list, c, inner, &look);
}

/* ---- details ---- */

/* The groups of the model at catalog row INDEX, built when the cursor comes to it. */
static thaw_layers *layers_of(models *m, int index) {
    if (m->layers_of == index) return m->layers;
    thaw_layers_free(m->layers);
    m->layers = NULL;
    m->layers_of = index;
    const thaw_weights_info *info = thaw_catalog_at(m->rows.catalog, index);
    if (!info->buildable) return NULL;
    thaw_status status = thaw_layers_new(info->arch, NULL, 0, 0, &m->layers);
    if (thaw_failed(&status)) m->layers = NULL; /* the pane says nothing about groups then */
    return m->layers;
}

static void groups(facts *f, const thaw_layers *layers) {
    char parameters[NUMBER_TEXT_MAX], macs[NUMBER_TEXT_MAX];
    facts_gap(f);
    facts_heading(f, "Groups: parameters, MACs");
    for (int i = 0; i < thaw_layers_count(layers); i = thaw_layers_at(layers, i)->end) {
        const thaw_layer_info *info = thaw_layers_at(layers, i);
        if (!info->parameters) continue;
        facts_line(f, info->name, "%8s %8s", text_count((double)info->parameters, parameters),
                   text_count((double)info->macs, macs));
    }
}

static void describe_file(facts *f, const thaw_weights_info *info, const char *path) {
    char *destination = path || info->bundled ? NULL : thaw_catalog_destination(info);
    if (path)
        facts_line(f, "file", "%s", path);
    else if (info->bundled)
        facts_text(f, ROLE_WARN, "%s should have come with thaw but is missing.", info->file);
    else if (info->file)
        facts_line(f, "file", "%s, %.1f MB, is not on this machine", info->file, info->file_size_mb);
    if (destination && info->url) {
        facts_line(f, "get it from", "%s", info->url);
        facts_line(f, "and save as", "%s", destination);
    }
    free(destination);
}

static void details(models *m, facts *f, int index) {
    const thaw_weights_info *info = thaw_catalog_at(m->rows.catalog, index);
    char parameters[NUMBER_TEXT_MAX];
    facts_heading(f, info->arch);
    if (!info->buildable) facts_text(f, ROLE_WARN, "This thaw cannot build it yet.");
    facts_line(f, "weights", "%s%s", info->name, info->is_default ? ", what DEFAULT means" : "");
    facts_line(f, "family", "%s", info->family ? info->family : "-");
    if (info->dataset) facts_line(f, "trained on", "%s, %d classes", info->dataset, info->classes);
    if (!isnan(info->acc1)) facts_line(f, "accuracy", "top-1 %.2f %%, top-5 %.2f %%", info->acc1, info->acc5);
    facts_line(f, "parameters", "%s", text_count((double)info->parameters, parameters));
    if (!isnan(info->gflops)) facts_line(f, "operations", "%.2f GMACs an image", info->gflops);
    if (info->crop && info->resize)
        facts_line(f, "input", "%d px, cut from images resized to %d (%s)", info->crop, info->resize,
                   info->interpolation);
    else if (info->crop)
        facts_line(f, "input", "%d px, no resize", info->crop);
    if (info->license) facts_line(f, "licence", "%s", info->license);
    facts_gap(f);
    describe_file(f, info, m->rows.path[index]);
    const thaw_layers *layers = layers_of(m, index);
    if (layers) groups(f, layers);
    if (!info->recipe) return;
    facts_gap(f);
    facts_line(f, "made with", "%s", info->recipe);
}

static void draw_details(app *a, models *m, canvas *c, const layout *l) {
    if (rect_empty(l->pane[PANE_DETAIL])) return;
    bool focus = app_focus(a) == PANE_DETAIL;
    rect inner = canvas_frame(c, l->pane[PANE_DETAIL], "Details", NULL,
                              l->flags[PANE_DETAIL] | (focus ? FRAME_FOCUS : 0));
    facts f = facts_begin(c, inner, &m->details);
    if (current(m) >= 0) details(m, &f, current(m));
    facts_end(&f);
}

/* ---- the screen ---- */

static void *models_init(app *a) {
    (void)a;
    models *m = xcalloc(1, sizeof *m);
    m->list.anchor = -1;
    m->layers_of = -1;
    return m;
}

static void models_free(void *self) {
    models *m = self;
    model_rows_clear(&m->rows);
    thaw_layers_free(m->layers);
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

static bool models_key(app *a, void *self, int key) {
    models *m = self;
    if (app_focus(a) == PANE_DETAIL) return facts_key(&m->details, key);
    int before = current(m);
    app_mouse mouse = app_mouse_at(a);
    bool taken = key == K_MOUSE ? list_click(&m->list, mouse.row, mouse.col) : list_key(&m->list, key);
    if (!taken) return false;
    if (current(m) != before) m->details.skip = 0;
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
        app_warn(a, "thaw cannot build %s yet; b shows only what it can", info->arch);
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
    filter_changed(a, user, text);
    return thaw_ok();
}

static void filter_cancelled(app *a, void *user) {
    filter_changed(a, user, "");
}

static void do_filter(app *a, void *self, const char *argument) {
    models *m = self;
    if (argument) {
        filter_changed(a, m, argument);
        return;
    }
    prompt_params ask = {
        .label = "show models with",
        .initial = m->rows.filter,
        .hint = "part of a name, a family or a dataset",
        .accept = filter_accepted,
        .changed = filter_changed,
        .cancelled = filter_cancelled,
        .user = m,
    };
    app_prompt(a, &ask);
}

static bool is_filtered(app *a, void *self) {
    const model_rows *r = &((models *)self)->rows;
    (void)a;
    return (r->filter && r->filter[0]) || r->here_only || r->buildable_only;
}

/* What is asked for has changed. */
static void ask_again(app *a, models *m) {
    int kept = current(m);
    model_rows_arrange(&m->rows);
    rearranged(m, kept);
    app_redraw(a);
}

static void do_show_all(app *a, void *self, const char *argument) {
    models *m = self;
    (void)argument;
    m->rows.here_only = m->rows.buildable_only = false;
    filter_changed(a, m, "");
}

static void do_sort(app *a, void *self, const char *argument) {
    models *m = self;
    (void)argument;
    m->rows.order = (m->rows.order + 1) % model_orders();
    m->rows.reverse = false;
    ask_again(a, m);
}

static void do_reverse(app *a, void *self, const char *argument) {
    models *m = self;
    (void)argument;
    m->rows.reverse = !m->rows.reverse;
    ask_again(a, m);
}

static void do_here(app *a, void *self, const char *argument) {
    models *m = self;
    (void)argument;
    m->rows.here_only = !m->rows.here_only;
    ask_again(a, m);
}

static void do_buildable(app *a, void *self, const char *argument) {
    models *m = self;
    (void)argument;
    m->rows.buildable_only = !m->rows.buildable_only;
    ask_again(a, m);
}

static const action actions[] = {
    {"choose-model", "Enter", "choose", "put the model under the cursor into the recipe", NULL, have_model,
     do_choose},
    {"random-weights", "r", "random weights", "choose the model, but begin from random weights", NULL,
     have_model, do_random},
    {"filter", "/", "filter", "show the models whose name, family or dataset contains a text", "TEXT", NULL,
     do_filter},
    {"sort", "s", "sort", "sort by the next: name, parameters, operations, accuracy, file size", NULL, NULL,
     do_sort},
    {"reverse", "S", NULL, "sort the other way round", NULL, NULL, do_reverse},
    {"buildable", "b", "buildable", "show only what this thaw can build, or everything", NULL, NULL,
     do_buildable},
    {"here", "h", "here", "show only weights whose file is on this machine, or everything", NULL, NULL,
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
