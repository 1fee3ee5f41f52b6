/*
 * guess.c - which architecture is this file? Asked only when it does not fit the one it was meant for, so
 * building every known model's skeleton (no tensors) and comparing is quick enough.
 */
#include "engine/models/registry.h"
#include "engine/weights/weights_file.h"

typedef struct matching {
    const weights_file *f;
    const model *m;
    size_t backbone, fitting; /* parameters of the model outside its head, and those that the file has */
    size_t buffers;           /* that the file has */
} matching;

static thaw_status match_param(void *user, layer *l, param *p, const char *key) {
    matching *match = user;
    if (weights_in_head(match->m, key)) return thaw_ok();
    const weights_entry *e = weights_find(match->f, key);
    match->buffers += p->buffer && e;
    if (p->buffer) return thaw_ok();
    if (l->auxiliary && !e) return thaw_ok();
    bool fits = e && (shape_equal(&e->size, &p->size) || weights_positions_fit(l, &e->size, &p->size));
    match->backbone++;
    match->fitting += fits;
    return thaw_ok();
}

static size_t file_backbone(const weights_file *f, const model *m) {
    size_t count = 0;
    for (size_t i = 0; i < f->count; i++)
        count += !weights_in_head(m, f->entry[i].key);
    return count;
}

const char *weights_guess_arch(const weights_file *f) {
    const arch *candidate;
    for (size_t i = 0; (candidate = arch_at(i)); i++) {
        model *m = NULL;
        thaw_status status = model_build(candidate->name, 0, 0, 0, &m);
        if (thaw_failed(&status)) continue;
        matching match = {.f = f, .m = m};
        status = model_each_param(m, match_param, &match);
        bool fits = !thaw_failed(&status) && match.backbone && match.fitting == match.backbone &&
                    file_backbone(f, m) == match.backbone + match.buffers;
        model_free(m);
        if (fits) return candidate->name;
    }
    return NULL;
}
