/*
 * palette.c - see palette.h. Palettes are xterm's: 16 named colours, a 6×6×6 cube, 24 greys.
 */
#include "tui/palette.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { NAMED = 16, CUBE_SIDE = 6, CUBE_END = NAMED + CUBE_SIDE * CUBE_SIDE * CUBE_SIDE, PALETTE_256 = 256 };

static const uint32_t named_rgb[NAMED] = {
    0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5,
    0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff,
};

static const char *const colour_names[NAMED] = {
    "black",        "red",           "green",       "yellow",         "blue",
    "magenta",      "cyan",          "white",       "bright black",   "bright red",
    "bright green", "bright yellow", "bright blue", "bright magenta", "bright cyan",
    "bright white",
};

static int palette_size(theme_depth depth) {
    static const int size[DEPTH_COUNT] = {[DEPTH_8] = 8, [DEPTH_16] = NAMED, [DEPTH_256] = PALETTE_256};
    return size[depth];
}

uint32_t theme_rgb(int index) {
    static const uint32_t level[CUBE_SIDE] = {0, 95, 135, 175, 215, 255};
    if (index < 0 || index >= PALETTE_256) return 0;
    if (index < NAMED) return named_rgb[index];
    if (index >= CUBE_END) {
        uint32_t grey = 8 + 10 * (uint32_t)(index - CUBE_END);
        return grey << 16 | grey << 8 | grey;
    }
    int cube = index - NAMED;
    return level[cube / 36] << 16 | level[cube / 6 % 6] << 8 | level[cube % 6];
}

int palette_distance(uint32_t a, uint32_t b) {
    int red = (int)(a >> 16 & 255) - (int)(b >> 16 & 255);
    int green = (int)(a >> 8 & 255) - (int)(b >> 8 & 255);
    int blue = (int)(a & 255) - (int)(b & 255);
    return 3 * red * red + 4 * green * green + 2 * blue * blue;
}

int theme_nearest(uint32_t rgb, theme_depth depth) {
    int first = depth == DEPTH_256 ? NAMED : 0; /* people change the first 16 */
    int best = first, least = INT_MAX;
    for (int i = first; i < palette_size(depth); i++) {
        int away = palette_distance(rgb, theme_rgb(i));
        if (away >= least) continue;
        least = away;
        best = i;
    }
    return best;
}

/* The level of the cube nearest to a channel's value. */
static int cube_level(int value) {
    static const int border[CUBE_SIDE - 1] = {48, 115, 155, 195,
                                              235}; /* halfway from one level to the next */
    int level = 0;
    while (level < CUBE_SIDE - 1 && value >= border[level])
        level++;
    return level;
}

/* Channels of the cube are independent, so its nearest is found one by one; then the nearest grey is
 * compared. */
int palette_nearest_256(uint32_t rgb) {
    enum { GREYS = PALETTE_256 - CUBE_END, GREY_FIRST = 8, GREY_STEP = 10 };
    int red = (int)(rgb >> 16 & 255), green = (int)(rgb >> 8 & 255), blue = (int)(rgb & 255);
    int cube =
        NAMED + cube_level(red) * CUBE_SIDE * CUBE_SIDE + cube_level(green) * CUBE_SIDE + cube_level(blue);
    int weighted = (3 * red + 4 * green + 2 * blue + 4) / 9;
    int step = (weighted - GREY_FIRST + GREY_STEP / 2) / GREY_STEP;
    int grey = CUBE_END + (step < 0 ? 0 : step >= GREYS ? GREYS - 1 : step);
    return palette_distance(rgb, theme_rgb(grey)) < palette_distance(rgb, theme_rgb(cube)) ? grey : cube;
}

bool colour_from_number(double number, theme_depth depth, colour *out) {
    if (!(number >= 0 && number < palette_size(depth)) || number != (int)number) return false;
    int index = (int)number;
    *out = index < NAMED ? (colour){.kind = COLOUR_IS_INDEX, .index = index, .rgb = named_rgb[index]}
                         : (colour){.kind = COLOUR_IS_RGB, .index = index, .rgb = theme_rgb(index)};
    return true;
}

bool colour_from_text(const char *text, theme_depth depth, colour *out) {
    if (!strcmp(text, "default")) {
        *out = colour_default();
        return true;
    }
    for (int i = 0; i < NAMED; i++)
        if (!strcmp(text, colour_names[i])) return colour_from_number(i, depth, out);
    if (text[0] != '#' || strlen(text) != 7 || strspn(text + 1, "0123456789abcdefABCDEF") != 6) return false;
    uint32_t rgb = (uint32_t)strtoul(text + 1, NULL, 16);
    *out = (colour){.kind = COLOUR_IS_RGB, .rgb = rgb};
    return true;
}

int16_t colour_index(colour c, theme_depth depth) {
    if (c.kind == COLOUR_IS_DEFAULT || depth == DEPTH_MONO) return COLOUR_DEFAULT;
    if (c.kind == COLOUR_IS_INDEX) return (int16_t)(c.index % palette_size(depth));
    return (int16_t)theme_nearest(c.rgb, depth);
}
