/*
 * source.c - see source.h.
 */
#include "engine/jobs/source.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "engine/run/card.h"
#include "engine/run/checkpoint.h"
#include "engine/run/folder.h"
#include "engine/run/resolve.h"
#include "thaw/run.h"

void source_close(source *s) {
    thaw_names_free(s->class_name, s->class_name ? (size_t)s->model->classes : 0);
    model_free(s->model);
    weights_close(s->weights);
    freeze_mask_clear(&s->mask);
    free(s->data);
    *s = (source){0};
}

/* What is known before the model is built. */
typedef struct facts {
    const char *arch;
    model_card card;
    recipe_plan plan;
    char **class_name; /* taken over by the source */
    int class_count;   /* 0: not known */
    bool has_head;     /* the source's head was said by a run or a card */
} facts;

/* ---- the model ---- */

static bool plain(const thaw_head *head) {
    return !head->hidden_count && head->dropout == 0 && head->pool == THAW_POOL_DEFAULT;
}

/* Build the architecture with the head that the facts say, or that the file has, and see that the file fits.
 */
static thaw_status build(source *s, facts *f) {
    int classes = f->class_count, side = s->transform.crop;
    THAW_TRY(model_build(f->arch, 0, side, side, &s->model));
    if (!f->has_head || !classes) {
        thaw_head head;
        int outputs = 0;
        THAW_TRY(head_guess(s->weights, s->model, &head, &outputs));
        if (!f->has_head) s->head = head;
        if (!classes) classes = outputs;
    }
    if (classes != s->model->classes || !plain(&s->head))
        THAW_TRY(model_replace_head(s->model, &s->head, classes, 0));
    return weights_compare(s->weights, s->model, WEIGHTS_HEAD_STRICT, NULL);
}

/* Names that are as many as the outputs are taken; others are worth nothing. */
static void take_names(source *s, facts *f) {
    if (f->class_count == s->model->classes)
        s->class_name = f->class_name;
    else
        thaw_names_free(f->class_name, (size_t)f->class_count);
    f->class_name = NULL;
    f->class_count = 0;
}

static void take_card(source *s, facts *f) {
    model_card *card = &f->card;
    if (card->has_transform) s->transform = card->transform;
    if (card->has_head && !f->has_head) s->head = card->head;
    f->has_head |= card->has_head;
    if (!f->class_name && card->class_name) {
        f->class_name = card->class_name;
        f->class_count = card->class_count;
        card->class_name = NULL;
        card->class_count = 0;
    }
    s->mask = card->mask;
    card->mask = (freeze_mask){0};
}

static thaw_status open_file(const char *path, source *s, facts *f) {
    THAW_TRY(weights_open(path, &s->weights));
    return model_card_read(s->weights, &f->card);
}

/* ---- a run ---- */

static thaw_status read_run(const char *folder, bool last, const thaw_recipe *recipe, source *s, facts *f) {
    char *path;
    THAW_TRY(checkpoint_weights_path(folder, last, &path));
    thaw_status status = open_file(path, s, f);
    free(path);
    THAW_TRY(status);
    s->head = recipe->head;
    f->has_head = true;
    s->data = xstrdup(recipe->data.path);
    s->val_fraction = recipe->data.val_fraction;
    status = run_folder_classes(folder, &f->class_name, &f->class_count);
    /* A folder put together by hand may lack them; the card and the file's shapes know as much. */
    return status.code == THAW_ERR_NOT_FOUND ? thaw_ok() : status;
}

/* The pretrained weights of long ago need not be here any more: their say on images is in the recipe. */
static thaw_status resolve_run(thaw_recipe *recipe, const thaw_catalog *catalog, facts *f) {
    free(recipe->weights);
    recipe->weights = NULL;
    return recipe_resolve(recipe, catalog, &f->plan);
}

static thaw_status open_run(const thaw_subject *what, bool last, const thaw_catalog *catalog, source *s,
                            facts *f) {
    thaw_run_info info;
    thaw_recipe recipe;
    THAW_TRY(thaw_run_find(what->runs, what->run, &info));
    thaw_status status = thaw_run_recipe(info.folder, &recipe);
    if (!thaw_failed(&status)) {
        status = resolve_run(&recipe, catalog, f);
        if (!thaw_failed(&status)) f->arch = f->plan.arch->name;
        s->transform = f->plan.transform;
        if (!thaw_failed(&status)) status = read_run(info.folder, last, &recipe, s, f);
        thaw_recipe_clear(&recipe);
    }
    thaw_run_info_clear(&info);
    return status;
}

/* ---- an architecture with weights ---- */

/* The catalog's names for the outputs, when the file has as many. */
static void catalog_names(const thaw_catalog *catalog, const thaw_weights_info *info, source *s) {
    if (s->class_name || !info || !info->dataset || info->classes != s->model->classes) return;
    if (!thaw_catalog_class(catalog, info->dataset, 0)) return;
    s->class_name = xcalloc((size_t)info->classes, sizeof *s->class_name);
    for (int i = 0; i < info->classes; i++) {
        const char *name = thaw_catalog_class(catalog, info->dataset, i);
        s->class_name[i] = xstrdup(name ? name : "?");
    }
}

/* Nobody named the architecture: the file knows, and a person is told what it was taken for. */
static thaw_status ask_file(const thaw_subject *what, thaw_recipe *recipe) {
    const char *found;
    THAW_TRY(identify_architecture(what->weights, &found));
    recipe->model = xstrdup(found);
    char *said = xasprintf("%s is taken as %s, whose keys and shapes it has", what->weights, found);
    if (what->note) what->note(what->note_user, said);
    free(said);
    return thaw_ok();
}

static thaw_status open_weights(const thaw_subject *what, const thaw_catalog *catalog, source *s, facts *f) {
    thaw_recipe recipe;
    thaw_recipe_init(&recipe);
    free(recipe.model);
    recipe.model = xstrdup(what->model);
    thaw_status status = what->model ? thaw_ok() : ask_file(what, &recipe);
    if (what->weights) {
        free(recipe.weights);
        recipe.weights = xstrdup(what->weights);
    }
    if (!thaw_failed(&status)) status = recipe_resolve(&recipe, catalog, &f->plan);
    thaw_recipe_clear(&recipe);
    THAW_TRY(status);
    f->arch = f->plan.arch->name;
    s->transform = f->plan.transform;
    return open_file(f->plan.weights_file, s, f);
}

thaw_status source_open(const thaw_subject *what, bool last, source *out) {
    thaw_catalog *catalog = NULL;
    facts f = {0};
    thaw_status status;
    *out = (source){0};
    if (!what->run && !what->model && !what->weights)
        return thaw_error(THAW_ERR_USAGE, "which model? name a run, an architecture, or a file of weights");
    THAW_TRY(thaw_catalog_open(&catalog));
    THAW_TRY_GOTO(status, out,
                  what->run ? open_run(what, last, catalog, out, &f) : open_weights(what, catalog, out, &f));
    take_card(out, &f);
    out->transform.augment = AUGMENT_NONE;
    THAW_TRY_GOTO(status, out, build(out, &f));
    take_names(out, &f);
    if (!what->run) catalog_names(catalog, f.plan.info, out);
out:
    thaw_names_free(f.class_name, (size_t)f.class_count);
    model_card_clear(&f.card);
    recipe_plan_clear(&f.plan);
    thaw_catalog_free(catalog);
    if (thaw_failed(&status)) source_close(out);
    return status;
}
