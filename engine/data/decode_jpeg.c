/*
 * decode_jpeg.c - JPEG through libjpeg-turbo, giving the bytes that Pillow's convert("RGB") gives.
 *
 * libjpeg reports an error by calling back and expects not to return: we jump out. It only warns about data
 * that ends early and paints the rest grey; here, as in Pillow, that is an error, because half a picture with
 * a label is worse than none. Two kinds of bomb are refused: a file too short for the pixels it promises (a
 * Huffman-coded 8x8 block takes at least a bit), and a progressive one with endless scans.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

#include "engine/base/alloc.h"
#include "engine/data/decode.h"
#include "engine/data/jpeg_part.h"

enum {
    PIXELS_PER_BYTE_MAX = 8 * 64, /* one bit a block of 64 pixels */
    SCANS_MAX = 100,              /* encoders use about ten */
    SCALE_MAX = 8,
};
static const double SCANNED_PIXELS_MAX = 20.0 * IMAGE_PIXELS_MAX;

/* What the callbacks need; error.pub and progress must be reachable from cinfo. */
typedef struct jpeg_job {
    struct jpeg_error_mgr error;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    thaw_status status;
    JSAMPLE *row; /* CMYK: one row */
} jpeg_job;

static void on_error(j_common_ptr cinfo) {
    jpeg_job *job = cinfo->client_data;
    char message[JMSG_LENGTH_MAX];
    cinfo->err->format_message(cinfo, message);
    bool short_of_data = cinfo->err->msg_code == JERR_INPUT_EOF || cinfo->err->msg_code == JERR_INPUT_EMPTY;
    job->status = short_of_data ? thaw_error(THAW_ERR_FORMAT, "truncated: the JPEG's data end early")
                                : thaw_error(THAW_ERR_FORMAT, "not a readable JPEG: %s", message);
    longjmp(job->escape, 1);
}

static void on_message(j_common_ptr cinfo, int level) {
    if (level >= 0) return; /* a trace; other warnings are about data that can still be shown */
    if (cinfo->err->msg_code != JWRN_JPEG_EOF) return;
    jpeg_job *job = cinfo->client_data;
    job->status = thaw_error(THAW_ERR_FORMAT, "truncated: the JPEG's data end early");
    longjmp(job->escape, 1);
}

static void on_progress(j_common_ptr common) {
    j_decompress_ptr cinfo = (j_decompress_ptr)common;
    double pixels = (double)cinfo->image_width * cinfo->image_height;
    if (cinfo->input_scan_number <= SCANS_MAX && cinfo->input_scan_number * pixels <= SCANNED_PIXELS_MAX)
        return;
    jpeg_job *job = cinfo->client_data;
    job->status = thaw_error(THAW_ERR_FORMAT, "a progressive JPEG with more than %d scans; save it again",
                             cinfo->input_scan_number - 1);
    longjmp(job->escape, 1);
}

static void job_attach(jpeg_job *job, struct jpeg_decompress_struct *cinfo) {
    cinfo->err = jpeg_std_error(&job->error);
    job->error.error_exit = on_error;
    job->error.emit_message = on_message;
    job->progress.progress_monitor = on_progress;
    cinfo->client_data = job;
}

static thaw_status check_header(j_decompress_ptr cinfo, size_t count) {
    THAW_TRY(image_check_size(cinfo->image_width, cinfo->image_height));
    uint64_t pixels = (uint64_t)cinfo->image_width * cinfo->image_height;
    if (!cinfo->arith_code && pixels / PIXELS_PER_BYTE_MAX > count)
        return thaw_error(THAW_ERR_FORMAT, "truncated: %zu bytes cannot hold a JPEG of %u x %u pixels", count,
                          cinfo->image_width, cinfo->image_height);
    if (cinfo->num_components != 1 && cinfo->num_components != 3 && cinfo->num_components != 4)
        return thaw_error(THAW_ERR_UNSUPPORTED, "a JPEG with %d colour components; 1, 3 and 4 are read",
                          cinfo->num_components);
    return thaw_ok();
}

/* The largest reduction that leaves the shorter side at least twice WANTED_SIDE. */
static unsigned int choose_scale(j_decompress_ptr cinfo, int wanted_side) {
    unsigned int scale = SCALE_MAX;
    unsigned int shorter =
        cinfo->image_width < cinfo->image_height ? cinfo->image_width : cinfo->image_height;
    while (scale > 1 && (wanted_side <= 0 || shorter / scale < 2u * (unsigned int)wanted_side))
        scale /= 2;
    return scale;
}

