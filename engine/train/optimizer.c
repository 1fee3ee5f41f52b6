/*
 * optimizer.c - see optimizer.h. It says which parameters are updated, at what rate and which of them
 * together; update.c how.
 *
 * Parameters alike in everything but their tensors can be updated together, in lists. On CUDA that spares
 * launches, of which a parameter would take up to eight. On the CPU it spares a little where parameters are
 * small, as long as all that a group touches stays in the processor's cache (docs/perf.md has the figures).
 */
#include "engine/train/optimizer.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "engine/nn/freeze.h"

/* Enough for few launches, and a bound for the temporaries of Adam, which are as large as the weights. */
#define GROUP_BYTES_CUDA ((size_t)64 << 20)
/* With gradients and states up to four times as much is touched: about the second level of cache. */
#define GROUP_BYTES_CPU ((size_t)256 << 10)

struct optimizer {
    const update_rule *rule;
    update_numbers numbers;
    bool decay_all; /* norms and biases too */
    model *model;
    thaw_layer_lr *rate; /* owned copies; later ones win */
    size_t rate_count;
    optimizer_slot *slot;
    size_t count, capacity;
    size_t group_bytes, groups;
};

/* ---- which layer learns how fast ---- */

/* PATTERN names L, or a layer above it. */
static bool pattern_covers(const char *pattern, const layer *l) {
    for (; l && l->parent; l = l->parent)
        if (text_glob(pattern, l->path)) return true;
    return false;
}

static double layer_factor(const optimizer *o, const layer *l) {
    for (size_t i = o->rate_count; i-- > 0;)
        if (pattern_covers(o->rate[i].pattern, l)) return o->rate[i].factor;
    return 1;
}

static thaw_status check_pattern(const model *m, const char *pattern) {
    for (size_t i = 1; i < m->order_count; i++)
        if (text_glob(pattern, m->order[i]->path)) return thaw_ok();
    const char **names = xcalloc(m->order_count, sizeof *names);
    for (size_t i = 1; i < m->order_count; i++)
        names[i - 1] = m->order[i]->path;
    const char *nearest = text_nearest(pattern, names, m->order_count - 1);
    free(names);
    return thaw_error(THAW_ERR_NOT_FOUND, "layer_lr: %s has no layer \"%s\"%s%s%s", m->arch->name, pattern,
                      nearest ? "; did you mean \"" : "; `thaw layers` lists them", nearest ? nearest : "",
                      nearest ? "\"?" : "");
}

/* ---- slots ---- */

static void slot_clear(optimizer *o, optimizer_slot *slot) {
    for (int i = 0; i < OPTIMIZER_STATE_MAX; i++)
        tensor_free(o->model->torch, slot->state[i]);
    free(slot->key);
}

static thaw_status sync_param(void *user, layer *l, param *p, const char *key) {
    optimizer *fresh = user; /* collects the slots of now; holds none of its own */
    if (p->buffer || !layer_trainable(l)) return thaw_ok();
    fresh->slot = vec_reserve(fresh->slot, &fresh->capacity, fresh->count + 1, sizeof *fresh->slot);
    fresh->slot[fresh->count++] = (optimizer_slot){
        .key = xstrdup(key),
        .layer = l,
        .param = p,
        .factor = layer_factor(fresh, l),
        .decays =
            fresh->numbers.weight_decay != 0 && (fresh->decay_all || (!layer_is_norm(l) && p->size.ndim > 1)),
    };
    return thaw_ok();
}

/* Hand the state of FROM's slot to INTO's of the same parameter. */
static void slot_inherit(optimizer_slot *into, optimizer_slot *from) {
    into->steps = from->steps;
    for (int i = 0; i < OPTIMIZER_STATE_MAX; i++) {
        into->state[i] = from->state[i];
        from->state[i] = NULL;
    }
}

void optimizer_sync(optimizer *o) {
    optimizer fresh = *o;
    fresh.slot = NULL;
    fresh.count = fresh.capacity = 0;
    thaw_status status = model_each_param(o->model, sync_param, &fresh);
    (void)status;                                       /* the visitor cannot fail */
    for (size_t i = 0, old = 0; i < fresh.count; i++) { /* both are in state-dict order */
        for (size_t at = old; at < o->count; at++)
            if (o->slot[at].param == fresh.slot[i].param) {
                slot_inherit(&fresh.slot[i], &o->slot[at]);
                old = at + 1;
                break;
            }
    }
    for (size_t i = 0; i < o->count; i++)
        slot_clear(o, &o->slot[i]);
    free(o->slot);
    *o = fresh;
}

