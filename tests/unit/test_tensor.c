/*
 * test_tensor.c - scopes, and the ways into and out of tensors.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/train/pinned.h"
#include "tests/unit/support_torch.h"

static const device cpu = {DEVICE_CPU, 0};

/* ---- scopes ---- */

static void a_scope_frees_what_was_made_in_it(void **state) {
    (void)state;
    torch *t = support_torch();
    int64_t before = torch_live_tensors(t);
    tscope outer = support_begin(), inner;
    tensor *kept;
    tensor *x = t_full(&outer, SHAPE_1(4), 1, DTYPE_F32, cpu);
    tscope_begin(&inner, t);
    for (int i = 0; i < 100; i++)
        x = t_add(&inner, x, x);
    kept = t_keep(&inner, t_sum(&inner, x));
    assert_int_equal(torch_live_tensors(t), before + 102);
    support_end(&inner);
    assert_int_equal(torch_live_tensors(t), before + 2);
    assert_true(t_item(&outer, kept) == 4 * 0x1p100);
    tensor_free(t, kept);
    tensor_free(t, NULL);
    support_end(&outer);
    assert_int_equal(torch_live_tensors(t), before);
}

static void the_first_failure_sticks_and_stops_the_rest(void **state) {
    (void)state;
    torch *t = support_torch();
    int64_t before = torch_live_tensors(t);
    tscope s = support_begin();
    tensor *a = t_full(&s, SHAPE_2(2, 3), 1, DTYPE_F32, cpu),
           *b = t_full(&s, SHAPE_2(4, 5), 1, DTYPE_F32, cpu);
    assert_null(t_matmul(&s, a, b));
    assert_true(tscope_failed(&s));
    assert_null(t_add(&s, a, a));
    assert_null(t_keep(&s, a));
    assert_true(isnan(t_item(&s, a)) && isnan(t_norm(&s, a)));
    assert_int_equal(t_shape(&s, a).ndim, 0);
    assert_false(t_equal(&s, a, a));
    assert_null(t_data(&s, a, FORMAT_CONTIGUOUS));
    t_fill_(&s, a, 5);
    tscope_fail(&s, thaw_error(THAW_ERR_USAGE, "a later one"));
    assert_int_equal(torch_live_tensors(t), before + 2);
    support_fails(&s, THAW_ERR_TORCH, "matmul: mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)");
    assert_int_equal(torch_live_tensors(t), before);
}

static void a_missing_operand_passes_through_but_is_never_read(void **state) {
    (void)state;
    tscope s = support_begin();
    tensor *x = t_full(&s, SHAPE_1(2), 1, DTYPE_F32, cpu);
    assert_null(t_relu(&s, NULL));
    assert_null(t_add(&s, x, NULL));
    assert_null(t_cat(&s, (tensor *[]){x, NULL}, 2, 0));
    t_add_(&s, x, NULL, 1);
    t_copy_(&s, x, NULL);
    assert_null(t_keep(&s, NULL));
    assert_false(tscope_failed(&s));
    float out[2] = {7, 7};
    t_read(&s, NULL, out, sizeof out);
    assert_true(out[0] == 7);
    support_fails(&s, THAW_ERR_USAGE, "t_read: there is no tensor");
}

static void a_tensor_of_another_scope_cannot_be_kept(void **state) {
    (void)state;
    tscope outer = support_begin(), inner = support_begin();
    tensor *x = t_full(&outer, SHAPE_1(1), 1, DTYPE_F32, cpu);
    assert_null(t_keep(&inner, x));
    support_fails(&inner, THAW_ERR_USAGE, "t_keep");
    assert_true(t_item(&outer, x) == 1);
    support_end(&outer);
}

