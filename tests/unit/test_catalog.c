/*
 * test_catalog.c - torchvision's facts, ours, where files are looked for, and what "weights" resolves to.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "thaw/catalog.h"
#include "thaw/layers.h"

static thaw_catalog *c;

static int open_catalog(void **state) {
    (void)state;
    thaw_status status = thaw_catalog_open(&c);
    assert_string_equal(status.message, "");
    return 0;
}

static int close_catalog(void **state) {
    (void)state;
    thaw_catalog_free(c);
    return 0;
}

static const thaw_weights_info *find(const char *arch, const char *name) {
    const thaw_weights_info *info = NULL;
    thaw_status status = thaw_catalog_find(c, arch, name, &info);
    assert_string_equal(status.message, "");
    return info;
}

static void assert_says(thaw_status status, const char *word) {
    if (!thaw_failed(&status)) fail_msg("no error, expected: %s", word);
    if (!strstr(status.message, word)) fail_msg("\"%s\" is not in: %s", word, status.message);
}

static void write_file(const char *path) {
    char *folder = xstrndup(path, (size_t)(path_base(path) - path));
    thaw_status status = path_make_directory(folder);
    assert_string_equal(status.message, "");
    status = file_replace(path, "x", 1);
    assert_string_equal(status.message, "");
    free(folder);
}

static void it_has_torchvisions_rows_then_ours(void **state) {
    (void)state;
    int archs = 0, defaults = 0, torchvision = 0;
    for (int i = 0; i < thaw_catalog_count(c); i++) {
        const thaw_weights_info *info = thaw_catalog_at(c, i);
        assert_false(torchvision < i && !info->bundled); /* ours come last */
        torchvision += !info->bundled;
        defaults += !info->bundled && info->is_default;
        archs += !info->bundled && (i == 0 || strcmp(info->arch, thaw_catalog_at(c, i - 1)->arch) != 0);
        assert_true(info->arch && info->name && info->file && info->family && info->parameters > 0);
        for (int k = 0; k < 3; k++)
            assert_true(info->std[k] > 0 && info->std[k] < 1 && info->mean[k] > 0 && info->mean[k] < 1);
    }
    assert_int_equal(torchvision, 115);
    assert_int_equal(archs, 80);
    assert_int_equal(defaults, 80);
    assert_null(thaw_catalog_at(c, -1));
    assert_null(thaw_catalog_at(c, thaw_catalog_count(c)));
}

static void facts_are_read(void **state) {
    (void)state;
    const thaw_weights_info *info = find("resnet18", "IMAGENET1K_V1");
    assert_string_equal(info->file, "resnet18-f37072fd.pth");
    assert_string_equal(info->sha256_prefix, "f37072fd");
    assert_int_equal(info->parameters, 11689512);
    assert_true(info->resize == 256 && info->crop == 224 && info->min_size == 1 && info->classes == 1000);
    assert_true(fabs(info->acc1 - 69.758) < 1e-9 && fabs(info->gflops - 1.814) < 1e-9);
    assert_true(info->buildable && !info->bundled && info->is_default && !info->license);
    assert_string_equal(info->interpolation, "bilinear");
    info = find("vgg16", "IMAGENET1K_FEATURES"); /* torchvision writes its deviation as 1.0 / 255.0 */
    assert_true(fabsf(info->std[0] - 1.0f / 255) < 1e-9f && isnan(info->acc1));
    info = find("cifar_resnet20", NULL);
    assert_true(info->bundled && info->buildable && info->crop == 32 && info->resize == 0 &&
                info->classes == 10);
    assert_string_equal(info->dataset, "CIFAR-10");
}

static void names_are_found_as_people_write_them(void **state) {
    (void)state;
    assert_string_equal(find("resnet50", NULL)->name, "IMAGENET1K_V2");
    assert_string_equal(find("resnet50", "DEFAULT")->name, "IMAGENET1K_V2");
    assert_string_equal(find("resnet50", "imagenet1k_v1")->name, "IMAGENET1K_V1");
    assert_string_equal(find("resnet50", "ResNet50_Weights.IMAGENET1K_V1")->name, "IMAGENET1K_V1");
    const thaw_weights_info *info;
    assert_says(thaw_catalog_find(c, "resnet81", NULL, &info), "did you mean 'resnet18'");
    assert_says(thaw_catalog_find(c, "zzz", NULL, &info), "thaw models");
    assert_says(thaw_catalog_find(c, "resnet50", "IMAGENET21K", &info), "IMAGENET1K_V1, IMAGENET1K_V2");
    assert_says(thaw_catalog_find(c, "cifar_resnet56", NULL, &info),
                "no pretrained weights for cifar_resnet56");
}

