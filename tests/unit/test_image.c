/*
 * test_image.c - decoding: what each format becomes, which way up, and that nothing a stranger sends does
 * harm.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/rng.h"
#include "engine/data/decode.h"
#include "image_fixture.h"

static thaw_status decode(const str *bytes, image *out) {
    return image_decode((const uint8_t *)bytes->data, bytes->length, 0, out);
}

static void must_decode(const str *bytes, image *out) {
    thaw_status status = decode(bytes, out);
    assert_string_equal(status.message, "");
}

static void assert_says(thaw_status status, const char *word) {
    if (!thaw_failed(&status)) fail_msg("no error, expected: %s", word);
    if (!strstr(status.message, word)) fail_msg("\"%s\" is not in: %s", word, status.message);
}

static int largest_difference(const image *a, const image *b) {
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    int largest = 0;
    for (size_t i = 0; i < (size_t)a->width * (size_t)a->height * 3; i++)
        if (abs(a->rgb[i] - b->rgb[i]) > largest) largest = abs(a->rgb[i] - b->rgb[i]);
    return largest;
}

static void content_decides_the_format(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t count;
        const char *name;
    } heads[] = {
        {"\xFF\xD8\xFF\xE0", 4, "JPEG"},
        {"\x89PNG\r\n\x1A\n", 8, "PNG"},
        {"RIFF\0\0\0\0WEBPVP8 ", 16, "WebP"},
        {"GIF89a", 6, "GIF"},
        {"BM1234", 6, "BMP"},
        {"II*\0", 4, "TIFF"},
        {"MM\0*", 4, "TIFF"},
        {"\0\0\0\x18"
         "ftypheic",
         12, "HEIC"},
        {"\0\0\0\x18"
         "ftypavif",
         12, "AVIF"},
        {"RIFF\0\0\0\0WAVEfmt ", 16, "unknown"},
        {"hello, world", 12, "unknown"},
        {"\xFF\xD8", 2, "unknown"},
        {"", 0, "unknown"},
    };
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        assert_string_equal(image_format_name(image_sniff((const uint8_t *)heads[i].bytes, heads[i].count)),
                            heads[i].name);
}

static void lossless_formats_give_back_the_very_pixels(void **state) {
    (void)state;
    image im, got;
    fix_picture(&im, 37, 23, 1);
    for (int i = 0; i < 5; i++) {
        str bytes = {0};
        if (i == 4)
            fix_webp(&bytes, &im, true, 0);
        else
            fix_png(&bytes, &im, i < 2 ? PNG_RGB : i == 2 ? PNG_RGBA : PNG_RGB_16, i == 1, 0);
        must_decode(&bytes, &got);
        assert_int_equal(largest_difference(&im, &got), 0);
        image_clear(&got);
        str_clear(&bytes);
    }
    image_clear(&im);
}

static void grey_and_palette_pngs_become_rgb(void **state) {
    (void)state;
    static const fix_png_kind kinds[] = {PNG_GREY, PNG_GREY_1, PNG_GREY_ALPHA, PNG_PALETTE};
    image im, got;
    fix_picture(&im, 19, 8, 2);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        str bytes = {0};
        fix_png(&bytes, &im, kinds[k], k % 2, 0);
        must_decode(&bytes, &got);
        for (size_t i = 0; i < 19 * 8; i++) {
            int red = im.rgb[i * 3];
            int want[3] = {red, red, red};
            if (kinds[k] == PNG_GREY_1) want[0] = want[1] = want[2] = red > 127 ? 255 : 0;
            if (kinds[k] == PNG_PALETTE) {
                want[1] = 255 - red;
                want[2] = red / 2;
            }
            for (int c = 0; c < 3; c++)
                assert_int_equal(got.rgb[i * 3 + (size_t)c], want[c]);
        }
        image_clear(&got);
        str_clear(&bytes);
    }
    image_clear(&im);
}

static void jpegs_of_every_kind_come_close_to_what_was_written(void **state) {
    (void)state;
    static const fix_jpeg_options kinds[] = {
        {.components = 3},
        {.components = 3, .progressive = true},
        {.components = 4},                     /* CMYK */
        {.components = 4, .adobe_ycck = true}, /* and as Photoshop writes it */
    };
    image im, got;
    fix_picture(&im, 40, 30, 3);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        str bytes = {0};
        fix_jpeg_options options = kinds[k];
        options.quality = 100;
        fix_jpeg(&bytes, &im, options);
        must_decode(&bytes, &got);
        assert_in_range(largest_difference(&im, &got), 0, 6);
        image_clear(&got);
        str_clear(&bytes);
    }
    str grey = {0};
    fix_jpeg(&grey, &im, (fix_jpeg_options){.components = 1, .quality = 100});
    must_decode(&grey, &got);
    for (size_t i = 0; i < 40 * 30; i++) {
        assert_in_range(abs(got.rgb[i * 3] - im.rgb[i * 3]), 0, 4);
        assert_int_equal(got.rgb[i * 3], got.rgb[i * 3 + 1]);
        assert_int_equal(got.rgb[i * 3], got.rgb[i * 3 + 2]);
    }
    image_clear(&got);
    str_clear(&grey);
    image_clear(&im);
}

