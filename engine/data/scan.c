/*
 * scan.c - class folders to samples: find the files, check them, put each on its side.
 *
 * The classes are the union of both sides' folders, sorted by name, so that a class absent from one side does
 * not renumber the others; such a class is noted among the skipped. A class folder without one readable
 * picture is an error, as in torchvision: trained silently, it would be an output that can never be right.
 */
#include "engine/data/scan.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/str.h"
#include "engine/data/candidate.h"

enum { POLL_FILES = 1024 };

/* One class folder of one side. */
typedef struct class_folder {
    char *path;
    int label;
    side side;
    size_t files, pictures;
} class_folder;

typedef struct scan {
    thaw_dataset *d;
    const thaw_dataset_params *p;
    layout layout;
    name_list classes;
    class_folder *folder;
    size_t folder_count, folder_capacity;
    candidate_list found;
    bool cancelled;
} scan;

/* The sides of the layout: the folder's name and what its files become. */
static size_t sides_of(const layout *l, const char *name[2], side which[2]) {
    size_t count = 0;
    if (l->train) {
        name[count] = l->train;
        which[count++] = l->val ? SIDE_TRAIN : SIDE_BY_HASH;
    }
    if (l->val) {
        name[count] = l->val;
        which[count++] = SIDE_VAL;
    }
    return count;
}

static int find_class(const scan *s, const char *name) {
    for (size_t low = 0, high = s->classes.count; low < high;) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, s->classes.item[middle]);
        if (order == 0) return (int)middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}

static thaw_status find_folders(scan *s) {
    const char *name[2];
    side which[2];
    size_t sides = sides_of(&s->layout, name, which);
    name_list inside[2] = {{0}};
    thaw_status status = thaw_ok();
    for (size_t i = 0; i < sides && !thaw_failed(&status); i++) {
        char *path = path_join(s->d->root, name[i]);
        status = walk_folders(path, &inside[i]);
        free(path);
        for (size_t k = 0; k < inside[i].count; k++)
            name_list_add(&s->classes, inside[i].item[k]);
    }
    name_list_sort(&s->classes);
    for (size_t i = 0; i < sides && !thaw_failed(&status); i++)
        for (size_t k = 0; k < inside[i].count; k++) {
            s->folder = vec_reserve(s->folder, &s->folder_capacity, s->folder_count + 1, sizeof *s->folder);
            s->folder[s->folder_count++] = (class_folder){
                .path = name[i][0] ? path_join(name[i], inside[i].item[k]) : xstrdup(inside[i].item[k]),
                .label = find_class(s, inside[i].item[k]),
                .side = which[i],
            };
        }
    name_list_clear(&inside[0]);
    name_list_clear(&inside[1]);
    return status;
}

static bool add_file(void *user, const char *path, const char *problem) {
    scan *s = user;
    const class_folder *folder = &s->folder[s->folder_count - 1];
    candidate_list *found = &s->found;
    found->item = vec_reserve(found->item, &found->capacity, found->count + 1, sizeof *found->item);
    found->item[found->count++] = (candidate){
        .path = xstrdup(path), .reason = xstrdup(problem), .label = folder->label, .side = folder->side};
    if (found->count % POLL_FILES == 0 && s->p->keep_going && !s->p->keep_going(s->p->user))
        s->cancelled = true;
    return !s->cancelled;
}

/* Folder first, then name: the order in which ImageFolder numbers the files of a class. */
static int compare_candidates(const void *a, const void *b) {
    const char *x = ((const candidate *)a)->path, *y = ((const candidate *)b)->path;
    size_t folder_x = (size_t)(path_base(x) - x), folder_y = (size_t)(path_base(y) - y);
    size_t shorter = folder_x < folder_y ? folder_x : folder_y;
    /* Without the final slash: "a" comes before "a-b", which comes before "a/b". */
    int order = memcmp(x, y, shorter ? shorter - 1 : 0);
    if (order == 0 && folder_x != folder_y) return folder_x < folder_y ? -1 : 1;
    return order ? order : strcmp(x, y);
}

