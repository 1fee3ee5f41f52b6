/*
 * app.h - the workbench: what the screens share, and what they may ask of it.
 *
 * One recipe is under edit; its model's layers carry the freeze mask; one session trains at most one run;
 * earlier runs can be laid over the chart as ghosts. Screens read and change these through the calls below,
 * all on the UI thread. Every call is safe in the zero state: no model, no data, no session, no run.
 */
#ifndef TUI_APP_H
#define TUI_APP_H

#include <stdbool.h>

#include "thaw/catalog.h"
#include "thaw/dataset.h"
#include "thaw/layers.h"
#include "thaw/recipe.h"
#include "thaw/run.h"
#include "thaw/session.h"
#include "tui/job.h"
#include "tui/run_view.h"
#include "tui/screen.h"
#include "tui/widgets/dialog.h"
#include "tui/widgets/prompt.h"

/* ---- opening the workbench ---- */

typedef struct app_params {
    const char *theme; /* name or file; NULL: the saved one, else "dark" (mono when NO_COLOR is set) */
    bool ascii;        /* nothing but ASCII on the screen */
    const char *runs;  /* folder of runs, NULL: the default */
    const thaw_recipe *recipe; /* what to begin with; copied; NULL: the defaults, nothing chosen */
    bool start;                /* begin training it at once (`thaw demo`) */
    const char *resume;        /* or go on with this run */
    const char *attach;        /* or show this run of another process: its folder */
    screen_id first;           /* the tab to open on */
    int threads;               /* for libtorch, 0: all cores */
    const char *device;        /* "auto" */
    void (*greet)(
        app *a); /* called after the first frame, when the run, if any, is asked for; NULL: nothing */
} app_params;
app_params app_default_params(void);

/* Open the workbench on the terminal and stay until the person leaves. Fails when there is no terminal; the
 * terminal is restored whatever happens. *SIGNAL_NUMBER (may be NULL) is the signal that ended it, or 0. */
thaw_status app_run(const app_params *params, int *signal_number);

/* ---- what can be done, for the manual: no workbench need be open ---- */

/* The actions of a tab and its title; SCREEN_COUNT: those that work everywhere. */
action_table app_actions_of(screen_id id, const char **title);
const char *app_help_note(void); /* what is the same in every list and pane */

/* ---- what the screens share ---- */

/* NULL when it cannot be opened; the reason has been said. */
const thaw_catalog *app_catalog(app *a);

/* The recipe under edit. Its freeze lists follow the layers' mask: use app_mask_changed for those. */
const thaw_recipe *app_recipe(const app *a);
/* One change, as thaw_recipe_set takes it ("optimizer.lr=0.01"). On failure nothing is changed. */
thaw_status app_recipe_set(app *a, const char *assignment);
void app_recipe_replace(app *a, const thaw_recipe *r); /* copied */
/* Show on the Recipe tab what it and a run's recipe differ in (id or folder; NULL: the live run, or the
 * newest); or the command that trains it. */
void app_diff(app *a, const char *run);
void app_command_line(app *a);

/* Layers of the recipe's model with its head and mask, or NULL: no model chosen, or the message of
 * app_layers_problem. */
thaw_layers *app_layers(app *a);
const char *app_layers_problem(const app *a); /* "" when none */
unsigned app_layers_revision(const app *a);   /* differs when the layers were built anew */
/* The mask in app_layers was edited: takes it into the recipe, keeps the undo history, and sends it to the
 * session when a run is on. WHAT names the edit for undo: "freeze layer2". False: that run would have nothing
 * left to train; the layers are as they were before, and it has been said. */
bool app_mask_changed(app *a, const char *what);
bool app_mask_pending(const app *a); /* an edit is on its way to the run */
/* Hold edits back from the run, to look at what they would cost; or send it what has come of them. Every
 * other call works on the mask under edit meanwhile. */
void app_mask_hold(app *a, bool on);
bool app_mask_held(const app *a);   /* edits are held back from a run that is on */
bool app_mask_unsent(const app *a); /* and there are some */
void app_mask_undo(app *a);
void app_mask_redo(app *a);
bool app_mask_can_undo(const app *a);
bool app_mask_can_redo(const app *a);

