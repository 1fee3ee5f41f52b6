/*
 * norm_loops.cpp - see norm_loops.hpp. Each loop is written once, for both types, and compiled for several
 * processors (hot.h). Where nothing is written but sums, several rows are gone through side by side, for what
 * belongs to a channel has to be fetched each time.
 */
#include "engine/torch/norm_loops.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "engine/data/hot.h"

#define INLINE __attribute__((always_inline)) static inline

/* Before a loop: what one round writes no other reads. */
#ifdef __clang__
#define NOTHING_CARRIED
#else
#define NOTHING_CARRIED _Pragma("GCC ivdep")
#endif

namespace {

using narrow = std::uint16_t; /* bfloat16: the upper half of a float */

constexpr int side_by_side = 4; /* rows */

/*
 * Where rows are short each sum waits for the one before, and where they are long the sums leave the nearest
 * cache: then several rows at once are up to twice as fast. In between they are up to twice as slow, for
 * there activations come from memory, which likes to be read in one go.
 */
bool several_rows(std::size_t channels) {
    return channels < 128 || channels >= 1024;
}

/* Rows that are summed in floats before these are joined to what was before; and see block_moments. */
constexpr std::size_t block_rows = 256, guessed = 16;

/* ---- values ---- */

INLINE float get(float v) {
    return v;
}

INLINE float get(narrow v) {
    const std::uint32_t bits = static_cast<std::uint32_t>(v) << 16;
    float out;
    std::memcpy(&out, &bits, sizeof out);
    return out;
}

INLINE void put(float v, float &out) {
    out = v;
}

/* Rounded to the nearest, to the even of two. */
INLINE void put(float v, narrow &out) {
    std::uint32_t bits;
    std::memcpy(&bits, &v, sizeof bits);
    const std::uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    out = static_cast<narrow>(v != v ? 0x7fc0 : rounded);
}

INLINE float clipped(float v, norm_clip c) {
    v = v < c.low ? c.low : v;
    return v > c.high ? c.high : v;
}

/* The gradient where the activation is V. */
template <class T> INLINE T passed_by(float v, T gradient, norm_clip c) {
    return v <= c.low || v >= c.high ? T(0) : gradient;
}

template <class T> INLINE const T *rows_of(const norm_span &s, const void *x) {
    return static_cast<const T *>(x) + s.row * s.channels;
}

template <class T> INLINE T *rows_of(const norm_span &s, void *x) {
    return static_cast<T *>(x) + s.row * s.channels;
}

/* ---- moments ---- */

template <class T, int ROWS>
INLINE void add_deviations(const T *__restrict x, std::size_t channels, const float *__restrict from,
                           float *__restrict sum, float *__restrict square) {
    for (std::size_t c = 0; c < channels; c++) {
        float s = sum[c], q = square[c];
        for (int r = 0; r < ROWS; r++) {
            const float away = get(x[r * channels + c]) - from[c];
            s += away;
            q += away * away;
        }
        sum[c] = s;
        square[c] = q;
    }
}

/*
 * Mean and squared deviations of ROWS rows, by their deviations from the mean of the first ones. Those are
 * GUESSED of them, so that is at most sqrt(ROWS / GUESSED) standard deviations away, and what the subtraction
 * at the end loses is four bits at most, whatever the mean.
 */
template <class T>
INLINE void block_moments(const T *__restrict x, std::size_t rows, std::size_t channels,
                          float *__restrict guess, float *__restrict mean, float *__restrict square) {
    const std::size_t some = std::min(rows, guessed);
    for (std::size_t c = 0; c < channels; c++)
        guess[c] = mean[c] = square[c] = 0;
    for (std::size_t r = 0; r < some; r++)
        for (std::size_t c = 0; c < channels; c++)
            guess[c] += get(x[r * channels + c]);
    for (std::size_t c = 0; c < channels; c++)
        guess[c] /= static_cast<float>(some);
    std::size_t r = 0;
    for (; several_rows(channels) && r + side_by_side <= rows; r += side_by_side)
        add_deviations<T, side_by_side>(x + r * channels, channels, guess, mean, square);
    for (; r < rows; r++)
        add_deviations<T, 1>(x + r * channels, channels, guess, mean, square);
    const float share = 1.0f / static_cast<float>(rows);
    for (std::size_t c = 0; c < channels; c++) {
        const float away = mean[c] * share, left = square[c] - away * mean[c];
        mean[c] = guess[c] + away;
        square[c] = left < 0 ? 0 : left;
    }
}

/* As in Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances"
 * (1979). */
template <class T>
INLINE void join(std::size_t channels, std::size_t before, std::size_t count,
                 const float *__restrict further_mean, const float *__restrict further_square,
                 T *__restrict mean, T *__restrict square) {
    const T share = static_cast<T>(count) / static_cast<T>(before + count),
            both = share * static_cast<T>(before);
    for (std::size_t c = 0; c < channels; c++) {
        const T apart = static_cast<T>(further_mean[c]) - mean[c];
        mean[c] += apart * share;
        square[c] += static_cast<T>(further_square[c]) + apart * apart * both;
    }
}

template <class T>
INLINE void moments(const norm_span &s, const void *values, float *mean, float *square, float *room) {
    const T *x = rows_of<T>(s, values);
    float *guess = room, *block_mean = guess + s.channels, *block_square = block_mean + s.channels;
    for (std::size_t r = 0; r < s.count; r += block_rows) {
        const std::size_t rows = std::min(s.count - r, block_rows);
        const T *block = x + r * s.channels;
        if (r == 0) {
            block_moments(block, rows, s.channels, guess, mean, square);
            continue;
        }
        block_moments(block, rows, s.channels, guess, block_mean, block_square);
        join(s.channels, r, rows, block_mean, block_square, mean, square);
    }
}

/* ---- forward ---- */

template <class T>
INLINE void apply_row(const T *__restrict x, const T *__restrict sum, T *__restrict y, std::size_t channels,
                      const float *__restrict scale, const float *__restrict shift, norm_clip clip) {
    if (sum) {
        for (std::size_t c = 0; c < channels; c++)
            put(clipped(get(x[c]) * scale[c] + shift[c] + get(sum[c]), clip), y[c]);
    } else {
        for (std::size_t c = 0; c < channels; c++)
            put(clipped(get(x[c]) * scale[c] + shift[c], clip), y[c]);
    }
}

template <class T>
INLINE void apply(const norm_span &s, const void *values, const void *added, void *result, const float *scale,
                  const float *shift, norm_clip clip) {
    const T *x = rows_of<T>(s, values), *sum = added ? rows_of<T>(s, added) : nullptr;
    T *y = rows_of<T>(s, result);
    for (std::size_t r = 0; r < s.count; r++) {
        const std::size_t at = r * s.channels;
        apply_row(x + at, sum ? sum + at : nullptr, y + at, s.channels, scale, shift, clip);
    }
}

/* ---- backward ---- */

/* What is known of a row's place: pointers that may be NULL are known to be so when this is compiled. */
template <class T> struct place {
    const T *x, *dy, *y;
    T *out; /* passed, or dx */
};

template <class T> INLINE place<T> operator+(place<T> p, std::size_t values) {
    return {p.x + values, p.dy + values, p.y ? p.y + values : nullptr, p.out ? p.out + values : nullptr};
}

template <class T, int ROWS, bool BY_Y, bool PASS>
INLINE void sum_rows(const place<T> &p, std::size_t channels, const norm_gate &gate,
                     const float *__restrict mean, float *__restrict sum, float *__restrict product) {
    const T *__restrict x = p.x, *dy = p.dy, *__restrict y = p.y;
    T *passed = p.out; /* or DY itself */
    const float *__restrict scale = gate.scale, *__restrict shift = gate.shift;
    const norm_clip clip = gate.clip;
    NOTHING_CARRIED
    for (std::size_t c = 0; c < channels; c++) {
        float s = sum[c], q = product[c];
        for (int r = 0; r < ROWS; r++) {
            const std::size_t at = r * channels + c;
            const float v = get(x[at]);
            const T through = passed_by(BY_Y ? get(y[at]) : v * scale[c] + shift[c], dy[at], clip);
            const float g = get(through);
            if (PASS) passed[at] = through;
            s += g;
            q += g * (v - mean[c]);
        }
        sum[c] = s;
        product[c] = q;
    }
}

template <class T, bool BY_Y, bool PASS>
INLINE void sum_block(place<T> p, std::size_t rows, std::size_t channels, const norm_gate &gate,
                      const float *mean, float *sum, float *product) {
    std::size_t r = 0;
    for (; !PASS && several_rows(channels) && r + side_by_side <= rows; r += side_by_side)
        sum_rows<T, side_by_side, BY_Y, PASS>(p + r * channels, channels, gate, mean, sum, product);
    for (; r < rows; r++)
        sum_rows<T, 1, BY_Y, PASS>(p + r * channels, channels, gate, mean, sum, product);
}

INLINE void add_into(std::size_t count, const float *__restrict from, float *__restrict into) {
    for (std::size_t i = 0; i < count; i++)
        into[i] += from[i];
}

template <class T>
INLINE void gradient_sums(const norm_span &s, const void *x, const void *dy, const norm_gate &gate,
                          const float *mean, void *passed, float *sum, float *product, float *room) {
    const place<T> all = {rows_of<T>(s, x), rows_of<T>(s, dy), gate.y ? rows_of<T>(s, gate.y) : nullptr,
                          passed ? rows_of<T>(s, passed) : nullptr};
    const std::size_t channels = s.channels;
    float *block_sum = room, *block_product = room + channels;
    std::fill_n(sum, channels, 0.0f);
    std::fill_n(product, channels, 0.0f);
    for (std::size_t r = 0; r < s.count; r += block_rows) {
        const std::size_t rows = std::min(s.count - r, block_rows);
        const place<T> p = all + r * channels;
        std::fill_n(room, 2 * channels, 0.0f);
        if (!p.y)
            sum_block<T, false, false>(p, rows, channels, gate, mean, block_sum, block_product);
        else if (!p.out)
            sum_block<T, true, false>(p, rows, channels, gate, mean, block_sum, block_product);
        else
            sum_block<T, true, true>(p, rows, channels, gate, mean, block_sum, block_product);
        add_into(channels, block_sum, sum);
        add_into(channels, block_product, product);
    }
}

/* What a channel's gradient is made with. */
struct slope {
    const float *mean, *even, *steep, *factor;
};

template <class T, bool BY_Y>
INLINE void gradient_row(const place<T> &p, std::size_t channels, const norm_gate &gate, const slope &by) {
    const T *__restrict x = p.x, *dy = p.dy, *__restrict y = p.y;
    T *dx = p.out; /* or DY itself */
    const float *__restrict scale = gate.scale, *__restrict shift = gate.shift;
    const float *__restrict mean = by.mean, *__restrict even = by.even, *__restrict steep = by.steep,
                            *__restrict factor = by.factor;
    const norm_clip clip = gate.clip;
    NOTHING_CARRIED
    for (std::size_t c = 0; c < channels; c++) {
        const float v = get(x[c]);
        const float g = get(passed_by(BY_Y ? get(y[c]) : v * scale[c] + shift[c], dy[c], clip));
        put((g - even[c] - (v - mean[c]) * steep[c]) * factor[c], dx[c]);
    }
}

template <class T>
INLINE void gradient(const norm_span &s, const void *x, const void *dy, const norm_gate &gate,
                     const slope &by, void *dx) {
    const place<T> all = {rows_of<T>(s, x), rows_of<T>(s, dy), gate.y ? rows_of<T>(s, gate.y) : nullptr,
                          rows_of<T>(s, dx)};
    for (std::size_t r = 0; r < s.count; r++) {
        const place<T> p = all + r * s.channels;
        if (p.y)
            gradient_row<T, true>(p, s.channels, gate, by);
        else
            gradient_row<T, false>(p, s.channels, gate, by);
    }
}

/* ---- for each type; what the compiler makes several of cannot be a template ---- */

#define FOR(name, T)                                                                                        \
    HOT_LOOP void moments_##name(const norm_span &s, const void *x, float *mean, float *square,             \
                                 float *room) {                                                             \
        moments<T>(s, x, mean, square, room);                                                               \
    }                                                                                                       \
    HOT_LOOP void apply_##name(const norm_span &s, const void *x, const void *sum, void *y,                 \
                               const float *scale, const float *shift, norm_clip clip) {                    \
        apply<T>(s, x, sum, y, scale, shift, clip);                                                         \
    }                                                                                                       \
    HOT_LOOP void sums_##name(const norm_span &s, const void *x, const void *dy, const norm_gate &gate,     \
                              const float *mean, void *passed, float *sum, float *product, float *room) {   \
        gradient_sums<T>(s, x, dy, gate, mean, passed, sum, product, room);                                 \
    }                                                                                                       \
    HOT_LOOP void gradient_##name(const norm_span &s, const void *x, const void *dy, const norm_gate &gate, \
                                  const slope &by, void *dx) {                                              \
        gradient<T>(s, x, dy, gate, by, dx);                                                                \
    }

