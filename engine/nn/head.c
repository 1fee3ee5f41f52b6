/*
 * head.c - putting another classifier in the place of the pretrained one.
 *
 * The new head stands under the old one's name. What it is made of is numbered as a torch Sequential would
 * be, so that Python loads it after `m.fc = nn.Sequential(...)`. A linear head keeps the old head's very
 * keys; its dropout, which has none, is a layer before it. Replacing again replaces what was put there
 * before.
 */
#include <string.h>

#include "engine/nn/auxiliary.h"
#include "engine/nn/init.h"
#include "engine/nn/model.h"

static const char dropout_name[] = "dropout";

static thaw_status head_check(const model *m, const thaw_head *head, int classes) {
    if (classes < 1 || classes > MODEL_CLASSES_MAX)
        return thaw_error(THAW_ERR_USAGE, "a head for %d classes; between 1 and %d are possible", classes,
                          MODEL_CLASSES_MAX);
    if (head->hidden_count < 0 || head->hidden_count > THAW_HEAD_HIDDEN_MAX)
        return thaw_error(THAW_ERR_USAGE, "head.hidden: %d layers; at most %d are possible",
                          head->hidden_count, THAW_HEAD_HIDDEN_MAX);
    for (int i = 0; i < head->hidden_count; i++)
        if (head->hidden[i] < 1 || head->hidden[i] > MODEL_HIDDEN_MAX)
            return thaw_error(THAW_ERR_USAGE, "head.hidden: a layer of %d; between 1 and %d are possible",
                              head->hidden[i], MODEL_HIDDEN_MAX);
    if (!(head->dropout >= 0 && head->dropout < 1))
        return thaw_error(THAW_ERR_USAGE, "head.dropout: %g; at least 0 and less than 1 is expected",
                          head->dropout);
    if (head->auxiliary && !m->auxiliary_count) return auxiliary_none(m);
    if (head->pool != THAW_POOL_DEFAULT && !m->pool)
        return thaw_error(THAW_ERR_UNSUPPORTED,
                          "head.pool: %s does not pool before its head; leave it at default", m->arch->name);
    return thaw_ok();
}

/* ---- pooling ---- */

static const layer_kind *const pool_kinds[] = {
    [THAW_POOL_DEFAULT] = &kind_adaptive_avg_pool2d,
    [THAW_POOL_AVG] = &kind_adaptive_avg_pool2d,
    [THAW_POOL_MAX] = &kind_adaptive_max_pool2d,
    [THAW_POOL_AVG_MAX] = &kind_adaptive_avg_max_pool2d,
};

/* What the head is then given. */
static int64_t head_pool(model *m, thaw_pool pool) {
    if (!m->pool) return m->features;
    m->pool->kind = pool_kinds[pool];
    return pool == THAW_POOL_AVG_MAX ? 2 * m->features : m->features;
}

/* ---- the classifier ---- */

/* A family that classifies before it pools has 1x1 convolutions where others have linear layers. */
static layer *head_linear(const model *m, layer *parent, const char *name, int64_t in, int64_t out,
                          bool bias) {
    if (m->head_conv)
        return nn_conv2d_with(parent, name,
                              (conv_spec){.in = in, .out = out, .kernel = {1, 1}, .bias = bias});
    return nn_linear(parent, name, (linear_spec){.in = in, .out = out, .bias = bias});
}

/* Linear, [BatchNorm], ReLU, [Dropout], ..., Linear, numbered. */
static layer *head_mlp(const model *m, layer *parent, const char *name, const thaw_head *head, int64_t in,
                       int classes) {
    layer *mlp = nn_sequential(parent, name);
    layer *(*norm)(layer *, const char *, int64_t) = m->head_conv ? nn_batch_norm2d : nn_batch_norm1d;
    char number[NN_NAME_MAX];
    int next = 0;
    for (int i = 0; i < head->hidden_count; i++) {
        head_linear(m, mlp, nn_name(number, "%d", next++), in, head->hidden[i], true);
        if (head->batch_norm) norm(mlp, nn_name(number, "%d", next++), head->hidden[i]);
        nn_activation(mlp, nn_name(number, "%d", next++), UNARY_RELU);
        if (head->dropout > 0) nn_dropout(mlp, nn_name(number, "%d", next++), head->dropout);
        in = head->hidden[i];
    }
    head_linear(m, mlp, nn_name(number, "%d", next), in, classes, true);
    return mlp;
}

static size_t place_among(const layer *parent, const layer *child) {
    size_t at = 0;
    while (parent->child[at] != child)
        at++;
    return at;
}

static size_t stage_of(const model *m, const layer *l) {
    size_t at = 0;
    while (at < m->stage_count && m->stage[at] != l)
        at++;
    return at;
}

static void head_discard(model *m, layer *l) {
    model_release(m, l);
    layer_free(layer_remove(l));
}

static void dropout_remove(model *m) {
    layer *dropout = m->head_dropout;
    if (!dropout) return;
    size_t stage = stage_of(m, dropout);
    if (stage < m->stage_count) {
        m->stage_count--;
        memmove(m->stage + stage, m->stage + stage + 1, (m->stage_count - stage) * sizeof *m->stage);
    }
    head_discard(m, dropout);
    m->head_dropout = NULL;
}

static void dropout_insert(model *m, double probability) {
    layer *parent = m->head->parent;
    size_t stage = stage_of(m, m->head);
    m->head_dropout = layer_remove(nn_dropout(parent, dropout_name, probability));
    layer_insert(parent, place_among(parent, m->head), m->head_dropout);
    if (stage == m->stage_count)
        return; /* the head lies inside a stage, whose container now has the dropout */
    model_stage(m, m->stage[m->stage_count - 1]);
    memmove(m->stage + stage + 1, m->stage + stage, (m->stage_count - 1 - stage) * sizeof *m->stage);
    m->stage[stage] = m->head_dropout;
}

thaw_status model_replace_head(model *m, const thaw_head *head, int classes, uint64_t seed) {
    THAW_TRY(head_check(m, head, classes));
    dropout_remove(m);
    layer *old = m->head, *parent = old->parent;
    size_t at = place_among(parent, old), stage = stage_of(m, old);
    int64_t in = head_pool(m, head->pool);
    layer *fresh = head->hidden_count ? head_mlp(m, parent, old->name, head, in, classes)
                                      : head_linear(m, parent, old->name, in, classes, m->head_bias);
    layer_insert(parent, at, layer_remove(fresh));
    if (stage < m->stage_count) m->stage[stage] = fresh;
    head_discard(m, old);
    m->head = fresh;
    m->classes = classes;
    if (!head->hidden_count && head->dropout > 0) dropout_insert(m, head->dropout);
    auxiliary_use(m, head->auxiliary ? classes : 0);
    model_number(m);
    THAW_TRY(model_trace(m, (int)m->input.dim[2], (int)m->input.dim[3]));
    return m->torch ? init_materialise(m, m->root, seed) : thaw_ok();
}
