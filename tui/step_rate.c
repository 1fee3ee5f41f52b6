/*
 * step_rate.c - see step_rate.h.
 */
#include "tui/step_rate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

void step_rate_clear(step_rate *r) {
    free(r->model);
    free(r->device);
    free(r->precision);
    *r = (step_rate){0};
}

static double macs_of(const thaw_cost *cost, int batch_size) {
    return (cost->forward_macs + cost->backward_macs) * batch_size;
}

int step_rate_optimizer_floats(const thaw_recipe *recipe) {
    const char *name = recipe->optimizer.name;
    return name && !strncmp(name, "adam", 4) ? 2 : recipe->optimizer.momentum > 0;
}

/* The recipe a run was begun with; false: it has none that can be read. */
static bool recipe_of(const run_view *v, thaw_recipe *r) {
    if (!v->recipe) return false;
    thaw_recipe_init(r);
    thaw_status status = thaw_recipe_parse(v->recipe, strlen(v->recipe), "the run's recipe", r);
    if (thaw_failed(&status)) thaw_recipe_clear(r);
    return !thaw_failed(&status);
}

double step_rate_work(const run_view *v) {
    thaw_recipe r;
    thaw_layers *layers = NULL;
    double work = 0;
    if (!v->mask_label || !recipe_of(v, &r)) return 0;
    thaw_status status = thaw_layers_new(r.model, &r.head, v->classes, r.data.crop, &layers);
    if (!thaw_failed(&status))
        status = thaw_layers_set_mask(layers, (const char *const *)v->frozen, v->frozen_count,
                                      (const char *const *)v->moving, v->moving_count);
    if (!thaw_failed(&status)) {
        thaw_cost cost = thaw_layers_cost(layers, r.batch_size, 0);
        work = macs_of(&cost, r.batch_size);
    }
    thaw_layers_free(layers);
    thaw_recipe_clear(&r);
    return work;
}

static void set_text(char **into, const char *text) {
    char *copy = xstrdup(text);
    free(*into);
    *into = copy;
}

bool step_rate_take(step_rate *r, const run_view *v, double work) {
    if (!(work > 0) || !(v->whole_step_seconds > 0)) return false;
    thaw_recipe recipe;
    if (!recipe_of(v, &recipe)) return false;
    set_text(&r->model, recipe.model);
    thaw_recipe_clear(&recipe);
    set_text(&r->device, v->device);
    set_text(&r->precision, v->precision);
    r->seconds_per_mac = v->whole_step_seconds / work;
    return true;
}

static bool agrees(const char *wanted, const char *had) {
    return !wanted || !had || !strcmp(wanted, "auto") || !strcmp(wanted, had);
}

bool step_rate_fits(const step_rate *r, const thaw_recipe *recipe, const char *device) {
    if (!(r->seconds_per_mac > 0) || !recipe->model || strcmp(recipe->model, r->model)) return false;
    bool any = !recipe->device || !strcmp(recipe->device, "auto");
    return agrees(any ? device : recipe->device, r->device) && agrees(recipe->precision, r->precision);
}

double step_rate_seconds(const step_rate *r, const thaw_recipe *recipe, const thaw_cost *cost) {
    return r->seconds_per_mac * macs_of(cost, recipe->batch_size);
}
