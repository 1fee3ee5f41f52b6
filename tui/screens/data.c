/*
 * data.c - the Data tab: which folder of images, what classes it has and how many of each, how large the
 * images are, which files are skipped and why.
 *
 * The folder is the recipe's data.path. It is opened in a job (data_open.h); while that runs the tab says so
 * and everything else goes on.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "tui/app.h"
#include "tui/key.h"
#include "tui/screens/data_open.h"
#include "tui/screens/facts.h"
#include "tui/widgets/list.h"
#include "tui/widgets/progress.h"

typedef struct data {
    app *app;
    list list;
    data_open *opening; /* NULL: nothing is being opened */
    char *opened_path;  /* what the app's dataset was opened from */
    char *failed_path;  /* what could not be opened, not to be tried again by itself; NULL: nothing */
    char *problem;      /* why */
    data_sizes sizes;
    facts_scroll details;
    size_t most; /* images of the largest class */
    int bar;     /* columns of the bar, as last drawn */
} data;

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

static void count_classes(data *d, const thaw_dataset *set) {
    d->most = 0;
    int classes = set ? thaw_dataset_class_count(set) : 0;
    for (int i = 0; i < classes; i++) {
        size_t images = thaw_dataset_class_images(set, i, true) + thaw_dataset_class_images(set, i, false);
        if (images > d->most) d->most = images;
    }
    list_set_count(&d->list, classes);
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
    count_classes(d, set);
    size_t skipped = thaw_dataset_skipped_count(set);
    app_say(a, "%d classes, %zu images to train on%s. 3: layers, 4: recipe", thaw_dataset_class_count(set),
            thaw_dataset_images(set, true), skipped ? ", some files skipped" : "");
    app_dataset_set(a, set);
}