static thaw_status find_files(scan *s) {
    size_t folders = s->folder_count;
    for (size_t i = 0; i < folders && !s->cancelled; i++) {
        size_t before = s->found.count;
        s->folder_count = i + 1; /* add_file works on the last one */
        walk_files(s->d->root, s->folder[i].path, add_file, s);
        s->folder[i].files = s->found.count - before;
        if (s->folder[i].files)
            qsort(s->found.item + before, s->folder[i].files, sizeof *s->found.item, compare_candidates);
    }
    s->folder_count = folders;
    if (s->cancelled) return thaw_error(THAW_ERR_CANCELLED, "the scan of %s was cancelled", s->d->root);
    return thaw_ok();
}

/* Count the pictures of each class folder, and choose the sides where folders do not name them. */
static thaw_status place_files(scan *s) {
    candidate *c = s->found.item;
    for (size_t i = 0; i < s->folder_count; i++) {
        class_folder *folder = &s->folder[i];
        candidate **good = xcalloc(folder->files, sizeof *good);
        const candidate *first = c;
        for (size_t k = 0; k < folder->files; k++, c++)
            if (!c->reason) good[folder->pictures++] = c;
        if (folder->side == SIDE_BY_HASH) candidates_split(good, folder->pictures, s->p->val_fraction);
        free(good);
        if (folder->pictures) continue;
        if (!folder->files)
            return thaw_error(THAW_ERR_FORMAT,
                              "the class folder %s/%s is empty; put pictures into it or remove it",
                              s->d->root, folder->path);
        return thaw_error(
            THAW_ERR_FORMAT,
            "the class folder %s/%s holds no picture that can be read: %zu file%s, such as %s (%s); put "
            "pictures into it or remove it",
            s->d->root, folder->path, folder->files, folder->files == 1 ? "" : "s", path_base(first->path),
            first->reason);
    }
    return thaw_ok();
}

static void add_sample(split *to, candidate *c) {
    to->item = vec_reserve(to->item, &to->capacity, to->count + 1, sizeof *to->item);
    to->item[to->count++] =
        (sample){.path = c->path, .label = c->label, .bytes = c->bytes, .modified = c->modified};
    c->path = NULL;
}

static void fill(scan *s) {
    thaw_dataset *d = s->d;
    for (size_t i = 0; i < s->found.count; i++) {
        candidate *c = &s->found.item[i];
        if (c->reason)
            dataset_skip(d, c->path, c->reason);
        else
            add_sample(c->side == SIDE_VAL ? &d->val : &d->train, c);
    }
    d->class_count = (int)s->classes.count;
    d->class_name = s->classes.item;
    s->classes = (name_list){0};
    d->has_split = s->layout.val != NULL;
}

/* With both sides named, a class may have a folder on one of them only. */
static void note_missing_folders(const scan *s) {
    if (!s->layout.train || !s->layout.val) return;
    unsigned char *seen = xcalloc((size_t)s->d->class_count, 1);
    for (size_t i = 0; i < s->folder_count; i++)
        seen[s->folder[i].label] |= s->folder[i].side == SIDE_VAL ? 2 : 1;
    for (int c = 0; c < s->d->class_count; c++) {
        if (seen[c] == 3) continue;
        char *path = path_join(seen[c] == 1 ? s->layout.val : s->layout.train, s->d->class_name[c]);
        dataset_skip(s->d, path,
                     seen[c] == 1 ? "there is no such folder; the class has no pictures to validate on"
                                  : "there is no such folder; the class has no pictures to learn from");
        free(path);
    }
    free(seen);
}

static void scan_clear(scan *s) {
    for (size_t i = 0; i < s->found.count; i++) {
        free(s->found.item[i].path);
        free(s->found.item[i].reason);
    }
    free(s->found.item);
    for (size_t i = 0; i < s->folder_count; i++)
        free(s->folder[i].path);
    free(s->folder);
    name_list_clear(&s->classes);
    layout_clear(&s->layout);
}

thaw_status dataset_scan(thaw_dataset *d, const thaw_dataset_params *p) {
    scan s = {.d = d, .p = p};
    thaw_status status;
    THAW_TRY_GOTO(status, out, layout_find(d->root, &s.layout));
    THAW_TRY_GOTO(status, out, find_folders(&s));
    THAW_TRY_GOTO(status, out, find_files(&s));
    THAW_TRY_GOTO(status, out, candidates_check(d->root, &s.found, p->verify, p->keep_going, p->user));
    THAW_TRY_GOTO(status, out, place_files(&s));
    fill(&s);
    note_missing_folders(&s);
out:
    scan_clear(&s);
    return status;
}
