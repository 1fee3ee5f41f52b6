/*
 * auxiliary.h - classifiers that look at the middle of a model while it is trained: GoogLeNet's two,
 * Inception v3's one. Their losses, weighted, are added to the head's; in evaluation they do nothing.
 *
 * A family adds them with their pretrained size, and set aside (layer.aside): loaded and saved, but in no
 * pass and never trained. They are taken up by head.auxiliary (model_replace_head).
 */
#ifndef ENGINE_NN_AUXILIARY_H
#define ENGINE_NN_AUXILIARY_H

#include "engine/nn/model.h"

/* For families, while building: TOP, all of whose layers are there, looks at what the stage at path AFTER
   gives. */
void auxiliary_add(model *m, layer *top, const char *after, double weight);

/* Take them up for CLASSES, their last linear layers new; 0 sets them aside. model_number, a trace and
   tensors for what has none must follow. */
void auxiliary_use(model *m, int classes);
/* The error for asking for them where there are none. */
thaw_status auxiliary_none(const model *m) THAW_MUST_CHECK;

/* After the stages changed: which stage each looks at, and their layers' own stage. */
void auxiliary_number(model *m);

/* Is KEY a tensor of a last linear layer that was made new? */
bool auxiliary_replaced(const model *m, const char *key);

/* In a training pass or a trace, after stage STAGE gave *Y: those that look at it. What Y's next reader gets
   may not be overwritten, which is noted in *Y. */
void auxiliary_forward(model *m, pass *p, act *y, size_t stage);
/* CUT, or the deepest before it with no stage in front that one which learns looks at. */
size_t auxiliary_limit(const model *m, size_t cut);

/* Is there one that has work to do after STAGE in this pass? */
bool auxiliary_waits(const model *m, const pass *p, size_t stage);

#endif
