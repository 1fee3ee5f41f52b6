/*
 * shapes_draw.c - drawing a shape nobody has photographed.
 *
 * The set teaches what freezing does, so what is to be told apart must be nothing that photographs show (a
 * frozen backbone's last features do not fit) and yet be painted as photographs look (its first ones do):
 * plain geometric shapes of any colour, among scraps of others, on a cloudy, muted ground, soft and under
 * grain. Everything is painted on a canvas three times as fine as the picture and averaged down.
 */
#include "engine/data/shapes_draw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

enum { FINER = 3, CHANNELS = 3 };

/* The ground: layers of blotches, each twice as fine as the one before and weaker by FADE. */
enum { OCTAVES = 3, COARSEST = 3 };
static const double FADE = 0.6;

static const double FULL_TURN = 6.283185307179586;

shapes_style shapes_default_style(void) {
    return (shapes_style){
        .radius_min = 0.30,
        .radius_max = 0.42,
        .turn = 0.04,
        .saturation = 0.3,
        .contrast_min = 0.5,
        .contrast_max = 0.8,
        .wander = 0.25,
        .scraps_min = 1,
        .scraps_max = 3,
        .softness = 3,
        .noise_min = 0.01,
        .noise_max = 0.03,
    };
}

/* ---- shapes: whether (u, v) lies inside; the shape fills about the unit circle */

static bool in_circle(double u, double v) {
    return u * u + v * v < 0.72;
}

static bool in_crescent(double u, double v) {
    return u * u + v * v < 0.9 && (u - 0.45) * (u - 0.45) + v * v > 0.55;
}

static bool in_cross(double u, double v) {
    u = fabs(u);
    v = fabs(v);
    return (u < 0.27 && v < 0.9) || (v < 0.27 && u < 0.9);
}

static bool in_heart(double u, double v) {
    double x = u * 1.25, y = 0.15 - v * 1.25, bulge = x * x + y * y - 1;
    return bulge * bulge * bulge < x * x * y * y * y;
}

static bool in_ring(double u, double v) {
    double squared = u * u + v * v;
    return squared > 0.28 && squared < 0.8;
}

static bool in_square(double u, double v) {
    return fabs(u) < 0.72 && fabs(v) < 0.72;
}

/* Between the tips' and the notches' radius, straight edges: fold the plane into a tenth of the star. */
static bool in_star(double u, double v) {
    const double tip = 1.0, notch = 0.42, wedge = FULL_TURN / 10;
    double angle = fabs(remainder(atan2(u, -v), 2 * wedge)), radius = hypot(u, v);
    double x = radius * cos(angle), y = radius * sin(angle);
    double notch_x = notch * cos(wedge), notch_y = notch * sin(wedge);
    return (notch_x - tip) * y - notch_y * (x - tip) > 0;
}

static bool in_triangle(double u, double v) {
    return v < 0.5 && v > 1.7320508 * fabs(u) - 1.0;
}

typedef bool inside(double u, double v);

static const struct {
    const char *name;
    inside *inside;
} shapes[SHAPES_CLASSES] = {
    {"circle", in_circle}, {"crescent", in_crescent}, {"cross", in_cross}, {"heart", in_heart},
    {"ring", in_ring},     {"square", in_square},     {"star", in_star},   {"triangle", in_triangle},
};

/* Scraps look like pieces of shapes and are none of them. */
static bool in_bar(double u, double v) {
    return fabs(u) < 0.14 && fabs(v) < 1.0;
}

static bool in_wedge(double u, double v) {
    return u > 0 && v > 0 && u * u + v * v < 0.8;
}

static bool in_arc(double u, double v) {
    double squared = u * u + v * v;
    return v > 0.1 && squared > 0.55 && squared < 0.9;
}

static bool in_splinter(double u, double v) {
    return v < 0.8 && v > 3.5 * fabs(u) - 0.9;
}

static bool in_corner(double u, double v) {
    return (fabs(u + 0.6) < 0.16 && fabs(v) < 0.75) || (fabs(v + 0.6) < 0.16 && fabs(u) < 0.75);
}

static inside *const scraps[] = {in_bar, in_wedge, in_arc, in_splinter, in_corner};

/* ---- painting */

typedef struct colour {
    double channel[CHANNELS];
} colour;

