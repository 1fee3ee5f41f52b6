/*
 * keep.h - when outputs of frozen layers are worth keeping, and of how many random crops of an image. The
 * recipe and the model alone decide, see trainer_cache.c.
 */
#ifndef ENGINE_TRAIN_KEEP_H
#define ENGINE_TRAIN_KEEP_H

#include "engine/nn/model.h"

/* Of the memory that is free when a run begins, at most: for decoded images, and for outputs of frozen
 * layers. */
extern const double keep_image_part, keep_output_part;

double keep_share(const model *m, size_t cut); /* of a forward pass, that lies before the cut; M is traced */
bool keep_pays(double share, bool random);     /* RANDOM: the crops are, so that only some are kept */
int keep_views(int asked, int epochs);         /* of an image, when they are; ASKED 0: chosen */

#endif
