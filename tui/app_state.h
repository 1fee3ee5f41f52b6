/*
 * app_state.h - the inside of the workbench, for the app's own files (app*.c, job.c); screens use app.h.
 */
#ifndef TUI_APP_STATE_H
#define TUI_APP_STATE_H

#include "tui/app.h"
#include "tui/keymap.h"
#include "tui/step_rate.h"
#include "tui/term.h"
#include "tui/theme.h"
#include "tui/widgets/raster.h"

/* One mask of the undo history: the state of every layer. */
typedef struct mask_edit {
    char *what;     /* the edit that led to it */
    uint8_t *state; /* thaw_freeze, `mask_layers` of them */
} mask_edit;

/* What the layers were built from: when it differs from the recipe, they are built anew. */
typedef struct layers_key {
    char *model;
    thaw_head head;
    int crop, classes;
} layers_key;

typedef struct app_attachment app_attachment; /* app_attach.c */
typedef struct app_jobs app_jobs;
typedef struct app_fetch app_fetch; /* app_get.c */
enum { GET_WAITING_MAX = 16 };

/* Of the frame before, for what is shown less often than the rest; see app_calm.c. */
typedef struct app_calm {
    double since; /* when all was last drawn */
    bool holding; /* this frame keeps parts of the one before */
    bool plain;   /* the one before had nothing over its panes */
    layout lay;   /* and was laid out so */
    canvas_cell *cell;
    size_t capacity;
} app_calm;

struct app {
    /* the terminal */
    terminal *term;
    canvas frame;
    theme look;
    char *theme_name;
    raster_kind raster;
    bool dirty, urgent; /* something changed; draw it at once rather than at the next frame */
    double last_frame, last_drain, last_tick;
    app_calm calm;
    bool headless; /* the terminal is gone */
    bool hidden;   /* the shell has it: we go on in its background */

    /* what is on it */
    layout lay;
    screen_id current;
    void *state[SCREEN_COUNT];
    pane focus[SCREEN_COUNT];
    keymap keys;
    double share[LAYOUT_FORM_COUNT][EDGE_COUNT]; /* see layout_state */
    layout_edge dragged;                         /* by the mouse, EDGE_COUNT: none */
    bool prefs_stale;                            /* to be saved when nothing is dragged any more */
    prompt ask_line;
    dialog ask_box;
    bool greeting;       /* shown until the next key */
    int tour;            /* step of it that is shown, from 1; 0: none */
    int tour_top;        /* rows of its text scrolled away */
    screen_id tour_from; /* where it was begun */
    bool help_open;
    int help_top, help_page; /* rows scrolled away, and shown */
    char *message;
    theme_role message_role;
    double message_until; /* 0: until the next key */

    /* what the screens share */
    thaw_catalog *catalog;
    bool catalog_failed;
    thaw_recipe recipe;
    thaw_layers *layers;
    layers_key key;
    unsigned layers_revision;
    char *layers_problem;
    mask_edit *edit; /* edit[edit_at] is the present mask */
    size_t edit_count, edit_at, edit_capacity;
    int mask_layers;
    bool mask_held, mask_unsent; /* edits wait to be sent to the run; there is one */
    int masks_pending;           /* sent to the session, not yet in force */
    char *warning;               /* the last the run gave, or NULL: why a mask was refused */
    thaw_dataset *dataset;

    /* training */
    thaw_session *session;
    bool session_failed, session_later; /* later: it is started when it is wanted */
    run_view live;
    bool starting;            /* a run was asked for and has not ended */
    app_attachment *attached; /* the live run is another process's; NULL: it is ours */
    bool attaching;           /* its history is being read */
    double live_work;         /* multiply-accumulates of one of its steps, 0: not known */
    step_rate rate;           /* how fast they are done here */
    char *rate_sought;        /* the model that earlier runs were searched for */
    app_ghost *ghost;
    size_t ghost_count, ghost_capacity;
    char *runs, *device;
    int threads;

    app_jobs *jobs;
    app_get_params get_asked;                    /* what the question is about */
    app_fetch *fetch;                            /* what is being fetched, or NULL; its job frees it */
    app_get_params get_waiting[GET_WAITING_MAX]; /* what is to be fetched after it, in order */
    int get_waiting_count;

    /* leaving */
    bool leave, leave_when_idle;
    int signal_number;
};

extern const screen *const app_screens[SCREEN_COUNT];

