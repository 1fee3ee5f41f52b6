/*
 * test_safetensors.c - headers of every wrong kind, and that what we write is what we read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/rng.h"
#include "tests/unit/weights_fixture.h"

static const uint8_t data[64] = {0};

static void refused(const char *header, size_t bytes, const char *word) {
    str s = {0};
    fix_safetensors(&s, header, data, bytes);
    fix_opened o = fix_open(s.data, s.length);
    if (o.file) fail_msg("accepted: %s", header);
    if (!strstr(o.status.message, word)) fail_msg("\"%s\" is not in: %s", word, o.status.message);
    fix_close(&o);
    str_clear(&s);
}

static void the_sample_is_listed_with_its_metadata(void **state) {
    (void)state;
    str s = {0};
    fix_sample(&s, WEIGHTS_SAFETENSORS);
    fix_opened o = fix_open(s.data, s.length);
    assert_string_equal(o.status.message, "");
    assert_int_equal(weights_file_format(o.file), WEIGHTS_SAFETENSORS);
    assert_int_equal(weights_count(o.file), 3);
    assert_string_equal(weights_at(o.file, 0)->key, "conv.weight"); /* the file's order */
    assert_null(weights_at(o.file, 3));
    assert_string_equal(weights_metadata(o.file, "format"), "pt");
    assert_null(weights_metadata(o.file, "classes"));
    const weights_entry *e = weights_find(o.file, "turned");
    float values[6];
    thaw_status status = weights_copy(e, DTYPE_F32, values);
    assert_string_equal(status.message, "");
    assert_true(e->size.ndim == 2 && e->size.dim[0] == 3 && values[1] == 3 && values[5] == 5);
    assert_null(weights_find(o.file, "turne"));
    fix_close(&o);
    str_clear(&s);
}

#define TENSOR(type, shape, begin, end) \
    "{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"
#define WHOLE TENSOR("F32", "[2]", "0", "8")

static void malformed_headers_are_refused(void **state) {
    (void)state;
    refused("{}", 0, "no tensors");
    refused("{\"a\":" WHOLE, 8, "not JSON");
    refused("{\"a\":" WHOLE "}{", 8, "not JSON");
    refused("{\"a\":3}", 8, "expected \"dtype\"");
    refused("{\"a\":[" WHOLE "]}", 8, "expected \"dtype\"");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "expected \"dtype\"");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"more\":1}}", 8,
            "expected \"dtype\"");
    refused("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", 8, "a: \"shape\"");
    refused("{\"a\":" TENSOR("F8_E4M3", "[8]", "0", "8") "}", 8, "F8_E4M3");
    refused("{\"a\":" TENSOR("F32", "2", "0", "8") "}", 8, "\"shape\"");
    refused("{\"a\":" TENSOR("F32", "[-2]", "0", "8") "}", 8, "no size");
    refused("{\"a\":" TENSOR("F32", "[2.5]", "0", "8") "}", 8, "no size");
    refused("{\"a\":" TENSOR("F32", "[1e300]", "0", "8") "}", 8, "no size");
    refused("{\"a\":" TENSOR("F32", "[\"2\"]", "0", "8") "}", 8, "no size");
    refused("{\"a\":" TENSOR("F32", "[1,1,1,1,1,1,1,1,2]", "0", "8") "}", 8, "dimensions");
    refused("{\"a\":" TENSOR("F32", "[4294967296,4294967296,4294967296]", "0", "8") "}", 8, "overflows");
    refused("{\"a\":" TENSOR("F32", "[4611686018427387904]", "0", "8") "}", 8, "no size"); /* over 2^53 */
    refused("{\"a\":" TENSOR("F64", "[4503599627370496,512]", "0", "8") "}", 8, "another number of bytes");
    refused("{\"a\":" TENSOR("F32", "[2]", "8", "0") "}", 8, "[begin, end]");
    refused("{\"a\":" TENSOR("F32", "[2]", "-8", "0") "}", 8, "[begin, end]");
    refused("{\"a\":" TENSOR("F32", "[3]", "0", "8") "}", 8, "another number of bytes");
    refused("{\"a\":" TENSOR("F32", "[2]", "0", "1e15") "}", 8, "truncated");
    refused("{\"__metadata__\":{\"x\":1},\"a\":" WHOLE "}", 8, "__metadata__");
    refused("{\"__metadata__\":[],\"a\":" WHOLE "}", 8, "__metadata__");
}