/* What a viewer shows at (x, y) of a picture stored as IM under each orientation. */
static const uint8_t *shown(const image *im, int orientation, int x, int y) {
    int w = im->width, h = im->height, column = 0, row = 0;
    switch (orientation) {
    case 1:
        column = x, row = y;
        break;
    case 2:
        column = w - 1 - x, row = y;
        break;
    case 3:
        column = w - 1 - x, row = h - 1 - y;
        break;
    case 4:
        column = x, row = h - 1 - y;
        break;
    case 5:
        column = y, row = x;
        break;
    case 6:
        column = y, row = h - 1 - x;
        break;
    case 7:
        column = w - 1 - y, row = h - 1 - x;
        break;
    case 8:
        column = w - 1 - y, row = x;
        break;
    }
    return im->rgb + ((size_t)row * (size_t)w + (size_t)column) * 3;
}

static void pictures_are_turned_upright(void **state) {
    (void)state;
    image im, got;
    fix_picture(&im, 11, 6, 4);
    for (int orientation = 1; orientation <= 8; orientation++) {
        for (int format = 0; format < 2; format++) {
            str bytes = {0};
            int width, height;
            if (format)
                fix_webp(&bytes, &im, true, orientation);
            else
                fix_png(&bytes, &im, PNG_RGB, false, orientation);
            must_decode(&bytes, &got);
            assert_int_equal(got.width, orientation >= 5 ? 6 : 11);
            assert_int_equal(got.height, orientation >= 5 ? 11 : 6);
            for (int y = 0; y < got.height; y++)
                for (int x = 0; x < got.width; x++)
                    assert_memory_equal(got.rgb + (y * got.width + x) * 3, shown(&im, orientation, x, y), 3);
            thaw_status probed = image_probe((const uint8_t *)bytes.data, bytes.length, &width, &height);
            assert_string_equal(probed.message, "");
            assert_int_equal(width, got.width);
            assert_int_equal(height, got.height);
            image_clear(&got);
            str_clear(&bytes);
        }
    }
    str plain = {0}, turned = {0}; /* JPEG keeps its EXIF elsewhere */
    image upright;
    fix_jpeg(&plain, &im, (fix_jpeg_options){0});
    fix_jpeg(&turned, &im, (fix_jpeg_options){.orientation = 6});
    must_decode(&plain, &upright);
    must_decode(&turned, &got);
    for (int y = 0; y < got.height; y++)
        for (int x = 0; x < got.width; x++)
            assert_memory_equal(got.rgb + (y * got.width + x) * 3, shown(&upright, 6, x, y), 3);
    image_clear(&got);
    image_clear(&upright);
    image_clear(&im);
    str_clear(&plain);
    str_clear(&turned);
}

