/*
 * act.c - data flow between layers: what a block does with activations besides sending them through layers.
 *
 * Every operation checks shapes itself, in both modes, so that a family's mistake or an image too small is
 * found in the trace, named, before a tensor exists.
 */
#include "engine/nn/fuse.h"
#include "engine/nn/layer.h"

#define STOP(p)                        \
    if (pass_failed(p)) return (act) { \
            0                          \
        }

act act_shared(act x) {
    x.fresh = false;
    return x;
}

act act_dense(pass *p, act x) {
    x = fuse_now(p, x);
    if (!x.blocked) return x;
    x.blocked = false;
    if (pass_tracing(p)) {
        p->conversions++;
        return x;
    }
    x.t = t_to(p->scope, x.t, p->device, DTYPE_F32, p->format);
    x.fresh = true;
    return x;
}

static act mismatch(pass *p, const char *what, act a, act b) {
    char left[SHAPE_TEXT_MAX], right[SHAPE_TEXT_MAX];
    return pass_fail(p, a.from ? a.from : b.from, "cannot %s %s and %s", what, shape_text(&a.size, left),
                     shape_text(&b.size, right));
}

/* The second operand is read too; what either needs of backward, the result needs. */
static act combine(pass *p, act a, act b, shape out, tensor *t) {
    act y = act_operation(p, a, out, t);
    y.blocked = a.blocked;
    act_read(p, b);
    y.grad |= b.grad;
    return y;
}

static act trace_sum(pass *p, act a, act b) {
    act y = combine(p, a, b, a.size, NULL);
    fuse_candidate_sum(a, &y);
    return y;
}

act act_add(pass *p, act a, act b) {
    STOP(p);
    if (!shape_equal(&a.size, &b.size)) return mismatch(p, "add", a, b);
    if (a.deferred) return fuse_add(p, a, act_dense(p, b));
    if (a.blocked != b.blocked || b.deferred) {
        a = act_dense(p, a);
        b = act_dense(p, b);
    }
    if (pass_tracing(p)) return trace_sum(p, a, b);
    if (p->recording || !fuse_may_overwrite(p, a)) return combine(p, a, b, a.size, t_add(p->scope, a.t, b.t));
    t_add_(p->scope, a.t, b.t, 1.0);
    return combine(p, a, b, a.size, a.t);
}

/* The broadcast extents of A and B, aligned at the last dimension as torch does; false when they do not fit.
 */
static bool broadcast(const shape *a, const shape *b, shape *out) {
    *out = a->ndim >= b->ndim ? *a : *b;
    for (int i = 1; i <= out->ndim; i++) {
        int64_t left = i <= a->ndim ? a->dim[a->ndim - i] : 1, right = i <= b->ndim ? b->dim[b->ndim - i] : 1;
        if (left != right && left != 1 && right != 1) return false;
        out->dim[out->ndim - i] = left == 1 ? right : left;
    }
    return true;
}

act act_mul(pass *p, act a, act b) {
    STOP(p);
    a = act_dense(p, a);
    b = act_dense(p, b);
    shape out;
    if (!broadcast(&a.size, &b.size, &out)) return mismatch(p, "multiply", a, b);
    return combine(p, a, b, out, pass_tracing(p) ? NULL : t_mul(p->scope, a.t, b.t));
}

act act_cat(pass *p, const act *items, size_t count, int64_t dim) {
    STOP(p);
    enum { CAT_MAX = 128 }; /* DenseNet-264 concatenates 65 */
    tensor *t[CAT_MAX];
    if (!count || count > CAT_MAX) return pass_fail(p, NULL, "cannot concatenate %zu activations", count);
    shape out = items[0].size;
    bool grad = items[0].grad;
    t[0] = act_dense(p, items[0]).t;
    for (size_t i = 1; i < count; i++) {
        shape rest = items[i].size;
        if (dim < 0 || dim >= rest.ndim) return mismatch(p, "concatenate", items[0], items[i]);
        rest.dim[dim] = items[0].size.dim[dim];
        if (!shape_equal(&rest, &items[0].size)) return mismatch(p, "concatenate", items[0], items[i]);
        out.dim[dim] += items[i].size.dim[dim];
        grad |= items[i].grad;
        act_read(p, items[i]);
        t[i] = act_dense(p, items[i]).t;
    }
    act y = act_operation(p, items[0], out, pass_tracing(p) ? NULL : t_cat(p->scope, t, count, dim));
    y.grad = grad;
    return y;
}

act act_unary(pass *p, unary_op op, act x) {
    STOP(p);
    x = act_dense(p, x);
    return act_operation(p, x, x.size, pass_tracing(p) ? NULL : t_unary(p->scope, op, x.t));
}

