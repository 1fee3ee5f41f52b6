/*
 * vit.c - the Vision Transformer (Dosovitskiy et al. 2020, arXiv:2010.11929).
 *
 * A model is for one image size, that which it is built at, because each patch has its own position
 * embedding.
 */
#include "engine/models/registry.h"

static const double eps = 1e-6;

/* A row of table 1, and the side of a patch. */
typedef struct vit_row {
    int64_t patch;
    int layers;
    int64_t width, hidden, heads;
} vit_row;

/* ---- tokens ---- */

/* An image of features becomes a row of tokens, behind one that belongs to no place. */
static act class_token_forward(layer *self, pass *p, act x) {
    static const int64_t order[] = {0, 2, 1};
    int64_t count = x.size.dim[0], width = x.size.dim[1], places = x.size.dim[2] * x.size.dim[3];
    act tokens = act_permute(p, act_reshape(p, x, SHAPE_3(count, width, places)), order, 3);
    act token = {.size = SHAPE_3(count, 1, width)};
    if (!pass_tracing(p)) {
        tensor *nothing = t_full(p->scope, token.size, 0, DTYPE_F32, p->device);
        token.t = t_add(p->scope, nothing, self->param[0].t); /* one for each image */
    }
    return act_cat(p, (const act[]){token, tokens}, 2, 1);
}

static act positions_forward(layer *self, pass *p, act x) {
    const shape *own = &self->param[0].size;
    if (x.size.ndim != 3 || x.size.dim[1] != own->dim[1])
        return pass_fail(p, self,
                         "the model was built for %d patches and gets %d: build it for this image size",
                         (int)own->dim[1] - 1, (int)x.size.dim[1] - 1);
    return act_result(self, p, x, x.size, 0, pass_tracing(p) ? NULL : t_add(p->scope, x.t, self->param[0].t));
}

/* What is known of the whole image stands in the first token. */
static act first_token_forward(layer *self, pass *p, act x) {
    (void)self;
    act first = act_slice(p, x, 1, 0, 1, 1);
    return act_reshape(p, first, SHAPE_2(x.size.dim[0], x.size.dim[2]));
}

static const layer_kind kind_first_token = {"FirstToken", first_token_forward, NULL};

static void parameter_init(layer *self, int index, float *values, size_t count, rng *r) {
    kind_parameter.init(self, index, values, count, r);
}

static const layer_kind kind_class_token = {"ClassToken", class_token_forward, parameter_init};
static const layer_kind kind_positions = {"PositionEmbedding", positions_forward, parameter_init};

/* ---- encoder ---- */

static act encoder_block_forward(layer *self, pass *p, act x) {
    act y = layer_through(self, p, x, "ln_1", "self_attention", "dropout", NULL);
    x = act_add(p, y, x);
    y = layer_through(self, p, x, "ln_2", "mlp", NULL);
    return act_add(p, y, x);
}

static const layer_kind kind_encoder_block = {"EncoderBlock", encoder_block_forward, NULL};
static const layer_kind kind_mlp = {"MLPBlock", NULL, NULL};
static const layer_kind kind_encoder = {"Encoder", NULL, NULL};

static void encoder_block(layer *parent, const char *name, const vit_row *row) {
    layer *b = layer_add(parent, name, &kind_encoder_block);
    nn_layer_norm(b, "ln_1", row->width, eps);
    nn_multihead_attention(b, "self_attention", row->width, row->heads);
    nn_dropout(b, "dropout", 0);
    nn_layer_norm(b, "ln_2", row->width, eps);
    layer *mlp = layer_add(b, "mlp", &kind_mlp);
    linear_spec up = {.in = row->width, .out = row->hidden, .bias = true, .init = INIT_XAVIER_UNIFORM};
    linear_spec down = {.in = row->hidden, .out = row->width, .bias = true, .init = INIT_XAVIER_UNIFORM};
    nn_linear(mlp, "0", up);
    nn_activation(mlp, "1", UNARY_GELU);
    nn_dropout(mlp, "2", 0);
    nn_linear(mlp, "3", down);
    nn_dropout(mlp, "4", 0);
}

static void encoder(model *m, const vit_row *row, int64_t tokens) {
    char name[NN_NAME_MAX];
    layer *e = layer_add(m->root, "encoder", &kind_encoder);
    layer *positions = nn_parameter(e, "pos_embedding", SHAPE_3(1, tokens, row->width), 0, 0.02);
    positions->kind = &kind_positions;
    model_stage(m, positions);
    model_stage(m, nn_dropout(e, "dropout", 0));
    layer *layers = nn_sequential(e, "layers");
    for (int i = 0; i < row->layers; i++)
        encoder_block(layers, nn_name(name, "encoder_layer_%d", i), row);
    model_stage_each(m, layers);
    model_stage(m, nn_layer_norm(e, "ln", row->width, eps));
}

static thaw_status vit_build(model *m, const arch *self, int classes) {
    const vit_row *row = self->params;
    const int64_t height = m->input.dim[2], width = m->input.dim[3];
    if (height < row->patch || width < row->patch)
        return thaw_error(THAW_ERR_SHAPE,
                          "%s at %dx%d: the image is smaller than a patch of %dx%d; use larger images",
                          self->name, (int)height, (int)width, (int)row->patch, (int)row->patch);
    layer *root = m->root;
    layer *token = nn_parameter(root, "class_token", SHAPE_3(1, 1, row->width), 0, 0);
    token->kind = &kind_class_token;
    model_stage(m, nn_conv2d_with(root, "conv_proj",
                                  (conv_spec){.in = 3,
                                              .out = row->width,
                                              .kernel = {row->patch, row->patch},
                                              .stride = {row->patch, row->patch},
                                              .bias = true,
                                              .init = INIT_LECUN}));
    model_stage(m, token);
    encoder(m, row, height / row->patch * (width / row->patch) + 1);
    layer *first = layer_add(root, "token", &kind_first_token);
    first->functional = true;
    model_stage(m, first);
    layer *heads = nn_sequential(root, "heads");
    model_stage(m,
                nn_linear(heads, "head",
                          (linear_spec){.in = row->width, .out = classes, .bias = true, .init = INIT_ZERO}));
    return thaw_ok();
}

/* clang-format off */
#define ROW(title, ...) \
    {.name = title, .family = "vision_transformer", .head = "heads.head", .input = 224, .classes = 1000, \
     .build = vit_build, .params = &(const vit_row){__VA_ARGS__}}

static const arch rows[] = {
    /*              patch layers width hidden heads */
    ROW("vit_b_16", 16,   12,    768,  3072,  12),
    ROW("vit_b_32", 32,   12,    768,  3072,  12),
    ROW("vit_l_16", 16,   24,    1024, 4096,  16),
    ROW("vit_l_32", 32,   24,    1024, 4096,  16),
    ROW("vit_h_14", 14,   32,    1280, 5120,  16),
};
/* clang-format on */

const arch_family family_vit = {"vision_transformer", rows, sizeof rows / sizeof *rows};