static void every_byte_belongs_to_exactly_one_tensor(void **state) {
    (void)state;
    refused("{\"a\":" WHOLE "}", 7, "truncated");
    refused("{\"a\":" WHOLE "}", 9, "belong to no tensor");
    refused("{\"a\":" WHOLE ",\"b\":" WHOLE "}", 8, "overlap");
    refused("{\"a\":" TENSOR("F32", "[2]", "0", "8") ",\"b\":" TENSOR("F32", "[2]", "4", "12") "}", 12,
            "overlap");
    refused("{\"a\":" TENSOR("F32", "[2]", "0", "8") ",\"b\":" TENSOR("F32", "[2]", "12", "20") "}", 20,
            "hole");
    refused("{\"a\":" TENSOR("F32", "[2]", "4", "12") "}", 12, "hole");
    refused("{\"a\":" TENSOR("F32", "[0]", "4", "4") ",\"b\":" WHOLE "}", 8, "overlap");
}

static void keys_must_be_unique_and_printable(void **state) {
    (void)state;
    str deep = {0};
    refused("{\"a\":" WHOLE ",\"a\":" TENSOR("F32", "[2]", "8", "16") "}", 16, "key a twice");
    refused("{\"a\":" WHOLE ",\"module.a\":" TENSOR("F32", "[2]", "8", "16") "}", 16, "key a twice");
    refused("{\"a\\u0000b\":" WHOLE "}", 8, "NUL");
    refused("{\"a\\u001b[2J\":" WHOLE "}", 8, "a\\x1b[2J");
    refused("{\"a\\nb\":" WHOLE "}", 8, "not a layer's name");
    refused("{\"\":" WHOLE "}", 8, "not a layer's name");
    refused("{\"\xff\":" WHOLE "}", 8, "not a layer's name");
    str_append(&deep, "{\"");
    for (int i = 0; i < 600; i++)
        str_append(&deep, "k");
    str_append(&deep, "\":" WHOLE "}");
    refused(deep.data, 8, "not a layer's name");
    str_clear(&deep);
    str s = {0};
    fix_safetensors(&s, "{\"a\\\\u0000b\":" WHOLE "}", data, 8); /* a backslash and "u0000" is a fine name */
    fix_opened o = fix_open(s.data, s.length);
    assert_non_null(o.file);
    assert_non_null(weights_find(o.file, "a\\u0000b"));
    fix_close(&o);
    str_clear(&s);
}

static void huge_headers_cost_nothing(void **state) {
    (void)state;
    static const uint64_t lengths[] = {11, 1 << 20, 101 << 20, UINT64_MAX, UINT64_MAX - 7, 1ULL << 63};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        str s = {0};
        fix_number(&s, lengths[i], 8);
        str_append(&s, "{\"a\":1}   ");
        fix_opened o = fix_open(s.data, s.length);
        assert_null(o.file);
        assert_non_null(strstr(o.status.message, "header"));
        fix_close(&o);
        str_clear(&s);
    }
    str header = {0};
    str_append(&header, "{\"a\":[0");
    for (int i = 0; i < (3 << 20); i++)
        str_append_n(&header, ",0", 2);
    str_append(&header, "]}");
    refused(header.data, 0, "values");
    str_reset(&header);
    str_append(&header, "{\"a\":");
    for (int i = 0; i < 100000; i++)
        str_append_n(&header, "[", 1);
    refused(header.data, 0, "not JSON");
    str_clear(&header);
}

static void empty_and_scalar_tensors_are_read(void **state) {
    (void)state;
    str s = {0};
    fix_safetensors(&s,
                    "{\"none\":" TENSOR("F32", "[0,3]", "0", "0") ",\"one\":" TENSOR(
                        "F32", "[]", "0", "4") ",\"void\":" TENSOR("F32",
                                                                   "[0,4503599627370496,4503599627370496]",
                                                                   "4", "4") "}   ",
                    data, 4);
    fix_opened o = fix_open(s.data, s.length);
    assert_string_equal(o.status.message, "");
    float value = 1;
    thaw_status status = weights_copy(weights_find(o.file, "none"), DTYPE_F32, NULL);
    assert_string_equal(status.message, "");
    status = weights_copy(weights_find(o.file, "one"), DTYPE_F32, &value);
    assert_string_equal(status.message, "");
    assert_true(value == 0);
    fix_close(&o);
    str_clear(&s);
}

