/*
 * pairs.c - see pairs.h. A table over all (foreground, background) gives the number in one look-up; it is 132
 * KB of which only what is used is ever touched.
 */
#include "tui/pairs.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "tui/palette.h"

enum {
    COLOURS = 256 + 1, /* and the terminal's own, COLOUR_DEFAULT, as 0 */
    NUMBERS_MAX = 65535,
    ROLES_KEPT = 160, /* pairs that pictures leave to roles, where there are so many */
    ROLES_SHARE = 2,  /* else, this part of all */
};

typedef struct known {
    int16_t foreground, background;
    bool picture;
} known;

struct pairs {
    void (*make)(int number, int foreground, int background);
    int most, count, pictures; /* made, and of them for pictures */
    uint16_t number[COLOURS][COLOURS];
    known *made; /* of the numbers 1..count */
    int capacity;
};

pairs *pairs_new(int most, void (*make)(int number, int foreground, int background)) {
    pairs *p = xcalloc(1, sizeof *p);
    p->most = most < 0 ? 0 : most < NUMBERS_MAX ? most : NUMBERS_MAX;
    p->make = make;
    return p;
}

void pairs_free(pairs *p) {
    if (!p) return;
    free(p->made);
    free(p);
}

void pairs_reset(pairs *p) {
    memset(p->number, 0, sizeof p->number);
    p->count = p->pictures = 0;
}

int pairs_count(const pairs *p) {
    return p->count;
}

static int add(pairs *p, int foreground, int background, bool picture) {
    enum { FIRST = 64 };
    if (p->count == p->capacity) {
        p->capacity = p->capacity ? 2 * p->capacity : FIRST;
        p->made = xreallocarray(p->made, (size_t)p->capacity, sizeof *p->made);
    }
    p->made[p->count++] = (known){(int16_t)foreground, (int16_t)background, picture};
    p->pictures += picture;
    p->number[foreground + 1][background + 1] = (uint16_t)p->count;
    p->make(p->count, foreground, background);
    return p->count;
}

static bool in_palette(int index) {
    return index >= -1 && index < COLOURS - 1;
}

int pairs_role(pairs *p, int foreground, int background) {
    if (!in_palette(foreground) || !in_palette(background)) return 0;
    int number = p->number[foreground + 1][background + 1];
    if (number || p->count >= p->most) return number;
    return add(p, foreground, background, false);
}

static int apart(int a, int b) {
    return palette_distance(theme_rgb(a), theme_rgb(b));
}

static int nearest(const pairs *p, int foreground, int background) {
    int best = 0, least = INT_MAX;
    for (int i = 0; i < p->count; i++) {
        const known *k = &p->made[i];
        if (!k->picture) continue;
        int away = apart(k->foreground, foreground) + apart(k->background, background);
        if (away >= least) continue;
        least = away;
        best = i + 1;
    }
    return best;
}

int pairs_picture(pairs *p, int foreground, int background) {
    if (!in_palette(foreground) || !in_palette(background)) return 0;
    int number = p->number[foreground + 1][background + 1];
    int left = p->most / ROLES_SHARE < ROLES_KEPT ? p->most / ROLES_SHARE : ROLES_KEPT;
    if (number) return number;
    if (p->pictures >= p->most - left || p->count >= p->most) return nearest(p, foreground, background);
    return add(p, foreground, background, true);
}
