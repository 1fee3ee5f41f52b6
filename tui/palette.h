/*
 * palette.h - colours as people write them, and their nearest entries in a terminal's palettes.
 */
#ifndef TUI_PALETTE_H
#define TUI_PALETTE_H

#include <stdbool.h>
#include <stdint.h>

#include "tui/theme.h"

/* Either the terminal's own ("default"), an index into the first 16, which the person may have changed, or a
 * fixed colour. */
typedef struct colour {
    enum { COLOUR_IS_DEFAULT, COLOUR_IS_INDEX, COLOUR_IS_RGB } kind;
    int index;
    uint32_t rgb;
} colour;

static inline colour colour_default(void) {
    return (colour){.kind = COLOUR_IS_DEFAULT};
}

/* "#5fafff", "default", "bright blue"; false: nothing of the kind, or not in a palette of DEPTH. */
bool colour_from_text(const char *text, theme_depth depth, colour *out);
bool colour_from_number(double number, theme_depth depth, colour *out);
/* Its index in the palette of DEPTH (the nearest entry), or COLOUR_DEFAULT. */
int16_t colour_index(colour c, theme_depth depth);

/* Squared distance of two colours (0xRRGGBB), the channels weighted by how bright they look. */
int palette_distance(uint32_t a, uint32_t b);
/* theme_nearest for 256 colours without trying them all: for pictures, which ask often. */
int palette_nearest_256(uint32_t rgb);

#endif
