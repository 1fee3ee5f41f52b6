/*
 * test_recipe.c - recipes: documents, defaults, single fields as text, and everything that must be refused.
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
#include "engine/base/file.h"
#include "engine/base/rng.h"
#include "engine/base/str.h"
#include "thaw/recipe.h"

static const char documented_example[] =
    "{ \"model\": \"resnet18\", \"weights\": \"IMAGENET1K_V1\",\n"
    "  \"data\": {\"path\": \"hymenoptera_data\", \"val_fraction\": 0.2, \"resize\": 256, \"crop\": 224, "
    "\"augment\": \"basic\"},\n"
    "  \"freeze\": [\"conv1\", \"bn1\", \"layer1\", \"layer2\"], \"norm\": \"eval\",\n"
    "  \"head\": {\"hidden\": [], \"dropout\": 0.0},\n"
    "  \"optimizer\": {\"name\": \"sgd\", \"lr\": 0.001, \"momentum\": 0.9, \"weight_decay\": 0.0},\n"
    "  \"layer_lr\": {\"layer4\": 0.1}, \"schedule\": {\"name\": \"constant\"},\n"
    "  \"epochs\": 25, \"batch_size\": 32, \"seed\": 0, \"device\": \"auto\", \"precision\": \"auto\", "
    "\"cache\": \"auto\" }\n";

static thaw_status parse(const char *json, thaw_recipe *r) {
    return thaw_recipe_parse(json, strlen(json), "r.json", r);
}

static void assert_ok(thaw_status status) {
    assert_string_equal(status.message, "");
}

static void assert_says(thaw_status status, const char *word, const char *subject) {
    if (!thaw_failed(&status)) fail_msg("accepted: %s", subject);
    if (!strstr(status.message, word)) fail_msg("\"%s\" is not in: %s", word, status.message);
}

static void assert_refused(const char *json, const char *word) {
    thaw_recipe r;
    thaw_recipe_init(&r);
    assert_says(parse(json, &r), word, json);
    assert_int_equal(r.epochs, 25); /* usable again, with the defaults */
    thaw_recipe_clear(&r);
}

static void the_example_of_the_documentation_parses(void **state) {
    (void)state;
    thaw_recipe r;
    thaw_recipe_init(&r);
    assert_ok(parse(documented_example, &r));
    assert_string_equal(r.model, "resnet18");
    assert_string_equal(r.weights, "IMAGENET1K_V1");
    assert_int_equal(r.data.crop, 224);
    assert_int_equal(r.freeze_count, 4);
    assert_string_equal(r.freeze[3], "layer2");
    assert_int_equal(r.layer_lr_count, 1);
    assert_string_equal(r.layer_lr[0].pattern, "layer4");
    assert_true(r.layer_lr[0].factor == 0.1);
    assert_ok(thaw_recipe_check(&r));
    thaw_recipe_clear(&r);
}

static void the_defaults_are_the_articles(void **state) {
    (void)state;
    thaw_recipe r;
    thaw_recipe_init(&r);
    assert_string_equal(r.optimizer.name, "sgd");
    assert_true(r.optimizer.lr == 0.001);
    assert_true(r.optimizer.momentum == 0.9);
    assert_true(r.optimizer.weight_decay == 0);
    assert_true(r.optimizer.eps == 1e-8);
    assert_int_equal(r.freeze_count, 1);
    assert_string_equal(r.freeze[0], "all");
    assert_string_equal(r.norm, "eval");
    assert_string_equal(r.weights, "DEFAULT");
    assert_int_equal(r.head.hidden_count, 0);
    assert_null(r.data.interpolation);
    thaw_recipe_clear(&r);
}

static void null_weights_are_random_and_absent_ones_the_default(void **state) {
    (void)state;
    thaw_recipe r;
    thaw_recipe_init(&r);
    assert_ok(parse("{}", &r));
    assert_string_equal(r.weights, "DEFAULT");
    assert_ok(parse("{\"weights\": null}", &r));
    assert_null(r.weights);
    thaw_recipe_clear(&r);
}

