/*
 * window.c - see window.h.
 */
#include "engine/models/window.h"

/* ---- biases by relative position ---- */

enum { TABLE, INDEX };

void window_index(int64_t side, float *values) {
    int64_t places = side * side;
    for (int64_t i = 0; i < places; i++) {
        for (int64_t j = 0; j < places; j++) {
            int64_t down = i / side - j / side + side - 1, across = i % side - j % side + side - 1;
            values[i * places + j] = (float)(down * (2 * side - 1) + across);
        }
    }
}

act window_bias_look_up(pass *p, act table, tensor *index, int64_t side) {
    static const int64_t order[] = {2, 0, 1};
    int64_t places = side * side, heads = table.size.dim[1];
    act chosen = {.size = SHAPE_2(places * places, heads), .grad = table.grad};
    if (pass_failed(p)) return chosen;
    if (!pass_tracing(p))
        chosen.t = t_index_select(p->scope, table.t, 0, t_reshape(p->scope, index, SHAPE_1(places * places)));
    act y = act_permute(p, act_reshape(p, chosen, SHAPE_3(places, places, heads)), order, 3);
    return act_reshape(p, y, SHAPE_4(1, heads, places, places));
}

static act bias_forward(layer *self, pass *p, act x) {
    (void)x;
    act table = {.size = self->param[TABLE].size, .t = self->param[TABLE].t};
    return window_bias_look_up(p, table, self->param[INDEX].t, self->spec.family[0]);
}

static void bias_init(layer *self, int index, float *values, size_t count, rng *r) {
    if (index == INDEX) {
        window_index(self->spec.family[0], values);
        return;
    }
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(0.02 * rng_normal(r));
}

static const layer_kind kind_bias = {"RelativePositionBias", bias_forward, bias_init};

layer *window_bias_table(layer *parent, int64_t side, int64_t heads, bool flat) {
    int64_t offsets = 2 * side - 1, places = side * side;
    layer *l = layer_add(parent, "relative_position_bias_table", &kind_bias);
    l->spec.family[0] = side;
    l->of_parent = true;
    layer_add_param(l, "relative_position_bias_table", SHAPE_2(offsets * offsets, heads), DTYPE_F32, false);
    layer_add_param(l, "relative_position_index", flat ? SHAPE_1(places * places) : SHAPE_2(places, places),
                    DTYPE_I64, true);
    return l;
}

/* ---- windows ---- */

act window_partition(pass *p, act x, int64_t side) {
    static const int64_t order[] = {0, 1, 3, 2, 4, 5};
    if (pass_failed(p)) return x;
    const int64_t *n = x.size.dim;
    int64_t down = n[1] / side, across = n[2] / side;
    shape split = {.ndim = 6, .dim = {n[0], down, side, across, side, n[3]}};
    act y = act_permute(p, act_reshape(p, x, split), order, 6);
    return act_reshape(p, y, SHAPE_3(n[0] * down * across, side * side, n[3]));
}

act window_join(pass *p, act x, int64_t side, shape whole) {
    static const int64_t order[] = {0, 1, 3, 2, 4, 5};
    if (pass_failed(p)) return x;
    const int64_t *n = whole.dim;
    shape split = {.ndim = 6, .dim = {n[0], n[1] / side, n[2] / side, side, side, n[3]}};
    return act_reshape(p, act_permute(p, act_reshape(p, x, split), order, 6), whole);
}

act window_roll(pass *p, act x, int64_t dim, int64_t shift) {
    if (!shift || pass_failed(p)) return x;
    act part[] = {act_slice(p, x, dim, shift, x.size.dim[dim], 1), act_slice(p, x, dim, 0, shift, 1)};
    return act_cat(p, part, 2, dim);
}
