/*
 * weights_fixture.c - see weights_fixture.h.
 */
#include "tests/unit/weights_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

void fix_number(str *s, uint64_t value, int width) {
    for (int i = 0; i < width; i++) {
        char byte = (char)(value >> (8 * i));
        str_append_n(s, &byte, 1);
    }
}

void fix_text(str *s, const char *text) {
    str_append(s, "X");
    fix_number(s, strlen(text), 4);
    str_append(s, text);
}

void fix_int(str *s, int64_t value) {
    str_append(s, "\x8a\x08");
    fix_number(s, (uint64_t)value, 8);
}

void fix_global(str *s, const char *module, const char *name) {
    str_appendf(s, "c%s\n%s\n", module, name);
}

static void fix_tuple(str *s, const int64_t *value, int count) {
    str_append(s, "(");
    for (int i = 0; i < count; i++)
        fix_int(s, value[i]);
    str_append(s, "t");
}

void fix_tensor_value(str *s, const fix_tensor *t, bool legacy) {
    fix_global(s, "torch._utils", "_rebuild_tensor_v2");
    str_append(s, "((");
    fix_text(s, "storage");
    fix_global(s, "torch", t->storage_type);
    fix_text(s, t->storage_key);
    fix_text(s, "cpu");
    fix_int(s, t->storage_count);
    str_append(s, legacy ? "NtQ" : "tQ");
    fix_int(s, t->offset);
    fix_tuple(s, t->size.dim, t->size.ndim);
    fix_tuple(s, t->stride, t->size.ndim);
    str_append(s, "\x89");
    fix_global(s, "collections", "OrderedDict");
    str_append(s, ")RtR");
}

void fix_state_dict(str *s, const fix_tensor *t, size_t count, bool legacy) {
    str_append(s, "\x80\x02");
    fix_global(s, "collections", "OrderedDict");
    str_append(s, ")R(");
    for (size_t i = 0; i < count; i++) {
        fix_text(s, t[i].key);
        fix_tensor_value(s, &t[i], legacy);
    }
    str_append(s, "u");
}

void fix_zip_add(fix_zip *z, const char *name, const void *bytes, size_t count, int method,
                 uint32_t claimed) {
    size_t offset = z->out.length;
    str common = {0};
    fix_number(&common, 20, 2);
    fix_number(&common, 0, 2);
    fix_number(&common, (uint64_t)method, 2);
    fix_number(&common, 0, 4 + 4); /* time, date, checksum: no reader looks at it */
    fix_number(&common, count, 4);
    fix_number(&common, claimed, 4);
    fix_number(&common, strlen(name), 2);
    fix_number(&common, 0, 2);
    fix_number(&z->out, 0x04034b50, 4);
    str_append_n(&z->out, common.data, common.length);
    str_append(&z->out, name);
    str_append_n(&z->out, bytes, count);
    fix_number(&z->directory, 0x02014b50, 4);
    fix_number(&z->directory, 20, 2);
    str_append_n(&z->directory, common.data, common.length);
    fix_number(&z->directory, 0, 2 + 2 + 2);
    fix_number(&z->directory, 0, 4);
    fix_number(&z->directory, offset, 4);
    str_append(&z->directory, name);
    z->count++;
    str_clear(&common);
}

void fix_zip_store(fix_zip *z, const char *name, const void *bytes, size_t count) {
    fix_zip_add(z, name, bytes, count, 0, (uint32_t)count);
}

void fix_zip_end(fix_zip *z) {
    size_t offset = z->out.length;
    if (z->directory.length) str_append_n(&z->out, z->directory.data, z->directory.length);
    fix_number(&z->out, 0x06054b50, 4);
    fix_number(&z->out, 0, 4);
    fix_number(&z->out, (uint64_t)z->count, 2);
    fix_number(&z->out, (uint64_t)z->count, 2);
    fix_number(&z->out, z->directory.length, 4);
    fix_number(&z->out, offset, 4);
    fix_number(&z->out, 0, 2);
}

