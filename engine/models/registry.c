/*
 * registry.c - see registry.h. One line a family.
 */
#include "engine/models/registry.h"

#include <string.h>

#include "engine/base/str.h"

/* clang-format off */
static const arch_family *const families[] = {
    &family_alexnet,
    &family_vgg,
    &family_resnet,
    &family_squeezenet,
    &family_densenet,
    &family_googlenet,
    &family_inception,
    &family_mobilenet_v2,
    &family_mobilenet_v3,
    &family_mnasnet,
    &family_shufflenet_v2,
    &family_efficientnet,
    &family_regnet,
    &family_convnext,
    &family_vit,
    &family_swin,
    &family_maxvit,
    &family_cifar_resnet,
};
/* clang-format on */
enum { FAMILY_COUNT = sizeof families / sizeof *families, ARCH_NAMES_MAX = 256 };

const arch *arch_at(size_t index) {
    for (size_t f = 0; f < FAMILY_COUNT; f++) {
        if (index < families[f]->count) return &families[f]->rows[index];
        index -= families[f]->count;
    }
    return NULL;
}

const arch *arch_find(const char *name) {
    const arch *a;
    for (size_t i = 0; name && (a = arch_at(i)); i++)
        if (strcmp(a->name, name) == 0) return a;
    return NULL;
}

thaw_status arch_unknown(const char *name) {
    const char *names[ARCH_NAMES_MAX];
    size_t count = 0;
    for (const arch *a; count < ARCH_NAMES_MAX && (a = arch_at(count)); count++)
        names[count] = a->name;
    const char *nearest = name ? text_nearest(name, names, count) : NULL;
    if (nearest)
        return thaw_error(THAW_ERR_NOT_FOUND, "no model is called '%s'; did you mean '%s'?", name, nearest);
    return thaw_error(THAW_ERR_NOT_FOUND, "no model is called '%s'; 'thaw models' lists them",
                      name ? name : "");
}