static void a_damaged_exif_block_does_not_cost_the_picture(void **state) {
    (void)state;
    image im, got;
    str bytes = {0};
    fix_picture(&im, 9, 5, 5);
    fix_jpeg(&bytes, &im, (fix_jpeg_options){.orientation = 6});
    size_t tiff = 2; /* damage each byte of the block in turn */
    while (memcmp(bytes.data + tiff, "MM\0*", 4) != 0)
        tiff++;
    for (size_t i = tiff; i < tiff + 38; i++) {
        char kept = bytes.data[i];
        bytes.data[i] = (char)0xFF;
        must_decode(&bytes, &got);
        assert_int_equal(got.width * got.height, 45);
        image_clear(&got);
        bytes.data[i] = kept;
    }
    str_clear(&bytes);
    image_clear(&im);
}

static void large_jpegs_are_decoded_at_a_fraction_on_request(void **state) {
    (void)state;
    image im, got;
    str bytes = {0};
    fix_picture(&im, 800, 400, 6);
    fix_jpeg(&bytes, &im, (fix_jpeg_options){0});
    static const int wanted[][2] = {{25, 8}, {26, 4}, {50, 4}, {51, 2}, {100, 2}, {101, 1}, {500, 1}, {0, 1}};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        thaw_status status = image_decode((const uint8_t *)bytes.data, bytes.length, wanted[i][0], &got);
        assert_string_equal(status.message, "");
        assert_int_equal(got.width, 800 / wanted[i][1]);
        assert_int_equal(got.height, 400 / wanted[i][1]);
        image_clear(&got);
    }
    str_clear(&bytes);
    image_clear(&im);
}

/* ---- a part of a picture */

typedef struct wanted_part {
    rectangle part;
    int width, height; /* what was asked with */
} wanted_part;

static rectangle choose_part(void *user, int width, int height) {
    wanted_part *w = user;
    w->width = width;
    w->height = height;
    bool inside = w->part.left + w->part.width <= width && w->part.top + w->part.height <= height;
    return inside ? w->part : (rectangle){0, 0, width, height}; /* the damage may be in the size */
}

static thaw_status decode_part(const str *bytes, int wanted_side, wanted_part *w, image *out, rectangle *at) {
    image_wish wish = {.wanted_side = wanted_side, .choose = choose_part, .user = w};
    return image_decode_part((const uint8_t *)bytes->data, bytes->length, &wish, out, at);
}

/* The part of BYTES alone, against the same part of WHOLE. Returns how many pixels were decoded. */
static int compare_part(const str *bytes, int wanted_side, const image *whole, rectangle part) {
    image got;
    rectangle at;
    wanted_part w = {.part = part};
    thaw_status status = decode_part(bytes, wanted_side, &w, &got, &at);
    assert_string_equal(status.message, "");
    assert_int_equal(w.width, whole->width);
    assert_int_equal(w.height, whole->height);
    assert_int_equal(at.width, part.width);
    assert_int_equal(at.height, part.height);
    assert_in_range(at.left, 0, got.width - at.width);
    assert_in_range(at.top, 0, got.height - at.height);
    for (int y = 0; y < part.height; y++)
        assert_memory_equal(got.rgb + ((at.top + y) * got.width + at.left) * 3,
                            whole->rgb + ((part.top + y) * whole->width + part.left) * 3,
                            (size_t)part.width * 3);
    int pixels = got.width * got.height;
    image_clear(&got);
    return pixels;
}

