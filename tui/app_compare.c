/*
 * app_compare.c - from anywhere to what the Recipe tab shows beside its form: the recipe against a run's, and
 * as a command.
 */
#include "tui/app_state.h"

/* The Recipe tab comes up, and does what its action NAME does. */
static void on_recipe_tab(app *a, const char *name, const char *argument) {
    app_go(a, SCREEN_RECIPE);
    action_table table = app_screen_table(a);
    const action *item = action_by_name(&table, name, NULL);
    if (item) item->run(a, table.self, argument);
}

void app_diff(app *a, const char *run) {
    const char *live = a->live.begun ? a->live.folder : NULL;
    on_recipe_tab(a, "compare", run ? run : live ? live : "last");
}

void app_command_line(app *a) {
    on_recipe_tab(a, "as-command", "show");
}
