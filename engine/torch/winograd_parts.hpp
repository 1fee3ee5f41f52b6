/*
 * winograd_parts.hpp - what the two directions of convolve_winograd.hpp share: memory, threads, sizes,
 * weights.
 */
#ifndef ENGINE_TORCH_WINOGRAD_PARTS_HPP
#define ENGINE_TORCH_WINOGRAD_PARTS_HPP

#include <algorithm>
#include <cstdint>
#include <utility>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_strided.h>

#include "engine/torch/winograd.hpp"

namespace winograd {

using std::size_t;

/* The loops for this processor; null where it has neither AVX-512 nor AVX2 with FMA. */
const winograd_loops *loops();

constexpr size_t block = winograd_block;
constexpr size_t few_tiles = 12;                  /* for a thread to take at a time: those of one product */
constexpr size_t shared_values = size_t{4} << 20; /* of tiles that are at hand for all threads */

/* ---- memory ---- */

inline at::Tensor values(size_t count) {
    return at::empty({static_cast<int64_t>(count)}, at::kFloat);
}

/* Scratch memory, the same for each thread. */
class scratch {
    at::Tensor all;
    size_t each;

  public:
    explicit scratch(size_t count)
        : all(values(count * static_cast<size_t>(at::get_num_threads()))), each(count) {
    }
    float *mine() const {
        return all.data_ptr<float>() + each * static_cast<size_t>(at::get_thread_num());
    }
};

/* Matrices of so many ROWS; a row of theirs does not lie a power of two after the one before, for then
 * twelve of them would share few lines of the nearest cache. */
inline winograd_matrices matrices(float *at, size_t rows, size_t columns) {
    const size_t row = columns == block ? block : columns + 16;
    return {at, rows * row, row};
}

inline size_t matrices_values(size_t rows, size_t columns) {
    return winograd_points * matrices(nullptr, rows, columns).point;
}

inline winograd_matrices from_row(winograd_matrices m, size_t row) {
    return {m.at + row * m.row, m.point, m.row};
}

inline winograd_matrices from_column(winograd_matrices m, size_t column) {
    return {m.at + column, m.point, m.row};
}

/* So many things can be shared out among the threads without one waiting long for another. */
inline bool enough(size_t count) {
    const auto threads = static_cast<size_t>(at::get_num_threads());
    return count % threads == 0 || count >= 4 * threads;
}

/* BODY(i) for each of COUNT things, on all threads. */
template <class Body> void each(size_t count, Body body) {
    at::parallel_for(0, static_cast<int64_t>(count), 1, [&](int64_t from, int64_t to) {
        for (int64_t i = from; i < to; i++)
            body(static_cast<size_t>(i));
    });
}

inline size_t spans(size_t count, size_t most) {
    return (count + most - 1) / most;
}

/* The I-th span, of MOST, of so many. */
inline winograd_span span(size_t i, size_t most, size_t count) {
    return {i * most, std::min(most, count - i * most)};
}

template <class Body> void each_span(size_t count, size_t most, Body body) {
    each(spans(count, most), [&](size_t i) { body(span(i, most, count)); });
}

/* BODY(block, i) for each block of channels and each of COUNT things. */
template <class Body> void each_of_blocks(size_t blocks, size_t count, Body body) {
    each(blocks * count, [&](size_t i) { body(i / count, i % count); });
}

/* ---- sizes ---- */

inline winograd_size size_of(at::IntArrayRef x, size_t out, size_t pad_top, size_t pad_left) {
    winograd_size s{};
    s.images = static_cast<size_t>(x[0]);
    s.in = static_cast<size_t>(x[1]);
    s.height = static_cast<size_t>(x[2]);
    s.width = static_cast<size_t>(x[3]);
    s.out = out;
    s.pad_top = pad_top;
    s.pad_left = pad_left;
    s.out_height = s.height + 2 * pad_top - 2;
    s.out_width = s.width + 2 * pad_left - 2;
    s.tiles_down = (s.out_height + 3) / 4;
    s.tiles_across = (s.out_width + 3) / 4;
    return s;
}

/* ---- weights ---- */

/* Weights as they lie, [out][in][3][3] by their steps; turned round and with OUT and IN exchanged they are
 * those of the input's gradient. */
struct lying_weights {
    const float *at;
    size_t out, in;
    int64_t out_step, in_step, down_step, across_step;

    explicit lying_weights(const at::Tensor &w)
        : at(w.data_ptr<float>()), out(static_cast<size_t>(w.size(0))), in(static_cast<size_t>(w.size(1))),
          out_step(w.stride(0)), in_step(w.stride(1)), down_step(w.stride(2)), across_step(w.stride(3)) {
    }
    lying_weights turned() const {
        lying_weights t = *this;
        t.at += 2 * down_step + 2 * across_step;
        std::swap(t.out, t.in);
        std::swap(t.out_step, t.in_step);
        t.down_step = -down_step;
        t.across_step = -across_step;
        return t;
    }
    int64_t place(size_t o, size_t i, size_t tap) const {
        return static_cast<int64_t>(o) * out_step + static_cast<int64_t>(i) * in_step +
               static_cast<int64_t>(tap / 3) * down_step + static_cast<int64_t>(tap % 3) * across_step;
    }
};

/* The tiles of X, whose inputs all threads are about to need. */
void shared_inputs(const winograd_size &s, const float *x, const float *zero, winograd_span tiles,
                   winograd_matrices v);
/* So many tiles that their inputs do not fill the caches; S.tiles() at most. */
size_t tiles_at_once(const winograd_size &s);

/* BODY(tiles, v) for as many tiles of X at a time as are at hand, V their inputs. */
template <class Body>
void each_share_of_tiles(const winograd_size &s, const float *x, const float *zero, Body body) {
    const size_t most = tiles_at_once(s);
    const at::Tensor inputs = values(matrices_values(most, s.in));
    const winograd_matrices v = matrices(inputs.data_ptr<float>(), most, s.in);
    for (size_t first = 0; first < s.tiles(); first += most) {
        const winograd_span tiles{first, std::min(most, s.tiles() - first)};
        shared_inputs(s, x, zero, tiles, v);
        body(tiles, v);
    }
}

at::Tensor arrange(const lying_weights &w);
void compute(const winograd_size &s, const at::Tensor &x, const at::Tensor &arranged, winograd_after after,
             const at::Tensor &y);
/* The gradient of the weights W of a convolution, in their own layout. */
at::Tensor weight_gradient(const winograd_size &s, const at::Tensor &x, const at::Tensor &dy,
                           const at::Tensor &weight);

} // namespace winograd

#endif