/* Parts at every edge and of every alignment, down to one pixel. Returns the fewest pixels decoded. */
static int compare_parts(const str *bytes, int wanted_side) {
    image whole;
    int fewest = INT32_MAX;
    thaw_status status = image_decode((const uint8_t *)bytes->data, bytes->length, wanted_side, &whole);
    assert_string_equal(status.message, "");
    rng r = rng_keyed(0, RNG_TEST, 0, bytes->length);
    for (int i = 0; i < 150; i++) {
        int w = whole.width, h = whole.height;
        rectangle part = {(int)rng_below(&r, (uint64_t)w), (int)rng_below(&r, (uint64_t)h), 1, 1};
        if (i % 3) part.width += (int)rng_below(&r, (uint64_t)(w - part.left));
        if (i % 3) part.height += (int)rng_below(&r, (uint64_t)(h - part.top));
        if (i % 5 == 0) part.width = w - part.left;
        if (i % 7 == 0) part.height = h - part.top;
        if (i == 0) part = (rectangle){0, 0, w, h};
        int pixels = compare_part(bytes, wanted_side, &whole, part);
        if (pixels < fewest) fewest = pixels;
    }
    image_clear(&whole);
    return fewest;
}

static void a_part_is_what_the_whole_has_there(void **state) {
    (void)state;
    static const fix_jpeg_options kinds[] = {
        {0},
        {.subsampled = true},
        {.subsampled = true, .rows_kept = true},
        {.subsampled = true, .restart = 3},
        {.subsampled = true, .progressive = true},
        {.progressive = true, .restart = 2},
        {.components = 1},
        {.components = 4},
        {.components = 4, .adobe_ycck = true, .subsampled = true},
    };
    static const int sizes[][2] = {{150, 131}, {64, 48}, {33, 17}, {1, 90}, {90, 1}, {1, 1}};
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            image im;
            str bytes = {0};
            fix_picture(&im, sizes[i][0], sizes[i][1], (int)k);
            fix_jpeg(&bytes, &im, kinds[k]);
            int fewest = compare_parts(&bytes, 0);
            if (i == 0) assert_in_range(fewest, 1, 32 * 32); /* and not by decoding it all */
            if (i == 0) compare_parts(&bytes, 30);           /* at a half */
            if (i == 0) compare_parts(&bytes, 8);            /* at an eighth */
            str_clear(&bytes);
            image_clear(&im);
        }
}

static void a_part_of_a_turned_picture_is_found(void **state) {
    (void)state;
    image im;
    fix_picture(&im, 77, 45, 1);
    for (int orientation = 1; orientation <= 8; orientation++) {
        str jpeg = {0}, png = {0}, webp = {0};
        fix_jpeg(&jpeg, &im, (fix_jpeg_options){.orientation = orientation, .subsampled = true});
        fix_png(&png, &im, PNG_RGB, false, orientation);
        fix_webp(&webp, &im, true, orientation);
        assert_in_range(compare_parts(&jpeg, 0), 1, 32 * 32);
        compare_parts(&png, 0);
        compare_parts(&webp, 0);
        str_clear(&jpeg);
        str_clear(&png);
        str_clear(&webp);
    }
    image_clear(&im);
}

/* Where the last scans are missing libjpeg smooths, across more than the margin. */
static void a_part_of_an_unfinished_progressive_jpeg_is_the_same(void **state) {
    (void)state;
    image im;
    str bytes = {0}, cut = {0};
    fix_picture(&im, 150, 131, 2);
    fix_jpeg(&bytes, &im, (fix_jpeg_options){.progressive = true, .subsampled = true});
    size_t second = 0;
    for (int scans = 0; scans < 2; second++)
        scans += (uint8_t)bytes.data[second] == 0xFF && (uint8_t)bytes.data[second + 1] == 0xDA;
    str_append_n(&cut, bytes.data, second - 1);
    str_append_n(&cut, "\xFF\xD9", 2);
    compare_parts(&cut, 0);
    str_clear(&bytes);
    str_clear(&cut);
    image_clear(&im);
}

/* Whether a file counts as readable must not depend on the part: a run would lose other images than its
 * repetition. */
