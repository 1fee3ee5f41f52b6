/*
 * screen.h - what a tab of the workbench is: a const table of functions over a state of its own.
 *
 * All of it runs on the UI thread. A screen keeps only what is about showing; the recipe, the layers and the
 * runs belong to the app (app.h), so that every screen shows the same ones.
 */
#ifndef TUI_SCREEN_H
#define TUI_SCREEN_H

#include "thaw/event.h"
#include "tui/action.h"
#include "tui/canvas.h"
#include "tui/layout.h"

typedef enum screen_id {
    SCREEN_MODELS,
    SCREEN_DATA,
    SCREEN_LAYERS,
    SCREEN_RECIPE,
    SCREEN_TRAIN,
    SCREEN_RUNS,
    SCREEN_COUNT
} screen_id;

typedef struct screen {
    const char *title; /* in the bar: "Models" */
    layout_form form;
    const action *actions;
    size_t action_count;
    void *(*init)(app *a);            /* the state; must be quick: nothing is opened here */
    void (*free)(void *self);         /* NULL: nothing to free */
    void (*show)(app *a, void *self); /* becomes visible: open, or refresh, what it needs. NULL: nothing */
    void (*draw)(app *a, void *self, canvas *c,
                 const layout *l);            /* the panes; bar and footer are the app's */
    bool (*key)(app *a, void *self, int key); /* before the actions; true: taken. NULL: none */
    void (*changed)(app *a, void *self);      /* recipe, layers or runs changed. NULL: nothing */
    void (*event)(app *a, void *self,
                  const thaw_event *e); /* after the run's view has taken it. NULL: nothing */
    void (*tick)(app *a, void *self);   /* once a second while it is shown. NULL: nothing */
    bool (*log)(void *self);            /* its log pane is open. NULL: never */
    bool (*profile)(void *self);        /* its pane of where time goes is open. NULL: never */
} screen;

/* One a file in tui/screens/. */
extern const screen screen_models, screen_data, screen_layers, screen_recipe, screen_train, screen_runs;

#endif
