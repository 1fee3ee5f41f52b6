/*
 * data_pictures.c - see data_pictures.h. The three pages are sheets of tiles; each says of a tile which
 * picture it is and what is written below it.
 */
#include "tui/screens/data_pictures.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "tui/text.h"
#include "tui/widgets/picture.h"
#include "tui/widgets/scrollbar.h"

/* Columns of a tile by the steps of zoom, the last as wide as there is room; and the usual one. */
static const int tile_columns[] = {8, 12, 17, 26, 38, 56, 10000};
enum { TILE_SIZES = sizeof tile_columns / sizeof *tile_columns, TILE_USUAL = 2 };

enum { SIDE_LEAST = 32, SIDE_MOST = 512, VIEWS_OF_FILE = 2, VIEW_EPOCHS = 64 };

void data_pictures_init(data_pictures *p, app *a) {
    *p = (data_pictures){.store = picture_store_new(a), .image = {.train = true}};
}

void data_pictures_clear(data_pictures *p) {
    picture_store_free(p->store);
}

bool data_pictures_zoom(data_pictures *p, int step) {
    int size = TILE_USUAL + p->zoom + step;
    if (size < 0 || size >= TILE_SIZES) return false;
    p->zoom += step;
    return true;
}

/* ---- a sheet ---- */

/* What a page says of its tiles. */
typedef struct sheet {
    const app *app;
    const data_pictures *pictures;
    const thaw_dataset *set;
    /* The key's path is owned by the caller. */
    picture_key (*key)(const struct sheet *s, int item);
    void (*caption)(const struct sheet *s, int item, str *out, theme_role *role);
    int caption_rows;
} sheet;

/* Pixels for a place of that many cells; few sizes, so that a resized terminal finds most pictures again. */
static int side_for(rect place) {
    int wanted = place.cols > 2 * place.rows ? place.cols : 2 * place.rows, side = SIDE_LEAST;
    while (side < wanted && side < SIDE_MOST)
        side *= 2;
    return side;
}

static void draw_picture(picture_store *store, canvas *c, rect place, picture_key key) {
    key.side = side_for(place);
    picture_state now = picture_store_want(store, &key);
    if (now.picture) {
        picture_draw(c, place, now.picture->width, now.picture->height, now.picture->rgb);
        return;
    }
    const char *reason = now.problem;
    size_t path = strlen(key.path); /* the caption names the file */
    if (reason && !strncmp(reason, key.path, path) && reason[path] == ':')
        reason += path + 1 + (reason[path + 1] == ' ');
    char *text = text_escape(reason ? reason : "...");
    rect former = canvas_clip(c, place);
    canvas_paragraph(c, place, text, reason ? ROLE_WARN : ROLE_DIM);
    canvas_unclip(c, former);
    free(text);
}

static void draw_tile(const sheet *s, canvas *c, const grid *g, int item, bool focus) {
    rect place = grid_picture(g, item), below = grid_caption(g, item);
    str text = {0};
    theme_role role = ROLE_DIM;
    picture_key key = s->key(s, item);
    draw_picture(s->pictures->store, c, place, key);
    s->caption(s, item, &text, &role);
    rect former = canvas_clip(c, below);
    canvas_paragraph(c, below, str_text(&text), role);
    canvas_unclip(c, former);
    if (focus && item == g->cursor) canvas_ground(c, below, ROLE_CURSOR);
    free((char *)key.path);
    str_clear(&text);
}

static void draw_sheet(const sheet *s, canvas *c, rect r, grid *g, bool focus) {
    int first, end;
    grid_lay_out(g, rect_inset(r, 0, 1, 0, 1), tile_columns[TILE_USUAL + s->pictures->zoom], s->caption_rows);
    grid_shown(g, &first, &end);
    picture_store_begin(s->pictures->store);
    for (int i = first; i < end; i++)
        draw_tile(s, c, g, i, focus);
    picture_store_end(s->pictures->store);
    if (g->across > 0)
        scrollbar_draw(c, r, g->top * g->tile_rows, (g->count + g->across - 1) / g->across * g->tile_rows);
}

/* The name of a file as it may be shown, cut at its beginning where it is long. */
static void append_file(str *out, const char *path, const canvas *c, int columns) {
    char *safe = text_escape(path_base(path)), *cut = text_clip(safe, columns, c && c->ascii);
    str_append(out, cut);
    free(cut);
    free(safe);
}

/* ---- samples ---- */

static thaw_twin sample_at(const data_pictures *p, const thaw_dataset *set, int item) {
    size_t train = thaw_dataset_class_images(set, p->label, true), at = (size_t)item;
    if (at < train) return (thaw_twin){thaw_dataset_class_first(set, p->label, true) + at, true};
    return (thaw_twin){thaw_dataset_class_first(set, p->label, false) + at - train, false};
}

static picture_key file_key(const thaw_dataset *set, thaw_twin at) {
    const char *path = thaw_dataset_file(set, at.train, at.index, NULL);
    return (picture_key){.kind = PICTURE_FILE, .path = path_join(thaw_dataset_root(set), path ? path : "")};
}

static picture_key sample_key(const sheet *s, int item) {
    return file_key(s->set, sample_at(s->pictures, s->set, item));
}

static void sample_caption(const sheet *s, int item, str *out, theme_role *role) {
    thaw_twin at = sample_at(s->pictures, s->set, item);
    const char *path = thaw_dataset_file(s->set, at.train, at.index, NULL);
    if (!at.train) str_append(out, "val ");
    *role = at.train ? ROLE_DIM : ROLE_VAL;
    append_file(out, path ? path : "?", NULL, s->pictures->samples.tile_cols - (at.train ? 0 : 4));
}

