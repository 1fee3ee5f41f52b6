/*
 * test_model_query.c - which models meet a filter, in what order they come, and how a mistake is named.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tui/model_query.h"

static const thaw_weights_info swift = {.arch = "swift50",
                                        .name = "IMAGENET1K_V1",
                                        .family = "resnet",
                                        .dataset = "ImageNet-1K",
                                        .is_default = true,
                                        .parameters = 25557032,
                                        .gflops = 4.1,
                                        .file_size_mb = 97.8,
                                        .acc1 = 80.9,
                                        .acc5 = 95.4,
                                        .crop = 224},
                               small = {.arch = "small18",
                                        .name = "CIFAR10_V1",
                                        .family = "tiny",
                                        .dataset = "CIFAR-10",
                                        .bundled = true,
                                        .parameters = 272474,
                                        .gflops = 0.04,
                                        .file_size_mb = 1.1,
                                        .acc1 = 86,
                                        .acc5 = 99,
                                        .crop = 32},
                               plain = {.arch = "swift101",
                                        .name = "IMAGENET1K_V2",
                                        .family = "resnet",
                                        .dataset = "ImageNet-1K",
                                        .parameters = 44549160,
                                        .gflops = 7.8,
                                        .file_size_mb = NAN,
                                        .acc1 = 77.4,
                                        .acc5 = 93.5,
                                        .crop = 224};

static const double mega = 1024 * 1024;

/* Does M meet TEXT, all of which makes sense? */
static bool meets(const char *text, model_facts m) {
    model_filter *f;
    thaw_status status = model_filter_parse(text, &f);
    if (thaw_failed(&status)) fail_msg("%s: %s", text, status.message);
    bool wanted = model_filter_wants(f, &m);
    model_filter_free(f);
    return wanted;
}

static bool swift_meets(const char *text) {
    return meets(text, (model_facts){.info = &swift, .here = true, .memory = 900 * mega, .fit = MODEL_FITS});
}

static bool small_meets(const char *text) {
    return meets(text, (model_facts){.info = &small, .memory = NAN});
}

static void words_are_looked_for_in_every_name(void **state) {
    (void)state;
    assert_true(swift_meets(""));
    assert_true(swift_meets("  "));
    assert_true(swift_meets("wift"));
    assert_true(swift_meets("SWIFT"));
    assert_true(swift_meets("resnet"));
    assert_true(swift_meets("imagenet"));
    assert_true(swift_meets("swift[0-9]*"));
    assert_false(swift_meets("swift[a-z]*"));
    assert_false(swift_meets("cifar"));
    assert_true(small_meets("cifar"));
}

static void every_term_must_be_met(void **state) {
    (void)state;
    assert_true(swift_meets("acc>75 params<30M gflops<5 size<100M family:resnet cached"));
    assert_false(swift_meets("acc>75 params<20M gflops<5 size<100M family:resnet cached"));
    assert_false(swift_meets("swift small"));
}

static void figures_are_compared_in_their_units(void **state) {
    (void)state;
    assert_true(swift_meets("params>25M params<=25557032 params>25500k params<0.03G params<1b"));
    assert_false(swift_meets("params<25557032"));
    assert_true(swift_meets("params>=25557032"));
    assert_true(swift_meets("gflops>4 gflops<4200M gmacs<4.2G"));
    assert_true(swift_meets("size>97 size<98 size<98M size<98mb size>90000k size<0.1G"));
    assert_false(swift_meets("size<97"));
    assert_true(swift_meets("memory<1G mem>899 memory<901MiB"));
    assert_true(swift_meets("input=224 input<=224px top-1>80 acc1>80% acc5>95"));
    assert_true(swift_meets("acc=81"));
    assert_false(swift_meets("acc=82.5"));
    assert_false(swift_meets("acc!=80.9"));
    assert_true(swift_meets("acc!=85"));
}

