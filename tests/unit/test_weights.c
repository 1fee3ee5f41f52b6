/*
 * test_weights.c - weights files of every format: listing, values, hostile containers, checkpoints.
 */
#include <glob.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/rng.h"
#include "tests/unit/weights_fixture.h"

static const fix_tensor plain = {"w", "FloatStorage", "0", 2, 0, {1, {2}}, {1}};
static const float two[2] = {1.5f, -2};
static const weights_format formats[] = {WEIGHTS_SAFETENSORS, WEIGHTS_TORCH_ZIP, WEIGHTS_TORCH_LEGACY};
enum { FORMATS = sizeof formats / sizeof formats[0] };

static void assert_ok(thaw_status status) {
    assert_string_equal(status.message, "");
}

static void expect(const char *bytes, size_t size, const char *word) {
    fix_opened o = fix_open(bytes, size);
    if (o.file) fail_msg("accepted, expected: %s", word);
    if (!strstr(o.status.message, word)) fail_msg("\"%s\" is not in: %s", word, o.status.message);
    fix_close(&o);
}

/* The archive of PICKLE and one storage "0" of TWO, each under FOLDER. */
static void make_zip(str *out, const str *pickle, const char *folder) {
    fix_zip z = {0};
    char *data = xasprintf("%sdata.pkl", folder), *record = xasprintf("%sdata/0", folder);
    fix_zip_store(&z, data, pickle->data, pickle->length);
    fix_zip_store(&z, record, two, sizeof two);
    fix_zip_end(&z);
    str_append_n(out, z.out.data, z.out.length);
    fix_zip_clear(&z);
    free(data);
    free(record);
}

/* ---- all formats ---- */

static void every_format_lists_the_same_values(void **state) {
    (void)state;
    static const float straight[6] = {0, 1, 2, 3, 4, 5}, turned[6] = {0, 3, 1, 4, 2, 5};
    for (size_t i = 0; i < FORMATS; i++) {
        str s = {0};
        float values[6];
        int64_t steps = 0;
        fix_sample(&s, formats[i]);
        fix_opened o = fix_open(s.data, s.length);
        assert_ok(o.status);
        assert_int_equal(weights_file_format(o.file), formats[i]);
        assert_int_equal(weights_count(o.file), 3);
        assert_ok(weights_copy(weights_find(o.file, "conv.weight"), DTYPE_F32, values));
        assert_memory_equal(values, straight, sizeof values);
        assert_ok(weights_copy(weights_find(o.file, "turned"), DTYPE_F32, values));
        assert_memory_equal(values, turned, sizeof values);
        assert_ok(weights_copy(weights_find(o.file, "steps"), DTYPE_I64, &steps));
        assert_int_equal(steps, 7);
        fix_close(&o);
        str_clear(&s);
    }
}

static void truncation_at_any_byte_is_an_error(void **state) {
    (void)state;
    for (size_t i = 0; i < FORMATS; i++) {
        str s = {0};
        fix_sample(&s, formats[i]);
        for (size_t size = 0; size < s.length; size++)
            expect(s.data, size, "file");
        str_clear(&s);
    }
}

static void random_changes_never_crash(void **state) {
    (void)state;
    for (size_t i = 0; i < FORMATS; i++) {
        str s = {0};
        fix_sample(&s, formats[i]);
        rng r = rng_keyed(3, RNG_TEST, i, 0);
        for (int round = 0; round < 10000; round++) {
            char *copy = xmalloc(s.length);
            memcpy(copy, s.data, s.length);
            for (int change = 0; change < 2; change++)
                copy[rng_below(&r, s.length)] = (char)rng_below(&r, 256);
            fix_opened o = fix_open(copy, s.length);
            for (size_t k = 0; o.file && k < weights_count(o.file); k++) {
                const weights_entry *e = weights_at(o.file, k);
                int64_t elements = shape_elements(&e->size);
                if (elements > 4096) continue; /* an expanded view may claim any size */
                double *out = xcalloc((size_t)elements, sizeof *out);
                thaw_status status = weights_copy(e, DTYPE_F64, out);
                assert_true(status.code == THAW_OK || status.code == THAW_ERR_SHAPE);
                free(out);
            }
            fix_close(&o);
            free(copy);
        }
        str_clear(&s);
    }
}