static void a_row_prints_with_its_fields_and_whether_it_is_here(void **state) {
    (void)state;
    cJSON *row;
    char *text = thaw_catalog_json(c, 0);
    thaw_status status = json_parse(text, strlen(text), "row", &row);
    assert_string_equal(status.message, "");
    assert_string_equal(row->child->string, "arch");
    assert_string_equal(cJSON_GetObjectItem(row, "arch")->valuestring, "alexnet");
    assert_true(cJSON_GetObjectItem(row, "acc1")->valuedouble == 56.522);
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(row, "cached")));
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(row, "license")));
    cJSON_Delete(row);
    free(text);
}

static void assert_located(const char *arch, const char *name, const char *expected) {
    char *path = thaw_catalog_locate(find(arch, name));
    if (expected)
        assert_string_equal(path ? path : "(nowhere)", expected);
    else
        assert_null(path);
    free(path);
}

static void files_are_found_where_pytorch_and_hugging_face_keep_them(void **state) {
    (void)state;
    char *here = realpath(".", NULL), *home = xasprintf("%s/home", here);
    setenv("HOME", home, 1);
    unsetenv("TORCH_HOME");
    unsetenv("XDG_CACHE_HOME");
    unsetenv("HF_HOME");
    unsetenv("HF_HUB_CACHE");
    assert_located("resnet18", NULL, NULL);
    char *path = xasprintf(
        "%s/.cache/huggingface/hub/models--timm--resnet18.tv_in1k/snapshots/abc/model.safetensors", home);
    write_file(path);
    assert_located("resnet18", NULL, path);
    free(path);
    path = xasprintf("%s/.cache/torch/hub/checkpoints/resnet18-f37072fd.pth", home);
    char *destination = thaw_catalog_destination(find("resnet18", NULL));
    assert_string_equal(destination, path);
    free(destination);
    write_file(path);
    assert_located("resnet18", NULL, path);
    free(path);
    path = xasprintf("%s/.cache/torch/hub/checkpoints/efficientnet_b0_rwightman-3dd342df.pth", home);
    write_file(path); /* the name it had before */
    assert_located("efficientnet_b0", NULL, path);
    free(path);
    path = xasprintf("%s/elsewhere/hub/checkpoints/resnet34-b627a593.pth", here);
    write_file(path);
    assert_located("resnet34", NULL, NULL);
    char *torch_home = xasprintf("%s/elsewhere", here);
    setenv("TORCH_HOME", torch_home, 1);
    assert_located("resnet34", NULL, path);
    assert_located("resnet50", "IMAGENET1K_V2", NULL);
    free(torch_home);
    free(path);
    free(home);
    free(here);
}

static void the_newest_snapshot_of_a_repository_is_taken(void **state) {
    (void)state;
    char *here = realpath(".", NULL), *hub = xasprintf("%s/hub", here);
    char *repository = xasprintf("%s/models--timm--resnet50.tv2_in1k", hub);
    setenv("HF_HUB_CACHE", hub, 1);
    char *older = xasprintf("%s/snapshots/aaa/model.safetensors", repository);
    char *newer = xasprintf("%s/snapshots/bbb/pytorch_model.bin", repository);
    write_file(older);
    write_file(newer);
    assert_located("resnet50", "IMAGENET1K_V2", older);
    char *ref = xasprintf("%s/refs/main", repository);
    write_file(ref); /* says nothing sensible */
    assert_located("resnet50", "IMAGENET1K_V2", older);
    thaw_status status = file_replace(ref, "bbb\n", 4);
    assert_false(thaw_failed(&status));
    assert_located("resnet50", "IMAGENET1K_V2", newer);
    assert_located("resnet50", "IMAGENET1K_V1", NULL);
    unsetenv("HF_HUB_CACHE");
    assert_located("resnet50", "IMAGENET1K_V2", NULL);
    free(ref);
    free(newer);
    free(older);
    free(repository);
    free(hub);
    free(here);
}

