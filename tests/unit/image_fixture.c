/*
 * image_fixture.c - see image_fixture.h.
 */
#include "image_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jpeglib.h>
#include <png.h>
#include <webp/encode.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"

void fix_picture(image *im, int width, int height, int salt) {
    *im = (image){.width = width, .height = height};
    im->rgb = xmalloc((size_t)width * (size_t)height * 3);
    uint8_t *p = im->rgb;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++, p += 3) {
            int block = (x / 5 + y / 7 + salt) % 3;
            p[0] = (uint8_t)(x * 5 + salt * 31);
            p[1] = (uint8_t)(y * 4 + block * 60);
            p[2] = (uint8_t)(x + y * 2 + block * 90);
        }
}

static void put_number(str *s, uint32_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; i--) {
        char byte = (char)(value >> (8 * i));
        str_append_n(s, &byte, 1);
    }
}

/* A TIFF of one directory with a long description and the orientation, big-endian. */
static void put_exif(str *s, int orientation) {
    str_append_n(s, "MM\0*", 4);
    put_number(s, 8, 4);
    put_number(s, 2, 2);
    put_number(s, 0x0110, 2); /* model: ASCII, 4 bytes in place */
    put_number(s, 2, 2);
    put_number(s, 4, 4);
    str_append_n(s, "abc", 4);
    put_number(s, 0x0112, 2);
    put_number(s, 3, 2);
    put_number(s, 1, 4);
    put_number(s, (uint32_t)orientation, 2);
    put_number(s, 0, 2);
    put_number(s, 0, 4);
}

/* ---- JPEG */

static void choose_colours(struct jpeg_compress_struct *cinfo, const fix_jpeg_options *o) {
    cinfo->input_components = o->components ? o->components : 3;
    cinfo->in_color_space = o->components == 1 ? JCS_GRAYSCALE : o->components == 4 ? JCS_CMYK : JCS_RGB;
    jpeg_set_defaults(cinfo);
    if (o->adobe_ycck) jpeg_set_colorspace(cinfo, JCS_YCCK);
    if (o->progressive) jpeg_simple_progression(cinfo);
    for (int c = 0; !o->subsampled && c < cinfo->num_components; c++)
        cinfo->comp_info[c].h_samp_factor = cinfo->comp_info[c].v_samp_factor = 1;
    if (o->rows_kept) cinfo->comp_info[0].v_samp_factor = 1;
    cinfo->restart_interval = (unsigned int)o->restart;
    jpeg_set_quality(cinfo, o->quality ? o->quality : 95, TRUE);
}

/* A row in the components of the file: grey is red, CMYK is (inverted, as Adobe has it) RGB with full key. */
static void convert_row(const uint8_t *rgb, int width, int components, uint8_t *row) {
    for (int x = 0; x < width; x++, rgb += 3) {
        if (components == 1) {
            row[x] = rgb[0];
            continue;
        }
        memcpy(row + x * components, rgb, 3);
        if (components == 4) row[x * 4 + 3] = 255;
    }
}

void fix_jpeg(str *out, const image *im, fix_jpeg_options options) {
    struct jpeg_compress_struct cinfo = {0};
    struct jpeg_error_mgr error;
    unsigned char *bytes = NULL;
    unsigned long count = 0;
    cinfo.err = jpeg_std_error(&error);
    jpeg_create_compress(&cinfo);
    jpeg_mem_dest(&cinfo, &bytes, &count);
    cinfo.image_width = (JDIMENSION)im->width;
    cinfo.image_height = (JDIMENSION)im->height;
    choose_colours(&cinfo, &options);
    jpeg_start_compress(&cinfo, TRUE);
    if (options.orientation) {
        str exif = {0};
        str_append_n(&exif, "Exif\0", 6);
        put_exif(&exif, options.orientation);
        jpeg_write_marker(&cinfo, JPEG_APP0 + 1, (const JOCTET *)exif.data, (unsigned int)exif.length);
        str_clear(&exif);
    }
    uint8_t *row = xmalloc((size_t)im->width * 4);
    while (cinfo.next_scanline < cinfo.image_height) {
        convert_row(im->rgb + (size_t)cinfo.next_scanline * (size_t)im->width * 3, im->width,
                    cinfo.input_components, row);
        jpeg_write_scanlines(&cinfo, &row, 1);
    }
    free(row);
    jpeg_finish_compress(&cinfo);
    jpeg_destroy_compress(&cinfo);
    str_append_n(out, (const char *)bytes, count);
    free(bytes);
}

/* ---- PNG */

static const struct {
    int colour, depth, bits; /* bits a pixel */
} png_kinds[] = {
    [PNG_RGB] = {PNG_COLOR_TYPE_RGB, 8, 24},        [PNG_RGBA] = {PNG_COLOR_TYPE_RGBA, 8, 32},
    [PNG_GREY] = {PNG_COLOR_TYPE_GRAY, 8, 8},       [PNG_GREY_1] = {PNG_COLOR_TYPE_GRAY, 1, 1},
    [PNG_GREY_ALPHA] = {PNG_COLOR_TYPE_GA, 8, 16},  [PNG_RGB_16] = {PNG_COLOR_TYPE_RGB, 16, 48},
    [PNG_PALETTE] = {PNG_COLOR_TYPE_PALETTE, 8, 8},
};

static void write_bytes(png_structp png, png_bytep bytes, size_t count) {
    str_append_n(png_get_io_ptr(png), (const char *)bytes, count);
}

static void flush_nothing(png_structp png) {
    (void)png;
}

