/*
 * test_step_graph.c - steps launched as a CUDA graph are those that are computed. On a device without graphs
 * (THAW_TEST_DEVICE, see support_torch.h) there is only that to be seen: there are none.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/train/learner.h"
#include "tests/unit/support_model.h"
#include "tests/unit/support_torch.h"
#include "tests/unit/train_fixture.h"

enum { STEPS = 7, LOGITS = SUPPORT_BATCH * SUPPORT_CLASSES };

/* Learners of the same model: one that launches graphs, one that does not. */
typedef struct pupil {
    model *m;
    learner l;
    double loss;
    float logits[LOGITS];
} pupil;

static void begin_in(pupil *p, const thaw_head *head, bool graphs, bool bf16) {
    *p = (pupil){.m = support_model(head)};
    thaw_recipe recipe;
    thaw_recipe_init(&recipe);
    p->l = (learner){.model = p->m, .seed = 3, .bf16 = bf16};
    expect_ok(optimizer_new(&recipe, p->m, &p->l.optimizer));
    thaw_recipe_clear(&recipe);
    if (graphs) p->l.graph = step_graph_new(p->m, p->l.optimizer);
}

static void begin(pupil *p, const thaw_head *head, bool graphs) {
    begin_in(p, head, graphs, false);
}

static void end(pupil *p) {
    optimizer *o = p->l.optimizer;
    learner_clear(&p->l);
    optimizer_free(o);
    model_free(p->m);
}

static void set_mask(pupil *p, const char *frozen, const char *moving) {
    support_mask(p->m, frozen, moving);
    expect_ok(learner_mask_changed(&p->l));
}

/* Images and labels are others in each step: a launch must see those of its own. */
static void step_of(pupil *p, int count, int64_t number, double lr) {
    image_batch images = support_images();
    int64_t label[SUPPORT_BATCH];
    for (int i = 0; i < SUPPORT_BATCH * SUPPORT_SIDE * SUPPORT_SIDE * 3; i++)
        images.pixels[i] ^= (uint8_t)(37 * number);
    for (int i = 0; i < SUPPORT_BATCH; i++)
        label[i] = (images.label[i] + number) % SUPPORT_CLASSES;
    images.count = count;
    images.label = label;
    expect_ok(learner_step(&p->l, &images, number, lr, NULL, &p->loss));
}

static void step_on_the_same(pupil *p, int64_t number, double lr) {
    image_batch images = support_images();
    expect_ok(learner_step(&p->l, &images, number, lr, NULL, &p->loss));
}

static void classify(pupil *p) {
    image_batch images = support_images();
    images.label = NULL;
    expect_ok(learner_infer(&p->l, &images));
    memcpy(p->logits, p->l.logits, sizeof p->logits);
}

/* Not to the bit: convolutions on CUDA round to TF32, and a few images make much of it. */
static double farthest; /* seen, relative */
static void near(double a, double b) {
    farthest = fmax(farthest, fabs(a - b) / (1 + fabs(b)));
    if (!(fabs(a - b) <= 0.02 * (1 + fabs(b)))) fail_msg("%.9g, not %.9g", a, b);
}

static bool graphs_are_here(void) {
    if (torch_graphs(support_torch(), support_device())) return true;
    skip();
    return false;
}

static void where_there_are_none_nothing_is_recorded(void **state) {
    (void)state;
    pupil p;
    begin(&p, NULL, true);
    if (support_device().kind == DEVICE_CPU) assert_null(p.l.graph);
    end(&p);
    assert_int_equal(setenv("THAW_CUDA_GRAPHS", "0", 1), 0);
    begin(&p, NULL, true);
    assert_null(p.l.graph);
    end(&p);
    assert_int_equal(unsetenv("THAW_CUDA_GRAPHS"), 0);
}

static void forward(model *m, host_tensors *places, uint64_t step, float logits[LOGITS]) {
    tscope s = support_begin();
    pass p = {.scope = &s, .training = true, .dropout_seed = 3, .dropout_step = step, .places = places};
    shape size = SHAPE_4(SUPPORT_BATCH, 3, SUPPORT_SIDE, SUPPORT_SIDE);
    act x = {.size = size, .t = support_noise(&s, size, 7)};
    t_read(&s, t_detach(&s, model_forward(m, &p, x, 0, m->stage_count).t), logits, LOGITS * sizeof *logits);
    support_end(&s);
}

