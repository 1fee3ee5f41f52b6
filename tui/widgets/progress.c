/*
 * progress.c - see progress.h.
 */
#include "tui/widgets/progress.h"

#include <math.h>

enum { EIGHTHS = 8, FULL_BLOCK = 0x2588, LIGHT_SHADE = 0x2591, LOWER_EIGHTH = 0x2581 };

void progress_draw(canvas *c, int row, int col, int width, double part) {
    if (!(part > 0)) part = 0;
    if (part > 1) part = 1;
    bool whole_only = c->ascii || c->box;
    int eighths = (int)lround(part * width * EIGHTHS);
    for (int i = 0; i < width; i++) {
        int here = eighths - i * EIGHTHS;
        if (here >= EIGHTHS)
            canvas_put(c, row, col + i, c->ascii ? '#' : FULL_BLOCK, ROLE_PROGRESS);
        else if (here > 0 && !whole_only)
            canvas_put(c, row, col + i, (uint32_t)(FULL_BLOCK + EIGHTHS - here), ROLE_PROGRESS);
        else
            canvas_put(c, row, col + i, c->ascii ? '-' : LIGHT_SHADE, ROLE_PROGRESS_REST);
    }
}

void sparkline_draw(canvas *c, int row, int col, int width, const double *value, int count, double most,
                    theme_role role) {
    static const char ascii[EIGHTHS] = {'.', '.', ':', ':', '-', '=', '+', '#'};
    int first = count > width ? count - width : 0;
    for (int i = first; i < count; i++) {
        if (!isfinite(value[i])) continue;
        double part = most > 0 ? value[i] / most : 0;
        int level = (int)lround(part * (EIGHTHS - 1));
        level = level < 0 ? 0 : level >= EIGHTHS ? EIGHTHS - 1 : level;
        bool plain = c->ascii || c->box;
        uint32_t glyph = plain ? (uint32_t)ascii[level] : (uint32_t)(LOWER_EIGHTH + level);
        canvas_put(c, row, col + width - (count - i), glyph, role);
    }
}
