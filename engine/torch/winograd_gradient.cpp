/*
 * winograd_gradient.cpp - the gradient of the weights: see winograd_parts.hpp.
 *
 * Over the tiles, which are few for some convolutions and many for others, the products of inputs and the
 * result's gradients are summed. Where their sums are few each thread has its own, for its share of the
 * tiles; where they are many it has a block of channels, for all of the tiles; and where there are more
 * threads than blocks a block and some channels of the input.
 */
#include <vector>

#include "engine/torch/winograd_parts.hpp"

namespace winograd {

namespace {

constexpr size_t some_tiles = 48, many_tiles = 128; /* whose gradients are at hand */
constexpr size_t sums_most = size_t{16} << 20;      /* values, of all threads */

struct gradient {
    winograd_size size;
    const float *x, *dy;
    std::vector<float> zero;
    lying_weights weight;
    float *dweight; /* lies as WEIGHT does */

    size_t sums() const { /* of a block */
        return winograd_points * size.in * block;
    }
    winograd_matrices sums_at(float *at) const {
        return {at, size.in * block, block};
    }
};

/* Sums DU, of COUNT channels of the input from FIRST on, become weights' gradients where those lie. MEMORY: 9
 * COUNT 32 values. */
void finish(const gradient &g, size_t number, size_t first, size_t count, winograd_matrices du,
            float *memory) {
    const winograd_filters<float> filters{memory, count * block, count};
    loops()->weight_gradient(du, filters);
    for (size_t tap = 0; tap < winograd_taps; tap++)
        for (size_t c = 0; c < block; c++) {
            float *to = g.dweight + g.weight.place(number * block + c, first, tap);
            const float *from = memory + tap * filters.tap + c;
            for (size_t k = 0; k < count; k++)
                to[static_cast<int64_t>(k) * g.weight.in_step] = from[k * block];
        }
}

/* The products of TILES, whose inputs are V, and one block of channels; MEMORY is for AT_ONCE tiles. */
void add_block(const gradient &g, winograd_span tiles, winograd_matrices v, size_t number, float *memory,
               size_t at_once, bool add, winograd_matrices du) {
    const winograd_matrices z = matrices(memory, at_once, block);
    for (size_t t = 0; t < tiles.count; t += at_once) {
        const winograd_span some{tiles.first + t, std::min(at_once, tiles.count - t)};
        loops()->gradient(g.size, g.dy, g.zero.data(), some, number, z);
        loops()->outer(from_row(v, t), z, g.size.in, some.count, add || t > 0, du);
    }
}

/* ---- each thread a share of the tiles ---- */

size_t shares_of(const winograd_size &s) {
    return std::min(spans(s.tiles(), some_tiles), static_cast<size_t>(at::get_num_threads()));
}

bool few_sums(const winograd_size &s) {
    const size_t sums = winograd_points * s.in * s.out;
    return s.tiles() >= 256 && s.in * s.out <= 128 * 128 && shares_of(s) * sums <= sums_most;
}

void by_tiles(const gradient &g) {
    const winograd_size &s = g.size;
    const size_t shares = shares_of(s), all = s.blocks() * g.sums(),
                 inputs = matrices_values(some_tiles, s.in);
    const at::Tensor sums = values(shares * all);
    float *sum = sums.data_ptr<float>();
    const scratch memory(inputs + std::max(matrices_values(some_tiles, block), winograd_taps * s.in * block));
    each(shares, [&](size_t share) {
        const winograd_matrices v = matrices(memory.mine(), some_tiles, s.in);
        for (size_t i = share; i < spans(s.tiles(), some_tiles); i += shares) {
            const winograd_span tiles = span(i, some_tiles, s.tiles());
            loops()->input(s, g.x, g.zero.data(), tiles, v);
            for (size_t b = 0; b < s.blocks(); b++)
                add_block(g, tiles, v, b, memory.mine() + inputs, some_tiles, i != share,
                          g.sums_at(sum + share * all + b * g.sums()));
        }
    });
    each(s.blocks(), [&](size_t b) {
        float *first = sum + b * g.sums();
        for (size_t share = 1; share < shares; share++)
            for (size_t i = 0; i < g.sums(); i++)
                first[i] += first[share * all + i];
        finish(g, b, 0, s.in, g.sums_at(first), memory.mine());
    });
}

/* ---- each a block of channels ---- */

void by_channels(const gradient &g) {
    const winograd_size &s = g.size;
    const size_t filters = winograd_taps * s.in * block;
    const bool at_once = tiles_at_once(s) == s.tiles();
    const scratch memory(std::max(matrices_values(many_tiles, block), filters) + (at_once ? g.sums() : 0));
    const at::Tensor sums = values(at_once ? 0 : s.blocks() * g.sums());
    each_share_of_tiles(s, g.x, g.zero.data(), [&](winograd_span tiles, winograd_matrices v) {
        each(s.blocks(), [&](size_t b) {
            float *mine = memory.mine();
            const winograd_matrices du = g.sums_at(at_once ? mine : sums.data_ptr<float>() + b * g.sums());
            if (at_once) mine += g.sums();
            add_block(g, tiles, v, b, mine, many_tiles, tiles.first > 0, du);
            if (tiles.first + tiles.count == s.tiles()) finish(g, b, 0, s.in, du, mine);
        });
    });
}

/* ---- each a block of channels and a block of the input's ---- */

void by_both(const gradient &g) {
    const winograd_size &s = g.size;
    const size_t most = tiles_at_once(s), of_block = matrices_values(most, block), parts = s.in / block;
    const at::Tensor gradients = values(s.blocks() * of_block), sums = values(s.blocks() * g.sums());
    const auto z = [&](size_t b) {
        return matrices(gradients.data_ptr<float>() + b * of_block, most, block);
    };
    const auto du = [&](size_t b, size_t part) {
        return from_row(g.sums_at(sums.data_ptr<float>() + b * g.sums()), part * block);
    };
    each_share_of_tiles(s, g.x, g.zero.data(), [&](winograd_span tiles, winograd_matrices v) {
        each_of_blocks(s.blocks(), spans(tiles.count, some_tiles), [&](size_t b, size_t i) {
            const winograd_span some = span(i, some_tiles, tiles.count);
            loops()->gradient(s, g.dy, g.zero.data(), {tiles.first + some.first, some.count}, b,
                              from_row(z(b), some.first));
        });
        each_of_blocks(s.blocks(), parts, [&](size_t b, size_t part) {
            const winograd_matrices some = from_column(v, part * block);
            loops()->outer(some, z(b), block, tiles.count, tiles.first > 0, du(b, part));
        });
    });
    const scratch memory(winograd_taps * block * block);
    each_of_blocks(s.blocks(), parts, [&](size_t b, size_t part) {
        finish(g, b, part * block, block, du(b, part), memory.mine());
    });
}

} // namespace

at::Tensor weight_gradient(const winograd_size &s, const at::Tensor &x, const at::Tensor &dy,
                           const at::Tensor &weight) {
    const at::Tensor out = at::empty_strided(weight.sizes(), weight.strides(), weight.options());
    const gradient g{s,
                     x.data_ptr<float>(),
                     dy.data_ptr<float>(),
                     std::vector<float>(std::max(s.in, s.out)),
                     lying_weights(weight),
                     out.data_ptr<float>()};
    if (few_sums(s))
        by_tiles(g);
    else if (enough(s.blocks()))
        by_channels(g);
    else
        by_both(g);
    return out;
}

} // namespace winograd