void data_samples_draw(app *a, data_pictures *p, canvas *c, rect r, const thaw_dataset *set, int label,
                       bool focus) {
    sheet s = {a, p, set, sample_key, sample_caption, 1};
    if (label != p->label) p->samples.cursor = p->samples.top = 0;
    p->label = label;
    grid_set_count(&p->samples, (int)(thaw_dataset_class_images(set, label, true) +
                                      thaw_dataset_class_images(set, label, false)));
    draw_sheet(&s, c, r, &p->samples, focus);
}

bool data_samples_choose(data_pictures *p, const thaw_dataset *set) {
    size_t images =
        thaw_dataset_class_images(set, p->label, true) + thaw_dataset_class_images(set, p->label, false);
    if (!images) return false;
    if ((size_t)p->samples.cursor >= images) p->samples.cursor = 0;
    p->image = sample_at(p, set, p->samples.cursor);
    p->views.cursor = p->views.top = 0;
    return true;
}

char *data_samples_note(const data_pictures *p) {
    return p->samples.count ? xasprintf("%d of %d", p->samples.cursor + 1, p->samples.count) : NULL;
}

/* ---- views of one image ---- */

static picture_key view_key(const sheet *s, int item) {
    picture_key key = file_key(s->set, s->pictures->image);
    key.kind = item == 0 ? PICTURE_FILE : item == 1 ? PICTURE_VALIDATION : PICTURE_TRAINING;
    if (key.kind == PICTURE_TRAINING) {
        key.index = s->pictures->image.index;
        key.epoch = item - VIEWS_OF_FILE;
    }
    return key;
}

static void view_caption(const sheet *s, int item, str *out, theme_role *role) {
    const thaw_recipe *r = app_recipe(s->app);
    if (item == 0) {
        const char *path =
            thaw_dataset_file(s->set, s->pictures->image.train, s->pictures->image.index, NULL);
        append_file(out, path ? path : "?", NULL, s->pictures->views.tile_cols);
    } else if (item == 1) {
        *role = ROLE_VAL;
        str_append(out, "in validation");
    } else {
        *role = ROLE_TRAIN;
        str_appendf(out, "epoch %d seed %llu", item - VIEWS_OF_FILE + 1, (unsigned long long)r->seed);
    }
}

void data_views_draw(app *a, data_pictures *p, canvas *c, rect r, const thaw_dataset *set, bool focus) {
    sheet s = {a, p, set, view_key, view_caption, 1};
    bool model = app_recipe(a)->model && app_recipe(a)->model[0];
    int epochs = app_recipe(a)->epochs < VIEW_EPOCHS ? app_recipe(a)->epochs : VIEW_EPOCHS;
    grid_set_count(&p->views, !model ? 1 : p->image.train ? VIEWS_OF_FILE + epochs : VIEWS_OF_FILE);
    rect said = {r.row, r.col + 1, 0, r.cols - 2};
    if (!model || !p->image.train) said.rows = r.rows > 8 ? 3 : 1;
    canvas_paragraph(
        c, said,
        !model ? "How large images are depends on the model: 1 chooses one, then its views show here."
               : "An image to validate on is never augmented; a training image has a view each epoch.",
        ROLE_DIM);
    draw_sheet(&s, c, rect_inset(r, said.rows, 0, 0, 0), &p->views, focus);
}

char *data_views_note(const app *a, const data_pictures *p) {
    return xasprintf("augment %s, %s image %zu", app_recipe(a)->data.augment,
                     p->image.train ? "training" : "validation", p->image.index);
}

/* ---- mistakes ---- */

static picture_key mistake_key(const sheet *s, int item) {
    const run_mistakes *m = &app_live(s->app)->mistakes;
    return (picture_key){.kind = PICTURE_FILE,
                         .path = path_join(m->folder ? m->folder : "", m->item[item].file)};
}

static void mistake_caption(const sheet *s, int item, str *out, theme_role *role) {
    const thaw_mistake *m = &app_live(s->app)->mistakes.item[item];
    enum { PERCENT_COLUMNS = 6, IS_COLUMNS = 3 };
    int columns = s->pictures->mistakes.tile_cols;
    char *predicted = text_escape(m->predicted), *label = text_escape(m->label);
    char *first = text_clip(predicted, columns - PERCENT_COLUMNS, true);
    char *second = text_clip(label, columns - IS_COLUMNS, true);
    *role = ROLE_BAD;
    str_appendf(out, "%s %.0f %%\nis %s", first, 100 * m->probability, second);
    char *owned[] = {predicted, label, first, second};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
}

static const char *why_no_mistakes(const run_mistakes *m) {
    return m->folder ? "The newest evaluation made no mistake: every validation image got its own class."
                     : "Nothing was evaluated yet. R trains the recipe; after each epoch the validation "
                       "images that were "
                       "mistaken most confidently for another class show here. `thaw eval RUN --worst 20` "
                       "lists those "
                       "of an earlier run.";
}

void data_mistakes_draw(app *a, data_pictures *p, canvas *c, rect r, bool focus) {
    enum { CAPTION_ROWS = 2 };
    sheet s = {a, p, NULL, mistake_key, mistake_caption, CAPTION_ROWS};
    const run_mistakes *m = &app_live(a)->mistakes;
    grid_set_count(&p->mistakes, (int)m->count);
    if (!m->count) {
        canvas_paragraph(c, rect_inset(r, 1, 1, 0, 1), why_no_mistakes(m), ROLE_DIM);
        return;
    }
    draw_sheet(&s, c, r, &p->mistakes, focus);
}

char *data_mistakes_note(const app *a) {
    const run_mistakes *m = &app_live(a)->mistakes;
    return m->folder ? xasprintf("after epoch %d, worst first", m->epoch + 1) : NULL;
}
