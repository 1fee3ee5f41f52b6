/*
 * torch_state.c - finding the state dict in what torch.save was given: it may be the object itself, or lie in
 * a checkpoint beside the optimizer's state and the epoch's number.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "engine/weights/weights_file.h"

enum { WRAPPERS_MAX = 4, KEYS_SHOWN = 6 };

/* Names under which training scripts keep the weights, the likeliest first; averages only where nothing else
 * is. */
static const char *const holder[] = {
    "state_dict", "model_state_dict", "model_state", "model",          "net", "network", "module", "weights",
    "params",     "state_dict_ema",   "model_ema",   "ema_state_dict", "ema",
};

static size_t count_tensors(const pickle *p, pickle_ref dict) {
    size_t count = 0;
    for (pickle_items it = pickle_items_of(p, dict); pickle_next(p, &it);)
        count += pickle_kind_of(p, it.value) == PICKLE_TENSOR;
    return count;
}

/* The dictionary that DICT holds under NAME. */
static bool find_dict(const pickle *p, pickle_ref dict, const char *name, pickle_ref *out) {
    for (pickle_items it = pickle_items_of(p, dict); pickle_next(p, &it);) {
        if (pickle_kind_of(p, it.value) != PICKLE_DICT || !pickle_text_is(pickle_text_of(p, it.key), name))
            continue;
        *out = it.value;
        return true;
    }
    return false;
}

/* Go down into the first holder that is there, as long as there is one. */
static pickle_ref find_state(const pickle *p) {
    pickle_ref at = pickle_root(p);
    for (int depth = 0; depth < WRAPPERS_MAX; depth++) {
        bool down = false;
        for (size_t i = 0; i < sizeof holder / sizeof holder[0] && !down; i++)
            down = find_dict(p, at, holder[i], &at);
        if (!down) break;
    }
    return at;
}

/* Say what there is instead of tensors. */
static thaw_status no_tensors(const pickle *p, pickle_ref at) {
    if (pickle_kind_of(p, at) != PICKLE_DICT)
        return thaw_error(THAW_ERR_UNSUPPORTED,
                          "it holds %s, not a state dict (a dictionary of tensors)" PICKLE_SAVE_AGAIN,
                          pickle_kind_name(pickle_kind_of(p, at)));
    str names = {0};
    size_t shown = 0;
    for (pickle_items it = pickle_items_of(p, at); pickle_next(p, &it) && shown < KEYS_SHOWN;) {
        pickle_text key = pickle_text_of(p, it.key);
        if (!key.length) continue;
        str_append(&names, shown++ ? ", " : "");
        str_append_n(&names, key.data, key.length < 40 ? key.length : 40);
    }
    char *safe = text_escape(str_text(&names));
    thaw_status status = thaw_error(THAW_ERR_UNSUPPORTED, "no tensors in it; its keys: %s" PICKLE_SAVE_AGAIN,
                                    shown ? safe : "none");
    free(safe);
    str_clear(&names);
    return status;
}

static thaw_status add_tensor(weights_file *f, const pickle *p, const uint8_t *const *record, pickle_text key,
                              const pickle_tensor *t) {
    const pickle_storage *s = pickle_storage_at(p, t->storage);
    weights_entry entry = {.type = s->type, .size = t->size};
    memcpy(entry.stride, t->stride, sizeof entry.stride);
    bool empty = shape_elements(&t->size) == 0;
    if (!record[t->storage] && !empty)
        return thaw_error(THAW_ERR_FORMAT, "the elements of %.*s are missing from the file",
                          (int)(key.length < 80 ? key.length : 80), key.data);
    /* The offset was checked for tensors that have elements; an empty one may claim any. */
    entry.data =
        empty ? f->map.data : record[t->storage] + (size_t)(s->view_offset + t->offset) * dtype_size(s->type);
    return weights_add(f, key.data, key.length, &entry);
}

thaw_status torch_state_list(weights_file *f, const pickle *p, const uint8_t *const *record) {
    pickle_ref state = find_state(p);
    size_t tensors = count_tensors(p, state);
    if (!tensors) return no_tensors(p, state);
    for (pickle_items it = pickle_items_of(p, state); pickle_next(p, &it);) {
        if (pickle_kind_of(p, it.value) != PICKLE_TENSOR) continue;
        pickle_text key = pickle_text_of(p, it.key);
        if (pickle_text_is(key, "n_averaged") && tensors > 1) continue; /* AveragedModel's own counter */
        THAW_TRY(add_tensor(f, p, record, key, pickle_tensor_at(p, pickle_tensor_of(p, it.value))));
    }
    return thaw_ok();
}
