/*
 * layer.c - the tree itself: making it, taking it apart, finding one's way in it.
 *
 * A parent owns its children. Paths are made when a layer is added, so a subtree is built top down; the
 * numbers that depend on the whole tree (index, stage) are model.c's. Nothing here knows what a layer
 * computes.
 */
#include "engine/nn/layer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

static layer *layer_make(const char *name, const layer_kind *kind) {
    layer *l = xcalloc(1, sizeof *l);
    l->name = xstrdup(name);
    l->kind = kind;
    l->stage = -1;
    l->executed = -1;
    return l;
}

/* Paths and depths of L and below, after it got its parent. */
static void layer_place(layer *l) {
    const layer *parent = l->parent;
    bool under_root = !parent || !parent->parent;
    free(l->path);
    l->path = under_root ? xstrdup(l->name) : xasprintf("%s.%s", parent->path, l->name);
    l->depth = parent ? parent->depth + 1 : 0;
    for (size_t i = 0; i < l->child_count; i++)
        layer_place(l->child[i]);
}

layer *layer_root(const layer_kind *kind) {
    layer *l = layer_make("", kind);
    layer_place(l);
    return l;
}

void layer_insert(layer *parent, size_t at, layer *child) {
    parent->child =
        vec_reserve(parent->child, &parent->child_capacity, parent->child_count + 1, sizeof *parent->child);
    memmove(parent->child + at + 1, parent->child + at, (parent->child_count - at) * sizeof *parent->child);
    parent->child[at] = child;
    parent->child_count++;
    child->parent = parent;
    layer_place(child);
}

layer *layer_remove(layer *child) {
    layer *parent = child->parent;
    size_t at = 0;
    while (parent->child[at] != child)
        at++;
    parent->child_count--;
    memmove(parent->child + at, parent->child + at + 1, (parent->child_count - at) * sizeof *parent->child);
    child->parent = NULL;
    return child;
}

layer *layer_add(layer *parent, const char *name, const layer_kind *kind) {
    layer *l = layer_make(name, kind);
    layer_insert(parent, parent->child_count, l);
    return l;
}

void layer_free(layer *root) {
    if (!root) return;
    for (size_t i = 0; i < root->child_count; i++)
        layer_free(root->child[i]);
    free(root->child);
    free(root->name);
    free(root->path);
    free(root);
}

int layer_add_param(layer *l, const char *name, shape size, dtype type, bool buffer) {
    if (l->param_count == LAYER_PARAMS_MAX) abort(); /* a family's mistake: raise LAYER_PARAMS_MAX */
    l->param[l->param_count] = (param){.name = name, .size = size, .type = type, .buffer = buffer};
    return l->param_count++;
}

layer *layer_child(const layer *parent, const char *name) {
    for (size_t i = 0; i < parent->child_count; i++)
        if (strcmp(parent->child[i]->name, name) == 0) return parent->child[i];
    return NULL;
}

bool layer_is_leaf(const layer *l) {
    return l->child_count == 0;
}

bool layer_is_norm(const layer *l) {
    for (int i = 0; i < l->param_count; i++)
        if (l->param[i].buffer && strcmp(l->param[i].name, "running_mean") == 0) return true;
    return false;
}

char *param_key(const layer *l, const param *p) {
    const layer *owner = l->of_parent ? l->parent : l;
    return owner->parent ? xasprintf("%s.%s", owner->path, p->name) : xstrdup(p->name);
}

const char *nn_name(char buffer[NN_NAME_MAX], const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(buffer, NN_NAME_MAX, format, args);
    va_end(args);
    return buffer;
}

bool layer_inside(const layer *l, const layer *top) {
    while (l && l != top)
        l = l->parent;
    return l == top;
}

void layer_each(layer *l, layer_visit visit, void *user) {
    visit(user, l);
    for (size_t i = 0; i < l->child_count; i++)
        layer_each(l->child[i], visit, user);
}

int64_t layer_parameters(const layer *l) {
    int64_t total = 0;
    for (int i = 0; i < l->param_count; i++)
        if (!l->param[i].buffer) total += shape_elements(&l->param[i].size);
    for (size_t i = 0; i < l->child_count; i++)
        total += layer_parameters(l->child[i]);
    return total;
}

int64_t layer_macs(const layer *l) {
    int64_t total = l->macs;
    for (size_t i = 0; i < l->child_count; i++)
        total += layer_macs(l->child[i]);
    return total;
}