static void a_damaged_file_is_refused_for_any_part_or_for_none(void **state) {
    (void)state;
    static const fix_jpeg_options kinds[] = {
        {.subsampled = true}, {.restart = 1}, {.progressive = true}, {.components = 1}};
    static const rectangle parts[] = {{0, 0, 40, 8}, {5, 24, 20, 7}, {39, 31, 1, 1}};
    static const char damage[] = {0, (char)0xFF, (char)0xC0, (char)0xD9, (char)0xDA, 0x55};
    int refused = 0, read = 0;
    image im;
    fix_picture(&im, 40, 32, 3);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        str bytes = {0};
        fix_jpeg(&bytes, &im, kinds[k]);
        for (size_t i = 2; i < bytes.length; i++) {
            char kept = bytes.data[i];
            size_t length = bytes.length;
            bytes.data[i] = damage[i % sizeof damage];
            if (i % 5 == 0) bytes.length = i; /* or the rest is missing */
            image whole, got;
            rectangle at;
            thaw_status all = image_decode((const uint8_t *)bytes.data, bytes.length, 0, &whole);
            for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
                wanted_part w = {.part = parts[p]};
                thaw_status one = decode_part(&bytes, 0, &w, &got, &at);
                assert_string_equal(one.message, all.message);
                bool large = !thaw_failed(&all) && whole.width >= 40 && whole.height >= 32;
                if (large) compare_part(&bytes, 0, &whole, parts[p]);
                image_clear(&got);
            }
            refused += thaw_failed(&all);
            read += !thaw_failed(&all);
            image_clear(&whole);
            bytes.data[i] = kept;
            bytes.length = length;
        }
        str_clear(&bytes);
    }
    assert_true(refused > 100 && read > 100);
    image_clear(&im);
}

/* Each format, small, for the tests that damage them. */
static void make_format(int which, str *out) {
    image im;
    fix_picture(&im, 17, 13, 7);
    switch (which) {
    case 0:
        fix_jpeg(out, &im, (fix_jpeg_options){.orientation = 3, .subsampled = true});
        break;
    case 1:
        fix_jpeg(out, &im, (fix_jpeg_options){.progressive = true});
        break;
    case 2:
        fix_png(out, &im, PNG_RGB, false, 6);
        break;
    case 3:
        fix_png(out, &im, PNG_PALETTE, true, 0);
        break;
    case 4:
        fix_webp(out, &im, true, 5);
        break;
    case 5:
        fix_webp(out, &im, false, 0);
        break;
    case 6:
        fix_jpeg(out, &im, (fix_jpeg_options){.components = 4, .adobe_ycck = true});
        break;
    }
    image_clear(&im);
}
enum { FORMATS = 7 };

/* Decode from an allocation of just this size, so that a sanitizer sees one byte too many. */
static thaw_status decode_exactly(const char *bytes, size_t count) {
    uint8_t *copy = xmalloc(count);
    image im;
    int width, height;
    memcpy(copy, bytes, count);
    thaw_status status = image_decode(copy, count, 0, &im);
    if (thaw_failed(&status)) {
        assert_null(im.rgb);
        assert_true(status.message[0] != '\0');
    }
    image_clear(&im);
    thaw_status probed = image_probe(copy, count, &width, &height);
    assert_true(thaw_failed(&probed) || (width > 0 && height > 0));
    free(copy);
    return status;
}

static void a_file_cut_anywhere_is_an_error(void **state) {
    (void)state;
    for (int which = 0; which < FORMATS; which++) {
        str bytes = {0};
        make_format(which, &bytes);
        thaw_status whole = decode_exactly(bytes.data, bytes.length);
        assert_string_equal(whole.message, "");
        /* After a PNG's last row come a checksum and IEND; after a WebP's picture its EXIF. */
        size_t needed = which == 2 || which == 3 ? bytes.length - 32 : bytes.length;
        for (size_t count = 0; count < bytes.length; count++) {
            thaw_status status = decode_exactly(bytes.data, count);
            if (count < needed && which != 4 && !thaw_failed(&status))
                fail_msg("format %d cut to %zu of %zu bytes was read", which, count, bytes.length);
        }
        str_clear(&bytes);
    }
}

