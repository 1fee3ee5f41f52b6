/*
 * chart_axis.c - see chart_axis.h. Ticks are at 1, 2 or 5 times a power of ten (Heckbert 1990).
 */
#include "tui/widgets/chart_axis.h"

#include <math.h>

double axis_nice(double value) {
    static const double mantissa[] = {1, 2, 5, 10};
    if (!(value > 0) || !isfinite(value)) return 1;
    double power = pow(10, floor(log10(value)));
    for (int i = 0; i < 4; i++)
        if (mantissa[i] * power >= value * (1 - 1e-9)) return mantissa[i] * power;
    return 10 * power;
}

axis_ticks axis_linear(double low, double high, int wanted) {
    if (!(high > low)) { /* one value: give it room */
        double room = fabs(low) > 0 ? fabs(low) * 0.1 : 1;
        low -= room;
        high += room;
    }
    if (wanted < 1) wanted = 1;
    if (wanted > AXIS_TICKS_MAX - 2) wanted = AXIS_TICKS_MAX - 2;
    double step = axis_nice((high - low) / wanted);
    axis_ticks t = {.low = floor(low / step + 1e-9) * step, .high = ceil(high / step - 1e-9) * step};
    int steps = (int)lround((t.high - t.low) / step);
    for (int i = 0; i <= steps && t.count < AXIS_TICKS_MAX; i++) {
        double at = t.low + i * step;
        t.at[t.count++] = fabs(at) < step * 1e-6 ? 0 : at;
    }
    return t;
}

/* The largest of 1, 2, 5 times a power of ten not above VALUE. */
static double nice_below(double value) {
    double power = pow(10, floor(log10(value))), part = value / power * (1 + 1e-9);
    return power * (part >= 5 ? 5 : part >= 2 ? 2 : 1);
}

axis_ticks axis_log(double low, double high, int wanted) {
    if (!(high > low)) {
        low /= 2;
        high *= 2;
    }
    if (wanted < 1) wanted = 1;
    axis_ticks t = {.low = nice_below(low), .high = axis_nice(high)};
    int first = (int)floor(log10(t.low) + 1e-9), last = (int)ceil(log10(t.high) - 1e-9);
    int decades = last - first,
        stride = 1 + decades / (wanted > AXIS_TICKS_MAX / 2 ? AXIS_TICKS_MAX / 2 : wanted);
    bool between = decades > 0 && 3 * decades <= wanted;
    for (int power = first; power <= last; power += stride)
        for (int m = 1; m <= (between ? 5 : 1); m += m == 2 ? 3 : 1) {
            double at = m * pow(10, power);
            if (at >= t.low * (1 - 1e-9) && at <= t.high * (1 + 1e-9) && t.count < AXIS_TICKS_MAX)
                t.at[t.count++] = at;
        }
    if (t.count == 0) { /* all within one decade and no power of ten in it */
        t.at[t.count++] = t.low;
        t.at[t.count++] = t.high;
    }
    return t;
}
