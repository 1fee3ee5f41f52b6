/*
 * schedule.c - see schedule.h. A schedule is one row of the table below: its name and its formula.
 */
#include "engine/train/schedule.h"

#include <math.h>
#include <string.h>

#include "engine/base/str.h"

static const double warmup_start = 0.1; /* share of the rate that the warm-up begins with */

static double constant_factor(const schedule *s, double base, double step) {
    (void)s, (void)base, (void)step;
    return 1;
}

static double step_factor(const schedule *s, double base, double step) {
    (void)base;
    return s->every > 0 ? pow(s->gamma, floor(step / s->every)) : 1;
}

static double cosine_factor(const schedule *s, double base, double step) {
    double length = s->total - s->warmup;
    double progress = length > 0 ? fmin(1, fmax(0, (step - s->warmup) / length)) : 1;
    double floor_share =
        base > 0 ? fmin(1, s->min_lr / base) : 0; /* a rate set below min_lr stays where it is */
    return floor_share + (1 - floor_share) / 2 * (1 + cos(M_PI * progress));
}

static const struct schedule_row {
    const char *name;
    double (*factor)(const schedule *s, double base, double step);
} rows[] = {
    {"constant", constant_factor},
    {"step", step_factor},
    {"cosine", cosine_factor},
};
enum { ROWS = sizeof rows / sizeof *rows };

static thaw_status unknown_name(const char *name) {
    const char *names[ROWS];
    for (size_t i = 0; i < ROWS; i++)
        names[i] = rows[i].name;
    const char *nearest = text_nearest(name, names, ROWS);
    return thaw_error(
        THAW_ERR_USAGE, "schedule.name: there is no schedule \"%s\"%s%s%s; expected constant, step or cosine",
        name, nearest ? " (did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?)" : "");
}

thaw_status schedule_init(const thaw_recipe *r, int steps_per_epoch, schedule *out) {
    const struct schedule_row *found = NULL;
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, r->schedule.name) == 0) found = &rows[i];
    if (!found) return unknown_name(r->schedule.name);
    *out = (schedule){
        .factor = found->factor,
        .warmup = r->schedule.warmup_epochs * steps_per_epoch,
        .every = r->schedule.step_epochs * steps_per_epoch,
        .gamma = r->schedule.gamma,
        .min_lr = r->schedule.min_lr,
        .total = (double)r->epochs * steps_per_epoch,
    };
    return thaw_ok();
}

double schedule_lr(const schedule *s, double base, int64_t step) {
    double at = (double)step;
    if (at < s->warmup) return base * (warmup_start + (1 - warmup_start) * at / s->warmup);
    return base * s->factor(s, base, at);
}
