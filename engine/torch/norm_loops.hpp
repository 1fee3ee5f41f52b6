/*
 * norm_loops.hpp - batch norm with what follows it, over rows of channels: the inner loops, no libtorch.
 *
 * An activation in channels_last is ROWS rows (image, height, width) of CHANNELS values. What is summed over
 * the rows is summed a chunk of rows at a time, by whoever comes by, and put together in the order of the
 * chunks: so a result does not depend on the number of threads.
 */
#ifndef ENGINE_TORCH_NORM_LOOPS_HPP
#define ENGINE_TORCH_NORM_LOOPS_HPP

#include <cstddef>

/* What values are: float, or bfloat16 in 16 bits. All sums are in float32 at least. */
enum class norm_type { single, narrow };

/* An activation that clips: values outside of LOW..HIGH become that bound, and have no gradient; NaN stays.
 */
struct norm_clip {
    float low, high;
};

/* A piece of an activation: COUNT rows from ROW on. */
struct norm_span {
    norm_type type;
    std::size_t row, count, channels;
};

/* Mean and sum of squared deviations a channel, of that span; CHANNELS values each. */
void norm_moments(const norm_span &s, const void *x, float *mean, float *square);

/* MEAN and SQUARE of BEFORE rows become those of these and COUNT further ones. */
void norm_join(std::size_t channels, std::size_t before, std::size_t count, const float *further_mean,
               const float *further_square, double *mean, double *square);

/* Y = clip(X scale + shift + SUM); SUM may be NULL. */
void norm_apply(const norm_span &s, const void *x, const void *sum, void *y, const float *scale,
                const float *shift, norm_clip clip);

/* Where the gradient passes: at the clipped result Y, or where that is NULL at X scale + shift. */
struct norm_gate {
    const void *y;
    const float *scale, *shift;
    norm_clip clip;
};

/* The gradient G that passes the gate, of DY, into PASSED (DY's own place, another, or nowhere: NULL; only
 * where GATE has Y); by channel the sum of G, and that of G (X - mean). */
void norm_gradient_sums(const norm_span &s, const void *x, const void *dy, const norm_gate &gate,
                        const float *mean, void *passed, float *sum, float *product);

/* DX = (G - even - (X - mean) steep) factor, by channel; DX may be DY's own place. */
void norm_gradient(const norm_span &s, const void *x, const void *dy, const norm_gate &gate,
                   const float *mean, const float *even, const float *steep, const float *factor, void *dx);

#endif
