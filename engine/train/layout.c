/*
 * layout.c - see layout.h.
 */
#include "engine/train/layout.h"

#include <string.h>

enum { SMALL_IMAGE = 64 /* pixels a side */ };

/* Families of many thin or grouped convolutions, which gain where the processor has no AVX-512 as well. */
static const char *const gaining[] = {"efficientnet", "googlenet",    "mnasnet",
                                      "mobilenet_v2", "mobilenet_v3", "regnet"};

static bool family_gains(const char *family) {
    for (size_t i = 0; i < sizeof gaining / sizeof *gaining; i++)
        if (strcmp(gaining[i], family) == 0) return true;
    return false;
}

/* The plugin's own convolutions save more than the layout costs. */
static bool filtering_gains(const layout_question *q) {
    model *m = NULL;
    thaw_status status = model_build(q->arch->name, 0, q->side, q->side, &m);
    bool gains =
        !thaw_failed(&status) && m->filtered; /* a size that it cannot have is said when it is trained */
    model_free(m);
    return gains;
}

bool layout_channels_last(const layout_question *q) {
    if (q->bf16 || q->cuda || (q->avx512 && !q->old)) return true;
    if (!q->arch) return false;
    if (q->winograd && !q->old && filtering_gains(q)) return true;
    bool small = q->arch->input <= SMALL_IMAGE && q->side <= SMALL_IMAGE;
    return small || (!q->old && family_gains(q->arch->family));
}
