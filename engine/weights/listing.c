/*
 * listing.c - the public view of a weights file, see thaw/weights.h.
 */
#include "thaw/weights.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/weights/weights.h"

struct thaw_weights_listing {
    weights_file *file;
};

_Static_assert((int)THAW_TENSOR_DIMS_MAX == (int)SHAPE_MAX_DIMS, "a listing shows every dimension");

thaw_status thaw_weights_list(const char *path, thaw_weights_listing **out) {
    weights_file *file;
    *out = NULL;
    THAW_TRY(weights_open(path, &file));
    *out = xcalloc(1, sizeof **out);
    (*out)->file = file;
    return thaw_ok();
}

void thaw_weights_listing_free(thaw_weights_listing *l) {
    if (l) weights_close(l->file);
    free(l);
}

const char *thaw_weights_format(const thaw_weights_listing *l) {
    static const char *const names[] = {
        [WEIGHTS_SAFETENSORS] = "safetensors",
        [WEIGHTS_TORCH_ZIP] = "torch.save, zip",
        [WEIGHTS_TORCH_LEGACY] = "torch.save, before 1.6",
    };
    return names[weights_file_format(l->file)];
}

const char *thaw_weights_note(const thaw_weights_listing *l) {
    return weights_file_note(l->file);
}

size_t thaw_weights_tensors(const thaw_weights_listing *l) {
    return weights_count(l->file);
}

thaw_tensor_info thaw_weights_tensor(const thaw_weights_listing *l, size_t index) {
    const weights_entry *entry = weights_at(l->file, index);
    thaw_tensor_info info = {.key = entry->key, .type = dtype_name(entry->type), .ndim = entry->size.ndim};
    memcpy(info.dim, entry->size.dim, sizeof info.dim);
    info.bytes = shape_elements(&entry->size) * (int64_t)dtype_size(entry->type);
    return info;
}

const char *thaw_weights_architecture(const thaw_weights_listing *l) {
    return weights_guess_arch(l->file);
}

size_t thaw_weights_nearest(const thaw_weights_listing *l, thaw_weights_match best[THAW_WEIGHTS_NEAREST]) {
    return weights_nearest(l->file, best);
}