static void start_opening(app *a, data *d, const char *path, bool verify) {
    if (d->opening) {
        d->opening->user = NULL; /* its result is not wanted any more */
        data_open_cancel(d->opening);
    }
    set_problem(d, NULL, NULL);
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
        count_classes(d, NULL);
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

/* ---- the list ---- */

enum { COLUMN_CLASS, COLUMN_BAR, COLUMN_TRAIN, COLUMN_VAL };

static const list_column columns[] = {
    [COLUMN_CLASS] = {"class", 0, 12, false, 0},
    [COLUMN_BAR] = {"", 16, 0, false, 2},
    [COLUMN_TRAIN] = {"train", 7, 0, true, 0},
    [COLUMN_VAL] = {"val", 7, 0, true, 1},
};

static void append_bar(str *out, double part, int width) {
    static const char *const eighth[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    int eighths = (int)(part * width * 8 + 0.5);
    for (int i = 0; i < eighths / 8; i++)
        str_append(out, "█");
    str_append(out, eighth[eighths % 8]);
}

static void cell(void *user, int row, int column, str *out, theme_role *role) {
    const data *d = user;
    const thaw_dataset *set = app_dataset(d->app);
    if (!set) return;
    size_t train = thaw_dataset_class_images(set, row, true),
           val = thaw_dataset_class_images(set, row, false);
    char *name;
    switch (column) {
    case COLUMN_CLASS:
        name = text_escape(thaw_dataset_class_name(set, row));
        str_append(out, name);
        free(name);
        break;
    case COLUMN_BAR:
        *role = ROLE_PROGRESS;
        if (d->most) append_bar(out, (double)(train + val) / (double)d->most, columns[COLUMN_BAR].width);
        break;
    case COLUMN_TRAIN:
        str_appendf(out, "%zu", train);
        break;
    case COLUMN_VAL:
        str_appendf(out, "%zu", val);
        break;
    }
}

/* What the pane says when there are no classes to list; owned by the caller. */
static char *why_empty(app *a, const data *d) {
    if (d->opening) return xasprintf("Looking into %s ...  Esc stops.", d->opening->path);
    if (d->problem) {
        bool named = strstr(d->problem, d->failed_path) != NULL;
        return xasprintf("%s%s%s\n\no opens another folder, b the bundled shapes.",
                         named ? "" : d->failed_path, named ? "" : ": ", d->problem);
    }
    if (app_recipe(a)->data.path && app_recipe(a)->data.path[0])
        return xasprintf("%s has not been looked into. r does.", app_recipe(a)->data.path);
    return xstrdup(
        "No images are chosen. o opens a folder (train/CLASS and val/CLASS, or CLASS alone); b takes the "
        "bundled set of drawn shapes.");
}

static void draw_list(app *a, data *d, canvas *c, const layout *l) {
    if (rect_empty(l->pane[PANE_LIST])) return;
    const thaw_dataset *set = app_dataset(a);
    bool focus = app_focus(a) == PANE_LIST;
    char *note =
        set ? xasprintf("%zu train, %zu val", thaw_dataset_images(set, true), thaw_dataset_images(set, false))
            : NULL;
    rect inner =
        canvas_frame(c, l->pane[PANE_LIST], "Classes", note, l->flags[PANE_LIST] | (focus ? FRAME_FOCUS : 0));
    free(note);
    if (!set || d->opening) {
        char *why = why_empty(a, d);
        canvas_paragraph(c, rect_inset(inner, 1, 1, 0, 1), why, d->problem ? ROLE_WARN : ROLE_DIM);
        free(why);
        return;
    }
    list_look look = {.column = columns,
                      .columns = sizeof columns / sizeof columns[0],
                      .cell = cell,
                      .user = d,
                      .focus = focus,
                      .empty = "No class has any image."};
    list_draw(&d->list, c, inner, &look);
}

/* ---- details ---- */

static void describe_side(facts *f, const char *label, int least, int median, int most) {
    if (least == most)
        facts_line(f, label, "%d px", least);
    else
        facts_line(f, label, "%d to %d px, half of them under %d", least, most, median);
}

static void describe_sizes(facts *f, const data_sizes *s) {
    if (!s->sampled) return;
    describe_side(f, "width", s->width_least, s->width_median, s->width_most);
    describe_side(f, "height", s->height_least, s->height_median, s->height_most);
    facts_line(f, "", "measured on %d images", s->sampled);
}

static void describe_balance(facts *f, const thaw_dataset *set) {
    size_t least = SIZE_MAX, most = 0;
    for (int i = 0; i < thaw_dataset_class_count(set); i++) {
        size_t images = thaw_dataset_class_images(set, i, true);
        if (images < least) least = images;
        if (images > most) most = images;
    }
    if (least == most)
        facts_line(f, "a class has", "%zu images to train on", least);
    else
        facts_line(f, "a class has", "%zu to %zu images to train on", least, most);
    if (thaw_dataset_class_count(set) == 1)
        facts_text(f, ROLE_WARN, "One class only: there is nothing to tell apart.");
    if (least == 0) facts_text(f, ROLE_WARN, "A class without training images cannot be learned.");
    if (!thaw_dataset_images(set, false))
        facts_text(f, ROLE_WARN, "No images to validate on: there will be no validation curve.");
}

static void describe_skipped(facts *f, const thaw_dataset *set) {
    size_t count = thaw_dataset_skipped_count(set);
    facts_gap(f);
    facts_heading(f, count ? "Skipped files" : "No file is skipped");
    for (size_t i = 0; i < count; i++) {
        const thaw_skipped *s = thaw_dataset_skipped_at(set, i);
        char *file = text_escape(s->file);
        facts_text(f, ROLE_TEXT, "%s", file);
        facts_text(f, ROLE_WARN, "  %s", s->reason);
        free(file);
    }
}

static void draw_details(app *a, data *d, canvas *c, const layout *l) {
    if (rect_empty(l->pane[PANE_DETAIL])) return;
    const thaw_dataset *set = app_dataset(a);
    bool focus = app_focus(a) == PANE_DETAIL;
    rect inner = canvas_frame(c, l->pane[PANE_DETAIL], "Images", NULL,
                              l->flags[PANE_DETAIL] | (focus ? FRAME_FOCUS : 0));
    facts f = facts_begin(c, inner, &d->details);
    if (!set) {
        facts_heading(&f, "What a folder of images looks like");
        facts_text(
            &f, ROLE_DIM,
            "photos/train/ants/1.jpg\nphotos/train/bees/1.jpg\nphotos/val/ants/7.jpg\nphotos/val/bees/7.jpg");
        facts_gap(&f);
        facts_text(&f, ROLE_DIM,
                   "The classes are what the folders are called. Without train and val, photos/ants and "
                   "photos/bees are split by thaw. JPEG, PNG and WebP are read.");
    }
    if (set) {
        facts_line(&f, "folder", "%s", thaw_dataset_root(set));
        facts_line(&f, "classes", "%d", thaw_dataset_class_count(set));
        facts_line(&f, "images", "%zu to train on, %zu to validate on", thaw_dataset_images(set, true),
                   thaw_dataset_images(set, false));
        facts_line(&f, "split", "%s",
                   thaw_dataset_has_split(set)
                       ? "as its folders say"
                       : "by a hash of each file's path, with val_fraction of the recipe");
        describe_balance(&f, set);
        describe_sizes(&f, &d->sizes);
        describe_skipped(&f, set);
    }
    facts_end(&f);
}

/* ---- the screen ---- */

static void *data_init(app *a) {
    data *d = xcalloc(1, sizeof *d);
    d->app = a;
    d->list.anchor = -1;
    return d;
}

static void data_free(void *self) {
    data *d = self;
    if (d->opening) {
        d->opening->user = NULL;
        data_open_cancel(d->opening);
    }
    free(d->opened_path);
    free(d->failed_path);
    free(d->problem);
    free(d);
}

static void data_show(app *a, void *self) {
    open_recipes(a, self);
}

static void data_changed(app *a, void *self) {
    count_classes(self, app_dataset(a));
    if (app_current(a) == SCREEN_DATA) open_recipes(a, self);
}

static void data_draw(app *a, void *self, canvas *c, const layout *l) {
    draw_list(a, self, c, l);
    draw_details(a, self, c, l);
}

static bool data_key(app *a, void *self, int key) {
    data *d = self;
    if (app_focus(a) == PANE_DETAIL) return facts_key(&d->details, key);
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

static bool is_opening(app *a, void *self) {
    const data *d = self;
    (void)a;
    return d->opening != NULL;
}

static void do_cancel(app *a, void *self, const char *argument) {
    data *d = self;
    (void)a;
    (void)argument;
    data_open_cancel(d->opening);
}

static const action actions[] = {
    {"open-data", "o Enter", "open", "choose a folder of images", "DIR", NULL, do_open},
    {"shapes", "b", "bundled shapes", "choose the set of drawn shapes that comes with thaw", NULL, NULL,
     do_bundled},
    {"reload-data", "r F5", "look again", "look into the folder again", NULL, has_path, do_reload},
    {"verify-data", "v", "verify", "decode every image, so that all broken ones are listed", NULL, has_path,
     do_verify},
    {"cancel-data", "Esc", "stop", "stop looking into the folder", NULL, is_opening, do_cancel},
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
