/*
 * app_actions.c - what can be done everywhere, and the ':' prompt that reaches every action by name.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "tui/app_state.h"
#include "tui/key.h"

/* ---- leaving ---- */

static void do_quit(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    app_ask_to_leave(a);
}

static bool may_leave_it(app *a, void *self) {
    (void)self;
    return app_can_go_on_behind(a);
}

static void do_background(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    app_go_on_behind(a);
}

/* ---- tabs and panes ---- */

#define GO(name, id)                                             \
    static void name(app *a, void *self, const char *argument) { \
        (void)self;                                              \
        (void)argument;                                          \
        app_go(a, id);                                           \
    }
GO(go_models, SCREEN_MODELS)
GO(go_data, SCREEN_DATA)
GO(go_layers, SCREEN_LAYERS)
GO(go_recipe, SCREEN_RECIPE)
GO(go_train, SCREEN_TRAIN)
GO(go_runs, SCREEN_RUNS)
#undef GO

static void move_focus(app *a, int step) {
    layout_state s = app_layout_state(a);
    app_set_focus(a, layout_next_focus(&s, step));
}

static void do_next_pane(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    move_focus(a, 1);
}

static void do_previous_pane(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    move_focus(a, -1);
}

/* ---- the look ---- */

static bool set_theme(app *a, const char *name) {
    theme look;
    thaw_status status = theme_load(name, &look);
    if (thaw_failed(&status)) {
        app_fail(a, &status);
        return false;
    }
    theme_clear(&a->look);
    a->look = look;
    free(a->theme_name);
    a->theme_name = xstrdup(name);
    if (a->term) app_choose_colours(a);
    term_set_theme(a->term, &a->look);
    app_say(a, "theme %s: %s", a->look.name, a->look.about ? a->look.about : "");
    app_prefs_save(a); /* afterwards: that it could not be saved is what is read then */
    return true;
}

/* The one after the present one that can be read; what is wrong with one that cannot is in the log. */
static void next_theme(app *a) {
    size_t count, at = 0, tried = 0;
    char **names = theme_names(&count);
    for (size_t i = 0; i < count; i++)
        if (a->theme_name && !strcmp(names[i], a->theme_name)) at = i + 1;
    while (tried < count && !set_theme(a, names[(at + tried) % count]))
        tried++;
    if (!count)
        app_warn(
            a, "no theme files were found; they are in share/thaw/themes, and THAW_HOME says where that is");
    theme_names_free(names, count);
}

static void do_theme(app *a, void *self, const char *argument) {
    (void)self;
    if (argument)
        set_theme(a, argument);
    else
        next_theme(a);
}

static void do_dots(app *a, void *self, const char *argument) {
    (void)self;
    int next = argument ? RASTER_COUNT : (a->raster + 1) % RASTER_COUNT;
    for (int i = 0; argument && i < RASTER_COUNT; i++)
        if (!strcmp(argument, raster_name((raster_kind)i))) next = i;
    if (next == RASTER_COUNT) {
        app_warn(a, "charts cannot be drawn with \"%s\"; braille, blocks and ascii are possible", argument);
        return;
    }
    a->raster = (raster_kind)next;
    app_say(a, "charts are drawn with %s", raster_name(a->raster));
    app_prefs_save(a);
}

static void do_repaint(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    term_repaint(a->term);
}

static void do_suspend(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    app_suspend(a);
}

static void do_help(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    a->help_open = !a->help_open;
    a->help_top = 0;
}

/* ---- the recipe ---- */

static void do_set(app *a, void *self, const char *argument) {
    (void)self;
    if (!argument) {
        app_say(a, "set KEY=VALUE, as in: set optimizer.lr=0.01 (docs/recipe.md has every key)");
        return;
    }
    thaw_status status = app_recipe_set(a, argument);
    if (thaw_failed(&status))
        app_fail(a, &status);
    else
        app_say(a, "set %s", argument);
}

static void do_write(app *a, void *self, const char *argument) {
    (void)self;
    const char *path = argument ? argument : "recipe.json";
    thaw_status status = thaw_recipe_write(&a->recipe, path);
    if (thaw_failed(&status))
        app_fail(a, &status);
    else
        app_say(a, "written: %s  (thaw train %s)", path, path);
}