static void a_document_changes_only_what_it_names(void **state) {
    (void)state;
    thaw_recipe r;
    thaw_recipe_init(&r);
    assert_ok(parse("{\"epochs\": 3, \"optimizer\": {\"lr\": 0.5}}", &r));
    assert_ok(parse("{\"batch_size\": 8}", &r));
    assert_int_equal(r.epochs, 3);
    assert_true(r.optimizer.lr == 0.5);
    assert_true(r.optimizer.momentum == 0.9);
    assert_int_equal(r.batch_size, 8);
    thaw_recipe_clear(&r);
}

static void mistakes_are_refused_by_name(void **state) {
    (void)state;
    static const struct {
        const char *json, *word;
    } cases[] = {
        {"{\"modle\": \"resnet18\"}", "did you mean \"model\""},
        {"{\"optimizer\": {\"momentun\": 0.9}}", "did you mean \"optimizer.momentum\""},
        {"{\"lr\": 0.1}", "did you mean \"optimizer.lr\""},
        {"{\"qqqqqqqq\": 1}", "unknown key"},
        {"{\"phases\": 5}", "must be a list"},
        {"{\"phases\": [5]}", "a phase is an object"},
        {"{\"phases\": [{\"freeze\": []}]}", "number 1: \"epoch\" must be a whole number, more than 0"},
        {"{\"phases\": [{\"epoch\": 0}]}", "more than 0"},
        {"{\"phases\": [{\"epoch\": 1.5}]}", "whole number"},
        {"{\"phases\": [{\"epoch\": 1e9}]}", "\"epochs\" must be"},
        {"{\"phases\": [{\"epoch\": 3}, {\"epoch\": 3}]}",
         "number 2: \"epoch\" must be a whole number, more than 3"},
        {"{\"phases\": [{\"epoch\": 3, \"freez\": []}]}", "did you mean \"freeze\""},
        {"{\"phases\": [{\"epoch\": 3, \"epoch\": 4}]}", "twice"},
        {"{\"phases\": [{\"epoch\": 3, \"freeze\": \"all\"}]}", "list of layer names"},
        {"{\"phases\": [{\"epoch\": 3, \"lr\": 0}]}", "more than 0"},
        {"{\"\": 1}", "unknown key"},
        {"{\"data\": {\"path\": {\"x\": 1}}}", "\"data.path\" must be a string"},
        {"{\"epochs\": -1}", "\"epochs\" must be a whole number, at least 1"},
        {"{\"epochs\": 0}", "at least 1"},
        {"{\"epochs\": 2.5}", "whole number"},
        {"{\"epochs\": \"25\"}", "not \"25\""},
        {"{\"epochs\": 1e300}", "at most 100000"},
        {"{\"batch_size\": 0}", "at least 1"},
        {"{\"optimizer\": {\"lr\": 1e9}}", "more than 0, at most 10"},
        {"{\"optimizer\": {\"lr\": 0}}", "more than 0"},
        {"{\"optimizer\": {\"lr\": -0.1}}", "more than 0"},
        {"{\"optimizer\": {\"lr\": 1e999}}", "more than 0"},
        {"{\"optimizer\": {\"momentum\": 1}}", "less than 1"},
        {"{\"optimizer\": {\"name\": \"adma\"}}", "did you mean \"adam\""},
        {"{\"optimizer\": {\"nesterov\": 1}}", "true or false"},
        {"{\"optimizer\": 3}", "must be an object"},
        {"{\"optimizer\": []}", "must be an object"},
        {"{\"freeze\": \"layer1\"}", "list of layer names"},
        {"{\"freeze\": [1]}", "list of layer names"},
        {"{\"freeze\": [\"\"]}", "list of layer names"},
        {"{\"freeze\": {\"layer1\": true}}", "list of layer names"},
        {"{\"head\": {\"hidden\": [0]}}", "at least 1"},
        {"{\"head\": {\"hidden\": [1,2,3,4,5,6,7,8,9]}}", "at most 8"},
        {"{\"head\": {\"dropout\": 1.0}}", "less than 1"},
        {"{\"head\": {\"pool\": \"sum\"}}", "default, avg, max or avg+max"},
        {"{\"layer_lr\": {\"layer4\": 0}}", "\"layer4\" must be a number, more than 0"},
        {"{\"layer_lr\": [0.1]}", "an object of layers"},
        {"{\"seed\": -1}", "at least 0"},
        {"{\"seed\": 9007199254740992}", "2^53 - 1"},
        {"{\"device\": \"gpu\"}", "auto, cpu, cuda or cuda:N"},
        {"{\"device\": \"cuda:x\"}", "cuda:N"},
        {"{\"model\": null}", "\"model\" must be a string, not null"},
        {"{\"data\": {\"interpolation\": \"lanczos\"}}", "or null: as the weights were trained"},
        {"{\"epochs\": 1, \"epochs\": 2}", "there twice"},
        {"{\"data\": {\"path\": \"a\"}, \"data\": {\"path\": \"b\"}}", "there twice"},
        {"[]", "a recipe is a JSON object"},
        {"3", "a recipe is a JSON object"},
        {"", "not JSON"},
        {"{\"epochs\": 3", "line 1"},
        {"{\"epochs\": 3} trailing", "not JSON"},
        {"{\"epochs\": NaN}", "not JSON"},
        {"{\n\"epochs\": 3,\n}", "line 3"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_refused(cases[i].json, cases[i].word);
}

/* BEFORE, COUNT times PIECE, AFTER; owned by the caller. */
static char *repeated(const char *before, const char *piece, int count, const char *after) {
    str text = {0};
    str_append(&text, before);
    for (int i = 0; i < count; i++)
        str_append(&text, piece);
    str_append(&text, after);
    return str_take(&text);
}

/* Bytes that are not UTF-8 are written as three each: what is accepted must be short enough even so. */
static void names_are_measured_as_they_are_written(void **state) {
    (void)state;
    char *fits = repeated("{\"freeze\": [\"", "\xff", 256 / 3, "\"]}");
    char *long_when_written = repeated("{\"freeze\": [\"", "\xff", 256 / 3 + 1, "\"]}");
    thaw_recipe r;
    thaw_recipe_init(&r);
    thaw_status status = thaw_recipe_parse(fits, strlen(fits), "r.json", &r);
    assert_string_equal(status.message, "");
    char *json = thaw_recipe_json(&r);
    status = thaw_recipe_parse(json, strlen(json), "again.json", &r);
    assert_string_equal(status.message, "");
    thaw_recipe_clear(&r);
    assert_refused(long_when_written, "freeze");
    free(json);
    free(fits);
    free(long_when_written);
}

static void hostile_documents_are_refused(void **state) {
    (void)state;
    char *deep = repeated("", "{\"data\":", 100000, "");
    assert_refused(deep, "r.json");
    free(deep);
    char *key = repeated("{\"", "k", 100000, "\": 1}");
    assert_refused(key, "100000 characters");
    free(key);
    char *names = repeated("{\"freeze\": [\"b\"", ", \"a\"", 5000, "]}");
    assert_refused(names, "more than 4096");
    free(names);
    char *path = repeated("{\"data\": {\"path\": \"", "p", 5000, "\"}}");
    assert_refused(path, "5000 characters");
    free(path);
    char *lines = repeated("{\"model\": \"", "x\\n", 400, "\", \"epochs\": {}}");
    assert_refused(lines, "epochs");
    free(lines);

    thaw_recipe r;
    thaw_recipe_init(&r);
    thaw_status status = thaw_recipe_parse("{\"epochs\": 3}\0{}", 16, "r.json", &r);
    assert_int_equal(status.code, THAW_ERR_FORMAT);
    thaw_recipe_clear(&r);
}

/* Every prefix and many one-byte changes of a good document parse or fail; the sanitizers watch. */
static void damage(const char *document) {
    size_t length = strlen(document);
    char *damaged = xstrdup(document);
    rng r = rng_keyed(1, RNG_TEST, 0, 0);
    thaw_recipe recipe;
    thaw_recipe_init(&recipe);
    for (size_t cut = 0; cut + 2 < length; cut++) {
        thaw_status status = thaw_recipe_parse(document, cut, "cut", &recipe);
        if (!thaw_failed(&status)) fail_msg("accepted %zu of %zu bytes", cut, length);
    }
    for (int round = 0; round < 3000; round++) {
        size_t at = rng_below(&r, length);
        char old = damaged[at];
        damaged[at] = (char)rng_below(&r, 256);
        thaw_status status = thaw_recipe_parse(damaged, length, "damaged", &recipe);
        damaged[at] = old;
        (void)status;
        assert_non_null(recipe.model);
    }
    thaw_recipe_clear(&recipe);
    free(damaged);
}

static void damaged_documents_do_no_harm(void **state) {
    (void)state;
    damage(documented_example);
    damage("{\"phases\": [{\"epoch\": 2, \"freeze\": [\"conv1\"], \"moving\": [\"layer1\"], \"lr\": 0.01}, "
           "{\"epoch\": 3, \"freeze\": []}], \"epochs\": 9}\n");
}

static void assert_equal_recipes(const thaw_recipe *a, const thaw_recipe *b) {
    char *ja = thaw_recipe_json(a), *jb = thaw_recipe_json(b);
    assert_string_equal(ja, jb);
    free(ja);
    free(jb);
}

static void written_recipes_read_back_equal(void **state) {
    (void)state;
    thaw_recipe a, b;
    thaw_recipe_init(&a);
    assert_ok(parse(documented_example, &a));
    a.optimizer.lr = 0.1 + 0.2; /* needs 17 digits */
    a.seed = 9007199254740991u;
    assert_ok(thaw_recipe_set(&a, "data.path=/ein \"Ordner\"/mit\tUmlaut \xc3\xa4"));
    assert_ok(thaw_recipe_write(&a, "out.json"));
    thaw_recipe_init(&b);
    assert_ok(thaw_recipe_read("out.json", &b));
    assert_true(b.optimizer.lr == 0.1 + 0.2);
    assert_true(b.seed == 9007199254740991u);
    assert_string_equal(a.data.path, b.data.path);
    assert_equal_recipes(&a, &b);
    thaw_recipe_clear(&a);
    thaw_recipe_clear(&b);
}

static void a_written_recipe_has_every_field(void **state) {
    (void)state;
    thaw_recipe r;
    thaw_recipe_init(&r);
    char *json = thaw_recipe_json(&r);
    for (size_t i = 0; i < thaw_recipe_field_count(); i++) {
        const char *dot = strrchr(thaw_recipe_field_at(i)->key, '.');
        char *quoted = xasprintf("\"%s\":", dot ? dot + 1 : thaw_recipe_field_at(i)->key);
        if (!strstr(json, quoted)) fail_msg("%s is missing from %s", quoted, json);
        free(quoted);
    }
    free(json);
    thaw_recipe_clear(&r);
}

static void copies_are_equal_and_independent(void **state) {
    (void)state;
    thaw_recipe a, b;
    thaw_recipe_init(&a);
    assert_ok(parse(documented_example, &a));
    thaw_recipe_copy(&a, &b);
    assert_equal_recipes(&a, &b);
    assert_ok(thaw_recipe_set(&b, "freeze=layer3"));
    assert_int_equal(a.freeze_count, 4);
    assert_int_equal(b.freeze_count, 1);
    assert_ptr_not_equal(a.model, b.model);
    thaw_recipe_clear(&a);
    thaw_recipe_clear(&b);
}

static void assignments_take_json_or_plain_words(void **state) {
    (void)state;
    static const char *const good[] = {
        "model=resnet50",
        "optimizer.lr=0.01",
        "optimizer.nesterov=yes",
        "freeze=[\"layer1\", \"layer2\"]",
        "moving=layer3, layer4.*",
        "head.hidden=512,256",
        "layer_lr=layer4 = 0.5, layer3=0.25",
        " weights = null",
        "data.path=2024",
        "optimizer.weight_decay=1e-4",
        "schedule={\"name\": \"cosine\", \"warmup_epochs\": 1.5}",
    };
    thaw_recipe r;
    thaw_recipe_init(&r);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_ok(thaw_recipe_set(&r, good[i]));
    assert_string_equal(r.model, "resnet50");
    assert_true(r.optimizer.lr == 0.01);
    assert_true(r.optimizer.nesterov);
    assert_int_equal(r.freeze_count, 2);
    assert_int_equal(r.moving_count, 2);
    assert_string_equal(r.moving[1], "layer4.*");
    assert_int_equal(r.head.hidden_count, 2);
    assert_int_equal(r.head.hidden[1], 256);
    assert_int_equal(r.layer_lr_count, 2);
    assert_true(r.layer_lr[0].factor == 0.5);
    assert_null(r.weights);
    assert_string_equal(r.data.path, "2024");
    assert_string_equal(r.schedule.name, "cosine");
    assert_true(r.schedule.warmup_epochs == 1.5);
    assert_true(r.schedule.gamma == 0.1);
    thaw_recipe_clear(&r);
}

static void bad_assignments_change_nothing(void **state) {
    (void)state;
    static const struct {
        const char *text, *word;
    } cases[] = {
        {"epochs", "KEY=VALUE"},
        {"=3", "KEY=VALUE"},
        {"epoch=3", "did you mean \"epochs\""},
        {"epochs=many", "not \"many\""},
        {"epochs=", "whole number"},
        {"head.hidden=512,,256", "whole number"},
        {"head.hidden=big", "whole number"},
        {"layer_lr=layer4", "factor of \"layer4\""},
        {"freeze=[\"layer1\"", "list of layer names"},
        {"schedule={\"name\": \"cosine\", \"gama\": 1}", "did you mean \"schedule.gamma\""},
        {"schedule=cosine", "not JSON"},
        {"optimizer={\"lr\": 0.5, \"momentum\": 7}", "less than 1"},
    };
    thaw_recipe before, r;
    thaw_recipe_init(&before);
    thaw_recipe_init(&r);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_says(thaw_recipe_set(&r, cases[i].text), cases[i].word, cases[i].text);
        assert_equal_recipes(&before, &r);
    }
    thaw_recipe_clear(&before);
    thaw_recipe_clear(&r);
}

/* What a form shows can be typed in again unchanged, for defaults and for other values. */
static void every_field_survives_as_text(void **state) {
    (void)state;
    thaw_recipe a, b;
    thaw_recipe_init(&a);
    thaw_recipe_init(&b);
    assert_ok(parse(documented_example, &a));
    assert_ok(thaw_recipe_set(&a, "head.hidden=64,32"));
    for (size_t i = 0; i < thaw_recipe_field_count(); i++) {
        char *text = thaw_recipe_get_text(&a, thaw_recipe_field_at(i)->key);
        assert_ok(thaw_recipe_set_text(&b, thaw_recipe_field_at(i)->key, text));
        free(text);
    }
    assert_equal_recipes(&a, &b);
    assert_null(thaw_recipe_get_text(&a, "nothing"));
    thaw_recipe_clear(&a);
    thaw_recipe_clear(&b);
}

static void fields_that_contradict_each_other_do_not_check(void **state) {
    (void)state;
    static const struct {
        const char *more, *word;
    } cases[] = {
        {"weights=\"\"", "\"weights\" is empty"},
        {"optimizer={\"momentum\": 0, \"nesterov\": true}", "needs"},
        {"data={\"resize\": 100, \"crop\": 200}", "data.crop"},
        {"schedule={\"warmup_epochs\": 26}", "warmup_epochs"},
        {"schedule={\"name\": \"cosine\", \"min_lr\": 1}", "min_lr"},
        {"phases={\"epoch\": 25}", "begins when the run is over"},
        {"model=", "no model"},
        {"data.path=", "no data"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        thaw_recipe r;
        thaw_recipe_init(&r);
        assert_ok(parse(documented_example, &r));
        assert_ok(thaw_recipe_set(&r, "data={\"resize\": 0, \"crop\": 0}"));
        assert_ok(thaw_recipe_check(&r));
        assert_ok(thaw_recipe_set(&r, cases[i].more));
        assert_says(thaw_recipe_check(&r), cases[i].word, cases[i].more);
        thaw_recipe_clear(&r);
    }
}

static void values_changed_in_memory_are_checked_too(void **state) {
    (void)state;
    thaw_recipe r;
    thaw_recipe_init(&r);
    assert_ok(parse(documented_example, &r));
    r.batch_size = -5;
    assert_says(thaw_recipe_check(&r), "batch_size", "batch_size -5");
    r.batch_size = 1;
    r.optimizer.lr = (double)NAN;
    assert_says(thaw_recipe_check(&r), "optimizer.lr", "lr NaN");
    thaw_recipe_clear(&r);
}

static void unreadable_files_are_named(void **state) {
    (void)state;
    thaw_recipe r;
    thaw_recipe_init(&r);
    assert_says(thaw_recipe_read("no-such.json", &r), "no-such.json", "a missing file");
    assert_says(thaw_recipe_read(".", &r), "folder", "a folder");
    char *large = repeated("", " ", 2 << 20, "");
    assert_ok(file_replace("large.json", large, strlen(large)));
    free(large);
    assert_says(thaw_recipe_read("large.json", &r), "large.json", "2 MB of blanks");
    thaw_recipe_clear(&r);
}

/* ---- documentation ---- */

/* The default as it stands in a document. */
static char *default_cell(const thaw_recipe_field *f) {
    if (f->null_means && strcmp(f->initial, "none") == 0) return xstrdup("`null`");
    if (f->type == THAW_RECIPE_TEXT && !f->initial[0]) return xstrdup("required");
    if (f->type == THAW_RECIPE_FACTORS) return xstrdup("`{}`");
    if (f->type == THAW_RECIPE_SIZES || f->type == THAW_RECIPE_PHASES ||
        (f->type == THAW_RECIPE_NAMES && !f->initial[0]))
        return xstrdup("`[]`");
    if (f->type == THAW_RECIPE_NAMES) return xasprintf("`[\"%s\"]`", f->initial);
    return xasprintf("`%s`", f->initial);
}

static void append_row(str *out, const thaw_recipe_field *f) {
    static const char *const nouns[] = {
        [THAW_RECIPE_TEXT] = "string",
        [THAW_RECIPE_NAMES] = "list of strings",
        [THAW_RECIPE_SIZES] = "list of: ",
        [THAW_RECIPE_INT] = "whole number: ",
        [THAW_RECIPE_NUMBER] = "number: ",
        [THAW_RECIPE_FACTORS] = "object of: ",
        [THAW_RECIPE_PHASES] = "list of phases",
        [THAW_RECIPE_WORD] = "",
        [THAW_RECIPE_BOOL] = "",
    };
    char range[128], *initial = default_cell(f);
    str_appendf(out, "| `%s` | %s | %s%s%s%s | %s |\n", f->key, initial, nouns[f->type],
                thaw_recipe_field_range(f, range, sizeof range), f->null_means ? ", or null: " : "",
                f->null_means ? f->null_means : "", f->help);
    free(initial);
}

static char *markdown_table(void) {
    str out = {0};
    str_append(&out, "| key | default | values | meaning |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < thaw_recipe_field_count(); i++)
        append_row(&out, thaw_recipe_field_at(i));
    return str_take(&out);
}

/* `THAW_PRINT_TABLE=FILE test_recipe` writes the table for pasting. */
static void the_documented_table_is_the_one_in_the_code(void **state) {
    (void)state;
    const char *root = getenv("THAW_ROOT"), *print = getenv("THAW_PRINT_TABLE");
    char *table = markdown_table(), *text;
    if (print) assert_ok(file_replace(print, table, strlen(table)));
    assert_non_null(root);
    char *path = path_join(root, "docs/recipe.md");
    assert_ok(file_read(path, 1 << 20, &text, NULL));
    if (!strstr(text, table)) fail_msg("docs/recipe.md has another table; expected\n%s", table);
    free(text);
    free(path);
    free(table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_documentation_parses),
        cmocka_unit_test(the_defaults_are_the_articles),
        cmocka_unit_test(null_weights_are_random_and_absent_ones_the_default),
        cmocka_unit_test(a_document_changes_only_what_it_names),
        cmocka_unit_test(mistakes_are_refused_by_name),
        cmocka_unit_test(names_are_measured_as_they_are_written),
        cmocka_unit_test(hostile_documents_are_refused),
        cmocka_unit_test(damaged_documents_do_no_harm),
        cmocka_unit_test(written_recipes_read_back_equal),
        cmocka_unit_test(a_written_recipe_has_every_field),
        cmocka_unit_test(copies_are_equal_and_independent),
        cmocka_unit_test(assignments_take_json_or_plain_words),
        cmocka_unit_test(bad_assignments_change_nothing),
        cmocka_unit_test(every_field_survives_as_text),
        cmocka_unit_test(fields_that_contradict_each_other_do_not_check),
        cmocka_unit_test(values_changed_in_memory_are_checked_too),
        cmocka_unit_test(unreadable_files_are_named),
        cmocka_unit_test(the_documented_table_is_the_one_in_the_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
