/*
 * winograd_loops.hpp - see winograd.hpp. Each loop is written once, for vectors V of any width, and compiled
 * for AVX-512 and for AVX2 by the two files that include this one, with -O3 and with multiplications and
 * additions contracted (Makefile). Nothing here may be shared between the two, so all of it is static.
 *
 * Sums go over the channels one after the other, whatever the width and the tiles at hand, so the value of a
 * pixel depends on neither.
 */
#ifndef ENGINE_TORCH_WINOGRAD_LOOPS_HPP
#define ENGINE_TORCH_WINOGRAD_LOOPS_HPP

#include <cstring>

#include "engine/torch/winograd.hpp"

#ifdef __GNUC__
#pragma GCC diagnostic ignored "-Wpsabi" /* vectors are passed to what is inlined only */
#endif

#define INLINE __attribute__((always_inline)) static inline

namespace {

constexpr std::size_t points = winograd_points, block_out = winograd_block;

/* The points are 0, +-a, +-b and infinity; by na and nb the filters at them are divided. */
constexpr float a = 0.625f, b = 1.5f, a2 = a * a, b2 = b * b;
constexpr float na = 2 * a2 * (a2 - b2), nb = 2 * b2 * (b2 - a2);

template <class V> constexpr std::size_t lanes = sizeof(V) / sizeof(float);
/* Rows of a product that are summed side by side, so that with two vectors a row the registers just do. */
template <class V> constexpr std::size_t rows_at_once = lanes<V> == 16 ? 12 : 6;

template <class V> INLINE V load(const float *from) {
    V v;
    std::memcpy(&v, from, sizeof v);
    return v;
}

template <class V> INLINE void store(float *to, const V &v) {
    std::memcpy(to, &v, sizeof v);
}

/* ---- the transforms of a row or a column ---- */

/* At +-a and +-b, from the even and the odd powers. */
template <class V>
INLINE void at_points(const V &even_a, const V &odd_a, const V &even_b, const V &odd_b, V (&t)[6]) {
    t[1] = even_a + odd_a;
    t[2] = even_a - odd_a;
    t[3] = even_b + odd_b;
    t[4] = even_b - odd_b;
}

/* Bt: six of six. */
template <class V> struct of_input {
    static constexpr std::size_t from = 6, to = 6;
    __attribute__((always_inline)) static void apply(const V (&d)[6], V (&t)[6]) {
        t[0] = (a2 * b2) * d[0] - (a2 + b2) * d[2] + d[4];
        t[5] = (a2 * b2) * d[1] - (a2 + b2) * d[3] + d[5];
        const V even_a = d[4] - b2 * d[2], odd_a = a * (d[3] - b2 * d[1]);
        const V even_b = d[4] - a2 * d[2], odd_b = b * (d[3] - a2 * d[1]);
        at_points(even_a, odd_a, even_b, odd_b, t);
    }
};

/* G: six of three. */
template <class V> struct of_weight {
    static constexpr std::size_t from = 3, to = 6;
    __attribute__((always_inline)) static void apply(const V (&g)[3], V (&t)[6]) {
        const V even_a = (g[0] + a2 * g[2]) * (1 / na), odd_a = g[1] * (a / na);
        const V even_b = (g[0] + b2 * g[2]) * (1 / nb), odd_b = g[1] * (b / nb);
        t[0] = g[0] * (1 / (a2 * b2));
        at_points(even_a, odd_a, even_b, odd_b, t);
        t[5] = g[2];
    }
};

/* At: four of six. */
template <class V> struct of_output {
    static constexpr std::size_t from = 6, to = 4;
    __attribute__((always_inline)) static void apply(const V (&m)[6], V (&y)[4]) {
        const V sum_a = m[1] + m[2], apart_a = m[1] - m[2], sum_b = m[3] + m[4], apart_b = m[3] - m[4];
        y[0] = m[0] + sum_a + sum_b;
        y[1] = a * apart_a + b * apart_b;
        y[2] = a2 * sum_a + b2 * sum_b;
        y[3] = (a2 * a) * apart_a + (b2 * b) * apart_b + m[5];
    }
};

/* A: six of four. */
template <class V> struct of_output_gradient {
    static constexpr std::size_t from = 4, to = 6;
    __attribute__((always_inline)) static void apply(const V (&y)[4], V (&z)[6]) {
        const V even_a = y[0] + a2 * y[2], odd_a = a * y[1] + (a2 * a) * y[3];
        const V even_b = y[0] + b2 * y[2], odd_b = b * y[1] + (b2 * b) * y[3];
        z[0] = y[0];
        at_points(even_a, odd_a, even_b, odd_b, z);
        z[5] = y[3];
    }
};

/* Gt: three of six. */
template <class V> struct of_weight_gradient {
    static constexpr std::size_t from = 6, to = 3;
    __attribute__((always_inline)) static void apply(const V (&u)[6], V (&g)[3]) {
        const V sum_a = (u[1] + u[2]) * (1 / na), sum_b = (u[3] + u[4]) * (1 / nb);
        g[0] = u[0] * (1 / (a2 * b2)) + sum_a + sum_b;
        g[1] = (u[1] - u[2]) * (a / na) + (u[3] - u[4]) * (b / nb);
        g[2] = a2 * sum_a + b2 * sum_b + u[5];
    }
};

/* Columns first, then rows: T x Tt of a square of vectors; GET(row, column), PUT(row, column, vector). */
template <class V, template <class> class Transform, class Get, class Put>
INLINE void transform(const Get &get, const Put &put) {
    using T = Transform<V>;
    V between[T::to][T::from];
    for (std::size_t j = 0; j < T::from; j++) {
        V column[T::from], done[T::to];
        for (std::size_t i = 0; i < T::from; i++)
            column[i] = get(i, j);
        T::apply(column, done);
        for (std::size_t i = 0; i < T::to; i++)
            between[i][j] = done[i];
    }
    for (std::size_t i = 0; i < T::to; i++) {
        V done[T::to];
        T::apply(between[i], done);
        for (std::size_t j = 0; j < T::to; j++)
            put(i, j, done[j]);
    }
}

/* ---- tiles ---- */

/* Where a tile's result begins. */
struct place {
    std::size_t image, top, left;