thaw_status optimizer_new(const thaw_recipe *r, model *m, optimizer **out) {
    const update_rule *rule = NULL;
    const char *names[UPDATE_RULES];
    for (size_t i = 0; i < UPDATE_RULES; i++) {
        names[i] = update_rules[i].name;
        if (strcmp(names[i], r->optimizer.name) == 0) rule = &update_rules[i];
    }
    if (!rule) {
        const char *nearest = text_nearest(r->optimizer.name, names, UPDATE_RULES);
        return thaw_error(THAW_ERR_USAGE,
                          "optimizer.name: there is no \"%s\"%s%s%s; expected sgd, adam or adamw",
                          r->optimizer.name, nearest ? " (did you mean \"" : "", nearest ? nearest : "",
                          nearest ? "\"?)" : "");
    }
    for (size_t i = 0; i < r->layer_lr_count; i++)
        THAW_TRY(check_pattern(m, r->layer_lr[i].pattern));
    optimizer *o = xcalloc(1, sizeof *o);
    o->rule = rule;
    o->numbers = (update_numbers){
        .momentum = r->optimizer.momentum,
        .weight_decay = r->optimizer.weight_decay,
        .beta1 = r->optimizer.beta1,
        .beta2 = r->optimizer.beta2,
        .eps = r->optimizer.eps,
        .nesterov = r->optimizer.nesterov,
    };
    o->decay_all = r->optimizer.decay_norm_and_bias;
    o->model = m;
    o->group_bytes = m->device.kind == DEVICE_CUDA ? GROUP_BYTES_CUDA : GROUP_BYTES_CPU;
    o->rate_count = r->layer_lr_count;
    o->rate = xcalloc(o->rate_count, sizeof *o->rate);
    for (size_t i = 0; i < o->rate_count; i++)
        o->rate[i] = (thaw_layer_lr){xstrdup(r->layer_lr[i].pattern), r->layer_lr[i].factor};
    *out = o;
    return thaw_ok();
}

void optimizer_free(optimizer *o) {
    if (!o) return;
    for (size_t i = 0; i < o->count; i++)
        slot_clear(o, &o->slot[i]);
    for (size_t i = 0; i < o->rate_count; i++)
        free(o->rate[i].pattern);
    free(o->slot);
    free(o->rate);
    free(o);
}

/* ---- steps ---- */

/* What a step works with: the slots to come, and the group of the moment with room for all of them. */
typedef struct step {
    optimizer *optimizer;
    double lr; /* the base rate */
    bool *done;
    optimizer_slot **member; /* of the group */
    update_group group;
} step;

static void step_begin(step *p, optimizer *o, double lr) {
    *p = (step){.optimizer = o, .lr = lr};
    p->done = xcalloc(o->count, sizeof *p->done);
    p->member = xcalloc(o->count, sizeof *p->member);
    tensor ***const lists[] = {&p->group.weight, &p->group.grad, &p->group.scratch, &p->group.state[0],
                               &p->group.state[1]};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        *lists[i] = xcalloc(o->count, sizeof **lists[i]);
    o->groups = 0;
}

static void step_end(step *p) {
    for (int k = 0; k < UPDATE_STATE_MAX; k++)
        free(p->group.state[k]);
    free(p->group.weight);
    free(p->group.grad);
    free(p->group.scratch);
    free(p->member);
    free(p->done);
}

/* The updates of A and B differ in nothing but their tensors. */
static bool alike(const optimizer_slot *a, const optimizer_slot *b) {
    return a->factor == b->factor && a->decays == b->decays && a->steps == b->steps &&
           !a->state[0] == !b->state[0] && a->param->type == b->param->type;
}

static size_t param_bytes(const param *p) {
    return (size_t)shape_elements(&p->size) * dtype_size(p->type);
}

/* The slots that are alike from FIRST on, those with a gradient, up to the bytes of a group and one at least.
 */
static void gather(step *p, tscope *s, size_t first) {
    optimizer *o = p->optimizer;
    update_group *g = &p->group;
    size_t bytes = 0;
    g->count = 0;
    for (size_t i = first; i < o->count && (!g->count || bytes < o->group_bytes); i++) {
        optimizer_slot *slot = &o->slot[i];
        if (p->done[i] || !alike(slot, &o->slot[first])) continue;
        p->done[i] = true;
        tensor *grad = t_grad(s, slot->param->t);
        if (!grad) continue;
        g->weight[g->count] = slot->param->t;
        g->grad[g->count] = grad;
        for (int k = 0; k < UPDATE_STATE_MAX; k++)
            g->state[k][g->count] = slot->state[k];
        p->member[g->count++] = slot;
        bytes += param_bytes(slot->param);
    }
}

