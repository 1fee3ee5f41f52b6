/*
 * support_state.c - see support_state.h.
 */
#include "tests/unit/support_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/alloc.h"

static thaw_status add_item(void *user, layer *l, param *p, const char *key) {
    state_dict *d = user;
    (void)l;
    d->item = vec_reserve(d->item, &d->item_capacity, d->count + 1, sizeof *d->item);
    d->key = vec_reserve(d->key, &d->key_capacity, d->count + 1, sizeof *d->key);
    d->key[d->count] = xstrdup(key);
    d->item[d->count] = (weights_item){d->key[d->count], p->type, p->size, d->zeros};
    d->count++;
    return thaw_ok();
}

state_dict state_dict_of(const char *name, int classes) {
    model *m;
    thaw_status status = model_build(name, classes, 0, 0, &m);
    assert_string_equal(status.message, "");
    state_dict d = {.zeros = xcalloc(4 << 20, sizeof(float))};
    status = model_each_param(m, add_item, &d);
    assert_string_equal(status.message, "");
    model_free(m);
    return d;
}

void state_dict_clear(state_dict *d, size_t keys) {
    for (size_t i = 0; i < keys; i++)
        free(d->key[i]);
    free(d->key);
    free(d->item);
    free(d->zeros);
}

weights_item *state_dict_find(state_dict *d, const char *key) {
    for (size_t i = 0; i < d->count; i++)
        if (strcmp(d->item[i].key, key) == 0) return &d->item[i];
    fail_msg("no key %s", key);
    return NULL;
}

void state_dict_drop(state_dict *d, const char *key) {
    weights_item *dropped = state_dict_find(d, key);
    *dropped = d->item[--d->count];
}

void state_dict_rename(state_dict *d, const char *from, const char *to) {
    for (size_t i = 0; i < d->count; i++) {
        char *old = (char *)d->item[i].key;
        if (strncmp(old, from, strlen(from)) != 0) continue;
        d->item[i].key = d->key[i] = xasprintf("%s%s", to, old + strlen(from));
        free(old);
    }
}

weights_file *state_dict_open(const state_dict *d) {
    weights_file *f;
    thaw_status status = weights_write_safetensors("state.safetensors", d->item, d->count, NULL, 0);
    assert_string_equal(status.message, "");
    status = weights_open("state.safetensors", &f);
    assert_string_equal(status.message, "");
    return f;
}
