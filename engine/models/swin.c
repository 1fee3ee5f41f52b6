/*
 * swin.c - Swin Transformer (Liu et al. 2021, arXiv:2103.14030) and its second version (Liu et al. 2021,
 * arXiv:2111.09883): attention by cosine, biases from a small network, norms behind instead of in front.
 */
#include <math.h>
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "engine/models/blocks.h"
#include "engine/models/registry.h"
#include "engine/models/window.h"
#include "engine/nn/host_tensor.h"

enum { GROUPS = 4, PATCH = 4, MLP_RATIO = 4, BIAS_HIDDEN = 512 };
static const double eps = 1e-5;

/* Section 3.3 (version 2: 3.4). */
typedef struct swin_row {
    int64_t width;
    int blocks[GROUPS];
    int64_t heads; /* of the first group; doubles with each, as the width */
    int64_t window;
    double stochastic_depth; /* of the last block */
    bool second;
} swin_row;

static void linear(layer *parent, const char *name, int64_t in, int64_t out, bool bias) {
    nn_linear(parent, name, (linear_spec){.in = in, .out = out, .bias = bias, .init = INIT_TRUNC_NORMAL_002});
}

/* ---- how an image is cut into windows ---- */

enum { ATTENTION_HEADS, ATTENTION_WINDOW, ATTENTION_SHIFTED, ATTENTION_SECOND }; /* in spec.family */

typedef struct cutting {
    int64_t side, shift[2], extent[2]; /* extents after padding to whole windows */
} cutting;

static cutting cut(const layer *self, const shape *size) {
    cutting c = {.side = self->spec.family[ATTENTION_WINDOW]};
    for (int i = 0; i < 2; i++) {
        c.extent[i] = (size->dim[1 + i] + c.side - 1) / c.side * c.side;
        bool several = c.extent[i] > c.side; /* a single window has nothing to be shifted against */
        c.shift[i] = self->spec.family[ATTENTION_SHIFTED] && several ? c.side / 2 : 0;
    }
    return c;
}

/* Along axis I, which of the regions that were apart before the shift a place belongs to. */
static int region(const cutting *c, int i, int64_t place) {
    if (!c->shift[i] || place < c->extent[i] - c->side) return 0;
    return place < c->extent[i] - c->shift[i] ? 1 : 2;
}

static int region_of(const cutting *c, int64_t window, int64_t place) {
    int64_t across = c->extent[1] / c->side;
    int64_t y = window / across * c->side + place / c->side, x = window % across * c->side + place % c->side;
    return 3 * region(c, 0, y) + region(c, 1, x);
}

/* Places that only the shift brought together do not see each other. */
static void keep_apart(const host_numbers *of, float *mask, size_t count) {
    const float apart = -100;
    const cutting *c = of->how;
    int64_t places = c->side * c->side, windows = (int64_t)count / (places * places);
    for (int64_t w = 0; w < windows; w++)
        for (int64_t i = 0; i < places; i++)
            for (int64_t j = 0; j < places; j++)
                *mask++ = region_of(c, w, i) == region_of(c, w, j) ? 0 : apart;
}

/* (1, windows, 1, S, S) */
static tensor *shift_mask(const layer *self, pass *p, const cutting *c) {
    int64_t windows = c->extent[0] / c->side * (c->extent[1] / c->side), places = c->side * c->side;
    shape size = {.ndim = 5, .dim = {1, windows, 1, places, places}};
    return pass_host_tensor(p, self, size, keep_apart, c, sizeof *c);
}

/* ---- version 2: cosine attention, continuous biases ---- */

enum { COORDINATES, INDEX };

/* Offsets in -1..1, times 8, on a logarithmic scale: equation 4 of version 2. */
static void coordinates_init(layer *self, int index, float *values, size_t count, rng *r) {
    (void)r;
    int64_t side = self->spec.family[0], offsets = 2 * side - 1;
    if (index == INDEX) {
        window_index(side, values);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        int64_t place = (int64_t)i / 2, offset = i % 2 ? place % offsets : place / offsets;
        double scaled = 8.0 * (double)(offset - side + 1) / (double)(side - 1);
        values[i] = (float)(copysign(log2(fabs(scaled) + 1), scaled) / 3);
    }
}

static act coordinates_forward(layer *self, pass *p, act x) {
    (void)p;
    (void)x;
    return (act){.size = self->param[COORDINATES].size, .t = self->param[COORDINATES].t, .from = self};
}

