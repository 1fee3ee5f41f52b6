/*
 * layers_mask.c - masks over a thaw_layers: setting, reading, and a name for what is trained.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/nn/layers.h"

static bool listed(const thaw_layers *layers, int index) {
    return index >= 0 && index < layers->count;
}

thaw_freeze thaw_layers_state(const thaw_layers *layers, int index) {
    return listed(layers, index) ? freeze_summary(layers->shown[index], NULL) : THAW_TRAINABLE;
}

void thaw_layers_set(thaw_layers *layers, int index, thaw_freeze state) {
    if (listed(layers, index) && state != THAW_MIXED) freeze_layer(layers->shown[index], state);
}

/* The last place in execution order that TOP's subtree has; -1 when nothing of it was walked. */
static int executed_last(const layer *top) {
    int last = top->executed;
    for (size_t i = 0; i < top->child_count; i++) {
        int child = executed_last(top->child[i]);
        if (child > last) last = child;
    }
    return last;
}

static int executed_first(const layer *top) {
    int first = top->executed;
    for (size_t i = 0; i < top->child_count; i++) {
        int child = executed_first(top->child[i]);
        if (child >= 0 && (first < 0 || child < first)) first = child;
    }
    return first;
}

void thaw_layers_set_below(thaw_layers *layers, int index, thaw_freeze state) {
    if (!listed(layers, index) || state == THAW_MIXED) return;
    const model *m = layers->m;
    const layer *top = layers->shown[index];
    int first = executed_first(top);
    for (size_t i = 0; i < m->order_count; i++) {
        layer *l = m->order[i];
        bool before = layer_inside(l, top) || (l->executed >= 0 && l->executed < first);
        /* A container that ends before INDEX, for its own parameters. */
        if (!layer_is_leaf(l) && executed_last(l) >= 0 && executed_last(l) < first) before = true;
        if (before && !l->head) l->freeze = state;
    }
}

thaw_status thaw_layers_set_matching(thaw_layers *layers, const char *pattern, thaw_freeze state,
                                     int *matched) {
    size_t count = freeze_matching(layers->m, pattern, state, state != THAW_MIXED);
    if (matched) *matched = (int)count;
    return count ? thaw_ok() : freeze_unknown(layers->m, pattern);
}

thaw_status thaw_layers_set_mask(thaw_layers *layers, const char *const *frozen, size_t frozen_count,
                                 const char *const *moving, size_t moving_count) {
    freeze_mask mask = {0};
    for (size_t i = 0; i < frozen_count; i++)
        freeze_mask_add(&mask, frozen[i], THAW_FROZEN);
    for (size_t i = 0; i < moving_count; i++)
        freeze_mask_add(&mask, moving[i], THAW_STATS_MOVING);
    thaw_status status = freeze_apply(layers->m, &mask);
    freeze_mask_clear(&mask);
    return status;
}

void thaw_layers_get_mask(const thaw_layers *layers, char ***frozen, size_t *frozen_count, char ***moving,
                          size_t *moving_count) {
    freeze_mask mask = freeze_describe(layers->m); /* its lists become the caller's */
    *frozen = mask.frozen;
    *frozen_count = mask.frozen_count;
    *moving = mask.moving;
    *moving_count = mask.moving_count;
}

void thaw_names_free(char **names, size_t count) {
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

/* ---- a name for a mask ---- */

/* What a mask is, looked at in execution order. */
typedef struct mask_view {
    int first_trainable, last_frozen; /* places in execution order, -1: none */
    bool moving;
    bool norms_only; /* the frozen ones are all norms, and no norm is trainable */
    const layer *first;
} mask_view;

static mask_view mask_look(const model *m) {
    mask_view v = {.first_trainable = -1, .last_frozen = -1, .norms_only = true};
    for (size_t i = 0; i < m->order_count; i++) {
        const layer *l = m->order[i];
        if (!l->param_count || l->executed < 0) continue;
        bool trainable = layer_trainable(l);
        if (layer_is_norm(l) == trainable) v.norms_only = false;
        if (l->freeze == THAW_STATS_MOVING) v.moving = true;
        if (!trainable && l->executed > v.last_frozen) v.last_frozen = l->executed;
        if (trainable && (v.first_trainable < 0 || l->executed < v.first_trainable)) {
            v.first_trainable = l->executed;
            v.first = l;
        }
    }
    return v;
}

/* The largest container that L, executed at PLACE, begins: "layer3" for layer3.0.conv1. */
static const layer *begins(const layer *l, int place) {
    while (l->parent && l->parent->parent && executed_first(l->parent) == place)
        l = l->parent;
    return l;
}

static void count_groups(const model *m, int *groups, int *trainable) {
    *groups = *trainable = 0;
    for (size_t i = 0; i < m->root->child_count; i++) {
        const layer *group = m->root->child[i];
        if (!layer_parameters(group) || group->aside) continue;
        ++*groups;
        if (freeze_summary(group, NULL) == THAW_TRAINABLE) ++*trainable;
    }
}

const char *thaw_layers_mask_label(const thaw_layers *layers, char *buffer, size_t size) {
    const model *m = layers->m;
    mask_view v = mask_look(m);
    int groups, trainable;
    count_groups(m, &groups, &trainable);
    const char *moving = v.moving ? ", norms moving" : "";
    if (v.first_trainable < 0)
        snprintf(buffer, size, "nothing%s", moving);
    else if (v.last_frozen < 0)
        snprintf(buffer, size, "everything");
    else if (v.norms_only)
        snprintf(buffer, size, "all but norms%s", moving);
    else if (v.last_frozen > v.first_trainable)
        snprintf(buffer, size, "%d of %d groups%s", trainable, groups, moving);
    else if (v.first->head)
        snprintf(buffer, size, "head only%s", moving);
    else
        snprintf(buffer, size, "%s+%s", begins(v.first, v.first_trainable)->path, moving);
    return buffer;
}
