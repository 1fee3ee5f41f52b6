/*
 * forward_model.c - a model with tensors: making them, passes over the stages, letting go of them.
 *
 * Each stage runs in a scope of its own, so that what a block made along the way is freed as soon as nobody
 * (autograd included) needs it. Stages before the first trainable parameter run with recording off, and on
 * the CPU a few images at a time: what a wide first layer makes of a whole batch is a hundred megabytes, and
 * no faster to compute.
 */
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "engine/nn/auxiliary.h"
#include "engine/nn/fold.h"
#include "engine/nn/freeze.h"
#include "engine/nn/fuse.h"
#include "engine/nn/init.h"

void model_place(model *m, torch *t, device d, bool channels_last) {
    model_release(m, m->root);
    pixel_scale_free(&m->pixels, m->torch);
    m->torch = t;
    m->device = d;
    m->format = channels_last ? FORMAT_CHANNELS_LAST : FORMAT_CONTIGUOUS;
}

thaw_status model_set_pixels(model *m, const float mean[PIXEL_CHANNELS], const float std[PIXEL_CHANNELS]) {
    pixel_scale_free(&m->pixels, m->torch);
    return pixel_scale_make(m->torch, m->device, m->device.kind == DEVICE_CPU, mean, std, &m->pixels);
}

thaw_status model_fill(model *m, uint64_t seed) {
    THAW_TRY(init_materialise(m, m->root, seed));
    return freeze_commit(m);
}

thaw_status model_materialise(model *m, torch *t, device d, bool channels_last, uint64_t seed) {
    model_place(m, t, d, channels_last);
    return model_fill(m, seed);
}

static void release_visit(void *user, layer *l) {
    model *m = user;
    for (int i = 0; i < l->param_count; i++) {
        tensor_free(m->torch, l->param[i].t);
        l->param[i].t = NULL;
    }
}

void model_release(model *m, layer *top) {
    if (!m->torch) return;
    fold_drop(m, top);
    layer_each(top, release_visit, m);
}

/* One stage in a scope of its own; what it returns (dense, for others to use) moves out into P's. */
static act stage_forward(layer *stage, pass *p, act x, bool dense) {
    tscope *outer = p->scope, inner;
    tscope_begin(&inner, outer->torch);
    p->scope = &inner;
    act y = layer_forward(stage, p, x);
    if (!pass_failed(p)) y = dense ? act_dense(p, y) : fuse_now(p, y);
    if (!pass_failed(p) && !y.t) pass_fail(p, stage, "gave no tensor (a mistake in thaw)");
    if (!pass_failed(p) && y.t != x.t) t_adopt(outer, t_keep(&inner, y.t));
    p->scope = outer;
    tscope_fail(outer, p->status);
    tscope_fail(outer, tscope_end(&inner));
    return pass_failed(p) ? (act){0} : y;
}

/* The auxiliary classifiers that look at Y, the output of STAGE. They may train where the stages around them
 * do not, so they always record. */
static void forward_auxiliary(model *m, pass *p, act *y, size_t stage, bool wanted) {
    if (!wanted || !auxiliary_waits(m, p, stage)) return;
    bool recording = p->recording, blocked = p->blocked;
    torch_grad_mode(m->torch, true);
    p->recording = true;
    p->blocked = false;
    auxiliary_forward(m, p, y, stage);
    p->recording = recording;
    p->blocked = blocked;
    torch_grad_mode(m->torch, recording);
}

/* How what is not recorded computes. */
static void choose_layout(const model *m, pass *p) {
    bool blocked = m->device.kind == DEVICE_CPU && torch_about(m->torch)->onednn;
    p->type = torch_computes_in(m->torch, DTYPE_F32);
    p->fused = fuse_possible(m, p->type);
    p->norms = m->format == FORMAT_CHANNELS_LAST && torch_batch_norm_fuses(m->torch, m->device);
    p->blocked = blocked && m->blocked && !p->fused && !torch_autocasting(m->torch);
}

/* Images come as bytes or as numbers. Bytes become numbers here and not before: so it is a few images at a
 * time where those are computed so, and no whole batch of numbers is ever there. */
static tensor *numbers(model *m, pass *p, tensor *x) {
    if (!x || t_dtype(p->scope, x) != DTYPE_U8) return x;
    return pixel_scale_apply(&m->pixels, p->scope, x, m->format, p->recording);
}

