/*
 * conv_cost.h - which convolutions Winograd's filtering (winograd.hpp) is worth while for.
 *
 * A direct 3x3 convolution multiplies 9 times a pixel of the result, for each pair of channels; the filtering
 * 36 times a tile of 4x4 pixels, with what its transforms take as much as 50 times; and transforming the
 * weights of the pair takes as long as 650 multiplications. Fitted to what two AVX-512 cores took for 64 to
 * 512 channels and 1 to 32 images (docs/perf.md): near the border either is as good.
 */
#ifndef ENGINE_TORCH_CONV_COST_H
#define ENGINE_TORCH_CONV_COST_H

#include "engine/torch/types.h"

/* Multiplications, direct ones, that the filtering saves in a convolution of the weights [OUT, IN, KERNEL]
 * for a result of IMAGES of HEIGHT x WIDTH pixels; 0 where there is nothing to gain, or it cannot be computed
 * so. */
static inline int64_t conv_filtering_saves(const int64_t weight[4], const conv2d_params *p, int64_t images,
                                           int64_t height, int64_t width) {
    if (weight[0] % 32 || weight[1] % 32 || p->groups != 1) return 0;
    for (int i = 0; i < 2; i++)
        if (weight[2 + i] != 3 || p->stride[i] != 1 || p->dilation[i] != 1 || p->padding[i] < 0 ||
            p->padding[i] > 2)
            return 0;
    int64_t tiles = images * ((height + 3) / 4) * ((width + 3) / 4);
    int64_t saved = 9 * images * height * width - 50 * tiles - 650;
    return saved > 0 ? saved * weight[0] * weight[1] : 0;
}

#endif
