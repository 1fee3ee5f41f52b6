/*
 * shapes_draw.h - one picture of the `shapes` set. Private to engine/data.
 */
#ifndef ENGINE_DATA_SHAPES_DRAW_H
#define ENGINE_DATA_SHAPES_DRAW_H

#include "engine/base/rng.h"
#include "engine/data/image.h"

enum { SHAPES_CLASSES = 8 };

/* How hard a picture is. Lengths are shares of the picture's side, colours and noise shares of full scale. */
typedef struct shapes_style {
    double radius_min, radius_max;     /* of the shape */
    double turn;                       /* largest turn either way, in full turns */
    double saturation;                 /* of all colours: 0 greys, 1 any colour */
    double contrast_min, contrast_max; /* distance of its colour from the background's */
    double wander;                     /* how far colours vary inside the background */
    int scraps_min, scraps_max;        /* distractors beneath the shape */
    int softness;                      /* how often the canvas is blurred */
    double noise_min, noise_max;       /* standard deviation of the grain */
} shapes_style;
shapes_style shapes_default_style(void);

const char *shapes_class_name(int label); /* "circle", ...; in alphabetical order, as a scan numbers them */

/* Draw a SIDE x SIDE picture of class LABEL with numbers from R. */
void shapes_draw_picture(const shapes_style *style, int label, int side, rng *r, image *out);

#endif
