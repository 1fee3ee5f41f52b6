/*
 * chart_export.c - see chart_export.h.
 */
#include "tui/widgets/chart_export.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/json.h"
#include "engine/base/str.h"
#include "tui/widgets/chart_axis.h"
#include "tui/widgets/chart_curve.h"

/* Of the drawing, in units of SVG. */
enum {
    WIDTH = 960,
    TITLE_HEIGHT = 44,
    PLOT_HEIGHT = 300,
    PLOT_GAP = 64, /* between plots: x labels, and the next one's name */
    PLOT_LEFT = 72,
    PLOT_RIGHT = 24,
    Y_TICKS = 6,
    X_TICKS = 10,
    LEGEND_LINE = 18,
    LEGEND_WIDTH = 190,
    TICK_TEXT_MAX = 32,
};

/* ---- text ---- */

static void append_xml(str *s, const char *text) {
    char *valid = text_utf8(text);
    for (const char *c = valid; *c; c++) {
        if (*c == '&')
            str_append(s, "&amp;");
        else if (*c == '<')
            str_append(s, "&lt;");
        else if (*c == '>')
            str_append(s, "&gt;");
        else if ((unsigned char)*c < ' ')
            str_append(s, " "); /* XML has no place for control characters */
        else
            str_append_n(s, c, 1);
    }
    free(valid);
}

static void append_quoted(str *s, const char *text) {
    if (!text[strcspn(text, ",\"\r\n")]) {
        str_append(s, text);
        return;
    }
    str_append(s, "\"");
    for (const char *c = text; *c; c++)
        str_append_n(s, *c == '"' ? "\"\"" : c, *c == '"' ? 2 : 1);
    str_append(s, "\"");
}

/* ---- numbers ---- */

static void append_number(str *s, double value) {
    char text[JSON_NUMBER_MAX];
    if (isfinite(value)) str_append(s, json_number_text(value, text));
}

/* Is x counted in something else than itself? */
static bool has_unit(const chart *ch) {
    return ch->x_unit > 0 && ch->x_unit != 1;
}

static void csv_curve(str *s, const char *chart_name, const chart *ch, const chart_series *curve) {
    curve_walk w = curve_begin(curve, ch->log_y);
    double unit = ch->x_unit > 0 ? ch->x_unit : 1;
    for (curve_sample v; curve_next(&w, &v);) {
        if (v.x < ch->x_min || v.x > ch->x_max) continue;
        const double number[] = {v.x,
                                 v.x / unit,
                                 v.mean,
                                 v.finite ? v.low : NAN,
                                 v.finite ? v.high : NAN,
                                 curve->smoothing > 0 ? v.smoothed : NAN};
        append_quoted(s, chart_name);
        str_append(s, ",");
        append_quoted(s, curve->name);
        for (size_t i = 0; i < sizeof number / sizeof *number; i++) {
            if (i == 1 && !has_unit(ch)) continue;
            str_append(s, ",");
            append_number(s, number[i]);
        }
        str_append(s, "\n");
    }
}

char *chart_csv(const chart_sheet *sheet) {
    str s = {0};
    const chart *first = sheet->item;
    str_appendf(&s, "chart,curve,%s", first->x_base ? first->x_base : "step");
    if (has_unit(first)) str_appendf(&s, ",%s", first->x_name ? first->x_name : "epoch");
    str_append(&s, ",value,low,high,smoothed\n");
    for (size_t i = 0; i < sheet->count; i++)
        for (size_t k = 0; k < sheet->item[i].curve_count; k++)
            csv_curve(&s, sheet->name[i], &sheet->item[i], &sheet->item[i].curve[k]);
    return str_take(&s);
}

/* ---- the picture ---- */

/* Colours that tell curves apart on white, also for most who see colours differently (Okabe and Ito 2008). */
static const char *colour_of(theme_role role) {
    static const char *const ghost[THEME_GHOSTS] = {"#56b4e9", "#cc79a7", "#009e73",
                                                    "#e69f00", "#999999", "#8c6bb1"};
    if (role >= ROLE_GHOST_1 && role <= ROLE_GHOST_6) return ghost[role - ROLE_GHOST_1];
    switch (role) {
    case ROLE_TRAIN:
    case ROLE_MARK_FREEZE:
        return "#0072b2";
    case ROLE_VAL:
    case ROLE_MARK_THAW:
        return "#d55e00";
    case ROLE_BAD:
        return "#c00000";
    default:
        return "#555555";
    }
}

