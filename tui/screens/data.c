/*
 * data.c - the Data tab: which folder of images, its classes, and beside them one of a few pages: what is in
 * it in figures, images of the class at the cursor, what training sees of one of them, the worst mistakes of
 * the run, and what is wrong with the files.
 *
 * The folder is the recipe's data.path. It is opened in a job (data_open.h); while that runs the tab says so
 * and everything else goes on.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "tui/app.h"
#include "tui/key.h"
#include "tui/screens/data_state.h"
#include "tui/screens/data_summary.h"

/* ---- opening ---- */

static bool is_recipes(app *a, const char *path) {
    const char *wanted = app_recipe(a)->data.path;
    return path && wanted && !strcmp(path, wanted);
}

static void set_problem(data *d, const char *path, const char *problem) {
    char *new_path = xstrdup(path), *new_problem = xstrdup(problem);
    free(d->failed_path);
    free(d->problem);
    d->failed_path = new_path;
    d->problem = new_problem;
}

static void opened(app *a, data_open *o) {
    data *d = o->user;
    if (!d) return; /* the screen has gone */
    d->opening = NULL;
    app_redraw(a);
    if (!is_recipes(a, o->path)) return; /* the recipe has gone on to another folder */
    if (o->status.code == THAW_ERR_CANCELLED) {
        set_problem(d, o->path, "stopped looking into it");
        return;
    }
    if (thaw_failed(&o->status)) {
        set_problem(d, o->path, o->status.message);
        app_fail(a, &o->status);
        return;
    }
    set_problem(d, NULL, NULL);
    free(d->opened_path);
    d->opened_path = xstrdup(o->path);
    d->sizes = o->sizes;
    d->details.skip = 0;
    thaw_dataset *set = o->dataset;
    o->dataset = NULL;
    data_classes_count(d, set);
    d->pictures.label = -1;
    picture_store_forget(d->pictures.store);
    data_twins_start(a, &d->twins, set, o->verify);
    size_t skipped = thaw_dataset_skipped_count(set);
    app_say(a, "%d classes, %zu images to train on%s. t: look at them, 3: layers, 4: recipe",
            thaw_dataset_class_count(set), thaw_dataset_images(set, true),
            skipped ? ", some files skipped" : "");
    app_dataset_set(a, set);
}

static void start_opening(app *a, data *d, const char *path, bool verify) {
    if (d->opening) {
        d->opening->user = NULL; /* its result is not wanted any more */
        data_open_cancel(d->opening);
    }
    set_problem(d, NULL, NULL);
    data_twins_clear(&d->twins);
    d->opening = data_open_start(a, path, app_recipe(a)->data.val_fraction, verify, opened, d);
    app_redraw(a);
}

/* Make PATH the recipe's and look into it. */
static thaw_status choose(app *a, data *d, const char *path) {
    thaw_recipe r;
    thaw_recipe_copy(app_recipe(a), &r);
    thaw_status status = thaw_recipe_set_text(&r, "data.path", path);
    if (!thaw_failed(&status)) {
        app_dataset_set(a, NULL);
        data_classes_count(d, NULL);
        app_recipe_replace(a, &r);
        start_opening(a, d, path, false);
    }
    thaw_recipe_clear(&r);
    return status;
}

/* The recipe names a folder that nobody has looked into: do so. */
static void open_recipes(app *a, data *d) {
    const char *path = app_recipe(a)->data.path;
    if (app_dataset(a) && d->opened_path && !is_recipes(a, d->opened_path)) app_dataset_set(a, NULL);
    if (app_dataset(a) || !path || !path[0]) return;
    if (d->opening && is_recipes(a, d->opening->path)) return;
    if (d->failed_path && !strcmp(d->failed_path, path)) return;
    start_opening(a, d, path, false);
}

/* ---- the page beside it ---- */

static const char *const page_title[PAGE_COUNT] = {
    [PAGE_SUMMARY] = "Images",    [PAGE_SAMPLES] = "Samples",   [PAGE_VIEWS] = "Views",
    [PAGE_MISTAKES] = "Mistakes", [PAGE_TROUBLES] = "Troubles",
};

/* A page of pictures needs a dataset, but for the mistakes, which are a run's. */
static data_page page_now(const app *a, const data *d) {
    bool needs = d->page == PAGE_SAMPLES || d->page == PAGE_VIEWS;
    return needs && (!app_dataset(a) || d->opening) ? PAGE_SUMMARY : d->page;
}

/* "Samples of ants"; owned by the caller. */
static char *title_of(const app *a, const data *d, data_page page) {
    if (page != PAGE_SAMPLES) return xstrdup(page_title[page]);
    char *name = text_escape(thaw_dataset_class_name(app_dataset(a), d->list.cursor));
    char *title = xasprintf("%s of %s", page_title[page], name);
    free(name);
    return title;
}