static void folders_of_ones_own_come_first_and_every_place_is_told(void **state) {
    (void)state;
    char *here = realpath(".", NULL), *folders = xasprintf(":%s/none:%s/own:", here, here);
    char *own = xasprintf("%s/own/resnet50-0676ba61.pth", here);
    char *cached = xasprintf("%s/hub/checkpoints/resnet50-0676ba61.pth", here);
    setenv("TORCH_HOME", here, 1);
    write_file(own);
    write_file(cached);
    assert_located("resnet50", "IMAGENET1K_V1", cached);
    setenv("THAW_WEIGHTS", folders, 1);
    assert_located("resnet50", "IMAGENET1K_V1", own);
    size_t count;
    char **path = thaw_catalog_locate_all(find("resnet50", "IMAGENET1K_V1"), &count);
    assert_int_equal(count, 2);
    assert_string_equal(path[0], own);
    assert_string_equal(path[1], cached);
    thaw_names_free(path, count);
    assert_true(thaw_catalog_searches("own"));
    assert_false(thaw_catalog_searches("hub"));

    char *found = NULL;
    thaw_status status = thaw_weights_resolve(c, "resnet50", "resnet50-0676ba61.pth", &found, NULL);
    assert_string_equal(status.message, "");
    assert_string_equal(found, own);
    free(found);
    unsetenv("THAW_WEIGHTS");
    assert_int_equal(remove(own) | remove(cached), 0);
    free(own);
    free(cached);
    free(folders);
    free(here);
}

static void weights_resolve_to_a_file_or_to_what_to_do(void **state) {
    (void)state;
    char *path = NULL;
    const thaw_weights_info *info = NULL;
    char *torch_home = realpath(".", NULL);
    setenv("TORCH_HOME", torch_home, 1);
    thaw_status status = thaw_weights_resolve(c, "resnet50", "IMAGENET1K_V1", &path, &info);
    assert_int_equal(status.code, THAW_ERR_NOT_FOUND);
    assert_says(status, "thaw get resnet50:IMAGENET1K_V1");
    assert_null(path);
    assert_string_equal(info->name, "IMAGENET1K_V1"); /* for offering to get it */

    write_file("./hub/checkpoints/resnet50-0676ba61.pth");
    status = thaw_weights_resolve(c, "resnet50", "IMAGENET1K_V1", &path, NULL);
    assert_string_equal(status.message, "");
    assert_string_equal(path_base(path), "resnet50-0676ba61.pth");
    free(path);

    status = thaw_weights_resolve(c, "resnet50", "hub/checkpoints/resnet50-0676ba61.pth", &path, &info);
    assert_string_equal(status.message, "");
    assert_string_equal(info->name, "IMAGENET1K_V1"); /* by the file's name */
    free(path);

    write_file("./mine");
    status = thaw_weights_resolve(c, "resnet50", "mine", &path, &info);
    assert_string_equal(path, "mine");
    assert_string_equal(info->name, "IMAGENET1K_V2"); /* the default's transform */
    free(path);
    status = thaw_weights_resolve(c, "cifar_resnet44", "mine", &path, &info);
    assert_string_equal(status.message, "");
    assert_null(info);
    free(path);

    assert_says(thaw_weights_resolve(c, "resnet50", "absent.pth", &path, &info),
                "no weights file absent.pth");
    assert_says(thaw_weights_resolve(c, "resnet50", "./hub", &path, &info), "a folder");
    assert_says(thaw_weights_resolve(c, "resnet50", "hub", &path, &info), "no weights called 'hub'");
    assert_null(path);
    free(torch_home);
}

static void classes_have_names(void **state) {
    (void)state;
    assert_string_equal(thaw_catalog_class(c, "ImageNet-1K", 0), "tench");
    assert_string_equal(thaw_catalog_class(c, "ImageNet-1K", 999), "toilet tissue");
    assert_string_equal(thaw_catalog_class(c, "CIFAR-10", 9), "truck");
    assert_null(thaw_catalog_class(c, "ImageNet-1K", 1000));
    assert_null(thaw_catalog_class(c, "CIFAR-10", -1));
    assert_null(thaw_catalog_class(c, "MNIST", 0));
    assert_null(thaw_catalog_class(c, NULL, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_has_torchvisions_rows_then_ours),
        cmocka_unit_test(facts_are_read),
        cmocka_unit_test(names_are_found_as_people_write_them),
        cmocka_unit_test(a_row_prints_with_its_fields_and_whether_it_is_here),
        cmocka_unit_test(files_are_found_where_pytorch_and_hugging_face_keep_them),
        cmocka_unit_test(the_newest_snapshot_of_a_repository_is_taken),
        cmocka_unit_test(folders_of_ones_own_come_first_and_every_place_is_told),
        cmocka_unit_test(weights_resolve_to_a_file_or_to_what_to_do),
        cmocka_unit_test(classes_have_names),
    };
    return cmocka_run_group_tests(tests, open_catalog, close_catalog);
}
