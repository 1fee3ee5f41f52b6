/*
 * layers_list.c - thaw_layers: a model without tensors, flattened for people and scripts.
 *
 * The model underneath is the same that is trained, so what is listed is what will be built. Strings are the
 * model's; the arrays are made once, because only masks change afterwards (layers_mask.c).
 */
#include "engine/nn/layers.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

enum { LIST_DIMS = 5 };

static void copy_extents(int64_t *out, const shape *size, int from) {
    for (int i = from; i < size->ndim && i - from < LIST_DIMS; i++)
        out[i - from] = size->dim[i];
}

/* ---- layers ---- */

static int64_t subtree_activations(const layer *l) {
    int64_t total = l->activation_bytes;
    for (size_t i = 0; i < l->child_count; i++)
        total += subtree_activations(l->child[i]);
    return total;
}

static bool subtree_has_norm(const layer *l) {
    bool found = layer_is_norm(l);
    for (size_t i = 0; i < l->child_count && !found; i++)
        found = subtree_has_norm(l->child[i]);
    return found;
}

static thaw_layer_info describe_layer(const layer *l, int parent) {
    thaw_layer_info info = {.path = l->path,
                            .name = l->name,
                            .kind = l->kind->name,
                            .depth = l->depth - 1,
                            .parent = parent,
                            .stage = l->stage,
                            .output_ndim = l->output.ndim ? l->output.ndim - 1 : 0,
                            .parameters = layer_parameters(l),
                            .macs = layer_macs(l),
                            .activation_bytes = subtree_activations(l),
                            .has_norm = subtree_has_norm(l),
                            .is_head = l->head,
                            .is_aside = l->aside};
    copy_extents(info.output, &l->output, 1);
    return info;
}

static void list_layer(thaw_layers *list, layer *l, int parent) {
    int index = list->count;
    list->shown[index] = l;
    list->info[index] = describe_layer(l, parent);
    list->count++;
    for (size_t i = 0; i < l->child_count; i++)
        if (!l->child[i]->functional) list_layer(list, l->child[i], index);
    list->info[index].end = list->count;
}

/* ---- the state dict and the cuts ---- */

static thaw_status list_tensor(void *user, layer *l, param *p, const char *key) {
    (void)l;
    thaw_layers *list = user;
    list->tensor = xreallocarray(list->tensor, list->tensor_count + 1, sizeof *list->tensor);
    thaw_layers_tensor *t = &list->tensor[list->tensor_count++];
    *t = (thaw_layers_tensor){.key = xstrdup(key), .ndim = p->size.ndim, .buffer = p->buffer};
    copy_extents(t->shape, &p->size, 0);
    return thaw_ok();
}

static void list_cuts(thaw_layers *list) {
    const model *m = list->m;
    list->cut = xcalloc(m->stage_count, sizeof *list->cut);
    for (size_t cut = 0; cut < m->stage_count; cut++)
        if (!cut || !m->stage[cut - 1]->functional) list->cut[list->cut_count++] = model_cut_name(m, cut);
}

/* ---- the whole ---- */

static thaw_status list_build(thaw_layers *list, const char *arch_name, const thaw_head *head, int classes,
                              int input) {
    THAW_TRY(model_build(arch_name, classes, input, input, &list->m));
    if (head) THAW_TRY(model_replace_head(list->m, head, list->m->classes, 0));
    model *m = list->m;
    list->shown = xcalloc(m->order_count, sizeof *list->shown);
    list->info = xcalloc(m->order_count, sizeof *list->info);
    for (size_t i = 0; i < m->root->child_count; i++)
        if (!m->root->child[i]->functional) list_layer(list, m->root->child[i], -1);
    THAW_TRY(model_each_param(m, list_tensor, list));
    list_cuts(list);
    thaw_cost everything = thaw_layers_cost(list, 1, 0);
    list->full_step_macs = everything.forward_macs + everything.backward_macs;
    return thaw_ok();
}

thaw_status thaw_layers_new(const char *arch_name, const thaw_head *head, int classes, int input,
                            thaw_layers **out) {
    *out = NULL;
    thaw_layers *list = xcalloc(1, sizeof *list);
    thaw_status status = list_build(list, arch_name, head, classes, input);
    if (thaw_failed(&status))
        thaw_layers_free(list);
    else
        *out = list;
    return status;
}

void thaw_layers_free(thaw_layers *layers) {
    if (!layers) return;
    for (size_t i = 0; i < layers->tensor_count; i++)
        free((char *)layers->tensor[i].key);
    free(layers->tensor);
    free(layers->cut);
    free(layers->shown);
    free(layers->info);
    model_free(layers->m);
    free(layers);
}

int thaw_layers_count(const thaw_layers *layers) {
    return layers->count;
}

const thaw_layer_info *thaw_layers_at(const thaw_layers *layers, int index) {
    return index >= 0 && index < layers->count ? &layers->info[index] : NULL;
}

int thaw_layers_find(const thaw_layers *layers, const char *path) {
    for (int i = 0; i < layers->count; i++)
        if (strcmp(layers->info[i].path, path) == 0) return i;
    return -1;
}

int64_t thaw_layers_parameters(const thaw_layers *layers) {
    return model_parameter_count(layers->m);
}

int thaw_layers_input(const thaw_layers *layers) {
    return (int)layers->m->input.dim[2];
}

size_t thaw_layers_tensor_count(const thaw_layers *layers) {
    return layers->tensor_count;
}

thaw_layers_tensor thaw_layers_tensor_at(const thaw_layers *layers, size_t index) {
    return index < layers->tensor_count ? layers->tensor[index] : (thaw_layers_tensor){0};
}

size_t thaw_layers_cut_count(const thaw_layers *layers) {
    return layers->cut_count;
}

const char *thaw_layers_cut_name(const thaw_layers *layers, size_t index) {
    return index < layers->cut_count ? layers->cut[index] : NULL;
}