static char *note_of(const app *a, const data *d, data_page page) {
    size_t troubles = data_troubles_count(app_dataset(a), &d->twins);
    switch (page) {
    case PAGE_SAMPLES:
        return data_samples_note(&d->pictures);
    case PAGE_VIEWS:
        return data_views_note(a, &d->pictures);
    case PAGE_MISTAKES:
        return data_mistakes_note(a);
    case PAGE_TROUBLES:
        return troubles ? xasprintf("%zu", troubles) : NULL;
    default:
        return NULL;
    }
}

/* Beside a list that has room for its bars a histogram would say the same again. */
static void draw_summary(app *a, data *d, canvas *c, rect inner, const layout *l) {
    facts f = facts_begin(c, inner, &d->details);
    data_summary_draw(&f, app_dataset(a), &d->sizes, &d->twins, !data_classes_have_bars(d, l));
    facts_end(&f);
}

static void draw_details(app *a, data *d, canvas *c, const layout *l) {
    if (rect_empty(l->pane[PANE_DETAIL])) return;
    const thaw_dataset *set = app_dataset(a);
    data_page page = page_now(a, d);
    bool focus = app_focus(a) == PANE_DETAIL;
    char *title = title_of(a, d, page), *note = note_of(a, d, page);
    rect inner =
        canvas_frame(c, l->pane[PANE_DETAIL], title, note, l->flags[PANE_DETAIL] | (focus ? FRAME_FOCUS : 0));
    free(title);
    free(note);
    if (page == PAGE_SUMMARY) draw_summary(a, d, c, inner, l);
    if (page == PAGE_SAMPLES) data_samples_draw(a, &d->pictures, c, inner, set, d->list.cursor, focus);
    if (page == PAGE_VIEWS) data_views_draw(a, &d->pictures, c, inner, set, focus);
    if (page == PAGE_MISTAKES) data_mistakes_draw(a, &d->pictures, c, inner, focus);
    if (page == PAGE_TROUBLES) data_troubles_draw(&d->troubles, c, inner, set, &d->twins, focus);
}

/* The page's keys; the grids move by arrows, the lists as lists do. */
static bool page_key(app *a, data *d, int key) {
    app_mouse m = app_mouse_at(a);
    data_page page = page_now(a, d);
    grid *g = page == PAGE_SAMPLES    ? &d->pictures.samples
              : page == PAGE_VIEWS    ? &d->pictures.views
              : page == PAGE_MISTAKES ? &d->pictures.mistakes
                                      : NULL;
    if (g) return key == K_MOUSE ? grid_click(g, m.row, m.col) : grid_key(g, key);
    if (page == PAGE_SUMMARY) return facts_key(&d->details, key);
    return key == K_MOUSE ? list_click(&d->troubles.list, m.row, m.col) : list_key(&d->troubles.list, key);
}

/* ---- the screen ---- */

static void *data_init(app *a) {
    data *d = xcalloc(1, sizeof *d);
    d->app = a;
    d->list.anchor = d->troubles.list.anchor = -1;
    data_pictures_init(&d->pictures, a);
    return d;
}

static void data_free(void *self) {
    data *d = self;
    if (d->opening) {
        d->opening->user = NULL;
        data_open_cancel(d->opening);
    }
    data_twins_clear(&d->twins);
    data_pictures_clear(&d->pictures);
    free(d->opened_path);
    free(d->failed_path);
    free(d->problem);
    free(d);
}

static void data_show(app *a, void *self) {
    open_recipes(a, self);
}

static void data_changed(app *a, void *self) {
    data *d = self;
    data_classes_count(d, app_dataset(a));
    if (d->twins.set && d->twins.set != app_dataset(a)) data_twins_clear(&d->twins);
    picture_store_forget_views(d->pictures.store);
    if (app_current(a) == SCREEN_DATA) open_recipes(a, self);
}

static void data_draw(app *a, void *self, canvas *c, const layout *l) {
    data_classes_draw(a, self, c, l);
    draw_details(a, self, c, l);
}

static bool data_key(app *a, void *self, int key) {
    data *d = self;
    if (app_focus(a) == PANE_DETAIL) return page_key(a, d, key);
    app_mouse m = app_mouse_at(a);
    return key == K_MOUSE ? list_click(&d->list, m.row, m.col) : list_key(&d->list, key);
}

/* ---- actions ---- */

static thaw_status path_accepted(app *a, void *user, const char *text) {
    if (!text[0]) return thaw_error(THAW_ERR_USAGE, "type the path of a folder, or Esc");
    return choose(a, user, text);
}

static void do_open(app *a, void *self, const char *argument) {
    if (argument) {
        thaw_status status = choose(a, self, argument);
        if (thaw_failed(&status)) app_fail(a, &status);
        return;
    }
    prompt_params ask = {
        .label = "folder of images",
        .initial = app_recipe(a)->data.path,
        .hint = "~/photos   (Tab completes)",
        .accept = path_accepted,
        .complete = prompt_complete_path,
        .user = self,
    };
    app_prompt(a, &ask);
}

static void do_bundled(app *a, void *self, const char *argument) {
    (void)argument;
    thaw_status status = choose(a, self, "shapes");
    if (thaw_failed(&status)) app_fail(a, &status);
}