static act forward_whole(model *m, pass *p, act x, size_t from, size_t to) {
    if (!m->torch) {
        pass_fail(p, NULL, "%s has no tensors yet: model_materialise comes first", m->arch->name);
        tscope_fail(p->scope, p->status);
        return (act){0};
    }
    size_t quiet = freeze_no_grad_prefix(m);
    bool wanted = torch_grad_mode(m->torch, false);
    tensor *given = x.t;
    p->device = m->device;
    p->format = m->format;
    p->stage_begin = (int)from;
    p->stage_end = (int)to;
    p->recording = false;
    p->deferred = 0;
    choose_layout(m, p);
    x.fresh = false; /* the caller's, perhaps in a cache */
    x.from = NULL;
    for (size_t i = from; i < to && !pass_failed(p); i++) {
        if (i >= quiet && wanted && !p->recording) {
            torch_grad_mode(m->torch, true);
            p->recording = true;
            p->blocked = false;
            x.fresh = false;
        }
        if (p->watch) p->watch->stage(p->watch, p, i, x.t);
        if (i == 0) x.t = numbers(m, p, x.t);
        bool last = i + 1 == to || (wanted && i + 1 == quiet);
        act y = stage_forward(m->stage[i], p, x, last || (wanted && auxiliary_waits(m, p, i)));
        forward_auxiliary(m, p, &y, i, wanted);
        if (x.t != given && x.t != y.t) tensor_free(m->torch, t_keep(p->scope, x.t));
        x = y;
    }
    torch_grad_mode(m->torch, wanted);
    return x;
}

/* ---- in pieces ---- */

/* Up to here images know nothing of each other and no gradient needs what lies between. In training that is
 * less than what has no gradient: moving statistics are of the whole batch, and so are the masks of dropout.
 */
static size_t separable(const model *m, const pass *p, size_t from, size_t to) {
    bool beside = p->training && m->auxiliary_used; /* classifiers look at the middle, all images at once */
    if (!m->torch || m->device.kind != DEVICE_CPU || beside) return from;
    bool recording = torch_grad_mode(m->torch, false);
    torch_grad_mode(m->torch, recording);
    size_t end = p->training ? freeze_prefix(m) : recording ? freeze_no_grad_prefix(m) : to;
    return end < from ? from : end < to ? end : to;
}

int model_piece(const model *m) {
    return torch_about(m->torch)->threads > 1 ? MODEL_PIECE : MODEL_PIECE_ONE_THREAD;
}

/* The number of the newest weights made ready (fold.h), and one; 0: there are none. */
static uint64_t newest_fold(const model *m) {
    uint64_t newest = 0;
    for (size_t i = 0; i < m->order_count; i++) {
        const fold *f = m->order[i]->folded;
        if (f && f->made >= newest) newest = f->made + 1;
    }
    return newest;
}

static act forward_pieces(model *m, pass *p, act x, size_t from, size_t to, int most) {
    int64_t count = x.size.dim[0];
    uint64_t ready = newest_fold(m);
    size_t pieces = 0;
    tensor **piece = xcalloc((size_t)(count + most - 1) / (size_t)most, sizeof *piece);
    act y = x;
    for (int64_t i = 0; i < count && !pass_failed(p); i += most) {
        int64_t end = i + most < count ? i + most : count;
        act part = x;
        part.size.dim[0] = end - i;
        part.t = t_slice(p->scope, x.t, 0, i, end, 1);
        y = forward_whole(m, p, part, from, to);
        piece[pieces++] = y.t;
        if (p->training && newest_fold(m) != ready) {
            /* What making them took lies between what stays, in pieces that the next images cannot use. */
            torch_let_go();
            ready = newest_fold(m);
        }
    }
    y.t = pass_failed(p) ? NULL : t_cat(p->scope, piece, pieces, 0);
    for (size_t i = 0; i < pieces; i++)
        tensor_free(m->torch, t_keep(p->scope, piece[i]));
    free(piece);
    y.size.dim[0] = count;
    return y.t ? y : (act){0};
}

act model_forward(model *m, pass *p, act x, size_t from, size_t to) {
    size_t cut = separable(m, p, from, to);
    int most = cut > from ? model_piece(m) : 0;
    if (most == 0 || x.size.dim[0] <= most) return forward_whole(m, p, x, from, to);
    x = forward_pieces(m, p, x, from, cut, most);
    return cut < to ? forward_whole(m, p, x, cut, to) : x;
}
