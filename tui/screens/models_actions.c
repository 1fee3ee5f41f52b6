/*
 * models_actions.c - what the keys of the Models tab do. All that is asked for is in the filter's text and
 * the order (model_rows.h); keys like h only edit that text.
 */
#include <stdlib.h>
#include <string.h>

#include "tui/screens/models.h"

static bool have_model(app *a, void *self) {
    (void)a;
    return models_current(self) >= 0;
}

/* Put the model under the cursor into the recipe. WEIGHTS: an assignment's value. */
static void choose(app *a, const thaw_weights_info *info, const char *weights) {
    thaw_recipe r;
    if (!info->buildable) {
        app_warn(a, "thaw cannot build %s yet; choose another model", info->arch);
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
    const thaw_weights_info *info = thaw_catalog_at(m->rows.catalog, models_current(m));
    app_get_params get = {.info = info, .fetched = choose_pretrained, .instead = choose_random};
    (void)argument;
    if (info->buildable && m->rows.facts[models_current(m)].here) {
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
    const thaw_weights_info *info = thaw_catalog_at(m->rows.catalog, models_current(m));
    (void)argument;
    choose_random(a, info);
}

static void filter_changed(app *a, void *user, const char *text) {
    models *m = user;
    int kept = models_current(m);
    model_rows_filter(&m->rows, text);
    models_rearranged(m, kept);
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
    models_order_by(a, m, model_rows_next_order(&m->rows, step), false);
}

static void do_sort(app *a, void *self, const char *argument) {
    models *m = self;
    model_key key = MODEL_BY_NAME;
    thaw_status status = argument ? model_key_parse(argument, &key) : thaw_ok();
    if (thaw_failed(&status))
        app_fail(a, &status);
    else if (argument)
        models_order_by(a, m, key, false);
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
    models_order_by(a, m, m->rows.order, !m->rows.reverse);
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

const action models_actions[] = {
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
    {"stop-fetching", "Esc", NULL,
     "stop fetching the weights at the bottom; what has come is kept, and the next that wait begin", NULL,
     is_getting, do_stop_getting},
};

_Static_assert(sizeof models_actions / sizeof *models_actions == MODELS_ACTIONS, "models.h counts them");
