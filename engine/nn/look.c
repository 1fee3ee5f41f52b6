/*
 * look.c - looking at a model: layers by path, parameters by key, totals.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/nn/model.h"

layer *model_find(const model *m, const char *path) {
    layer *l = m->root;
    while (*path) {
        size_t length = strcspn(path, ".");
        layer *next = NULL;
        for (size_t i = 0; i < l->child_count && !next; i++) {
            const char *name = l->child[i]->name;
            if (strlen(name) == length && memcmp(name, path, length) == 0) next = l->child[i];
        }
        if (!next) return NULL;
        l = next;
        path += length;
        if (*path == '.' && path[1]) path++;
    }
    return l == m->root ? NULL : l;
}

thaw_status model_each_param(const model *m, model_visit visit, void *user) {
    for (size_t i = 0; i < m->order_count; i++) {
        layer *l = m->order[i];
        for (int k = 0; k < l->param_count; k++) {
            char *key = param_key(l, &l->param[k]);
            thaw_status status = visit(user, l, &l->param[k], key);
            free(key);
            THAW_TRY(status);
        }
    }
    return thaw_ok();
}

int64_t model_parameter_count(const model *m) {
    return layer_parameters(m->root);
}

int64_t model_macs(const model *m) {
    return layer_macs(m->root);
}

const char *model_cut_name(const model *m, size_t cut) {
    while (cut && m->stage[cut - 1]->functional)
        cut--;
    return cut ? m->stage[cut - 1]->path : "input";
}
