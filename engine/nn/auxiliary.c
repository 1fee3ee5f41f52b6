/*
 * auxiliary.c - see auxiliary.h.
 */
#include "engine/nn/auxiliary.h"

#include <string.h>

#include "engine/nn/freeze.h"

static void aside_visit(void *user, layer *l) {
    l->auxiliary = true;
    l->aside = *(const bool *)user;
}

static void set_aside(layer *top, bool aside) {
    layer_each(top, aside_visit, &aside);
}

void auxiliary_add(model *m, layer *top, const char *after, double weight) {
    m->auxiliary[m->auxiliary_count++] = (auxiliary){.top = top, .after = after, .weight = weight};
    set_aside(top, true);
}

/* ---- taking up ---- */

/* The last linear layer, which classifies. */
static size_t classifier_of(const layer *top) {
    size_t at = top->child_count;
    while (at > 0 && top->child[at - 1]->kind != &kind_linear)
        at--;
    return at - 1;
}

static void replace_classifier(model *m, layer *top, int classes) {
    size_t at = classifier_of(top);
    layer *old = top->child[at];
    linear_spec spec = {.in = old->spec.linear.in, .out = classes, .bias = true};
    layer_insert(top, at, layer_remove(nn_linear(top, old->name, spec)));
    model_release(m, old);
    layer_free(layer_remove(old));
}

thaw_status auxiliary_none(const model *m) {
    return thaw_error(
        THAW_ERR_UNSUPPORTED,
        "head.auxiliary: %s has no auxiliary classifiers (googlenet and inception_v3 have); leave it out",
        m->arch->name);
}

void auxiliary_use(model *m, int classes) {
    m->auxiliary_used = classes > 0;
    for (int i = 0; i < m->auxiliary_count; i++) {
        if (classes) replace_classifier(m, m->auxiliary[i].top, classes);
        set_aside(m->auxiliary[i].top, !classes);
    }
}

static void stage_visit(void *user, layer *l) {
    l->stage = *(const int *)user;
}

void auxiliary_number(model *m) {
    for (int i = 0; i < m->auxiliary_count; i++) {
        auxiliary *a = &m->auxiliary[i];
        const layer *after = model_find(m, a->after);
        a->stage = after ? (size_t)after->stage : 0;
        int stage = m->auxiliary_used ? (int)a->stage : -1;
        layer_each(a->top, stage_visit, &stage);
    }
}

bool auxiliary_replaced(const model *m, const char *key) {
    for (int i = 0; m->auxiliary_used && i < m->auxiliary_count; i++) {
        const layer *top = m->auxiliary[i].top, *classifier = top->child[classifier_of(top)];
        size_t length = strlen(classifier->path);
        if (strncmp(key, classifier->path, length) == 0 && key[length] == '.') return true;
    }
    return false;
}

/* ---- passes ---- */

static bool any_trainable(const layer *l) {
    bool any = layer_trainable(l);
    for (size_t i = 0; i < l->child_count && !any; i++)
        any = any_trainable(l->child[i]);
    return any;
}

/* A loss that no gradient can flow from would be computed for nothing. */
static bool takes_part(const auxiliary *a, const pass *p) {
    return pass_tracing(p) || (p->training && (p->recording || any_trainable(a->top)));
}

size_t auxiliary_limit(const model *m, size_t cut) {
    for (int i = 0; m->auxiliary_used && i < m->auxiliary_count; i++)
        if (m->auxiliary[i].stage < cut && any_trainable(m->auxiliary[i].top)) cut = m->auxiliary[i].stage;
    return cut;
}

bool auxiliary_waits(const model *m, const pass *p, size_t stage) {
    for (int i = 0; m->auxiliary_used && i < m->auxiliary_count; i++)
        if (m->auxiliary[i].stage == stage && takes_part(&m->auxiliary[i], p)) return true;
    return false;
}

void auxiliary_forward(model *m, pass *p, act *y, size_t stage) {
    for (int i = 0; m->auxiliary_used && i < m->auxiliary_count && !pass_failed(p); i++) {
        const auxiliary *a = &m->auxiliary[i];
        if (a->stage != stage || !takes_part(a, p)) continue;
        *y = act_shared(*y);
        act logits = layer_forward(a->top, p, *y);
        shape expected = SHAPE_2(y->size.dim[0], m->classes);
        if (!pass_failed(p) && !shape_equal(&logits.size, &expected))
            pass_fail(p, a->top, "does not give %d classes (a mistake in thaw)", m->classes);
        p->auxiliary[i] = logits.t;
    }
}
