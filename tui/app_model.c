/*
 * app_model.c - the recipe under edit, its layers, and the history of its freeze mask.
 *
 * The layers are built from the recipe when somebody asks for them, and again when the model, its head, the
 * input size or the number of classes has changed. Whoever edits the mask does so in the layers and says so;
 * the recipe follows.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "tui/app_state.h"

enum { UNDO_MAX = 200 };

/* ---- undo ---- */

static void edit_free(mask_edit *e) {
    free(e->what);
    free(e->state);
}

static void history_clear(app *a) {
    for (size_t i = 0; i < a->edit_count; i++)
        edit_free(&a->edit[i]);
    a->edit_count = a->edit_at = 0;
}

static void history_push(app *a, const char *what) {
    while (a->edit_count > a->edit_at + 1)
        edit_free(&a->edit[--a->edit_count]); /* what was undone is gone now */
    if (a->edit_count == UNDO_MAX) {
        edit_free(&a->edit[0]);
        memmove(a->edit, a->edit + 1, (UNDO_MAX - 1) * sizeof *a->edit);
        a->edit_count--;
    }
    a->edit = vec_reserve(a->edit, &a->edit_capacity, a->edit_count + 1, sizeof *a->edit);
    mask_edit e = {.what = xstrdup(what), .state = xcalloc((size_t)a->mask_layers + 1, 1)};
    for (int i = 0; i < a->mask_layers; i++)
        e.state[i] = (uint8_t)thaw_layers_state(a->layers, i);
    a->edit[a->edit_count++] = e;
    a->edit_at = a->edit_count - 1;
}

bool app_mask_can_undo(const app *a) {
    return a->layers && a->edit_at > 0;
}

bool app_mask_can_redo(const app *a) {
    return a->layers && a->edit_at + 1 < a->edit_count;
}

/* ---- mask ---- */

static void free_names(char ***names, size_t *count) {
    thaw_names_free(*names, *count);
    *names = NULL;
    *count = 0;
}

/* The recipe's lists say what the layers say. */
static void mask_into_recipe(app *a) {
    thaw_recipe *r = &a->recipe;
    free_names(&r->freeze, &r->freeze_count);
    free_names(&r->moving, &r->moving_count);
    thaw_layers_get_mask(a->layers, &r->freeze, &r->freeze_count, &r->moving, &r->moving_count);
    free(r->norm);
    r->norm = xstrdup("eval"); /* layers with moving statistics are named one by one now */
}

/* A run must have something to train; before one, a mask may be on its way to another. */
static bool would_be_refused(app *a) {
    return app_busy(a) && thaw_layers_cost(a->layers, 1, 1).trainable == 0;
}

static void send_mask(app *a) {
    if (!app_busy(a)) return;
    a->mask_unsent = a->mask_held;
    if (a->mask_held) return;
    const thaw_recipe *r = &a->recipe;
    thaw_order order = {.kind = THAW_ORDER_MASK};
    order.frozen = (const char *const *)r->freeze;
    order.frozen_count = r->freeze_count;
    order.moving = (const char *const *)r->moving;
    order.moving_count = r->moving_count;
    if (app_steer(a, &order)) a->masks_pending++;
}

bool app_mask_pending(const app *a) {
    return a->masks_pending > 0;
}

static void show_edit(app *a, size_t at) {
    const mask_edit *e = &a->edit[at];
    for (int i = 0; i < a->mask_layers; i++) {
        bool leaf = thaw_layers_at(a->layers, i)->end == i + 1;
        if (leaf && e->state[i] != THAW_MIXED) thaw_layers_set(a->layers, i, (thaw_freeze)e->state[i]);
    }
}

/* The layers have been given another mask: it becomes the recipe's and the run's, unless that run would have
 * nothing left to train. Then they go back to what they were, and FALSE. */
static bool take_edit(app *a) {
    bool refused = !a->mask_held && would_be_refused(a);
    if (refused) {
        show_edit(a, a->edit_at);
        app_warn(a, "not done: the run would have nothing left to train; thaw something else first, or stop "
                    "it with s on the Train tab");
    }
    mask_into_recipe(a);
    if (!refused) send_mask(a);
    app_changed(a);
    return !refused;
}

bool app_mask_held(const app *a) {
    return a->mask_held && app_busy(a);
}