    place(const winograd_size &s, std::size_t tile) {
        const std::size_t each = s.tiles_down * s.tiles_across, of_image = tile % each;
        image = tile / each;
        top = of_image / s.tiles_across * 4;
        left = of_image % s.tiles_across * 4;
    }
};

template <class V>
static void input(const winograd_size &s, const float *x, const float *zero, winograd_span tiles,
                  winograd_matrices v) {
    for (std::size_t t = 0; t < tiles.count; t++) {
        const place at(s, tiles.first + t);
        const float *from[6][6];
        for (std::size_t i = 0; i < 6; i++)
            for (std::size_t j = 0; j < 6; j++) { /* what lies above or left of the image is very far below */
                const std::size_t row = at.top + i - s.pad_top, column = at.left + j - s.pad_left;
                const bool within = row < s.height && column < s.width;
                from[i][j] = within ? x + ((at.image * s.height + row) * s.width + column) * s.in : zero;
            }
        float *to = v.at + t * v.row;
        for (std::size_t c = 0; c < s.in; c += lanes<V>)
            transform<V, of_input>(
                [&](std::size_t i, std::size_t j) { return load<V>(from[i][j] + c); },
                [&](std::size_t i, std::size_t j, const V &d) { store(to + (i * 6 + j) * v.point + c, d); });
    }
}

template <class V> INLINE V finished(V y, const winograd_after &after, std::size_t channel, std::size_t at) {
    if (after.bias) y += load<V>(after.bias + channel);
    if (after.sum) y += load<V>(after.sum + at);
    const V low = V{} + after.low, high = V{} + after.high;
    y = y < low ? low : y;
    return y > high ? high : y;
}

template <class V>
static void output(const winograd_size &s, winograd_matrices m, winograd_span tiles, std::size_t block,
                   const winograd_after &after, float *y) {
    const std::size_t first = block * block_out;
    for (std::size_t t = 0; t < tiles.count; t++) {
        const place at(s, tiles.first + t);
        const std::size_t rows = s.out_height - at.top, columns = s.out_width - at.left;
        const float *from = m.at + t * m.row;
        for (std::size_t c = 0; c < block_out; c += lanes<V>)
            transform<V, of_output>(
                [&](std::size_t i, std::size_t j) { return load<V>(from + (i * 6 + j) * m.point + c); },
                [&](std::size_t i, std::size_t j, const V &value) {
                    if (i >= rows || j >= columns) return;
                    const std::size_t row = at.image * s.out_height + at.top + i;
                    const std::size_t to = (row * s.out_width + at.left + j) * s.out + first + c;
                    store(y + to, finished(value, after, first + c, to));
                });
    }
}

template <class V>
static void gradient(const winograd_size &s, const float *dy, const float *zero, winograd_span tiles,
                     std::size_t block, winograd_matrices z) {
    const std::size_t first = block * block_out;
    for (std::size_t t = 0; t < tiles.count; t++) {
        const place at(s, tiles.first + t);
        const std::size_t rows = s.out_height - at.top, columns = s.out_width - at.left;
        const float *from = dy + ((at.image * s.out_height + at.top) * s.out_width + at.left) * s.out + first;
        float *to = z.at + t * z.row;
        for (std::size_t c = 0; c < block_out; c += lanes<V>)
            transform<V, of_output_gradient>(
                [&](std::size_t i, std::size_t j) {
                    const bool within = i < rows && j < columns;
                    return load<V>(within ? from + (i * s.out_width + j) * s.out + c : zero);
                },
                [&](std::size_t i, std::size_t j, const V &d) { store(to + (i * 6 + j) * z.point + c, d); });
    }
}

/* ---- weights ---- */

template <class V> static void weights(winograd_filters<const float> weight, winograd_matrices u) {
    for (std::size_t k = 0; k < weight.rows; k++)
        for (std::size_t c = 0; c < block_out; c += lanes<V>) {
            const float *from = weight.at + k * block_out + c;
            float *to = u.at + k * u.row + c;
            transform<V, of_weight>(
                [&](std::size_t i, std::size_t j) { return load<V>(from + (i * 3 + j) * weight.tap); },
                [&](std::size_t i, std::size_t j, const V &d) { store(to + (i * 6 + j) * u.point, d); });
        }
}

template <class V> static void weight_gradient(winograd_matrices du, winograd_filters<float> dweight) {
    for (std::size_t k = 0; k < dweight.rows; k++)
        for (std::size_t c = 0; c < block_out; c += lanes<V>) {
            const float *from = du.at + k * du.row + c;
            float *to = dweight.at + k * block_out + c;
            transform<V, of_weight_gradient>(
                [&](std::size_t i, std::size_t j) { return load<V>(from + (i * 6 + j) * du.point); },
                [&](std::size_t i, std::size_t j, const V &d) { store(to + (i * 3 + j) * dweight.tap, d); });
        }
}

/* ---- products ---- */

/*
 * ROWS rows of a product with a matrix of two vectors a row: of LEFT, whose values are ROW_STEP apart from
 * row to row and SUM_STEP along what is summed, and RIGHT, COUNT rows.
 */
template <class V, std::size_t ROWS>
INLINE void product(const float *left, std::size_t row_step, std::size_t sum_step, const float *right,
                    std::size_t right_step, std::size_t count, bool add, float *to, std::size_t to_step) {
    V sum[ROWS][2];
    for (std::size_t r = 0; r < ROWS; r++)
        for (std::size_t h = 0; h < 2; h++)
            sum[r][h] = add ? load<V>(to + r * to_step + h * lanes<V>) : V{};
    for (std::size_t k = 0; k < count; k++) {
        const V first = load<V>(right + k * right_step), second = load<V>(right + k * right_step + lanes<V>);
        for (std::size_t r = 0; r < ROWS; r++) {
            const float factor = left[r * row_step + k * sum_step];
            sum[r][0] += factor * first;
            sum[r][1] += factor * second;
        }
    }
    for (std::size_t r = 0; r < ROWS; r++)
        for (std::size_t h = 0; h < 2; h++)
            store(to + r * to_step + h * lanes<V>, sum[r][h]);
}

/* All ROWS of such a product, as many side by side as there are registers for. */
template <class V>
INLINE void product_of(std::size_t rows, const float *left, std::size_t row_step, std::size_t sum_step,
                       const float *right, std::size_t right_step, std::size_t count, bool add, float *to,
                       std::size_t to_step) {
    constexpr std::size_t most = rows_at_once<V>;
    std::size_t r = 0;
    for (; r + most <= rows; r += most)
        product<V, most>(left + r * row_step, row_step, sum_step, right, right_step, count, add,
                         to + r * to_step, to_step);
    for (; r + 4 <= rows; r += 4)
        product<V, 4>(left + r * row_step, row_step, sum_step, right, right_step, count, add,
                      to + r * to_step, to_step);
    for (; r < rows; r++)
        product<V, 1>(left + r * row_step, row_step, sum_step, right, right_step, count, add,
                      to + r * to_step, to_step);
}

template <class V>
static void multiply(winograd_matrices v, winograd_matrices u, std::size_t in, std::size_t tiles,
                     winograd_matrices m) {
    for (std::size_t p = 0; p < points; p++)
        for (std::size_t c = 0; c < block_out; c += 2 * lanes<V>)
            product_of<V>(tiles, v.at + p * v.point, v.row, 1, u.at + p * u.point + c, u.row, in, false,
                          m.at + p * m.point + c, m.row);
}

template <class V>
static void outer(winograd_matrices v, winograd_matrices z, std::size_t in, std::size_t tiles, bool add,
                  winograd_matrices du) {
    for (std::size_t p = 0; p < points; p++)
        for (std::size_t c = 0; c < block_out; c += 2 * lanes<V>)
            product_of<V>(in, v.at + p * v.point, 1, v.row, z.at + p * z.point + c, z.row, tiles, add,
                          du.at + p * du.point + c, du.row);
}

/* ---- for each processor ---- */

template <class V>
constexpr winograd_loops loops_of = {input<V>,    weights<V>, multiply<V>,       output<V>,
                                     gradient<V>, outer<V>,   weight_gradient<V>};

} // namespace

#endif