typedef struct canvas {
    int side;
    float *rgb; /* side x side x 3, 0..1 */
} canvas;

static double clamp(double value) {
    return value < 0 ? 0 : value > 1 ? 1 : value;
}

/* Draw C's channels towards their mean: 0 leaves a grey, 1 leaves C. */
static void mute(colour *c, double saturation) {
    double mean = (c->channel[0] + c->channel[1] + c->channel[2]) / CHANNELS;
    for (int i = 0; i < CHANNELS; i++)
        c->channel[i] = mean + saturation * (c->channel[i] - mean);
}

static colour random_colour(double saturation, rng *r) {
    colour c;
    for (int i = 0; i < CHANNELS; i++)
        c.channel[i] = rng_unit(r);
    mute(&c, saturation);
    return c;
}

/* A step of DISTANCE in a random direction; the less SATURATION, the more of it is light and dark. */
static colour random_step(double distance, double saturation, rng *r) {
    colour c;
    double squared = 0;
    for (int i = 0; i < CHANNELS; i++)
        c.channel[i] = rng_normal(r);
    mute(&c, saturation);
    for (int i = 0; i < CHANNELS; i++)
        squared += c.channel[i] * c.channel[i];
    for (int i = 0; i < CHANNELS; i++)
        c.channel[i] *= distance / sqrt(squared);
    return c;
}

/* A colour about DISTANCE from C; a channel that would leave its range goes the other way. */
static colour colour_at(const colour *c, double distance, double saturation, rng *r) {
    colour step = random_step(distance, saturation, r), out;
    for (int i = 0; i < CHANNELS; i++) {
        double value = c->channel[i] + step.channel[i];
        out.channel[i] = clamp(value < 0 || value > 1 ? c->channel[i] - step.channel[i] : value);
    }
    return out;
}

/* Add blotches: a grid of CELLS x CELLS random steps of up to REACH, interpolated. */
static void add_blotches(canvas *to, int cells, double reach, double saturation, rng *r) {
    int columns = cells + 1;
    colour *grid = xcalloc((size_t)columns * (size_t)columns, sizeof *grid);
    for (int i = 0; i < columns * columns; i++) {
        double distance = reach * rng_unit(r);
        grid[i] = random_step(distance, saturation, r);
    }
    for (int y = 0; y < to->side; y++) {
        double gy = (double)y / to->side * cells, fy = gy - (int)gy;
        for (int x = 0; x < to->side; x++) {
            double gx = (double)x / to->side * cells, fx = gx - (int)gx;
            const colour *here = grid + (int)gy * columns + (int)gx, *below = here + columns;
            float *pixel = to->rgb + ((size_t)y * (size_t)to->side + (size_t)x) * CHANNELS;
            for (int c = 0; c < CHANNELS; c++)
                pixel[c] += (float)((1 - fy) * ((1 - fx) * here[0].channel[c] + fx * here[1].channel[c]) +
                                    fy * ((1 - fx) * below[0].channel[c] + fx * below[1].channel[c]));
        }
    }
    free(grid);
}

/* Clouds around BASE: blotches of several sizes. */
static void paint_ground(canvas *to, const colour *base, const shapes_style *style, rng *r) {
    size_t count = (size_t)to->side * (size_t)to->side * CHANNELS;
    double reach = style->wander;
    for (size_t i = 0; i < count; i++)
        to->rgb[i] = (float)base->channel[i % CHANNELS];
    for (int octave = 0; octave < OCTAVES; octave++, reach *= FADE)
        add_blotches(to, COARSEST << octave, reach, style->saturation, r);
    for (size_t i = 0; i < count; i++)
        to->rgb[i] = (float)clamp(to->rgb[i]);
}

typedef struct placement {
    double x, y, radius, angle; /* shares of the side; radians */
} placement;

/* Wherever RADIUS fits, turned by up to TURN full turns. One number after another: C may evaluate the members
 * of an initialiser in any order. */
static placement random_placement(double radius, double turn, rng *r) {
    placement at = {.radius = radius};
    at.x = rng_range(r, radius * 0.9, 1 - radius * 0.9);
    at.y = rng_range(r, radius * 0.9, 1 - radius * 0.9);
    at.angle = FULL_TURN * rng_range(r, -turn, turn);
    return at;
}

