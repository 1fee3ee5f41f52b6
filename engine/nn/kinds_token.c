/*
 * kinds_token.c - what transformers are made of: a container's own parameter, layer norm, permutations,
 * attention.
 *
 * In torch a module may hold a parameter beside its children (ViT's class token). Here that is a leaf of its
 * own, so that it has a name to be frozen by, a place in the order and a mask; only its key is its parent's,
 * see layer.of_parent.
 */
#include <math.h>

#include "engine/nn/kinds.h"

/* ---- a parameter ---- */

static act parameter_forward(layer *self, pass *p, act x) {
    (void)p;
    (void)x;
    return (act){.size = self->param[0].size, .t = self->param[0].t, .from = self};
}

static void parameter_init(layer *self, int index, float *values, size_t count, rng *r) {
    (void)index;
    const parameter_spec *spec = &self->spec.parameter;
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(spec->constant + (spec->deviation > 0 ? spec->deviation * rng_normal(r) : 0));
}

const layer_kind kind_parameter = {"Parameter", parameter_forward, parameter_init};

layer *nn_parameter(layer *parent, const char *name, shape size, double constant, double deviation) {
    layer *l = layer_add(parent, name, &kind_parameter);
    l->spec.parameter = (parameter_spec){constant, deviation};
    l->of_parent = true;
    layer_add_param(l, l->name, size, DTYPE_F32, false);
    return l;
}

act layer_parameter(layer *self, pass *p, const char *name) {
    return layer_through(self, p, (act){0}, name, NULL);
}

/* ---- layer norm: over the last dimension, or (LayerNorm2d) over the channels of an image ---- */

enum { NORM_WEIGHT, NORM_BIAS };

static act layer_norm_forward(layer *self, pass *p, act x) {
    char text[SHAPE_TEXT_MAX];
    int64_t features = self->spec.norm.features;
    if (!x.size.ndim || x.size.dim[x.size.ndim - 1] != features)
        return pass_fail(p, self, "expects %d features, got %s", (int)features, shape_text(&x.size, text));
    tensor *t = NULL;
    if (!pass_tracing(p))
        t = t_layer_norm(p->scope, x.t, 1, self->param[NORM_WEIGHT].t, self->param[NORM_BIAS].t,
                         self->spec.norm.eps);
    return act_result(self, p, x, x.size, 0, t);
}

static act layer_norm2d_forward(layer *self, pass *p, act x) {
    static const int64_t last[] = {0, 2, 3, 1}, back[] = {0, 3, 1, 2};
    if (!kind_takes_image(self, p, x, self->spec.norm.features)) return (act){0};
    tensor *t = NULL;
    if (!pass_tracing(p)) {
        t = t_layer_norm(p->scope, t_permute(p->scope, x.t, last, 4), 1, self->param[NORM_WEIGHT].t,
                         self->param[NORM_BIAS].t, self->spec.norm.eps);
        t = t_permute(p->scope, t, back, 4);
    }
    return act_result(self, p, x, x.size, 0, t);
}

static void layer_norm_init(layer *self, int index, float *values, size_t count, rng *r) {
    (void)self;
    (void)r;
    for (size_t i = 0; i < count; i++)
        values[i] = index == NORM_WEIGHT ? 1.0f : 0.0f;
}

const layer_kind kind_layer_norm = {"LayerNorm", layer_norm_forward, layer_norm_init};
const layer_kind kind_layer_norm2d = {"LayerNorm2d", layer_norm2d_forward, layer_norm_init};

static layer *layer_norm_add(layer *parent, const char *name, const layer_kind *kind, int64_t features,
                             double eps) {
    layer *l = layer_add(parent, name, kind);
    l->spec.norm = (norm_spec){.features = features, .eps = eps};
    layer_add_param(l, "weight", SHAPE_1(features), DTYPE_F32, false);
    layer_add_param(l, "bias", SHAPE_1(features), DTYPE_F32, false);
    return l;
}

layer *nn_layer_norm(layer *parent, const char *name, int64_t features, double eps) {
    return layer_norm_add(parent, name, &kind_layer_norm, features, eps);
}

layer *nn_layer_norm2d(layer *parent, const char *name, int64_t features, double eps) {
    return layer_norm_add(parent, name, &kind_layer_norm2d, features, eps);
}

/* ---- permutations of an image's four dimensions ---- */

static act permute_forward(layer *self, pass *p, act x) {
    return act_permute(p, x, self->spec.family, 4);
}

