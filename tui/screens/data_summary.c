/*
 * data_summary.c - see data_summary.h.
 */
#include "tui/screens/data_summary.h"

#include <stdlib.h>

#include "engine/base/alloc.h"
#include "tui/data_balance.h"
#include "tui/text.h"

enum { LABEL_COLUMNS = 12, COUNT_COLUMNS = 6, BAR_LEAST = 4, EIGHTHS = 8 };

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

/* ---- the histogram ---- */

/* PART of WIDTH columns in ROLE, to an eighth of a column; something where there is anything at all. */
static void draw_bar(canvas *c, rect r, double part, bool any, theme_role role) {
    int eighths = (int)(part * r.cols * EIGHTHS + 0.5);
    if (any && eighths == 0) eighths = 1;
    for (int i = 0; i < eighths / EIGHTHS; i++)
        canvas_put(c, r.row, r.col + i, 0x2588, role); /* full block */
    if (eighths % EIGHTHS)                             /* an eighth block, the widest first */
        canvas_put(c, r.row, r.col + eighths / EIGHTHS, (uint32_t)(0x2590 - eighths % EIGHTHS), role);
}

/* A bar and its number, in the half of ROW that begins at COL. */
static void draw_side(canvas *c, rect row, size_t images, size_t most, theme_role role) {
    rect bar = rect_inset(row, 0, COUNT_COLUMNS + 1, 0, 0);
    if (bar.cols >= BAR_LEAST)
        draw_bar(c, bar, most ? (double)images / (double)most : 0, images > 0, role);
    else
        bar.cols = 0;
    char *number = xasprintf("%zu", images);
    canvas_text_right(c, row.row, bar.col + bar.cols, COUNT_COLUMNS, number, images ? ROLE_TEXT : ROLE_WARN);
    free(number);
}

static void draw_halves(rect row, rect *train, rect *val) {
    int half = (row.cols - LABEL_COLUMNS) / 2;
    *train = (rect){row.row, row.col + LABEL_COLUMNS, 1, half};
    *val = (rect){row.row, row.col + LABEL_COLUMNS + half, 1, half};
}

/* Training beside validation, each against the fullest class of its own side, so that shapes can be compared.
 */
static void draw_histogram(facts *f, const thaw_dataset *set, const data_balance *b) {
    rect train, val, head = facts_room(f, 1);
    draw_halves(head, &train, &val);
    canvas_text(f->c, head.row, head.col, LABEL_COLUMNS, "images of", ROLE_ACCENT);
    canvas_text(f->c, head.row, train.col, train.cols, "to train on", ROLE_TRAIN);
    canvas_text(f->c, head.row, val.col, val.cols, "to validate on", ROLE_VAL);
    for (int i = 0; i < b->classes; i++) {
        rect row = facts_room(f, 1);
        if (!rect_holds(f->c->clip, row.row, row.col)) continue; /* a thousand classes, and twenty show */
        draw_halves(row, &train, &val);
        char *name = text_escape(thaw_dataset_class_name(set, i));
        canvas_text(f->c, row.row, row.col, LABEL_COLUMNS - 1, name, ROLE_TEXT);
        draw_side(f->c, train, thaw_dataset_class_images(set, i, true), b->most_images, ROLE_TRAIN);
        draw_side(f->c, val, thaw_dataset_class_images(set, i, false), b->most_val, ROLE_VAL);
        free(name);
    }
}

/* ---- the rest ---- */

static void describe_twins(facts *f, const thaw_dataset *set, const data_twins *t) {
    const thaw_duplicates *found = &t->found;
    if (t->search) {
        facts_line(f, "duplicates", "looking for them ...  Esc stops");
    } else if (!t->known) {
        facts_line(f, "duplicates", "not looked for; v does");
    } else if (!found->count) {
        facts_line(f, "duplicates", "%s",
                   t->pixels ? "none, by files nor by pixels" : "no two files are equal");
    } else if (found->across) {
        facts_value(
            f, "duplicates", ROLE_WARN,
            "%zu of %zu validation images are also trained on: what they score says nothing. x lists them",
            found->across_val, thaw_dataset_images(set, false));
    } else {
        facts_line(f, "duplicates", "%zu pictures are there more than once; x lists them", found->count);
    }
}

static void describe_skipped(facts *f, const thaw_dataset *set) {
    size_t count = thaw_dataset_skipped_count(set);
    if (count)
        facts_value(f, "skipped", ROLE_WARN, "%zu file%s; x lists %s with the reason", count,
                    count == 1 ? "" : "s", count == 1 ? "it" : "them");
    else
        facts_line(f, "skipped", "no file; v decodes every one to be sure");
}

static void describe_layout(facts *f) {
    facts_heading(f, "What a folder of images looks like");
    facts_text(
        f, ROLE_DIM,
        "photos/train/ants/1.jpg\nphotos/train/bees/1.jpg\nphotos/val/ants/7.jpg\nphotos/val/bees/7.jpg");
    facts_gap(f);
    facts_text(
        f, ROLE_DIM,
        "The classes are what the folders are called. Without train and val, photos/ants and photos/bees are "
        "split by thaw. JPEG, PNG and WebP are read.");
}

void data_summary_draw(facts *f, const thaw_dataset *set, const data_sizes *sizes, const data_twins *twins,
                       bool histogram) {
    if (!set) {
        describe_layout(f);
        return;
    }
    data_balance b = data_balance_of(set);
    str uneven = {0};
    char *root = text_escape(thaw_dataset_root(set));
    facts_line(f, "folder", "%s", root);
    facts_line(f, "images", "%zu to train on, %zu to validate on", thaw_dataset_images(set, true),
               thaw_dataset_images(set, false));
    facts_line(f, "split", "%s",
               thaw_dataset_has_split(set)
                   ? "as its folders say"
                   : "by a hash of each file's path, with val_fraction of the recipe");
    describe_sizes(f, sizes);
    describe_skipped(f, set);
    describe_twins(f, set, twins);
    facts_gap(f);
    if (histogram) draw_histogram(f, set, &b);
    data_balance_describe(&b, set, &uneven);
    if (uneven.length) facts_text(f, ROLE_WARN, "%s", str_text(&uneven));
    str_clear(&uneven);
    free(root);
}