static void what_is_no_weights_file_is_named(void **state) {
    (void)state;
    static const struct {
        const char *bytes, *word;
    } row[] = {
        {"\x1f\x8b\x08nothing", "gzip"},
        {"\x89HDF\r\n\x1a\n", "HDF5"},
        {"GGUF\x03", "GGUF"},
        {"<!DOCTYPE html><html>", "web page"},
        {"version https://git-lfs.github.com/spec/v1", "Git LFS"},
        {"\xff\xd8\xff\xe0", "JPEG"},
        {"hello world", "not a weights file"},
        {"cos\nsystem\n(S'id'\ntR.", "os.system"},
        {"\x80\x02}.", "not a file that torch.save wrote"},
        {"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R.", "os.system"},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
        expect(row[i].bytes, strlen(row[i].bytes), row[i].word);
    expect("", 0, "empty");
    weights_file *f;
    thaw_status status = weights_open("/nowhere/x.pth", &f);
    assert_int_equal(status.code, THAW_ERR_NOT_FOUND);
    status = weights_open(".", &f);
    assert_non_null(strstr(status.message, "folder"));
}

/* ---- zip ---- */

static void a_zip_may_have_any_folder_or_none(void **state) {
    (void)state;
    static const char *const folders[] = {"", "archive/", "resnet18/", "a/b/"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        str pickle = {0}, s = {0};
        fix_state_dict(&pickle, &plain, 1, false);
        str_append(&pickle, ".");
        make_zip(&s, &pickle, folders[i]);
        fix_opened o = fix_open(s.data, s.length);
        assert_ok(o.status);
        assert_memory_equal(weights_find(o.file, "w")->data, two, sizeof two);
        fix_close(&o);
        str_clear(&s);
        str_clear(&pickle);
    }
}

/* An archive with a member of the given name, bytes, method and claimed size beside the usual two. */
static void expect_zip(const fix_tensor *t, const char *name, const char *bytes, int method, uint32_t claimed,
                       const char *word) {
    fix_zip z = {0};
    str pickle = {0};
    fix_state_dict(&pickle, t, 1, false);
    str_append(&pickle, ".");
    if (strcmp(name, "a/data.pkl") != 0) fix_zip_store(&z, "a/data.pkl", pickle.data, pickle.length);
    if (strcmp(name, "a/data/0") != 0) fix_zip_store(&z, "a/data/0", two, sizeof two);
    if (bytes) fix_zip_add(&z, name, bytes, strlen(bytes), method, claimed);
    fix_zip_end(&z);
    expect(z.out.data, z.out.length, word);
    fix_zip_clear(&z);
    str_clear(&pickle);
}

static void hostile_zips_are_refused(void **state) {
    (void)state;
    enum { DEFLATE = 8 };
    expect_zip(&plain, "a/data/0", "bomb", DEFLATE, UINT32_MAX - 1, "compressed");
    expect_zip(&plain, "a/data.pkl", "bomb", DEFLATE, UINT32_MAX - 1, "compressed");
    expect_zip(&plain, "a/data/0", "12345678", 0, 1 << 30, "compressed"); /* stored, but of two sizes */
    expect_zip(&plain, "a/data/0", "1234567", 0, 7, "need more");
    expect_zip(&plain, "a/data/0", NULL, 0, 0, "elements of w are missing");
    expect_zip(&plain, "a/data.pkl", NULL, 0, 0, "no data.pkl");
    expect_zip(&plain, "a/constants.pkl", "x", 0, 1, "TorchScript");
    expect_zip(&plain, "a/byteorder", "big", 0, 3, "big-endian");
    const fix_tensor elsewhere = {"w", "FloatStorage", "../../etc/passwd", 2, 0, {1, {2}}, {1}};
    expect_zip(&elsewhere, "a/x", "x", 0, 1, "missing");
    const fix_tensor huge = {"w", "DoubleStorage", "0", INT64_MAX, 0, {1, {2}}, {1}};
    expect_zip(&huge, "a/x", "x", 0, 1, "need more");
}

static void a_member_that_is_there_twice_is_refused(void **state) {
    (void)state;
    fix_zip z = {0};
    str pickle = {0};
    fix_state_dict(&pickle, &plain, 1, false);
    str_append(&pickle, ".");
    fix_zip_store(&z, "a/data.pkl", pickle.data, pickle.length);
    fix_zip_store(&z, "a/data.pkl", pickle.data, pickle.length);
    fix_zip_end(&z);
    expect(z.out.data, z.out.length, "twice");
    fix_zip_clear(&z);
    str_clear(&pickle);
}

static void a_zip64_directory_is_followed(void **state) {
    (void)state;
    str pickle = {0};
    fix_zip z = {0};
    fix_state_dict(&pickle, &plain, 1, false);
    str_append(&pickle, ".");
    fix_zip_store(&z, "a/data.pkl", pickle.data, pickle.length);
    fix_zip_store(&z, "a/data/0", two, sizeof two);
    size_t directory = z.out.length;
    str_append_n(&z.out, z.directory.data, z.directory.length);
    size_t end64 = z.out.length;
    fix_number(&z.out, 0x06064b50, 4);
    fix_number(&z.out, 44, 8);
    fix_number(&z.out, 0, 2 + 2 + 4);
    fix_number(&z.out, 0, 4);
    fix_number(&z.out, 2, 8);
    fix_number(&z.out, 2, 8);
    fix_number(&z.out, z.directory.length, 8);
    fix_number(&z.out, directory, 8);
    fix_number(&z.out, 0x07064b50, 4);
    fix_number(&z.out, 0, 4);
    fix_number(&z.out, end64, 8);
    fix_number(&z.out, 1, 4);
    fix_number(&z.out, 0x06054b50, 4);
    fix_number(&z.out, 0, 4);
    fix_number(&z.out, UINT64_MAX, 8);
    fix_number(&z.out, UINT64_MAX, 4);
    fix_number(&z.out, 0, 2);
    fix_opened o = fix_open(z.out.data, z.out.length);
    assert_ok(o.status);
    assert_int_equal(weights_count(o.file), 1);
    fix_close(&o);
    for (size_t size = 0; size < z.out.length; size++)
        expect(z.out.data, size, "file");
    fix_zip_clear(&z);
    str_clear(&pickle);
}

/* ---- the old format ---- */

static void an_old_file_must_match_its_list_of_storages(void **state) {
    (void)state;
    static const char *const keys[] = {"0", "0"}, *const other[] = {"1"};
    str begin = {0}, s = {0};
    fix_legacy_begin(&begin);
    fix_state_dict(&begin, &plain, 1, true);
    str_append(&begin, ".");

    str_append_n(&s, begin.data, begin.length);
    fix_legacy_keys(&s, keys, 1);
    fix_number(&s, 2, 8);
    str_append_n(&s, (const char *)two, sizeof two);
    fix_opened o = fix_open(s.data, s.length);
    assert_ok(o.status);
    assert_memory_equal(weights_find(o.file, "w")->data, two, sizeof two);
    fix_close(&o);
    str_append(&s, "x");
    expect(s.data, s.length, "1 bytes follow");

    str_reset(&s);
    str_append_n(&s, begin.data, begin.length);
    fix_legacy_keys(&s, keys, 0);
    expect(s.data, s.length, "missing");

    str_reset(&s);
    str_append_n(&s, begin.data, begin.length);
    fix_legacy_keys(&s, other, 1);
    fix_number(&s, 0, 8);
    expect(s.data, s.length, "no tensor refers to");

    str_reset(&s);
    str_append_n(&s, begin.data, begin.length);
    fix_legacy_keys(&s, keys, 2);
    for (int i = 0; i < 2; i++) {
        fix_number(&s, 2, 8);
        str_append_n(&s, (const char *)two, sizeof two);
    }
    expect(s.data, s.length, "storage twice");

    static const uint64_t counts[] = {1, 3, UINT64_MAX, 1ULL << 62};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        str_reset(&s);
        str_append_n(&s, begin.data, begin.length);
        fix_legacy_keys(&s, keys, 1);
        fix_number(&s, counts[i], 8);
        str_append_n(&s, (const char *)two, sizeof two);
        expect(s.data, s.length, counts[i] == 1 ? "smaller" : "truncated");
    }
    str_clear(&begin);
    str_clear(&s);
}