/* Says yes LEFT times. */
static bool some_more(void *left) {
    return (*(int *)left)-- > 0;
}

static void decoding_can_be_given_up_between_rows(void **state) {
    (void)state;
    enum { WIDTH = 8, HEIGHT = 400 };
    image im, got;
    fix_picture(&im, WIDTH, HEIGHT, 1);
    for (int kind = 0; kind < 3; kind++) {
        str bytes = {0};
        if (kind == 2)
            fix_jpeg(&bytes, &im, (fix_jpeg_options){0});
        else
            fix_png(&bytes, &im, PNG_RGB, kind == 1, 0);
        fix_write("long", bytes.data, bytes.length);
        int left = 2; /* it is asked six times, more when it is interlaced */
        image_asker asker = {some_more, &left};
        thaw_status status = image_read_asking("long", 0, &asker, &got);
        assert_int_equal(status.code, THAW_ERR_CANCELLED);
        assert_int_equal(left, -1);
        assert_null(got.rgb);
        left = INT_MAX;
        status = image_read_asking("long", 0, &asker, &got);
        assert_string_equal(status.message, "");
        assert_true(left <= INT_MAX - 6);
        image_clear(&got);
        str_clear(&bytes);
    }
    image_clear(&im);
}

static void a_cut_jpeg_is_called_truncated(void **state) {
    (void)state;
    str bytes = {0};
    make_format(0, &bytes);
    assert_says(decode_exactly(bytes.data, bytes.length - 2), "truncated");
    assert_says(decode_exactly(bytes.data, bytes.length - 40), "truncated");
    str_clear(&bytes);
    make_format(2, &bytes);
    assert_says(decode_exactly(bytes.data, bytes.length - 60), "truncated");
    str_clear(&bytes);
    make_format(5, &bytes);
    assert_says(decode_exactly(bytes.data, bytes.length - 10), "truncated");
    str_clear(&bytes);
}

static void no_damaged_byte_does_harm(void **state) {
    (void)state;
    static const char damage[] = {0, (char)0xFF, (char)0x80, 1};
    for (int which = 0; which < FORMATS; which++) {
        str bytes = {0};
        make_format(which, &bytes);
        for (size_t i = 0; i < bytes.length; i++) {
            char kept = bytes.data[i];
            bytes.data[i] = (char)(damage[i % sizeof damage] ^ (i % 3 ? kept : 0));
            (void)decode_exactly(bytes.data, bytes.length).code;
            bytes.data[i] = kept;
        }
        str_clear(&bytes);
    }
}

static void set_jpeg_size(str *bytes, int width, int height) {
    for (size_t i = 2; i + 9 < bytes->length; i++)
        if ((uint8_t)bytes->data[i] == 0xFF &&
            ((uint8_t)bytes->data[i + 1] == 0xC0 || (uint8_t)bytes->data[i + 1] == 0xC2)) {
            bytes->data[i + 5] = (char)(height >> 8);
            bytes->data[i + 6] = (char)height;
            bytes->data[i + 7] = (char)(width >> 8);
            bytes->data[i + 8] = (char)width;
            return;
        }
    fail_msg("the fixture has no frame header");
}

static void a_few_bytes_cannot_claim_a_huge_picture(void **state) {
    (void)state;
    str bytes = {0};
    make_format(0, &bytes);
    set_jpeg_size(&bytes, 65500, 2700);
    assert_says(decode_exactly(bytes.data, bytes.length), "cannot hold");
    set_jpeg_size(&bytes, 65500, 65500);
    assert_says(decode_exactly(bytes.data, bytes.length), "sides up to");
    str_clear(&bytes);
    make_format(1, &bytes);
    set_jpeg_size(&bytes, 60000, 2900);
    assert_says(decode_exactly(bytes.data, bytes.length), "cannot hold");
    str_clear(&bytes);
    assert_says(image_check_size(0, 5), "0 x 5");
    assert_says(image_check_size(65501, 1), "sides up to");
    assert_says(image_check_size(20000, 20000), "sides up to");
}

