/*
 * weights.c - opening a weights file: map it, let the reader of its format list the tensors, and sort the
 * keys so that finding one is a binary search. Nothing but headers is touched.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "engine/weights/weights_file.h"

/* What DataParallel, torch.compile and weight averaging put in front of every key. */
static const char *const wrapper[] = {"module.", "_orig_mod."};

static void skip_wrappers(const char **key, size_t *length) {
    for (size_t i = 0; i < sizeof wrapper / sizeof wrapper[0];) {
        size_t n = strlen(wrapper[i]);
        bool match = *length > n && memcmp(*key, wrapper[i], n) == 0;
        if (match) {
            *key += n;
            *length -= n;
        }
        i = match ? 0 : i + 1;
    }
}

/* A key is printed to terminals and written to files: it must be text that needs no escaping. */
static bool key_is_clean(const char *key, size_t length) {
    if (!length || length > WEIGHTS_KEY_MAX || memchr(key, '\0', length)) return false;
    char *copy = xstrndup(key, length), *escaped = text_escape(copy);
    bool clean = strcmp(copy, escaped) == 0;
    free(copy);
    free(escaped);
    return clean;
}

/*
 * Files that torchvision still hands out have names from before its modules got theirs: DenseNet's
 * "denselayer1.norm.1.weight" (the name of a module may hold no dot now), and ViT's "mlp.linear_1.weight".
 */
static const struct {
    const char *after, *old, *present; /* in a key that has AFTER, OLD behind it is now PRESENT */
} renamed[] = {
    {"denselayer", ".norm.1.", ".norm1."},           {"denselayer", ".norm.2.", ".norm2."},
    {"denselayer", ".conv.1.", ".conv1."},           {"denselayer", ".conv.2.", ".conv2."},
    {"encoder_layer_", ".mlp.linear_1.", ".mlp.0."}, {"encoder_layer_", ".mlp.linear_2.", ".mlp.3."},
};

/* KEY by its present name: the caller's. */
static char *present_name(const char *key, size_t length) {
    char *name = xstrndup(key, length);
    for (size_t i = 0; i < sizeof renamed / sizeof *renamed; i++) {
        char *after = strstr(name, renamed[i].after), *at = after ? strstr(after, renamed[i].old) : NULL;
        if (!at) continue;
        char *fresh =
            xasprintf("%.*s%s%s", (int)(at - name), name, renamed[i].present, at + strlen(renamed[i].old));
        free(name);
        return fresh;
    }
    return name;
}

thaw_status weights_add(weights_file *f, const char *key, size_t length, const weights_entry *entry) {
    if (!key_is_clean(key, length)) {
        char *copy = xstrndup(key, length < 80 ? length : 80), *escaped = text_escape(copy);
        thaw_status status =
            thaw_error(THAW_ERR_FORMAT, "the key \"%s\" of %zu bytes is not a layer's name", escaped, length);
        free(copy);
        free(escaped);
        return status;
    }
    skip_wrappers(&key, &length);
    f->entry = vec_reserve(f->entry, &f->capacity, f->count + 1, sizeof *f->entry);
    f->entry[f->count] = *entry;
    f->entry[f->count++].key = present_name(key, length);
    return thaw_ok();
}

void weights_add_metadata(weights_file *f, const char *key, const char *value) {
    f->metadata = vec_reserve(f->metadata, &f->metadata_capacity, f->metadata_count + 2, sizeof *f->metadata);
    f->metadata[f->metadata_count++] = xstrdup(key);
    f->metadata[f->metadata_count++] = xstrdup(value);
}

static int compare_keys(const void *a, const void *b, void *entries) {
    const weights_entry *entry = entries;
    return strcmp(entry[*(const uint32_t *)a].key, entry[*(const uint32_t *)b].key);
}

thaw_status weights_sort_keys(weights_file *f) {
    free(f->by_key);
    f->by_key = xcalloc(f->count, sizeof *f->by_key);
    for (size_t i = 0; i < f->count; i++)
        f->by_key[i] = (uint32_t)i;
    qsort_r(f->by_key, f->count, sizeof *f->by_key, compare_keys, f->entry);
    for (size_t i = 1; i < f->count; i++)
        if (strcmp(f->entry[f->by_key[i - 1]].key, f->entry[f->by_key[i]].key) == 0)
            return thaw_error(THAW_ERR_FORMAT, "it has the key %s twice", f->entry[f->by_key[i]].key);
    return thaw_ok();
}

