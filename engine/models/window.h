/*
 * window.h - attention inside windows of an image, with learned biases by relative position: what Swin and
 * MaxViT share. Images are (N, H, W, C) here.
 */
#ifndef ENGINE_MODELS_WINDOW_H
#define ENGINE_MODELS_WINDOW_H

#include "engine/nn/layer.h"

/* For each pair of places in a window of SIDE x SIDE, the row of a table of (2 SIDE - 1)^2 offsets. */
void window_index(int64_t side, float *values);

/*
 * PARENT's own relative_position_bias_table ((2 SIDE - 1)^2, HEADS), learned, and relative_position_index
 * (FLAT: of one dimension), which says where in it. As a layer it gives the bias (1, HEADS, S, S) of a window
 * of S places.
 */
layer *window_bias_table(layer *parent, int64_t side, int64_t heads, bool flat);
/* The same bias from another TABLE, ((2 SIDE - 1)^2, HEADS), and the index. */
act window_bias_look_up(pass *p, act table, tensor *index, int64_t side);

/* (N, H, W, C) to (N * windows, SIDE * SIDE, C), row by row, and back. H and W are multiples of SIDE. */
act window_partition(pass *p, act x, int64_t side);
act window_join(pass *p, act x, int64_t side, shape whole);

/* Each image moved by SHIFT places along dimension DIM, what falls out comes in at the other end: torch.roll
 * by -SHIFT. */
act window_roll(pass *p, act x, int64_t dim, int64_t shift);

#endif
