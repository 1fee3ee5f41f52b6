/*
 * loops_common.hpp - what the plugin's own loops are given: images in channels_last, activations as bounds.
 */
#ifndef ENGINE_TORCH_LOOPS_COMMON_HPP
#define ENGINE_TORCH_LOOPS_COMMON_HPP

#include <limits>

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include "engine/torch/norm_loops.hpp"
#include "engine/torch/types.h"

inline at::Tensor channels_last(const at::Tensor &x) {
    return x.contiguous(at::MemoryFormat::ChannelsLast);
}

inline norm_clip clip_of(unary_op activation) {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    switch (activation) {
    case UNARY_NONE:
        return {-infinity, infinity};
    case UNARY_RELU:
        return {0, infinity};
    case UNARY_RELU6:
        return {0, 6};
    default:
        TORCH_CHECK(false, "no norm ends in operation ", static_cast<int>(activation));
    }
}

#endif