/* The dataset of the recipe as far as it is known: NULL until the Data screen (or a run) has opened it. */
const thaw_dataset *app_dataset(const app *a);
void app_dataset_set(app *a, thaw_dataset *d); /* takes it over; NULL: forget */
int app_class_count(const app *a);             /* of the dataset, else of the run, else 0 */

/* Seconds of computing that a step of the recipe takes at this cost; NaN until one of its model was measured.
 */
double app_step_seconds(const app *a, const thaw_cost *cost);

/* The live run (begun or not), never NULL. */
const run_view *app_live(const app *a);
bool app_busy(const app *a);       /* a run is preparing, training, paused or stopping */
thaw_session *app_session(app *a); /* NULL until it could be started */
void app_train(app *a);            /* start a run of the recipe; says what is missing when it cannot */
void app_demo(
    app *a); /* the bundled demo becomes the recipe, after asking where one would be lost, and trains */
void app_demo_greet(app *a);                  /* what to press first in it */
void app_resume_run(app *a, const char *run); /* id or folder */

/* ---- steering the live run ---- */

bool app_can_steer(const app *a);
/* Hand it an order; false when that cannot be, which has been said. */
bool app_steer(app *a, const thaw_order *order);

/* Show a run of another process as the live one, and steer it from here; says why when it cannot. */
void app_attach(app *a, const char *folder);
bool app_attached(const app *a);
/* Bytes of memory that the run on the Train tab takes; NaN: it is over, or another process trains it. */
double app_run_memory(const app *a);
void app_detach(app *a); /* let go of it; it goes on */

/* ---- fetching weights ---- */

typedef struct app_get_params {
    const thaw_weights_info *info; /* of the app's catalog */
    /* Called when the file is there, unless another model was chosen meanwhile. */
    void (*fetched)(app *a, const thaw_weights_info *info);
    /* Called when the person would rather have random weights. */
    void (*instead)(app *a, const thaw_weights_info *info);
} app_get_params;

/* Ask whether to fetch the weights of a model, and do so in the background. False: they cannot be fetched
 * (offline, or part of thaw itself), and nothing was said. */
bool app_get(app *a, const app_get_params *params);
bool app_getting(const app *a);
void app_get_stop(app *a); /* what has come is kept */

/* ---- ghosts: earlier runs on the chart ---- */

typedef struct app_ghost {
    char *id, *folder;
    char *label; /* its freeze mask */
    char letter; /* 'A', 'B', ...: stable while it is loaded */
    theme_role role;
    run_view view;
    bool shown;
} app_ghost;

const char *app_runs_folder(const app *a); /* NULL: the default */
size_t app_ghost_count(const app *a);
const app_ghost *app_ghost_at(const app *a, size_t index);
const app_ghost *app_ghost_find(const app *a, const char *folder); /* NULL: not loaded */
void app_ghost_toggle(app *a, const char *folder); /* loads it in the background the first time */

/* ---- what a screen may do ---- */

void app_go(app *a, screen_id screen);
screen_id app_current(const app *a);
pane app_focus(const app *a); /* the pane that has the keys */
void app_set_focus(app *a, pane p);
void app_redraw(app *a); /* something to be seen has changed */

/* The line at the bottom, for a few seconds; a warning or failure until the next key. A failure also goes to
 * the log. */
void app_say(app *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
void app_warn_briefly(app *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
void app_warn(app *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
void app_fail(app *a, const thaw_status *status);
void app_hush(app *a); /* take the line away */

/* Ask for a line of text at the bottom; see prompt.h. */
void app_prompt(app *a, const prompt_params *params);
/* Ask which of a few; see dialog.h. */
void app_ask(app *a, const dialog_params *params);

/* Where the mouse was for K_MOUSE: row, column, button 1..3, 4 wheel up, 5 wheel down. */
typedef struct app_mouse {
    int row, col, button;
    bool drag;
} app_mouse;
app_mouse app_mouse_at(const app *a);

/* Which dots charts are drawn with; switched with a key and saved. */
int app_raster(const app *a); /* raster_kind of widgets/raster.h */

#endif
