/*
 * layout.h - in which order activations and weights lie in memory: PyTorch's own (contiguous, NCHW) or
 * channels_last (NHWC).
 *
 * The order decides the last bits of every sum, so it is a rule and not a race at the start: the same recipe
 * on the same kind of processor gives the same run. What the rule says is written into the run's recipe, and
 * a run that goes on elsewhere keeps its layout.
 */
#ifndef ENGINE_TRAIN_LAYOUT_H
#define ENGINE_TRAIN_LAYOUT_H

#include "engine/nn/model.h"

typedef struct layout_question {
    const arch *arch; /* NULL: not known */
    int side;         /* of the images, pixels */
    bool bf16, cuda;
    bool avx512;   /* of the processor; counts for float32 on it */
    bool winograd; /* the plugin's own convolutions, which are in channels_last, are for this processor */
    bool old;      /* the run is from before recipes had a layout: as it was decided then */
} layout_question;

/* Which is faster for training; docs/decisions.md has what was measured. */
bool layout_channels_last(const layout_question *q);

#endif
