/*
 * recipe.c - the Recipe tab: everything that determines the run, as a form.
 *
 * The recipe is the app's; a value typed here is judged by the recipe's own parser, and what it says appears
 * beside the field. The pane at the right explains the field and says whether the recipe can be trained.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "thaw/forecast.h"
#include "thaw/memory.h"
#include "tui/app.h"
#include "tui/key.h"
#include "tui/screens/facts.h"
#include "tui/screens/phase_text.h"
#include "tui/screens/recipe_beside.h"
#include "tui/screens/recipe_form.h"
#include "tui/step_rate.h"

typedef struct recipe_screen {
    app *app;
    recipe_form fields;
    form form;
    facts_scroll details;
    recipe_beside beside;
    char *path; /* where the recipe was last read from or written to */
} recipe_screen;

/* ---- the form over the app's recipe ---- */

static thaw_status set_field(void *user, const form_field *f, const char *text) {
    recipe_screen *s = user;
    thaw_recipe r;
    thaw_recipe_copy(app_recipe(s->app), &r);
    thaw_status status = thaw_recipe_set_text(&r, f->name, text);
    if (!thaw_failed(&status)) app_recipe_replace(s->app, &r);
    thaw_recipe_clear(&r);
    return status;
}

static void get_field(void *user, const form_field *f, str *out) {
    recipe_screen *s = user;
    char *text = thaw_recipe_get_text(app_recipe(s->app), f->name);
    if (text) str_append(out, text);
    free(text);
}

static bool field_hidden(void *user, const form_field *f) {
    const recipe_screen *s = user;
    return f->name && !recipe_form_matters(app_recipe(s->app), f->name);
}

/* ---- drawing ---- */

static void explain_field(const recipe_screen *s, facts *f) {
    const form_field *current = form_current(&s->form);
    const thaw_recipe_field *field = current && current->name ? thaw_recipe_field_find(current->name) : NULL;
    char range[256];
    if (!field) return;
    facts_heading(f, current->label);
    facts_text(f, ROLE_TEXT, "%s.", field->help);
    facts_gap(f);
    facts_line(f, "key", "%s", field->key);
    thaw_recipe_field_range(field, range, sizeof range);
    if (range[0]) facts_line(f, "values", "%s", range);
    if (field->null_means) facts_line(f, "none", "%s", field->null_means);
    if (field->initial && field->initial[0]) facts_line(f, "default", "%s", field->initial);
    facts_gap(f);
}

/* SECONDS: what a step that computes every layer takes; NaN: not known. */
static void foresee_run(facts *f, const thaw_layers *layers, const thaw_recipe *r, size_t images,
                        double seconds) {
    thaw_forecast run = thaw_forecast_run(layers, r, (int64_t)images);
    char a[NUMBER_TEXT_MAX];
    facts_line(f, "steps", "%lld an epoch, %lld in all", (long long)(run.steps / r->epochs),
               (long long)run.steps);
    if (run.views)
        facts_line(f, "kept",
                   "what frozen layers make of %d view%s of an image: later steps cost %.0f %% of the first",
                   run.views, run.views == 1 ? "" : "s", 100 * run.kept_share);
    if (isfinite(seconds))
        facts_line(f, "all of it", "about %s, without validation", text_seconds(seconds * run.work, a));
}

static void foresee(const recipe_screen *s, facts *f) {
    const thaw_recipe *r = app_recipe(s->app);
    const thaw_dataset *set = app_dataset(s->app);
    const thaw_layers *layers = app_layers(s->app);
    char a[NUMBER_TEXT_MAX], b[NUMBER_TEXT_MAX];
    double seconds = NAN;
    if (layers) {
        thaw_cost cost = thaw_layers_cost(layers, r->batch_size, step_rate_optimizer_floats(r));
        char label[64];
        facts_line(f, "trains", "%s: %s of %s parameters",
                   thaw_layers_mask_label(layers, label, sizeof label), text_count((double)cost.trainable, a),
                   text_count((double)cost.parameters, b));
        phase_facts(f, r);
        seconds = app_step_seconds(s->app, &cost);
        if (isfinite(seconds))
            facts_line(f, "a step takes", "about %s of computing", text_duration(seconds, a));
        facts_line(f, "a step costs", "%.0f %% of training everything", 100 * cost.relative_step);
        facts_line(f, "memory", "about %s", text_bytes((double)thaw_memory_of(layers, r).total, a));
    }
    if (set && layers) foresee_run(f, layers, r, thaw_dataset_images(set, true), seconds);
}

