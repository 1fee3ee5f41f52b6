/*
 * test_screens.c - which models are listed, and in what order; and that the recipe's form forgets no
 * field.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tui/screens/model_rows.h"
#include "tui/screens/recipe_form.h"

static const thaw_weights_info *at(const model_rows *m, int row) {
    return thaw_catalog_at(m->catalog, m->row[row]);
}

static int open_rows(void **state) {
    static thaw_catalog *catalog;
    model_rows *m = calloc(1, sizeof *m);
    thaw_status status = thaw_catalog_open(&catalog);
    if (thaw_failed(&status)) return -1;
    model_rows_init(m, catalog);
    model_rows_locate(m);
    *state = m;
    return 0;
}

static int close_rows(void **state) {
    model_rows *m = *state;
    thaw_catalog *catalog = (thaw_catalog *)m->catalog;
    model_rows_clear(m);
    thaw_catalog_free(catalog);
    free(m);
    return 0;
}

static void what_works_at_once_is_first_by_name(void **state) {
    model_rows *m = *state;
    for (int reverse = 0; reverse < 2; reverse++) {
        m->order = MODEL_BY_NAME;
        m->reverse = reverse;
        model_rows_arrange(m);
        assert_int_equal(m->count, m->catalog_count);
        assert_true(at(m, 0)->bundled);
        for (int i = 1; i < m->count; i++)
            assert_false(at(m, i)->bundled && !at(m, i - 1)->bundled);
    }
}

static void rows_are_in_the_order_asked_for(void **state) {
    model_rows *m = *state;
    for (m->order = MODEL_BY_WEIGHTS; m->order < MODEL_KEY_COUNT; m->order++) {
        for (int reverse = 0; reverse < 2; reverse++) {
            m->reverse = reverse;
            model_rows_arrange(m);
            assert_int_equal(m->count, m->catalog_count);
            for (int i = 1; i < m->count; i++)
                assert_true(
                    model_compare(&m->facts[m->row[i - 1]], &m->facts[m->row[i]], m->order, m->reverse) <= 0);
        }
    }
}

static void orders_go_round(void **state) {
    model_rows *m = *state;
    m->order = MODEL_BY_NAME;
    m->order = model_rows_next_order(m, -1);
    assert_int_not_equal(m->order, MODEL_BY_NAME);
    m->order = model_rows_next_order(m, 1);
    assert_int_equal(m->order, MODEL_BY_NAME);
}

static void filters_choose_rows(void **state) {
    model_rows *m = *state;
    model_rows_filter(m, "ResNet50");
    assert_true(m->count >= 2);
    for (int i = 0; i < m->count; i++)
        assert_non_null(strcasestr(at(m, i)->arch, "resnet50"));
    model_rows_filter(m, "acc>80 params<30M");
    assert_int_equal(m->count, 12); /* of torchvision's figures */
    for (int i = 0; i < m->catalog_count; i++) {
        bool listed = false;
        for (int k = 0; k < m->count; k++)
            listed |= m->row[k] == i;
        assert_int_equal(listed, model_rows_lists(m, i));
    }
    model_rows_filter(m, "no such thing");
    assert_int_equal(m->count, 0);
    assert_null(m->problem);
    model_rows_filter(m, "resnet50 acc>");
    assert_non_null(strstr(m->problem, "\"acc>\""));
    assert_true(m->count >= 2); /* what makes sense counts */
    model_rows_filter(m, "");
    assert_null(m->problem);
    assert_int_equal(m->count, m->catalog_count);
}

static void several_weights_of_one_architecture_are_told_apart(void **state) {
    model_rows *m = *state;
    int several = 0, single = 0;
    for (int i = 0; i < m->catalog_count; i++) {
        const char *arch = thaw_catalog_at(m->catalog, i)->arch;
        if (!strcmp(arch, "resnet50")) several += model_rows_ambiguous(m, i);
        if (!strcmp(arch, "resnet18")) single += !model_rows_ambiguous(m, i);
    }
    assert_int_equal(several, 2);
    assert_int_equal(single, 1);
}

static void rows_without_a_catalog_are_none(void **state) {
    (void)state;
    model_rows m;
    model_rows_init(&m, NULL);
    model_rows_locate(&m);
    assert_int_equal(m.count, 0);
    model_rows_clear(&m);
}

/* ---- the recipe's form ---- */

static void every_field_of_the_recipe_is_in_the_form_once(void **state) {
    (void)state;
    recipe_form f;
    recipe_form_init(&f);
    for (size_t i = 0; i < thaw_recipe_field_count(); i++) {
        int seen = 0;
        for (int j = 0; j < f.count; j++)
            seen += f.field[j].name && !strcmp(f.field[j].name, thaw_recipe_field_at(i)->key);
        assert_int_equal(seen, 1);
    }
    for (int j = 0; j < f.count; j++) {
        assert_non_null(f.field[j].label);
        assert_string_not_equal(f.field[j].label, "More"); /* each has a place and a name of its own */
        if (f.field[j].kind != FIELD_HEADING) assert_non_null(f.field[j].help);
        if (f.field[j].kind == FIELD_CHOICE) assert_non_null(f.field[j].choice[0]);
    }
    recipe_form_clear(&f);
}

static void every_choice_the_form_offers_is_taken_by_the_recipe(void **state) {
    (void)state;
    recipe_form f;
    thaw_recipe r;
    recipe_form_init(&f);
    thaw_recipe_init(&r);
    for (int j = 0; j < f.count; j++) {
        for (int k = 0; f.field[j].choice && f.field[j].choice[k]; k++) {
            thaw_status status = thaw_recipe_set_text(&r, f.field[j].name, f.field[j].choice[k]);
            if (thaw_failed(&status)) fail_msg("%s: %s", f.field[j].name, status.message);
        }
    }
    thaw_recipe_clear(&r);
    recipe_form_clear(&f);
}

static void fields_of_another_optimizer_do_not_matter(void **state) {
    (void)state;
    thaw_recipe r;
    thaw_recipe_init(&r);
    assert_true(recipe_form_matters(&r, "optimizer.momentum"));
    assert_false(recipe_form_matters(&r, "optimizer.beta1"));
    thaw_status status = thaw_recipe_set(&r, "optimizer.name=adamw");
    assert_false(thaw_failed(&status));
    assert_false(recipe_form_matters(&r, "optimizer.momentum"));
    assert_true(recipe_form_matters(&r, "optimizer.beta1"));
    assert_true(recipe_form_matters(&r, "epochs"));
    assert_true(recipe_form_matters(&r, "a key of the future"));
    thaw_recipe_clear(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_works_at_once_is_first_by_name, open_rows, close_rows),
        cmocka_unit_test_setup_teardown(rows_are_in_the_order_asked_for, open_rows, close_rows),
        cmocka_unit_test_setup_teardown(orders_go_round, open_rows, close_rows),
        cmocka_unit_test_setup_teardown(filters_choose_rows, open_rows, close_rows),
        cmocka_unit_test_setup_teardown(several_weights_of_one_architecture_are_told_apart, open_rows,
                                        close_rows),
        cmocka_unit_test(rows_without_a_catalog_are_none),
        cmocka_unit_test(every_field_of_the_recipe_is_in_the_form_once),
        cmocka_unit_test(every_choice_the_form_offers_is_taken_by_the_recipe),
        cmocka_unit_test(fields_of_another_optimizer_do_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