/* What a pass leaves places for, another pass finds there, filled anew: masks of another step, at the same
 * addresses. */
static void masks_have_places(void **state) {
    (void)state;
    model *m = support_model(&(thaw_head){.dropout = 0.5});
    support_mask(m, "all", NULL); /* but the head: norms do not move between the passes */
    host_tensors places = {0};
    float plain[LOGITS], placed[LOGITS];
    forward(m, NULL, 5, plain);
    forward(m, &places, 5, placed);
    assert_int_equal(places.count, 1);
    assert_memory_equal(plain, placed, sizeof plain);
    places.recorded = true;
    for (uint64_t step = 6; step < 9; step++) {
        tscope s = support_begin();
        host_tensors_fill(&places, &s, 3, step);
        support_end(&s);
        places.at = 0;
        forward(m, &places, 0, placed); /* its own step no longer counts */
        assert_memory_not_equal(plain, placed, sizeof plain);
        forward(m, NULL, step, plain);
        assert_memory_equal(plain, placed, sizeof plain);
    }
    assert_int_equal(places.count, 1);
    tscope s = support_begin(); /* a pass that asks for more than there was */
    pass p = {.scope = &s, .training = true, .places = &places};
    shape size = SHAPE_4(SUPPORT_BATCH, 3, SUPPORT_SIDE, SUPPORT_SIDE);
    act x = {.size = size, .t = support_noise(&s, size, 7)};
    model_forward(m, &p, x, 0, m->stage_count);
    support_fails(&s, THAW_ERR_USAGE, "no such place was made");
    host_tensors_clear(&places, m->torch);
    model_free(m);
}

static int made;
static void count_made(const host_numbers *of, float *values, size_t count) {
    made++;
    for (size_t i = 0; i < count; i++)
        values[i] = of->how ? *(const float *)of->how : (float)of->step;
}

/* Windows of Swin are masked alike in every step: tables like that are not made and sent up again. */
static void what_is_the_same_in_each_step_is_made_once(void **state) {
    (void)state;
    model *m = support_model(NULL);
    host_tensors places = {0};
    tscope s = support_begin();
    pass p = {.scope = &s, .device = m->device, .dropout_step = 5, .places = &places};
    float how = 7, constant[2], drawn[2];
    made = 0;
    tensor *same = pass_host_tensor(&p, m->root, SHAPE_1(2), count_made, &how, sizeof how);
    tensor *other = pass_host_tensor(&p, m->root, SHAPE_1(2), count_made, NULL, 0);
    assert_int_equal(made, 2);
    host_tensors_fill(&places, &s, 3, 6);
    assert_int_equal(made, 3);
    t_read(&s, same, constant, sizeof constant);
    t_read(&s, other, drawn, sizeof drawn);
    assert_true(constant[1] == 7 && drawn[1] == 6);
    support_end(&s);
    host_tensors_clear(&places, m->torch);
    model_free(m);
}

/* Running statistics have moved, and folded weights with them. */
static void classify_alike(pupil *a, pupil *b) {
    classify(a);
    classify(b);
    for (int k = 0; k < LOGITS; k++)
        near(a->logits[k], b->logits[k]);
}

static void compare_steps(bool bf16) {
    static const char *const mask[][2] = {{NULL, NULL},
                                          {"conv1,bn1,layer1,layer2", NULL},
                                          {"layer2", NULL},
                                          {"conv1,bn1", "layer1,layer2,layer3"},
                                          {"conv1,bn1,layer1,layer2,layer3", NULL}};
    pupil a, b;
    begin_in(&a, NULL, true, bf16);
    begin_in(&b, NULL, false, bf16);
    for (size_t i = 0; i < sizeof mask / sizeof *mask; i++) {
        set_mask(&a, mask[i][0], mask[i][1]);
        set_mask(&b, mask[i][0], mask[i][1]);
        assert_false(step_graph_recorded(a.l.graph));
        for (int k = 0; k < STEPS; k++) {
            double lr = 0.01 / (k + 1); /* another one each time */
            step_of(&a, SUPPORT_BATCH, k, lr);
            step_of(&b, SUPPORT_BATCH, k, lr);
            near(a.loss, b.loss);
            if (k == STEPS - 2) classify_alike(&a, &b);
        }
        assert_true(step_graph_recorded(a.l.graph));
        classify_alike(&a, &b);
    }
    end(&a);
    end(&b);
}

