/*
 * test_pixel_scale.c - bytes become the numbers that torchvision's ToTensor and Normalize make of them: by
 * table as by arithmetic, whole or in parts, and whatever they go through on the way into a model.
 * THAW_TEST_DEVICE says where the arithmetic is (support_torch.h).
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "tests/unit/support_model.h"
#include "tests/unit/support_torch.h"
#include "tests/unit/train_fixture.h"

static const device cpu = {DEVICE_CPU, 0};

/* ImageNet's, CIFAR's, and two that leave the values or spread them. */
static const float scales[][2][PIXEL_CHANNELS] = {{{0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}},
                                                  {{0.4914f, 0.4822f, 0.4465f}, {0.2470f, 0.2435f, 0.2616f}},
                                                  {{0.5f, 0.5f, 0.5f}, {0.5f, 0.5f, 0.5f}},
                                                  {{0, 0, 0}, {1, 1, 1}}};
enum { SCALES = sizeof scales / sizeof *scales };

/* Rounded to float32 three times, whatever the compiler would rather do. */
static float formula(const float scale[2][PIXEL_CHANNELS], int channel, uint8_t byte) {
    volatile float part = (float)byte / 255.0f, from_mean = part - scale[0][channel];
    return from_mean / scale[1][channel];
}

/* GOT, in row-major order (N, 3, H, W), is what BYTES (N, H, W, 3) stand for; ULP: how far off a number may
 * be. */
static void compare(const float *got, const uint8_t *bytes, shape size, const float scale[2][PIXEL_CHANNELS],
                    int ulp) {
    size_t area = (size_t)(size.dim[2] * size.dim[3]), images = (size_t)size.dim[0];
    for (size_t n = 0; n < images; n++)
        for (size_t c = 0; c < PIXEL_CHANNELS; c++)
            for (size_t i = 0; i < area; i++) {
                float want = formula(scale, (int)c, bytes[(n * area + i) * PIXEL_CHANNELS + c]);
                float is = got[(n * PIXEL_CHANNELS + c) * area + i];
                bool near = is == want || (ulp && is == nextafterf(want, is));
                if (!near) fail_msg("image %zu, channel %zu, pixel %zu: %.9g, not %.9g", n, c, i, is, want);
            }
}

/* On D, by table or not, in FORMAT. */
static void expect_numbers(const uint8_t *bytes, shape size, int scale, device d, bool by_table,
                           memory_format format, bool for_backward) {
    pixel_scale p;
    thaw_status status =
        pixel_scale_make(support_torch(), d, by_table, scales[scale][0], scales[scale][1], &p);
    if (thaw_failed(&status)) fail_msg("%s", status.message);
    size_t count = (size_t)shape_elements(&size);
    float *got = xcalloc(count, sizeof *got);
    tscope s = support_begin();
    tensor *x = t_from_blob(&s, size, DTYPE_U8, (void *)bytes, FORMAT_CHANNELS_LAST);
    tensor *y =
        pixel_scale_apply(&p, &s, t_to(&s, x, d, DTYPE_U8, FORMAT_CHANNELS_LAST), format, for_backward);
    assert_int_equal(t_dtype(&s, y), DTYPE_F32);
    if (d.kind == DEVICE_CPU) assert_non_null(t_data(&s, y, format));
    t_read(&s, y, got, count * sizeof *got);
    support_end(&s);
    compare(got, bytes, size, scales[scale], d.kind != DEVICE_CPU);
    free(got);
    pixel_scale_free(&p, support_torch());
}

static void expect_numbers_everywhere(const uint8_t *bytes, shape size, int scale) {
    static const memory_format formats[] = {FORMAT_CHANNELS_LAST, FORMAT_CONTIGUOUS};
    for (int i = 0; i < 2; i++) {
        expect_numbers(bytes, size, scale, cpu, true, formats[i], false);
        expect_numbers(bytes, size, scale, cpu, true, formats[i], true);
        expect_numbers(bytes, size, scale, cpu, false, formats[i], false);
        expect_numbers(bytes, size, scale, support_device(), false, formats[i], true);
    }
}

static void every_byte_stands_for_what_the_formula_says(void **state) {
    (void)state;
    uint8_t bytes[PIXEL_VALUES][PIXEL_CHANNELS];
    for (int v = 0; v < PIXEL_VALUES; v++)
        for (int c = 0; c < PIXEL_CHANNELS; c++)
            bytes[v][c] = (uint8_t)(v + 85 * c);
    for (int i = 0; i < SCALES; i++) {
        float table[PIXEL_CHANNELS][PIXEL_VALUES];
        pixel_scale_table(scales[i][0], scales[i][1], table);
        for (int c = 0; c < PIXEL_CHANNELS; c++)
            for (int v = 0; v < PIXEL_VALUES; v++)
                assert_true(table[c][v] == formula(scales[i], c, (uint8_t)v));
        expect_numbers_everywhere(bytes[0], SHAPE_4(1, PIXEL_CHANNELS, 16, 16), i);
    }
}