static void paint(canvas *to, inside *shape, const placement *at, const colour *c) {
    double cosine = cos(at->angle), sine = sin(at->angle);
    for (int y = 0; y < to->side; y++) {
        double dy = ((y + 0.5) / to->side - at->y) / at->radius;
        for (int x = 0; x < to->side; x++) {
            double dx = ((x + 0.5) / to->side - at->x) / at->radius;
            if (dx * dx + dy * dy > 2 || !shape(dx * cosine + dy * sine, dy * cosine - dx * sine)) continue;
            float *pixel = to->rgb + ((size_t)y * (size_t)to->side + (size_t)x) * CHANNELS;
            for (int i = 0; i < CHANNELS; i++)
                pixel[i] = (float)c->channel[i];
        }
    }
}

static colour random_fill(const colour *ground, const shapes_style *style, rng *r) {
    double contrast = rng_range(r, style->contrast_min, style->contrast_max);
    return colour_at(ground, contrast, style->saturation, r);
}

static void paint_scraps(canvas *to, int count, const colour *base, const shapes_style *style, double size,
                         rng *r) {
    for (int i = 0; i < count; i++) {
        colour c = random_fill(base, style, r);
        placement at = random_placement(size * rng_range(r, 0.5, 1.0), 0.5, r);
        paint(to, scraps[rng_below(r, sizeof scraps / sizeof scraps[0])], &at, &c);
    }
}

/* Average each of COUNT groups of WIDTH values with the groups beside it; the first and the last stay. BEFORE
 * has room for a group. */
static void soften_along(float *group, int count, size_t width, float *before) {
    memcpy(before, group, width * sizeof *before);
    for (int i = 1; i < count - 1; i++) {
        group += width;
        for (size_t k = 0; k < width; k++) {
            float here = group[k];
            group[k] = (before[k] + here + group[k + width]) / 3;
            before[k] = here;
        }
    }
}

/* A box of 3 x 3 points: the pixels of each row, then the rows. */
static void soften(canvas *c) {
    size_t row = (size_t)c->side * CHANNELS;
    float *before = xmalloc(row * sizeof *before);
    for (int y = 0; y < c->side; y++)
        soften_along(c->rgb + (size_t)y * row, c->side, CHANNELS, before);
    soften_along(c->rgb, c->side, row, before);
    free(before);
}

/* Average FINER x FINER points a pixel and add the grain. */
static void develop(const canvas *from, double noise, rng *r, image *out) {
    for (int y = 0; y < out->height; y++)
        for (int x = 0; x < out->width; x++)
            for (int c = 0; c < CHANNELS; c++) {
                double sum = 0;
                for (int i = 0; i < FINER * FINER; i++) {
                    size_t row = (size_t)(y * FINER + i / FINER), column = (size_t)(x * FINER + i % FINER);
                    sum += from->rgb[(row * (size_t)from->side + column) * CHANNELS + (size_t)c];
                }
                double value = clamp(sum / (FINER * FINER) + noise * rng_normal(r));
                out->rgb[((size_t)y * (size_t)out->width + (size_t)x) * CHANNELS + (size_t)c] =
                    (uint8_t)lround(255 * value);
            }
}

const char *shapes_class_name(int label) {
    return shapes[label].name;
}

void shapes_draw_picture(const shapes_style *style, int label, int side, rng *r, image *out) {
    canvas work = {.side = side * FINER};
    work.rgb = xcalloc((size_t)work.side * (size_t)work.side, CHANNELS * sizeof *work.rgb);
    colour base = random_colour(style->saturation, r);
    paint_ground(&work, &base, style, r);
    int below = style->scraps_min + (int)rng_below(r, (uint64_t)(style->scraps_max - style->scraps_min) + 1);
    paint_scraps(&work, below, &base, style, style->radius_min, r);

    double radius = rng_range(r, style->radius_min, style->radius_max);
    placement at = random_placement(radius, style->turn, r);
    colour fill = random_fill(&base, style, r);
    paint(&work, shapes[label].inside, &at, &fill);
    for (int i = 0; i < style->softness; i++)
        soften(&work);
    *out = (image){.width = side, .height = side};
    out->rgb = xmalloc((size_t)side * (size_t)side * CHANNELS);
    develop(&work, rng_range(r, style->noise_min, style->noise_max), r, out);
    free(work.rgb);
}
