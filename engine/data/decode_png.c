/*
 * decode_png.c - PNG through libpng, giving the bytes that Pillow's convert("RGB") gives.
 *
 * Palettes are looked up, alpha and transparency are dropped (not blended), low bit depths are stretched,
 * 16 bits keep their high byte; colour profiles and gamma are ignored, as the pretrained networks' authors
 * ignored them. What follows the last row is not looked at, so a missing IEND is no error.
 */
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "engine/base/alloc.h"
#include "engine/data/decode.h"

enum {
    DEFLATE_RATIO_MAX = 1032,  /* of any zlib stream */
    CHUNK_BYTES_MAX = 8 << 20, /* of an ancillary chunk, unpacked */
    CHUNKS_MAX = 1000,
    IHDR_END = 33,
};

typedef struct png_job {
    png_structp png;
    png_infop info;
    const uint8_t *bytes;
    size_t count, position;
    thaw_status status;
} png_job;

static void on_error(png_structp png, png_const_charp message) {
    png_job *job = png_get_error_ptr(png);
    if (!thaw_failed(&job->status))
        job->status = thaw_error(THAW_ERR_FORMAT, "not a readable PNG: %s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static void on_read(png_structp png, png_bytep out, size_t wanted) {
    png_job *job = png_get_io_ptr(png);
    if (wanted > job->count - job->position) {
        job->status = thaw_error(THAW_ERR_FORMAT, "truncated: the PNG's data end early");
        png_error(png, "truncated");
    }
    memcpy(out, job->bytes + job->position, wanted);
    job->position += wanted;
}

static thaw_status check_header(png_job *job) {
    uint64_t width = png_get_image_width(job->png, job->info);
    uint64_t height = png_get_image_height(job->png, job->info);
    THAW_TRY(image_check_size((int64_t)width, (int64_t)height));
    if (png_get_rowbytes(job->png, job->info) * height / DEFLATE_RATIO_MAX > job->count)
        return thaw_error(THAW_ERR_FORMAT, "truncated: %zu bytes cannot hold a PNG of %d x %d pixels",
                          job->count, (int)width, (int)height);
    return thaw_ok();
}

/* How often the rows are gone through: more than once for an interlaced picture. */
static int ask_for_rgb(png_job *job) {
    png_byte colour = png_get_color_type(job->png, job->info);
    if (colour == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(job->png);
    if (colour == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(job->png);
    png_set_strip_16(job->png);
    png_set_strip_alpha(job->png);
    png_set_gray_to_rgb(job->png);
    int passes = png_set_interlace_handling(job->png);
    png_read_update_info(job->png, job->info);
    return passes;
}

static thaw_status read_rows(png_job *job, int passes, const image_wish *wish, image *out) {
    size_t stride = (size_t)out->width * 3;
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < out->height; y++) {
            if (image_given_up(wish, y, &job->status)) return job->status;
            png_read_row(job->png, out->rgb + (size_t)y * stride, NULL);
        }
    return thaw_ok();
}

static thaw_status run(png_job *job, const image_wish *wish, image *out) {
    if (setjmp(png_jmpbuf(job->png))) return job->status;
    png_set_user_limits(job->png, IMAGE_SIDE_MAX, IMAGE_SIDE_MAX);
    png_set_chunk_malloc_max(job->png, CHUNK_BYTES_MAX);
    png_set_chunk_cache_max(job->png, CHUNKS_MAX);
    png_set_read_fn(job->png, job, on_read);
    png_read_info(job->png, job->info);
    THAW_TRY(check_header(job));
    int passes = ask_for_rgb(job);
    THAW_TRY(image_alloc(png_get_image_width(job->png, job->info), png_get_image_height(job->png, job->info),
                         out));
    if (png_get_rowbytes(job->png, job->info) != (size_t)out->width * 3)
        return thaw_error(THAW_ERR_UNSUPPORTED, "a PNG whose pixels do not reduce to RGB; save it as RGB");
    return read_rows(job, passes, wish, out);
}

thaw_status png_decode(const uint8_t *bytes, size_t count, const image_wish *wish, image *out) {
    png_job job = {.bytes = bytes, .count = count, .status = thaw_ok()};
    *out = (image){0};
    job.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &job, on_error, on_warning);
    if (!job.png)
        return thaw_error(
            THAW_ERR_UNSUPPORTED,
            "libpng does not start: it is not the version thaw was built with; run make clean and make");
    job.info = png_create_info_struct(job.png);
    thaw_status status =
        job.info ? run(&job, wish, out)
                 : thaw_error(THAW_ERR_UNSUPPORTED, "libpng does not start: no memory; close other programs");
    png_destroy_read_struct(&job.png, &job.info, NULL);
    if (thaw_failed(&status)) image_clear(out);
    return status;
}

thaw_status png_probe(const uint8_t *bytes, size_t count, int *width, int *height) {
    if (count < IHDR_END || memcmp(bytes + 12, "IHDR", 4) != 0)
        return thaw_error(THAW_ERR_FORMAT, "truncated: the PNG ends inside its header");
    const uint8_t *w = bytes + 16, *h = bytes + 20;
    int64_t wide = (int64_t)w[0] << 24 | w[1] << 16 | w[2] << 8 | w[3];
    int64_t high = (int64_t)h[0] << 24 | h[1] << 16 | h[2] << 8 | h[3];
    THAW_TRY(image_check_size(wide, high));
    *width = (int)wide;
    *height = (int)high;
    return thaw_ok();
}