static uint8_t *random_bytes(size_t count) {
    uint8_t *bytes = xmalloc(count);
    rng r = rng_keyed(3, RNG_TEST, 0, 0);
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)rng_below(&r, PIXEL_VALUES);
    return bytes;
}

/* More than one thread's share, and ends in the middle of one. */
static void images_of_any_size_are_whole(void **state) {
    (void)state;
    static const int64_t sizes[][3] = {{1, 1, 1},     {3, 1, 7},    {2, 5, 1},
                                       {1, 224, 224}, {5, 113, 89}, {9, 61, 64}};
    enum { PIXELS_MOST = 5 * 113 * 89 };
    uint8_t *bytes = random_bytes((size_t)PIXEL_CHANNELS * PIXELS_MOST);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        expect_numbers_everywhere(bytes, SHAPE_4(sizes[i][0], PIXEL_CHANNELS, sizes[i][1], sizes[i][2]), 0);
    free(bytes);
}

static void a_part_of_a_batch_is_looked_up_where_it_lies(void **state) {
    (void)state;
    enum { IMAGES = 6, FROM = 2, TO = 5, SIDE = 20, IMAGE = SIDE * SIDE * PIXEL_CHANNELS };
    uint8_t *bytes = random_bytes(IMAGES * IMAGE);
    float got[(TO - FROM) * IMAGE];
    pixel_scale p;
    tscope s = support_begin();
    expect_ok(pixel_scale_make(s.torch, cpu, true, scales[0][0], scales[0][1], &p));
    shape size = SHAPE_4(IMAGES, PIXEL_CHANNELS, SIDE, SIDE);
    tensor *x = t_from_blob(&s, size, DTYPE_U8, bytes, FORMAT_CHANNELS_LAST);
    tensor *y = pixel_scale_apply(&p, &s, t_slice(&s, x, 0, FROM, TO, 1), FORMAT_CHANNELS_LAST, false);
    t_read(&s, y, got, sizeof got);
    support_end(&s);
    size.dim[0] = TO - FROM;
    compare(got, bytes + FROM * IMAGE, size, scales[0], 0);
    pixel_scale_free(&p, support_torch());
    free(bytes);
}

/* ---- into a model ---- */

enum {
    BATCH = 20,
    SIDE = SUPPORT_SIDE,
    IMAGE = SIDE * SIDE * PIXEL_CHANNELS,
    LOGITS = BATCH * SUPPORT_CLASSES
};

typedef struct taken {
    float before[LOGITS], step[LOGITS], after[LOGITS];
    double loss;
} taken;

/* Classify the batch, learn from it and classify it again, with what FROZEN names frozen. */
static taken take(const image_batch *images, const char *frozen) {
    taken out;
    model *m = support_model(NULL);
    thaw_recipe recipe;
    thaw_recipe_init(&recipe);
    learner l = {.model = m, .seed = 3};
    expect_ok(optimizer_new(&recipe, m, &l.optimizer));
    support_mask(m, frozen, NULL);
    expect_ok(learner_mask_changed(&l));
    expect_ok(learner_infer(&l, images));
    memcpy(out.before, l.logits, sizeof out.before);
    expect_ok(learner_step(&l, images, 0, 0.1, NULL, &out.loss));
    memcpy(out.step, l.logits, sizeof out.step);
    expect_ok(learner_infer(&l, images));
    memcpy(out.after, l.logits, sizeof out.after);
    optimizer *o = l.optimizer;
    learner_clear(&l);
    optimizer_free(o);
    thaw_recipe_clear(&recipe);
    model_free(m);
    return out;
}

