/*
 * convert.c - the elements of an entry as contiguous numbers of another type. Rows along the last dimension
 * are copied by a function chosen once per entry; the dimensions before it are counted through.
 */
#include <string.h>

#include "engine/weights/weights_file.h"

/* COUNT elements from IN, STEP bytes apart, to OUT, packed. */
typedef void copy_row(uint8_t *out, const uint8_t *in, int64_t count, int64_t step, dtype from, dtype to);

static bool is_float(dtype type) {
    return type == DTYPE_F32 || type == DTYPE_F64 || type == DTYPE_F16 || type == DTYPE_BF16;
}

bool weights_convertible(dtype from, dtype to) {
    return from == to || (is_float(from) && is_float(to)) || (!is_float(from) && to == DTYPE_I64);
}

/* IEEE half, rounded to nearest even. */
static uint16_t float_to_half(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    uint32_t magnitude = bits & 0x7FFFFFFF;
    if (magnitude > 0x7F800000) return sign | 0x7E00;  /* NaN */
    if (magnitude >= 0x477FF000) return sign | 0x7C00; /* rounds past the largest half: infinity */
    if (magnitude < 0x33000001) return sign;           /* rounds to zero */
    uint32_t exponent = magnitude >> 23, mantissa = (magnitude & 0x7FFFFF) | 0x800000;
    uint32_t shift = exponent < 113 ? 126 - exponent : 13; /* below 2^-14 halves are subnormal */
    uint32_t half =
        exponent < 113 ? mantissa >> shift : ((exponent - 112) << 10) + ((mantissa >> 13) & 0x3FF);
    uint32_t rest = mantissa & ((1u << shift) - 1), middle = 1u << (shift - 1);
    return (uint16_t)(sign | (half + (rest > middle || (rest == middle && (half & 1)))));
}

static double read_float(const uint8_t *in, dtype type) {
    uint16_t small;
    float single;
    double value;
    if (type == DTYPE_F64) {
        memcpy(&value, in, sizeof value);
        return value;
    }
    if (type == DTYPE_F32) {
        memcpy(&single, in, sizeof single);
        return single;
    }
    memcpy(&small, in, sizeof small);
    return type == DTYPE_F16 ? half_to_float(small) : bfloat16_to_float(small);
}

static void write_float(uint8_t *out, double value, dtype type) {
    float single = (float)value;
    if (type == DTYPE_F64) {
        memcpy(out, &value, sizeof value);
    } else if (type == DTYPE_F32) {
        memcpy(out, &single, sizeof single);
    } else {
        uint16_t small = type == DTYPE_F16 ? float_to_half(single) : float_to_bfloat16(single);
        memcpy(out, &small, sizeof small);
    }
}

static int64_t read_integer(const uint8_t *in, dtype type) {
    int64_t wide = 0;
    int32_t word;
    int16_t small;
    switch (type) {
    case DTYPE_I64:
        memcpy(&wide, in, sizeof wide);
        return wide;
    case DTYPE_I32:
        memcpy(&word, in, sizeof word);
        return word;
    case DTYPE_I16:
        memcpy(&small, in, sizeof small);
        return small;
    case DTYPE_I8:
        return (int8_t)*in;
    case DTYPE_BOOL:
        return *in != 0;
    default:
        return *in;
    }
}

static void row_same(uint8_t *out, const uint8_t *in, int64_t count, int64_t step, dtype from, dtype to) {
    size_t size = dtype_size(from);
    (void)to;
    if (step == (int64_t)size) {
        memcpy(out, in, (size_t)count * size);
        return;
    }
    for (int64_t i = 0; i < count; i++)
        memcpy(out + (size_t)i * size, in + i * step, size);
}

static void row_small_to_single(uint8_t *out, const uint8_t *in, int64_t count, int64_t step, dtype from,
                                dtype to) {
    (void)to;
    for (int64_t i = 0; i < count; i++) {
        uint16_t bits;
        memcpy(&bits, in + i * step, sizeof bits);
        float value = from == DTYPE_F16 ? half_to_float(bits) : bfloat16_to_float(bits);
        memcpy(out + (size_t)i * sizeof value, &value, sizeof value);
    }
}

static void row_float(uint8_t *out, const uint8_t *in, int64_t count, int64_t step, dtype from, dtype to) {
    size_t size = dtype_size(to);
    for (int64_t i = 0; i < count; i++)
        write_float(out + (size_t)i * size, read_float(in + i * step, from), to);
}

static void row_integer(uint8_t *out, const uint8_t *in, int64_t count, int64_t step, dtype from, dtype to) {
    (void)to;
    for (int64_t i = 0; i < count; i++) {
        int64_t value = read_integer(in + i * step, from);
        memcpy(out + (size_t)i * sizeof value, &value, sizeof value);
    }
}

static copy_row *choose_row(dtype from, dtype to) {
    if (from == to) return row_same;
    if (!is_float(from)) return row_integer;
    bool small = from == DTYPE_F16 || from == DTYPE_BF16;
    return small && to == DTYPE_F32 ? row_small_to_single : row_float;
}

/* How many of the last dimensions of E lie in the file as one row (a step of one element); and its length. */
static int contiguous_dims(const weights_entry *e, int64_t *length) {
    int dims = 0;
    *length = 1;
    for (int i = e->size.ndim - 1; i >= 0 && (e->size.dim[i] == 1 || e->stride[i] == *length); i--, dims++)
        *length *= e->size.dim[i];
    return dims;
}

const void *weights_plain(const weights_entry *e, dtype type) {
    int64_t length;
    bool aligned = (uintptr_t)e->data % dtype_size(e->type) == 0;
    return e->type == type && aligned && contiguous_dims(e, &length) == e->size.ndim ? e->data : NULL;
}

thaw_status weights_copy(const weights_entry *e, dtype type, void *out) {
    int64_t place[SHAPE_MAX_DIMS] = {0}, elements = shape_elements(&e->size), row, step = 1;
    if (!weights_convertible(e->type, type))
        return thaw_error(THAW_ERR_SHAPE, "%s: the file has %s, and %s is needed; convert it in Python",
                          e->key, dtype_name(e->type), dtype_name(type));
    if (elements <= 0) return thaw_ok();
    int outer = e->size.ndim - contiguous_dims(e, &row);
    if (outer == e->size.ndim && outer) { /* nothing is contiguous: the last dimension is a row with steps */
        row = e->size.dim[--outer];
        step = e->stride[outer];
    }
    const int64_t size = (int64_t)dtype_size(e->type);
    copy_row *copy = choose_row(e->type, type);
    const uint8_t *in = e->data;
    for (int64_t done = 0; done < elements; done += row) {
        copy((uint8_t *)out + (size_t)done * dtype_size(type), in, row, step * size, e->type, type);
        for (int i = outer - 1; i >= 0; i--) { /* to the next row, as an odometer turns */
            if (e->size.dim[i] == 1) continue; /* whose stride may be anything */
            in += e->stride[i] * size;
            if (++place[i] < e->size.dim[i]) break;
            in -= place[i] * e->stride[i] * size;
            place[i] = 0;
        }
    }
    return thaw_ok();
}
