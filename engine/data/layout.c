/*
 * layout.c - which folders are the sides and which are classes.
 *
 * A folder called "train" is a side only when it holds folders: a set about vehicles may well have a class of
 * trains. Where no layout fits, the error says what lies there, because the person sees the folder as a
 * dataset and needs to know in what way it is none.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/str.h"
#include "engine/data/candidate.h"
#include "engine/data/scan.h"

enum { EXAMPLES_MAX = 3, LOOKED_AT_MAX = 1000 };

static const char *const train_names[] = {"train", "training"};
static const char *const val_names[] = {"val", "valid", "validation", "test", "testing"};
static const char layout_help[] =
    "a dataset is a folder with one folder of pictures a class, or with train/ and val/ that hold those";

static bool holds_folders(const char *root, const char *name) {
    name_list inside = {0};
    char *path = path_join(root, name);
    thaw_status status = walk_folders(path, &inside);
    bool holds = !thaw_failed(&status) && inside.count > 0;
    name_list_clear(&inside);
    free(path);
    return holds;
}

/* The first of WORDS that is among the folders, in any case, and holds folders. A copy, or NULL. */
static char *find_side(const char *root, const name_list *folders, const char *const *words, size_t count) {
    for (size_t w = 0; w < count; w++)
        for (size_t i = 0; i < folders->count; i++)
            if (strcasecmp(folders->item[i], words[w]) == 0 && holds_folders(root, folders->item[i]))
                return xstrdup(folders->item[i]);
    return NULL;
}

static bool is_word(const char *name, const char *const *words, size_t count) {
    for (size_t w = 0; w < count; w++)
        if (strcasecmp(name, words[w]) == 0) return true;
    return false;
}

/* Whether every folder carries the name of a side, so that none can be a class. */
static bool only_sides(const name_list *folders) {
    for (size_t i = 0; i < folders->count; i++)
        if (!is_word(folders->item[i], val_names, sizeof val_names / sizeof val_names[0])) return false;
    return true;
}

/* The error for a folder without folders: what the files in it are. */
static thaw_status explain_files(const char *root) {
    name_list files = {0};
    THAW_TRY(walk_entries(root, &files));
    size_t pictures = 0, others = 0;
    str examples = {0};
    for (size_t i = 0; i < files.count && i < LOOKED_AT_MAX; i++) {
        char *path = path_join(root, files.item[i]);
        candidate c = {0};
        candidate_sniff(&c, path);
        char *reason = c.reason;
        free(path);
        pictures += !reason;
        if (reason && others++ < EXAMPLES_MAX)
            str_appendf(&examples, "%s%s (%s)", examples.length ? ", " : "", files.item[i], reason);
        free(reason);
    }
    thaw_status status;
    if (pictures)
        status = thaw_error(THAW_ERR_FORMAT,
                            "%s holds %zu picture%s but no class folders; %s: sort the pictures into them",
                            root, pictures, pictures == 1 ? "" : "s", layout_help);
    else if (others)
        status = thaw_error(THAW_ERR_FORMAT, "%s holds no pictures: %zu file%s, such as %s; %s", root,
                            files.count, files.count == 1 ? "" : "s", str_text(&examples), layout_help);
    else
        status = thaw_error(THAW_ERR_FORMAT, "%s is empty; %s", root, layout_help);
    str_clear(&examples);
    name_list_clear(&files);
    return status;
}

/* One folder that is itself a dataset: an archive unpacked into a folder of its own. */
static thaw_status check_not_wrapped(const char *root, const name_list *folders) {
    if (folders->count != 1) return thaw_ok();
    name_list inside = {0};
    char *path = path_join(root, folders->item[0]);
    thaw_status status = walk_folders(path, &inside);
    char *train = thaw_failed(&status) ? NULL : find_side(path, &inside, train_names, 2);
    thaw_status verdict = thaw_ok();
    if (train)
        verdict =
            thaw_error(THAW_ERR_FORMAT, "%s holds only the folder %s, which is a dataset itself; open %s",
                       root, folders->item[0], path);
    free(train);
    free(path);
    name_list_clear(&inside);
    return verdict;
}

thaw_status layout_find(const char *root, layout *out) {
    name_list folders = {0};
    *out = (layout){0};
    THAW_TRY(walk_folders(root, &folders));
    thaw_status status = thaw_ok();
    char *train = find_side(root, &folders, train_names, sizeof train_names / sizeof train_names[0]);
    char *val = find_side(root, &folders, val_names, sizeof val_names / sizeof val_names[0]);
    if (!folders.count) {
        status = explain_files(root);
    } else if (train || (val && only_sides(&folders))) {
        out->train = out->names[0] = train;
        out->val = out->names[1] = val;
        train = val = NULL;
    } else {
        out->train = "";
        status = check_not_wrapped(root, &folders);
    }
    free(train);
    free(val);
    name_list_clear(&folders);
    return status;
}

void layout_clear(layout *l) {
    free(l->names[0]);
    free(l->names[1]);
    *l = (layout){0};
}
