/*
 * pickle_store.c - the values a pickle has built: flat arrays that grow up to a limit. A container is a chain
 * of cells, so appending costs one cell and no value ever moves or is freed alone.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/weights/pickle_machine.h"

pickle *pickle_store_new(void) {
    pickle *p = xcalloc(1, sizeof *p);
    p->value = vec_reserve(NULL, &p->value_capacity, 256, sizeof *p->value);
    p->value[PICKLE_REF_NONE] = (pickle_value){.kind = PICKLE_NONE};
    p->value[PICKLE_REF_FALSE] = (pickle_value){.kind = PICKLE_BOOL, .integer = 0};
    p->value[PICKLE_REF_TRUE] = (pickle_value){.kind = PICKLE_BOOL, .integer = 1};
    p->value[PICKLE_REF_EMPTY_TUPLE] = (pickle_value){.kind = PICKLE_TUPLE};
    p->value_count = PICKLE_REF_FIRST_FREE;
    return p;
}

void pickle_free(pickle *p) {
    if (!p) return;
    free(p->value);
    free(p->cell);
    free(p->storage);
    free(p->tensor);
    free(p);
}

/* ---- building ---- */

bool pickle_add(pickle_machine *m, pickle_value value, pickle_ref *out) {
    pickle *p = m->p;
    if (p->value_count >= PICKLE_MAX_VALUES)
        return pickle_fail(m, THAW_ERR_UNSUPPORTED, "more than %d values" PICKLE_SAVE_AGAIN,
                           PICKLE_MAX_VALUES);
    p->value = vec_reserve(p->value, &p->value_capacity, p->value_count + 1, sizeof *p->value);
    *out = (pickle_ref)p->value_count;
    p->value[p->value_count++] = value;
    return true;
}

bool pickle_append(pickle_machine *m, pickle_ref container, pickle_ref item) {
    pickle *p = m->p;
    if (p->cell_count >= PICKLE_MAX_ITEMS)
        return pickle_fail(m, THAW_ERR_UNSUPPORTED, "more than %d items" PICKLE_SAVE_AGAIN, PICKLE_MAX_ITEMS);
    p->cell = vec_reserve(p->cell, &p->cell_capacity, p->cell_count + 1, sizeof *p->cell);
    uint32_t index = (uint32_t)p->cell_count++;
    p->cell[index] = (pickle_cell){.item = item, .next = PICKLE_UNSET};
    pickle_value *v = &p->value[container];
    if (v->items.count++)
        p->cell[v->items.last].next = index;
    else
        v->items.first = index;
    v->items.last = index;
    return true;
}

bool pickle_add_storage(pickle_machine *m, pickle_storage storage, pickle_ref *out) {
    pickle *p = m->p;
    if (p->storage_count >= PICKLE_MAX_TENSORS)
        return pickle_fail(m, THAW_ERR_UNSUPPORTED, "more than %d storages" PICKLE_SAVE_AGAIN,
                           PICKLE_MAX_TENSORS);
    p->storage = vec_reserve(p->storage, &p->storage_capacity, p->storage_count + 1, sizeof *p->storage);
    p->storage[p->storage_count] = storage;
    return pickle_add(m, (pickle_value){.kind = PICKLE_STORAGE, .index = (uint32_t)p->storage_count++}, out);
}

bool pickle_add_tensor(pickle_machine *m, const pickle_tensor *tensor, pickle_ref *out) {
    pickle *p = m->p;
    if (p->tensor_count >= PICKLE_MAX_TENSORS)
        return pickle_fail(m, THAW_ERR_UNSUPPORTED, "more than %d tensors" PICKLE_SAVE_AGAIN,
                           PICKLE_MAX_TENSORS);
    p->tensor = vec_reserve(p->tensor, &p->tensor_capacity, p->tensor_count + 1, sizeof *p->tensor);
    p->tensor[p->tensor_count] = *tensor;
    return pickle_add(m, (pickle_value){.kind = PICKLE_TENSOR, .index = (uint32_t)p->tensor_count++}, out);
}

/* ---- looking ---- */

pickle_ref pickle_root(const pickle *p) {
    return p->root;
}

pickle_kind pickle_kind_of(const pickle *p, pickle_ref v) {
    return p->value[v].kind;
}

const char *pickle_kind_name(pickle_kind kind) {
    static const char *const name[PICKLE_KIND_COUNT] = {
        [PICKLE_NONE] = "None",          [PICKLE_BOOL] = "a truth value",    [PICKLE_INT] = "an integer",
        [PICKLE_BIG_INT] = "an integer", [PICKLE_FLOAT] = "a number",        [PICKLE_STRING] = "a string",
        [PICKLE_BYTES] = "bytes",        [PICKLE_TUPLE] = "a tuple",         [PICKLE_LIST] = "a list",
        [PICKLE_DICT] = "a dictionary",  [PICKLE_GLOBAL] = "a Python name",  [PICKLE_STORAGE] = "a storage",
        [PICKLE_TENSOR] = "one tensor",  [PICKLE_OBJECT] = "a Python object"};
    return (unsigned)kind < PICKLE_KIND_COUNT ? name[kind] : "nothing";
}

bool pickle_int(const pickle *p, pickle_ref v, int64_t *out) {
    if (p->value[v].kind != PICKLE_INT) return false;
    *out = p->value[v].integer;
    return true;
}

pickle_text pickle_text_of(const pickle *p, pickle_ref v) {
    pickle_kind kind = p->value[v].kind;
    bool text = kind == PICKLE_STRING || kind == PICKLE_BYTES || kind == PICKLE_BIG_INT;
    return text ? p->value[v].text : (pickle_text){.data = ""};
}

bool pickle_text_is(pickle_text text, const char *word) {
    return text.length == strlen(word) && memcmp(text.data, word, text.length) == 0;
}

size_t pickle_tensor_of(const pickle *p, pickle_ref v) {
    return p->value[v].index;
}

static bool has_items(pickle_kind kind) {
    return kind == PICKLE_TUPLE || kind == PICKLE_LIST || kind == PICKLE_DICT;
}

pickle_items pickle_items_of(const pickle *p, pickle_ref v) {
    const pickle_value *value = &p->value[v];
    bool any = has_items(value->kind) && value->items.count;
    return (pickle_items){.next = any ? value->items.first : PICKLE_UNSET,
                          .pairs = value->kind == PICKLE_DICT};
}

bool pickle_next(const pickle *p, pickle_items *it) {
    if (it->next == PICKLE_UNSET) return false;
    if (it->pairs) {
        it->key = p->cell[it->next].item;
        it->next = p->cell[it->next].next;
        if (it->next == PICKLE_UNSET) return false; /* cannot be: pairs are appended together */
    }
    it->value = p->cell[it->next].item;
    it->next = p->cell[it->next].next;
    return true;
}

size_t pickle_item_count(const pickle *p, pickle_ref v) {
    const pickle_value *value = &p->value[v];
    if (!has_items(value->kind)) return 0;
    return value->kind == PICKLE_DICT ? value->items.count / 2 : value->items.count;
}

size_t pickle_storage_count(const pickle *p) {
    return p->storage_count;
}

const pickle_storage *pickle_storage_at(const pickle *p, size_t index) {
    return &p->storage[index];
}

size_t pickle_tensor_count(const pickle *p) {
    return p->tensor_count;
}

const pickle_tensor *pickle_tensor_at(const pickle *p, size_t index) {
    return &p->tensor[index];
}
