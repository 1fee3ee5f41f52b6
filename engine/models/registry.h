/*
 * registry.h - every architecture thaw can build. A family is one file that defines a table of arch rows;
 * adding a family is that file and one line in registry.c.
 */
#ifndef ENGINE_MODELS_REGISTRY_H
#define ENGINE_MODELS_REGISTRY_H

#include "engine/nn/model.h"

typedef struct arch_family {
    const char *name;
    const arch *rows;
    size_t count;
} arch_family;

extern const arch_family family_alexnet, family_vgg, family_resnet, family_cifar_resnet, family_squeezenet,
    family_mobilenet_v2, family_mnasnet, family_shufflenet_v2, family_densenet, family_googlenet,
    family_inception, family_mobilenet_v3, family_efficientnet, family_regnet, family_convnext, family_vit,
    family_swin, family_maxvit;

const arch *arch_find(const char *name);                    /* NULL when unknown */
const arch *arch_at(size_t index);                          /* in registration order; NULL past the end */
thaw_status arch_unknown(const char *name) THAW_MUST_CHECK; /* the error with the nearest name */

#endif