static void a_failure_of_the_caller_stops_a_scope_too(void **state) {
    (void)state;
    tscope s = support_begin();
    tscope_fail(&s, thaw_error(THAW_ERR_SHAPE, "conv1.weight does not fit"));
    assert_null(t_full(&s, SHAPE_1(1), 1, DTYPE_F32, cpu));
    support_fails(&s, THAW_ERR_SHAPE, "conv1.weight does not fit");
}

/* ---- making and reading ---- */

static void what_was_written_is_read_back_in_every_type(void **state) {
    (void)state;
    uint8_t bytes[6 * 8], back[sizeof bytes];
    for (int type = 0; type < DTYPE_COUNT; type++) {
        size_t count = 6 * dtype_size(type);
        for (size_t i = 0; i < count; i++)
            bytes[i] = type == DTYPE_BOOL ? i & 1 : (uint8_t)(i * 37 + 1);
        tscope s = support_begin();
        tensor *x = t_from_data(&s, SHAPE_2(2, 3), type, bytes, cpu);
        memset(back, 0, sizeof back);
        t_read(&s, x, back, count);
        assert_memory_equal(back, bytes, count);
        assert_int_equal(t_dtype(&s, x), type);
        support_expect_shape(&s, x, SHAPE_2(2, 3));
        support_end(&s);
    }
}

static void numbers_convert_between_types(void **state) {
    (void)state;
    tscope s = support_begin();
    tensor *x = support_floats(&s, SHAPE_1(4), SUPPORT_FLOATS(1.0f, -2.5f, 0.3333333f, 65504.0f));
    uint16_t bf16[4], half[4];
    t_read(&s, t_to(&s, x, cpu, DTYPE_BF16, FORMAT_PRESERVE), bf16, sizeof bf16);
    t_read(&s, t_to(&s, x, cpu, DTYPE_F16, FORMAT_PRESERVE), half, sizeof half);
    const float exact[4] = {1.0f, -2.5f, 0.3333333f, 65504.0f};
    for (int i = 0; i < 4; i++)
        assert_int_equal(bf16[i], float_to_bfloat16(exact[i]));
    assert_int_equal(half[0], 0x3C00);
    assert_int_equal(half[1], 0xC100);
    assert_int_equal(half[2], 0x3555);
    assert_int_equal(half[3], 0x7BFF);
    int64_t whole[4];
    t_read(&s, t_to(&s, x, cpu, DTYPE_I64, FORMAT_PRESERVE), whole, sizeof whole);
    assert_int_equal(whole[1], -2);
    assert_int_equal(whole[3], 65504);
    support_end(&s);
}

static void data_is_copied_and_a_blob_is_borrowed(void **state) {
    (void)state;
    float numbers[2] = {1, 2};
    tscope s = support_begin();
    tensor *copy = t_from_data(&s, SHAPE_1(2), DTYPE_F32, numbers, cpu);
    tensor *blob = t_from_blob(&s, SHAPE_1(2), DTYPE_F32, numbers, FORMAT_CONTIGUOUS);
    numbers[0] = 9;
    SUPPORT_EXPECT(&s, copy, 0, 1, 2);
    SUPPORT_EXPECT(&s, blob, 0, 9, 2);
    assert_ptr_equal(t_data(&s, blob, FORMAT_CONTIGUOUS), numbers);
    support_end(&s);
}