/* One chart on the sheet. */
typedef struct picture {
    str *s;
    const chart *ch;
    chart_scale scale; /* to units from the plot's corner */
    axis_ticks ticks;
    int top;
} picture;

static double place_x(const picture *p, double x) {
    return PLOT_LEFT + scale_x(&p->scale, x);
}

static double place_y(const picture *p, double y) {
    return p->top + scale_y(&p->scale, y);
}

static bool on_sheet(const picture *p, const curve_sample *v) {
    return v->x >= p->ch->x_min && v->x <= p->ch->x_max;
}

static void svg_y_axis(const picture *p) {
    double step = p->ticks.count > 1 ? p->ticks.at[1] - p->ticks.at[0] : 0;
    for (int i = 0; i < p->ticks.count; i++) {
        double y = place_y(p, p->ticks.at[i]);
        char text[TICK_TEXT_MAX];
        if (y < p->top - 1 || y > p->top + PLOT_HEIGHT + 1) continue;
        chart_tick_text(p->ticks.at[i], p->scale.log_y ? p->ticks.at[i] : step, p->ch->percent, text,
                        sizeof text);
        str_appendf(p->s,
                    "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#e4e4e4\"/>"
                    "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" fill=\"#555555\">%s</text>\n",
                    PLOT_LEFT, y, WIDTH - PLOT_RIGHT, y, PLOT_LEFT - 8, y + 4, text);
    }
}

static void svg_x_axis(const picture *p) {
    const chart *ch = p->ch;
    double unit = ch->x_unit > 0 ? ch->x_unit : 1, low = ch->x_min / unit, high = ch->x_max / unit;
    double step = axis_nice((high - low) / X_TICKS);
    int bottom = p->top + PLOT_HEIGHT;
    for (double at = ceil(low / step - 1e-9) * step; at <= high + 1e-9; at += step) {
        double x = place_x(p, at * unit);
        str_appendf(p->s,
                    "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#999999\"/>"
                    "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" fill=\"#555555\">%g</text>\n",
                    x, bottom, x, bottom + 5, x, bottom + 19, fabs(at) < step / 2 ? 0 : at);
    }
    str_appendf(p->s, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" fill=\"#555555\">epoch</text>\n",
                WIDTH - PLOT_RIGHT, bottom + 34);
    str_appendf(p->s,
                "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"#999999\"/>\n",
                PLOT_LEFT, p->top, WIDTH - PLOT_LEFT - PLOT_RIGHT, PLOT_HEIGHT);
}

/* The range of the raw values as an area: there along the highest, back along the lowest. */
static void svg_range(const picture *p, const chart_series *curve) {
    double(*low)[2] = xcalloc(curve_count(curve) + 1, sizeof *low);
    size_t count = 0;
    curve_walk w = curve_begin(curve, p->scale.log_y);
    str_append(p->s, "<polygon points=\"");
    for (curve_sample v; curve_next(&w, &v);) {
        if (!v.finite || !on_sheet(p, &v)) continue;
        str_appendf(p->s, "%.1f,%.1f ", place_x(p, v.x), place_y(p, v.high));
        low[count][0] = place_x(p, v.x);
        low[count++][1] = place_y(p, v.low);
    }
    while (count-- > 0)
        str_appendf(p->s, "%.1f,%.1f ", low[count][0], low[count][1]);
    str_appendf(p->s, "\" fill=\"%s\" opacity=\"0.18\"/>\n", colour_of(curve->role));
    free(low);
}

/* A path that is lifted where values are not finite: of the smoothed values, or faint of the raw ones. */
static void svg_path(const picture *p, const chart_series *curve, bool raw) {
    curve_walk w = curve_begin(curve, p->scale.log_y);
    bool down = false;
    str_append(p->s, "<path d=\"");
    for (curve_sample v; curve_next(&w, &v);) {
        bool there = v.finite && on_sheet(p, &v);
        if (there)
            str_appendf(p->s, "%c%.1f %.1f", down ? 'L' : 'M', place_x(p, v.x),
                        place_y(p, raw ? v.mean : v.smoothed));
        down = there;
    }
    str_appendf(p->s, "\" fill=\"none\" stroke=\"%s\" stroke-width=\"%s\"%s%s/>\n", colour_of(curve->role),
                curve->ghost || raw ? "1.2" : "2", curve->ghost ? " stroke-dasharray=\"5 3\"" : "",
                raw ? " opacity=\"0.35\"" : "");
}

