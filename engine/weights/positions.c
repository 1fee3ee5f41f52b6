/*
 * positions.c - position embeddings of a ViT for images of another size than the file's.
 *
 * Each patch of the trained grid has a vector; for another grid they are interpolated as torchvision's
 * interpolate_embeddings does: the class token's own as it is, the rest as an image of vectors, bicubic
 * (a = -0.75, as torch) with the corners of both grids on each other.
 */
#include <math.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/weights/weights_file.h"

static int64_t grid_side(const shape *s) {
    int64_t places = s->dim[1] - 1, side = (int64_t)llround(sqrt((double)(places > 0 ? places : 0)));
    return side * side == places ? side : 0;
}

bool weights_positions_fit(const layer *l, const shape *file, const shape *wanted) {
    if (strcmp(l->kind->name, "PositionEmbedding") != 0 || file->ndim != 3 || wanted->ndim != 3) return false;
    return file->dim[0] == 1 && file->dim[2] == wanted->dim[2] && grid_side(file) && grid_side(wanted);
}

char *weights_positions_note(const shape *file, const shape *wanted) {
    int have = (int)grid_side(file), side = (int)grid_side(wanted);
    return xasprintf("position embeddings interpolated from %dx%d to %dx%d", have, have, side, side);
}

enum { TAPS = 4 };

/* Where place I of WANTED lies among HAVE, and how much each of the four around counts; ends repeat. */
static void cubic(int64_t i, int64_t wanted, int64_t have, int64_t from[TAPS], double weight[TAPS]) {
    const double a = -0.75;
    double place = wanted > 1 ? (double)i * (double)(have - 1) / (double)(wanted - 1) : 0;
    double t = place - floor(place);
    for (int k = 0; k < TAPS; k++) {
        int64_t at = (int64_t)floor(place) + k - 1;
        double d = fabs(t - (k - 1));
        from[k] = at < 0 ? 0 : at >= have ? have - 1 : at;
        weight[k] = d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
    }
}

void weights_positions_resize(const float *in, const shape *file, float *out, const shape *wanted) {
    int64_t width = file->dim[2], have = grid_side(file), side = grid_side(wanted);
    memcpy(out, in, (size_t)width * sizeof *out); /* the class token's */
    for (int64_t place = 0; place < side * side; place++) {
        int64_t row[TAPS], column[TAPS];
        double down[TAPS], across[TAPS];
        cubic(place / side, side, have, row, down);
        cubic(place % side, side, have, column, across);
        for (int64_t c = 0; c < width; c++) {
            double sum = 0;
            for (int k = 0; k < TAPS * TAPS; k++)
                sum += down[k / TAPS] * across[k % TAPS] *
                       in[(1 + row[k / TAPS] * have + column[k % TAPS]) * width + c];
            out[(1 + place) * width + c] = (float)sum;
        }
    }
}