static void what_is_not_known_meets_no_comparison(void **state) {
    (void)state;
    assert_false(small_meets("memory<100G"));
    assert_false(small_meets("memory>0"));
    assert_false(small_meets("acc>50")); /* of another set than ImageNet */
    assert_false(small_meets("acc<90"));
    assert_true(small_meets("!acc>50"));
    assert_false(small_meets("fits"));
    assert_false(small_meets("toobig"));
}

static void texts_are_looked_into_or_compared_whole(void **state) {
    (void)state;
    assert_true(swift_meets("family:res name:wift weights:v1 dataset:imagenet"));
    assert_false(swift_meets("family=res"));
    assert_true(swift_meets("family=resnet family!=res name=swift*"));
    assert_false(swift_meets("name:resnet"));
}

static void properties_and_their_opposites(void **state) {
    (void)state;
    assert_true(swift_meets("cached here default fits !bundled !tight !toobig !small"));
    assert_false(swift_meets("!cached"));
    assert_true(small_meets("bundled !cached !default"));
    assert_false(swift_meets("!swift"));
    assert_true(swift_meets("!family:vgg !acc>81"));
}

static void expect_refusal(const char *text, const char *says) {
    model_filter *f;
    thaw_status status = model_filter_parse(text, &f);
    assert_int_equal(status.code, THAW_ERR_USAGE);
    if (!strstr(status.message, says)) fail_msg("%s: \"%s\" lacks \"%s\"", text, status.message, says);
    model_filter_free(f);
}

static void a_wrong_term_is_named(void **state) {
    (void)state;
    expect_refusal("parms<30M", "\"parms<30M\"");
    expect_refusal("parms<30M", "did you mean params");
    expect_refusal("colour>3", "there are name, weights, family");
    expect_refusal("acc>", "\"acc>\": acc wants a number");
    expect_refusal("acc>high", "acc wants a number");
    expect_refusal("acc>75x", "acc wants a number");
    expect_refusal("acc>inf", "acc wants a number");
    expect_refusal("params<30X", "as in 30M");
    expect_refusal("params<30MB", "as in 30M"); /* parameters are no bytes */
    expect_refusal("family>3", "family:TEXT");
    expect_refusal("family:", "what should family have in it");
    expect_refusal("cached=yes", "write cached");
    expect_refusal(">75", "\">75\"");
    expect_refusal("cached acc>75 foo<1 bar<1", "\"foo<1\""); /* the first */
}

static void the_terms_around_a_wrong_one_still_count(void **state) {
    (void)state;
    model_filter *f;
    thaw_status status = model_filter_parse("small acc> bundled", &f);
    assert_true(thaw_failed(&status));
    assert_true(model_filter_wants(f, &(model_facts){.info = &small}));
    assert_false(model_filter_wants(f, &(model_facts){.info = &swift}));
    model_filter_free(f);
    assert_true(model_filter_wants(NULL, &(model_facts){.info = &swift}));
}

static void only_some_filters_ask_for_memory(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool asks;
    } all[] = {{"", false},       {"acc>70 cached", false}, {"memory<4G", true}, {"fits", true},
               {"!toobig", true}, {"fitness", false},       {"tight", true},     {"!mem>1G", true}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        model_filter *f;
        thaw_status status = model_filter_parse(all[i].text, &f);
        assert_false(thaw_failed(&status));
        assert_int_equal(model_filter_asks_memory(f), all[i].asks);
        model_filter_free(f);
    }
}

static void a_term_is_toggled(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", "cached"},
        {"cached", ""},
        {"acc>75", "acc>75 cached"},
        {"acc>75  cached vit", "acc>75 vit"},
        {"!cached", "!cached cached"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = model_filter_toggle(cases[i][0], "cached");
        assert_string_equal(text, cases[i][1]);
        free(text);
    }
}

