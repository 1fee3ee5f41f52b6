/*
 * save.c - writing items that are in memory, and a whole model one tensor at a time.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/weights/weights_file.h"
#include "engine/weights/write.h"

size_t weights_item_bytes(const weights_item *item) {
    return (size_t)shape_elements(&item->size) * dtype_size(item->type);
}

static int compare_item_keys(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

thaw_status weights_check_source(const char *path, const weights_source *source) {
    const char **key = xcalloc(source->count, sizeof *key);
    thaw_status status = thaw_ok();
    for (size_t i = 0; i < source->count && !thaw_failed(&status); i++) {
        const weights_item *item = &source->item[i];
        key[i] = item->key;
        bool sane = item->key && item->key[0] && shape_elements(&item->size) >= 0 && dtype_size(item->type);
        if (!sane) status = thaw_error(THAW_ERR_USAGE, "%s: tensor %zu has no key, size or type", path, i);
    }
    if (!thaw_failed(&status)) qsort(key, source->count, sizeof *key, compare_item_keys);
    for (size_t i = 1; i < source->count && !thaw_failed(&status); i++)
        if (strcmp(key[i - 1], key[i]) == 0)
            status = thaw_error(THAW_ERR_USAGE, "%s: the key %s is to be written twice", path, key[i]);
    free(key);
    return status;
}

static thaw_status fetch_item(void *user, size_t index, const void **data) {
    *data = ((const weights_item *)user)[index].data;
    return thaw_ok();
}

weights_source weights_source_of(const weights_item *item, size_t count) {
    return (weights_source){.item = item, .count = count, .fetch = fetch_item, .user = (void *)item};
}

thaw_status weights_write_safetensors(const char *path, const weights_item *items, size_t count,
                                      const weights_pair *metadata, size_t metadata_count) {
    weights_source source = weights_source_of(items, count);
    return weights_stream_safetensors(path, &source, metadata, metadata_count);
}

thaw_status weights_write_torch(const char *path, const weights_item *items, size_t count) {
    weights_source source = weights_source_of(items, count);
    return weights_stream_torch(path, &source);
}

/* ---- a model ---- */

typedef struct model_source {
    torch *torch;
    weights_item *item;
    param **param;
    char **key;
    size_t count, item_capacity, param_capacity, key_capacity;
    uint8_t *buffer;
    size_t capacity;
} model_source;

static thaw_status collect_param(void *user, layer *l, param *p, const char *key) {
    model_source *m = user;
    (void)l;
    m->item = vec_reserve(m->item, &m->item_capacity, m->count + 1, sizeof *m->item);
    m->param = vec_reserve(m->param, &m->param_capacity, m->count + 1, sizeof *m->param);
    m->key = vec_reserve(m->key, &m->key_capacity, m->count + 1, sizeof *m->key);
    m->key[m->count] = xstrdup(key);
    m->param[m->count] = p;
    m->item[m->count] = (weights_item){.key = m->key[m->count], .type = p->type, .size = p->size};
    m->count++;
    return thaw_ok();
}

static thaw_status fetch_param(void *user, size_t index, const void **data) {
    model_source *m = user;
    size_t bytes = weights_item_bytes(&m->item[index]);
    tscope s;
    m->buffer = vec_reserve(m->buffer, &m->capacity, bytes, 1);
    tscope_begin(&s, m->torch);
    t_read(&s, m->param[index]->t, m->buffer, bytes);
    *data = m->buffer;
    return tscope_end(&s);
}

static bool has_extension(const char *path, const char *extension) {
    size_t length = strlen(path), n = strlen(extension);
    return length > n && strcmp(path + length - n, extension) == 0;
}

thaw_status weights_save_model(const char *path, const model *m, const weights_pair *metadata,
                               size_t metadata_count) {
    model_source own = {.torch = m->torch};
    bool safetensors = has_extension(path, ".safetensors");
    if (!safetensors && !has_extension(path, ".pth") && !has_extension(path, ".pt"))
        return thaw_error(THAW_ERR_USAGE, "%s: name it .safetensors, .pth or .pt", path);
    if (!m->torch) return thaw_error(THAW_ERR_USAGE, "%s: the model has no tensors yet to save", path);
    thaw_status status = model_each_param(m, collect_param, &own);
    weights_source source = {.item = own.item, .count = own.count, .fetch = fetch_param, .user = &own};
    if (!thaw_failed(&status))
        status = safetensors ? weights_stream_safetensors(path, &source, metadata, metadata_count)
                             : weights_stream_torch(path, &source);
    for (size_t i = 0; i < own.count; i++)
        free(own.key[i]);
    free(own.key);
    free(own.item);
    free(own.param);
    free(own.buffer);
    return status;
}