static void do_open(app *a, void *self, const char *argument) {
    (void)self;
    thaw_recipe recipe;
    thaw_recipe_init(&recipe);
    thaw_status status = thaw_recipe_read(argument ? argument : "recipe.json", &recipe);
    if (thaw_failed(&status))
        app_fail(a, &status);
    else
        app_recipe_replace(a, &recipe);
    thaw_recipe_clear(&recipe);
}

static void do_diff(app *a, void *self, const char *argument) {
    (void)self;
    app_diff(a, argument);
}

static void do_command_line(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    app_command_line(a);
}

static void do_tour(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    app_tour_start(a);
}

static bool is_idle(app *a, void *self) {
    (void)self;
    return !app_busy(a);
}

static void do_demo(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    app_demo(a);
}

static bool may_train(app *a, void *self) {
    (void)self;
    return !app_busy(a) && a->recipe.model && *a->recipe.model && a->recipe.data.path && *a->recipe.data.path;
}

static void do_start(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    app_train(a);
}

/* ---- the prompt ---- */

/* The first tab that has an action called NAME; SCREEN_COUNT: none. */
static screen_id tab_with(const char *name) {
    for (screen_id id = 0; id < SCREEN_COUNT; id++)
        for (size_t i = 0; i < app_screens[id]->action_count; i++)
            if (!strcmp(app_screens[id]->actions[i].name, name)) return id;
    return SCREEN_COUNT;
}

static thaw_status unknown_command(app *a, const char *name, int ties) {
    action_table tables[] = {app_screen_table(a), app_table(a)};
    size_t count;
    if (ties > 1) {
        const char **names = action_complete(tables, 2, name, &count);
        str text = {0};
        for (size_t i = 0; i < count; i++)
            str_appendf(&text, "%s%s", i ? ", " : "", names[i]);
        thaw_status status = thaw_error(THAW_ERR_USAGE, "\"%s\" could be %s", name, str_text(&text));
        str_clear(&text);
        free(names);
        return status;
    }
    screen_id tab = tab_with(name);
    if (tab < SCREEN_COUNT)
        return thaw_error(THAW_ERR_USAGE, "\"%s\" is for the %s tab; go there with %d", name,
                          app_screens[tab]->title, (int)tab + 1);
    const char **names = action_complete(tables, 2, "", &count);
    const char *near = text_nearest(name, names, count);
    thaw_status status =
        near ? thaw_error(THAW_ERR_USAGE, "no command \"%s\"; did you mean \"%s\"?", name, near)
             : thaw_error(THAW_ERR_USAGE, "no command \"%s\"; ? lists them", name);
    free(names);
    return status;
}

thaw_status app_command(app *a, void *user, const char *line) {
    (void)user;
    while (*line == ' ' || *line == ':')
        line++;
    if (!*line) return thaw_ok();
    size_t length = strcspn(line, " ");
    char *name = xstrndup(line, length);
    const char *argument = line + length + strspn(line + length, " ");
    action_table tables[] = {app_screen_table(a), app_table(a)};
    const action *found = NULL;
    const action_table *home = NULL;
    int ties = 0;
    for (size_t i = 0; i < 2 && !found; i++) {
        int here;
        found = action_by_name(&tables[i], name, &here);
        home = &tables[i];
        if (here > ties) ties = here;
    }
    thaw_status status = thaw_ok();
    if (!found)
        status = unknown_command(a, name, ties);
    else if (!action_valid(found, home, a))
        status = app_not_now(a, found);
    else
        found->run(a, home->self, *argument ? argument : NULL);
    free(name);
    return status;
}

static void complete_command(app *a, void *user, const char *text, str *out) {
    (void)user;
    if (strchr(text, ' ')) return;
    action_table tables[] = {app_screen_table(a), app_table(a)};
    size_t count;
    const char **names = action_complete(tables, 2, text, &count);
    for (size_t i = 0; i < count; i++)
        str_appendf(out, "%s\n", names[i]);
    free(names);
}

