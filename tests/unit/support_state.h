/*
 * support_state.h - state dicts of zeros, made without libtorch and changed as a test likes.
 */
#ifndef TESTS_UNIT_SUPPORT_STATE_H
#define TESTS_UNIT_SUPPORT_STATE_H

#include "engine/weights/weights.h"

typedef struct state_dict {
    weights_item *item;
    char **key; /* owns what item[i].key points to; a dropped item's key stays */
    size_t count, item_capacity, key_capacity;
    void *zeros;
} state_dict;

/* Every tensor of the architecture, all zeros. */
state_dict state_dict_of(const char *name, int classes);
/* KEYS: how many there were before any was dropped. */
void state_dict_clear(state_dict *d, size_t keys);

weights_item *state_dict_find(state_dict *d, const char *key);
void state_dict_drop(state_dict *d, const char *key);
/* Keys that begin with FROM begin with TO. Before any is dropped. */
void state_dict_rename(state_dict *d, const char *from, const char *to);

/* Written as state.safetensors in this folder, and opened. */
weights_file *state_dict_open(const state_dict *d);

#endif