void fix_zip_clear(fix_zip *z) {
    str_clear(&z->out);
    str_clear(&z->directory);
}

void fix_legacy_begin(str *s) {
    static const char begin[] = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
                                "\x80\x02M\xe9\x03."
                                "\x80\x02}.";
    str_append_n(s, begin, sizeof begin - 1);
}

void fix_legacy_keys(str *s, const char *const *key, size_t count) {
    str_append(s, "\x80\x02](");
    for (size_t i = 0; i < count; i++)
        fix_text(s, key[i]);
    str_append(s, "e.");
}

void fix_safetensors(str *s, const char *header, const void *data, size_t count) {
    fix_number(s, strlen(header), 8);
    str_append(s, header);
    str_append_n(s, data, count);
}

static const float sample_values[6] = {0, 1, 2, 3, 4, 5};
static const int64_t sample_steps = 7;
static const fix_tensor sample[] = {
    {"conv.weight", "FloatStorage", "a", 6, 0, {2, {2, 3}}, {3, 1}},
    {"turned", "FloatStorage", "a", 6, 0, {2, {3, 2}}, {1, 3}},
    {"steps", "LongStorage", "b", 1, 0, {0, {0}}, {0}},
};
enum { SAMPLE_COUNT = sizeof sample / sizeof sample[0] };

static void sample_zip(str *s) {
    fix_zip z = {0};
    str pickle = {0};
    fix_state_dict(&pickle, sample, SAMPLE_COUNT, false);
    str_append(&pickle, ".");
    fix_zip_store(&z, "any/data.pkl", pickle.data, pickle.length);
    fix_zip_store(&z, "any/data/a", sample_values, sizeof sample_values);
    fix_zip_store(&z, "any/data/b", &sample_steps, sizeof sample_steps);
    fix_zip_store(&z, "any/version", "3\n", 2);
    fix_zip_end(&z);
    str_append_n(s, z.out.data, z.out.length);
    fix_zip_clear(&z);
    str_clear(&pickle);
}

static void sample_legacy(str *s) {
    static const char *const keys[] = {"b", "a"};
    fix_legacy_begin(s);
    fix_state_dict(s, sample, SAMPLE_COUNT, true);
    str_append(s, ".");
    fix_legacy_keys(s, keys, 2);
    fix_number(s, 1, 8);
    str_append_n(s, (const char *)&sample_steps, sizeof sample_steps);
    fix_number(s, 6, 8);
    str_append_n(s, (const char *)sample_values, sizeof sample_values);
}

static void sample_safetensors(str *s) {
    static const float turned[6] = {0, 3, 1, 4, 2, 5};
    uint8_t data[56];
    memcpy(data, &sample_steps, 8);
    memcpy(data + 8, sample_values, 24);
    memcpy(data + 32, turned, 24);
    fix_safetensors(s,
                    "{\"__metadata__\":{\"format\":\"pt\"},"
                    "\"conv.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[8,32]},"
                    "\"turned\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[32,56]},"
                    "\"steps\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]}}",
                    data, sizeof data);
}

void fix_sample(str *s, weights_format format) {
    static void (*const make[])(str *) = {[WEIGHTS_SAFETENSORS] = sample_safetensors,
                                          [WEIGHTS_TORCH_ZIP] = sample_zip,
                                          [WEIGHTS_TORCH_LEGACY] = sample_legacy};
    make[format](s);
}

fix_opened fix_open(const char *bytes, size_t size) {
    fix_opened o = {.bytes = xmalloc(size)};
    if (size) memcpy(o.bytes, bytes, size);
    o.status = weights_open_memory("file", o.bytes, size, &o.file);
    if (thaw_failed(&o.status)) o.file = NULL;
    return o;
}

void fix_close(fix_opened *o) {
    weights_close(o->file);
    free(o->bytes);
}
