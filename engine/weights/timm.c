/*
 * timm.c - the names that timm gives to what torchvision has as well: its vision transformers and ConvNeXts.
 *
 * They are the same computations over the same tensors, so a table of names is all it takes. A file that has
 * a key which only timm's layout has is translated as a whole; what the table does not know keeps its name,
 * and is then found not to fit like any other stranger.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/str.h"
#include "engine/weights/weights_file.h"

/*
 * In THEIRS '#' stands for a number and '*' for all that is left. In OURS '#' is the next of these numbers,
 * '@' twice it and '%' one more than that (torchvision counts a ConvNeXt's stages and what lies between them
 * alike).
 */
typedef struct translation {
    const char *theirs, *ours;
} translation;

#define VIT_LAYER "encoder.layers.encoder_layer_#."
static const translation vit[] = {
    {"cls_token", "class_token"},
    {"pos_embed", "encoder.pos_embedding"},
    {"patch_embed.proj.*", "conv_proj.*"},
    {"blocks.#.norm1.*", VIT_LAYER "ln_1.*"},
    {"blocks.#.attn.qkv.weight", VIT_LAYER "self_attention.in_proj_weight"},
    {"blocks.#.attn.qkv.bias", VIT_LAYER "self_attention.in_proj_bias"},
    {"blocks.#.attn.proj.*", VIT_LAYER "self_attention.out_proj.*"},
    {"blocks.#.norm2.*", VIT_LAYER "ln_2.*"},
    {"blocks.#.mlp.fc1.*", VIT_LAYER "mlp.0.*"},
    {"blocks.#.mlp.fc2.*", VIT_LAYER "mlp.3.*"},
    {"norm.*", "encoder.ln.*"},
    {"head.*", "heads.head.*"},
    {NULL, NULL},
};

static const translation convnext[] = {
    {"stem.0.*", "features.0.0.*"},
    {"stem.1.*", "features.0.1.*"},
    {"stages.#.downsample.0.*", "features.@.0.*"},
    {"stages.#.downsample.1.*", "features.@.1.*"},
    {"stages.#.blocks.#.conv_dw.*", "features.%.#.block.0.*"},
    {"stages.#.blocks.#.norm.*", "features.%.#.block.2.*"},
    {"stages.#.blocks.#.mlp.fc1.*", "features.%.#.block.3.*"},
    {"stages.#.blocks.#.mlp.fc2.*", "features.%.#.block.5.*"},
    {"stages.#.blocks.#.gamma", "features.%.#.layer_scale"},
    {"head.norm.*", "classifier.0.*"},
    {"head.fc.*", "classifier.2.*"},
    {NULL, NULL},
};

static const struct {
    const char *sign; /* a key that every such file has, and no other */
    const translation *names;
    const char *note;
} layouts[] = {
    {"blocks.0.attn.qkv.weight", vit,
     "timm's names of a ViT's layers are read as torchvision's; images are normalised as for torchvision's "
     "(some of "
     "timm's were trained with mean and deviation 0.5)"},
    {"stages.0.blocks.0.conv_dw.weight", convnext,
     "timm's names of a ConvNeXt's layers are read as torchvision's"},
};

enum { NUMBERS_MAX = 2 };

/* Does KEY look like THEIRS? What its numbers are, and where the rest begins ("" when there is no '*'). */
static bool match(const char *theirs, const char *key, long number[NUMBERS_MAX], const char **rest) {
    int count = 0;
    for (; *theirs && *theirs != '*'; theirs++) {
        if (*theirs == '#') {
            char *end;
            if (!isdigit((unsigned char)*key) || count == NUMBERS_MAX) return false;
            number[count++] = strtol(key, &end, 10);
            key = end;
        } else if (*theirs != *key++) {
            return false;
        }
    }
    *rest = key;
    return *theirs == '*' ? *key != '\0' : *key == '\0';
}

static char *fill(const char *ours, const long number[NUMBERS_MAX], const char *rest) {
    str name = {0};
    for (; *ours && *ours != '*'; ours++) {
        bool digits = *ours == '#' || *ours == '@' || *ours == '%';
        long scale = *ours == '#' ? 1 : 2;
        if (digits)
            str_appendf(&name, "%ld", scale * *number++ + (*ours == '%'));
        else
            str_append_n(&name, ours, 1);
    }
    str_append(&name, rest);
    return str_take(&name);
}

/* timm keeps the scale of each channel in one dimension, torchvision in three. */
static void widen_scale(weights_entry *e) {
    if (!text_glob("*.layer_scale", e->key) || e->size.ndim != 1) return;
    for (; e->size.ndim < 3; e->size.ndim++) {
        e->size.dim[e->size.ndim] = 1;
        e->stride[e->size.ndim] = 1;
    }
}

static void translate(weights_entry *e, const translation *names) {
    for (; names->theirs; names++) {
        long number[NUMBERS_MAX] = {0};
        const char *rest;
        if (!match(names->theirs, e->key, number, &rest)) continue;
        char *name = fill(names->ours, number, rest);
        free(e->key);
        e->key = name;
        widen_scale(e);
        return;
    }
}

const char *weights_translate_timm(weights_entry *entry, size_t count) {
    for (size_t l = 0; l < sizeof layouts / sizeof *layouts; l++) {
        bool found = false;
        for (size_t i = 0; i < count && !found; i++)
            found = strcmp(entry[i].key, layouts[l].sign) == 0;
        for (size_t i = 0; found && i < count; i++)
            translate(&entry[i], layouts[l].names);
        if (found) return layouts[l].note;
    }
    return NULL;
}