/* ('storage', FloatStorage, key "0", 'cpu', 8, view (key, offset, size)): four elements from the third on. */
static void an_old_files_storage_may_be_a_window(void **state) {
    (void)state;
    static const char *const keys[] = {"0"};
    static const float eight[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    static const struct {
        int64_t offset, size;
        const char *word;
    } row[] = {{2, 4, NULL}, {6, 4, "view"}, {-1, 4, "view"}, {2, 3, "outside"}, {INT64_MAX, 4, "view"}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        str s = {0};
        fix_legacy_begin(&s);
        str_append(&s, "\x80\x02}");
        fix_text(&s, "w");
        fix_global(&s, "torch._utils", "_rebuild_tensor");
        str_append(&s, "((");
        fix_text(&s, "storage");
        fix_global(&s, "torch", "FloatStorage");
        fix_text(&s, "0");
        fix_text(&s, "cpu");
        fix_int(&s, 8);
        str_append(&s, "(");
        fix_text(&s, "view");
        fix_int(&s, row[i].offset);
        fix_int(&s, row[i].size);
        str_append(&s, "ttQK\x01K\x03\x85K\x01\x85tRs.");
        fix_legacy_keys(&s, keys, 1);
        fix_number(&s, 8, 8);
        str_append_n(&s, (const char *)eight, sizeof eight);
        if (row[i].word) {
            expect(s.data, s.length, row[i].word);
        } else {
            float values[3];
            fix_opened o = fix_open(s.data, s.length);
            assert_ok(o.status);
            assert_ok(weights_copy(weights_find(o.file, "w"), DTYPE_F32, values));
            assert_memory_equal(values, eight + 3, sizeof values);
            fix_close(&o);
        }
        str_clear(&s);
    }
}

/* ---- checkpoints ---- */

/* A zip whose pickle holds BEFORE, a tensor "KEY", AFTER. */
static fix_opened open_nested(const char *before, const char *key, const char *after, str *s) {
    str pickle = {0};
    str_append(&pickle, before);
    fix_text(&pickle, key);
    fix_tensor_value(&pickle, &plain, false);
    str_append(&pickle, after);
    make_zip(s, &pickle, "archive/");
    str_clear(&pickle);
    return fix_open(s->data, s->length);
}

static void state_dicts_are_found_inside_checkpoints(void **state) {
    (void)state;
    static const struct {
        const char *before, *key, *after, *found;
    } row[] = {
        {"}", "conv.weight", "s.", "conv.weight"},
        {"}U\x0astate_dict}", "module.conv.weight", "ss.", "conv.weight"},
        {"}U\x05modelccollections\nOrderedDict\n)R", "_orig_mod.module.x", "ss.", "x"},
        {"}(U\x05"
         "epochK\x07U\x10model_state_dict}",
         "module.module.x", "su.", "x"},
        {"}U\x05model}U\x0astate_dict}", "x", "sss.", "x"},
        {"}", "module", "s.", "module"}, /* a tensor of that name is no prefix */
        {"}U\x05modelNs", "x", "s.", "x"},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        str s = {0};
        fix_opened o = open_nested(row[i].before, row[i].key, row[i].after, &s);
        assert_ok(o.status);
        assert_int_equal(weights_count(o.file), 1);
        assert_string_equal(weights_at(o.file, 0)->key, row[i].found);
        fix_close(&o);
        str_clear(&s);
    }
}

static void what_holds_no_state_dict_says_what_it_holds(void **state) {
    (void)state;
    static const struct {
        const char *pickle, *word;
    } row[] = {
        {"}.", "keys: none"},
        {"}(U\x01"
         "aK\x01U\x02"
         "b\x1bK\x02u.",
         "keys: a, b\\x1b"},
        {"K\x01.", "an integer"},
        {"].", "a list"},
        {"}q\x01U\x05modelh\x01s.", "keys: model"}, /* a checkpoint in itself */
        {"(U\x06moduleNtQ.", "whole Python model"},
        {"ctorch.nn.modules.linear\nLinear\n.", "torch.nn.modules.linear.Linear"},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        str pickle = {0}, s = {0};
        str_append(&pickle, row[i].pickle);
        make_zip(&s, &pickle, "archive/");
        expect(s.data, s.length, row[i].word);
        str_clear(&s);
        str_clear(&pickle);
    }
    str s = {0};
    fix_opened o = open_nested("", "x", ".", &s); /* one tensor alone */
    assert_non_null(strstr(o.status.message, "one tensor"));
    fix_close(&o);
    str_clear(&s);
    o = open_nested("}", "a\nb", "s.", &s);
    assert_non_null(strstr(o.status.message, "a\\nb"));
    fix_close(&o);
    str_clear(&s);
}

static void averaged_models_counter_is_no_weight(void **state) {
    (void)state;
    static const fix_tensor swa[] = {{"n_averaged", "LongStorage", "0", 1, 0, {0, {0}}, {0}},
                                     {"module.w", "FloatStorage", "0", 2, 0, {1, {2}}, {1}}};
    str pickle = {0}, s = {0};
    fix_state_dict(&pickle, swa, 2, false);
    str_append(&pickle, ".");
    make_zip(&s, &pickle, "archive/");
    fix_opened o = fix_open(s.data, s.length);
    assert_ok(o.status);
    assert_int_equal(weights_count(o.file), 1);
    assert_non_null(weights_find(o.file, "w"));
    fix_close(&o);
    str_clear(&s);
    str_clear(&pickle);
}

/* ---- values ---- */

static void strided_views_copy_in_row_major_order(void **state) {
    (void)state;
    float data[24], out[24];
    for (int i = 0; i < 24; i++)
        data[i] = (float)i;
    static const struct {
        shape size;
        int64_t stride[SHAPE_MAX_DIMS];
    } row[] = {
        {{3, {2, 3, 4}}, {12, 4, 1}},
        {{3, {4, 3, 2}}, {1, 4, 12}},
        {{3, {3, 2, 4}}, {4, 12, 1}},
        {{2, {3, 5}}, {0, 0}},
        {{4, {1, 2, 1, 12}}, {INT64_MAX, 12, INT64_MAX, 1}},
        {{3, {1, 3, 1}}, {INT64_MAX, 5, INT64_MAX}},
        {{1, {12}}, {2}},
        {{0, {0}}, {0}},
        {{2, {0, 5}}, {5, 1}},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        weights_entry e = {.type = DTYPE_F32, .size = row[i].size, .data = (const uint8_t *)data};
        memcpy(e.stride, row[i].stride, sizeof e.stride);
        assert_ok(weights_copy(&e, DTYPE_F32, out));
        int64_t elements = shape_elements(&e.size);
        for (int64_t k = 0; k < elements; k++) {
            int64_t rest = k, place = 0;
            for (int d = e.size.ndim - 1; d >= 0; d--) {
                if (e.size.dim[d] > 1) place += rest % e.size.dim[d] * e.stride[d];
                rest /= e.size.dim[d];
            }
            assert_true(out[k] == data[place]);
        }
    }
}

static void every_half_converts_to_single_and_back(void **state) {
    (void)state;
    static uint16_t bits[1 << 16], back[1 << 16];
    static float single[1 << 16];
    static const dtype small[] = {DTYPE_F16, DTYPE_BF16};
    for (int i = 0; i < (1 << 16); i++)
        bits[i] = (uint16_t)i;
    for (size_t k = 0; k < 2; k++) {
        weights_entry e = {
            .type = small[k], .size = SHAPE_1(1 << 16), .stride = {1}, .data = (uint8_t *)bits};
        assert_ok(weights_copy(&e, DTYPE_F32, single));
        e.type = DTYPE_F32;
        e.data = (const uint8_t *)single;
        assert_ok(weights_copy(&e, small[k], back));
        for (int i = 0; i < (1 << 16); i++)
            if (isnan(single[i]))
                assert_true((back[i] & 0x7C00) == 0x7C00 && (back[i] & 0x3FF));
            else
                assert_int_equal(back[i], bits[i]);
    }
}

static void singles_round_to_the_nearest_half(void **state) {
    (void)state;
    static const struct {
        double value;
        uint16_t half;
    } row[] = {
        {1, 0x3c00},           {-0.0, 0x8000},        {65504, 0x7bff},       {65519.99, 0x7bff},
        {65520, 0x7c00},       {1e30, 0x7c00},        {-1e30, 0xfc00},       {0x1p-24, 0x0001},
        {0x1p-25, 0x0000},     {0x1.8p-25, 0x0001},   {0x1.8p-24, 0x0002},   {1 + 0x1p-11, 0x3c00},
        {1 + 0x3p-11, 0x3c02}, {0x1.ff8p-15, 0x03ff}, {0x1.ffcp-15, 0x0400},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        uint16_t half;
        weights_entry e = {.type = DTYPE_F64, .size = SHAPE_0(), .data = (const uint8_t *)&row[i].value};
        assert_ok(weights_copy(&e, DTYPE_F16, &half));
        assert_int_equal(half, row[i].half);
    }
}

static void integers_widen_and_do_not_become_weights(void **state) {
    (void)state;
    static const int8_t bytes[] = {-1, 2};
    static const int16_t shorts[] = {-300, 300};
    static const int32_t words[] = {INT32_MIN, INT32_MAX};
    static const uint8_t flags[] = {0, 5};
    static const struct {
        dtype type;
        const void *data;
        int64_t first, second;
    } row[] = {{DTYPE_I8, bytes, -1, 2},
               {DTYPE_U8, bytes, 255, 2},
               {DTYPE_I16, shorts, -300, 300},
               {DTYPE_I32, words, INT32_MIN, INT32_MAX},
               {DTYPE_BOOL, flags, 0, 1}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        int64_t out[2];
        float single[2];
        weights_entry e = {.key = (char[]){"x"},
                           .type = row[i].type,
                           .size = SHAPE_1(2),
                           .stride = {1},
                           .data = row[i].data};
        assert_ok(weights_copy(&e, DTYPE_I64, out));
        assert_true(out[0] == row[i].first && out[1] == row[i].second);
        thaw_status status = weights_copy(&e, DTYPE_F32, single);
        assert_int_equal(status.code, THAW_ERR_SHAPE);
        assert_non_null(strstr(status.message, "float32"));
    }
}

/* ---- writing ---- */

static void a_written_pth_reads_back(void **state) {
    (void)state;
    double wide[2] = {1e300, -0.0};
    int64_t steps = INT64_MIN;
    uint8_t flag[3] = {1, 0, 1};
    float single = 2.5f;
    const weights_item items[] = {
        {"a.weight", DTYPE_F64, SHAPE_2(2, 1), wide}, {"a.steps", DTYPE_I64, SHAPE_0(), &steps},
        {"a.flag", DTYPE_BOOL, SHAPE_1(3), flag},     {"a.empty", DTYPE_F32, SHAPE_2(0, 4), &single},
        {"a.scalar", DTYPE_F32, SHAPE_0(), &single},
    };
    enum { COUNT = sizeof items / sizeof items[0] };
    weights_file *f;
    assert_ok(weights_write_torch("out.pth", items, COUNT));
    assert_ok(weights_open("out.pth", &f));
    assert_int_equal(weights_file_format(f), WEIGHTS_TORCH_ZIP);
    assert_int_equal(weights_count(f), COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        const weights_entry *e = weights_at(f, i);
        assert_string_equal(e->key, items[i].key);
        assert_true(e->type == items[i].type && shape_equal(&e->size, &items[i].size));
        size_t bytes = (size_t)shape_elements(&e->size) * dtype_size(e->type);
        if (!bytes) continue;
        assert_memory_equal(e->data, items[i].data, bytes);
        assert_int_equal((uintptr_t)e->data % 64, 0); /* the mapping begins at a page */
    }
    weights_close(f);
}

/* A limit on the size of files stands for a disk with no room left. */
static void a_full_disk_leaves_the_old_file(void **state) {
    (void)state;
    float value = 1, many[512] = {0};
    const weights_item small = {"a", DTYPE_F32, SHAPE_0(), &value},
                       large = {"b", DTYPE_F32, SHAPE_1(512), many};
    static const char *const names[] = {"kept.pth", "kept.safetensors"};
    for (size_t i = 0; i < 2; i++) {
        struct rlimit old, tight;
        assert_ok(i ? weights_write_safetensors(names[i], &small, 1, NULL, 0)
                    : weights_write_torch(names[i], &small, 1));
        getrlimit(RLIMIT_FSIZE, &old);
        tight = (struct rlimit){.rlim_cur = 1024, .rlim_max = old.rlim_max};
        void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &tight);
        thaw_status status = i ? weights_write_safetensors(names[i], &large, 1, NULL, 0)
                               : weights_write_torch(names[i], &large, 1);
        setrlimit(RLIMIT_FSIZE, &old);
        signal(SIGXFSZ, handler);
        assert_int_equal(status.code, THAW_ERR_IO);
        assert_non_null(strstr(status.message, names[i]));
        weights_file *f;
        assert_ok(weights_open(names[i], &f));
        assert_non_null(weights_find(f, "a"));
        weights_close(f);
    }
    glob_t left = {0};
    assert_int_equal(glob("kept*tmp*", 0, NULL, &left), GLOB_NOMATCH);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_lists_the_same_values),
        cmocka_unit_test(truncation_at_any_byte_is_an_error),
        cmocka_unit_test(random_changes_never_crash),
        cmocka_unit_test(what_is_no_weights_file_is_named),
        cmocka_unit_test(a_zip_may_have_any_folder_or_none),
        cmocka_unit_test(hostile_zips_are_refused),
        cmocka_unit_test(a_member_that_is_there_twice_is_refused),
        cmocka_unit_test(a_zip64_directory_is_followed),
        cmocka_unit_test(an_old_file_must_match_its_list_of_storages),
        cmocka_unit_test(an_old_files_storage_may_be_a_window),
        cmocka_unit_test(state_dicts_are_found_inside_checkpoints),
        cmocka_unit_test(what_holds_no_state_dict_says_what_it_holds),
        cmocka_unit_test(averaged_models_counter_is_no_weight),
        cmocka_unit_test(strided_views_copy_in_row_major_order),
        cmocka_unit_test(every_half_converts_to_single_and_back),
        cmocka_unit_test(singles_round_to_the_nearest_half),
        cmocka_unit_test(integers_widen_and_do_not_become_weights),
        cmocka_unit_test(a_written_pth_reads_back),
        cmocka_unit_test(a_full_disk_leaves_the_old_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
