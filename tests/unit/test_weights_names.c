/*
 * test_weights_names.c - files whose keys are not torchvision's own: what is understood, and what is left
 * alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "tests/unit/support_state.h"

static void assert_note(const weights_file *f, const char *note) {
    assert_non_null(weights_file_note(f));
    assert_string_equal(weights_file_note(f), note);
}

static void assert_fits(const weights_file *f, const char *name, int classes, weights_head head) {
    model *m;
    thaw_status status = model_build(name, classes, 0, 0, &m);
    assert_string_equal(status.message, "");
    status = weights_compare(f, m, head, NULL);
    assert_string_equal(status.message, "");
    model_free(m);
}

/* ---- prefixes ---- */

static void a_prefix_that_all_keys_have_is_dropped(void **state) {
    static const char *const prefix[] = {"model.", "backbone.", "encoder.", "net.model.backbone."};
    (void)state;
    for (size_t i = 0; i < sizeof prefix / sizeof *prefix; i++) {
        state_dict d = state_dict_of("resnet18", 7);
        state_dict_rename(&d, "", prefix[i]);
        weights_file *f = state_dict_open(&d);
        char *note = xasprintf("keys are read without the \"%s\" in front", prefix[i]);
        assert_note(f, note);
        assert_string_equal(weights_guess_arch(f), "resnet18");
        assert_int_equal(weights_count(f), d.count);
        assert_fits(f, "resnet18", 7, WEIGHTS_HEAD_STRICT);
        free(note);
        weights_close(f);
        state_dict_clear(&d, d.count);
    }
}

static void wrappers_of_other_programs_are_dropped_with_it(void **state) {
    (void)state;
    state_dict d = state_dict_of("cifar_resnet20", 10);
    state_dict_rename(&d, "", "_orig_mod.module.backbone.");
    weights_file *f = state_dict_open(&d);
    assert_note(f, "keys are read without the \"backbone.\" in front");
    assert_fits(f, "cifar_resnet20", 10, WEIGHTS_HEAD_STRICT);
    weights_close(f);
    state_dict_clear(&d, d.count);
}

static void a_head_beside_the_backbone_is_kept_and_others_are_counted(void **state) {
    (void)state;
    state_dict d = state_dict_of("cifar_resnet20", 10);
    size_t keys = d.count;
    state_dict_rename(&d, "", "backbone.");
    state_dict_rename(&d, "backbone.fc.", "fc.");
    weights_item loss = {"criterion.weight", DTYPE_F32, SHAPE_1(10), d.zeros};
    weights_item *all = xcalloc(d.count + 1, sizeof *all);
    memcpy(all, d.item, d.count * sizeof *all);
    all[d.count] = loss;
    state_dict with_loss = {.item = all, .count = d.count + 1};
    weights_file *f = state_dict_open(&with_loss);
    assert_note(f, "keys are read without the \"backbone.\" in front, and 1 other is left out");
    assert_fits(f, "cifar_resnet20", 10, WEIGHTS_HEAD_STRICT);
    weights_close(f);
    free(all);
    state_dict_clear(&d, keys);
}

static void a_prefix_stays_when_nothing_known_comes_out(void **state) {
    (void)state;
    state_dict d = state_dict_of("cifar_resnet20", 10);
    size_t keys = d.count;
    state_dict_rename(&d, "", "model.");
    state_dict_drop(&d, "model.layer2.1.conv1.weight");
    weights_file *f = state_dict_open(&d);
    assert_null(weights_file_note(f));
    assert_non_null(weights_find(f, "model.conv1.weight"));
    weights_close(f);
    state_dict_clear(&d, keys);
}

/* In these one name begins nearly all keys, and it is the model's own. */
static void torchvisions_own_names_are_no_prefix(void **state) {
    static const struct {
        const char *arch, *head;
    } own[] = {{"squeezenet1_1", "classifier."},
               {"densenet121", "classifier."},
               {"mnasnet0_5", "classifier."},
               {"regnet_y_400mf", "fc."},
               {"vit_b_32", "heads."},
               {"maxvit_t", "classifier.5."},
               {"swin_t", "head."}};
    (void)state;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        state_dict d = state_dict_of(own[i].arch, 10);
        size_t keys = d.count;
        for (size_t k = d.count; k-- > 0;)
            if (!strncmp(d.item[k].key, own[i].head, strlen(own[i].head))) state_dict_drop(&d, d.item[k].key);
        weights_file *f = state_dict_open(&d);
        assert_null(weights_file_note(f));
        assert_string_equal(weights_guess_arch(f), own[i].arch);
        weights_close(f);
        state_dict_clear(&d, keys);
    }
}

/* ---- timm ---- */

typedef struct name_pair {
    const char *ours, *theirs;
} name_pair;

/* PART of each key by the other name, wherever it is in the key. */
static void rename_parts(state_dict *d, const name_pair *pair, size_t count) {
    for (size_t i = 0; i < d->count; i++)
        for (size_t k = 0; k < count; k++) {
            char *old = d->key[i], *at = strstr(old, pair[k].ours);
            if (!at) continue;
            d->item[i].key = d->key[i] =
                xasprintf("%.*s%s%s", (int)(at - old), old, pair[k].theirs, at + strlen(pair[k].ours));
            free(old);
        }
}