static uint8_t scaled(uint8_t value, uint8_t by) {
    unsigned int product = value * by + 128u; /* value * by / 255, rounded */
    return (uint8_t)((product + (product >> 8)) >> 8);
}

/* Adobe writes CMYK inverted (255: no ink), and like Pillow we take every CMYK JPEG for Adobe's. */
static void cmyk_to_rgb(const uint8_t *cmyk, uint8_t *rgb, size_t pixels) {
    for (size_t i = 0; i < pixels; i++, cmyk += 4, rgb += 3)
        for (int c = 0; c < 3; c++)
            rgb[c] = (uint8_t)(cmyk[3] - scaled((uint8_t)(255 - cmyk[c]), cmyk[3]));
}

static thaw_status read_rows(j_decompress_ptr cinfo, jpeg_job *job, const image_wish *wish, image *out) {
    size_t stride = (size_t)out->width * 3;
    bool cmyk = cinfo->out_color_space == JCS_CMYK;
    if (cmyk) job->row = xmalloc((size_t)out->width * 4);
    for (int y = 0; y < out->height; y++) {
        if (image_given_up(wish, y, &job->status)) return job->status;
        uint8_t *rgb = out->rgb + (size_t)y * stride;
        JSAMPROW row = cmyk ? job->row : rgb;
        jpeg_read_scanlines(cinfo, &row, 1);
        if (cmyk) cmyk_to_rgb(job->row, rgb, (size_t)out->width);
    }
    return thaw_ok();
}

static thaw_status read_header(j_decompress_ptr cinfo, jpeg_job *job, const uint8_t *bytes, size_t count) {
    jpeg_create_decompress(cinfo);
    cinfo->progress = &job->progress;
    jpeg_mem_src(cinfo, bytes, count);
    jpeg_read_header(cinfo, TRUE);
    return check_header(cinfo, count);
}

/* Everything between create and destroy. PART comes back as a place in OUT. */
static thaw_status run(j_decompress_ptr cinfo, jpeg_job *job, const uint8_t *bytes, size_t count,
                       const image_wish *wish, image *out, rectangle *part) {
    if (setjmp(job->escape)) return job->status;
    THAW_TRY(read_header(cinfo, job, bytes, count));
    cinfo->out_color_space = cinfo->num_components == 4 ? JCS_CMYK : JCS_RGB;
    cinfo->scale_num = 1;
    cinfo->scale_denom = choose_scale(cinfo, wish->wanted_side);
    jpeg_calc_output_dimensions(cinfo);
    rectangle area = {0, 0, (int)cinfo->output_width, (int)cinfo->output_height};
    *part = wish->choose ? wish->choose(wish->user, area.width, area.height) : area;
    bool all = memcmp(part, &area, sizeof area) == 0 || !jpeg_part_possible(cinfo);
    jpeg_start_decompress(cinfo);
    if (!all) area = jpeg_part_begin(cinfo, *part);
    THAW_TRY(image_alloc(area.width, area.height, out));
    THAW_TRY(read_rows(cinfo, job, wish, out));
    if (all) jpeg_finish_decompress(cinfo); /* else the rest was looked through before */
    part->left -= area.left;
    part->top -= area.top;
    return thaw_ok();
}

thaw_status jpeg_decode(const uint8_t *bytes, size_t count, const image_wish *wish, image *out,
                        rectangle *part) {
    struct jpeg_decompress_struct cinfo = {0};
    jpeg_job job = {0};
    *out = (image){0};
    job_attach(&job, &cinfo);
    thaw_status status = run(&cinfo, &job, bytes, count, wish, out, part);
    jpeg_destroy_decompress(&cinfo);
    free(job.row);
    if (thaw_failed(&status)) image_clear(out);
    return status;
}

static thaw_status probe(j_decompress_ptr cinfo, jpeg_job *job, const uint8_t *bytes, size_t count) {
    if (setjmp(job->escape)) return job->status;
    return read_header(cinfo, job, bytes, count);
}

thaw_status jpeg_probe(const uint8_t *bytes, size_t count, int *width, int *height) {
    struct jpeg_decompress_struct cinfo = {0};
    jpeg_job job = {0};
    job_attach(&job, &cinfo);
    thaw_status status = probe(&cinfo, &job, bytes, count);
    *width = (int)cinfo.image_width;
    *height = (int)cinfo.image_height;
    jpeg_destroy_decompress(&cinfo);
    return status;
}