const layer_kind kind_permute = {"Permute", permute_forward, NULL};

static layer *permute_add(layer *parent, const char *name, const int64_t order[4]) {
    layer *l = layer_add(parent, name, &kind_permute);
    for (int i = 0; i < 4; i++)
        l->spec.family[i] = order[i];
    return l;
}

layer *nn_channels_last(layer *parent, const char *name) {
    return permute_add(parent, name, (const int64_t[]){0, 2, 3, 1});
}

layer *nn_channels_first(layer *parent, const char *name) {
    return permute_add(parent, name, (const int64_t[]){0, 3, 1, 2});
}

/* ---- attention ---- */

/* (N, S, PARTS * heads * width) to one (N, heads, S, width) a part. */
static void split_heads(pass *p, act x, int64_t heads, int parts, act *out) {
    static const int64_t order[] = {2, 0, 3, 1, 4};
    int64_t count = x.size.dim[0], length = x.size.dim[1], width = x.size.dim[2] / parts / heads;
    shape split = {.ndim = 5, .dim = {count, length, parts, heads, width}};
    shape one = SHAPE_4(count, heads, length, width);
    act all = act_permute(p, act_reshape(p, x, split), order, 5);
    for (int i = 0; i < parts; i++)
        out[i] = act_reshape(p, act_slice(p, all, 0, i, i + 1, 1), one);
}

static act join_heads(pass *p, act x) {
    static const int64_t order[] = {0, 2, 1, 3};
    shape whole = SHAPE_3(x.size.dim[0], x.size.dim[2], x.size.dim[1] * x.size.dim[3]);
    return act_reshape(p, act_permute(p, x, order, 4), whole);
}

act nn_attention(layer *self, pass *p, act qkv, int64_t heads, attention_params how) {
    enum { Q, K, V, PARTS };
    act part[PARTS];
    split_heads(p, qkv, heads, PARTS, part);
    if (pass_failed(p)) return (act){0};
    const int64_t *n = part[Q].size.dim; /* images, heads, length, width */
    if (pass_tracing(p)) {
        self->macs += 2 * n[0] * n[1] * n[2] * n[2] * n[3];
        self->activation_bytes += n[0] * n[1] * n[2] * n[2] * (int64_t)sizeof(float); /* the softmax */
        act y = act_operation(p, part[V], part[V].size, NULL);
        y.grad = qkv.grad || how.grad;
        return join_heads(p, y);
    }
    double scale = how.scale > 0 ? how.scale : 1.0 / sqrt((double)n[3]);
    if (how.prepare) how.prepare(p, how.user, &part[Q].t, &part[K].t);
    shape whole = part[V].size, apart = {.ndim = 5, .dim = {n[0], 0, n[1], n[2], n[3]}};
    if (how.windows) {
        apart.dim[0] /= how.windows;
        apart.dim[1] = how.windows;
        for (int i = 0; i < PARTS; i++)
            part[i].t = t_reshape(p->scope, part[i].t, apart);
    }
    tensor *t = t_attention(p->scope, part[Q].t, part[K].t, part[V].t, how.bias, scale);
    if (how.windows) t = t_reshape(p->scope, t, whole);
    return join_heads(p, act_operation(p, part[V], whole, t));
}

/* nn.MultiheadAttention of X with itself. */
static act multihead_forward(layer *self, pass *p, act x) {
    act qkv = layer_through(self, p, x, "in_proj", NULL);
    if (pass_failed(p)) return qkv;
    act y = nn_attention(self, p, qkv, self->spec.family[0], (attention_params){0});
    return layer_through(self, p, y, "out_proj", NULL);
}

const layer_kind kind_multihead_attention = {"MultiheadAttention", multihead_forward, NULL};

layer *nn_multihead_attention(layer *parent, const char *name, int64_t features, int64_t heads) {
    layer *l = layer_add(parent, name, &kind_multihead_attention);
    l->spec.family[0] = heads;
    layer *in = layer_add(l, "in_proj", &kind_linear);
    in->spec.linear =
        (linear_spec){.in = features, .out = 3 * features, .bias = true, .init = INIT_XAVIER_UNIFORM};
    in->of_parent = true;
    layer_add_param(in, "in_proj_weight", SHAPE_2(3 * features, features), DTYPE_F32, false);
    layer_add_param(in, "in_proj_bias", SHAPE_1(3 * features), DTYPE_F32, false);
    nn_linear(l, "out_proj", (linear_spec){.in = features, .out = features, .bias = true});
    return l;
}
