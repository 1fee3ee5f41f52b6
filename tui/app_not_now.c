/*
 * app_not_now.c - why an action cannot be done now, and what to press for it to be: said when its key is
 * pressed, or its name typed, and its condition does not hold. A row an action that has a condition.
 */
#include <string.h>

#include "tui/app_state.h"

static const struct need {
    const char *action; /* its name, whichever tabs have it */
    const char *text;
} needs[] = {
    {"demo", "a run is on; 5, then s stops it"},
    {"narrower", "one pane has all of the screen; a wider terminal shows more"},
    {"wider", "one pane has all of the screen; a wider terminal shows more"},
    {"usual-splits", "one pane has all of the screen; a wider terminal shows more"},
    {"edge-up", "no pane lies above another one; those of the Train tab do (5)"},
    {"edge-down", "no pane lies above another one; those of the Train tab do (5)"},
    {"background", "no run is on that could go on alone; R begins one"},
    /* Models */
    {"choose-model", "the cursor is on no model; Esc shows all of them"},
    {"random-weights", "the cursor is on no model; Esc shows all of them"},
    {"show-all", "all models are shown; / filters them"},
    {"stop-fetching", "nothing is being fetched; Enter on a model without + does"},
    /* Data */
    {"samples", "the folder is being looked into; wait, or Esc stops it"},
    {"views", "the folder is being looked into; wait, or Esc stops it"},
    {"troubles", "the folder is being looked into; wait, or Esc stops it"},
    {"larger", "no pictures are shown; t shows those of a class"},
    {"smaller", "no pictures are shown; t shows those of a class"},
    {"stop-looking", "nothing is being looked into; r looks again"},
    {"summary", "that is what is shown; t, a, m and x show other things"},
    {"reload-data", "no images are chosen; o opens a folder, b takes the bundled set"},
    {"verify-data", "no images are chosen; o opens a folder, b takes the bundled set"},
    /* Layers, and the list of them beside the curves */
    {"toggle", "no model is chosen; 1 has them, Enter chooses one"},
    {"freeze-below", "no model is chosen; 1 has them, Enter chooses one"},
    {"freeze", "no model is chosen; 1 has them, Enter chooses one"},
    {"thaw", "no model is chosen; 1 has them, Enter chooses one"},
    {"moving", "no model is chosen; 1 has them, Enter chooses one"},
    {"preset", "no model is chosen; 1 has them, Enter chooses one"},
    {"select", "no model is chosen; 1 has them, Enter chooses one"},
    {"glob", "no model is chosen; 1 has them, Enter chooses one"},
    {"fold-all", "no model is chosen; 1 has them, Enter chooses one"},
    {"unfold-all", "no model is chosen; 1 has them, Enter chooses one"},
    {"other-end", "no range is begun; v begins one"},
    {"undo", "no edit is left to undo; Space, f, F and T make some"},
    {"redo", "nothing was undone; u undoes the last edit"},
    {"hold", "no run is on that edits could reach; R begins one"},
    {"send", "no edits are held back; H holds them back"},
    /* Recipe */
    {"default", "the cursor is on no field; the arrows move it"},
    /* Train */
    {"pause", "no run is going; R begins one"},
    {"continue", "no run is paused; R begins one, p pauses it"},
    {"step", "no run is paused; R begins one, p pauses it"},
    {"stop", "no run is on; R begins one"},
    {"checkpoint", "no run is on; R begins one"},
    {"discard", "no run is on; R begins one"},
    {"detach", "no run of another process is shown; 6 lists runs, Enter shows one"},
    {"crosshair", "there are no curves yet; R trains, 6 then Space shows an earlier run"},
    {"ghosts", "no earlier run is on the chart; 6 lists them, Space lays one over it"},
    {"smoothing", "there are no curves yet; R trains, 6 then Space shows an earlier run"},
    {"log-scale", "there are no curves yet; R trains, 6 then Space shows an earlier run"},
    {"axis", "there are no curves yet; R trains, 6 then Space shows an earlier run"},
    {"export", "there are no curves yet; R trains, 6 then Space shows an earlier run"},
    {"zoom-in", "there are no curves yet; R trains, 6 then Space shows an earlier run"},
    {"zoom-out", "all of the run is shown; + shows fewer steps"},
    {"whole", "all of the run is shown; + shows fewer steps"},
    {"next-mark", "nothing is marked yet: freezing, thawing, saving are"},
    {"previous-mark", "nothing is marked yet: freezing, thawing, saving are"},
    /* Runs */
    {"ghost", "there is no run yet; R trains the recipe, B the bundled demo"},
    {"take-recipe", "there is no run yet; R trains the recipe, B the bundled demo"},
    {"compare", "there is no run yet; R trains the recipe, B the bundled demo"},
    {"delete-run", "there is no run yet; R trains the recipe, B the bundled demo"},
    {"attach", "no process trains the run at the cursor; r goes on with it"},
    {"resume", "no run that has stopped is at the cursor, or another is on: 5, then s"},
};

/* What the Data tab lacks for most of its actions; NULL: nothing. */
static const char *data_lacks(const app *a) {
    const char *path = a->recipe.data.path;
    if (a->current != SCREEN_DATA || app_dataset(a)) return NULL;
    return path && *path ? "the folder is not open yet; r looks into it again, o opens another one"
                         : "no images are chosen; o opens a folder, b takes the bundled set";
}

static const char *need_of(const char *name) {
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
        if (!strcmp(needs[i].action, name)) return needs[i].text;
    return NULL;
}

thaw_status app_not_now(app *a, const action *item) {
    const screen *s = app_screens[a->current];
    action_table own = app_screen_table(a);
    bool of_screen = item >= own.item && item < own.item + s->action_count;
    const char *why = !strcmp(item->name, "start") ? app_obstacle(a) : of_screen ? data_lacks(a) : NULL;
    if (!why) why = need_of(item->name);
    return why ? thaw_error(THAW_ERR_USAGE, "\"%s\" cannot be done now: %s", item->name, why)
               : thaw_error(THAW_ERR_USAGE, "\"%s\" cannot be done now (%s)", item->name, item->help);
}
