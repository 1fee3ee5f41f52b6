/*
 * jpeg_part.c - see jpeg_part.h.
 *
 * libjpeg-turbo can skip rows, and leave out columns in whole blocks. Two things keep that from being seen:
 *
 * Pixels near the cut are interpolated from chroma beyond it, so a margin is decoded along.
 *
 * Decoding stops after the last row that is wanted, so an error in the rest of the file would go unnoticed,
 * and a damaged file be left out or not as the crop falls. A file of several scans has been read to its end
 * before the first row comes out. One scan is looked through beforehand: Huffman decoding only warns and goes
 * on, whatever the bits, so if no marker but restarts comes before the end-of-image marker, nothing can fail.
 */
#include "engine/data/jpeg_part.h"

#include <string.h>

enum {
    MARGIN = 2, /* columns: one chroma sample where there is one for two pixels */
    MARKER = 0xFF,
    STUFFED = 0x00,
    RESTART_FIRST = 0xD0,
    RESTART_LAST = 0xD7,
    END_OF_IMAGE = 0xD9,
};

/* Nothing but data, fill bytes and restarts up to the end of the image. */
static bool ends_cleanly(const JOCTET *at, size_t left) {
    const JOCTET *end = at + left, *found;
    while (left > 1 && (found = memchr(at, MARKER, left - 1))) {
        JOCTET code = found[1];
        if (code == END_OF_IMAGE) return true;
        if (code != STUFFED && code != MARKER && (code < RESTART_FIRST || code > RESTART_LAST)) return false;
        at = found + (code == MARKER ? 1 : 2);
        left = (size_t)(end - at);
    }
    return false;
}

/* Grey, or one chroma sample for one, two or four pixels: the sampling that the margin is meant for. */
static bool usual_sampling(j_decompress_ptr cinfo) {
    const jpeg_component_info *first = cinfo->comp_info;
    int most = cinfo->num_components == 1 ? 1 : 2;
    return cinfo->max_h_samp_factor <= most && cinfo->max_v_samp_factor <= most &&
           first->h_samp_factor == cinfo->max_h_samp_factor &&
           first->v_samp_factor == cinfo->max_v_samp_factor;
}

bool jpeg_part_possible(j_decompress_ptr cinfo) {
    if (cinfo->arith_code || !usual_sampling(cinfo)) return false;
    return jpeg_has_multiple_scans(cinfo) ||
           ends_cleanly(cinfo->src->next_input_byte, cinfo->src->bytes_in_buffer);
}

/* A progressive file that lacks its last scans is smoothed, which looks at blocks further away. */
static bool is_smoothed(j_decompress_ptr cinfo) {
    if (!cinfo->progressive_mode || !cinfo->coef_bits) return false;
    for (int c = 0; c < cinfo->num_components; c++)
        for (int i = 1; i < DCTSIZE2; i++)
            if (cinfo->coef_bits[c][i] != 0) return true;
    return false;
}

rectangle jpeg_part_begin(j_decompress_ptr cinfo, rectangle part) {
    if (is_smoothed(cinfo)) return (rectangle){0, 0, (int)cinfo->output_width, (int)cinfo->output_height};
    JDIMENSION left = part.left > MARGIN ? (JDIMENSION)(part.left - MARGIN) : 0;
    JDIMENSION right = (JDIMENSION)(part.left + part.width + MARGIN);
    if (right > cinfo->output_width) right = cinfo->output_width;
    JDIMENSION width = right - left;
    jpeg_crop_scanline(cinfo, &left, &width);
    jpeg_skip_scanlines(cinfo, (JDIMENSION)part.top);
    return (rectangle){(int)left, part.top, (int)width, part.height};
}