static void judge(const recipe_screen *s, facts *f) {
    thaw_status status = thaw_recipe_check(app_recipe(s->app));
    facts_heading(f, "This recipe");
    if (thaw_failed(&status)) {
        facts_text(f, ROLE_WARN, "%s", status.message);
        return;
    }
    const char *problem = app_layers_problem(s->app);
    if (problem && problem[0]) facts_text(f, ROLE_WARN, "%s", problem);
    foresee(s, f);
    if (s->path) facts_line(f, "file", "%s", s->path);
}

static void draw_form(app *a, recipe_screen *s, canvas *c, const layout *l) {
    if (rect_empty(l->pane[PANE_LIST])) return;
    bool focus = app_focus(a) == PANE_LIST;
    rect inner = canvas_frame(c, l->pane[PANE_LIST], "Recipe", s->path ? path_base(s->path) : NULL,
                              l->flags[PANE_LIST] | (focus ? FRAME_FOCUS : 0));
    form_draw(&s->form, c, inner, focus);
}

static void draw_details(app *a, recipe_screen *s, canvas *c, const layout *l) {
    if (rect_empty(l->pane[PANE_DETAIL])) return;
    bool focus = app_focus(a) == PANE_DETAIL;
    rect inner = canvas_frame(c, l->pane[PANE_DETAIL], "Field", NULL,
                              l->flags[PANE_DETAIL] | (focus ? FRAME_FOCUS : 0));
    facts f = facts_begin(c, inner, &s->details);
    recipe_beside_draw(&s->beside, a, &f);
    explain_field(s, &f);
    judge(s, &f);
    facts_end(&f);
}

/* ---- the screen ---- */

static void *recipe_init(app *a) {
    recipe_screen *s = xcalloc(1, sizeof *s);
    s->app = a;
    recipe_form_init(&s->fields);
    form_init(&s->form, s->fields.field, s->fields.count);
    s->form.set = set_field;
    s->form.get = get_field;
    s->form.hidden = field_hidden;
    s->form.user = s;
    return s;
}

static void recipe_free(void *self) {
    recipe_screen *s = self;
    form_clear(&s->form);
    recipe_form_clear(&s->fields);
    recipe_beside_clear(&s->beside);
    free(s->path);
    free(s);
}

static void recipe_draw(app *a, void *self, canvas *c, const layout *l) {
    draw_form(a, self, c, l);
    draw_details(a, self, c, l);
}

static bool recipe_key(app *a, void *self, int key) {
    recipe_screen *s = self;
    const form_field *before = form_current(&s->form);
    if (app_focus(a) == PANE_DETAIL) return facts_key(&s->details, key);
    app_mouse m = app_mouse_at(a);
    bool taken = key == K_MOUSE ? form_click(&s->form, m.row, m.col) : form_key(&s->form, key);
    if (!taken) return false;
    if (form_current(&s->form) != before) s->details.skip = 0;
    return true;
}

/* ---- actions ---- */

static void remember(recipe_screen *s, const char *path) {
    char *copy = xstrdup(path);
    free(s->path);
    s->path = copy;
}

static thaw_status save_to(app *a, void *user, const char *text) {
    if (!text[0]) return thaw_error(THAW_ERR_USAGE, "type the name of a file, or Esc");
    char *path = path_expand(text);
    thaw_status status = thaw_recipe_write(app_recipe(a), path);
    if (!thaw_failed(&status)) {
        remember(user, path);
        app_say(a, "written; the same run without the workbench: thaw train %s", path);
    }
    free(path);
    return status;
}