/* A view of X takes no memory, and whoever overwrites it overwrites X. */
static act view(pass *p, act x, shape out, tensor *t) {
    act_read(p, x);
    return (act){.size = out, .t = t, .fresh = x.fresh, .grad = x.grad};
}

act act_flatten(pass *p, act x, int64_t from) {
    STOP(p);
    x = act_dense(p, x);
    char text[SHAPE_TEXT_MAX];
    if (from < 0 || from >= x.size.ndim)
        return pass_fail(p, x.from, "cannot flatten %s from dimension %d", shape_text(&x.size, text),
                         (int)from);
    shape out = {.ndim = (int)from + 1};
    int64_t tail = 1;
    for (int i = 0; i < x.size.ndim; i++) {
        if (i < from)
            out.dim[i] = x.size.dim[i];
        else
            tail *= x.size.dim[i];
    }
    out.dim[from] = tail;
    return view(p, x, out, pass_tracing(p) ? NULL : t_flatten(p->scope, x.t, from));
}

act act_slice(pass *p, act x, int64_t dim, int64_t start, int64_t end, int64_t step) {
    STOP(p);
    x = act_dense(p, x);
    char text[SHAPE_TEXT_MAX];
    bool inside = dim >= 0 && dim < x.size.ndim && step > 0 && start >= 0;
    if (inside && end > x.size.dim[dim]) end = x.size.dim[dim]; /* as in Python */
    if (!inside || start >= end)
        return pass_fail(p, x.from, "cannot take %d:%d:%d of dimension %d of %s", (int)start, (int)end,
                         (int)step, (int)dim, shape_text(&x.size, text));
    shape out = x.size;
    out.dim[dim] = (end - start + step - 1) / step;
    return act_shared(
        view(p, x, out, pass_tracing(p) ? NULL : t_slice(p->scope, x.t, dim, start, end, step)));
}

act act_pad(pass *p, act x, const int64_t *pads, int count) {
    STOP(p);
    x = act_dense(p, x);
    char text[SHAPE_TEXT_MAX];
    shape out = x.size;
    bool fits = count % 2 == 0 && count / 2 <= out.ndim;
    for (int i = 0; fits && i < count / 2; i++) {
        int64_t *extent = &out.dim[out.ndim - 1 - i];
        *extent += pads[2 * i] + pads[2 * i + 1];
        fits = *extent > 0;
    }
    if (!fits) return pass_fail(p, x.from, "cannot pad %s", shape_text(&x.size, text));
    return act_operation(p, x, out, pass_tracing(p) ? NULL : t_pad(p->scope, x.t, pads, count, 0.0));
}

act act_reshape(pass *p, act x, shape size) {
    STOP(p);
    x = act_dense(p, x);
    char from[SHAPE_TEXT_MAX], to[SHAPE_TEXT_MAX];
    if (shape_elements(&x.size) != shape_elements(&size))
        return pass_fail(p, x.from, "cannot reshape %s to %s", shape_text(&x.size, from),
                         shape_text(&size, to));
    return act_shared(view(p, x, size, pass_tracing(p) ? NULL : t_reshape(p->scope, x.t, size)));
}

act act_permute(pass *p, act x, const int64_t *order, int count) {
    STOP(p);
    x = act_dense(p, x);
    char text[SHAPE_TEXT_MAX];
    shape out = {.ndim = count};
    unsigned seen = 0;
    for (int i = 0; i < count && i < SHAPE_MAX_DIMS; i++) {
        if (order[i] < 0 || order[i] >= x.size.ndim) break;
        seen |= 1u << order[i];
        out.dim[i] = x.size.dim[order[i]];
    }
    if (count != x.size.ndim || seen != (1u << count) - 1)
        return pass_fail(p, x.from, "cannot permute the %d dimensions of %s so", count,
                         shape_text(&x.size, text));
    return act_shared(view(p, x, out, pass_tracing(p) ? NULL : t_permute(p->scope, x.t, order, count)));
}

act act_mean(pass *p, act x, const int64_t *dims, int count) {
    STOP(p);
    x = act_dense(p, x);
    char text[SHAPE_TEXT_MAX];
    shape out = {0};
    for (int i = 0; i < x.size.ndim; i++) {
        bool gone = false;
        for (int j = 0; j < count; j++)
            gone |= dims[j] == i;
        if (!gone) out.dim[out.ndim++] = x.size.dim[i];
    }
    if (out.ndim != x.size.ndim - count)
        return pass_fail(p, x.from, "cannot average those dimensions of %s", shape_text(&x.size, text));
    return act_operation(p, x, out, pass_tracing(p) ? NULL : t_mean(p->scope, x.t, dims, count, false));
}
