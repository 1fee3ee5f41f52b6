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

bool layout_channels_last(const layout_question *q) {
    if (q->bf16 || q->cuda || (q->avx512 && !q->old)) return true;
    if (!q->arch) return false;
    bool small = q->arch->input <= SMALL_IMAGE && q->side <= SMALL_IMAGE;
    return small || (!q->old && family_gains(q->arch->family));
}
