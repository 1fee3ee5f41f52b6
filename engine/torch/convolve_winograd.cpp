/*
 * convolve_winograd.cpp - see convolve_winograd.hpp.
 *
 * What is transformed is 2.25 times an image, or four times the weights, and has to stay in the caches. So
 * with many tiles and few weights each thread takes a few tiles through all of it, with all weights at hand;
 * and with few tiles and many weights it takes a block of channels, with all tiles at hand. Where there are
 * more threads than such shares both are at hand, and a share is a block of channels of a few tiles.
 */
#include "engine/torch/convolve_winograd.hpp"

#include <array>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <torch/csrc/autograd/saved_variable.h>

#include "engine/torch/conv_cost.h"
#include "engine/torch/loops_common.hpp"
#include "engine/torch/node.hpp"
#include "engine/torch/winograd_parts.hpp"

namespace winograd {

static const winograd_loops *find_loops() {
    const char *wanted = std::getenv("THAW_WINOGRAD");
    if (wanted && std::strcmp(wanted, "0") == 0) return nullptr;
/* On one thread libtorch's on all of them are faster; and ThreadSanitizer does not see how OpenMP's meet. */
#if defined(__x86_64__) && defined(_OPENMP) && !defined(__SANITIZE_THREAD__)
    if (!__builtin_cpu_supports("fma")) return nullptr;
    const bool narrow = wanted && std::strcmp(wanted, "avx2") == 0;
    if (__builtin_cpu_supports("avx512f") && !narrow) return &winograd_avx512;
    if (__builtin_cpu_supports("avx2")) return &winograd_avx2;
#endif
    return nullptr;
}

const winograd_loops *loops() {
    static const winograd_loops *const here = find_loops();
    return here;
}

static bool weights_at_hand(const winograd_size &s) {
    return s.tiles() >= 256 || (s.tiles() >= 48 && s.in * s.out <= 128 * 128);
}

/* ---- weights ---- */

constexpr size_t rows_beside = 8; /* that are read along side by side */

/* One tap of a block of channels. */
static void arrange_tap(const lying_weights &w, const float *from, float *to) {
    for (size_t c = 0; c < block; c += rows_beside)
        for (size_t k = 0; k < w.in; k++)
            for (size_t r = 0; r < rows_beside; r++)
                to[k * block + c + r] =
                    from[static_cast<int64_t>(c + r) * w.out_step + static_cast<int64_t>(k) * w.in_step];
}

/* The same where the block's values lie together already. */
static void copy_tap(const lying_weights &w, const float *from, float *to) {
    for (size_t k = 0; k < w.in; k++)
        std::memcpy(to + k * block, from + static_cast<int64_t>(k) * w.in_step, block * sizeof *to);
}

static void arrange_block(const lying_weights &w, size_t number, float *to) {
    for (size_t tap = 0; tap < winograd_taps; tap++) {
        const float *from = w.at + w.place(number * block, 0, tap);
        (w.out_step == 1 ? copy_tap : arrange_tap)(w, from, to + tap * w.in * block);
    }
}

at::Tensor arrange(const lying_weights &w) {
    const size_t blocks = w.out / block;
    const at::Tensor out = at::empty(
        {static_cast<int64_t>(blocks), 3, 3, static_cast<int64_t>(w.in), static_cast<int64_t>(block)},
        at::kFloat);
    each(blocks,
         [&](size_t i) { arrange_block(w, i, out.data_ptr<float>() + i * winograd_taps * w.in * block); });
    return out;
}

/* ---- forward ---- */

namespace {

struct convolution {
    winograd_size size;
    const float *x, *arranged;
    winograd_after after;
    float *y;
    std::vector<float> zero;

