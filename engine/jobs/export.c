/*
 * export.c - weights from one file to another: a run's for other programs, or a conversion between formats.
 *
 * Nothing is computed, so libtorch is not needed: the tensors go from the mapped file to the new one as they
 * are. What is written is known to fit the model, because source_open compared them.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/jobs/source.h"
#include "engine/run/card.h"

static bool has_extension(const char *path, const char *extension) {
    size_t length = strlen(path), n = strlen(extension);
    return length > n && strcmp(path + length - n, extension) == 0;
}

static bool is_torch(const char *path) {
    return has_extension(path, ".pth") || has_extension(path, ".pt");
}

static thaw_status check_path(const char *path) {
    if (path_is_directory(path))
        return thaw_error(THAW_ERR_USAGE,
                          "%s is a folder; name a file in it that ends in .safetensors or .pth", path);
    if (is_torch(path) || has_extension(path, ".safetensors")) return thaw_ok();
    return thaw_error(THAW_ERR_USAGE, "%s: the name must end in .safetensors, or in .pth or .pt for PyTorch",
                      path);
}

static bool contiguous(const weights_entry *e) {
    int64_t expected = 1;
    for (int i = e->size.ndim - 1; i >= 0; i--) {
        if (e->size.dim[i] != 1 && e->stride[i] != expected) return false;
        expected *= e->size.dim[i];
    }
    return true;
}

/* ENTRY's elements in row-major order: where they are, or in a copy that is put in *OWNED. */
static thaw_status elements(const weights_entry *e, const void **data, void **owned) {
    *owned = NULL;
    *data = e->data;
    if (contiguous(e)) return thaw_ok();
    *owned = xcalloc((size_t)shape_elements(&e->size) + 1, dtype_size(e->type));
    *data = *owned;
    return weights_copy(e, e->type, *owned);
}

static thaw_status write_items(const source *s, const char *path, const weights_item *item, size_t count) {
    if (is_torch(path)) return weights_write_torch(path, item, count);
    model_card card = {
        .model = (char *)s->model->arch->name,
        .has_head = true,
        .head = s->head,
        .class_name = s->class_name,
        .class_count = s->class_name ? s->model->classes : 0,
        .mask = s->mask,
        .has_transform = true,
        .transform = s->transform,
    };
    size_t pair_count;
    weights_pair *pairs = model_card_pairs(&card, &pair_count);
    thaw_status status = weights_write_safetensors(path, item, count, pairs, pair_count);
    model_card_pairs_free(pairs, pair_count);
    return status;
}

static thaw_status export_weights(const source *s, const char *path) {
    size_t count = weights_count(s->weights);
    weights_item *item = xcalloc(count, sizeof *item);
    void **owned = xcalloc(count, sizeof *owned);
    thaw_status status = thaw_ok();
    for (size_t i = 0; i < count && !thaw_failed(&status); i++) {
        const weights_entry *e = weights_at(s->weights, i);
        item[i] = (weights_item){.key = e->key, .type = e->type, .size = e->size};
        status = elements(e, &item[i].data, &owned[i]);
    }
    if (!thaw_failed(&status)) status = write_items(s, path, item, count);
    for (size_t i = 0; i < count; i++)
        free(owned[i]);
    free(owned);
    free(item);
    return status;
}

thaw_status thaw_export(const thaw_subject *what, const char *path, bool last) {
    source s;
    char *target = path_expand(path);
    thaw_status status = check_path(target);
    if (!thaw_failed(&status)) {
        status = source_open(what, last, &s);
        if (!thaw_failed(&status)) {
            const char *note = weights_file_note(s.weights);
            if (note && what->note) what->note(what->note_user, note);
            status = export_weights(&s, target);
            source_close(&s);
        }
    }
    free(target);
    return status;
}