/* app.c: the pieces of app_run, for tests: a workbench without a terminal takes keys and draws into its
 * frame. */
app *app_new(const app_params *params);
void app_free(app *a);
void app_choose_colours(app *a); /* of the frame, by terminal and theme */

/* app_keys.c */
void app_take_key(app *a, int key);

/* app_help.c */
void app_help_draw(app *a, canvas *c);
void app_help_key(app *a, int key);

/* app_tour.c */
void app_greet_newcomer(app *a); /* where nothing was ever trained or chosen */
void app_tour_start(app *a);
void app_tour_key(app *a, int key);
void app_tour_draw(app *a, canvas *c); /* the tour, or the greeting */

/* app_model.c */
void app_model_init(app *a, const thaw_recipe *recipe);
void app_model_clear(app *a);
void app_changed(app *a); /* tell the screens */
void app_take_mask(app *a, const thaw_event *e);
void app_mask_settle(app *a); /* the run is over: no edit is held back from it any more */

/* app_train.c */
void app_session_start(app *a);
const char *app_obstacle(const app *a); /* what stands in the way of training the recipe, or NULL */
void app_session_drain(app *a);
void app_take_event(app *a, const thaw_event *e);
void app_ghosts_clear(app *a);
void app_keep_as_ghost(app *a, const char *run);                 /* the live run, when RUN is another */
void app_take_recipe(app *a, const char *json, const char *run); /* becomes the one under edit */

/* app_attach.c */
bool app_own_run(const app *a); /* a run is on, and it is this process that trains it */
void app_attach_end(app *a);
void app_attach_poll(app *a);
double app_attach_wait(const app *a, double now); /* seconds until it is to be polled; negative: never */
int app_attach_fd(const app *a);                  /* readable when it is to be polled at once, or -1 */

/* app_get.c */
int app_get_rows(const app *a);                   /* that its strip takes at the bottom of the screen */
void app_get_draw(app *a, canvas *c, rect strip); /* empty STRIP: nothing */

/* app_rate.c */
void app_rate_event(app *a, const thaw_event *e); /* after the live view has taken it */
void app_rate_seek(app *a);                       /* look for an earlier run of the recipe's model, once */

/* app_view.c */
void app_draw(app *a);
layout_state app_layout_state(const app *a);
int app_tab_at(const app *a, int col);

/* app_actions.c */
action_table app_table(app *a);
action_table app_screen_table(app *a);
thaw_status app_command(app *a, void *user, const char *line);
/* Why ITEM, which is not valid now, cannot be done. */
thaw_status app_not_now(app *a, const action *item);

/* app_calm.c */
void app_calm_begin(app *a, double now); /* before a frame is drawn */
void app_calm_hold(app *a);              /* when its panes are drawn and nothing is over them yet */
void app_calm_clear(app *a);

/* app_splits.c */
bool app_drag_edge(app *a, const app_mouse *m); /* true: the mouse drags an edge */
bool app_has_columns(app *a, void *self);
bool app_has_heights(app *a, void *self);
void app_narrower(app *a, void *self, const char *argument);
void app_wider(app *a, void *self, const char *argument);
void app_edge_up(app *a, void *self, const char *argument);
void app_edge_down(app *a, void *self, const char *argument);
void app_usual_splits(app *a, void *self, const char *argument);

/* app_leave.c */
enum { APP_LEAVE_SAVING = 's' }; /* the answer */
void app_ask_to_leave(app *a);
bool app_asks_to_leave(const app *a); /* the question is on the screen */
void app_take_signal(app *a);
void app_lose_terminal(app *a);
bool app_can_go_on_behind(const app *a); /* there is a run that can be left in the background */
void app_go_on_behind(app *a);
void app_suspend(app *a);
void app_reappear(app *a); /* if we are hidden, and the shell has us in the foreground again */

/* app_prefs.c */
typedef struct app_prefs {
    char *theme;
    raster_kind raster;
    double share[LAYOUT_FORM_COUNT][EDGE_COUNT];
} app_prefs;
app_prefs app_prefs_load(void);
void app_prefs_save(app *a); /* says why when it cannot */

/* job.c */
app_jobs *app_jobs_new(void);
void app_jobs_free(app *a); /* cancels all, waits for them */
int app_jobs_fd(const app *a);
void app_jobs_finish(app *a); /* calls DONE for those that are */
/* The name of a running job and how far it is; NULL when none runs. */
const char *app_jobs_running(const app *a, double *part);

#endif
