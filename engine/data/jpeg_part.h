/*
 * jpeg_part.h - decoding a rectangle of a JPEG to the very bytes that decoding all of it would give. Private
 * to decode_jpeg.c.
 */
#ifndef ENGINE_DATA_JPEG_PART_H
#define ENGINE_DATA_JPEG_PART_H

#include <stdio.h>

#include <jpeglib.h>

#include "engine/data/image.h"

/* Whether a part of the file, whose header has been read, tells the same about it as the whole would. */
bool jpeg_part_possible(j_decompress_ptr cinfo);
/*
 * After jpeg_start_decompress: the next scanlines are those from PART's top on, cut to little more than its
 * columns. Returns the area of the picture that they cover down to PART's bottom.
 */
rectangle jpeg_part_begin(j_decompress_ptr cinfo, rectangle part);

#endif
