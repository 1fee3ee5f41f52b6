/*
 * safetensors.c - the format's header is a JSON object: per tensor its type, shape and place in the bytes
 * that follow. All of it is checked, as strictly as the reference implementation does: every byte of the file
 * belongs to exactly one tensor, so a truncated or doctored file cannot pass.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/json.h"
#include "engine/base/str.h"
#include "engine/weights/weights_file.h"

enum {
    PREFIX = 8,                 /* the header's length */
    HEADER_MAX = 100 << 20,     /* the reference implementation's limit */
    HEADER_VALUES_MAX = 2 << 20 /* separators in it, which bound the memory that parsing takes */
};

static uint64_t header_length(const uint8_t *bytes) {
    uint64_t length = 0;
    for (int i = 0; i < PREFIX; i++)
        length |= (uint64_t)bytes[i] << (8 * i);
    return length;
}

bool safetensors_probe(const uint8_t *bytes, size_t size) {
    return size > PREFIX && bytes[PREFIX] == '{';
}

/* Bound what parsing costs, and refuse NUL characters: they would cut keys short. */
static thaw_status scan_header(const char *text, size_t length) {
    size_t separators = 0;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        separators += c == ',' || c == '[' || c == '{' || c == ':';
        if (c != '\\') continue;
        i++; /* whatever is escaped is not the start of an escape */
        if (length - i >= 5 && memcmp(text + i, "u0000", 5) == 0)
            return thaw_error(THAW_ERR_FORMAT,
                              "the header has a NUL character in a name: it is not to be trusted");
    }
    if (separators > HEADER_VALUES_MAX)
        return thaw_error(THAW_ERR_UNSUPPORTED,
                          "the header has more than %d values, more than any model; get it elsewhere",
                          HEADER_VALUES_MAX);
    return thaw_ok();
}

static const struct {
    const char *name;
    dtype type;
} types[] = {
    {"F32", DTYPE_F32}, {"F64", DTYPE_F64}, {"F16", DTYPE_F16}, {"BF16", DTYPE_BF16}, {"I64", DTYPE_I64},
    {"I32", DTYPE_I32}, {"I16", DTYPE_I16}, {"I8", DTYPE_I8},   {"U8", DTYPE_U8},     {"BOOL", DTYPE_BOOL},
};

const char *safetensors_type_name(dtype type) {
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].type == type) return types[i].name;
    return "U8";
}

static bool find_type(const char *name, dtype *out) {
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(types[i].name, name) != 0) continue;
        *out = types[i].type;
        return true;
    }
    return false;
}

/* A whole number from 0 on. */
static bool read_count(const cJSON *item, int64_t *out) {
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= JSON_WHOLE_MAX))
        return false;
    *out = (int64_t)item->valuedouble;
    return (double)*out == item->valuedouble;
}

static thaw_status read_shape(const cJSON *list, weights_entry *e) {
    if (!cJSON_IsArray(list)) return thaw_error(THAW_ERR_FORMAT, "\"shape\" is not a list");
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        if (e->size.ndim == SHAPE_MAX_DIMS)
            return thaw_error(THAW_ERR_UNSUPPORTED, "more than %d dimensions; save it with fewer",
                              SHAPE_MAX_DIMS);
        if (!read_count(item, &e->size.dim[e->size.ndim++]))
            return thaw_error(THAW_ERR_FORMAT, "\"shape\" has something that is no size");
    }
    int64_t step = 1, elements = shape_elements(&e->size);
    if (elements < 0) return thaw_error(THAW_ERR_FORMAT, "its size overflows");
    for (int i = e->size.ndim - 1; i >= 0; i--) {
        e->stride[i] = step;
        if (elements) step *= e->size.dim[i];
    }
    return thaw_ok();
}

/* The tensor that ITEM describes; SIZE bytes of elements begin at DATA. */
static thaw_status read_tensor(const cJSON *item, const uint8_t *data, uint64_t size, weights_entry *e) {
    int64_t begin, end, bytes;
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(item, "dtype");
    const cJSON *place = cJSON_GetObjectItemCaseSensitive(item, "data_offsets");
    *e = (weights_entry){0};
    if (!cJSON_IsString(type) || cJSON_GetArraySize(item) != 3)
        return thaw_error(THAW_ERR_FORMAT, "expected \"dtype\", \"shape\" and \"data_offsets\"");
    if (!find_type(type->valuestring, &e->type))
        return thaw_error(THAW_ERR_UNSUPPORTED,
                          "its type is \"%.16s\", which thaw does not read; save it as F32",
                          type->valuestring);
    THAW_TRY(read_shape(cJSON_GetObjectItemCaseSensitive(item, "shape"), e));
    if (cJSON_GetArraySize(place) != 2 || !read_count(place->child, &begin) ||
        !read_count(place->child->next, &end) || begin > end)
        return thaw_error(THAW_ERR_FORMAT, "\"data_offsets\" is not [begin, end]");
    if ((uint64_t)end > size)
        return thaw_error(THAW_ERR_FORMAT, "its elements reach past the end of the file: it is truncated");
    if (__builtin_mul_overflow(shape_elements(&e->size), (int64_t)dtype_size(e->type), &bytes) ||
        bytes != end - begin)
        return thaw_error(THAW_ERR_FORMAT, "its shape needs another number of bytes than it has");
    e->data = data + begin;
    return thaw_ok();
}