static const layer_kind kind_coordinates = {"RelativeCoordinates", coordinates_forward, coordinates_init};

static void coordinates(layer *parent, int64_t side) {
    int64_t offsets = 2 * side - 1, places = side * side;
    layer *l = layer_add(parent, "relative_coords_table", &kind_coordinates);
    l->spec.family[0] = side;
    l->of_parent = true;
    layer_add_param(l, "relative_coords_table", SHAPE_4(1, offsets, offsets, 2), DTYPE_F32, true);
    layer_add_param(l, "relative_position_index", SHAPE_1(places * places), DTYPE_I64, true);
}

static act continuous_bias(layer *self, pass *p) {
    int64_t side = self->spec.family[ATTENTION_WINDOW], heads = self->spec.family[ATTENTION_HEADS];
    layer *table = layer_child(self, "relative_coords_table");
    act y = layer_through(self, p, layer_forward(table, p, (act){0}), "cpb_mlp", NULL);
    y = act_reshape(p, y, SHAPE_2((2 * side - 1) * (2 * side - 1), heads));
    y = act_unary(p, UNARY_SIGMOID, window_bias_look_up(p, y, table->param[INDEX].t, side));
    if (!pass_tracing(p) && !pass_failed(p)) y.t = t_scale(p->scope, y.t, 16, 0);
    return y;
}

static tensor *unit_length(tscope *s, tensor *x, int64_t width) {
    static const int64_t last[] = {3};
    const double tiny = 1e-24; /* of a square */
    tensor *square = t_scale(s, t_mean(s, t_mul(s, x, x), last, 1, true), (double)width, tiny);
    return t_div(s, x, t_unary(s, UNARY_SQRT, square));
}

/* Q and K to cosines, Q times each head's factor, which stays below 100. */
static void to_cosines(pass *p, void *user, tensor **q, tensor **k) {
    tscope *s = p->scope;
    const double most = log(100.0);
    int64_t width = t_shape(s, *q).dim[3];
    tensor *below =
        t_unary(s, UNARY_RELU, t_scale(s, user, -1, most)); /* min(x, most) = most - relu(most - x) */
    tensor *factor = t_unary(s, UNARY_EXP, t_scale(s, below, -1, most));
    *q = t_mul(s, unit_length(s, *q, width), factor);
    *k = unit_length(s, *k, width);
}

/* Keys have no bias, though the file has one for them. */
static act qkv_forward(layer *self, pass *p, act x) {
    if (pass_tracing(p)) return kind_linear.forward(self, p, x);
    tscope *s = p->scope;
    tensor *bias = self->param[1].t;
    int64_t third = self->param[1].size.dim[0] / 3;
    tensor *part[] = {t_slice(s, bias, 0, 0, third, 1), t_full(s, SHAPE_1(third), 0, DTYPE_F32, p->device),
                      t_slice(s, bias, 0, 2 * third, 3 * third, 1)};
    shape out = x.size;
    out.dim[out.ndim - 1] = 3 * third;
    return act_result(self, p, x, out, 0, t_linear(s, x.t, self->param[0].t, t_cat(s, part, 3, 0)));
}

static void qkv_init(layer *self, int index, float *values, size_t count, rng *r) {
    kind_linear.init(self, index, values, count, r);
}

static const layer_kind kind_qkv = {"Linear", qkv_forward, qkv_init};

/* ---- attention ---- */

