/*
 * forecast.c - see thaw/forecast.h. It goes by the rules of keep.h, which the trainer goes by as well.
 */
#include "thaw/forecast.h"

#include <math.h>
#include <string.h>

#include "engine/data/transform.h"
#include "engine/nn/freeze.h"
#include "engine/nn/layers.h"
#include "engine/train/keep.h"

enum { EPOCHS_TO_HALVE = 64 };

double thaw_forecast_by_chance(double steps, double epoch, double batch, double lacking) {
    double whole = 0;
    for (int i = 0; i < EPOCHS_TO_HALVE && steps > 0; i++) {
        double now = steps < epoch ? steps : epoch;
        whole += now * (1 - pow(1 - lacking, batch));
        steps -= now;
        lacking /= 2;
    }
    return whole;
}

int64_t thaw_forecast_caches(const thaw_recipe *r, int64_t available) {
    if (available <= 0 || r->epochs < 2 || (r->cache && !strcmp(r->cache, "off"))) return 0;
    double part = keep_image_part + (r->freeze_count ? keep_output_part : 0);
    return (int64_t)(part * (double)available);
}

/* Views of a training image that a run keeps; 0: none. *CHANCE: which one an epoch shows is drawn. */
static int views_of(const thaw_recipe *r, double share, bool *chance) {
    transform t = {.augment = AUGMENT_NONE};
    augment_parse(r->data.augment, &t.augment);
    int views = transform_views(&t, true);
    bool random = views == 0;
    *chance = views == 2;
    if ((r->cache && !strcmp(r->cache, "off")) || r->epochs < 2 || !keep_pays(share, random)) return 0;
    if (!random) return views;
    views = keep_views(r->cache_views, r->epochs);
    return views < r->epochs ? views : 0;
}

static double whole_steps(const thaw_recipe *r, const thaw_forecast *f, bool chance) {
    double epoch = (double)f->steps / r->epochs;
    if (chance) return thaw_forecast_by_chance((double)f->steps, epoch, r->batch_size, 1);
    double whole = f->views ? epoch * f->views : (double)f->steps;
    return whole < (double)f->steps ? whole : (double)f->steps;
}

/* EPOCHS epochs under the mask that LAYERS have. */
static thaw_forecast forecast_mask(const thaw_layers *layers, const thaw_recipe *whole, int epochs,
                                   int64_t images) {
    thaw_recipe r = *whole;                                        /* nothing of it is owned */
    r.cache_views = keep_views(whole->cache_views, whole->epochs); /* chosen once a run */
    r.epochs = epochs;
    thaw_forecast f = {.kept_share = 1};
    thaw_cost cost = thaw_layers_cost(layers, r.batch_size, 0); /* it leaves the model traced */
    double share = keep_share(layers->m, cost.prefix_cut), step = cost.forward_macs + cost.backward_macs;
    bool chance;
    f.steps = (images + r.batch_size - 1) / r.batch_size * epochs;
    f.views = views_of(&r, share, &chance);
    f.whole = whole_steps(&r, &f, chance && f.views);
    if (f.views && step > 0) f.kept_share = 1 - share * cost.forward_macs / step;
    f.work = f.whole + ((double)f.steps - f.whole) * f.kept_share;
    return f;
}

/* Steps of another phase cost something else: its work is counted in steps of the first. */
static void add_phase(thaw_forecast *f, const thaw_forecast *more, double first_step, double step) {
    f->steps += more->steps;
    f->whole += more->whole;
    f->work += first_step > 0 ? more->work * step / first_step : more->work;
}

thaw_forecast thaw_forecast_run(const thaw_layers *layers, const thaw_recipe *r, int64_t images) {
    model *m = layers->m;
    int first_epochs = r->phase_count ? r->phase[0].epoch : r->epochs;
    if (first_epochs > r->epochs) first_epochs = r->epochs;
    thaw_forecast f = forecast_mask(layers, r, first_epochs, images);
    if (!r->phase_count) return f;
    double first_step = thaw_layers_cost(layers, 1, 0).relative_step;
    freeze_mask now = freeze_describe(m);
    for (size_t i = 0; i < r->phase_count && r->phase[i].epoch < r->epochs; i++) {
        const thaw_recipe_phase *phase = &r->phase[i];
        freeze_mask mask = {phase->freeze, phase->freeze_count, phase->moving, phase->moving_count};
        thaw_status status = phase->masks ? freeze_apply(m, &mask) : thaw_ok();
        if (thaw_failed(&status)) break; /* the run will say so */
        int end =
            i + 1 < r->phase_count && r->phase[i + 1].epoch < r->epochs ? r->phase[i + 1].epoch : r->epochs;
        thaw_forecast more = forecast_mask(layers, r, end - phase->epoch, images);
        add_phase(&f, &more, first_step, thaw_layers_cost(layers, 1, 0).relative_step);
    }
    thaw_status status = freeze_apply(m, &now);
    (void)status; /* it was described by this model */
    freeze_mask_clear(&now);
    thaw_layers_cost(layers, r->batch_size, 0); /* traced as it is now */
    return f;
}
