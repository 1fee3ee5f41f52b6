/*
 * resolve.c - see resolve.h. Three sources are asked for each fact about the images, in this order: the
 * recipe, the weights file itself (card.h), the catalog; and for what none of them knows, the architecture's
 * usual input.
 */
#include "engine/run/resolve.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/run/card.h"
#include "engine/weights/weights.h"

/* From this side on ImageNet models' images are resized to 256/224 of the crop. */
enum { IMAGENET_RESIZE = 256, IMAGENET_CROP = 224, CROPPED_FROM = 128 };
static const float imagenet_mean[3] = {0.485f, 0.456f, 0.406f}, imagenet_std[3] = {0.229f, 0.224f, 0.225f};
static const double scale_min = 0.08, scale_max = 1; /* of RandomResizedCrop, torchvision's */

void recipe_plan_clear(recipe_plan *plan) {
    free(plan->weights_file);
    *plan = (recipe_plan){0};
}

/* ---- the transform ---- */

static int scaled(int side, int resize, int crop) {
    return (int)(((long)side * resize + crop / 2) / crop);
}

/* What the architecture's images usually are, when nobody says anything about them. */
static transform usual_transform(const arch *a) {
    transform t = {.crop = a->input, .interpolation = INTERPOLATE_BILINEAR};
    t.resize = a->input < CROPPED_FROM ? a->input : scaled(a->input, IMAGENET_RESIZE, IMAGENET_CROP);
    memcpy(t.mean, imagenet_mean, sizeof t.mean);
    memcpy(t.std, imagenet_std, sizeof t.std);
    return t;
}

static transform catalog_transform(const thaw_weights_info *info, const arch *a) {
    transform t = usual_transform(a);
    t.crop = info->crop > 0 ? info->crop : t.crop;
    t.resize = info->resize;
    if (info->interpolation) interpolation_parse(info->interpolation, &t.interpolation);
    memcpy(t.mean, info->mean, sizeof t.mean);
    memcpy(t.std, info->std, sizeof t.std);
    return t;
}

/* A model's images without resizing are all of its crop's size; resized to that they are what they were, and
   images of other sizes fit too. */
static void resize_to_crop(transform *t) {
    if (t->resize == 0) t->resize = t->crop;
}

/* The recipe's own words over T, where it has any. */
static void apply_recipe(const thaw_recipe *r, transform *t) {
    if (r->data.crop && !r->data.resize) t->resize = scaled(r->data.crop, t->resize, t->crop);
    if (r->data.resize) t->resize = r->data.resize;
    if (r->data.crop)
        t->crop = r->data.crop;
    else if (t->crop > t->resize)
        t->crop = t->resize;
    if (r->data.interpolation) interpolation_parse(r->data.interpolation, &t->interpolation);
    augment_parse(r->data.augment, &t->augment);
    t->scale_min = scale_min;
    t->scale_max = scale_max;
}

static void write_out(thaw_recipe *r, const transform *t) {
    r->data.resize = t->resize;
    r->data.crop = t->crop;
    free(r->data.interpolation);
    r->data.interpolation = xstrdup(interpolation_name(t->interpolation));
}

/* ---- weights ---- */

static thaw_status make_absolute(char **path) {
    char *whole = realpath(*path, NULL);
    if (!whole) return thaw_error_errno(errno, "%s", *path);
    free(*path);
    *path = whole;
    return thaw_ok();
}

/* A name of the catalog stays one; what was found as a file is remembered by its path. */
static thaw_status find_weights(thaw_recipe *r, const thaw_catalog *catalog, recipe_plan *plan) {
    const thaw_weights_info *named = NULL;
    thaw_status status = thaw_catalog_find(catalog, r->model, r->weights, &named);
    bool by_name = !thaw_failed(&status);
    if (!r->weights) {
        plan->info = by_name ? named : NULL; /* the default's images, with weights of our own */
        return thaw_ok();
    }
    THAW_TRY(thaw_weights_resolve(catalog, r->model, r->weights, &plan->weights_file, &plan->info));
    THAW_TRY(make_absolute(&plan->weights_file));
    free(r->weights);
    r->weights = xstrdup(by_name && plan->info == named ? named->name : plan->weights_file);
    return thaw_ok();
}

/* What the weights file says about the images it was trained on, if anything. */
static thaw_status ask_file(const recipe_plan *plan, transform *t) {
    weights_file *f;
    model_card card;
    if (!plan->weights_file) return thaw_ok();
    THAW_TRY(weights_open(plan->weights_file, &f));
    thaw_status status = model_card_read(f, &card);
    if (!thaw_failed(&status)) {
        if (card.has_transform) *t = card.transform;
        model_card_clear(&card);
    }
    weights_close(f);
    return status;
}

