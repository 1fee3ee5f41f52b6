/*
 * model_details.c - see model_details.h. The layers are built, without tensors, when the cursor comes to a
 * model: a few milliseconds for the largest.
 */
#include "tui/screens/model_details.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "engine/base/str.h"
#include "tui/model_memory.h"

void model_details_init(model_details *d) {
    *d = (model_details){.layers_of = -1};
}

void model_details_clear(model_details *d) {
    thaw_layers_free(d->layers);
    model_details_init(d);
}

/* The layers of the model at catalog row INDEX, or NULL: the pane says nothing about them then. */
static const thaw_layers *layers_of(model_details *d, const thaw_weights_info *info, int index) {
    if (d->layers_of == index) return d->layers;
    model_details_clear(d);
    d->layers_of = index;
    thaw_status status =
        info->buildable ? thaw_layers_new(info->arch, NULL, 0, info->crop, &d->layers) : thaw_ok();
    if (thaw_failed(&status)) d->layers = NULL;
    return d->layers;
}

/* Layers that compute something, as torchvision would list them. */
static int count_leaves(const thaw_layers *layers) {
    int count = 0;
    for (int i = 0; i < thaw_layers_count(layers); i++)
        count += thaw_layers_at(layers, i)->end == i + 1;
    return count;
}

static void size_facts(facts *f, const thaw_weights_info *info, const thaw_layers *layers) {
    char parameters[NUMBER_TEXT_MAX];
    if (layers)
        facts_line(f, "parameters", "%s in %d layers", text_count((double)info->parameters, parameters),
                   count_leaves(layers));
    else
        facts_line(f, "parameters", "%s", text_count((double)info->parameters, parameters));
    if (!isnan(info->gflops)) facts_line(f, "operations", "%.2f GMACs an image", info->gflops);
}

static void transform_facts(facts *f, const thaw_weights_info *info) {
    const float *mean = info->mean, *std = info->std;
    if (info->crop && info->resize)
        facts_line(f, "input", "%d px, cut from images resized to %d (%s)", info->crop, info->resize,
                   info->interpolation ? info->interpolation : "bilinear");
    else if (info->crop)
        facts_line(f, "input", "%d px, no resize", info->crop);
    if (std[0] > 0)
        facts_line(f, "normalised", "mean %.4g %.4g %.4g, std %.4g %.4g %.4g", (double)mean[0],
                   (double)mean[1], (double)mean[2], (double)std[0], (double)std[1], (double)std[2]);
    if (info->min_size > 1 && info->min_size != info->crop)
        facts_line(f, "smallest", "%d px", info->min_size);
}

/* Every place the file is in; the first is the one that is taken. */
static void list_files(facts *f, const model_files *files) {
    for (size_t i = 0; i < files->count; i++) {
        char bytes[NUMBER_TEXT_MAX];
        struct stat there;
        const char *label = i ? "also" : "file", *path = files->path[i];
        if (!stat(path, &there))
            facts_line(f, label, "%s, %s", path, text_bytes((double)there.st_size, bytes));
        else
            facts_line(f, label, "%s", path);
    }
}

static void describe_file(facts *f, const thaw_weights_info *info, const model_files *files) {
    char *destination = files->count || info->bundled ? NULL : thaw_catalog_destination(info);
    if (files->count)
        list_files(f, files);
    else if (info->bundled)
        facts_text(f, ROLE_WARN, "%s should have come with thaw but is missing.", info->file);
    else if (info->file)
        facts_line(f, "file", "%s, %.1f MB, is not on this machine", info->file, info->file_size_mb);
    if (destination && info->url) {
        facts_line(f, "Enter gets", "%s", info->url);
        facts_line(f, "and saves as", "%s", destination);
    }
    free(destination);
}

static void groups(facts *f, const thaw_layers *layers) {
    char parameters[NUMBER_TEXT_MAX], macs[NUMBER_TEXT_MAX];
    facts_gap(f);
    facts_heading(f, "Groups: parameters, MACs");
    for (int i = 0; i < thaw_layers_count(layers); i = thaw_layers_at(layers, i)->end) {
        const thaw_layer_info *info = thaw_layers_at(layers, i);
        if (!info->parameters) continue;
        facts_line(f, info->name, "%8s %8s", text_count((double)info->parameters, parameters),
                   text_count((double)info->macs, macs));
    }
}

/* "libtorch 225 MB, weights 89 MB, ...": what is not worth a word is left out. */
static void add_part(str *text, const char *name, int64_t bytes) {
    char figure[NUMBER_TEXT_MAX];
    if (bytes < 1 << 20) return;
    str_appendf(text, "%s%s %s", text->length ? ", " : "", name, text_bytes((double)bytes, figure));
}

static theme_role fit_role(model_fit fit) {
    return fit == MODEL_TOO_BIG ? ROLE_BAD : fit == MODEL_TIGHT ? ROLE_WARN : ROLE_GOOD;
}