/* Does A come before B by KEY? Both ways must agree. */
static bool before(const thaw_weights_info *a, const thaw_weights_info *b, model_key key, bool reverse) {
    model_facts one = {.info = a, .memory = NAN}, two = {.info = b, .memory = NAN};
    int order = model_compare(&one, &two, key, reverse);
    assert_int_equal(order<0, model_compare(&two, &one, key, reverse)> 0);
    return order < 0;
}

static void orders_begin_with_the_best_or_the_least(void **state) {
    (void)state;
    assert_true(before(&swift, &plain, MODEL_BY_ACCURACY, false));
    assert_true(before(&plain, &swift, MODEL_BY_ACCURACY, true));
    assert_true(before(&small, &swift, MODEL_BY_PARAMETERS, false));
    assert_true(before(&swift, &small, MODEL_BY_PARAMETERS, true));
    assert_true(before(&swift, &plain, MODEL_BY_NAME, false)); /* 50 before 101 */
    assert_true(before(&plain, &swift, MODEL_BY_NAME, true));
    assert_true(before(&swift, &small, MODEL_BY_FAMILY, false));
}

static void what_is_not_known_is_last_either_way(void **state) {
    (void)state;
    for (int reverse = 0; reverse < 2; reverse++) {
        assert_true(before(&swift, &plain, MODEL_BY_SIZE, reverse));
        assert_true(before(&plain, &small, MODEL_BY_ACCURACY, reverse));
    }
    assert_true(before(&swift, &plain, MODEL_BY_MEMORY, false)); /* neither is known: by name */
}

static void what_is_here_is_first(void **state) {
    (void)state;
    model_facts away = {.info = &swift}, here = {.info = &plain, .here = true};
    assert_true(model_compare(&here, &away, MODEL_BY_CACHED, false) < 0);
}

static void keys_are_known_by_several_words(void **state) {
    (void)state;
    static const char *const words[] = {"acc", "ACC", "acc1", "acc@1", "top-1", "accuracy"};
    model_key key = MODEL_BY_NAME;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        thaw_status status = model_key_parse(words[i], &key);
        assert_false(thaw_failed(&status));
        assert_int_equal(key, MODEL_BY_ACCURACY);
    }
    for (int i = 0; i < MODEL_KEY_COUNT; i++) {
        thaw_status status = model_key_parse(model_key_word((model_key)i), &key);
        assert_false(thaw_failed(&status));
        assert_int_equal(key, i);
    }
    thaw_status status = model_key_parse("sise", &key);
    assert_non_null(strstr(status.message, "did you mean size"));
    status = model_key_parse("", &key);
    assert_true(thaw_failed(&status));
}

static void completion_offers_keys_with_their_operator(void **state) {
    (void)state;
    str out = {0};
    model_filter_complete("fa", &out);
    assert_string_equal(str_text(&out), "family:\n");
    str_reset(&out);
    model_filter_complete("acc", &out);
    assert_string_equal(str_text(&out), "acc>\nacc5>\n");
    str_reset(&out);
    model_filter_complete("ca", &out);
    assert_string_equal(str_text(&out), "cached\n");
    str_clear(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_looked_for_in_every_name),
        cmocka_unit_test(every_term_must_be_met),
        cmocka_unit_test(figures_are_compared_in_their_units),
        cmocka_unit_test(what_is_not_known_meets_no_comparison),
        cmocka_unit_test(texts_are_looked_into_or_compared_whole),
        cmocka_unit_test(properties_and_their_opposites),
        cmocka_unit_test(a_wrong_term_is_named),
        cmocka_unit_test(the_terms_around_a_wrong_one_still_count),
        cmocka_unit_test(only_some_filters_ask_for_memory),
        cmocka_unit_test(a_term_is_toggled),
        cmocka_unit_test(orders_begin_with_the_best_or_the_least),
        cmocka_unit_test(what_is_not_known_is_last_either_way),
        cmocka_unit_test(what_is_here_is_first),
        cmocka_unit_test(keys_are_known_by_several_words),
        cmocka_unit_test(completion_offers_keys_with_their_operator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
