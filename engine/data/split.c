/*
 * split.c - training or validation, by a hash of the path and nothing else.
 *
 * A shuffled split would move files between the sides whenever one is added, and yesterday's validation
 * accuracy would no longer mean the same. Only a class that would be left without one of the sides lends it
 * its nearest file.
 */
#include <string.h>

#include "engine/base/rng.h"
#include "engine/data/candidate.h"

/* Uniform in [0, 1). */
static double position(const candidate *c) {
    return (double)(hash_bytes(c->path, strlen(c->path), 0) >> 11) * 0x1p-53;
}

void candidates_split(candidate *const *item, size_t count, double fraction) {
    candidate *lowest = NULL, *highest = NULL;
    double low = 2, high = -1;
    size_t val = 0;
    for (size_t i = 0; i < count; i++) {
        double at = position(item[i]);
        item[i]->side = at < fraction ? SIDE_VAL : SIDE_TRAIN;
        val += item[i]->side == SIDE_VAL;
        if (at < low) {
            low = at;
            lowest = item[i];
        }
        if (at > high) {
            high = at;
            highest = item[i];
        }
    }
    if (!count || fraction <= 0 || fraction >= 1) return;
    if (val == count) highest->side = SIDE_TRAIN;
    if (val == 0 && count > 1) lowest->side = SIDE_VAL;
}
