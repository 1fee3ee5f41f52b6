/*
 * test_recipe_compare.c - what two recipes differ in, and a recipe as a command line that gives it again.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/alloc.h"
#include "engine/base/json.h"
#include "engine/base/rng.h"
#include "engine/base/str.h"
#include "thaw/recipe.h"

static void assert_ok(thaw_status status) {
    assert_string_equal(status.message, "");
}

/* ---- recipes drawn by chance ---- */

/* Names as hostile as a folder's can be. */
static const char *draw_name(rng *r) {
    static const char *const names[] = {
        "layer1",          "layer*.0", "it's",          " two  blanks ", "a,b",      "none",        "null",
        "\"quoted\"",      "a = 1",    "$HOME `id` \\", "[list]",        "{object}", "line\nbreak", "-dash",
        "\xc3\xa4 Umlaut", "1e3",      "*?!#~;&|<>()"};
    return names[rng_below(r, sizeof names / sizeof *names)];
}

static double draw_number(rng *r, const thaw_recipe_field *f) {
    double value = rng_range(r, f->min, f->max);
    if (rng_below(r, 4) == 0 && !f->above_min) value = f->min;
    return value > f->min || !f->above_min ? value : f->max / 2;
}

static double draw_whole(rng *r, const thaw_recipe_field *f) {
    return f->min + (double)rng_below(r, (uint64_t)(f->max - f->min) + 1);
}

static cJSON *draw_list(rng *r, const thaw_recipe_field *f) {
    cJSON *list = f->type == THAW_RECIPE_FACTORS ? cJSON_CreateObject() : cJSON_CreateArray();
    for (uint64_t n = rng_below(r, 5); n > 0; n--) {
        const char *name = draw_name(r);
        if (f->type == THAW_RECIPE_SIZES)
            cJSON_AddItemToArray(list, cJSON_CreateNumber(draw_whole(r, f)));
        else if (f->type == THAW_RECIPE_NAMES)
            cJSON_AddItemToArray(list, cJSON_CreateString(name));
        else if (!cJSON_GetObjectItemCaseSensitive(list, name))
            cJSON_AddItemToObject(list, name, cJSON_CreateNumber(draw_number(r, f)));
    }
    return list;
}

static cJSON *draw_phases(rng *r) {
    cJSON *list = cJSON_CreateArray();
    int epoch = 0;
    for (uint64_t n = rng_below(r, 4); n > 0; n--) {
        cJSON *phase = cJSON_CreateObject(), *names = cJSON_CreateArray();
        cJSON_AddItemToArray(list, phase);
        epoch += 1 + (int)rng_below(r, 5);
        cJSON_AddNumberToObject(phase, "epoch", epoch);
        cJSON_AddItemToArray(names, cJSON_CreateString(draw_name(r)));
        cJSON_AddItemToObject(phase, rng_below(r, 2) ? "freeze" : "moving", names);
        if (rng_below(r, 2)) cJSON_AddNumberToObject(phase, "lr", rng_unit(r) + 1e-9);
    }
    return list;
}

static cJSON *draw_value(rng *r, const thaw_recipe_field *f) {
    size_t words = 0;
    if (f->null_means && rng_below(r, 3) == 0) return cJSON_CreateNull();
    switch (f->type) {
    case THAW_RECIPE_WORD:
        while (f->choices[words])
            words++;
        return cJSON_CreateString(f->choices[rng_below(r, words)]);
    case THAW_RECIPE_TEXT:
        return cJSON_CreateString(strcmp(f->key, "device") ? draw_name(r) : "cuda:1");
    case THAW_RECIPE_PHASES:
        return draw_phases(r);
    case THAW_RECIPE_BOOL:
        return cJSON_CreateBool(rng_below(r, 2) == 0);
    case THAW_RECIPE_INT:
        return cJSON_CreateNumber(draw_whole(r, f));
    case THAW_RECIPE_NUMBER:
        return cJSON_CreateNumber(draw_number(r, f));
    default:
        return draw_list(r, f);
    }
}

/* Each field drawn, or left at its default half of the time. */
static void draw_recipe(rng *r, thaw_recipe *out) {
    thaw_recipe_init(out);
    for (size_t i = 0; i < thaw_recipe_field_count(); i++) {
        const thaw_recipe_field *f = thaw_recipe_field_at(i);
        if (rng_below(r, 2) == 0) continue;
        cJSON *value = draw_value(r, f);
        char *line = json_print_line(value);
        /* What a text is meant to be is said by JSON's quotes. */
        assert_ok(thaw_recipe_set_text(out, f->key, line));
        free(line);
        cJSON_Delete(value);
    }
}

/* ---- the command line, as a shell reads it ---- */

/* The next word of *AT, unquoted as POSIX says for plain and single-quoted text; NULL: no more. */
static char *shell_word(const char **at) {
    str word = {0};
    const char *c = *at + strspn(*at, " ");
    if (!*c) return NULL;
    for (bool quoted = false; *c && (quoted || *c != ' '); c++) {
        if (*c == '\'')
            quoted = !quoted;
        else if (*c == '\\' && !quoted)
            str_append_n(&word, ++c, 1);
        else if (quoted || !strchr("$`\"*?[]{}~;&|<>()!#\n\t", *c))
            str_append_n(&word, c, 1);
        else
            fail_msg("a shell would act on '%c' in %s", *c, *at);
    }
    *at = c;
    return str_take(&word);
}