bool app_mask_unsent(const app *a) {
    return app_mask_held(a) && a->mask_unsent;
}

void app_mask_hold(app *a, bool on) {
    bool news = app_mask_unsent(a);
    if (!on && news && would_be_refused(a)) {
        app_warn(a, "not sent: the run would have nothing left to train; thaw something first");
        return;
    }
    a->mask_held = on;
    if (!on && news) send_mask(a);
    app_redraw(a);
}

void app_mask_settle(app *a) {
    a->mask_held = a->mask_unsent = false;
}

bool app_mask_changed(app *a, const char *what) {
    if (!a->layers || !take_edit(a)) return false;
    history_push(a, what);
    return true;
}

void app_mask_undo(app *a) {
    if (!app_mask_can_undo(a)) return;
    show_edit(a, a->edit_at - 1);
    if (take_edit(a)) app_say(a, "undone: %s", a->edit[a->edit_at--].what);
}

void app_mask_redo(app *a) {
    if (!app_mask_can_redo(a)) return;
    show_edit(a, a->edit_at + 1);
    if (take_edit(a)) app_say(a, "done again: %s", a->edit[++a->edit_at].what);
}

/* A run names what it froze, and a ReLU is not among that: freezing one changes nothing. */
static bool state_matters(const thaw_layer_info *info, int index) {
    bool leaf = info->end == index + 1;
    return leaf && (info->parameters > 0 || !strcmp(info->kind, "Dropout"));
}

/* Are the layers as the newest entry of the history says, where it matters? */
static bool as_in_history(const app *a) {
    const mask_edit *e = &a->edit[a->edit_at];
    for (int i = 0; i < a->mask_layers; i++) {
        if (!state_matters(thaw_layers_at(a->layers, i), i)) continue;
        if (e->state[i] != (uint8_t)thaw_layers_state(a->layers, i)) return false;
    }
    return true;
}

/*
 * What the run says its mask is, from this step on. While edits are on their way to it, the answer to the
 * last of them is what counts; when that is not what was sent, it was refused, and the run's mask is shown
 * again.
 */
void app_take_mask(app *a, const thaw_event *e) {
    bool ours = a->masks_pending > 0;
    if (ours && --a->masks_pending > 0) return;
    if (app_mask_unsent(a)) return; /* what is under edit stays until it is sent */
    thaw_layers *layers = app_layers(a);
    if (!layers) return;
    thaw_status status =
        thaw_layers_set_mask(layers, (const char *const *)e->mask.frozen, e->mask.frozen_count,
                             (const char *const *)e->mask.moving, e->mask.moving_count);
    if (thaw_failed(&status)) return; /* the recipe under edit is another model's by now */
    if (as_in_history(a)) return;
    if (ours) app_warn(a, "%s", a->warning ? a->warning : "the run has kept its mask");
    history_push(a, "the run's mask");
    mask_into_recipe(a);
    app_changed(a);
}

/* ---- layers ---- */

static bool key_fits(const app *a) {
    const thaw_recipe *r = &a->recipe;
    const layers_key *k = &a->key;
    return k->model && !strcmp(k->model, r->model) && k->crop == r->data.crop &&
           k->classes == app_class_count(a) && !memcmp(&k->head, &r->head, sizeof k->head);
}

static void remember_key(app *a) {
    free(a->key.model);
    a->key = (layers_key){
        .model = xstrdup(a->recipe.model), .crop = a->recipe.data.crop, .classes = app_class_count(a)};
    memcpy(&a->key.head, &a->recipe.head, sizeof a->key.head); /* with its padding: it is compared as bytes */
}

static void set_layers_problem(app *a, const char *text) {
    free(a->layers_problem);
    a->layers_problem = text ? xstrdup(text) : NULL;
}

static thaw_status apply_recipe_mask(app *a) {
    const thaw_recipe *r = &a->recipe;
    bool all_move = r->norm && !strcmp(r->norm, "train");
    size_t frozen = all_move ? 0 : r->freeze_count,
           moving = r->moving_count + (all_move ? r->freeze_count : 0);
    const char **names = xcalloc(moving + 1, sizeof *names);
    size_t n = 0;
    for (size_t i = 0; all_move && i < r->freeze_count; i++)
        names[n++] = r->freeze[i];
    for (size_t i = 0; i < r->moving_count; i++)
        names[n++] = r->moving[i];
    thaw_status status =
        thaw_layers_set_mask(a->layers, (const char *const *)r->freeze, frozen, names, moving);
    free(names);
    return status;
}