static void nhwc_bytes_are_seen_as_a_channels_last_image(void **state) {
    (void)state;
    /* One image of 2 rows, 3 columns, 3 channels: pixel (y, x) has channels 10y + x + 100c. */
    uint8_t pixels[2][3][3];
    for (int y = 0; y < 2; y++)
        for (int x = 0; x < 3; x++)
            for (int c = 0; c < 3; c++)
                pixels[y][x][c] = (uint8_t)(10 * y + x + 100 * c);
    tscope s = support_begin();
    tensor *image = t_from_blob(&s, SHAPE_4(1, 3, 2, 3), DTYPE_U8, pixels, FORMAT_CHANNELS_LAST);
    SUPPORT_EXPECT(&s, image, 0, 0, 1, 2, 10, 11, 12, 100, 101, 102, 110, 111, 112, 200, 201, 202, 210, 211,
                   212);
    assert_null(t_data(&s, image, FORMAT_CONTIGUOUS)); /* not contiguous in NCHW */
    assert_ptr_equal(t_data(&s, image, FORMAT_CHANNELS_LAST), pixels);
    tensor *same = t_to(&s, image, cpu, DTYPE_U8, FORMAT_CHANNELS_LAST);
    pixels[0][0][0] = 50;
    uint8_t first[18];
    t_read(&s, same, first, sizeof first);
    assert_int_equal(first[0], 50); /* already in that format: not copied */
    tensor *planes = t_to(&s, image, cpu, DTYPE_U8, FORMAT_CONTIGUOUS);
    assert_non_null(t_data(&s, planes, FORMAT_CONTIGUOUS));
    assert_true(t_equal(&s, planes, image));
    support_end(&s);
}

static void channels_last_needs_four_dimensions(void **state) {
    (void)state;
    float numbers[6] = {0};
    tscope s = support_begin();
    assert_null(t_from_blob(&s, SHAPE_2(2, 3), DTYPE_F32, numbers, FORMAT_CHANNELS_LAST));
    support_fails(&s, THAW_ERR_TORCH, "channels_last needs 4 dimensions, not 2");
}

static void reading_needs_room_of_exactly_the_tensors_size(void **state) {
    (void)state;
    tscope s = support_begin();
    float out[3];
    t_read(&s, t_full(&s, SHAPE_1(2), 1, DTYPE_F32, cpu), out, sizeof out);
    support_fails(&s, THAW_ERR_TORCH, "read: the tensor has 8 bytes, the caller has room for 12");
}

static void a_scalar_has_no_dimensions_and_one_number(void **state) {
    (void)state;
    tscope s = support_begin();
    tensor *x = t_full(&s, SHAPE_0(), -3.25, DTYPE_F32, cpu);
    assert_int_equal(t_shape(&s, x).ndim, 0);
    assert_true(t_item(&s, x) == -3.25);
    assert_false(tscope_failed(&s));
    assert_true(isnan(t_item(&s, t_full(&s, SHAPE_1(2), 0, DTYPE_F32, cpu))));
    support_fails(&s, THAW_ERR_TORCH, "item: the tensor has 2 elements instead of one");
}

static void an_empty_tensor_is_fine(void **state) {
    (void)state;
    tscope s = support_begin();
    tensor *x = t_empty(&s, SHAPE_2(0, 3), DTYPE_F32, cpu, FORMAT_CONTIGUOUS);
    support_expect_shape(&s, x, SHAPE_2(0, 3));
    t_read(&s, x, NULL, 0);
    assert_true(t_equal(&s, x, t_clone(&s, x)));
    assert_true(t_item(&s, t_sum(&s, x)) == 0);
    support_end(&s);
}

static void equality_is_of_type_shape_and_bits(void **state) {
    (void)state;
    const uint32_t quiet[2] = {0x7FC00001, 0}, other[2] = {0x7FC00002, 0},
                   minus[2] = {0x7FC00001, 0x80000000};
    tscope s = support_begin();
    tensor *a = t_from_data(&s, SHAPE_1(2), DTYPE_F32, quiet, cpu);
    assert_true(t_equal(&s, a, t_clone(&s, a)));
    assert_false(t_equal(&s, a, t_from_data(&s, SHAPE_1(2), DTYPE_F32, other, cpu)));
    assert_false(t_equal(&s, a, t_from_data(&s, SHAPE_1(2), DTYPE_F32, minus, cpu)));
    assert_false(t_equal(&s, a, t_from_data(&s, SHAPE_1(2), DTYPE_I32, quiet, cpu)));
    assert_false(t_equal(&s, a, t_reshape(&s, a, SHAPE_2(1, 2))));
    tensor *matrix = support_noise(&s, SHAPE_2(3, 4), 1);
    tensor *twice = t_permute(&s, t_permute(&s, matrix, (int64_t[]){1, 0}, 2), (int64_t[]){1, 0}, 2);
    assert_true(t_equal(&s, matrix, twice));
    support_end(&s);
}