static void memory_line(facts *f, const char *label, double total, int64_t available, const char *more) {
    char figure[NUMBER_TEXT_MAX];
    model_fit fit = model_memory_fit(total, available);
    text_bytes(total, figure);
    if (fit == MODEL_FIT_UNKNOWN)
        facts_line(f, label, "about %s%s", figure, more);
    else
        facts_value(f, label, fit_role(fit), "about %s%s: %s", figure, more, model_fit_word(fit));
}

/* The figure that matters most, near the top. */
static void memory_by_recipe(facts *f, const model_estimates *e, int index) {
    char more[NUMBER_TEXT_MAX];
    if (!e->of || !e->of[index].known) return;
    snprintf(more, sizeof more, " at batch %d", e->batch_size);
    memory_line(f, "memory", (double)e->of[index].memory.total, e->available, more);
}

static void memory_facts(facts *f, const model_estimates *e, int index) {
    const model_estimate *of = e->of ? &e->of[index] : NULL;
    char figure[NUMBER_TEXT_MAX];
    facts_gap(f);
    facts_heading(f, "Memory to train it");
    if (!of || !of->known) {
        facts_text(f, ROLE_DIM, "%s", of ? "It cannot be built at the recipe's image size." : "…");
        return;
    }
    const thaw_memory *m = &of->memory;
    memory_line(f, "all trained", (double)of->whole, e->available, "");
    if (e->available >= 0) facts_line(f, "available", "%s", text_bytes((double)e->available, figure));
    if (e->caches > 0)
        facts_line(f, "besides", "up to %s of it for what is kept: decoded images, frozen layers' outputs",
                   text_bytes((double)e->caches, figure));
    bool step = m->gradients + m->activations >= m->saving;
    str parts = {0};
    add_part(&parts, "libtorch", m->runtime);
    add_part(&parts, "weights", m->weights);
    add_part(&parts, "optimizer", m->optimizer);
    add_part(&parts, "images", m->images);
    add_part(&parts, "gradients", step ? m->gradients : 0);
    add_part(&parts, "activations", step ? m->activations : 0);
    add_part(&parts, "saving", step ? 0 : m->saving);
    facts_line(f, "by recipe", "%s", str_text(&parts));
    str_clear(&parts);
}

static void describe(facts *f, const model_rows *rows, const model_estimates *estimates,
                     const thaw_layers *layers, int index) {
    const thaw_weights_info *info = thaw_catalog_at(rows->catalog, index);
    facts_heading(f, info->arch);
    if (!info->buildable) facts_text(f, ROLE_WARN, "This thaw cannot build it yet.");
    facts_line(f, "weights", "%s%s", info->name, info->is_default ? ", what DEFAULT means" : "");
    facts_line(f, "family", "%s", info->family ? info->family : "-");
    if (info->dataset) facts_line(f, "trained on", "%s, %d classes", info->dataset, info->classes);
    if (!isnan(info->acc1)) facts_line(f, "accuracy", "top-1 %.2f %%, top-5 %.2f %%", info->acc1, info->acc5);
    size_facts(f, info, layers);
    memory_by_recipe(f, estimates, index);
    transform_facts(f, info);
    facts_line(f, "licence", "%s", info->license ? info->license : "none is named for the weights");
    if (info->recipe) facts_line(f, "made with", "%s", info->recipe);
    facts_gap(f);
    describe_file(f, info, &rows->files[index]);
    memory_facts(f, estimates, index);
    if (layers) groups(f, layers);
}

/* In the place of a model when the filter leaves none. */
static void describe_filter(facts *f) {
    facts_heading(f, "What a filter may say");
    facts_line(f, "resnet", "a part of the name");
    facts_line(f, "acc>75", "top-1 accuracy in %%");
    facts_line(f, "params<30M", "parameters");
    facts_line(f, "gflops<5", "work an image, in GMACs");
    facts_line(f, "size<100M", "of the file, in bytes");
    facts_line(f, "input<300", "pixels a side");
    facts_line(f, "memory<4G", "to train it");
    facts_line(f, "family:vit", "of one family");
    facts_line(f, "cached", "is on this machine");
    facts_line(f, "fits", "trains in this memory");
    facts_line(f, "!fits", "! turns a term round");
    facts_gap(f);
    facts_text(f, ROLE_DIM, "A model shows when all terms hold. / changes them, Esc shows all models.");
}

void model_details_draw(model_details *d, canvas *c, rect r, const model_rows *rows,
                        const model_estimates *estimates, int index) {
    facts f = facts_begin(c, r, &d->scroll);
    if (index >= 0) {
        const thaw_layers *layers = layers_of(d, thaw_catalog_at(rows->catalog, index), index);
        describe(&f, rows, estimates, layers, index);
    } else if (rows->catalog) {
        describe_filter(&f);
    }
    facts_end(&f);
}