FOR(single, float)
FOR(narrow, narrow)

HOT_LOOP void join_all(std::size_t channels, std::size_t before, std::size_t count, const float *further_mean,
                       const float *further_square, double *mean, double *square) {
    join(channels, before, count, further_mean, further_square, mean, square);
}

} // namespace

/* ---- what others call ---- */

void norm_moments(const norm_span &s, const void *x, float *mean, float *square) {
    std::vector<float> room(3 * s.channels);
    (s.type == norm_type::single ? moments_single : moments_narrow)(s, x, mean, square, room.data());
}

void norm_join(std::size_t channels, std::size_t before, std::size_t count, const float *further_mean,
               const float *further_square, double *mean, double *square) {
    join_all(channels, before, count, further_mean, further_square, mean, square);
}

void norm_apply(const norm_span &s, const void *x, const void *sum, void *y, const float *scale,
                const float *shift, norm_clip clip) {
    (s.type == norm_type::single ? apply_single : apply_narrow)(s, x, sum, y, scale, shift, clip);
}

void norm_gradient_sums(const norm_span &s, const void *x, const void *dy, const norm_gate &gate,
                        const float *mean, void *passed, float *sum, float *product) {
    std::vector<float> room(2 * s.channels);
    (s.type == norm_type::single ? sums_single : sums_narrow)(s, x, dy, gate, mean, passed, sum, product,
                                                              room.data());
}

void norm_gradient(const norm_span &s, const void *x, const void *dy, const norm_gate &gate,
                   const float *mean, const float *even, const float *steep, const float *factor, void *dx) {
    const slope by = {mean, even, steep, factor};
    (s.type == norm_type::single ? gradient_single : gradient_narrow)(s, x, dy, gate, by, dx);
}
