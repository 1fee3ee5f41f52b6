/*
 * shape.h - the extents and element type of a tensor, usable without libtorch.
 */
#ifndef ENGINE_BASE_SHAPE_H
#define ENGINE_BASE_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHAPE_MAX_DIMS = 8, SHAPE_TEXT_MAX = 128 };

typedef enum dtype {
    DTYPE_F32,
    DTYPE_F64,
    DTYPE_F16,
    DTYPE_BF16,
    DTYPE_I64,
    DTYPE_I32,
    DTYPE_I16,
    DTYPE_I8,
    DTYPE_U8,
    DTYPE_BOOL,
    DTYPE_COUNT
} dtype;

/* dim[0] varies slowest; a scalar has ndim 0. */
typedef struct shape {
    int ndim;
    int64_t dim[SHAPE_MAX_DIMS];
} shape;

#define SHAPE_0()           ((shape){.ndim = 0})
#define SHAPE_1(a)          ((shape){.ndim = 1, .dim = {(a)}})
#define SHAPE_2(a, b)       ((shape){.ndim = 2, .dim = {(a), (b)}})
#define SHAPE_3(a, b, c)    ((shape){.ndim = 3, .dim = {(a), (b), (c)}})
#define SHAPE_4(a, b, c, d) ((shape){.ndim = 4, .dim = {(a), (b), (c), (d)}})

size_t dtype_size(dtype type);      /* bytes an element */
const char *dtype_name(dtype type); /* torch's word: "float32", "int64", ... Static. */

int64_t shape_elements(const shape *s); /* product of the extents; -1 when it overflows or one is < 0 */
bool shape_equal(const shape *a, const shape *b);
const char *shape_text(const shape *s, char buffer[SHAPE_TEXT_MAX]); /* "[64, 3, 7, 7]"; returns buffer */

/* IEEE half and bfloat16 to float and back (round to nearest even), for hosts without the instructions. */
float half_to_float(uint16_t bits);
float bfloat16_to_float(uint16_t bits);
uint16_t float_to_bfloat16(float value);

#endif