/* ---- data ---- */

/* A folder that is not there stays what it is: the bundled set's name, or an error of the dataset's. */
static void resolve_data(thaw_recipe *r) {
    char *expanded = path_expand(r->data.path), *whole = realpath(expanded, NULL);
    free(r->data.path);
    r->data.path = whole ? whole : xstrdup(expanded);
    free(expanded);
}

static thaw_status no_such_model(const thaw_recipe *r, const thaw_catalog *catalog) {
    const thaw_weights_info *info;
    thaw_status status = thaw_catalog_find(catalog, r->model, NULL, &info);
    if (thaw_failed(&status)) return arch_unknown(r->model);
    return thaw_error(THAW_ERR_UNSUPPORTED,
                      "%s is in the catalog, but this thaw cannot build it; `thaw models` says which it can",
                      r->model);
}

thaw_status recipe_resolve(thaw_recipe *r, const thaw_catalog *catalog, recipe_plan *out) {
    *out = (recipe_plan){.arch = arch_find(r->model)};
    if (!out->arch) return no_such_model(r, catalog);
    thaw_status status = find_weights(r, catalog, out);
    transform t = out->info ? catalog_transform(out->info, out->arch) : usual_transform(out->arch);
    if (!thaw_failed(&status)) status = ask_file(out, &t);
    if (thaw_failed(&status)) {
        recipe_plan_clear(out);
        return status;
    }
    resize_to_crop(&t);
    apply_recipe(r, &t);
    write_out(r, &t);
    resolve_data(r);
    out->transform = t;
    return thaw_ok();
}

thaw_status recipe_transform(const thaw_recipe *r, const thaw_catalog *catalog, transform *out) {
    recipe_plan plan = {.arch = arch_find(r->model)};
    if (!plan.arch) return no_such_model(r, catalog);
    thaw_recipe copy;
    thaw_recipe_copy(r, &copy);
    thaw_status found = find_weights(&copy, catalog, &plan);
    if (thaw_failed(&found)) {
        thaw_status named = thaw_catalog_find(catalog, r->model, r->weights, &plan.info);
        if (thaw_failed(&named)) plan.info = NULL;
    }
    thaw_recipe_clear(&copy);
    transform t = plan.info ? catalog_transform(plan.info, plan.arch) : usual_transform(plan.arch);
    thaw_status status = ask_file(&plan, &t);
    recipe_plan_clear(&plan);
    THAW_TRY(status);
    resize_to_crop(&t);
    apply_recipe(r, &t);
    *out = t;
    return thaw_ok();
}

/* ---- the model ---- */

freeze_mask recipe_mask(const thaw_recipe *r) {
    freeze_mask mask = {0};
    thaw_freeze state = strcmp(r->norm, "train") == 0 ? THAW_STATS_MOVING : THAW_FROZEN;
    for (size_t i = 0; i < r->freeze_count; i++)
        freeze_mask_add(&mask, r->freeze[i], state);
    for (size_t i = 0; i < r->moving_count; i++)
        freeze_mask_add(&mask, r->moving[i], THAW_STATS_MOVING);
    return mask;
}

static thaw_status load_backbone(const recipe_plan *plan, model *m) {
    weights_file *f;
    if (!plan->weights_file) return thaw_ok();
    THAW_TRY(weights_open(plan->weights_file, &f));
    thaw_status status = weights_load(f, m, WEIGHTS_HEAD_SKIP, NULL);
    weights_close(f);
    return status;
}

thaw_status recipe_open_model(const thaw_recipe *r, const recipe_plan *plan, int classes, torch *t, device d,
                              bool channels_last, model **out) {
    model *m = NULL;
    freeze_mask mask = recipe_mask(r);
    thaw_status status;
    THAW_TRY_GOTO(status, out, model_build(r->model, 0, plan->transform.crop, plan->transform.crop, &m));
    THAW_TRY_GOTO(status, out, model_replace_head(m, &r->head, classes, r->seed));
    THAW_TRY_GOTO(status, out, freeze_apply(m, &mask)); /* a typing mistake costs no time here */
    model_place(m, t, d, channels_last);
    THAW_TRY_GOTO(status, out, model_set_pixels(m, plan->transform.mean, plan->transform.std));
    THAW_TRY_GOTO(status, out, load_backbone(plan, m));
    THAW_TRY_GOTO(status, out, model_fill(m, r->seed));
out:
    freeze_mask_clear(&mask);
    if (thaw_failed(&status))
        model_free(m);
    else
        *out = m;
    return status;
}