static void what_is_written_reads_back_aligned_and_in_order(void **state) {
    (void)state;
    float odd[3] = {1, -2, 3.5f};
    int64_t count = 1LL << 40;
    uint8_t flag = 1;
    uint16_t half[2] = {0x3c00, 0xfc00};
    const weights_item items[] = {
        {"flag", DTYPE_BOOL, SHAPE_0(), &flag},        {"odd", DTYPE_F32, SHAPE_2(1, 3), odd},
        {"empty", DTYPE_F32, SHAPE_2(0, 3), odd},      {"count", DTYPE_I64, SHAPE_1(1), &count},
        {"quote\"\\key", DTYPE_F16, SHAPE_1(2), half},
    };
    const weights_pair pairs[] = {{"classes", "[\"ant\", \"b\xc3\xa9\\n\"]"}, {"arch", "resnet18"}};
    thaw_status status = weights_write_safetensors("out.safetensors", items, 5, pairs, 2);
    assert_string_equal(status.message, "");
    weights_file *f;
    status = weights_open("out.safetensors", &f);
    assert_string_equal(status.message, "");
    assert_string_equal(weights_metadata(f, "classes"), pairs[0].value);
    for (size_t i = 0; i < 5; i++) {
        const weights_entry *e = weights_at(f, i);
        size_t bytes = (size_t)shape_elements(&e->size) * dtype_size(e->type);
        assert_string_equal(e->key, items[i].key);
        assert_true(e->type == items[i].type && shape_equal(&e->size, &items[i].size));
        assert_int_equal((uintptr_t)e->data % dtype_size(e->type), 0);
        assert_memory_equal(e->data, items[i].data, bytes);
    }
    weights_close(f);
}

static void nothing_wrong_is_written(void **state) {
    (void)state;
    float value = 1;
    const weights_item twice[] = {{"a", DTYPE_F32, SHAPE_1(1), &value}, {"a", DTYPE_F32, SHAPE_1(1), &value}};
    const weights_item nameless[] = {{"", DTYPE_F32, SHAPE_1(1), &value}};
    const weights_item fine[] = {{"a", DTYPE_F32, SHAPE_1(1), &value}};
    thaw_status status = weights_write_safetensors("twice.safetensors", twice, 2, NULL, 0);
    assert_non_null(strstr(status.message, "twice"));
    status = weights_write_torch("twice.pth", twice, 2);
    assert_non_null(strstr(status.message, "twice"));
    status = weights_write_safetensors("x.safetensors", nameless, 1, NULL, 0);
    assert_int_equal(status.code, THAW_ERR_USAGE);
    status = weights_write_safetensors("no/such/folder/x.safetensors", fine, 1, NULL, 0);
    assert_int_equal(status.code, THAW_ERR_NOT_FOUND);
    assert_false(path_exists("twice.safetensors") || path_exists("twice.pth") ||
                 path_exists("x.safetensors"));
}

static void random_changes_never_crash(void **state) {
    (void)state;
    str s = {0};
    fix_sample(&s, WEIGHTS_SAFETENSORS);
    rng r = rng_keyed(2, RNG_TEST, 0, 0);
    for (int round = 0; round < 20000; round++) {
        char *copy = xmalloc(s.length);
        memcpy(copy, s.data, s.length);
        for (int change = 0; change < 2; change++)
            copy[rng_below(&r, s.length)] = (char)rng_below(&r, 256);
        fix_opened o = fix_open(copy, s.length);
        fix_close(&o);
        free(copy);
    }
    str_clear(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_is_listed_with_its_metadata),
        cmocka_unit_test(malformed_headers_are_refused),
        cmocka_unit_test(every_byte_belongs_to_exactly_one_tensor),
        cmocka_unit_test(keys_must_be_unique_and_printable),
        cmocka_unit_test(huge_headers_cost_nothing),
        cmocka_unit_test(empty_and_scalar_tensors_are_read),
        cmocka_unit_test(what_is_written_reads_back_aligned_and_in_order),
        cmocka_unit_test(nothing_wrong_is_written),
        cmocka_unit_test(random_changes_never_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