    size_t transformed() const { /* values of a block of weights */
        return winograd_points * size.in * block;
    }
    winograd_matrices transformed_at(float *at) const {
        return {at, size.in * block, block};
    }
    /* COUNT channels of the input from FIRST on. */
    winograd_filters<const float> filters(size_t number, size_t first, size_t count) const {
        const size_t tap = size.in * block;
        return {arranged + number * winograd_taps * tap + first * block, tap, count};
    }
};

} // namespace

/* All weights, transformed, each block's after the other's. */
static at::Tensor shared_weights(const convolution &c) {
    const at::Tensor all = values(c.size.blocks() * c.transformed());
    each_of_blocks(c.size.blocks(), c.size.in / block, [&](size_t number, size_t i) {
        const winograd_matrices u = c.transformed_at(all.data_ptr<float>() + number * c.transformed());
        loops()->weights(c.filters(number, i * block, block), from_row(u, i * block));
    });
    return all;
}

static void by_tiles(const convolution &c) {
    const winograd_size &s = c.size;
    const at::Tensor weights = shared_weights(c);
    const size_t inputs = matrices_values(few_tiles, s.in);
    const scratch memory(inputs + matrices_values(few_tiles, block));
    each_span(s.tiles(), few_tiles, [&](winograd_span tiles) {
        const winograd_matrices v = matrices(memory.mine(), few_tiles, s.in),
                                m = matrices(memory.mine() + inputs, few_tiles, block);
        loops()->input(s, c.x, c.zero.data(), tiles, v);
        for (size_t i = 0; i < s.blocks(); i++) {
            const winograd_matrices u = c.transformed_at(weights.data_ptr<float>() + i * c.transformed());
            loops()->multiply(v, u, s.in, tiles.count, m);
            loops()->output(s, m, tiles, i, c.after, c.y);
        }
    });
}

/* Of one block of channels all that TILES, whose inputs are V, give. */
static void block_of_tiles(const convolution &c, size_t number, winograd_span tiles, winograd_matrices v,
                           winograd_matrices u, winograd_matrices m) {
    for (size_t t = 0; t < tiles.count; t += few_tiles) {
        const winograd_span some{tiles.first + t, std::min(few_tiles, tiles.count - t)};
        loops()->multiply(from_row(v, t), u, c.size.in, some.count, m);
        loops()->output(c.size, m, some, number, c.after, c.y);
    }
}

/* So many tiles that their inputs are SHARED_VALUES at most. */
size_t tiles_at_once(const winograd_size &s) {
    return std::min(std::max(shared_values / matrices_values(1, s.in), few_tiles), s.tiles());
}

void shared_inputs(const winograd_size &s, const float *x, const float *zero, winograd_span tiles,
                   winograd_matrices v) {
    each_span(tiles.count, few_tiles, [&](winograd_span some) {
        loops()->input(s, x, zero, {tiles.first + some.first, some.count}, from_row(v, some.first));
    });
}

static void by_channels(const convolution &c) {
    const winograd_size &s = c.size;
    const scratch memory(c.transformed() + matrices_values(few_tiles, block));
    each_share_of_tiles(c.size, c.x, c.zero.data(), [&](winograd_span tiles, winograd_matrices v) {
        each(s.blocks(), [&](size_t i) {
            const winograd_matrices u = c.transformed_at(memory.mine()),
                                    m = matrices(memory.mine() + c.transformed(), few_tiles, block);
            loops()->weights(c.filters(i, 0, s.in), u);
            block_of_tiles(c, i, tiles, v, u, m);
        });
    });
}

static void by_both(const convolution &c) {
    const at::Tensor weights = shared_weights(c);
    const scratch memory(matrices_values(few_tiles, block));
    each_share_of_tiles(c.size, c.x, c.zero.data(), [&](winograd_span tiles, winograd_matrices v) {
        each_of_blocks(c.size.blocks(), spans(tiles.count, few_tiles), [&](size_t number, size_t i) {
            const winograd_span some = span(i, few_tiles, tiles.count);
            block_of_tiles(c, number, {tiles.first + some.first, some.count}, from_row(v, some.first),
                           c.transformed_at(weights.data_ptr<float>() + number * c.transformed()),
                           matrices(memory.mine(), few_tiles, block));
        });
    });
}

void compute(const winograd_size &s, const at::Tensor &x, const at::Tensor &arranged, winograd_after after,
             const at::Tensor &y) {
    const convolution c{s,     x.data_ptr<float>(), arranged.data_ptr<float>(),
                        after, y.data_ptr<float>(), std::vector<float>(s.in)};
    const bool weights = weights_at_hand(s);
    if (!enough(weights ? spans(s.tiles(), few_tiles) : s.blocks()))
        by_both(c);
    else if (weights)
        by_tiles(c);
    else
        by_channels(c);
}

} // namespace winograd

/* ---- with tensors ---- */

using namespace winograd;
namespace autograd = torch::autograd;

namespace {

enum input { INPUT_X, INPUT_WEIGHT, INPUT_BIAS };

std::array<int64_t, 4> result_sizes(const winograd_size &s) {
    const auto number = [](size_t n) { return static_cast<int64_t>(n); };
    return {number(s.images), number(s.out), number(s.out_height), number(s.out_width)};
}

at::Tensor result_of(const winograd_size &s) {
    return at::empty(result_sizes(s), at::TensorOptions(at::kFloat), at::MemoryFormat::ChannelsLast);
}

winograd_after after(const at::Tensor &bias, const at::Tensor &sum, unary_op activation) {
    const norm_clip clip = clip_of(activation);
    return {bias.defined() ? bias.data_ptr<float>() : nullptr,
            sum.defined() ? sum.data_ptr<float>() : nullptr, clip.low, clip.high};
}

/* The gradient of X is a convolution of that of the result, with the weights turned round. */
at::Tensor input_gradient(const winograd_size &s, const at::Tensor &dy, const at::Tensor &weight) {
    const winograd_size back = size_of(dy.sizes(), s.in, 2 - s.pad_top, 2 - s.pad_left);
    const at::Tensor dx = result_of(back);
    compute(back, dy, arrange(lying_weights(weight).turned()), after({}, {}, UNARY_NONE), dx);
    return dx;
}

struct winograd_backward : autograd::Node {
    autograd::SavedVariable x, weight;
    winograd_size size;

