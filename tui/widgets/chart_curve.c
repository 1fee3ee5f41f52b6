/*
 * chart_curve.c - see chart_curve.h.
 */
#include "tui/widgets/chart_curve.h"

#include <math.h>
#include <stdlib.h>

#include "engine/base/alloc.h"

curve_walk curve_begin(const chart_series *curve, bool log_y) {
    return (curve_walk){.curve = curve, .log_y = log_y};
}

size_t curve_count(const chart_series *curve) {
    return curve->steps ? curve->steps->count : curve->count;
}

double curve_place(const chart_series *curve, double steps) {
    if (curve->clock) {
        const series_bucket *b = series_near(curve->clock, (int64_t)llround(steps));
        return b ? series_mean(b) : NAN;
    }
    return steps * (curve->x_scale > 0 ? curve->x_scale : 1);
}

static curve_sample sample_at(const chart_series *curve, size_t index) {
    if (!curve->steps) {
        double y = curve->point[index].y;
        bool fine = isfinite(y);
        return (curve_sample){.x = curve_place(curve, curve->point[index].x),
                              .low = y,
                              .high = y,
                              .mean = y,
                              .finite = fine,
                              .broken = !fine};
    }
    const series_bucket *b = &curve->steps->bucket[index];
    return (curve_sample){.x = curve_place(curve, (double)(b->first + b->last) / 2),
                          .low = b->low,
                          .high = b->high,
                          .mean = b->finite ? b->sum / b->finite : NAN,
                          .finite = b->finite,
                          .broken = b->broken > 0};
}

/*
 * The average is a = Σ (1-β) β^(t-i) y_i, and its weights sum to 1 - β^t; dividing by that sum removes the
 * pull towards zero at the start (Kingma and Ba 2014, section 3). N values at once count with their mean.
 */
bool curve_next(curve_walk *w, curve_sample *out) {
    if (w->next >= curve_count(w->curve)) return false;
    *out = sample_at(w->curve, w->next++);
    out->smoothed = out->mean;
    double beta = w->curve->smoothing;
    if (!(beta > 0)) return true;
    double value = w->log_y ? log(out->mean) : out->mean;
    if (out->finite && isfinite(value)) {
        double keep = pow(beta, out->finite);
        w->average = keep * w->average + (1 - keep) * value;
        w->weight = keep * w->weight + (1 - keep);
    }
    double smooth = w->weight > 0 ? w->average / w->weight : NAN;
    out->smoothed = w->log_y ? exp(smooth) : smooth;
    return true;
}

bool chart_read(const chart_series *s, bool log_y, double x, double *at, double *raw, double *smoothed) {
    curve_walk w = curve_begin(s, log_y);
    curve_sample sample;
    bool found = false;
    while (curve_next(&w, &sample) && sample.x <= x) {
        *at = sample.x;
        *raw = sample.finite ? sample.mean : NAN;
        *smoothed = sample.finite ? sample.smoothed : NAN;
        found = true;
    }
    return found;
}

double scale_x(const chart_scale *s, double x) {
    double span = s->x_max - s->x_min;
    return span > 0 ? (x - s->x_min) / span * (s->wide - 1) : 0;
}

double scale_y(const chart_scale *s, double y) {
    double low = s->y_min, high = s->y_max;
    if (s->log_y) {
        y = y > 0 ? log10(y) : log10(low) - 1; /* zero has no logarithm: it lies beyond the lower edge */
        low = log10(low);
        high = log10(high);
    }
    double span = high - low;
    return span > 0 ? (1 - (y - low) / span) * (s->high - 1) : s->high / 2.0;
}

/* ---- range ---- */

