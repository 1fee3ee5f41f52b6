/*
 * write_torch.c - a .pth that Python's torch.load(weights_only=True) reads: a zip of stored members with a
 * pickle of an OrderedDict of tensors. Only what every torch since 1.6 understands is written.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/str.h"
#include "engine/weights/weights_file.h"
#include "engine/weights/write.h"

enum {
    ALIGNMENT = 64, /* of each member's bytes, as torch writes them */
    LOCAL_SIZE = 30,
    NAME_MAX_BYTES = 64,
    ZIP_VERSION = 20,
    FLAG_UTF8 = 0x800,
    DOS_DATE = 0x21, /* 1 January 1980: the same weights give the same file */
};

typedef struct member {
    char name[NAME_MAX_BYTES];
    uint32_t crc, size, offset;
} member;

typedef struct zip_writer {
    file_writer *out;
    const char *path;
    member *member;
    size_t count, capacity;
} zip_writer;

static void put_number(str *s, uint64_t value, int width) {
    for (int i = 0; i < width; i++) {
        char byte = (char)(value >> (8 * i));
        str_append_n(s, &byte, 1);
    }
}

/* The fields that local and central headers share, from "version needed" to the name's length. */
static void put_common(str *s, const member *m) {
    put_number(s, ZIP_VERSION, 2);
    put_number(s, FLAG_UTF8, 2);
    put_number(s, 0, 2); /* stored */
    put_number(s, 0, 2); /* time */
    put_number(s, DOS_DATE, 2);
    put_number(s, m->crc, 4);
    put_number(s, m->size, 4);
    put_number(s, m->size, 4);
    put_number(s, strlen(m->name), 2);
}

static uint32_t crc_of(const void *bytes, size_t count) {
    return (uint32_t)crc32_z(crc32_z(0, NULL, 0), bytes, count);
}

static thaw_status put_member(zip_writer *z, const char *name, const void *bytes, size_t count) {
    uint64_t position = file_writer_position(z->out);
    if (count >= UINT32_MAX || position + count + LOCAL_SIZE + ALIGNMENT * 4 >= UINT32_MAX)
        return thaw_error(THAW_ERR_UNSUPPORTED, "%s would be over 4 GB; save it as .safetensors instead",
                          z->path);
    z->member = vec_reserve(z->member, &z->capacity, z->count + 1, sizeof *z->member);
    member *m = &z->member[z->count++];
    *m = (member){.crc = crc_of(bytes, count), .size = (uint32_t)count, .offset = (uint32_t)position};
    snprintf(m->name, sizeof m->name, "archive/%s", name);
    /* An extra field named "FB" pads up to the alignment; it takes four bytes itself. */
    size_t begin = (size_t)position + LOCAL_SIZE + strlen(m->name) + 4;
    size_t padding = (ALIGNMENT - begin % ALIGNMENT) % ALIGNMENT;
    str header = {0};
    put_number(&header, 0x04034b50, 4);
    put_common(&header, m);
    put_number(&header, 4 + padding, 2);
    str_append(&header, m->name);
    str_append(&header, "FB");
    put_number(&header, padding, 2);
    for (size_t i = 0; i < padding; i++)
        str_append(&header, "Z");
    thaw_status status = file_writer_write(z->out, header.data, header.length);
    str_clear(&header);
    THAW_TRY(status);
    return file_writer_write(z->out, bytes, count);
}

static thaw_status put_directory(zip_writer *z) {
    uint64_t begin = file_writer_position(z->out);
    str s = {0};
    if (z->count >= UINT16_MAX)
        return thaw_error(THAW_ERR_UNSUPPORTED, "%s has too many tensors; save it as .safetensors instead",
                          z->path);
    for (size_t i = 0; i < z->count; i++) {
        const member *m = &z->member[i];
        put_number(&s, 0x02014b50, 4);
        put_number(&s, ZIP_VERSION, 2);
        put_common(&s, m);
        put_number(&s, 0, 2 + 2 + 2 + 2); /* extra, comment, disk, internal attributes */
        put_number(&s, 0, 4);             /* external attributes */
        put_number(&s, m->offset, 4);
        str_append(&s, m->name);
    }
    uint64_t size = s.length;
    put_number(&s, 0x06054b50, 4);
    put_number(&s, 0, 4); /* disks */
    put_number(&s, z->count, 2);
    put_number(&s, z->count, 2);
    put_number(&s, size, 4);
    put_number(&s, begin, 4);
    put_number(&s, 0, 2); /* comment */
    thaw_status status = file_writer_write(z->out, s.data, s.length);
    str_clear(&s);
    return status;
}

