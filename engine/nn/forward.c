/*
 * forward.c - walking the tree: one step through a layer, with tensors or without.
 *
 * The first failure stays in the pass and makes every further step do nothing, as a scope does with tensors,
 * so that a block reads like its paper and model.c checks once. In a trace every step leaves on its layer
 * what it found: output, cost, order, who reads it, and whether backward comes by. The trace thereby is the
 * one model of autograd that the predictions of cost.c rest on.
 */
#include <stdarg.h>
#include <stdio.h>

#include "engine/nn/fuse.h"
#include "engine/nn/layer.h"

bool pass_failed(const pass *p) {
    return p->status.code != THAW_OK || (p->scope && tscope_failed(p->scope));
}

bool pass_tracing(const pass *p) {
    return !p->scope;
}

act pass_fail(pass *p, const layer *l, const char *format, ...) {
    if (p->status.code == THAW_OK) {
        char text[THAW_MESSAGE_MAX / 2];
        va_list args;
        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        const char *where = l ? l->path : "input";
        p->status = thaw_error(THAW_ERR_SHAPE, "%s (%s): %s", where, l ? l->kind->name : "image", text);
    }
    return (act){0};
}

bool layer_trains(const layer *l, const pass *p) {
    return p->training && l->freeze != THAW_FROZEN;
}

static int64_t act_bytes(const shape *size) {
    return shape_elements(size) * (int64_t)sizeof(float);
}

/* What a layer holding its own parameters adds to backward: the state of a container's children is theirs. */
static bool layer_own_trainable(const layer *l) {
    if (l->freeze != THAW_TRAINABLE) return false;
    for (int i = 0; i < l->param_count; i++)
        if (!l->param[i].buffer) return true;
    return false;
}

static void layer_record(layer *l, pass *p, act x, act *y) {
    l->output = y->size;
    l->input_bytes = act_bytes(&x.size);
    if (l->executed < 0 && layer_is_leaf(l)) l->executed = p->executed++;
    if (layer_own_trainable(l)) y->grad = true;
    l->input_grad |= x.grad;
    l->output_grad |= y->grad;
}

/* The leaves that also compute in FORMAT_BLOCKED: see t_conv2d_weight. All others are given act_dense(x). */
static bool layer_takes_blocked(const layer *l) {
    return l->kind == &kind_conv2d || l->kind == &kind_batch_norm2d || l->kind == &kind_max_pool2d ||
           l->kind == &kind_adaptive_avg_pool2d || l->kind == &kind_activation[UNARY_RELU];
}

/* The leaves that hand on what they are given, unless they train. */
static bool layer_passes_on(const layer *l) {
    return l->kind == &kind_batch_norm2d || l->kind == &kind_dropout || l->kind == &kind_stochastic_depth;
}

static act leaf_input(const layer *l, pass *p, act x) {
    if (x.deferred) return layer_passes_on(l) ? x : fuse_now(p, x);
    return layer_takes_blocked(l) ? x : act_dense(p, x);
}

act layer_forward(layer *l, pass *p, act x) {
    if (pass_failed(p)) return (act){0};
    if (layer_is_leaf(l)) x = leaf_input(l, p, x);
    act y = x;
    layer *outer = p->inside;
    if (!layer_is_leaf(l)) p->inside = l;
    if (l->kind->forward) {
        y = l->kind->forward(l, p, x);
    } else {
        for (size_t i = 0; i < l->child_count; i++)
            y = layer_forward(l->child[i], p, y);
    }
    p->inside = outer;
    if (pass_failed(p)) return (act){0};
    if (pass_tracing(p)) layer_record(l, p, x, &y);
    return y;
}

act layer_through(layer *self, pass *p, act x, ...) {
    va_list names;
    va_start(names, x);
    for (const char *name; (name = va_arg(names, const char *));) {
        layer *child = layer_child(self, name);
        x = child ? layer_forward(child, p, x) : pass_fail(p, self, "has no layer '%s'", name);
    }
    va_end(names);
    return x;
}

act layer_through_if(layer *self, pass *p, act x, const char *name) {
    layer *child = layer_child(self, name);
    return child ? layer_forward(child, p, x) : x;
}

void act_read(pass *p, act x) {
    if (!pass_tracing(p)) return;
    if (x.from) x.from->readers++;
    if (x.sum) x.sum->fuse.sum_readers++;
}

act act_result(layer *self, pass *p, act x, shape out, int64_t macs, tensor *t) {
    act_read(p, x);
    if (pass_tracing(p)) {
        self->macs += macs;
        self->activation_bytes += act_bytes(&out);
    }
    return (act){.size = out, .t = t, .fresh = true, .blocked = x.blocked, .grad = x.grad, .from = self};
}

act act_same(layer *self, pass *p, act x) {
    act_read(p, x);
    x.from = self;
    x.conv = x.sum = NULL;
    return x;
}

/* What an operation between layers returns: no leaf's output. */
act act_operation(pass *p, act x, shape out, tensor *t) {
    act_read(p, x);
    if (pass_tracing(p) && p->inside) p->inside->activation_bytes += act_bytes(&out);
    return (act){.size = out, .t = t, .fresh = true, .grad = x.grad};
}
