/*
 * support_torch.h - the real libtorch for tests, loaded once a program.
 */
#ifndef TESTS_UNIT_SUPPORT_TORCH_H
#define TESTS_UNIT_SUPPORT_TORCH_H

#include "engine/torch/tensor.h"

/*
 * The library, with two threads. Where there is no plugin the calling test is skipped, which it says on
 * stderr; with THAW_REQUIRE_TORCH set it fails instead, so that a machine meant to have libtorch cannot pass
 * without.
 */
torch *support_torch(void);

/* Where tests compute: THAW_TEST_DEVICE ("cuda", "cuda:1"), which must be there; the CPU without it. */
device support_device(void);
const char *support_device_name(void);

tscope support_begin(void);  /* a scope of that library */
void support_end(tscope *s); /* end S, which must not have failed */
/* End S, whose failure must have this CODE and TEXT in its message, which is one line. */
void support_fails(tscope *s, thaw_code code, const char *text);

#define SUPPORT_FLOATS(...) ((const float[]){__VA_ARGS__})

/* A float32 tensor on the tests' device of the given shape; VALUES in row-major order. */
tensor *support_floats(tscope *s, shape size, const float *values);

/* A float32 tensor of reproducible numbers in [-1, 1). */
tensor *support_noise(tscope *s, shape size, uint64_t seed);

/* That X, as float32, holds these COUNT numbers in row-major order, each within TOLERANCE. */
void support_expect(tscope *s, tensor *x, const float *values, size_t count, float tolerance);
#define SUPPORT_EXPECT(s, x, tolerance, ...)                                                              \
    support_expect(s, x, SUPPORT_FLOATS(__VA_ARGS__), sizeof SUPPORT_FLOATS(__VA_ARGS__) / sizeof(float), \
                   tolerance)
void support_expect_shape(tscope *s, tensor *x, shape expected);

#endif