static thaw_status read_metadata(weights_file *f, const cJSON *object) {
    const cJSON *item;
    if (!cJSON_IsObject(object)) return thaw_error(THAW_ERR_FORMAT, "\"__metadata__\" is not an object");
    cJSON_ArrayForEach(item, object) {
        if (!cJSON_IsString(item))
            return thaw_error(THAW_ERR_FORMAT, "\"__metadata__\" has more than strings");
        weights_add_metadata(f, item->string, item->valuestring);
    }
    return thaw_ok();
}

static thaw_status read_items(weights_file *f, const cJSON *header, const uint8_t *data, uint64_t size) {
    const cJSON *item;
    cJSON_ArrayForEach(item, header) {
        weights_entry entry;
        if (strcmp(item->string, "__metadata__") == 0) {
            THAW_TRY(read_metadata(f, item));
            continue;
        }
        thaw_status status = read_tensor(item, data, size, &entry);
        if (thaw_failed(&status)) {
            char *safe = text_escape(item->string);
            status = thaw_status_prefix(status, "%.100s", safe);
            free(safe);
            return status;
        }
        THAW_TRY(weights_add(f, item->string, strlen(item->string), &entry));
    }
    return thaw_ok();
}

static size_t entry_bytes(const weights_entry *e) {
    return (size_t)shape_elements(&e->size) * dtype_size(e->type);
}

static int compare_places(const void *a, const void *b) {
    const weights_entry *left = *(const weights_entry *const *)a, *right = *(const weights_entry *const *)b;
    if (left->data != right->data) return left->data < right->data ? -1 : 1;
    size_t left_bytes = entry_bytes(left), right_bytes = entry_bytes(right); /* empty ones first */
    return (left_bytes > right_bytes) - (left_bytes < right_bytes);
}

/* Every byte belongs to one tensor: no overlaps, no holes, nothing after the last. */
static thaw_status check_places(const weights_file *f, const uint8_t *data, uint64_t size) {
    const weights_entry **sorted = xcalloc(f->count, sizeof *sorted);
    const uint8_t *expected = data;
    thaw_status status = thaw_ok();
    for (size_t i = 0; i < f->count; i++)
        sorted[i] = &f->entry[i];
    qsort(sorted, f->count, sizeof *sorted, compare_places);
    for (size_t i = 0; i < f->count && !thaw_failed(&status); i++) {
        if (sorted[i]->data != expected)
            status =
                thaw_error(THAW_ERR_FORMAT, "the elements of %s %s", sorted[i]->key,
                           sorted[i]->data < expected ? "overlap another tensor's" : "come after a hole");
        expected = sorted[i]->data + entry_bytes(sorted[i]);
    }
    free(sorted);
    if (!thaw_failed(&status) && expected != data + size)
        status = thaw_error(THAW_ERR_FORMAT, "%llu bytes of the file belong to no tensor: it is damaged",
                            (unsigned long long)(data + size - expected));
    return status;
}

thaw_status safetensors_read(weights_file *f) {
    cJSON *header;
    uint64_t length = header_length(f->map.data), left = f->map.size - PREFIX;
    if (length > HEADER_MAX)
        return thaw_error(THAW_ERR_FORMAT, "the header claims %llu bytes; more than %d are not read",
                          (unsigned long long)length, HEADER_MAX);
    if (length > left) return thaw_error(THAW_ERR_FORMAT, "it ends within its header: it is truncated");
    const char *text = (const char *)f->map.data + PREFIX;
    THAW_TRY(scan_header(text, (size_t)length));
    THAW_TRY(json_parse(text, (size_t)length, "the header", &header));
    const uint8_t *data = f->map.data + PREFIX + length;
    thaw_status status = read_items(f, header, data, left - length);
    cJSON_Delete(header);
    if (!thaw_failed(&status)) status = check_places(f, data, left - length);
    if (!thaw_failed(&status) && !f->count) return thaw_error(THAW_ERR_FORMAT, "there are no tensors in it");
    return status;
}
