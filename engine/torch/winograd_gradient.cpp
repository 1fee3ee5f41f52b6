/*
 * winograd_gradient.cpp - the gradient of the weights: see winograd_parts.hpp.
 *
 * Over the tiles, which are few for some convolutions and many for others, the products of inputs and the
 * result's gradients are summed. Where their sums are few each thread has its own, for its share of the
 * tiles; where they are many it has a block of channels, for all of the tiles.
 */
#include <vector>

#include "engine/torch/winograd_parts.hpp"

namespace winograd {

/* ---- back to where weights lie ---- */

/* Block NUMBER of what is arranged, to TO, which lies as W does. */
static void put_block(const float *from, size_t number, const lying_weights &w, float *to) {
    for (size_t in = 0; in < w.in; in += block)
        for (size_t tap = 0; tap < winograd_taps; tap++)
            for (size_t c = 0; c < block; c++) {
                float *into = to + w.place(number * block + c, in, tap);
                const float *value = from + (tap * w.in + in) * block + c;
                for (size_t k = 0; k < block; k++)
                    into[static_cast<int64_t>(k) * w.in_step] = value[k * block];
            }
}

namespace {

constexpr size_t some_tiles = 48, many_tiles = 128; /* whose gradients are at hand */

struct gradient {
    winograd_size size;
    const float *x, *dy;
    std::vector<float> zero;
    size_t sums; /* of a block */
};

/* The products of TILES, whose inputs are V, and one block of channels. */
void add_block(const gradient &g, winograd_span tiles, winograd_matrices v, size_t number, float *memory,
               size_t at_once, bool add, float *du) {
    for (size_t t = 0; t < tiles.count; t += at_once) {
        const winograd_span some{tiles.first + t, std::min(at_once, tiles.count - t)};
        const winograd_matrices z = matrices(memory, at_once, block);
        loops()->gradient(g.size, g.dy, g.zero.data(), some, number, z);
        loops()->outer(from_row(v, t), z, g.size.in, some.count, add || t > 0, du);
    }
}

/* ... */
void finish_block(const gradient &g, size_t number, const float *du, float *memory, const lying_weights &w,
                  float *to) {
    loops()->weight_gradient(du, g.size.in, memory);
    put_block(memory, number, w, to);
}

/* Each thread sums the products of its share of the tiles. */
void by_tiles(const gradient &g, const lying_weights &w, float *to) {
    const winograd_size &s = g.size;
    const size_t spans = (s.tiles() + some_tiles - 1) / some_tiles, all = s.blocks() * g.sums;
    const size_t parts = std::min(spans, static_cast<size_t>(at::get_num_threads()));
    const size_t inputs = matrices_values(some_tiles, s.in);
    const at::Tensor sums = values(parts * all);
    float *sum = sums.data_ptr<float>();
    const scratch memory(inputs + std::max(matrices_values(some_tiles, block), winograd_taps * s.in * block));
    each(parts, [&](size_t part) {
        const winograd_matrices v = matrices(memory.mine(), some_tiles, s.in);
        for (size_t i = part; i < spans; i += parts) {
            const winograd_span tiles{i * some_tiles, std::min(some_tiles, s.tiles() - i * some_tiles)};
            loops()->input(s, g.x, g.zero.data(), tiles, v);
            for (size_t b = 0; b < s.blocks(); b++)
                add_block(g, tiles, v, b, memory.mine() + inputs, some_tiles, i != part,
                          sum + part * all + b * g.sums);
        }
    });
    each(s.blocks(), [&](size_t b) {
        float *first = sum + b * g.sums;
        for (size_t part = 1; part < parts; part++)
            for (size_t i = 0; i < g.sums; i++)
                first[i] += first[part * all + i];
        finish_block(g, b, first, memory.mine(), w, to);
    });
}

void by_channels(const gradient &g, const lying_weights &w, float *to) {
    const winograd_size &s = g.size;
    const size_t most = tiles_at_once(s);
    const bool at_once = most == s.tiles();
    const at::Tensor inputs = values(matrices_values(most, s.in));
    const winograd_matrices v = matrices(inputs.data_ptr<float>(), most, s.in);
    const size_t gradients = matrices_values(many_tiles, block);
    const scratch memory(std::max(gradients, winograd_taps * s.in * block) + (at_once ? g.sums : 0));
    const at::Tensor sums = values(at_once ? 0 : s.blocks() * g.sums);
    for (size_t first = 0; first < s.tiles(); first += most) {
        const winograd_span tiles{first, std::min(most, s.tiles() - first)};
        shared_inputs(s, g.x, g.zero.data(), tiles, v);
        each(s.blocks(), [&](size_t b) {
            float *mine = memory.mine(), *du = at_once ? mine : sums.data_ptr<float>() + b * g.sums;
            if (at_once) mine += g.sums;
            add_block(g, tiles, v, b, mine, many_tiles, first > 0, du);
            if (first + tiles.count == s.tiles()) finish_block(g, b, du, mine, w, to);
        });
    }
}

} // namespace

at::Tensor weight_gradient(const winograd_size &s, const at::Tensor &x, const at::Tensor &dy,
                           const at::Tensor &weight) {
    const at::Tensor out = at::empty_strided(weight.sizes(), weight.strides(), weight.options());
    const gradient g{s, x.data_ptr<float>(), dy.data_ptr<float>(), std::vector<float>(std::max(s.in, s.out)),
                     winograd_points * s.in * block};
    const lying_weights w(weight);
    if (s.tiles() >= 256 && s.in * s.out <= 128 * 128)
        by_tiles(g, w, out.data_ptr<float>());
    else
        by_channels(g, w, out.data_ptr<float>());
    return out;
}

} // namespace winograd
