/*
 * model.c - making a model: the family's layers, the chain of stages, the trace over them.
 *
 * A model is complete before it has a single tensor. Everything that people are shown (names, shapes, costs)
 * comes from the trace here; tensors and passes over them are forward_model.c's.
 */
#include "engine/nn/model.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/models/registry.h"
#include "engine/nn/auxiliary.h"
#include "engine/nn/fold.h"
#include "engine/nn/fuse.h"

static const layer_kind kind_model = {"Model", NULL, NULL};

void model_stage(model *m, layer *l) {
    m->stage = vec_reserve(m->stage, &m->stage_capacity, m->stage_count + 1, sizeof *m->stage);
    m->stage[m->stage_count++] = l;
}

void model_stage_each(model *m, layer *container) {
    for (size_t i = 0; i < container->child_count; i++)
        model_stage(m, container->child[i]);
}

/* ---- numbering ---- */

static void number_visit(void *user, layer *l) {
    model *m = user;
    l->index = (int)m->order_count;
    l->stage = -1;
    l->head = layer_inside(l, m->head) || l == m->head_dropout;
    m->order[m->order_count++] = l;
}

static void count_visit(void *user, layer *l) {
    (void)l;
    ++*(size_t *)user;
}

static void stage_visit(void *user, layer *l) {
    l->stage = *(int *)user;
}

void model_number(model *m) {
    size_t count = 0;
    layer_each(m->root, count_visit, &count);
    m->order = xreallocarray(m->order, count, sizeof *m->order);
    m->order_count = 0;
    layer_each(m->root, number_visit, m);
    for (size_t i = 0; i < m->stage_count; i++) {
        int stage = (int)i;
        layer_each(m->stage[i], stage_visit, &stage);
    }
    auxiliary_number(m);
}

/* ---- building ---- */

static thaw_status model_construct(model *m, int classes, int height, int width) {
    m->input = SHAPE_4(1, 3, height ? height : m->arch->input, width ? width : m->arch->input);
    THAW_TRY(m->arch->build(m, m->arch, classes));
    m->head = model_find(m, m->arch->head);
    if (!m->head || !m->stage_count)
        return thaw_error(THAW_ERR_UNSUPPORTED, "%s: its family builds no '%s' (a mistake in thaw)",
                          m->arch->name, m->arch->head);
    m->head_conv = m->head->kind == &kind_conv2d;
    m->head_bias = m->head->param_count > 1;
    m->features = m->head_conv ? m->head->spec.conv.in : m->head->spec.linear.in;
    m->classes = classes;
    model_number(m);
    return model_trace(m, height, width);
}

thaw_status model_build(const char *arch_name, int classes, int height, int width, model **out) {
    *out = NULL;
    const arch *a = arch_find(arch_name);
    if (!a) return arch_unknown(arch_name);
    if (classes < 0 || classes > MODEL_CLASSES_MAX)
        return thaw_error(THAW_ERR_USAGE, "%s: %d classes; between 1 and %d are possible (0: the usual %d)",
                          a->name, classes, MODEL_CLASSES_MAX, a->classes);
    model *m = xcalloc(1, sizeof *m);
    m->arch = a;
    m->root = layer_root(&kind_model);
    thaw_status status = model_construct(m, classes ? classes : a->classes, height, width);
    if (thaw_failed(&status)) {
        model_free(m);
        return status;
    }
    *out = m;
    return status;
}

void model_free(model *m) {
    if (!m) return;
    model_release(m, m->root);
    pixel_scale_free(&m->pixels, m->torch);
    layer_free(m->root);
    free(m->stage);
    free(m->order);
    free(m->note);
    free(m);
}

/* ---- tracing ---- */

static void trace_clear(void *user, layer *l) {
    (void)user;
    l->output = SHAPE_0();
    l->macs = l->activation_bytes = 0;
    l->executed = -1;
    l->readers = 0;
    l->input_grad = l->output_grad = false;
    l->fold = NULL;
    l->fuse = (fusing){0};
}

/* A container that was never walked itself, because its children are stages, ends where its last child ends.
 */
static void trace_containers(model *m) {
    for (size_t i = m->order_count; i-- > 0;) {
        layer *l = m->order[i];
        for (size_t c = l->child_count; c-- > 0 && !l->output.ndim;)
            l->output = l->child[c]->output;
    }
}

/* Everything the layers know about the input size, or the first layer that does not fit. */
/* Of convolutions in FORMAT_BLOCKED, so many must stand against a conversion. Measured: 20 against 2
 * (ResNet-18) gain, 52 against 71 (MobileNet v2) take more than twice as long. */
enum { CONVERSION_COST = 4 };
/* Of all multiplications, one in so many has to be saved by the filtering, for that to be more than
 * FORMAT_BLOCKED saves (docs/perf.md). */
enum { WORTH_FILTERING = 7 };

static thaw_status trace_walk(model *m) {
    layer_each(m->root, trace_clear, NULL);
    pass p = {.stage_end = (int)m->stage_count};
    act x = {.size = m->input};
    for (size_t i = 0; i < m->stage_count; i++) {
        x = layer_forward(m->stage[i], &p, x);
        auxiliary_forward(m, &p, &x, i);
    }
    trace_containers(m);
    fold_settle(m);
    fuse_settle(m);
    m->blocked = p.conversions * CONVERSION_COST <= p.convolutions;
    m->filtered = p.saved * WORTH_FILTERING >= p.macs;
    shape expected = SHAPE_2(1, m->classes);
    if (!pass_failed(&p) && !shape_equal(&x.size, &expected))
        pass_fail(&p, m->head, "does not give %d classes (a mistake in thaw)", m->classes);
    return thaw_status_prefix(p.status, "%s at %dx%d", m->arch->name, (int)m->input.dim[2],
                              (int)m->input.dim[3]);
}

thaw_status model_trace(model *m, int height, int width) {
    height = height ? height : m->arch->input;
    width = width ? width : m->arch->input;
    if (height < 1 || width < 1 || height > MODEL_INPUT_MAX || width > MODEL_INPUT_MAX)
        return thaw_error(THAW_ERR_USAGE, "%s: an input of %dx%d pixels; 1 to %d a side are possible",
                          m->arch->name, height, width, MODEL_INPUT_MAX);
    shape before = m->input;
    m->input = SHAPE_4(1, 3, height, width);
    thaw_status status = trace_walk(m);
    if (thaw_failed(&status) && before.ndim) { /* stay as it was */
        m->input = before;
        thaw_status again = trace_walk(m);
        (void)again;
    }
    return status;
}