static void do_prompt(app *a, void *self, const char *argument) {
    (void)self;
    (void)argument;
    prompt_params params = {.label = ":",
                            .hint = "Tab completes, ? lists all",
                            .accept = app_command,
                            .complete = complete_command};
    app_prompt(a, &params);
}

/* The order is that of the footer and of help. */
static const action actions[] = {
    {"start", "R", "run", "train the recipe", NULL, may_train, do_start},
    {"command", ":", "command", "do anything by its name", NULL, NULL, do_prompt},
    {"quit", "q Ctrl-C", "quit", "leave the workbench", NULL, NULL, do_quit},
    {"help", "? F1", NULL, "this help; t in it: a tour", NULL, NULL, do_help},
    {"tour", NULL, NULL, "a walk through the tabs in five steps", NULL, NULL, do_tour},
    {"demo", "B", NULL, "train the bundled demo: a small model learns drawn shapes", NULL, is_idle, do_demo},
    {"models", "1", NULL, "pick a pretrained model", NULL, NULL, go_models},
    {"data", "2", NULL, "pick a folder of images and look into it", NULL, NULL, go_data},
    {"layers", "3", NULL, "freeze and thaw layers", NULL, NULL, go_layers},
    {"recipe", "4", NULL, "head, optimizer, learning rate, epochs, ...", NULL, NULL, go_recipe},
    {"train", "5", NULL, "the curves", NULL, NULL, go_train},
    {"runs", "6", NULL, "earlier runs", NULL, NULL, go_runs},
    {"next-pane", "Tab", NULL, "give the keys to the next pane", NULL, NULL, do_next_pane},
    {"previous-pane", "Shift-Tab", NULL, "give the keys to the pane before", NULL, NULL, do_previous_pane},
    {"narrower", "[", NULL, "make the list narrower (or drag its edge)", NULL, app_has_columns, app_narrower},
    {"wider", "]", NULL, "make the list wider", NULL, app_has_columns, app_wider},
    {"edge-up", "{", NULL, "more height for the lower chart, or the log", NULL, app_has_heights, app_edge_up},
    {"edge-down", "}", NULL, "more height for what is above it", NULL, app_has_heights, app_edge_down},
    {"usual-splits", "|", NULL, "panes as large as they were at first", NULL, app_has_columns,
     app_usual_splits},
    {"set", NULL, NULL, "change one value of the recipe", "KEY=VALUE", NULL, do_set},
    {"write", NULL, NULL, "write the recipe to a file", "FILE", NULL, do_write},
    {"open", NULL, NULL, "read a recipe from a file", "FILE", NULL, do_open},
    {"diff", NULL, NULL, "what the recipe and a run's, or a file's, differ in", "RUN", NULL, do_diff},
    {"command-line", NULL, NULL, "the recipe as the command that trains it", NULL, NULL, do_command_line},
    {"theme", "F2", NULL, "the next theme, or the one named", "NAME", NULL, do_theme},
    {"dots", "F3", NULL, "draw charts with braille, blocks or ASCII", "braille, blocks, ascii", NULL,
     do_dots},
    {"repaint", "Ctrl-L", NULL, "draw the whole screen again", NULL, NULL, do_repaint},
    {"suspend", "Ctrl-Z", NULL,
     "stop, run and all, and back to the shell; bg goes on without the screen, fg with it", NULL, NULL,
     do_suspend},
    {"background", NULL, NULL, "leave the run training in the background", NULL, may_leave_it, do_background},
};

action_table app_actions_of(screen_id id, const char **title) {
    const screen *s = id < SCREEN_COUNT ? app_screens[id] : NULL;
    *title = s ? s->title : "everywhere";
    return s ? (action_table){s->actions, s->action_count, NULL} : ACTION_TABLE(actions, NULL);
}

action_table app_table(app *a) {
    const action *own = a ? a->keys.table[KEYMAP_EVERYWHERE] : NULL;
    return own ? (action_table){own, a->keys.count[KEYMAP_EVERYWHERE], a} : ACTION_TABLE(actions, a);
}

action_table app_screen_table(app *a) {
    const screen *s = app_screens[a->current];
    const action *own = a->keys.table[a->current];
    return (action_table){own ? own : s->actions, s->action_count, a->state[a->current]};
}
