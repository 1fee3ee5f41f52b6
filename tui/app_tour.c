/*
 * app_tour.c - for whoever is here for the first time: a greeting with the demo one key away, and a tour in
 * five steps.
 *
 * The tour goes to a tab, says in a card at the side what it is for, and goes back to where it was begun. It
 * changes nothing: keys move it and do nothing else. The greeting is no question: any key does what it always
 * does.
 */
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "tui/app_state.h"
#include "tui/demo_recipe.h"
#include "tui/key.h"

/* ---- the demo ---- */

void app_demo_greet(app *a) {
    app_say(a, "Space thaws the layer under the cursor: try layer3");
}

static void start_demo(app *a) {
    thaw_recipe r;
    thaw_recipe_init(&r);
    thaw_status status = demo_recipe_read(&r);
    if (!thaw_failed(&status)) status = demo_recipe_slow_down(&r);
    if (thaw_failed(&status)) {
        app_fail(a, &status);
    } else {
        app_dataset_set(a, NULL);
        app_recipe_replace(a, &r);
        app_go(a, SCREEN_TRAIN);
        app_train(a);
        if (app_busy(a)) app_demo_greet(a);
    }
    thaw_recipe_clear(&r);
}

enum { ANSWER_DEMO = 'd', ANSWER_KEEP = 'k' };

static void demo_answered(app *a, void *user, int key) {
    (void)user;
    if (key == ANSWER_DEMO) start_demo(a);
}

static bool has_choices(const app *a) {
    const thaw_recipe *r = &a->recipe;
    return (r->model && *r->model) || (r->data.path && *r->data.path);
}

void app_demo(app *a) {
    if (!has_choices(a)) {
        start_demo(a);
        return;
    }
    dialog_params params = {
        .title = "demo",
        .text = "The demo's recipe takes the place of the one under edit. :write keeps that in a file.",
        .answer = {{ANSWER_DEMO, "train the demo"}, {ANSWER_KEEP, "keep the recipe"}},
        .answered = demo_answered,
    };
    app_ask(a, &params);
}

/* ---- the greeting ---- */

static const char greeting[] = "B  trains the bundled demo: a small model learns to tell drawn shapes apart, "
                               "and you freeze and thaw its "
                               "layers meanwhile. Half a minute, nothing to fetch.\n\n?  then t: a tour in "
                               "five steps.\n\nOr pick a model here, images "
                               "in tab 2, and press R.";

/* Somebody who has trained or changed anything knows the way. */
static bool is_newcomer(const app *a) {
    char *usual = a->runs ? NULL : thaw_runs_default_folder();
    const char *runs = a->runs ? a->runs : usual;
    char *prefs = path_xdg("XDG_CONFIG_HOME", ".config", "thaw/workbench.json");
    bool fresh = !(runs && path_exists(runs)) && !(prefs && path_exists(prefs));
    free(usual);
    free(prefs);
    return fresh;
}

void app_greet_newcomer(app *a) {
    a->greeting = !has_choices(a) && !app_busy(a) && !a->starting && is_newcomer(a);
}

/* ---- the tour ---- */

typedef struct tour_step {
    screen_id tab;
    const char *title, *text;
} tour_step;

static const tour_step steps[] = {
    {SCREEN_MODELS, "1 of 5: a model",
     "What one of these has learned from a million photographs is where yours begins. Enter chooses the one "
     "under the cursor, "
     "/ filters, s sorts. What does not fit this machine's memory is marked."},
    {SCREEN_DATA, "2 of 5: images",
     "A folder for each class. o opens yours, b takes the bundled drawings. t shows the images, a what "
     "training makes of "
     "one, x what is wrong with the files."},
    {SCREEN_LAYERS, "3 of 5: what learns",
     "Frozen layers keep what they know, to the bit; thawed ones learn. Space freezes or thaws the layer "
     "under the "
     "cursor, F all up to it. What a step will cost is said before you apply it."},
    {SCREEN_RECIPE, "4 of 5: how it learns",
     "The head, optimizer, learning rate, epochs. Left and Right change a value, Enter types one, d puts the "
     "default "
     "back. R, on any tab, trains."},
    {SCREEN_TRAIN, "5 of 5: watch and steer",
     "While the curves move, Space freezes and thaws between two steps, l sets the learning rate, p pauses; "
     "each change is "
     "marked on the curve. Tab 6 keeps every run."},
};
enum { STEPS = sizeof steps / sizeof steps[0] };

