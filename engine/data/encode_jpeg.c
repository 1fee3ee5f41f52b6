/*
 * encode_jpeg.c - RGB to JPEG, for the pictures that thaw draws itself.
 *
 * Chroma is not subsampled: the drawn pictures are as small as 32 x 32 and their shapes are told apart by
 * colour edges.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include "engine/base/file.h"
#include "engine/data/decode.h"

typedef struct encode_job {
    struct jpeg_error_mgr error;
    jmp_buf escape;
    thaw_status status;
    unsigned char *bytes; /* libjpeg's, by malloc */
    unsigned long count;
} encode_job;

static void on_error(j_common_ptr cinfo) {
    encode_job *job = cinfo->client_data;
    char message[JMSG_LENGTH_MAX];
    cinfo->err->format_message(cinfo, message);
    job->status =
        thaw_error(THAW_ERR_FORMAT, "cannot make a JPEG: %s; choose another name or quality", message);
    longjmp(job->escape, 1);
}

static void on_message(j_common_ptr cinfo, int level) {
    (void)cinfo;
    (void)level;
}

static thaw_status run(j_compress_ptr cinfo, encode_job *job, const image *im, int quality) {
    if (setjmp(job->escape)) return job->status;
    jpeg_create_compress(cinfo);
    jpeg_mem_dest(cinfo, &job->bytes, &job->count);
    cinfo->image_width = (JDIMENSION)im->width;
    cinfo->image_height = (JDIMENSION)im->height;
    cinfo->input_components = 3;
    cinfo->in_color_space = JCS_RGB;
    jpeg_set_defaults(cinfo);
    jpeg_set_quality(cinfo, quality, TRUE);
    for (int c = 0; c < cinfo->num_components; c++)
        cinfo->comp_info[c].h_samp_factor = cinfo->comp_info[c].v_samp_factor = 1;
    jpeg_start_compress(cinfo, TRUE);
    while (cinfo->next_scanline < cinfo->image_height) {
        JSAMPROW row = im->rgb + (size_t)cinfo->next_scanline * (size_t)im->width * 3;
        jpeg_write_scanlines(cinfo, &row, 1);
    }
    jpeg_finish_compress(cinfo);
    return thaw_ok();
}

thaw_status jpeg_encode(const image *im, int quality, uint8_t **out, size_t *out_count) {
    struct jpeg_compress_struct cinfo = {0};
    encode_job job = {0};
    THAW_TRY(image_check_size(im->width, im->height));
    cinfo.err = jpeg_std_error(&job.error);
    job.error.error_exit = on_error;
    job.error.emit_message = on_message;
    cinfo.client_data = &job;
    thaw_status status = run(&cinfo, &job, im, quality);
    jpeg_destroy_compress(&cinfo);
    if (thaw_failed(&status)) {
        free(job.bytes);
        return status;
    }
    *out = job.bytes;
    *out_count = job.count;
    return thaw_ok();
}

thaw_status image_write_jpeg(const char *path, const image *im, int quality) {
    uint8_t *bytes;
    size_t count;
    THAW_TRY(thaw_status_prefix(jpeg_encode(im, quality, &bytes, &count), "%s", path));
    thaw_status status = file_replace(path, bytes, count);
    free(bytes);
    return status;
}