static void launched_steps_are_those_that_are_computed(void **state) {
    (void)state;
    if (!graphs_are_here()) return;
    compare_steps(false);
    compare_steps(true);
}

static void frozen_tensors_stay_to_the_bit(void **state) {
    (void)state;
    if (!graphs_are_here()) return;
    pupil p;
    begin(&p, NULL, true);
    set_mask(&p, "conv1,bn1,layer1,layer3", "layer2");
    tensor *weight = support_copy(p.m, "layer1.0.conv1", "weight");
    tensor *mean = support_copy(p.m, "layer3.0.bn1", "running_mean");
    tensor *quiet = support_copy(p.m, "layer2.0.conv1", "weight");
    tensor *moving = support_copy(p.m, "layer2.0.bn1", "running_mean");
    for (int k = 0; k < STEPS; k++)
        step_of(&p, SUPPORT_BATCH, k, 0.05);
    assert_true(step_graph_recorded(p.l.graph));
    assert_true(support_same(p.m, "layer1.0.conv1", "weight", weight));
    assert_true(support_same(p.m, "layer3.0.bn1", "running_mean", mean));
    assert_true(support_same(p.m, "layer2.0.conv1", "weight", quiet));
    assert_false(support_same(p.m, "layer2.0.bn1", "running_mean", moving));
    tensor *const copies[] = {weight, mean, quiet, moving};
    for (size_t i = 0; i < sizeof copies / sizeof *copies; i++)
        tensor_free(p.m->torch, copies[i]);
    end(&p);
}

static void computed_steps_see_their_own_images(void **state) {
    (void)state;
    pupil p; /* what step_of does, without a graph: else it would show nothing of one */
    begin(&p, NULL, false);
    set_mask(&p, "all", NULL);
    double before = 0;
    for (int k = 0; k < 3; k++) {
        step_of(&p, SUPPORT_BATCH, k, 1e-9);
        assert_true(fabs(p.loss - before) > 1e-4);
        before = p.loss;
    }
    end(&p);
}

static void a_smaller_batch_is_computed_and_the_graph_stays(void **state) {
    (void)state;
    if (!graphs_are_here()) return;
    pupil a, b;
    begin(&a, NULL, true);
    begin(&b, NULL, false);
    set_mask(&a, NULL, NULL);
    set_mask(&b, NULL, NULL);
    for (int k = 0; k < 2 * STEPS; k++) {
        int count = k % 3 == 2 ? SUPPORT_BATCH - 1 : SUPPORT_BATCH;
        step_of(&a, count, k, 0.01);
        step_of(&b, count, k, 0.01);
        near(a.loss, b.loss);
    }
    assert_true(step_graph_recorded(a.l.graph));
    end(&a);
    end(&b);
}

static void each_launch_has_its_own_dropout_mask(void **state) {
    (void)state;
    if (!graphs_are_here()) return;
    pupil a, b;
    begin(&a, &(thaw_head){.dropout = 0.5}, true);
    begin(&b, &(thaw_head){.dropout = 0.5}, false);
    set_mask(&a, "all", NULL);
    set_mask(&b, "all", NULL);
    double before = 0;
    for (int k = 0; k < STEPS; k++) {
        step_on_the_same(&a, k, 1e-9); /* weights stay: only the mask can make a difference */
        step_on_the_same(&b, k, 1e-9);
        near(a.loss, b.loss);
        assert_true(fabs(a.loss - before) > 1e-4);
        before = a.loss;
    }
    assert_true(step_graph_recorded(a.l.graph));
    end(&a);
    end(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_there_are_none_nothing_is_recorded),
        cmocka_unit_test(masks_have_places),
        cmocka_unit_test(what_is_the_same_in_each_step_is_made_once),
        cmocka_unit_test(computed_steps_see_their_own_images),
        cmocka_unit_test(launched_steps_are_those_that_are_computed),
        cmocka_unit_test(frozen_tensors_stay_to_the_bit),
        cmocka_unit_test(a_smaller_batch_is_computed_and_the_graph_stays),
        cmocka_unit_test(each_launch_has_its_own_dropout_mask),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (farthest > 0) printf("launched and computed steps are up to %.2g apart\n", farthest);
    return failed;
}
