/*
 * torch_legacy.c - what torch.save wrote before 1.6, and torchvision's older files still are: four pickles (a
 * magic number, the protocol, facts about the machine, the structure), a fifth with the storages' keys in the
 * order in which their elements follow, each as a 64-bit count and raw little-endian bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/weights/weights_file.h"

/* 0x1950a86a20f9469cfc6c as a pickle's little-endian integer. */
static const char magic_number[] = {0x6c, (char)0xfc, (char)0x9c, 0x46, (char)0xf9,
                                    0x20, 0x6a,       (char)0xa8, 0x50, 0x19};
enum { PROTOCOL_VERSION = 1001 };

typedef struct cursor {
    const uint8_t *bytes;
    size_t size, at;
} cursor;

static thaw_status next_pickle(cursor *c, pickle **out) {
    size_t used;
    THAW_TRY(pickle_read(c->bytes + c->at, c->size - c->at, &used, out));
    c->at += used;
    return thaw_ok();
}

/* Is the pickle's value the magic number, or (MAGIC false) the protocol version? */
static thaw_status check_number(cursor *c, bool magic) {
    pickle *p;
    int64_t number = 0;
    THAW_TRY(next_pickle(c, &p));
    pickle_text digits = pickle_text_of(p, pickle_root(p));
    bool right = magic ? digits.length == sizeof magic_number &&
                             memcmp(digits.data, magic_number, sizeof magic_number) == 0
                       : pickle_int(p, pickle_root(p), &number) && number == PROTOCOL_VERSION;
    pickle_kind kind = pickle_kind_of(p, pickle_root(p));
    pickle_free(p);
    if (right) return thaw_ok();
    if (!magic)
        return thaw_error(THAW_ERR_UNSUPPORTED,
                          "an unknown version of torch's old file format; save it again with a newer torch");
    return thaw_error(THAW_ERR_UNSUPPORTED,
                      "a Python pickle of %s, not a file that torch.save wrote; save a state dict with "
                      "torch.save(model.state_dict(), \"new.pth\")",
                      pickle_kind_name(kind));
}

static int compare_storages(const void *a, const void *b, void *pickles) {
    pickle_text left = pickle_storage_at(pickles, *(const uint32_t *)a)->key;
    pickle_text right = pickle_storage_at(pickles, *(const uint32_t *)b)->key;
    size_t shared = left.length < right.length ? left.length : right.length;
    int order = memcmp(left.data, right.data, shared);
    return order ? order : (left.length > right.length) - (left.length < right.length);
}

/* The first place in ORDER (storages sorted by key) whose key is not less than KEY. */
static size_t lower_bound(const pickle *p, const uint32_t *order, size_t count, pickle_text key) {
    size_t low = 0;
    while (low < count) {
        size_t middle = low + (count - low) / 2;
        pickle_text at = pickle_storage_at(p, order[middle])->key;
        size_t shared = at.length < key.length ? at.length : key.length;
        int compared = memcmp(at.data, key.data, shared);
        if (compared < 0 || (compared == 0 && at.length < key.length))
            low = middle + 1;
        else
            count = middle;
    }
    return low;
}

static bool same_text(pickle_text a, pickle_text b) {
    return a.length == b.length && memcmp(a.data, b.data, a.length) == 0;
}

/* Take one record off the file: a count, then as many elements. Every storage of that key points to it. */
static thaw_status take_record(cursor *c, const pickle *p, const uint32_t *order, pickle_text key,
                               const uint8_t **record) {
    uint64_t count, bytes;
    size_t total = pickle_storage_count(p), place = lower_bound(p, order, total, key);
    if (place == total || !same_text(pickle_storage_at(p, order[place])->key, key))
        return thaw_error(THAW_ERR_FORMAT, "it has a storage that no tensor refers to: it is damaged");
    const pickle_storage *first = pickle_storage_at(p, order[place]);
    if (c->size - c->at < sizeof count)
        return thaw_error(THAW_ERR_FORMAT, "it ends before its last tensor: it is truncated");
    memcpy(&count, c->bytes + c->at, sizeof count);
    c->at += sizeof count;
    if (__builtin_mul_overflow(count, (uint64_t)dtype_size(first->type), &bytes) || bytes > c->size - c->at)
        return thaw_error(THAW_ERR_FORMAT, "it ends before its last tensor: it is truncated");
    if (record[order[place]]) return thaw_error(THAW_ERR_FORMAT, "it has a storage twice: it is damaged");
    for (; place < total && same_text(pickle_storage_at(p, order[place])->key, key); place++) {
        const pickle_storage *s = pickle_storage_at(p, order[place]);
        if (s->type != first->type || (uint64_t)s->root_count > count)
            return thaw_error(THAW_ERR_FORMAT, "a storage is smaller than its tensors say: it is damaged");
        record[order[place]] = c->bytes + c->at;
    }
    c->at += (size_t)bytes;
    return thaw_ok();
}

/* KEYS is the pickle of the list of keys. */
static thaw_status take_records(cursor *c, const pickle *p, const pickle *keys, const uint8_t **record) {
    size_t count = pickle_storage_count(p);
    if (pickle_kind_of(keys, pickle_root(keys)) != PICKLE_LIST)
        return thaw_error(THAW_ERR_FORMAT, "the list of storages is missing: it is damaged");
    uint32_t *order = xcalloc(count, sizeof *order);
    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    qsort_r(order, count, sizeof *order, compare_storages, (void *)p);
    thaw_status status = thaw_ok();
    pickle_items it = pickle_items_of(keys, pickle_root(keys));
    while (!thaw_failed(&status) && pickle_next(keys, &it))
        status = take_record(c, p, order, pickle_text_of(keys, it.value), record);
    free(order);
    if (!thaw_failed(&status) && c->at != c->size)
        return thaw_error(THAW_ERR_FORMAT, "%zu bytes follow its last tensor: it is damaged",
                          c->size - c->at);
    return status;
}

static thaw_status read_structure(weights_file *f, cursor *c, const pickle *p) {
    pickle *keys;
    THAW_TRY(next_pickle(c, &keys));
    const uint8_t **record = xcalloc(pickle_storage_count(p), sizeof *record);
    thaw_status status = take_records(c, p, keys, record);
    if (!thaw_failed(&status)) status = torch_state_list(f, p, record);
    free(record);
    pickle_free(keys);
    return status;
}

thaw_status torch_legacy_read(weights_file *f) {
    cursor c = {.bytes = f->map.data, .size = f->map.size};
    pickle *p;
    THAW_TRY(check_number(&c, true));
    THAW_TRY(check_number(&c, false));
    THAW_TRY(next_pickle(&c, &p)); /* facts about the machine: elements are little-endian whatever it says */
    pickle_free(p);
    THAW_TRY(next_pickle(&c, &p));
    thaw_status status = read_structure(f, &c, p);
    pickle_free(p);
    return status;
}
