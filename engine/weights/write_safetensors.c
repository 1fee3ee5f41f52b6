/*
 * write_safetensors.c - the header keeps the order of the items; the elements are laid out with the widest
 * types first, so that every tensor is aligned to its type, as other readers expect.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/str.h"
#include "engine/weights/weights_file.h"
#include "engine/weights/write.h"

enum { WIDTH_MAX = 8, HEADER_ALIGN = 8 };

/* Item indices in the order of their elements, and where each begins. */
typedef struct layout {
    size_t *order;
    uint64_t *begin; /* by item */
} layout;

static layout make_layout(const weights_source *source) {
    layout l = {.order = xcalloc(source->count, sizeof *l.order),
                .begin = xcalloc(source->count, sizeof *l.begin)};
    uint64_t at = 0;
    size_t placed = 0;
    for (size_t width = WIDTH_MAX; width; width /= 2) {
        for (size_t i = 0; i < source->count; i++) {
            if (dtype_size(source->item[i].type) != width) continue;
            l.order[placed++] = i;
            l.begin[i] = at;
            at += weights_item_bytes(&source->item[i]);
        }
    }
    return l;
}

static void append_string(str *header, const char *text) {
    cJSON *string = cJSON_CreateString(text);
    char *quoted = json_print_line(string);
    str_append(header, quoted);
    free(quoted);
    cJSON_Delete(string);
}

static void append_tensor(str *header, const weights_item *item, uint64_t begin) {
    append_string(header, item->key);
    str_appendf(header, ":{\"dtype\":\"%s\",\"shape\":[", safetensors_type_name(item->type));
    for (int i = 0; i < item->size.ndim; i++)
        str_appendf(header, "%s%" PRId64, i ? "," : "", item->size.dim[i]);
    str_appendf(header, "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}", begin,
                begin + weights_item_bytes(item));
}

static void build_header(str *header, const weights_source *source, const layout *l,
                         const weights_pair *metadata, size_t metadata_count) {
    str_append(header, "{");
    if (metadata_count) str_append(header, "\"__metadata__\":{");
    for (size_t i = 0; i < metadata_count; i++) {
        str_append(header, i ? "," : "");
        append_string(header, metadata[i].key);
        str_append(header, ":");
        append_string(header, metadata[i].value);
    }
    if (metadata_count) str_append(header, source->count ? "}," : "}");
    for (size_t i = 0; i < source->count; i++) {
        str_append(header, i ? "," : "");
        append_tensor(header, &source->item[i], l->begin[i]);
    }
    str_append(header, "}");
    while (header->length % HEADER_ALIGN)
        str_append(header, " ");
}

static thaw_status write_item(file_writer *w, const weights_source *source, size_t index) {
    size_t bytes = weights_item_bytes(&source->item[index]), some = bytes;
    const void *data;
    for (size_t at = 0; at < bytes; at += some) {
        THAW_TRY(source->part ? source->part(source->user, index, at, &some, &data)
                              : source->fetch(source->user, index, &data));
        THAW_TRY(file_writer_write(w, data, some));
    }
    return thaw_ok();
}

static thaw_status write_all(file_writer *w, const weights_source *source, const layout *l,
                             const str *header) {
    uint8_t length[8];
    for (size_t i = 0; i < sizeof length; i++)
        length[i] = (uint8_t)((uint64_t)header->length >> (8 * i));
    THAW_TRY(file_writer_write(w, length, sizeof length));
    THAW_TRY(file_writer_write(w, header->data, header->length));
    for (size_t i = 0; i < source->count; i++)
        THAW_TRY(write_item(w, source, l->order[i]));
    return thaw_ok();
}

thaw_status weights_stream_safetensors(const char *path, const weights_source *source,
                                       const weights_pair *metadata, size_t metadata_count) {
    file_writer *w;
    str header = {0};
    THAW_TRY(weights_check_source(path, source));
    THAW_TRY(file_writer_open(path, &w));
    layout l = make_layout(source);
    build_header(&header, source, &l, metadata, metadata_count);
    thaw_status status = write_all(w, source, &l, &header);
    if (thaw_failed(&status))
        file_writer_discard(w);
    else
        status = file_writer_commit(w);
    str_clear(&header);
    free(l.order);
    free(l.begin);
    return status;
}
