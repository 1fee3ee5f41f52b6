/*
 * optimizer.c - see optimizer.h. An optimizer is one row of the table below: its name, the names of its state
 * tensors and the update of one slot, written over the in-place operations of tensor.h.
 */
#include "engine/train/optimizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "engine/nn/freeze.h"

typedef struct hyper {
    double momentum, weight_decay, beta1, beta2, eps;
    bool nesterov;
} hyper;

typedef struct optimizer_row {
    const char *name;
    const char *state[OPTIMIZER_STATE_MAX];
    /* Update slot->param by its gradient G at rate LR. G may be written to: it is dropped afterwards. */
    void (*update)(tscope *s, const hyper *h, optimizer_slot *slot, tensor *g, double lr);
} optimizer_row;

struct optimizer {
    const optimizer_row *row;
    hyper hyper;
    bool decay_all; /* norms and biases too */
    model *model;
    thaw_layer_lr *rate; /* owned copies; later ones win */
    size_t rate_count;
    optimizer_slot *slot;
    size_t count, capacity;
};

/* ---- the updates ---- */

static tensor *kept_clone(tscope *s, tensor *x) {
    return t_keep(s, t_clone(s, x));
}

static void sgd_update(tscope *s, const hyper *h, optimizer_slot *slot, tensor *g, double lr) {
    tensor *w = slot->param->t;
    if (slot->decays) t_add_(s, g, w, h->weight_decay);
    if (h->momentum != 0) {
        if (slot->state[0]) {
            t_scale_(s, slot->state[0], h->momentum);
            t_add_(s, slot->state[0], g, 1);
        } else {
            slot->state[0] = kept_clone(s, g);
        }
        if (h->nesterov)
            t_add_(s, g, slot->state[0], h->momentum);
        else
            g = slot->state[0];
    }
    t_add_(s, w, g, -lr);
}

static tensor *kept_zeros(tscope *s, tensor *like) {
    tensor *zeros = kept_clone(s, t_detach(s, like));
    t_fill_(s, zeros, 0);
    return zeros;
}

static void adam_moments(tscope *s, const hyper *h, optimizer_slot *slot, tensor *g, double lr) {
    for (int i = 0; i < 2; i++)
        if (!slot->state[i]) slot->state[i] = kept_zeros(s, slot->param->t);
    double step = (double)slot->steps;
    double correction1 = 1 - pow(h->beta1, step), correction2 = 1 - pow(h->beta2, step);
    t_lerp_(s, slot->state[0], g, 1 - h->beta1);
    t_scale_(s, slot->state[1], h->beta2);
    t_addcmul_(s, slot->state[1], g, g, 1 - h->beta2);
    tensor *root = t_unary(s, UNARY_SQRT, slot->state[1]);
    tensor *denominator = t_scale(s, root, 1 / sqrt(correction2), h->eps);
    t_addcdiv_(s, slot->param->t, slot->state[0], denominator, -lr / correction1);
}

static void adam_update(tscope *s, const hyper *h, optimizer_slot *slot, tensor *g, double lr) {
    if (slot->decays) t_add_(s, g, slot->param->t, h->weight_decay);
    adam_moments(s, h, slot, g, lr);
}

static void adamw_update(tscope *s, const hyper *h, optimizer_slot *slot, tensor *g, double lr) {
    if (slot->decays) t_scale_(s, slot->param->t, 1 - lr * h->weight_decay);
    adam_moments(s, h, slot, g, lr);
}

static const optimizer_row rows[] = {
    {"sgd", {"momentum_buffer", NULL}, sgd_update},
    {"adam", {"exp_avg", "exp_avg_sq"}, adam_update},
    {"adamw", {"exp_avg", "exp_avg_sq"}, adamw_update},
};
enum { ROWS = sizeof rows / sizeof *rows };

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
            fresh->hyper.weight_decay != 0 && (fresh->decay_all || (!layer_is_norm(l) && p->size.ndim > 1)),
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
    const optimizer_row *row = NULL;
    const char *names[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        names[i] = rows[i].name;
        if (strcmp(rows[i].name, r->optimizer.name) == 0) row = &rows[i];
    }
    if (!row) {
        const char *nearest = text_nearest(r->optimizer.name, names, ROWS);
        return thaw_error(THAW_ERR_USAGE,
                          "optimizer.name: there is no \"%s\"%s%s%s; expected sgd, adam or adamw",
                          r->optimizer.name, nearest ? " (did you mean \"" : "", nearest ? nearest : "",
                          nearest ? "\"?)" : "");
    }
    for (size_t i = 0; i < r->layer_lr_count; i++)
        THAW_TRY(check_pattern(m, r->layer_lr[i].pattern));
    optimizer *o = xcalloc(1, sizeof *o);
    o->row = row;
    o->hyper = (hyper){
        .momentum = r->optimizer.momentum,
        .weight_decay = r->optimizer.weight_decay,
        .beta1 = r->optimizer.beta1,
        .beta2 = r->optimizer.beta2,
        .eps = r->optimizer.eps,
        .nesterov = r->optimizer.nesterov,
    };
    o->decay_all = r->optimizer.decay_norm_and_bias;
    o->model = m;
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

/* A scope of its own: Adam's temporaries are as large as the parameter. */
static thaw_status slot_step(optimizer *o, optimizer_slot *slot, double lr) {
    tscope s;
    tscope_begin(&s, o->model->torch);
    tensor *g = t_grad(&s, slot->param->t);
    if (g) {
        slot->steps++;
        o->row->update(&s, &o->hyper, slot, g, lr * slot->factor);
        t_drop_grad(&s, slot->param->t);
    }
    return tscope_end(&s);
}

thaw_status optimizer_step(optimizer *o, double lr) {
    for (size_t i = 0; i < o->count; i++)
        THAW_TRY(slot_step(o, &o->slot[i], lr));
    return thaw_ok();
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
    return index < OPTIMIZER_STATE_MAX ? o->row->state[index] : NULL;
}

const char *optimizer_name(const optimizer *o) {
    return o->row->name;
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
    while (index < OPTIMIZER_STATE_MAX && o->row->state[index] &&
           strcmp(o->row->state[index], state_name) != 0)
        index++;
    if (index == OPTIMIZER_STATE_MAX || !o->row->state[index])
        return thaw_error(THAW_ERR_FORMAT, "the checkpoint has \"%s\" for \"%s\", which %s does not keep",
                          state_name, key, o->row->name);
    if (!shape_equal(size, &slot->param->size)) {
        char found[SHAPE_TEXT_MAX], expected[SHAPE_TEXT_MAX];
        return thaw_error(THAW_ERR_SHAPE, "the checkpoint's %s of \"%s\" has shape %s, the parameter %s",
                          state_name, key, shape_text(size, found), shape_text(&slot->param->size, expected));
    }
    tscope s;
    tscope_begin(&s, o->model->torch);
    if (!slot->state[index]) slot->state[index] = kept_zeros(&s, slot->param->t);
    t_copy_(&s, slot->state[index], t_from_data(&s, *size, DTYPE_F32, data, (device){.kind = DEVICE_CPU}));
    return tscope_end(&s);
}

thaw_status optimizer_restore_steps(optimizer *o, const char *key, int64_t steps) {
    optimizer_slot *slot;
    THAW_TRY(restore_slot(o, key, &slot));
    slot->steps = steps;
    return thaw_ok();
}
