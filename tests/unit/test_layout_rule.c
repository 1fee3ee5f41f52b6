/*
 * test_layout_rule.c - which layout a run computes in, and that the run remembers it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/models/registry.h"
#include "engine/train/layout.h"
#include "tests/unit/train_fixture.h"

static bool rule(const char *name, int side, bool bf16, bool cuda, bool avx512) {
    return layout_channels_last(&(layout_question){arch_find(name), side, bf16, cuda, avx512, false, false});
}

static void the_rule_is_as_measured(void **state) {
    (void)state;
    assert_false(rule("resnet18", 224, false, false, false));
    assert_true(rule("resnet18", 224, false, false, true));
    assert_true(rule("resnet18", 224, true, false, false));
    assert_true(rule("resnet18", 224, false, true, false));
    assert_true(rule("mobilenet_v2", 224, false, false, false));
    assert_false(rule("vgg11", 224, false, false, false));
    assert_true(rule("cifar_resnet20", 32, false, false, false));
    assert_false(rule("cifar_resnet20", 128, false, false, false));
    assert_false(layout_channels_last(&(layout_question){.side = 224}));
    const layout_question old = {arch_find("mobilenet_v2"), 224, .avx512 = true, .old = true};
    assert_false(layout_channels_last(&old));
}

static bool rule_with_filtering(const char *name, int side, bool old) {
    return layout_channels_last(&(layout_question){arch_find(name), side, .winograd = true, .old = old});
}

static void what_the_filtering_saves_counts(void **state) {
    (void)state;
    assert_true(rule_with_filtering("resnet18", 224, false));
    assert_true(rule_with_filtering("vgg11", 224, false));
    assert_false(rule_with_filtering("resnet18", 224, true));
    assert_false(rule_with_filtering("resnext50_32x4d", 224, false)); /* its 3x3 convolutions are grouped */
    assert_false(rule_with_filtering("vit_b_32", 224, false));
    assert_false(rule_with_filtering("inception_v3", 8, false)); /* it cannot be so small */
}

static void stop_at_step(rig *r, const thaw_event *e) {
    if (e->kind == THAW_EVENT_STEP && e->steps == 2) {
        command *c = command_new(COMMAND_STOP);
        c->save = true;
        mailbox_post(r->mailbox, c);
    }
}

/* A run asked for LAYOUT, stopped and resumed: what its recipe says then, and its weights' format. */
static void expect_run(const char *layout, const char *decided, memory_format format) {
    thaw_recipe recipe;
    FIXTURE_RECIPE(&recipe, layout, "precision=fp32");
    rig first = {.on_event = stop_at_step};
    rig_train(&first, &recipe);
    assert_int_equal(first.how, TRAINER_STOPPED);
    rig second = {.keep = true};
    rig_resume(&second, first.folder);
    expect_ok(second.status);
    assert_string_equal(second.trainer->recipe.layout, decided);
    assert_int_equal(second.trainer->model->format, format);
    rig_clear(&second);
    rig_clear(&first);
    thaw_recipe_clear(&recipe);
}

static void a_run_goes_on_in_the_layout_it_began_with(void **state) {
    (void)state;
    expect_run("layout=auto", "channels_last", FORMAT_CHANNELS_LAST); /* small images, on any processor */
    expect_run("layout=contiguous", "contiguous", FORMAT_CONTIGUOUS);
    expect_run("layout=channels_last", "channels_last", FORMAT_CHANNELS_LAST);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rule_is_as_measured),
        cmocka_unit_test(what_the_filtering_saves_counts),
        cmocka_unit_test(a_run_goes_on_in_the_layout_it_began_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