static void build_layers(app *a) {
    bool same_model = a->key.model && !strcmp(a->key.model, a->recipe.model);
    remember_key(a);
    set_layers_problem(a, NULL);
    thaw_layers_free(a->layers);
    a->layers = NULL;
    a->layers_revision++;
    history_clear(a);
    const thaw_recipe *r = &a->recipe;
    thaw_status status = thaw_layers_new(r->model, &r->head, a->key.classes, r->data.crop, &a->layers);
    if (thaw_failed(&status)) {
        char *text = xasprintf("%s\n\n%s", status.message,
                               status.code == THAW_ERR_NOT_FOUND
                                   ? "1 has the models, Enter chooses one."
                                   : "4 has the recipe, d there puts a value back to its default.");
        set_layers_problem(a, text);
        free(text);
        return;
    }
    a->mask_layers = thaw_layers_count(a->layers);
    status = apply_recipe_mask(a);
    if (thaw_failed(&status)) {
        if (!same_model)
            app_warn(a, "the freeze mask named layers that %s does not have; everything is trainable now",
                     r->model);
        else
            app_fail(a, &status);
        mask_into_recipe(a);
    }
    history_push(a, "the recipe's mask");
}

thaw_layers *app_layers(app *a) {
    if (!a->recipe.model || !*a->recipe.model) return NULL;
    if (!key_fits(a)) build_layers(a);
    return a->layers;
}

const char *app_layers_problem(const app *a) {
    return a->layers_problem ? a->layers_problem : "";
}

unsigned app_layers_revision(const app *a) {
    return a->layers_revision;
}

/* ---- recipe ---- */

const thaw_recipe *app_recipe(const app *a) {
    return &a->recipe;
}

thaw_status app_recipe_set(app *a, const char *assignment) {
    thaw_recipe changed;
    thaw_recipe_copy(&a->recipe, &changed);
    thaw_status status = thaw_recipe_set(&changed, assignment);
    if (thaw_failed(&status)) {
        thaw_recipe_clear(&changed);
        return status;
    }
    thaw_recipe_clear(&a->recipe);
    a->recipe = changed;
    app_changed(a);
    return status;
}

void app_recipe_replace(app *a, const thaw_recipe *r) {
    thaw_recipe copy;
    thaw_recipe_copy(r, &copy);
    thaw_recipe_clear(&a->recipe);
    a->recipe = copy;
    free(a->key.model); /* the mask came with the recipe: build the layers anew */
    a->key.model = NULL;
    app_changed(a);
}

/* ---- catalog and data ---- */

const thaw_catalog *app_catalog(app *a) {
    if (a->catalog || a->catalog_failed) return a->catalog;
    thaw_status status = thaw_catalog_open(&a->catalog);
    a->catalog_failed = thaw_failed(&status);
    if (a->catalog_failed) app_fail(a, &status);
    return a->catalog;
}

const thaw_dataset *app_dataset(const app *a) {
    return a->dataset;
}

void app_dataset_set(app *a, thaw_dataset *d) {
    if (d == a->dataset) return;
    thaw_dataset_free(a->dataset);
    a->dataset = d;
    app_changed(a);
}

int app_class_count(const app *a) {
    if (a->dataset) return thaw_dataset_class_count(a->dataset);
    return a->live.classes;
}

void app_changed(app *a) {
    app_rate_seek(a);
    for (int i = 0; i < SCREEN_COUNT; i++)
        if (a->state[i] && app_screens[i]->changed) app_screens[i]->changed(a, a->state[i]);
    app_redraw(a);
}

void app_model_init(app *a, const thaw_recipe *recipe) {
    if (recipe)
        thaw_recipe_copy(recipe, &a->recipe);
    else
        thaw_recipe_init(&a->recipe);
}

void app_model_clear(app *a) {
    history_clear(a);
    free(a->edit);
    free(a->key.model);
    free(a->layers_problem);
    thaw_layers_free(a->layers);
    thaw_recipe_clear(&a->recipe);
    thaw_dataset_free(a->dataset);
    thaw_catalog_free(a->catalog);
}
