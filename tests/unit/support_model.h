/*
 * support_model.h - a small model with tensors, and passes over it, for tests.
 */
#ifndef TESTS_UNIT_SUPPORT_MODEL_H
#define TESTS_UNIT_SUPPORT_MODEL_H

#include "engine/nn/freeze.h"
#include "engine/train/learner.h"

/* A cifar_resnet20 with SUPPORT_CLASSES outputs and first weights from seed 1, on the CPU; skips without
 * libtorch. */
enum { SUPPORT_CLASSES = 5, SUPPORT_BATCH = 4, SUPPORT_SIDE = 32 };
model *support_model(const thaw_head *head);

/* Set the mask (names separated by ',', or NULL) and bring the tensors in line with it. */
void support_mask(model *m, const char *frozen, const char *moving);

/* The logits of a fixed random batch, which belong to S. */
tensor *support_forward(model *m, tscope *s, bool training, uint64_t dropout_step);

/* A fixed random batch for a learner, with labels; in storage of its own, the same at each call. */
image_batch support_images(void);

/* One training pass and its backward: gradients are left in the parameters. */
void support_backward(model *m);

/* A copy of a parameter or buffer, kept: tensor_free it. And whether it is still the same to the bit. */
tensor *support_copy(model *m, const char *layer_path, const char *param_name);
bool support_same(model *m, const char *layer_path, const char *param_name, tensor *copy);
bool support_has_grad(model *m, const char *layer_path, const char *param_name);
param *support_param(model *m, const char *layer_path, const char *param_name);

#endif