static void widen(double value, bool log_y, double *low, double *high) {
    if (!isfinite(value) || (log_y && value <= 0)) return;
    if (!(*low <= value)) *low = value; /* also when *low is NaN */
    if (!(*high >= value)) *high = value;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The outermost raw values when they are near the rest, else where the outermost fiftieth begins. */
static void widen_raw(double *value, size_t count, bool log_y, double *low, double *high) {
    if (!count) return;
    qsort(value, count, sizeof *value, by_value);
    const size_t rare = count / 50;
    double least = value[0], most = value[count - 1], inner_least = value[rare],
           inner_most = value[count - 1 - rare];
    widen(inner_least, log_y, low, high);
    widen(inner_most, log_y, low, high);
    double reach = (*high - *low) / 2;
    if (most <= *high + reach) widen(most, log_y, low, high);
    if (least >= *low - reach) widen(least, log_y, low, high);
}

void curve_range(const chart_series *curve, const chart *ch, double *low, double *high) {
    bool raw_too = !curve->ghost && curve->steps;
    double *value = raw_too ? xcalloc(2 * curve_count(curve) + 1, sizeof *value) : NULL;
    size_t count = 0;
    curve_walk w = curve_begin(curve, ch->log_y);
    for (curve_sample s; curve_next(&w, &s);) {
        if (s.x < ch->x_min || s.x > ch->x_max || !s.finite) continue;
        if (!curve->steps || curve->smoothing > 0) widen(s.smoothed, ch->log_y, low, high);
        if (!raw_too) continue;
        value[count++] = s.low;
        value[count++] = s.high;
    }
    if (raw_too) widen_raw(value, count, ch->log_y, low, high);
    free(value);
}

bool curves_axis(const chart *ch, int wanted, axis_ticks *ticks, bool *log_y) {
    double low = NAN, high = NAN;
    for (size_t i = 0; i < ch->curve_count; i++)
        curve_range(&ch->curve[i], ch, &low, &high);
    if (isfinite(ch->y_min)) low = ch->y_min;
    if (isfinite(ch->y_max)) high = ch->y_max;
    if (!isfinite(low) || !isfinite(high) || low > high) return false;
    *log_y = ch->log_y && low > 0;
    *ticks = *log_y ? axis_log(low, high, wanted) : axis_linear(low, high, wanted);
    if (ch->percent && ticks->low < 0) ticks->low = 0;
    if (ch->percent && ticks->high > 1) ticks->high = 1;
    return true;
}

/* ---- drawing ---- */

enum { RAW_LETTER = '.' };

static void note_column(curve_column *column, const raster *r, double dot_x, double dot_y, bool broken) {
    int wide = raster_dots_wide(r->kind);
    if (!(dot_x > -0.5 && dot_x < r->wide)) return; /* -0.5 itself would round to -1 */
    int col = (int)lround(dot_x) / wide;
    if (col >= r->cols) return;
    if (broken) column[col].broken = true;
    if (isfinite(dot_y)) column[col].dot_y = dot_y;
}

/* One way through the curve: the raw values with their range, or the smoothed ones. */
static void draw_pass(const chart_series *curve, const chart_scale *s, raster *r, raster_pen pen,
                      bool smoothed, curve_column *column) {
    curve_walk w = curve_begin(curve, s->log_y);
    double last_x = NAN, last_y = NAN;
    for (curve_sample v; curve_next(&w, &v);) {
        double x = scale_x(s, v.x), y = v.finite ? scale_y(s, smoothed ? v.smoothed : v.mean) : NAN;
        note_column(column, r, x, y, v.broken);
        if (isfinite(y)) {
            if (!smoothed && v.high > v.low) raster_line(r, x, scale_y(s, v.low), x, scale_y(s, v.high), pen);
            raster_line(r, isfinite(last_y) ? last_x : x, isfinite(last_y) ? last_y : y, x, y, pen);
        }
        last_x = x;
        last_y = y;
    }
}

/* Between two values far apart the curve is where its line is: fill the columns that have no value of their
 * own. */
static void fill_columns(curve_column *column, int cols) {
    for (int left = 0, right; left < cols; left = right) {
        for (right = left + 1; right < cols && isnan(column[right].dot_y); right++)
            continue;
        if (right >= cols || isnan(column[left].dot_y)) continue;
        bool gap = false;
        for (int i = left; i <= right; i++)
            gap = gap || column[i].broken;
        for (int i = left + 1; i < right && !gap; i++)
            column[i].dot_y =
                column[left].dot_y + (column[right].dot_y - column[left].dot_y) * (i - left) / (right - left);
    }
}

void curve_draw(const chart_series *curve, const chart_scale *s, raster *r, int level, bool letters,
                curve_column *column) {
    for (int i = 0; i < r->cols; i++)
        column[i] = (curve_column){.dot_y = NAN};
    bool smooth = curve->smoothing > 0;
    if (smooth && !curve->ghost) {
        raster_pen beneath = {.role = curve->raw_role, .level = level - 1, .letter = RAW_LETTER};
        draw_pass(curve, s, r, beneath, false, column);
    }
    raster_pen pen = {.role = curve->role, .level = level, .letter = letters ? curve->letter : '*'};
    draw_pass(curve, s, r, pen, smooth, column);
    fill_columns(column, r->cols);
}