static act attention_forward(layer *self, pass *p, act x) {
    bool second = self->spec.family[ATTENTION_SECOND];
    cutting c = cut(self, &x.size);
    const int64_t pads[] = {0, 0, 0, c.extent[1] - x.size.dim[2], 0, c.extent[0] - x.size.dim[1]};
    act y = pads[3] || pads[5] ? act_pad(p, x, pads, 6) : x;
    shape whole = y.size;
    y = window_roll(p, window_roll(p, y, 1, c.shift[0]), 2, c.shift[1]);
    act qkv = layer_through(self, p, window_partition(p, y, c.side), "qkv", NULL);
    act bias = second ? continuous_bias(self, p) : layer_parameter(self, p, "relative_position_bias_table");
    attention_params how = {.bias = bias.t, .grad = bias.grad};
    if (second) {
        act scale = layer_parameter(self, p, "logit_scale");
        how.scale = 1;
        how.grad |= scale.grad;
        how.prepare = to_cosines;
        how.user = scale.t;
    }
    if (c.shift[0] || c.shift[1]) {
        how.windows = c.extent[0] / c.side * (c.extent[1] / c.side);
        if (!pass_tracing(p) && !pass_failed(p)) how.bias = t_add(p->scope, shift_mask(self, p, &c), bias.t);
    }
    y = nn_attention(self, p, qkv, self->spec.family[ATTENTION_HEADS], how);
    y = window_join(p, layer_through(self, p, y, "proj", NULL), c.side, whole);
    y = window_roll(p, y, 1, c.shift[0] ? c.extent[0] - c.shift[0] : 0);
    y = window_roll(p, y, 2, c.shift[1] ? c.extent[1] - c.shift[1] : 0);
    if (pads[5]) y = act_slice(p, y, 1, 0, x.size.dim[1], 1);
    if (pads[3]) y = act_slice(p, y, 2, 0, x.size.dim[2], 1);
    return y;
}

static const layer_kind kind_attention = {"ShiftedWindowAttention", attention_forward, NULL};
static const layer_kind kind_attention_2 = {"ShiftedWindowAttentionV2", attention_forward, NULL};

static void attention(layer *parent, int64_t width, int64_t heads, const swin_row *row, bool shifted) {
    layer *l = layer_add(parent, "attn", row->second ? &kind_attention_2 : &kind_attention);
    l->spec.family[ATTENTION_HEADS] = heads;
    l->spec.family[ATTENTION_WINDOW] = row->window;
    l->spec.family[ATTENTION_SHIFTED] = shifted;
    l->spec.family[ATTENTION_SECOND] = row->second;
    if (row->second) {
        nn_parameter(l, "logit_scale", SHAPE_3(heads, 1, 1), log(10.0), 0);
        coordinates(l, row->window);
    } else {
        window_bias_table(l, row->window, heads, true);
    }
    linear(l, "qkv", width, 3 * width, true);
    linear(l, "proj", width, width, true);
    if (!row->second) return;
    layer_child(l, "qkv")->kind = &kind_qkv;
    layer *net = nn_sequential(l, "cpb_mlp");
    linear(net, "0", 2, BIAS_HIDDEN, true);
    nn_activation(net, "1", UNARY_RELU);
    linear(net, "2", BIAS_HIDDEN, heads, false);
}

/* ---- blocks ---- */

static act block_forward(layer *self, pass *p, act x) {
    act y = layer_through(self, p, x, "norm1", "attn", "stochastic_depth", NULL);
    x = act_add(p, y, x);
    y = layer_through(self, p, x, "norm2", "mlp", "stochastic_depth_mlp", NULL);
    return act_add(p, y, x);
}

static act block_2_forward(layer *self, pass *p, act x) {
    act y = layer_through(self, p, x, "attn", "norm1", "stochastic_depth", NULL);
    x = act_add(p, y, x);
    y = layer_through(self, p, x, "mlp", "norm2", "stochastic_depth_mlp", NULL);
    return act_add(p, y, x);
}

static const layer_kind kind_block = {"SwinTransformerBlock", block_forward, NULL};
static const layer_kind kind_block_2 = {"SwinTransformerBlockV2", block_2_forward, NULL};
static const layer_kind kind_mlp = {"MLP", NULL, NULL};

static void block(layer *parent, int number, int64_t width, int64_t heads, const swin_row *row, double drop) {
    char name[NN_NAME_MAX];
    layer *b = layer_add(parent, nn_name(name, "%d", number), row->second ? &kind_block_2 : &kind_block);
    nn_layer_norm(b, "norm1", width, eps);
    attention(b, width, heads, row, number % 2);
    nn_stochastic_depth(b, "stochastic_depth", drop);
    nn_layer_norm(b, "norm2", width, eps);
    layer *mlp = layer_add(b, "mlp", &kind_mlp);
    linear(mlp, "0", width, MLP_RATIO * width, true);
    nn_activation(mlp, "1", UNARY_GELU);
    nn_dropout(mlp, "2", 0);
    linear(mlp, "3", MLP_RATIO * width, width, true);
    nn_dropout(mlp, "4", 0);
    nn_stochastic_depth(b, "stochastic_depth_mlp", drop)->functional = true; /* the same one's second draw */
}

