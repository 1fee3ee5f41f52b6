/*
 * winograd.hpp - 3x3 convolutions of step 1 by a quarter of the multiplications: the inner loops, no
 * libtorch.
 *
 * Winograd's minimal filtering F(4x4, 3x3), as in Lavin and Gray, "Fast Algorithms for Convolutional Neural
 * Networks" (2016): of each tile of 6x6 pixels d and each filter g, Y = At [(G g Gt) * (Bt d B)] A are 4x4
 * pixels of the result. The product * is by element, so over all channels it is 36 products of matrices. For
 * gradients the same is read from the other end: of the weights Gt [(Bt d B) * (A dy At)] G, of the input a
 * convolution with the filters turned round.
 *
 * It is exact but for rounding. The transforms are those of the points 0, +-5/8, +-3/2 and infinity, with
 * which float32 loses about one bit more than in the sum as it is defined; with 0, +-1, +-2 it is two.
 *
 * Images are channels_last. Channels come in blocks of 32, and what belongs to a block of the result's lies
 * together.
 */
#ifndef ENGINE_TORCH_WINOGRAD_HPP
#define ENGINE_TORCH_WINOGRAD_HPP

#include <cstddef>

constexpr std::size_t winograd_points = 36, winograd_taps = 9, winograd_block = 32;

struct winograd_size {
    std::size_t images, height, width, in;  /* of the input; IN a multiple of 32 */
    std::size_t out, out_height, out_width; /* of the result; OUT too */
    std::size_t pad_top, pad_left;          /* pixels of zeros */
    std::size_t tiles_down, tiles_across;   /* of an image */
    std::size_t tiles() const {
        return images * tiles_down * tiles_across;
    }
    std::size_t blocks() const {
        return out / winograd_block;
    }
};

/* Something transformed: 36 matrices, POINT values apart, whose rows (tiles) are ROW values apart. */
struct winograd_matrices {
    float *at;
    std::size_t point, row;
};

/* Tiles of an image: COUNT from FIRST on. */
struct winograd_span {
    std::size_t first, count;
};

/* What becomes of a result on its way out: min(max(y + bias + sum, low), high). */
struct winograd_after {
    const float *bias; /* of all channels, or NULL */
    const float *sum;  /* an image like the result, perhaps in its place; or NULL */
    float low, high;   /* NaN stays */
};

/* Of weights, a block of channels: 9 matrices whose rows, one for each of ROWS channels of the input, are 32
 * values; TAP values apart. Transformed they are 36, whose rows are 32 values as well. */
template <class Value> struct winograd_filters {
    Value *at;
    std::size_t tap, rows;
};

/* ZERO: IN (OUT) zeros. */
struct winograd_loops {
    void (*input)(const winograd_size &s, const float *x, const float *zero, winograd_span tiles,
                  winograd_matrices v);
    void (*weights)(winograd_filters<const float> weight, winograd_matrices u);
    /* M = V U, of one block of channels; M's rows are 32 values. */
    void (*multiply)(winograd_matrices v, winograd_matrices u, std::size_t in, std::size_t tiles,
                     winograd_matrices m);
    void (*output)(const winograd_size &s, winograd_matrices m, winograd_span tiles, std::size_t block,
                   const winograd_after &after, float *y);
    /* The gradient of the result, of one block of channels; Z's rows are 32 values. */
    void (*gradient)(const winograd_size &s, const float *dy, const float *zero, winograd_span tiles,
                     std::size_t block, winograd_matrices z);
    /* DU = Vt Z, of IN channels of V; or where ADD is set that much more. */
    void (*outer)(winograd_matrices v, winograd_matrices z, std::size_t in, std::size_t tiles, bool add,
                  winograd_matrices du);
    void (*weight_gradient)(winograd_matrices du, winograd_filters<float> dweight);
};

#ifdef __x86_64__
extern const winograd_loops winograd_avx512, winograd_avx2;
#endif

#endif
