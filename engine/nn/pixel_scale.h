/*
 * pixel_scale.h - from the bytes of images to the numbers a model takes: (byte / 255 - mean) / std for each
 * channel, as torchvision's ToTensor and Normalize give them, each of the three operations rounded to
 * float32.
 *
 * On the CPU that is looked up in a table of 256 numbers a channel, in one pass over the bytes; elsewhere it
 * is those three operations of tensors, which are as exact: the same bits either way.
 */
#ifndef ENGINE_NN_PIXEL_SCALE_H
#define ENGINE_NN_PIXEL_SCALE_H

#include "engine/torch/tensor.h"

enum { PIXEL_CHANNELS = 3, PIXEL_VALUES = 256 };

typedef struct pixel_scale {
    device device;
    tensor *table;              /* (3, 256), on the CPU; or NULL, and then: */
    tensor *white, *mean, *std; /* 255 (1, 1, 1, 1) and (1, 3, 1, 1), on the device */
    void *place;                /* of the numbers last made for backward, with the table */
    size_t place_bytes;
} pixel_scale;

/* What byte V of channel C stands for: TABLE[C][V]. */
void pixel_scale_table(const float mean[PIXEL_CHANNELS], const float std[PIXEL_CHANNELS],
                       float table[PIXEL_CHANNELS][PIXEL_VALUES]);

/* BY_TABLE: for the CPU alone. OUT is pixel_scale_free()d, with tensors or without. */
thaw_status pixel_scale_make(torch *t, device d, bool by_table, const float mean[PIXEL_CHANNELS],
                             const float std[PIXEL_CHANNELS], pixel_scale *out);
void pixel_scale_free(pixel_scale *p, torch *t);

/*
 * The numbers, float32 in F, of the bytes X (N, 3, H, W) on the same device. FOR_BACKWARD: autograd keeps
 * them for the rest of a step. On the CPU they then lie in P's own memory, where the next that are made so
 * replace them: among the tensors of a step, whose memory is cut anew from the same blocks each time,
 * something that stays through all of it was seen to cost ten times its size.
 */
tensor *pixel_scale_apply(pixel_scale *p, tscope *s, tensor *x, memory_format f, bool for_backward);

#endif