/* At its end there is the demo, unless a run is on. */
static bool offers_demo(const app *a) {
    return a->tour == STEPS && !app_busy(a);
}

static void show_step(app *a, int step) {
    a->tour = step;
    a->tour_top = 0;
    app_go(a, steps[step - 1].tab);
}

static void end_tour(app *a) {
    a->tour = 0;
    app_go(a, a->tour_from);
}

void app_tour_start(app *a) {
    a->tour_from = a->current;
    show_step(a, 1);
}

static void next_step(app *a) {
    if (a->tour < STEPS)
        show_step(a, a->tour + 1);
    else
        end_tour(a);
}

void app_tour_key(app *a, int key) {
    switch (key) {
    case K_RIGHT:
    case K_ENTER:
    case K_SPACE:
    case 'n':
    case 't':
        next_step(a);
        break;
    case K_LEFT:
    case K_BACKSPACE:
    case 'p':
        if (a->tour > 1) show_step(a, a->tour - 1);
        break;
    case K_DOWN:
        a->tour_top++; /* drawing stops at the last row */
        break;
    case K_UP:
        if (a->tour_top > 0) a->tour_top--;
        break;
    case K_ESC:
    case 'q':
    case K_CTRL('C'):
        end_tour(a);
        break;
    case 'B':
        if (!offers_demo(a)) break;
        end_tour(a);
        app_demo(a);
        break;
    default:
        break; /* nothing that a key does elsewhere */
    }
}

/* ---- the card ---- */

enum { CARD_COLUMNS = 48, EDGES = 2, MARGINS = 4 };

/* At the bottom of what is beside the list; over the list only where there is nothing beside it. */
static rect card_place(const app *a, int rows) {
    rect side = a->lay.body;
    for (int p = PANE_DETAIL; p < PANE_COUNT; p++) {
        if (rect_empty(a->lay.pane[p]) || a->lay.kind == LAYOUT_NARROW) continue;
        int right = side.col + side.cols;
        side.col = a->lay.pane[p].col;
        side.cols = right - side.col;
        break;
    }
    int cols = side.cols < CARD_COLUMNS ? side.cols : CARD_COLUMNS;
    if (rows > side.rows) rows = side.rows;
    return (rect){side.row + side.rows - rows, side.col + side.cols - cols, rows, cols};
}

static void draw_card(app *a, canvas *c, const char *title, const char *text) {
    rect place = card_place(a, EDGES);
    int rows = canvas_paragraph(c, (rect){0, 0, 0, place.cols - MARGINS}, text, ROLE_TEXT);
    place = card_place(a, rows + EDGES);
    if (rect_empty(place)) return;
    canvas_fill(c, place, ROLE_TEXT);
    rect in = rect_inset(canvas_frame(c, place, title, NULL, FRAME_FOCUS), 0, 1, 0, 1);
    int most = rows > in.rows ? rows - in.rows : 0;
    if (a->tour_top > most) a->tour_top = most;
    rect former = canvas_clip(c, in);
    canvas_paragraph(c, (rect){in.row - a->tour_top, in.col, rows, in.cols}, text, ROLE_TEXT);
    canvas_unclip(c, former);
}

void app_tour_draw(app *a, canvas *c) {
    if (a->lay.kind == LAYOUT_TINY) return;
    if (!a->tour) {
        draw_card(a, c, "welcome to thaw", greeting);
        return;
    }
    const tour_step *step = &steps[a->tour - 1];
    char *text = xasprintf("%s%s\n%s", step->text, offers_demo(a) ? " B trains the demo now." : "",
                           a->tour < STEPS ? "Enter: on, Left: back, Esc: end" : "Enter: end, Left: back");
    draw_card(a, c, step->title, text);
    free(text);
}
