/*
 * support_model.c - see support_model.h.
 */
#include "tests/unit/support_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "tests/unit/support_torch.h"

static void must(thaw_status status) {
    if (thaw_failed(&status)) fail_msg("%s", status.message);
}

static const float half[PIXEL_CHANNELS] = {0.5f, 0.5f, 0.5f};

model *support_model(const thaw_head *head) {
    torch *t = support_torch();
    model *m;
    must(model_build("cifar_resnet20", SUPPORT_CLASSES, 0, 0, &m));
    if (head) must(model_replace_head(m, head, SUPPORT_CLASSES, 0));
    must(model_materialise(m, t, support_device(), false, 1));
    must(model_set_pixels(m, half, half)); /* -1..1 */
    return m;
}

static void mask_add_list(freeze_mask *mask, const char *names, thaw_freeze state) {
    char *text = xstrdup(names ? names : ""), *rest = text;
    for (char *name; (name = strsep(&rest, ","));)
        if (*name) freeze_mask_add(mask, name, state);
    free(text);
}

void support_mask(model *m, const char *frozen, const char *moving) {
    freeze_mask mask = {0};
    mask_add_list(&mask, frozen, THAW_FROZEN);
    mask_add_list(&mask, moving, THAW_STATS_MOVING);
    must(freeze_apply(m, &mask));
    freeze_mask_clear(&mask);
    must(freeze_commit(m));
}

tensor *support_forward(model *m, tscope *s, bool training, uint64_t dropout_step) {
    shape size = SHAPE_4(SUPPORT_BATCH, 3, SUPPORT_SIDE, SUPPORT_SIDE);
    pass p = {.scope = s, .training = training, .dropout_seed = 3, .dropout_step = dropout_step};
    act x = {.size = size, .t = support_noise(s, size, 7)};
    return model_forward(m, &p, x, 0, m->stage_count).t;
}

void support_backward(model *m) {
    static const int64_t label[SUPPORT_BATCH] = {0, 1, 2, 3};
    tscope s;
    tscope_begin(&s, m->torch);
    tensor *target = t_from_data(&s, SHAPE_1(SUPPORT_BATCH), DTYPE_I64, label, m->device);
    t_backward(&s, t_cross_entropy(&s, support_forward(m, &s, true, 0), target, 0));
    support_end(&s);
}

param *support_param(model *m, const char *layer_path, const char *param_name) {
    layer *l = model_find(m, layer_path);
    for (int i = 0; l && i < l->param_count; i++)
        if (strcmp(l->param[i].name, param_name) == 0) return &l->param[i];
    fail_msg("no %s.%s", layer_path, param_name);
    return NULL;
}

tensor *support_copy(model *m, const char *layer_path, const char *param_name) {
    tscope s;
    tscope_begin(&s, m->torch);
    tensor *copy = t_keep(&s, t_clone(&s, t_detach(&s, support_param(m, layer_path, param_name)->t)));
    support_end(&s);
    return copy;
}

bool support_same(model *m, const char *layer_path, const char *param_name, tensor *copy) {
    tscope s;
    tscope_begin(&s, m->torch);
    bool same = t_equal(&s, support_param(m, layer_path, param_name)->t, copy);
    support_end(&s);
    return same;
}

bool support_has_grad(model *m, const char *layer_path, const char *param_name) {
    tscope s;
    tscope_begin(&s, m->torch);
    bool has = t_grad(&s, support_param(m, layer_path, param_name)->t);
    support_end(&s);
    return has;
}

image_batch support_images(void) {
    enum { PIXELS = SUPPORT_BATCH * SUPPORT_SIDE * SUPPORT_SIDE * 3 };
    static uint8_t pixels[PIXELS];
    static const int64_t label[SUPPORT_BATCH] = {0, 1, 2, 3};
    rng r = rng_keyed(5, RNG_TEST, 0, 0);
    for (int i = 0; i < PIXELS; i++)
        pixels[i] = (uint8_t)rng_below(&r, PIXEL_VALUES);
    return (image_batch){.count = SUPPORT_BATCH,
                         .height = SUPPORT_SIDE,
                         .width = SUPPORT_SIDE,
                         .pixels = pixels,
                         .label = label};
}
