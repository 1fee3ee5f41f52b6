/*
 * run_left.c - see run_left.h.
 */
#include "tui/run_left.h"

#include <math.h>

#include "thaw/forecast.h"

static const double SMOOTHING = 0.05;

static void blend(run_pace *p, double seconds) {
    p->weight += (1 - p->weight) * SMOOTHING;
    p->seconds += (seconds - p->seconds) * SMOOTHING / p->weight;
}

void run_left_begin(run_view *v) {
    v->left.computed = v->left.kept = (run_pace){0};
}

void run_left_step(run_view *v, const thaw_step *s) {
    bool kept = s->batch > 0 && s->cached >= s->batch;
    if (isfinite(s->seconds)) blend(kept ? &v->left.kept : &v->left.computed, s->seconds);
    if (s->batch > s->cached) v->left.put += s->batch - s->cached;
    v->left.hits += ((kept ? 1 : 0) - v->left.hits) * SMOOTHING;
}

void run_left_cache(run_view *v, bool other) {
    if (other) v->left.evaluations = 0;
    v->left.put = 0;
    v->left.cache_epoch = v->epoch;
}

void run_left_evaluated(run_view *v, double seconds) {
    v->evaluation_seconds = seconds > 0 ? seconds : 0;
    v->left.evaluations++;
}

/* Training images, each of their views, that are to be kept and were not yet when that was last told, when
 * PUT more have been computed since; *ALL: of so many. */
static double missing(const run_view *v, int64_t put, double *all) {
    double others = (double)v->cached_entries > v->val_images ? v->val_images : 0;
    double filled = (double)v->cached_filled - (v->left.evaluations ? others : 0) + (double)put;
    *all = (double)v->cached_entries - others;
    double lacking = *all - filled;
    return lacking < 0 ? 0 : lacking > *all ? *all : lacking;
}

double run_left_steps(const run_view *v, double *out_of) {
    double left = (double)(v->total_steps - v->steps), all;
    if (left < 0) left = 0;
    *out_of = left;
    if (!v->cached_layer || v->cached_views <= 0 || v->train_images <= 0 || v->steps_per_epoch <= 0)
        return left;
    double batch = (double)v->train_images / v->steps_per_epoch, lacking = missing(v, v->left.put, &all);
    /* A whole epoch brought nothing new: the memory is full, and it stays as it is. */
    if (missing(v, 0, &all) > 0 && v->epoch > v->left.cache_epoch + 1) return left * (1 - v->left.hits);
    double steps = v->cached_views == 2
                       ? thaw_forecast_by_chance(left, v->steps_per_epoch, batch, lacking / all)
                       : lacking / batch;
    return steps < left ? steps : left;
}

/* What a step with everything kept takes of one that computes it, before any was seen: what else the time of
 * the steps went into. 1: not known. */
static double kept_share(const run_view *v) {
    const double *phase = v->profile.phase;
    double spared = phase[THAW_PHASE_FROZEN] + phase[THAW_PHASE_UPLOAD] + phase[THAW_PHASE_WAIT];
    double step = spared + phase[THAW_PHASE_FORWARD] + phase[THAW_PHASE_BACKWARD] +
                  phase[THAW_PHASE_OPTIMIZER] + phase[THAW_PHASE_KEPT] + phase[THAW_PHASE_METRICS];
    return step > 0 && phase[THAW_PHASE_FROZEN] > 0 ? 1 - spared / step : 1;
}

/* Only the first evaluation computes what is kept for the others. */
static double evaluation(const run_view *v, double share) {
    return v->evaluation_seconds * (v->cached_layer && v->left.evaluations == 1 ? share : 1);
}

double run_view_eta(const run_view *v) {
    if (!v->begun || v->ended || v->epoch_step_weight <= 0 || v->steps_per_epoch <= 0) return NAN;
    double left, whole = run_left_steps(v, &left), share = kept_share(v);
    double computed = v->left.computed.weight > 0 ? v->left.computed.seconds : v->step_seconds;
    double kept = v->left.kept.weight > 0 ? v->left.kept.seconds : computed * share;
    if (v->left.kept.weight > 0 && v->left.computed.weight > 0 && kept < computed) share = kept / computed;
    double epochs = ceil(left / v->steps_per_epoch);
    return whole * computed + (left - whole) * kept + epochs * evaluation(v, share);
}