static void svg_points(const picture *p, const chart_series *curve) {
    curve_walk w = curve_begin(curve, p->scale.log_y);
    for (curve_sample v; curve_next(&w, &v);)
        if (v.finite && on_sheet(p, &v))
            str_appendf(p->s, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\" fill=\"%s\"/>\n", place_x(p, v.x),
                        place_y(p, v.smoothed), colour_of(curve->role));
}

static void svg_curve(const picture *p, const chart_series *curve) {
    if (curve->steps && !curve->ghost) svg_range(p, curve);
    if (curve->smoothing > 0 && !curve->ghost) svg_path(p, curve, true);
    svg_path(p, curve, false);
    if (curve->marked) svg_points(p, curve);
}

static void svg_marks(const picture *p) {
    for (size_t i = 0; i < p->ch->mark_count; i++) {
        const chart_mark *m = &p->ch->mark[i];
        if (m->weight == 0 || m->x < p->ch->x_min || m->x > p->ch->x_max) continue;
        double x = place_x(p, m->x);
        str_appendf(
            p->s,
            "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"%s\" stroke-dasharray=\"2 3\"/>\n", x,
            p->top, x, p->top + PLOT_HEIGHT, colour_of(m->role));
        if (!m->label) continue;
        str_appendf(p->s, "<text x=\"%.1f\" y=\"%d\" fill=\"%s\">", x + 4, p->top + 14, colour_of(m->role));
        append_xml(p->s, m->label);
        str_append(p->s, "</text>\n");
    }
}

static void svg_legend(const picture *p) {
    const chart *ch = p->ch;
    int left = WIDTH - PLOT_RIGHT - LEGEND_WIDTH;
    int top =
        ch->legend_below ? p->top + PLOT_HEIGHT - LEGEND_LINE * (int)ch->curve_count : p->top + LEGEND_LINE;
    for (size_t i = 0; i < ch->curve_count; i++) {
        const chart_series *c = &ch->curve[i];
        int y = top + LEGEND_LINE * (int)i;
        str_appendf(
            p->s, "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"%s\" stroke-width=\"2\"%s/>", left,
            y - 4, left + 22, y - 4, colour_of(c->role), c->ghost ? " stroke-dasharray=\"5 3\"" : "");
        str_appendf(p->s, "<text x=\"%d\" y=\"%d\" fill=\"#333333\">", left + 28, y);
        append_xml(p->s, c->name);
        str_append(p->s, "</text>\n");
    }
}

static void svg_chart(str *s, const chart *ch, const char *name, int top) {
    picture p = {.s = s, .ch = ch, .top = top};
    bool log_y = false;
    str_appendf(s, "<text x=\"%d\" y=\"%d\" font-weight=\"bold\" fill=\"#333333\">", PLOT_LEFT, top - 8);
    append_xml(s, name);
    str_append(s, "</text>\n");
    bool some = curves_axis(ch, Y_TICKS, &p.ticks, &log_y);
    p.scale = (chart_scale){ch->x_min,      ch->x_max, p.ticks.low,
                            p.ticks.high,   log_y,     WIDTH - PLOT_LEFT - PLOT_RIGHT + 1,
                            PLOT_HEIGHT + 1};
    if (some) svg_y_axis(&p);
    svg_x_axis(&p);
    if (!some) return;
    str_appendf(s, "<g clip-path=\"url(#plot%d)\">\n", top);
    for (size_t i = ch->curve_count; i-- > 0;) /* the first one on top */
        svg_curve(&p, &ch->curve[i]);
    svg_marks(&p);
    str_append(s, "</g>\n");
    svg_legend(&p);
}

char *chart_svg(const chart_sheet *sheet) {
    str s = {0};
    int height = TITLE_HEIGHT + (int)sheet->count * (PLOT_HEIGHT + PLOT_GAP);
    str_appendf(&s,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
                "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" "
                "fill=\"white\"/>\n",
                WIDTH, height, WIDTH, height);
    str_appendf(&s, "<text x=\"%d\" y=\"24\" font-size=\"15\" fill=\"#222222\">", PLOT_LEFT);
    append_xml(&s, sheet->title);
    str_append(&s, "</text>\n");
    for (size_t i = 0; i < sheet->count; i++) {
        int top = TITLE_HEIGHT + 16 + (int)i * (PLOT_HEIGHT + PLOT_GAP);
        str_appendf(
            &s, "<clipPath id=\"plot%d\"><rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/></clipPath>\n",
            top, PLOT_LEFT, top, WIDTH - PLOT_LEFT - PLOT_RIGHT, PLOT_HEIGHT);
        svg_chart(&s, &sheet->item[i], sheet->name[i], top);
    }
    str_append(&s, "</svg>\n");
    return str_take(&s);
}