static bool has_path(app *a, void *self) {
    (void)self;
    return app_recipe(a)->data.path && app_recipe(a)->data.path[0];
}

static void do_reload(app *a, void *self, const char *argument) {
    (void)argument;
    start_opening(a, self, app_recipe(a)->data.path, false);
}

static void do_verify(app *a, void *self, const char *argument) {
    (void)argument;
    start_opening(a, self, app_recipe(a)->data.path, true);
    app_say(a, "decoding every image; Esc stops");
}

/* ---- pages ---- */

static bool has_data(app *a, void *self) {
    const data *d = self;
    return app_dataset(a) && !d->opening && thaw_dataset_class_count(app_dataset(a)) > 0;
}

/* To PAGE, or back to the summary from it. */
static void turn_to(app *a, data *d, data_page page) {
    d->page = page_now(a, d) == page ? PAGE_SUMMARY : page;
    app_set_focus(a, d->page == PAGE_SUMMARY ? PANE_LIST : PANE_DETAIL);
}

static void do_samples(app *a, void *self, const char *argument) {
    (void)argument;
    turn_to(a, self, PAGE_SAMPLES);
}

static void do_views(app *a, void *self, const char *argument) {
    data *d = self;
    (void)argument;
    d->pictures.label = d->list.cursor;
    if (d->page != PAGE_VIEWS && !data_samples_choose(&d->pictures, app_dataset(a)))
        app_warn(a, "this class has no image; choose another one in the list");
    else
        turn_to(a, d, PAGE_VIEWS);
}

static void do_mistakes(app *a, void *self, const char *argument) {
    (void)argument;
    turn_to(a, self, PAGE_MISTAKES);
}

static void do_troubles(app *a, void *self, const char *argument) {
    (void)argument;
    turn_to(a, self, PAGE_TROUBLES);
}

static bool shows_pictures(app *a, void *self) {
    data_page page = page_now(a, self);
    return page == PAGE_SAMPLES || page == PAGE_VIEWS || page == PAGE_MISTAKES;
}

static void do_larger(app *a, void *self, const char *argument) {
    data *d = self;
    (void)argument;
    if (!data_pictures_zoom(&d->pictures, 1))
        app_say(a, "larger than the pane they cannot be; [ moves its edge");
}

static void do_smaller(app *a, void *self, const char *argument) {
    data *d = self;
    (void)argument;
    if (!data_pictures_zoom(&d->pictures, -1)) app_say(a, "smaller there would be nothing to see");
}

static bool may_stop(app *a, void *self) {
    const data *d = self;
    (void)a;
    return d->opening || d->twins.search;
}

static void do_cancel(app *a, void *self, const char *argument) {
    data *d = self;
    (void)argument;
    data_open_cancel(d->opening);
    if (!d->opening) app_say(a, "stopped looking for duplicates; v looks for them again");
    data_twins_stop(&d->twins);
}

static bool may_go_back(app *a, void *self) {
    const data *d = self;
    return !may_stop(a, self) && d->page != PAGE_SUMMARY;
}

static void do_back(app *a, void *self, const char *argument) {
    (void)argument;
    turn_to(a, self, PAGE_SUMMARY);
}

/* First what ends what is going on, so that the narrowest footer has it. */
static const action actions[] = {
    {"stop-looking", "Esc", "stop", "stop looking into the folder, or for duplicates", NULL, may_stop,
     do_cancel},
    {"summary", "i Esc", "back", "back to what is in the folder", NULL, may_go_back, do_back},
    {"open-data", "o Enter", "open", "choose a folder of images", "DIR", NULL, do_open},
    {"shapes", "b", "bundled shapes", "choose the set of drawn shapes that comes with thaw", NULL, NULL,
     do_bundled},
    {"samples", "t", "thumbnails", "look at the images of the class at the cursor, and back", NULL, has_data,
     do_samples},
    {"views", "a", "augmented", "look at what training sees of the image at the cursor, epoch by epoch", NULL,
     has_data, do_views},
    {"mistakes", "m", "mistakes", "look at what the run takes for something else, worst first", NULL, NULL,
     do_mistakes},
    {"troubles", "x", "troubles", "list skipped files, and pictures that are there more than once", NULL,
     has_data, do_troubles},
    {"larger", "+", "larger", "larger pictures", NULL, shows_pictures, do_larger},
    {"smaller", "-", NULL, "smaller pictures", NULL, shows_pictures, do_smaller},
    {"reload-data", "r F5", "look again", "look into the folder again", NULL, has_path, do_reload},
    {"verify-data", "v", "verify", "decode every image: lists all broken ones, and those that show the same",
     NULL, has_path, do_verify},
};

const screen screen_data = {
    .title = "Data",
    .form = LAYOUT_LIST,
    .actions = actions,
    .action_count = sizeof actions / sizeof actions[0],
    .init = data_init,
    .free = data_free,
    .show = data_show,
    .draw = data_draw,
    .key = data_key,
    .changed = data_changed,
};