static void png_pixel(const uint8_t *rgb, int x, fix_png_kind kind, uint8_t *row) {
    switch (kind) {
    case PNG_RGB:
        memcpy(row + x * 3, rgb, 3);
        break;
    case PNG_RGBA:
        memcpy(row + x * 4, rgb, 3);
        row[x * 4 + 3] = (uint8_t)(x * 40); /* dropped by the reader, not blended */
        break;
    case PNG_GREY:
    case PNG_PALETTE:
        row[x] = rgb[0];
        break;
    case PNG_GREY_1:
        if (rgb[0] > 127) row[x / 8] |= (uint8_t)(0x80 >> x % 8);
        break;
    case PNG_GREY_ALPHA:
        row[x * 2] = rgb[0];
        row[x * 2 + 1] = (uint8_t)(x * 40);
        break;
    case PNG_RGB_16:
        for (int c = 0; c < 3; c++) {
            row[x * 6 + c * 2] = rgb[c];
            row[x * 6 + c * 2 + 1] = (uint8_t)(x * 77); /* the low byte */
        }
        break;
    }
}

/* Entry i is (i, 255 - i, i / 2), and entry 0 see-through. */
static void write_palette(png_structp png, png_infop info) {
    png_color palette[256];
    png_byte clear = 0;
    for (int i = 0; i < 256; i++)
        palette[i] = (png_color){(png_byte)i, (png_byte)(255 - i), (png_byte)(i / 2)};
    png_set_PLTE(png, info, palette, 256);
    png_set_tRNS(png, info, &clear, 1, NULL);
}

void fix_png(str *out, const image *im, fix_png_kind kind, bool interlaced, int orientation) {
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    if (setjmp(png_jmpbuf(png))) fail_msg("libpng cannot write the fixture");
    png_set_write_fn(png, out, write_bytes, flush_nothing);
    png_set_IHDR(png, info, (png_uint_32)im->width, (png_uint_32)im->height, png_kinds[kind].depth,
                 png_kinds[kind].colour, interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (kind == PNG_PALETTE) write_palette(png, info);
    str exif = {0};
    if (orientation) {
        put_exif(&exif, orientation);
        png_set_eXIf_1(png, info, (png_uint_32)exif.length, (png_bytep)exif.data);
    }
    png_write_info(png, info);
    size_t stride = ((size_t)im->width * (size_t)png_kinds[kind].bits + 7) / 8;
    uint8_t *pixels = xcalloc((size_t)im->height, stride);
    png_bytep *row = xcalloc((size_t)im->height, sizeof *row);
    for (int y = 0; y < im->height; y++) {
        row[y] = pixels + (size_t)y * stride;
        for (int x = 0; x < im->width; x++)
            png_pixel(im->rgb + ((size_t)y * (size_t)im->width + (size_t)x) * 3, x, kind, row[y]);
    }
    png_write_image(png, row);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    free(row);
    free(pixels);
    str_clear(&exif);
}

/* ---- WebP */

static void put_little(str *s, uint32_t value) {
    for (int i = 0; i < 4; i++) {
        char byte = (char)(value >> (8 * i));
        str_append_n(s, &byte, 1);
    }
}

/* The extended layout: a VP8X chunk that announces EXIF, the picture's own chunk, the EXIF chunk. */
static void put_extended(str *out, const uint8_t *simple, size_t count, const image *im, int orientation) {
    str exif = {0}, body = {0};
    put_exif(&exif, orientation);
    str_append(&body, "WEBPVP8X");
    put_little(&body, 10);
    put_little(&body, 8); /* flags: EXIF */
    uint32_t w = (uint32_t)im->width - 1, h = (uint32_t)im->height - 1;
    char size[6] = {(char)w, (char)(w >> 8), (char)(w >> 16), (char)h, (char)(h >> 8), (char)(h >> 16)};
    str_append_n(&body, size, sizeof size);
    str_append_n(&body, (const char *)simple + 12, count - 12);
    str_append(&body, "EXIF");
    put_little(&body, (uint32_t)exif.length);
    str_append_n(&body, exif.data, exif.length);
    if (exif.length % 2) str_append_n(&body, "", 1);
    str_append(out, "RIFF");
    put_little(out, (uint32_t)body.length);
    str_append_n(out, body.data, body.length);
    str_clear(&exif);
    str_clear(&body);
}

void fix_webp(str *out, const image *im, bool lossless, int orientation) {
    uint8_t *bytes = NULL;
    size_t count = lossless ? WebPEncodeLosslessRGB(im->rgb, im->width, im->height, im->width * 3, &bytes)
                            : WebPEncodeRGB(im->rgb, im->width, im->height, im->width * 3, 80, &bytes);
    assert_true(count > 0);
    if (orientation)
        put_extended(out, bytes, count, im, orientation);
    else
        str_append_n(out, (const char *)bytes, count);
    WebPFree(bytes);
}

/* ---- files */

void fix_write(const char *path, const void *bytes, size_t count) {
    char *folder = xstrndup(path, (size_t)(path_base(path) - path));
    if (folder[0]) {
        thaw_status made = path_make_directory(folder);
        assert_string_equal(made.message, "");
    }
    free(folder);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}

void fix_write_picture(const char *path, int width, int height, int salt) {
    image im;
    str bytes = {0};
    fix_picture(&im, width, height, salt);
    fix_jpeg(&bytes, &im, (fix_jpeg_options){0});
    fix_write(path, bytes.data, bytes.length);
    str_clear(&bytes);
    image_clear(&im);
}