/* Of a whole batch and in pieces, trained on and not. */
static void a_model_takes_bytes_as_the_numbers_they_stand_for(void **state) {
    (void)state;
    static const char *const masks[] = {NULL, "conv1,bn1,layer1", "all"};
    static const float half[PIXEL_CHANNELS] = {0.5f, 0.5f, 0.5f}; /* support_model's */
    if (support_device().kind != DEVICE_CPU) skip();              /* sums are not the same twice there */
    uint8_t *bytes = random_bytes(BATCH * IMAGE);
    float table[PIXEL_CHANNELS][PIXEL_VALUES], *numbers = xcalloc(BATCH * IMAGE, sizeof *numbers);
    pixel_scale_table(half, half, table);
    for (size_t i = 0; i < BATCH * IMAGE; i++)
        numbers[i] = table[i % PIXEL_CHANNELS][bytes[i]];
    int64_t label[BATCH];
    for (int i = 0; i < BATCH; i++)
        label[i] = i % SUPPORT_CLASSES;
    image_batch images = {.count = BATCH, .height = SIDE, .width = SIDE, .label = label};
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        images.pixels = bytes;
        taken a = take(&images, masks[i]);
        images.pixels = NULL;
        images.numbers = numbers;
        taken b = take(&images, masks[i]);
        assert_memory_equal(&a, &b, sizeof a);
        assert_memory_not_equal(a.before, a.after, sizeof a.before);
    }
    free(numbers);
    free(bytes);
}

static void bytes_without_a_meaning_are_refused(void **state) {
    (void)state;
    model *m = support_model(NULL);
    image_batch images = support_images();
    learner l = {.model = m};
    model_place(m, m->torch, m->device, false); /* forgets it */
    expect_ok(model_fill(m, 1));
    expect_ok(learner_mask_changed(&l));
    thaw_status status = learner_infer(&l, &images);
    assert_int_equal(status.code, THAW_ERR_USAGE);
    assert_non_null(strstr(status.message, "model_set_pixels"));
    learner_clear(&l);
    model_free(m);
}

static void only_bytes_are_looked_up(void **state) {
    (void)state;
    const shape size = SHAPE_4(1, PIXEL_CHANNELS, 2, 2);
    tscope s = support_begin();
    tensor *table = t_full(&s, SHAPE_2(PIXEL_CHANNELS, PIXEL_VALUES), 0, DTYPE_F32, cpu);
    tensor *numbers = t_full(&s, size, 0, DTYPE_F32, cpu);
    t_look_up_(&s, numbers, numbers, table);
    support_fails(&s, THAW_ERR_TORCH, "bytes (N, C, H, W)");
    s = support_begin();
    table = t_full(&s, SHAPE_2(PIXEL_CHANNELS, 255), 0, DTYPE_F32, cpu);
    numbers = t_full(&s, size, 0, DTYPE_F32, cpu);
    t_look_up_(&s, numbers, t_full(&s, size, 0, DTYPE_U8, cpu), table);
    support_fails(&s, THAW_ERR_TORCH, "(3, 256)");
    s = support_begin();
    table = t_full(&s, SHAPE_2(PIXEL_CHANNELS, PIXEL_VALUES), 0, DTYPE_F32, cpu);
    numbers = t_full(&s, SHAPE_4(1, PIXEL_CHANNELS, 2, 1), 0, DTYPE_F32, cpu);
    t_look_up_(&s, numbers, t_full(&s, size, 0, DTYPE_U8, cpu), table);
    support_fails(&s, THAW_ERR_TORCH, "as many numbers");
}

/* One batch after another in the same place, a larger one in a larger. */
static void numbers_for_backward_replace_those_before(void **state) {
    (void)state;
    static const int64_t counts[] = {2, 5, 3};
    enum { SIZE = 16, EACH = SIZE * SIZE * PIXEL_CHANNELS };
    uint8_t *bytes = random_bytes(5 * EACH);
    float got[5 * EACH];
    pixel_scale p;
    const void *place[3];
    expect_ok(pixel_scale_make(support_torch(), cpu, true, scales[0][0], scales[0][1], &p));
    for (int i = 0; i < 3; i++) {
        tscope s = support_begin();
        shape size = SHAPE_4(counts[i], PIXEL_CHANNELS, SIZE, SIZE);
        tensor *x = t_from_blob(&s, size, DTYPE_U8, bytes, FORMAT_CHANNELS_LAST);
        tensor *y = pixel_scale_apply(&p, &s, x, FORMAT_CHANNELS_LAST, true);
        place[i] = t_data(&s, y, FORMAT_CHANNELS_LAST);
        t_read(&s, y, got, (size_t)counts[i] * EACH * sizeof *got);
        support_end(&s);
        compare(got, bytes, size, scales[0], 0);
    }
    assert_ptr_equal(place[1], place[2]);
    pixel_scale_free(&p, support_torch());
    free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_stands_for_what_the_formula_says),
        cmocka_unit_test(images_of_any_size_are_whole),
        cmocka_unit_test(a_part_of_a_batch_is_looked_up_where_it_lies),
        cmocka_unit_test(a_model_takes_bytes_as_the_numbers_they_stand_for),
        cmocka_unit_test(bytes_without_a_meaning_are_refused),
        cmocka_unit_test(only_bytes_are_looked_up),
        cmocka_unit_test(numbers_for_backward_replace_those_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