static void run_command_line(const char *line, thaw_recipe *out) {
    const char *at = line;
    for (const char *const *expected = (const char *const[]){"thaw", "train", NULL}; *expected; expected++) {
        char *word = shell_word(&at);
        assert_string_equal(word, *expected);
        free(word);
    }
    thaw_recipe_init(out);
    for (char *word; (word = shell_word(&at));) {
        assert_string_equal(word, "--set");
        free(word);
        word = shell_word(&at);
        assert_non_null(word);
        assert_ok(thaw_recipe_set(out, word));
        free(word);
    }
}

static void assert_equal_recipes(const thaw_recipe *a, const thaw_recipe *b, const char *line) {
    char *ja = thaw_recipe_json(a), *jb = thaw_recipe_json(b);
    if (strcmp(ja, jb)) fail_msg("%s\ngives\n%s\nnot\n%s", line, jb, ja);
    free(ja);
    free(jb);
}

static void any_recipe_comes_back_from_its_command_line(void **state) {
    (void)state;
    rng r = rng_keyed(7, RNG_TEST, 0, 0);
    for (int round = 0; round < 2000; round++) {
        thaw_recipe a, b;
        draw_recipe(&r, &a);
        char *line = thaw_recipe_command_line(&a);
        run_command_line(line, &b);
        assert_equal_recipes(&a, &b, line);
        free(line);
        thaw_recipe_clear(&a);
        thaw_recipe_clear(&b);
    }
}

static void a_command_line_names_what_is_not_the_default(void **state) {
    (void)state;
    thaw_recipe r;
    thaw_recipe_init(&r);
    char *line = thaw_recipe_command_line(&r);
    assert_string_equal(line, "thaw train");
    free(line);
    assert_ok(thaw_recipe_set(&r, "model=resnet18"));
    assert_ok(thaw_recipe_set(&r, "freeze=conv1, layer1.*"));
    assert_ok(thaw_recipe_set(&r, "weights=null"));
    assert_ok(thaw_recipe_set(&r, "optimizer.lr=0.01"));
    line = thaw_recipe_command_line(&r);
    assert_string_equal(line,
                        "thaw train --set model=resnet18 --set weights=none --set 'freeze=conv1, layer1.*' "
                        "--set optimizer.lr=0.01");
    free(line);
    thaw_recipe_clear(&r);
}

/* ---- differences ---- */

static void a_field_that_differs_is_listed_and_no_other(void **state) {
    (void)state;
    rng r = rng_keyed(8, RNG_TEST, 0, 0);
    for (size_t i = 0; i < thaw_recipe_field_count(); i++) {
        const thaw_recipe_field *f = thaw_recipe_field_at(i);
        thaw_recipe a, b;
        size_t count, differed = 0;
        draw_recipe(&r, &a);
        for (int round = 0; round < 20; round++) {
            thaw_recipe_copy(&a, &b);
            cJSON *value = draw_value(&r, f);
            char *line = json_print_line(value);
            assert_ok(thaw_recipe_set_text(&b, f->key, line));
            char *ja = thaw_recipe_json(&a), *jb = thaw_recipe_json(&b);
            thaw_recipe_difference *list = thaw_recipe_compare(&a, &b, &count);
            assert_int_equal(count, strcmp(ja, jb) != 0);
            differed += count;
            if (count) assert_ptr_equal(list[0].field, f);
            thaw_recipe_differences_free(list, count);
            thaw_recipe_clear(&b);
            cJSON_Delete(value);
            free(line);
            free(ja);
            free(jb);
        }
        if (!differed && strcmp(f->key, "device")) fail_msg("%s was never drawn another way", f->key);
        thaw_recipe_clear(&a);
    }
}

static void what_a_run_decided_is_no_wish_of_anybody(void **state) {
    (void)state;
    thaw_recipe a, b;
    size_t count;
    thaw_recipe_init(&a);
    thaw_recipe_init(&b);
    assert_ok(thaw_recipe_set(&b, "precision=bf16"));
    assert_ok(thaw_recipe_set(&b, "epochs=3"));
    thaw_recipe_difference *list = thaw_recipe_compare(&a, &b, &count);
    assert_int_equal(count, 2);
    assert_string_equal(list[0].field->key, "epochs");
    assert_string_equal(list[0].a, "25");
    assert_string_equal(list[0].b, "3");
    assert_false(list[0].decided);
    assert_string_equal(list[1].field->key, "precision");
    assert_true(list[1].decided);
    thaw_recipe_differences_free(list, count);
    assert_ok(thaw_recipe_set(&a, "precision=fp32")); /* now both say what they want */
    list = thaw_recipe_compare(&a, &b, &count);
    assert_false(list[1].decided);
    thaw_recipe_differences_free(list, count);
    thaw_recipe_clear(&a);
    thaw_recipe_clear(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_recipe_comes_back_from_its_command_line),
        cmocka_unit_test(a_command_line_names_what_is_not_the_default),
        cmocka_unit_test(a_field_that_differs_is_listed_and_no_other),
        cmocka_unit_test(what_a_run_decided_is_no_wish_of_anybody),
    };
    return cmocka_run_group_tests_name("recipe_compare", tests, NULL, NULL);
}