static thaw_status load_from(app *a, void *user, const char *text) {
    if (!text[0]) return thaw_error(THAW_ERR_USAGE, "type the name of a file, or Esc");
    char *path = path_expand(text);
    thaw_recipe r;
    thaw_recipe_init(&r);
    thaw_status status = thaw_recipe_read(path, &r);
    if (!thaw_failed(&status)) {
        remember(user, path);
        app_recipe_replace(a, &r);
        app_say(a, "%s is the recipe now", path);
    }
    thaw_recipe_clear(&r);
    free(path);
    return status;
}

static void ask_path(app *a, recipe_screen *s, const char *label, const char *argument,
                     thaw_status (*accept)(app *, void *, const char *)) {
    if (argument) {
        thaw_status status = accept(a, s, argument);
        if (thaw_failed(&status)) app_fail(a, &status);
        return;
    }
    prompt_params ask = {
        .label = label,
        .initial = s->path,
        .hint = "recipe.json   (Tab completes)",
        .accept = accept,
        .complete = prompt_complete_path,
        .user = s,
    };
    app_prompt(a, &ask);
}

static void do_save(app *a, void *self, const char *argument) {
    ask_path(a, self, "write the recipe to", argument, save_to);
}

static void do_load(app *a, void *self, const char *argument) {
    ask_path(a, self, "read a recipe from", argument, load_from);
}

static bool on_field(app *a, void *self) {
    const recipe_screen *s = self;
    const form_field *f = form_current(&s->form);
    (void)a;
    return f && f->name;
}

static void do_default(app *a, void *self, const char *argument) {
    recipe_screen *s = self;
    const form_field *f = form_current(&s->form);
    (void)argument;
    thaw_status status = set_field(s, f, thaw_recipe_field_find(f->name)->initial);
    if (thaw_failed(&status)) app_fail(a, &status);
}

static void do_default_all(app *a, void *self, const char *argument) {
    thaw_recipe r, fresh;
    (void)self;
    (void)argument;
    thaw_recipe_copy(app_recipe(a), &r);
    thaw_recipe_init(&fresh);
    /* What is trained on stays; how it is trained goes back. */
    static const char *const kept[] = {"model", "weights", "data.path"};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        char *text = thaw_recipe_get_text(&r, kept[i]);
        thaw_status status = text ? thaw_recipe_set_text(&fresh, kept[i], text) : thaw_ok();
        if (thaw_failed(&status)) app_fail(a, &status);
        free(text);
    }
    app_recipe_replace(a, &fresh);
    app_say(a, "everything but model and images is as at first");
    thaw_recipe_clear(&fresh);
    thaw_recipe_clear(&r);
}

/* The key shows and hides; with a name it always shows. */
static void do_diff(app *a, void *self, const char *argument) {
    recipe_screen *s = self;
    bool shown = s->beside.diff;
    recipe_beside_clear(&s->beside);
    s->details.skip = 0;
    if (shown && !argument) return;
    thaw_status status = recipe_beside_diff(&s->beside, a, argument);
    if (thaw_failed(&status)) app_fail(a, &status);
}

static void do_command_line(app *a, void *self, const char *argument) {
    recipe_screen *s = self;
    (void)a;
    bool shown = s->beside.command && !argument;
    recipe_beside_clear(&s->beside);
    s->details.skip = 0;
    if (!shown) recipe_beside_command(&s->beside);
}

static const action actions[] = {
    {"write-recipe", "w", "write", "write the recipe to a file, for thaw train", "FILE", NULL, do_save},
    {"read-recipe", "o", "read", "read a recipe from a file", "FILE", NULL, do_load},
    {"compare", "=", "diff", "what it and a run's recipe (a file's) differ in; again: hide it", "RUN", NULL,
     do_diff},
    {"as-command", "!", "command", "the command that trains it, without a file; again: hide it", NULL, NULL,
     do_command_line},
    {"default", "d", "default", "put the field under the cursor back to its default", NULL, on_field,
     do_default},
    {"defaults", "D", NULL, "put everything but model and images back to its default", NULL, NULL,
     do_default_all},
};

const screen screen_recipe = {
    .title = "Recipe",
    .form = LAYOUT_LIST,
    .actions = actions,
    .action_count = sizeof actions / sizeof actions[0],
    .init = recipe_init,
    .free = recipe_free,
    .draw = recipe_draw,
    .key = recipe_key,
};