static void a_copy_converts_but_does_not_broadcast(void **state) {
    (void)state;
    tscope s = support_begin();
    tensor *into = t_full(&s, SHAPE_1(2), 0, DTYPE_BF16, cpu);
    t_copy_(&s, into, t_from_data(&s, SHAPE_1(2), DTYPE_I64, (int64_t[]){3, -4}, cpu));
    SUPPORT_EXPECT(&s, into, 0, 3, -4);
    assert_int_equal(t_dtype(&s, into), DTYPE_BF16);
    t_copy_(&s, into, t_full(&s, SHAPE_1(1), 0, DTYPE_F32, cpu));
    support_fails(&s, THAW_ERR_TORCH, "cannot copy [1] into [2]");
}

static void an_impossible_size_or_type_is_an_error(void **state) {
    (void)state;
    tscope s = support_begin();
    assert_null(t_full(&s, SHAPE_1(-1), 0, DTYPE_F32, cpu));
    support_fails(&s, THAW_ERR_TORCH, "full: ");
    s = support_begin();
    assert_null(t_full(&s, SHAPE_1(1), 0, DTYPE_COUNT, cpu));
    support_fails(&s, THAW_ERR_TORCH, "no such element type");
    s = support_begin();
    assert_null(t_empty(&s, SHAPE_2(1 << 30, 1 << 30), DTYPE_F32, cpu, FORMAT_CONTIGUOUS));
    support_fails(&s, THAW_ERR_TORCH, "needs less memory");
}

/* With CUDA it is memory like any other; without, whoever asks goes on with his own. */
static void pinned_memory_is_there_with_cuda_only(void **state) {
    (void)state;
    torch *t = support_torch();
    bool there = torch_about(t)->cuda_devices > 0;
    int64_t before = torch_live_tensors(t);
    pinned none = {0}, p = {.torch = t};
    assert_null(pinned_take(&none, 64));
    char *memory = pinned_take(&p, 64);
    assert_int_equal(memory != NULL, there);
    assert_int_equal(p.count, there);
    if (memory) memset(memory, 1, 64);
    assert_null(pinned_take(&p, SIZE_MAX)); /* more than is ever pinned */
    pinned_clear(&p);
    pinned_clear(&none);
    assert_int_equal(torch_live_tensors(t), before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scope_frees_what_was_made_in_it),
        cmocka_unit_test(the_first_failure_sticks_and_stops_the_rest),
        cmocka_unit_test(a_missing_operand_passes_through_but_is_never_read),
        cmocka_unit_test(a_tensor_of_another_scope_cannot_be_kept),
        cmocka_unit_test(a_failure_of_the_caller_stops_a_scope_too),
        cmocka_unit_test(what_was_written_is_read_back_in_every_type),
        cmocka_unit_test(numbers_convert_between_types),
        cmocka_unit_test(data_is_copied_and_a_blob_is_borrowed),
        cmocka_unit_test(nhwc_bytes_are_seen_as_a_channels_last_image),
        cmocka_unit_test(channels_last_needs_four_dimensions),
        cmocka_unit_test(reading_needs_room_of_exactly_the_tensors_size),
        cmocka_unit_test(a_scalar_has_no_dimensions_and_one_number),
        cmocka_unit_test(an_empty_tensor_is_fine),
        cmocka_unit_test(equality_is_of_type_shape_and_bits),
        cmocka_unit_test(a_copy_converts_but_does_not_broadcast),
        cmocka_unit_test(an_impossible_size_or_type_is_an_error),
        cmocka_unit_test(pinned_memory_is_there_with_cuda_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