/* Four neighbours become one place of twice the width. */
static act neighbours(pass *p, act x) {
    const int64_t pads[] = {0, 0, 0, x.size.dim[2] % 2, 0, x.size.dim[1] % 2};
    if (pads[3] || pads[5]) x = act_pad(p, x, pads, 6);
    int64_t height = x.size.dim[1], width = x.size.dim[2];
    act part[4];
    for (int i = 0; i < 4; i++)
        part[i] = act_slice(p, act_slice(p, x, 1, i % 2, height, 2), 2, i / 2, width, 2);
    return act_cat(p, part, 4, 3);
}

static act merging_forward(layer *self, pass *p, act x) {
    return layer_through(self, p, neighbours(p, x), "norm", "reduction", NULL);
}

static act merging_2_forward(layer *self, pass *p, act x) {
    return layer_through(self, p, neighbours(p, x), "reduction", "norm", NULL);
}

static const layer_kind kind_merging = {"PatchMerging", merging_forward, NULL};
static const layer_kind kind_merging_2 = {"PatchMergingV2", merging_2_forward, NULL};

static layer *merging(layer *parent, const char *name, int64_t width, bool second) {
    layer *l = layer_add(parent, name, second ? &kind_merging_2 : &kind_merging);
    linear(l, "reduction", 4 * width, 2 * width, false);
    nn_layer_norm(l, "norm", second ? 2 * width : 4 * width, eps);
    return l;
}

/* ---- the network ---- */

static layer *stem(layer *parent, int64_t width) {
    layer *l = nn_sequential(parent, "0");
    nn_conv2d_with(
        l, "0",
        (conv_spec){.in = 3, .out = width, .kernel = {PATCH, PATCH}, .stride = {PATCH, PATCH}, .bias = true});
    nn_channels_last(l, "1");
    nn_layer_norm(l, "2", width, eps);
    return l;
}

static int64_t features(model *m, layer *body, const swin_row *row) {
    char name[NN_NAME_MAX];
    int total = 0, done = 0, next = 1;
    int64_t width = row->width, heads = row->heads;
    for (int g = 0; g < GROUPS; g++)
        total += row->blocks[g];
    model_stage(m, stem(body, width));
    for (int g = 0; g < GROUPS; g++) {
        layer *group = nn_sequential(body, nn_name(name, "%d", next++));
        for (int i = 0; i < row->blocks[g]; i++)
            block(group, i, width, heads, row, row->stochastic_depth * done++ / (total - 1));
        model_stage_each(m, group);
        if (g == GROUPS - 1) break;
        model_stage(m, merging(body, nn_name(name, "%d", next++), width, row->second));
        width *= 2;
        heads *= 2;
    }
    return width;
}

static thaw_status swin_build(model *m, const arch *self, int classes) {
    const swin_row *row = self->params;
    layer *root = m->root;
    int64_t width = features(m, nn_sequential(root, "features"), row);
    model_stage(m, nn_layer_norm(root, "norm", width, eps));
    model_stage(m, nn_channels_first(root, "permute"));
    block_pool_flatten(m, false);
    linear(root, "head", width, classes, true);
    model_stage(m, layer_child(root, "head"));
    return thaw_ok();
}

/* clang-format off */
#define ROW(title, side, ...) \
    {.name = title, .family = "swin_transformer", .head = "head", .input = side, .classes = 1000, \
     .build = swin_build, .params = &(const swin_row){__VA_ARGS__}}

static const arch rows[] = {
    /*               input width blocks        heads window drop second */
    ROW("swin_t",    224,  96,   {2, 2, 6, 2},  3,   7,     0.2, false),
    ROW("swin_s",    224,  96,   {2, 2, 18, 2}, 3,   7,     0.3, false),
    ROW("swin_b",    224,  128,  {2, 2, 18, 2}, 4,   7,     0.5, false),
    ROW("swin_v2_t", 256,  96,   {2, 2, 6, 2},  3,   8,     0.2, true),
    ROW("swin_v2_s", 256,  96,   {2, 2, 18, 2}, 3,   8,     0.3, true),
    ROW("swin_v2_b", 256,  128,  {2, 2, 18, 2}, 4,   8,     0.5, true),
};
/* clang-format on */

const arch_family family_swin = {"swin_transformer", rows, sizeof rows / sizeof *rows};
