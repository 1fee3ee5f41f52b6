/*
 * decode.h - what the decoders of one format each offer to image.c. Private to engine/data.
 *
 * Files come from strangers: a decoder checks the size in the header against image_alloc's limits before it
 * allocates, and refuses a file whose bytes cannot possibly hold the pixels it promises.
 */
#ifndef ENGINE_DATA_DECODE_H
#define ENGINE_DATA_DECODE_H

#include "engine/data/image.h"

/* Check the limits and allocate; the pixels are not initialised. */
thaw_status image_alloc(int64_t width, int64_t height, image *out);
/* The check alone. */
thaw_status image_check_size(int64_t width, int64_t height);

/* Whoever wanted it wants it no more, asked before some of the rows; *STATUS says so then. */
bool image_given_up(const image_wish *wish, int row, thaw_status *status);

/* As image_decode_part, but of the picture as it is stored. */
thaw_status jpeg_decode(const uint8_t *bytes, size_t count, const image_wish *wish, image *out,
                        rectangle *part);
thaw_status jpeg_probe(const uint8_t *bytes, size_t count, int *width, int *height);
/* 4:4:4 baseline JPEG; *OUT is owned by the caller. */
thaw_status jpeg_encode(const image *im, int quality, uint8_t **out, size_t *out_count);

thaw_status png_decode(const uint8_t *bytes, size_t count, const image_wish *wish, image *out);
thaw_status png_probe(const uint8_t *bytes, size_t count, int *width, int *height);

thaw_status webp_decode(const uint8_t *bytes, size_t count, image *out);
thaw_status webp_probe(const uint8_t *bytes, size_t count, int *width, int *height);

/* The EXIF orientation that a file of this format carries, 1..8; 1 when it says nothing sensible. */
int exif_orientation(image_format format, const uint8_t *bytes, size_t count);

enum { ORIENTATION_UPRIGHT = 1 };
bool orientation_swaps(int orientation); /* rows and columns change places */
void image_turn_upright(image *im, int orientation);
/* The same pixels in a picture stored as width x height, and in the picture turned upright. */
rectangle upright_to_stored(rectangle shown, int width, int height, int orientation);
rectangle stored_to_upright(rectangle stored, int width, int height, int orientation);

#endif