/* ---- the pickle ---- */

static const char *const storage_name[DTYPE_COUNT] = {
    [DTYPE_F32] = "FloatStorage",     [DTYPE_F64] = "DoubleStorage", [DTYPE_F16] = "HalfStorage",
    [DTYPE_BF16] = "BFloat16Storage", [DTYPE_I64] = "LongStorage",   [DTYPE_I32] = "IntStorage",
    [DTYPE_I16] = "ShortStorage",     [DTYPE_I8] = "CharStorage",    [DTYPE_U8] = "ByteStorage",
    [DTYPE_BOOL] = "BoolStorage",
};

static void put_text(str *s, const char *text) {
    str_append(s, "X");
    put_number(s, strlen(text), 4);
    str_append(s, text);
}

static void put_integer(str *s, int64_t value) {
    if (value >= 0 && value <= INT32_MAX) {
        str_append(s, "J");
        put_number(s, (uint64_t)value, 4);
    } else {
        str_append(s, "\x8a\x08"); /* LONG1 of eight bytes */
        put_number(s, (uint64_t)value, 8);
    }
}

static void put_tuple(str *s, const int64_t *value, int count) {
    str_append(s, "(");
    for (int i = 0; i < count; i++)
        put_integer(s, value[i]);
    str_append(s, "t");
}

/* _rebuild_tensor_v2(storage, 0, size, stride, False, OrderedDict()) of storage NUMBER. */
static void put_tensor(str *s, const weights_item *item, size_t number) {
    char key[24];
    int64_t stride[SHAPE_MAX_DIMS], elements = 1;
    snprintf(key, sizeof key, "%zu", number);
    for (int i = item->size.ndim - 1; i >= 0; i--) {
        stride[i] = elements;
        if (item->size.dim[i] > 1) elements *= item->size.dim[i];
    }
    str_append(s, "ctorch._utils\n_rebuild_tensor_v2\n((");
    put_text(s, "storage");
    str_appendf(s, "ctorch\n%s\n", storage_name[item->type]);
    put_text(s, key);
    put_text(s, "cpu");
    put_integer(s, shape_elements(&item->size));
    str_append(s, "tQ");
    put_integer(s, 0);
    put_tuple(s, item->size.dim, item->size.ndim);
    put_tuple(s, stride, item->size.ndim);
    str_append(s, "\x89"
                  "ccollections\nOrderedDict\n)RtR");
}

/*
 * The dictionary's attribute _metadata, as torch's own state dicts have it: {"": {"version": 2}}. Of all
 * models only MNASNet asks for the root's version, and refuses a state dict that has none.
 */
static void put_metadata(str *s) {
    str_append(s, "}");
    put_text(s, "_metadata");
    str_append(s, "ccollections\nOrderedDict\n)R");
    put_text(s, "");
    str_append(s, "}");
    put_text(s, "version");
    put_integer(s, 2);
    str_append(s, "sssb");
}

static void build_pickle(str *s, const weights_source *source) {
    str_append(s, "\x80\x02"
                  "ccollections\nOrderedDict\n)R(");
    for (size_t i = 0; i < source->count; i++) {
        put_text(s, source->item[i].key);
        put_tensor(s, &source->item[i], i);
    }
    str_append(s, "u");
    put_metadata(s);
    str_append(s, ".");
}

static thaw_status put_storages(zip_writer *z, const weights_source *source) {
    for (size_t i = 0; i < source->count; i++) {
        char name[32];
        const void *data;
        THAW_TRY(source->fetch(source->user, i, &data));
        snprintf(name, sizeof name, "data/%zu", i);
        THAW_TRY(put_member(z, name, data, weights_item_bytes(&source->item[i])));
    }
    return thaw_ok();
}

static thaw_status put_archive(zip_writer *z, const weights_source *source) {
    str data = {0};
    build_pickle(&data, source);
    thaw_status status = put_member(z, "data.pkl", data.data, data.length);
    str_clear(&data);
    THAW_TRY(status);
    THAW_TRY(put_member(z, "byteorder", "little", strlen("little")));
    THAW_TRY(put_storages(z, source));
    THAW_TRY(put_member(z, "version", "3\n", strlen("3\n")));
    return put_directory(z);
}

thaw_status weights_stream_torch(const char *path, const weights_source *source) {
    zip_writer z = {.path = path};
    THAW_TRY(weights_check_source(path, source));
    THAW_TRY(file_writer_open(path, &z.out));
    thaw_status status = put_archive(&z, source);
    if (thaw_failed(&status))
        file_writer_discard(z.out);
    else
        status = file_writer_commit(z.out);
    free(z.member);
    return status;
}