/* A scope of its own: Adam's temporaries are as large as the weights. */
static thaw_status group_step(step *p, size_t first) {
    optimizer *o = p->optimizer;
    update_group *g = &p->group;
    tscope s;
    tscope_begin(&s, o->model->torch);
    gather(p, &s, first);
    if (g->count) {
        g->lr = p->lr * p->member[0]->factor;
        g->steps = p->member[0]->steps + 1;
        g->decays = p->member[0]->decays;
        o->rule->update(&s, &o->numbers, g);
        o->groups++;
    }
    for (size_t i = 0; i < g->count; i++) {
        p->member[i]->steps++;
        for (int k = 0; k < UPDATE_STATE_MAX; k++)
            p->member[i]->state[k] = g->state[k][i];
        t_drop_grad(&s, g->weight[i]);
    }
    return tscope_end(&s);
}

thaw_status optimizer_step(optimizer *o, double lr) {
    step p;
    step_begin(&p, o, lr);
    thaw_status status = thaw_ok();
    for (size_t i = 0; i < o->count && !thaw_failed(&status); i++)
        if (!p.done[i]) status = group_step(&p, i);
    step_end(&p);
    return status;
}

void optimizer_group_bytes(optimizer *o, size_t bytes) {
    o->group_bytes = bytes;
}

size_t optimizer_groups(const optimizer *o) {
    return o->groups;
}

void optimizer_drop_grads(optimizer *o) {
    tscope s;
    tscope_begin(&s, o->model->torch);
    for (size_t i = 0; i < o->count; i++)
        t_drop_grad(&s, o->slot[i].param->t);
    thaw_status status = tscope_end(&s);
    (void)status; /* forgetting a tensor cannot fail */
}

/* ---- looking in ---- */

size_t optimizer_count(const optimizer *o) {
    return o->count;
}

optimizer_slot *optimizer_at(optimizer *o, size_t index) {
    return &o->slot[index];
}

optimizer_slot *optimizer_find(optimizer *o, const char *key) {
    for (size_t i = 0; i < o->count; i++)
        if (strcmp(o->slot[i].key, key) == 0) return &o->slot[i];
    return NULL;
}

const char *optimizer_state_name(const optimizer *o, int index) {
    return index < OPTIMIZER_STATE_MAX ? o->rule->state[index] : NULL;
}

const char *optimizer_name(const optimizer *o) {
    return o->rule->name;
}

static thaw_status restore_slot(optimizer *o, const char *key, optimizer_slot **out) {
    *out = optimizer_find(o, key);
    if (*out) return thaw_ok();
    return thaw_error(
        THAW_ERR_FORMAT,
        "the checkpoint has optimizer state for \"%s\", which is not trainable under its own mask", key);
}

thaw_status optimizer_restore(optimizer *o, const char *key, const char *state_name, const shape *size,
                              const float *data) {
    optimizer_slot *slot;
    THAW_TRY(restore_slot(o, key, &slot));
    int index = 0;
    while (index < OPTIMIZER_STATE_MAX && o->rule->state[index] &&
           strcmp(o->rule->state[index], state_name) != 0)
        index++;
    if (index == OPTIMIZER_STATE_MAX || !o->rule->state[index])
        return thaw_error(THAW_ERR_FORMAT, "the checkpoint has \"%s\" for \"%s\", which %s does not keep",
                          state_name, key, o->rule->name);
    if (!shape_equal(size, &slot->param->size)) {
        char found[SHAPE_TEXT_MAX], expected[SHAPE_TEXT_MAX];
        return thaw_error(THAW_ERR_SHAPE, "the checkpoint's %s of \"%s\" has shape %s, the parameter %s",
                          state_name, key, shape_text(size, found), shape_text(&slot->param->size, expected));
    }
    tscope s;
    tscope_begin(&s, o->model->torch);
    if (!slot->state[index]) slot->state[index] = update_zeros(&s, slot->param->t);
    t_copy_(&s, slot->state[index], t_from_data(&s, *size, DTYPE_F32, data, (device){.kind = DEVICE_CPU}));
    return tscope_end(&s);
}

thaw_status optimizer_restore_steps(optimizer *o, const char *key, int64_t steps) {
    optimizer_slot *slot;
    THAW_TRY(restore_slot(o, key, &slot));
    slot->steps = steps;
    return thaw_ok();
}