static void a_jpeg_with_endless_scans_is_refused(void **state) {
    (void)state;
    image im;
    str bytes = {0};
    fix_picture(&im, 16, 16, 1);
    fix_jpeg(&bytes, &im, (fix_jpeg_options){.progressive = true});
    /* Repeat the last scan, which refines and may be repeated without end as far as the decoder cares. */
    size_t last = bytes.length - 2;
    while (!((uint8_t)bytes.data[last] == 0xFF && (uint8_t)bytes.data[last + 1] == 0xDA))
        last--;
    str bomb = {0};
    str_append_n(&bomb, bytes.data, last);
    for (int i = 0; i < 300; i++)
        str_append_n(&bomb, bytes.data + last, bytes.length - 2 - last);
    str_append_n(&bomb, bytes.data + bytes.length - 2, 2);
    assert_says(decode_exactly(bomb.data, bomb.length), "scans");
    str_clear(&bomb);
    str_clear(&bytes);
    image_clear(&im);
}

static void other_files_are_refused_by_name(void **state) {
    (void)state;
    image im;
    fix_write("a.jpg", "GIF89a....", 10);
    assert_says(image_read("a.jpg", 0, &im), "a GIF; JPEG, PNG and WebP are read");
    fix_write("b.jpg", "this is a text", 14);
    assert_says(image_read("b.jpg", 0, &im), "not a picture");
    fix_write("c.jpg", "", 0);
    assert_says(image_read("c.jpg", 0, &im), "an empty file");
    assert_says(image_read("missing.jpg", 0, &im), "missing.jpg");
    mkdir("folder.jpg", 0777);
    assert_says(image_read("folder.jpg", 0, &im), "folder");
    mkfifo("pipe.jpg", 0666);
    assert_says(image_read("pipe.jpg", 0, &im), "special file");
}

static void what_is_written_is_read_back(void **state) {
    (void)state;
    image im, got;
    fix_picture(&im, 32, 32, 8);
    thaw_status status = image_write_jpeg("out.jpg", &im, 100);
    assert_string_equal(status.message, "");
    status = image_read("out.jpg", 0, &got);
    assert_string_equal(status.message, "");
    assert_in_range(largest_difference(&im, &got), 0, 5);
    image_clear(&got);
    assert_says(image_write_jpeg("no/such/folder/out.jpg", &im, 90), "no/such/folder");
    image_clear(&im);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_decides_the_format),
        cmocka_unit_test(lossless_formats_give_back_the_very_pixels),
        cmocka_unit_test(grey_and_palette_pngs_become_rgb),
        cmocka_unit_test(jpegs_of_every_kind_come_close_to_what_was_written),
        cmocka_unit_test(pictures_are_turned_upright),
        cmocka_unit_test(a_damaged_exif_block_does_not_cost_the_picture),
        cmocka_unit_test(large_jpegs_are_decoded_at_a_fraction_on_request),
        cmocka_unit_test(a_part_is_what_the_whole_has_there),
        cmocka_unit_test(a_part_of_a_turned_picture_is_found),
        cmocka_unit_test(a_part_of_an_unfinished_progressive_jpeg_is_the_same),
        cmocka_unit_test(a_damaged_file_is_refused_for_any_part_or_for_none),
        cmocka_unit_test(a_file_cut_anywhere_is_an_error),
        cmocka_unit_test(decoding_can_be_given_up_between_rows),
        cmocka_unit_test(a_cut_jpeg_is_called_truncated),
        cmocka_unit_test(no_damaged_byte_does_harm),
        cmocka_unit_test(a_few_bytes_cannot_claim_a_huge_picture),
        cmocka_unit_test(a_jpeg_with_endless_scans_is_refused),
        cmocka_unit_test(other_files_are_refused_by_name),
        cmocka_unit_test(what_is_written_is_read_back),
    };
    return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
