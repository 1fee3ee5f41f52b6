/*
 * weights_fixture.h - small weights files made by hand, byte by byte, so that tests need no Python and can be
 * as wrong as they like. A str is the growing bytes throughout.
 */
#ifndef TESTS_UNIT_WEIGHTS_FIXTURE_H
#define TESTS_UNIT_WEIGHTS_FIXTURE_H

#include "engine/base/str.h"
#include "engine/weights/weights.h"

void fix_number(str *s, uint64_t value, int width); /* little-endian */

/* ---- pickles ---- */

void fix_text(str *s, const char *text);
void fix_int(str *s, int64_t value);
void fix_global(str *s, const char *module, const char *name);

/* One tensor: a call of _rebuild_tensor_v2 over a storage that only it uses. */
typedef struct fix_tensor {
    const char *key, *storage_type; /* "FloatStorage" */
    const char *storage_key;
    int64_t storage_count, offset;
    shape size;
    int64_t stride[SHAPE_MAX_DIMS];
} fix_tensor;
void fix_tensor_value(str *s, const fix_tensor *t, bool legacy);
/* "\x80\x02" and an OrderedDict of the tensors, without the final '.'. */
void fix_state_dict(str *s, const fix_tensor *t, size_t count, bool legacy);

/* ---- containers ---- */

typedef struct fix_zip {
    str out, directory;
    int count;
} fix_zip;
/* CLAIMED: the size it says it unpacks to. */
void fix_zip_add(fix_zip *z, const char *name, const void *bytes, size_t count, int method, uint32_t claimed);
void fix_zip_store(fix_zip *z, const char *name, const void *bytes, size_t count);
void fix_zip_end(fix_zip *z); /* out is the file */
void fix_zip_clear(fix_zip *z);

/* The pickles before the structure of an old file; then the structure, the keys and records follow. */
void fix_legacy_begin(str *s);
void fix_legacy_keys(str *s, const char *const *key, size_t count);

void fix_safetensors(str *s, const char *header, const void *data, size_t count);

/* Two float32 tensors, [2, 3] = 0..5 under "conv.weight" and a transposed view of it under "turned", and an
   int64 scalar 7 under "steps", in each format. */
void fix_sample(str *s, weights_format format);

/* ---- opening what was made, from an allocation of just its size ---- */

typedef struct fix_opened {
    uint8_t *bytes;
    weights_file *file; /* NULL when it was refused */
    thaw_status status;
} fix_opened;
fix_opened fix_open(const char *bytes, size_t size);
void fix_close(fix_opened *o);

#endif
