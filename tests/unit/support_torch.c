/*
 * support_torch.c - see support_torch.h.
 */
#include "tests/unit/support_torch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/rng.h"

torch *support_torch(void) {
    static torch *loaded;
    if (loaded) return loaded;
    thaw_status status = torch_open(&(torch_params){.threads = 2}, &loaded);
    if (!thaw_failed(&status)) return loaded;
    if (getenv("THAW_REQUIRE_TORCH")) fail_msg("no libtorch: %s", status.message);
    fprintf(stderr, "SKIPPED, NOT PASSED, for want of libtorch: %s\n", status.message);
    skip();
    return NULL;
}

const char *support_device_name(void) {
    const char *name = getenv("THAW_TEST_DEVICE");
    return name && *name ? name : "cpu";
}

device support_device(void) {
    device d;
    thaw_status status = torch_parse_device(support_torch(), support_device_name(), &d);
    if (thaw_failed(&status)) fail_msg("THAW_TEST_DEVICE: %s", status.message);
    return d;
}

tscope support_begin(void) {
    tscope s;
    tscope_begin(&s, support_torch());
    return s;
}

tensor *support_floats(tscope *s, shape size, const float *values) {
    return t_from_data(s, size, DTYPE_F32, values, support_device());
}

void support_expect(tscope *s, tensor *x, const float *values, size_t count, float tolerance) {
    float *got = xcalloc(count, sizeof *got);
    t_read(s, t_to(s, x, support_device(), DTYPE_F32, FORMAT_PRESERVE), got, count * sizeof *got);
    if (tscope_failed(s)) fail_msg("%s", s->status.message);
    for (size_t i = 0; i < count; i++)
        if (!(fabsf(got[i] - values[i]) <= tolerance))
            fail_msg("element %zu is %.9g, expected %.9g", i, (double)got[i], (double)values[i]);
    free(got);
}

tensor *support_noise(tscope *s, shape size, uint64_t seed) {
    size_t count = (size_t)shape_elements(&size);
    float *values = xcalloc(count, sizeof *values);
    rng r = rng_keyed(seed, RNG_TEST, 0, 0);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)rng_range(&r, -1, 1);
    tensor *x = support_floats(s, size, values);
    free(values);
    return x;
}

/* End S, whose failure must have CODE and name TEXT. */
void support_fails(tscope *s, thaw_code code, const char *text) {
    thaw_status status = tscope_end(s);
    if (status.code != code || !strstr(status.message, text))
        fail_msg("%s, \"%s\" instead of %s, \"...%s...\"", thaw_code_name(status.code), status.message,
                 thaw_code_name(code), text);
    if (strchr(status.message, '\n')) fail_msg("more than one line: %s", status.message);
}

void support_expect_shape(tscope *s, tensor *x, shape expected) {
    char a[SHAPE_TEXT_MAX], b[SHAPE_TEXT_MAX];
    shape got = t_shape(s, x);
    if (!shape_equal(&got, &expected))
        fail_msg("%s instead of %s", shape_text(&got, a), shape_text(&expected, b));
}

void support_end(tscope *s) {
    thaw_status status = tscope_end(s);
    if (thaw_failed(&status)) fail_msg("%s", status.message);
}