    explicit winograd_backward(const winograd_size &s) : size(s) {
    }

    autograd::variable_list apply(autograd::variable_list &&gradients) override {
        const at::NoGradGuard quiet;
        autograd::variable_list out(3);
        if (!gradients[0].defined()) return out;
        const at::Tensor input = x.unpack(), w = weight.unpack(),
                         dy = channels_last(gradients[0].to(at::kFloat));
        const auto wants = [&](int i) { return task_should_compute_output(static_cast<size_t>(i)); };
        if (wants(INPUT_X)) out[INPUT_X] = input_gradient(size, dy, w);
        if (wants(INPUT_WEIGHT)) out[INPUT_WEIGHT] = weight_gradient(size, input, dy, w);
        if (wants(INPUT_BIAS)) out[INPUT_BIAS] = dy.sum({0, 2, 3});
        return out;
    }

    void release_variables() override {
        x.reset_data();
        weight.reset_data();
    }

    std::string name() const override {
        return "thaw_winograd_backward";
    }
};

void record(at::Tensor &y, const winograd_size &s, const at::Tensor &x, const at::Tensor &weight,
            const at::Tensor &bias) {
    if (!node_wanted({x, weight, bias})) return;
    auto *node = new winograd_backward(s);
    const node_pointer owner = own_node<node_pointer>(node);
    node->set_next_edges(autograd::collect_next_edges(x, weight, bias));
    node->x = autograd::SavedVariable(x, /*is_output=*/false);
    node->weight = autograd::SavedVariable(weight, /*is_output=*/false);
    autograd::create_gradient_edge(y, owner);
}

} // namespace

bool winograd_possible() {
    return loops() != nullptr;
}

bool winograd_suits(at::IntArrayRef x, at::IntArrayRef weight, const conv2d_params &p) {
    if (!loops() || x.size() != 4 || weight.size() != 4 || x[1] != weight[1]) return false;
    const int64_t height = x[2] + 2 * p.padding[0] - 2, width = x[3] + 2 * p.padding[1] - 2;
    return height > 0 && width > 0 && conv_filtering_saves(weight.data(), &p, x[0], height, width) > 0;
}

at::Tensor winograd_arrange(const at::Tensor &weight) {
    return arrange(lying_weights(weight));
}

/* What is about to be read as plain memory is what it is taken for. */
static void check(const at::Tensor &x, int64_t in, int64_t out, const at::Tensor &bias,
                  const conv2d_params &p) {
    TORCH_CHECK(x.is_cpu() && x.scalar_type() == at::kFloat && x.dim() == 4 && x.size(1) == in,
                "it takes images of ", in, " channels in float32 on the CPU");
    TORCH_CHECK(x.size(2) + 2 * p.padding[0] >= 3 && x.size(3) + 2 * p.padding[1] >= 3,
                "the image is smaller than the kernel");
    TORCH_CHECK(!bias.defined() || (bias.is_cpu() && bias.is_contiguous() &&
                                    bias.scalar_type() == at::kFloat && bias.numel() == out),
                "the bias has to be one float32 for each of ", out, " channels");
}

static winograd_size size_for(const at::Tensor &x, int64_t out, const conv2d_params &p) {
    return size_of(x.sizes(), static_cast<size_t>(out), static_cast<size_t>(p.padding[0]),
                   static_cast<size_t>(p.padding[1]));
}

at::Tensor winograd_fused(const at::Tensor &given, const at::Tensor &arranged, const at::Tensor &bias,
                          const conv2d_params &p, const at::Tensor &sum, bool overwrite,
                          unary_op activation) {
    const int64_t out = arranged.size(0) * arranged.size(4);
    check(given, arranged.size(3), out, bias, p);
    const at::Tensor x = channels_last(given), added = sum.defined() ? channels_last(sum) : sum;
    const winograd_size s = size_for(x, out, p);
    const bool in_place = added.defined() && added.is_same(sum) && overwrite && !sum.is_alias_of(x);
    const at::Tensor y = in_place ? added : result_of(s);
    TORCH_CHECK(!sum.defined() || (sum.sizes() == result_sizes(s) && sum.scalar_type() == at::kFloat),
                "what is added has other extents or another type");
    compute(s, x, arranged, after(bias, added, activation), y);
    return y;
}

at::Tensor winograd_conv2d(const at::Tensor &given, const at::Tensor &weight, const at::Tensor &bias,
                           const conv2d_params &p) {
    check(given, weight.size(1), weight.size(0), bias, p);
    const at::Tensor x = channels_last(given);
    const winograd_size s = size_for(x, weight.size(0), p);
    at::Tensor y = result_of(s);
    compute(s, x, arrange(lying_weights(weight)), after(bias, {}, UNARY_NONE), y);
    record(y, s, x, weight, bias);
    return y;
}
