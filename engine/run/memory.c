/*
 * memory.c - what training by a recipe takes: its choices as the parameters of the formula in thaw/memory.h.
 */
#include "thaw/memory.h"

#include <string.h>

#include "engine/base/room.h"
#include "engine/base/thread.h"
#include "engine/nn/layers.h"
#include "engine/torch/cpu.h"
#include "engine/train/layout.h"

static int state_per_parameter(const thaw_recipe *r) {
    if (strcmp(r->optimizer.name, "sgd")) return 2; /* Adam's two moments */
    return r->optimizer.momentum > 0 ? 1 : 0;
}

bool thaw_memory_on_device(const thaw_recipe *r) {
    return !strncmp(r->device, "cuda", strlen("cuda"));
}

static bool in_bf16(const thaw_recipe *r) {
    if (strcmp(r->precision, "auto")) return !strcmp(r->precision, "bf16");
    cpu_facts cpu = cpu_detect();
    return thaw_memory_on_device(r) || cpu_fast_bf16(&cpu);
}

/* On a processor, as the run will choose it. */
static bool in_channels_last(const thaw_recipe *r, const model *m) {
    cpu_facts cpu = cpu_detect();
    const layout_question q = {
        .arch = m->arch, .side = (int)m->input.dim[2], .bf16 = in_bf16(r), .avx512 = cpu.avx512};
    if (thaw_memory_on_device(r)) return false;
    return strcmp(r->layout, "auto") ? !strcmp(r->layout, "channels_last") : layout_channels_last(&q);
}

/* Training's loader and validation's keep as many each as they have threads, and two more. */
static int batches_ahead(const thaw_recipe *r) {
    int workers = r->workers > 0 ? r->workers : cpu_count();
    return 2 * (workers + 2);
}

/* The mask, as far as ARCH has what it names. */
static void apply_mask(const thaw_recipe *r, thaw_layers *layers) {
    thaw_status status = thaw_layers_set_mask(layers, (const char *const *)r->freeze, r->freeze_count,
                                              (const char *const *)r->moving, r->moving_count);
    if (!thaw_failed(&status)) return;
    for (int i = 0; i < thaw_layers_count(layers); i = thaw_layers_at(layers, i)->end)
        thaw_layers_set(layers, i, THAW_TRAINABLE);
}

thaw_memory thaw_memory_of(const thaw_layers *layers, const thaw_recipe *r) {
    thaw_memory_params params = {.batch_size = r->batch_size,
                                 .state_per_parameter = state_per_parameter(r),
                                 .bf16 = in_bf16(r),
                                 .channels_last = in_channels_last(r, layers->m),
                                 .cuda = thaw_memory_on_device(r),
                                 .batches_ahead = batches_ahead(r)};
    return thaw_layers_memory(layers, &params);
}

thaw_status thaw_memory_estimate(const thaw_recipe *r, const char *name, int side, int classes,
                                 thaw_memory *out) {
    thaw_layers *layers;
    THAW_TRY(thaw_layers_new(name, &r->head, classes, r->data.crop ? r->data.crop : side, &layers));
    apply_mask(r, layers);
    *out = thaw_memory_of(layers, r);
    thaw_layers_free(layers);
    return thaw_ok();
}

int64_t thaw_memory_available(void) {
    return room_available("/proc", "/sys/fs/cgroup");
}
