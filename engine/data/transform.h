/*
 * transform.h - from pixels to what the network sees, equal to torchvision's on PIL images.
 *
 * It ends in bytes, as every augmentation does: what they stand for in float32 is for whoever computes with
 * them (engine/nn/pixel_scale.h), and a quarter of the memory until then.
 *
 * Resizing is Pillow's: separable, antialiased, fixed-point with 22 bits, so that results are equal byte for
 * byte.
 */
#ifndef ENGINE_DATA_TRANSFORM_H
#define ENGINE_DATA_TRANSFORM_H

#include <stdbool.h>

#include "engine/base/rng.h"
#include "engine/data/image.h"

typedef enum interpolation { INTERPOLATE_NEAREST, INTERPOLATE_BILINEAR, INTERPOLATE_BICUBIC } interpolation;

typedef enum augment {
    AUGMENT_NONE,  /* resize and centre crop, as in evaluation */
    AUGMENT_FLIP,  /* that, and a horizontal flip half of the time */
    AUGMENT_BASIC, /* RandomResizedCrop(scale 0.08..1, ratio 3/4..4/3) and flip: torchvision's training
                      transform */
    AUGMENT_SHIFT, /* zero-pad by an eighth of the crop, random crop of the original size, flip: CIFAR's */
} augment;

/* Everything about the transform. resize 0: no resizing (images must all be of the crop's size). */
typedef struct transform {
    int resize; /* shorter side before the crop, pixels */
    int crop;   /* side of the square the network sees, pixels */
    interpolation interpolation;
    augment augment;
    double scale_min, scale_max; /* BASIC: area of the crop, of the image's; 0.08 and 1 */
    float mean[3], std[3]; /* of the bytes as 0..1: what the network is given is (byte / 255 - mean) / std */
} transform;

const char *augment_name(augment a); /* "none", "flip", "basic", "shift" */
bool augment_parse(const char *text, augment *out);
const char *interpolation_name(interpolation i); /* "bilinear", ... */
bool interpolation_parse(const char *text, interpolation *out);

/* The box (left, top, right, bottom; fractional) of IN resized to width x height. OUT is allocated. */
void image_resize(const image *in, const double box[4], int width, int height, interpolation how, image *out);
/* torchvision's Resize(shorter): the longer side is int(shorter * long / short). */
void image_resize_shorter(const image *in, int shorter, interpolation how, image *out);
void image_center_crop(const image *in, int side,
                       image *out); /* pads with zeros when smaller, as torchvision does */

/* Evaluation: resize and centre crop into OUT: crop x crop x 3, rows of pixels. */
void transform_eval(const transform *t, const image *im, uint8_t *out);
/* Training, by t->augment with numbers from R. */
void transform_train(const transform *t, const image *im, rng *r, uint8_t *out);
/*
 * Training in two halves, for keeping the first in memory: when transform_base_is_crop, the base is what
 * transform_base makes of the picture; else it is the picture itself. transform_finish does the rest.
 */
bool transform_base_is_crop(const transform *t, bool train);
void transform_base(const transform *t, const image *im, image *out);
void transform_finish(const transform *t, const image *base, bool train, rng *r, uint8_t *out);
/*
 * Where the base is a picture, only PART of it is needed, and drawn first: transform_finish is transform_part
 * of its size and transform_finish_part of IM, which shows that part at PART and may leave out the rest.
 */
rectangle transform_part(const transform *t, int width, int height, rng *r);
void transform_finish_part(const transform *t, const image *im, rectangle part, rng *r, uint8_t *out);
/* How many results an image can have: 1, 2 (flipped or not), or 0 for more than can be counted. */
int transform_views(const transform *t, bool train);
/* Which of them the numbers of R give, 0..views-1, where they can be counted. R is not used up. */
int transform_view(const transform *t, bool train, const rng *r);
/* What transform_train or transform_eval makes, as a picture to look at. */
void transform_preview(const transform *t, const image *im, bool train, rng *r, image *out);

#endif