static thaw_status read_entries(weights_file *f) {
    static const uint8_t zip_magic[] = {'P', 'K', 3, 4};
    const uint8_t *bytes = f->map.data;
    size_t size = f->map.size;
    if (size >= sizeof zip_magic && memcmp(bytes, zip_magic, sizeof zip_magic) == 0) {
        f->format = WEIGHTS_TORCH_ZIP;
        return torch_zip_read(f);
    }
    if (size >= 2 && bytes[0] == 0x80 && bytes[1] >= 2 && bytes[1] <= 5) { /* a pickle: PROTO and a version */
        f->format = WEIGHTS_TORCH_LEGACY;
        return torch_legacy_read(f);
    }
    if (safetensors_probe(bytes, size)) {
        f->format = WEIGHTS_SAFETENSORS;
        return safetensors_read(f);
    }
    return weights_unknown_format(bytes, size);
}

/* With the file's name, and what to do about one that is damaged. */
static thaw_status about_file(const weights_file *f, thaw_status status) {
    if (status.code == THAW_ERR_FORMAT)
        return thaw_error(status.code, "%s: %s; get it again", f->name, status.message);
    return thaw_status_prefix(status, "%s", f->name);
}

static thaw_status open_file(weights_file *f, weights_file **out) {
    thaw_status status = read_entries(f);
    if (!thaw_failed(&status)) status = weights_sort_keys(f);
    if (thaw_failed(&status)) {
        status = about_file(f, status);
        weights_close(f);
        return status;
    }
    *out = f;
    return status;
}

thaw_status weights_understand(weights_file **f) {
    const char *note = weights_translate_timm((*f)->entry, (*f)->count);
    if (!note) weights_strip_prefix(*f);
    if (!note && !(*f)->note) return thaw_ok();
    if (note) (*f)->note = xstrdup(note);
    thaw_status status = weights_sort_keys(*f);
    if (!thaw_failed(&status)) return status;
    status = about_file(*f, status);
    weights_close(*f);
    *f = NULL;
    return status;
}

thaw_status weights_open(const char *path, weights_file **out) {
    weights_file *f = xcalloc(1, sizeof *f);
    f->name = xstrdup(path);
    f->owns_map = true;
    thaw_status status = file_map(path, &f->map);
    if (thaw_failed(&status)) {
        weights_close(f);
        return status;
    }
    THAW_TRY(open_file(f, out));
    return weights_understand(out);
}

thaw_status weights_open_memory(const char *name, const uint8_t *bytes, size_t size, weights_file **out) {
    weights_file *f = xcalloc(1, sizeof *f);
    f->name = xstrdup(name);
    f->map = (mapped_file){.data = bytes, .size = size};
    return open_file(f, out);
}

void weights_close(weights_file *f) {
    if (!f) return;
    for (size_t i = 0; i < f->count; i++)
        free(f->entry[i].key);
    for (size_t i = 0; i < f->metadata_count; i++)
        free(f->metadata[i]);
    free(f->entry);
    free(f->by_key);
    free(f->metadata);
    free(f->note);
    if (f->owns_map) file_unmap(&f->map);
    free(f->name);
    free(f);
}

weights_format weights_file_format(const weights_file *f) {
    return f->format;
}

const char *weights_file_name(const weights_file *f) {
    return f->name;
}

const char *weights_file_note(const weights_file *f) {
    return f->note;
}

size_t weights_count(const weights_file *f) {
    return f->count;
}

const weights_entry *weights_at(const weights_file *f, size_t index) {
    return index < f->count ? &f->entry[index] : NULL;
}

const weights_entry *weights_find(const weights_file *f, const char *key) {
    size_t low = 0, high = f->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(key, f->entry[f->by_key[middle]].key);
        if (order == 0) return &f->entry[f->by_key[middle]];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const char *weights_metadata(const weights_file *f, const char *key) {
    for (size_t i = 0; i + 1 < f->metadata_count; i += 2)
        if (strcmp(f->metadata[i], key) == 0) return f->metadata[i + 1];
    return NULL;
}