static void timms_vit_is_read_under_torchvisions_names(void **state) {
    static const name_pair names[] = {
        {"class_token", "cls_token"},
        {"encoder.pos_embedding", "pos_embed"},
        {"conv_proj", "patch_embed.proj"},
        {"encoder.layers.encoder_layer_", "blocks."},
        {"ln_1", "norm1"},
        {"self_attention.in_proj_", "attn.qkv."},
        {"ln_2", "norm2"},
        {"self_attention.out_proj", "attn.proj"},
        {"mlp.0", "mlp.fc1"},
        {"mlp.3", "mlp.fc2"},
        {"encoder.ln", "norm"},
        {"heads.head", "head"},
    };
    (void)state;
    state_dict d = state_dict_of("vit_b_32", 5);
    rename_parts(&d, names, sizeof names / sizeof *names);
    for (int prefixed = 0; prefixed < 2; prefixed++) {
        if (prefixed) state_dict_rename(&d, "", "model.");
        weights_file *f = state_dict_open(&d);
        assert_non_null(strstr(weights_file_note(f), "timm's names of a ViT's layers"));
        assert_true((strstr(weights_file_note(f), "\"model.\"") != NULL) == prefixed);
        assert_string_equal(weights_guess_arch(f), "vit_b_32");
        assert_fits(f, "vit_b_32", 5, WEIGHTS_HEAD_STRICT);
        weights_close(f);
    }
    state_dict_clear(&d, d.count);
}

/* features.0: the stem; 1, 3, 5, 7: the stages; 2, 4, 6: what is between them. */
static char *timms_convnext_name(const char *key) {
    static const name_pair of_block[] = {{"block.0.", "conv_dw."},
                                         {"block.2.", "norm."},
                                         {"block.3.", "mlp.fc1."},
                                         {"block.5.", "mlp.fc2."},
                                         {"layer_scale", "gamma"}};
    int part, block, at = 0;
    if (!strncmp(key, "classifier.0.", 13)) return xasprintf("head.norm.%s", key + 13);
    if (!strncmp(key, "classifier.2.", 13)) return xasprintf("head.fc.%s", key + 13);
    assert_int_equal(sscanf(key, "features.%d.%d.%n", &part, &block, &at), 2);
    if (part == 0) return xasprintf("stem.%d.%s", block, key + at);
    if (part % 2 == 0) return xasprintf("stages.%d.downsample.%d.%s", part / 2, block, key + at);
    for (size_t k = 0; k < sizeof of_block / sizeof *of_block; k++)
        if (!strncmp(key + at, of_block[k].ours, strlen(of_block[k].ours)))
            return xasprintf("stages.%d.blocks.%d.%s%s", part / 2, block, of_block[k].theirs,
                             key + at + strlen(of_block[k].ours));
    fail_msg("no name for %s", key);
    return NULL;
}

static void timms_convnext_is_read_under_torchvisions_names(void **state) {
    (void)state;
    state_dict d = state_dict_of("convnext_tiny", 5);
    for (size_t i = 0; i < d.count; i++) {
        char *theirs = timms_convnext_name(d.key[i]);
        free(d.key[i]);
        d.item[i].key = d.key[i] = theirs;
        if (strstr(theirs, "gamma")) d.item[i].size.ndim = 1; /* [C, 1, 1] with us */
    }
    weights_file *f = state_dict_open(&d);
    assert_note(f, "timm's names of a ConvNeXt's layers are read as torchvision's");
    assert_string_equal(weights_guess_arch(f), "convnext_tiny");
    assert_fits(f, "convnext_tiny", 5, WEIGHTS_HEAD_STRICT);
    weights_close(f);
    state_dict_clear(&d, d.count);
}

/* ---- a grid of another size ---- */

static void a_vit_for_other_images_is_known_all_the_same(void **state) {
    (void)state;
    state_dict d = state_dict_of("vit_b_32", 5);
    state_dict_find(&d, "encoder.pos_embedding")->size = SHAPE_3(1, 12 * 12 + 1, 768);
    weights_file *f = state_dict_open(&d);
    assert_string_equal(weights_guess_arch(f), "vit_b_32");
    weights_close(f);
    state_dict_clear(&d, d.count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prefix_that_all_keys_have_is_dropped),
        cmocka_unit_test(wrappers_of_other_programs_are_dropped_with_it),
        cmocka_unit_test(a_head_beside_the_backbone_is_kept_and_others_are_counted),
        cmocka_unit_test(a_prefix_stays_when_nothing_known_comes_out),
        cmocka_unit_test(torchvisions_own_names_are_no_prefix),
        cmocka_unit_test(timms_vit_is_read_under_torchvisions_names),
        cmocka_unit_test(timms_convnext_is_read_under_torchvisions_names),
        cmocka_unit_test(a_vit_for_other_images_is_known_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
