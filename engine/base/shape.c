/*
 * shape.c - see shape.h. Everything here is a pure function.
 */
#include "engine/base/shape.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size;
} dtypes[DTYPE_COUNT] = {
    [DTYPE_F32] = {"float32", 4},   [DTYPE_F64] = {"float64", 8}, [DTYPE_F16] = {"float16", 2},
    [DTYPE_BF16] = {"bfloat16", 2}, [DTYPE_I64] = {"int64", 8},   [DTYPE_I32] = {"int32", 4},
    [DTYPE_I16] = {"int16", 2},     [DTYPE_I8] = {"int8", 1},     [DTYPE_U8] = {"uint8", 1},
    [DTYPE_BOOL] = {"bool", 1},
};

size_t dtype_size(dtype type) {
    return (unsigned)type < DTYPE_COUNT ? dtypes[type].size : 0;
}

const char *dtype_name(dtype type) {
    return (unsigned)type < DTYPE_COUNT ? dtypes[type].name : "unknown";
}

int64_t shape_elements(const shape *s) {
    int64_t total = 1;
    for (int i = 0; i < s->ndim; i++) {
        if (s->dim[i] < 0 || __builtin_mul_overflow(total, s->dim[i], &total)) return -1;
    }
    return total;
}

bool shape_equal(const shape *a, const shape *b) {
    if (a->ndim != b->ndim) return false;
    for (int i = 0; i < a->ndim; i++)
        if (a->dim[i] != b->dim[i]) return false;
    return true;
}

const char *shape_text(const shape *s, char buffer[SHAPE_TEXT_MAX]) {
    size_t used = (size_t)snprintf(buffer, SHAPE_TEXT_MAX, "[");
    for (int i = 0; i < s->ndim && used < SHAPE_TEXT_MAX - 24; i++)
        used +=
            (size_t)snprintf(buffer + used, SHAPE_TEXT_MAX - used, "%s%" PRId64, i ? ", " : "", s->dim[i]);
    snprintf(buffer + used, SHAPE_TEXT_MAX - used, "]");
    return buffer;
}

static float float_from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

float bfloat16_to_float(uint16_t bits) {
    return float_from_bits((uint32_t)bits << 16);
}

uint16_t float_to_bfloat16(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return (uint16_t)(bits >> 16 | 0x40); /* NaN stays NaN */
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

float half_to_float(uint16_t bits) {
    uint32_t sign = (uint32_t)(bits & 0x8000) << 16;
    uint32_t exponent = bits >> 10 & 0x1F, mantissa = bits & 0x3FF;
    if (exponent == 31) return float_from_bits(sign | 0x7F800000u | mantissa << 13);
    if (exponent) return float_from_bits(sign | (exponent + 112) << 23 | mantissa << 13);
    float magnitude = (float)mantissa * 0x1p-24f; /* subnormal */
    return sign ? -magnitude : magnitude;
}
